# SPDX-License-Identifier: Apache-2.0
"""Runs inside a sandbox, and tries whatever it is told to: a JSON object a line on standard input, an answer a line.
It needs Python's own library and nothing else."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from typing import Any

TIMEOUT = 0.7
FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}


def reach(kind: str, host: str, port: int) -> bool:
    """Whether anything comes back from there, by a socket of that kind, as in tcp4."""
    kind, family = kind[:-1], FAMILIES[kind[-1]]
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + host)
            return True
    if kind == "raw":
        socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
        return True
    if kind == "packet":
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
        return True
    if kind == "name":
        return bool(socket.getaddrinfo(host, port, family))
    datagrams = {"udp": 0, "icmp": socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6}
    with socket.socket(family, socket.SOCK_DGRAM if kind in datagrams else socket.SOCK_STREAM, datagrams.get(kind, 0)) as client:
        client.settimeout(TIMEOUT)
        client.connect((host, port))
        if kind == "icmp":
            client.send((b"\x08" if family == socket.AF_INET else b"\x80") + bytes(7) + b"x")
        else:
            client.send(b"x")
        return bool(client.recv(100))


def open_proxy() -> socket.socket:
    host, _, port = os.environ["HTTP_PROXY"].removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def send(request: str) -> str:
    """What the proxy answers to some bytes, to the end."""
    with open_proxy() as client:
        client.sendall(request.encode("latin-1"))
        client.shutdown(socket.SHUT_WR)
        data = b""
        try:
            while part := client.recv(65536):
                data += part
        except ConnectionResetError:
            pass
        return data.decode("latin-1")


def shake(target: str, name: str | None) -> str:
    """What comes of TLS through a tunnel to TARGET that names NAME."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with open_proxy() as client:
        client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1) or b"\r\n\r\n"
        try:
            with context.wrap_socket(client, server_hostname=name) as stream:
                stream.sendall(b"hello")
                return stream.recv(5).decode()
        except ssl.SSLError as error:
            return str(error.reason)


def attempt(task: dict[str, Any]) -> Any:
    try:
        return {"reach": reach, "send": send, "shake": shake}[task.pop("do")](**task)
    except OSError:
        return False


def main() -> None:
    print("there", flush=True)
    for line in sys.stdin:
        tasks = json.loads(line)
        answers: list[Any] = [None] * len(tasks)

        def work(index: int, task: dict[str, Any], answers: list[Any] = answers) -> None:
            answers[index] = attempt(task)

        threads = [threading.Thread(target=work, args=each) for each in enumerate(tasks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(answers), flush=True)


main()
