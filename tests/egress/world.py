# SPDX-License-Identifier: Apache-2.0
"""A small Internet for the tests of egress: namespaces of our own, addresses that look public on the
loopback device, a resolver that says what a test wants, and servers that count who comes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

PUBLIC = "93.184.216.34"
PUBLIC2 = "93.184.216.35"
PUBLIC6 = "2606:2800:220:1::34"
SILENT = "93.184.217.1"    # nobody is there, and nobody says so
PRIVATE = "10.9.9.9"
METADATA = "169.254.169.254"
MARK = "ZU_EGRESS_WORLD"


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def enter() -> None:
    """Starts this program again in namespaces of its own, once."""
    if os.environ.get(MARK) != "1":
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.environ[MARK] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", *user, "--",
                              sys.executable, *sys.argv])
    build()


def build() -> None:
    run("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, PUBLIC2, PRIVATE, METADATA):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("ip", "-6", "address", "add", f"{PUBLIC6}/128", "dev", "lo", "nodad")
    run("ip", "link", "add", "void", "type", "veth", "peer", "name", "abyss")
    run("ip", "link", "set", "abyss", "up")
    run("ip", "link", "set", "void", "up")
    run("ip", "address", "add", "93.184.217.2/24", "dev", "void")
    run("ip", "neighbour", "add", SILENT, "lladdr", "02:00:00:00:00:01", "dev", "void")
    run("ip", "-6", "address", "add", "2606:2800:220:2::2/64", "dev", "void", "nodad")
    run("ip", "-6", "neighbour", "add", "2606:2800:220:2::1", "lladdr", "02:00:00:00:00:01", "dev", "void")
    folder = tempfile.mkdtemp(prefix="zu-world-")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
                       ("hosts", "127.0.0.1 localhost\n"), ("nsswitch.conf", "hosts: files dns\n")):
        path = Path(folder) / name
        path.write_text(text)
        run("mount", "--bind", str(path), f"/etc/{name}")


def engine_pid() -> int:
    """Who listens on the engine's socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
        return int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


class Resolver:
    """Answers A and AAAA from a table; a list of lists is answered in turn. Counts the questions."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def set(self, name: str, *turns: list[str]) -> None:
        self.names[name] = list(turns)
        self.asked.clear()

    def serve(self) -> None:
        while True:
            query, peer = self.socket.recvfrom(4096)
            if len(query) < 17:
                self.asked.append("")  # no question, but somebody got here
                continue
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack(">H", query[at + 1:at + 3])[0]
            name = ".".join(labels).lower()
            if kind == 1:
                self.asked.append(name)
            if name not in self.silent:
                self.socket.sendto(self.answer(query, at + 5, name, kind), peer)

    def answer(self, query: bytes, end: int, name: str, kind: int) -> bytes:
        turns = self.names.get(name)
        if turns is None:
            return query[:2] + b"\x81\x83" + query[4:6] + b"\0\0\0\0\0\0" + query[12:end]
        turn = min(max(self.asked.count(name) - 1, 0), len(turns) - 1)
        family = socket.AF_INET6 if kind == 28 else socket.AF_INET
        found = [socket.inet_pton(family, a) for a in turns[turn] if (":" in a) == (kind == 28)]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(a)) + a for a in found)
        return query[:2] + b"\x81\x80" + query[4:6] + struct.pack(">HHH", len(found), 0, 0) + query[12:end] + records


class Server:
    """A listener that hands each connection to a function, and counts them."""

    def __init__(self, handle: Callable[[socket.socket], None], address: str = PUBLIC, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(2100)
        self.address = address
        self.port: int = self.socket.getsockname()[1]
        self.handle = handle
        self.accepted = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            self.handle(connection)

    def close(self) -> None:
        self.socket.close()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


class Origin(Server):
    """An HTTP origin: keeps what it was sent, and answers each request with the next of its answers."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, *answers: bytes, address: str = PUBLIC, port: int = 0) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        super().__init__(self.exchange, address, port)

    def exchange(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while head := self.read_head(stream):
            self.heads.append(head)
            answer = self.answers.pop(0) if self.answers else self.OK
            self.bodies.append(self.read_body(stream, head))
            connection.sendall(answer)
            if b"Content-Length" not in answer and b"chunked" not in answer and b" 204" not in answer:
                return

    @staticmethod
    def read_head(stream: Any) -> bytes:
        head = b""
        while line := stream.readline():
            head += line
            if line == b"\r\n":
                return head
        return b""

    @staticmethod
    def read_body(stream: Any, head: bytes) -> bytes:
        if match := re.search(rb"Content-Length: (\d+)", head):
            return bytes(stream.read(int(match[1])))
        body = b""
        while b"Transfer-Encoding: chunked" in head:
            line = stream.readline()
            body += line
            size = int(line, 16)
            body += stream.read(size + 2)
            if not size:
                break
        return body


def make_certificate(folder: Path, name: str) -> tuple[str, str]:
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(certificate))
    return str(certificate), str(key)


def environment() -> dict[str, str]:
    """Ours; a sanitizer cannot look for leaks behind the proxy's seccomp filter."""
    options = os.environ.get("ASAN_OPTIONS")
    return dict(os.environ, ASAN_OPTIONS=f"{options}:detect_leaks=0") if options else dict(os.environ)


class Proxy:
    """zu-egress-proxy with options, its decisions, and clients of it."""

    def __init__(self, *options: str, address: str = "127.0.0.1") -> None:
        self.decisions_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["zu-egress-proxy", "--listen", f"{address}:0", *options],
                                        stdout=self.decisions_file, stderr=subprocess.PIPE, env=environment())
        assert self.process.stderr is not None
        line = ""
        while not line or "allowed" in line:
            line = self.process.stderr.readline().decode()
            assert line
        match = re.search(r"listening on [0-9.]+:(\d+)", line)
        assert match, line
        self.port = int(match[1])

    def stop(self) -> int:
        self.process.terminate()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return self.process.wait(20)

    def decisions(self) -> list[dict[str, Any]]:
        text = os.pread(self.decisions_file.fileno(), 1 << 24, 0).decode()
        return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]

    def await_decisions(self, count: int) -> list[dict[str, Any]]:
        for _ in range(500):
            if len(self.decisions()) >= count:
                break
            time.sleep(0.01)
        return self.decisions()

    def open(self, timeout: float = 20) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def send(self, request: bytes) -> bytes:
        """What comes back for some bytes, to the end."""
        with self.open() as client:
            client.sendall(request)
            return read_all(client)

    def connect(self, target: str) -> tuple[socket.socket, bytes]:
        """A tunnel, and the head of the answer."""
        client = self.open()
        client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return client, read_until(client, b"\r\n\r\n")

    def get(self, url: str) -> bytes:
        host = url.split("/")[2]
        return self.send(f"GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())


def read_all(client: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            data += part
    return data


def read_until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        part = client.recv(1)
        if not part:
            break
        data += part
    return data


def reason(answer: bytes) -> str:
    match = re.search(rb"\r\nZu-Egress-Reason: ([a-z-]+)\r\n", answer)
    return match[1].decode() if match else ""


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@contextlib.contextmanager
def proxy(*options: str) -> Iterator[Proxy]:
    started = Proxy(*options)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.stop()
