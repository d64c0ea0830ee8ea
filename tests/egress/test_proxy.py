# SPDX-License-Identifier: Apache-2.0
"""zu-egress-proxy from outside: what it lets through, what it refuses and says, and what it costs."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import support  # noqa: E402
from world import (METADATA, PRIVATE, PUBLIC, PUBLIC2, PUBLIC6, SILENT, Origin, Resolver, Server, echo, enter,  # noqa: E402
                   environment, make_certificate, proxy, read_all, read_until, reason, status)

KEYS = ["time", "client", "host", "port", "ip", "scheme", "allowed", "rule", "reason", "bytes_in", "bytes_out",
        "duration_ms"]
resolver: Resolver


class Decisions(unittest.TestCase):

    def setUp(self) -> None:
        self.origin = Origin()
        self.addCleanup(self.origin.close)
        self.echo = Server(echo)
        self.addCleanup(self.echo.close)

    def test_a_tunnel_and_its_record(self) -> None:
        rule = f"{PUBLIC}:{self.echo.port}"
        with proxy("--allow", rule) as p:
            client, head = p.connect(rule)
            with client:
                self.assertEqual(status(head), 200)
                client.sendall(b"hello")
                self.assertEqual(client.recv(5), b"hello")
                self.assertEqual(p.decisions(), [])
            record = p.await_decisions(1)[0]
        self.assertEqual(list(record), KEYS)
        self.assertRegex(record["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
        self.assertRegex(record["client"], r"\A127\.0\.0\.1:\d+\Z")
        self.assertEqual([record[key] for key in KEYS[2:11]],
                         [PUBLIC, self.echo.port, PUBLIC, "connect", True, rule, "allowed", 5, 5])

    def test_refused_before_it_is_resolved(self) -> None:
        resolver.set("refused.example", [PUBLIC])
        with proxy("--allow", "other.example") as p:
            client, head = p.connect("refused.example:443")
            with client:
                body = read_all(client)
            # Committed before its answer.
            self.assertEqual([(r["allowed"], r["reason"], r["ip"]) for r in p.decisions()],
                             [(False, "not-allowed", None)])
            self.assertEqual((status(head), reason(head)), (403, "not-allowed"))
            self.assertIn(b'"reason":"not-allowed"', body)
            self.assertEqual(reason(p.get("http://refused.example/")), "not-allowed")
        self.assertEqual(resolver.asked, [])

    def test_ports(self) -> None:
        with proxy("--allow", PUBLIC) as p:
            for target, why in ((f"{PUBLIC}:80", "port-not-allowed"), (f"{PUBLIC}:8443", "port-not-allowed"),
                                (f"{PUBLIC}:443", "connect-failed")):
                client, head = p.connect(target)
                client.close()
                self.assertEqual(reason(head), why)
            self.assertEqual(reason(p.get(f"http://{PUBLIC}:443/")), "port-not-allowed")
            self.assertEqual(reason(p.get(f"http://{PUBLIC}/")), "connect-failed")

    def test_internal_addresses(self) -> None:
        inside = Server(echo, address="127.0.0.1")
        self.addCleanup(inside.close)
        with proxy("--allow-any") as p:
            for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", PRIVATE,
                         METADATA, "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "100.100.100.200",
                         "[fe80::1]", "[fd00::1]", "224.0.0.1"):
                client, head = p.connect(f"{host}:{inside.port}")
                client.close()
                self.assertEqual((status(head), reason(head)), (403, "internal-address"), host)
            for host in ("localhost", "LOCALHOST.", "a.localhost", "metadata.google.internal"):
                client, head = p.connect(f"{host}:{inside.port}")
                client.close()
                self.assertEqual((status(head), reason(head)), (403, "internal-name"), host)
        self.assertEqual(inside.accepted, 0)

    def test_a_name_that_leads_inside(self) -> None:
        inside = Origin(address=PRIVATE)
        self.addCleanup(inside.close)
        resolver.set("inside.example", [PRIVATE])
        name = f"inside.example:{inside.port}"
        with proxy("--allow", name) as p:
            self.assertEqual(reason(p.get(f"http://{name}/")), "internal-address")
            self.assertEqual(p.decisions()[0]["ip"], PRIVATE)
        self.assertEqual(inside.accepted, 0)
        # It needs both.
        with proxy("--allow", name, "--allow", f"{PRIVATE}:{inside.port}") as p:
            self.assertEqual(status(p.get(f"http://{name}/")), 200)
        with proxy("--allow", f"{PRIVATE}:{inside.port}") as p:
            self.assertEqual(reason(p.get(f"http://{name}/")), "not-allowed")

    def test_rebinding(self) -> None:
        inside = Origin(address=PRIVATE, port=self.origin.port)
        self.addCleanup(inside.close)
        resolver.set("turns.example", [PUBLIC], [PRIVATE])
        url = f"http://turns.example:{self.origin.port}/"
        with proxy("--allow", f"turns.example:{self.origin.port}") as p:
            self.assertEqual(status(p.get(url)), 200)
            self.assertEqual(resolver.asked, ["turns.example"])  # once, and what was judged was dialled
            self.assertEqual(reason(p.get(url)), "internal-address")
        resolver.set("both.example", [PRIVATE, PUBLIC, METADATA])
        with proxy("--allow", f"both.example:{self.origin.port}") as p:
            self.assertEqual(status(p.get(f"http://both.example:{self.origin.port}/")), 200)
            self.assertEqual(p.await_decisions(1)[0]["ip"], PUBLIC)
        self.assertEqual(inside.accepted, 0)

    def test_names(self) -> None:
        resolver.set("a.example", [PUBLIC])
        resolver.set("b.a.example", [PUBLIC])
        with proxy("--allow", f"*.a.example:{self.origin.port}") as p:
            self.assertEqual(status(p.get(f"http://B.A.example.:{self.origin.port}/")), 200)
            self.assertEqual(reason(p.get(f"http://a.example:{self.origin.port}/")), "not-allowed")
            self.assertEqual(reason(p.get(f"http://ba.example:{self.origin.port}/")), "not-allowed")
        self.assertEqual(p.decisions()[0]["host"], "b.a.example")

    def test_no_address(self) -> None:
        with proxy("--allow-any") as p:
            self.assertEqual(reason(p.get("http://missing.example/")), "resolution-failed")

    def test_two_at_once(self) -> None:
        rule, other = f"{PUBLIC}:{self.origin.port}", f"{PUBLIC}:{self.echo.port}"
        with proxy("--allow", rule) as p, proxy("--allow", other) as q:
            self.assertEqual(status(p.get(f"http://{rule}/")), 200)
            self.assertEqual(reason(q.get(f"http://{rule}/")), "port-not-allowed")
            client, head = q.connect(other)
            client.close()
            self.assertEqual(status(head), 200)
            client, head = p.connect(other)
            client.close()
            self.assertEqual(reason(head), "port-not-allowed")

    def test_observing(self) -> None:
        with proxy("--observe", "--allow-any") as p:
            self.assertEqual(reason(p.get(f"http://{PUBLIC}:{self.origin.port}/")), "observed")
            client, head = p.connect("other.example:443")
            client.close()
            self.assertEqual(reason(head), "observed")
            self.assertEqual([(r["host"], r["port"], r["allowed"]) for r in p.decisions()],
                             [(PUBLIC, self.origin.port, False), ("other.example", 443, False)])
        self.assertEqual(self.origin.accepted, 0)


class Tls(unittest.TestCase):

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp(prefix="zu-tls-"))
        cls.certificate, key = make_certificate(cls.folder, "tls.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.certificate, key)
        cls.said: list[bytes] = []

        def serve(connection: socket.socket) -> None:
            peeked = connection.recv(1, socket.MSG_PEEK)
            cls.said.append(peeked)
            with context.wrap_socket(connection, server_side=True) as stream:
                echo(stream)

        cls.server = Server(serve)
        resolver.set("tls.example", [PUBLIC])
        cls.target = f"tls.example:{cls.server.port}"

    def setUp(self) -> None:
        self.said.clear()

    def shake(self, raw: socket.socket, name: str | None) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.certificate)
        context.check_hostname = name == "tls.example"
        if name != "tls.example":
            context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(raw, server_hostname=name)

    def refused(self, name: str | None, why: str) -> None:
        with proxy("--allow", self.target) as p:
            raw, head = p.connect(self.target)
            self.assertEqual(status(head), 200)
            with self.assertRaises(ssl.SSLError) as caught:
                self.shake(raw, name)
            raw.close()
            self.assertIn("UNRECOGNIZED_NAME", str(caught.exception))
            record = p.await_decisions(1)[0]
            self.assertEqual((record["allowed"], record["reason"], record["bytes_out"]), (False, why, 0))
        self.assertNotIn(b"\x16", self.said)

    def test_the_same_name(self) -> None:
        with proxy("--allow", self.target) as p:
            raw, head = p.connect(self.target)
            self.assertEqual(status(head), 200)
            with self.shake(raw, "tls.example") as stream:
                stream.sendall(b"hello")
                self.assertEqual(stream.recv(5), b"hello")

    def test_another_name(self) -> None:
        self.refused("other.example", "sni-mismatch")

    def test_no_name(self) -> None:
        self.refused(None, "no-sni")

    def test_no_tls(self) -> None:
        for words in (b"GET / HTTP/1.1\r\nHost: tls.example\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x05hello"):
            with proxy("--allow", self.target) as p:
                client, _ = p.connect(self.target)
                with client:
                    client.sendall(words)
                    self.assertEqual(read_all(client), b"")
                self.assertEqual(p.await_decisions(1)[0]["reason"], "not-tls")
        self.assertEqual([word for word in self.said if word], [])

    def test_piecemeal(self) -> None:
        with proxy("--allow", self.target) as p:
            raw, _ = p.connect(self.target)
            left, right = socket.socketpair()

            def trickle() -> None:
                first = left.recv(65536)
                for at in range(len(first)):
                    raw.sendall(first[at:at + 1])
                threading.Thread(target=pump, args=(raw, left), daemon=True).start()
                pump(left, raw)

            def pump(a: socket.socket, b: socket.socket) -> None:
                while data := a.recv(65536):
                    b.sendall(data)

            threading.Thread(target=trickle, daemon=True).start()
            with self.shake(right, "tls.example") as stream:
                stream.sendall(b"hello")
                self.assertEqual(stream.recv(5), b"hello")

    def test_less_strict(self) -> None:
        plain = Server(echo)
        self.addCleanup(plain.close)
        target = f"tls.example:{plain.port}"
        with proxy("--allow", target, "--sni", "check") as p:
            client, _ = p.connect(target)
            with client:
                client.sendall(b"hello")
                self.assertEqual(client.recv(5), b"hello")
        with proxy("--allow", self.target, "--sni", "check") as p:
            raw, _ = p.connect(self.target)
            with self.assertRaises(ssl.SSLError):
                self.shake(raw, "other.example")
            raw.close()
        with proxy("--allow", self.target, "--sni", "off") as p:
            raw, _ = p.connect(self.target)
            self.shake(raw, "other.example").close()

    def test_an_address_names_nobody(self) -> None:
        target = f"{PUBLIC}:{self.server.port}"
        with proxy("--allow", target) as p:
            raw, _ = p.connect(target)
            self.shake(raw, None).close()
            raw, _ = p.connect(target)
            with self.assertRaises(ssl.SSLError):
                self.shake(raw, "other.example")
            raw.close()

    def test_who_speaks_first(self) -> None:
        def greet(connection: socket.socket) -> None:
            connection.sendall(b"220 hello\r\n")
            echo(connection)

        greeter = Server(greet)
        self.addCleanup(greeter.close)
        with proxy("--allow", f"{PUBLIC}:{greeter.port}", "--allow", f"tls.example:{greeter.port}") as p:
            client, _ = p.connect(f"{PUBLIC}:{greeter.port}")
            with client:
                self.assertEqual(client.recv(64), b"220 hello\r\n")
            # A tunnel to a name is silent until it was proved to be that name's.
            client, _ = p.connect(f"tls.example:{greeter.port}")
            with client:
                client.settimeout(0.3)
                with self.assertRaises(socket.timeout):
                    client.recv(64)


class Http(unittest.TestCase):

    def start(self, *answers: bytes) -> tuple[Origin, str]:
        origin = Origin(*answers)
        self.addCleanup(origin.close)
        return origin, f"{PUBLIC}:{origin.port}"

    def test_bad_requests(self) -> None:
        origin, rule = self.start()
        good = f"Host: {rule}\r\n".encode()
        target = f"http://{rule}/".encode()
        requests = [
            b"GET " + target + b" HTTP/1.1\nHost: x\n\n",
            b"GET / HTTP/1.1\r\n" + good + b"\r\n",
            b"GET " + target + b" HTTP/1.1\r\n\r\n",
            b"GET " + target + b" HTTP/1.1\r\n" + good + good + b"\r\n",
            b"GET " + target + b" HTTP/1.1\r\n" + good + b"A: b\r\n c\r\n\r\n",
            b"GET " + target + b" HTTP/1.1\r\n" + good + b"A : b\r\n\r\n",
            b"GET " + target + b"\0 HTTP/1.1\r\n" + good + b"\r\n",
            b"GET " + target + b" HTTP/2.0\r\n" + good + b"\r\n",
            b"GET http://u:p@" + rule.encode() + b"/ HTTP/1.1\r\n" + good + b"\r\n",
            b"GET https://" + rule.encode() + b"/ HTTP/1.1\r\n" + good + b"\r\n",
            b"POST " + target + b" HTTP/1.1\r\n" + good + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            b"POST " + target + b" HTTP/1.1\r\n" + good + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            b"POST " + target + b" HTTP/1.1\r\n" + good + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"POST " + target + b" HTTP/1.1\r\n" + good + b"Content-Length: +3\r\n\r\nabc",
            b"CONNECT " + PUBLIC.encode() + b" HTTP/1.1\r\n\r\n",
            b"CONNECT [::1] HTTP/1.1\r\n\r\n",
            b"CONNECT u@" + rule.encode() + b" HTTP/1.1\r\n\r\n",
            b"CONNECT a..b:443 HTTP/1.1\r\n\r\n",
            b"CONNECT a\0b:443 HTTP/1.1\r\n\r\n",
            b"connect " + rule.encode() + b" HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
            b"\r\n\r\n",
        ]
        with proxy("--allow", rule) as p:
            for request in requests:
                answer = p.send(request)
                self.assertEqual((status(answer), reason(answer)), (400, "bad-request"), request)
            self.assertEqual(len(p.decisions()), len(requests))
            self.assertFalse(any(r["allowed"] for r in p.decisions()))
        self.assertEqual(origin.accepted, 0)

    def test_what_the_origin_gets(self) -> None:
        origin, rule = self.start()
        with proxy("--allow", rule) as p:
            p.send(f"GET HTTP://{rule}/x?y HTTP/1.1\r\nHost: evil.example\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\n"
                   "Proxy-Authorization: Basic c2VjcmV0\r\nTE: trailers\r\nUpgrade: h2c\r\nX-End: 2\r\n\r\n".encode())
        self.assertEqual(origin.heads[0].decode(),
                         f"GET /x?y HTTP/1.1\r\nHost: {rule}\r\nX-End: 2\r\nVia: 1.1 zu\r\n\r\n")

    def test_every_request_is_judged(self) -> None:
        origin, rule = self.start()
        other, _ = self.start()
        get = "GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n"
        with proxy("--allow", rule) as p:
            # One after another, and all at once.
            with p.open() as client:
                client.sendall(get.format(rule).encode())
                self.assertTrue(read_until(client, b"ok").startswith(b"HTTP/1.1 200"))
                client.sendall(get.format(f"{PUBLIC}:{other.port}").encode())
                self.assertEqual(reason(read_all(client)), "port-not-allowed")
            answer = p.send((get.format(rule) * 2 + get.format(f"{PUBLIC}:{other.port}")).encode())
            self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)
            self.assertEqual(answer.count(b"HTTP/1.1 403"), 1)
            self.assertEqual([r["allowed"] for r in p.decisions()], [True, False, True, True, False])
        self.assertEqual(other.accepted, 0)
        self.assertEqual(origin.accepted, 2)  # kept for the next request to the same host

    def test_other_host_on_a_kept_connection(self) -> None:
        origin, rule = self.start()
        other, second = self.start(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
        get = "GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n"
        with proxy("--allow", rule, "--allow", second) as p, p.open() as client:
            client.sendall(get.format(rule).encode())
            read_until(client, b"ok")
            client.sendall(get.format(second).encode())
            self.assertIn(b"200", read_until(client, b"other"))
        self.assertEqual((origin.accepted, other.accepted), (1, 1))

    def test_smuggling(self) -> None:
        origin, rule = self.start()
        head = f"POST http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\n"
        hidden = f"GET http://{PUBLIC2}/ HTTP/1.1\r\nHost: {PUBLIC2}\r\n\r\n"
        with proxy("--allow", rule) as p:
            answer = p.send(f"{head}Content-Length: 5\r\n\r\nhello{hidden}".encode())
            self.assertEqual((answer.count(b" 200 OK"), reason(answer)), (1, "not-allowed"))
            answer = p.send(f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n{hidden}".encode())
            self.assertEqual((answer.count(b" 200 OK"), reason(answer)), (1, "not-allowed"))
            for chunks in ("5;x=y\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
                           "5\nhello\n0\n\n", "5\r\nhelloX\r\n0\r\n\r\n"):
                answer = p.send(f"{head}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode())
                self.assertEqual(reason(answer), "bad-request", chunks)
        self.assertEqual([body for body in origin.bodies if body][:2], [b"hello", b"5\r\nhello\r\n0\r\n\r\n"])

    def test_bodies(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        _, rule = self.start(chunked, b"HTTP/1.1 200 OK\r\n\r\nto the end", b"HTTP/1.1 204 No Content\r\n\r\n",
                             b"HTTP/1.1 100 Continue\r\n\r\n" + Origin.OK)
        with proxy("--allow", rule) as p:
            self.assertTrue(p.get(f"http://{rule}/").endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
            answer = p.get(f"http://{rule}/")
            self.assertTrue(answer.endswith(b"Connection: close\r\n\r\nto the end"), answer)
            self.assertEqual(status(p.get(f"http://{rule}/")), 204)
            answer = p.send(f"POST http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\nExpect: 100-continue\r\n"
                            "Content-Length: 2\r\nConnection: close\r\n\r\nhi".encode())
            self.assertEqual(answer.count(b"HTTP/1.1 "), 2)
            self.assertTrue(answer.endswith(b"\r\n\r\nok"))

    def test_a_large_body(self) -> None:
        data = os.urandom(3_000_000)
        origin, rule = self.start(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + data)
        with proxy("--allow", rule) as p:
            answer = p.send(f"POST http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\nContent-Length: 3000000\r\n"
                            "Connection: close\r\n\r\n".encode() + data)
            self.assertEqual(answer.split(b"\r\n\r\n", 1)[1], data)
            record = p.await_decisions(1)[0]
            self.assertGreater(min(record["bytes_in"], record["bytes_out"]), 3_000_000)
        self.assertEqual(origin.bodies[0], data)

    def test_bad_answers(self) -> None:
        answers = [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"nonsense\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
                   b"HTTP/1.1 101 Switching\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 40000 + b"\r\n\r\n"]
        for answer in answers:
            _, rule = self.start(answer)
            with proxy("--allow", rule) as p:
                got = p.get(f"http://{rule}/")
                self.assertEqual((status(got), reason(got)), (502, "bad-response"), answer)
                self.assertTrue(p.decisions()[0]["allowed"])


class Tunnels(unittest.TestCase):

    def test_half_close(self) -> None:
        data = os.urandom(8_000_000)

        def answer(connection: socket.socket) -> None:
            digest = hashlib.sha256()
            while part := connection.recv(65536):
                digest.update(part)
            connection.sendall(digest.digest() + data)

        server = Server(answer)
        self.addCleanup(server.close)
        with proxy("--allow", f"{PUBLIC}:{server.port}") as p:
            client, _ = p.connect(f"{PUBLIC}:{server.port}")
            with client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client), hashlib.sha256(data).digest() + data)
            record = p.await_decisions(1)[0]
            self.assertEqual((record["bytes_out"], record["bytes_in"]), (len(data), len(data) + 32))

    def test_back_pressure(self) -> None:
        release = threading.Event()

        def hold(connection: socket.socket) -> None:
            release.wait(20)
            echo(connection)

        server = Server(hold)
        self.addCleanup(server.close)
        with proxy("--allow", f"{PUBLIC}:{server.port}") as p:
            client, _ = p.connect(f"{PUBLIC}:{server.port}")
            with client:
                client.settimeout(1)
                sent = 0
                with self.assertRaises(socket.timeout):
                    while sent < 256 << 20:
                        sent += client.send(b"x" * 65536)
                self.assertLess(sent, 64 << 20)
                self.assertLess(resident(p.process.pid), (128 if "ASAN_OPTIONS" in os.environ else 32) << 20)
                release.set()

    def test_two_thousand_idle(self) -> None:
        server = Server(lambda connection: connection.recv(1))
        self.addCleanup(server.close)
        rule = f"{PUBLIC}:{server.port}"
        request = f"CONNECT {rule} HTTP/1.1\r\nHost: {rule}\r\n\r\n".encode()
        with proxy("--allow", rule) as p:
            clients = []
            for _ in range(2000):
                client = p.open()
                client.sendall(request)
                clients.append(client)
            for client in clients:
                self.assertIn(b"200", client.recv(64))
            # A sanitizer takes twice as much for itself.
            self.assertLess(resident(p.process.pid), (256 if "ASAN_OPTIONS" in os.environ else 64) << 20)
            for client in clients:
                client.close()
            self.assertEqual(len(p.await_decisions(2000)), 2000)

    def test_an_end_is_recorded(self) -> None:
        server = Server(echo)
        self.addCleanup(server.close)
        with proxy("--allow", f"{PUBLIC}:{server.port}") as p:
            client, _ = p.connect(f"{PUBLIC}:{server.port}")
            with client:
                client.sendall(b"hello")
                client.recv(5)
                self.assertEqual(p.stop(), 0)
                self.assertEqual(read_all(client), b"")
            self.assertEqual([(r["allowed"], r["reason"], r["bytes_in"]) for r in p.decisions()],
                             [(True, "proxy-ended", 5)])


class Limits(unittest.TestCase):

    def setUp(self) -> None:
        self.server = Server(echo)
        self.addCleanup(self.server.close)
        self.rule = f"{PUBLIC}:{self.server.port}"

    def test_connections(self) -> None:
        with proxy("--allow", self.rule, "--max-connections", "2") as p:
            first, _ = p.connect(self.rule)
            second, _ = p.connect(self.rule)
            third, head = p.connect(self.rule)
            third.close()
            self.assertEqual((status(head), reason(head)), (503, "too-many"))
            first.close()
            second.close()
            p.await_decisions(3)
            again, head = p.connect(self.rule)
            again.close()
            self.assertEqual(status(head), 200)

    def test_times(self) -> None:
        resolver.silent.add("silent.example")
        resolver.set("tls.example", [PUBLIC])
        with proxy("--allow", self.rule, "--allow", f"{SILENT}:81", "--allow", "silent.example", "--allow",
                   f"tls.example:{self.server.port}", "--idle-timeout", "0.6", "--request-timeout", "0.5",
                   "--connect-timeout", "0.5", "--resolve-timeout", "0.5") as p:
            for request, why in ((b"GET http://x/ HTTP/1.1\r\n", "request-timeout"),
                                 (f"CONNECT {SILENT}:81 HTTP/1.1\r\n\r\n".encode(), "connect-timeout"),
                                 (b"CONNECT silent.example:443 HTTP/1.1\r\n\r\n", "resolution-timeout")):
                start = time.monotonic()
                self.assertEqual(reason(p.send(request)), why)
                self.assertLess(time.monotonic() - start, 3)
            self.assertEqual(p.send(b""), b"")
            client, _ = p.connect(self.rule)
            with client:
                self.assertEqual(read_all(client), b"")
            self.assertEqual(p.await_decisions(4)[3]["reason"], "idle-timeout")
            client, _ = p.connect(f"tls.example:{self.server.port}")
            with client:
                self.assertEqual(read_all(client), b"")
            self.assertEqual(p.await_decisions(5)[4]["reason"], "request-timeout")

    def test_header(self) -> None:
        with proxy("--allow", self.rule) as p:
            answer = p.send(b"GET http://a/ HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 40000)
            self.assertEqual((status(answer), reason(answer)), (431, "header-too-large"))

    def test_bytes(self) -> None:
        with proxy("--allow", self.rule, "--max-bytes", "100000") as p:
            client, _ = p.connect(self.rule)
            with client:
                client.sendall(b"x" * 60000)
                got = read_all(client)
            self.assertLess(len(got), 60000)
            self.assertEqual(p.await_decisions(1)[0]["reason"], "byte-limit")

    def test_happy_eyeballs(self) -> None:
        origin = Origin(address=PUBLIC)
        self.addCleanup(origin.close)
        resolver.set("eyeballs.example", [SILENT, PUBLIC, "2606:2800:220:2::1", PUBLIC6])
        with proxy("--allow", f"eyeballs.example:{origin.port}") as p:
            start = time.monotonic()
            self.assertEqual(status(p.get(f"http://eyeballs.example:{origin.port}/")), 200)
            self.assertLess(time.monotonic() - start, 3)
            self.assertEqual(p.await_decisions(1)[0]["ip"], PUBLIC)


class Process(unittest.TestCase):

    def test_privileges(self) -> None:
        with proxy("--allow-any") as p:
            fields = dict(line.split(":", 1) for line in
                          Path(f"/proc/{p.process.pid}/status").read_text().splitlines())
            self.assertEqual(fields["Uid"].split(), ["65534"] * 4)
            self.assertEqual(fields["Groups"].split(), [])
            self.assertEqual([fields[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")][:2], ["0" * 16] * 2)
            self.assertEqual((fields["NoNewPrivs"].strip(), fields["Seccomp"].strip()), ("1", "2"))

    def test_a_full_output_ends_it(self) -> None:
        """What cannot be recorded is not answered."""
        with open("/dev/full", "w", encoding="ascii") as full:
            process = subprocess.Popen(["zu-egress-proxy", "--listen", "127.0.0.1:0"], stdout=full,
                                       stderr=subprocess.PIPE, env=environment())
            assert process.stderr is not None
            port = int(process.stderr.readline().rsplit(b":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                client.sendall(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
                self.assertEqual(read_all(client), b"")
            self.assertIn(b"cannot tell what was decided", process.stderr.read())
            process.stderr.close()
            self.assertEqual(process.wait(20), 2)

    def test_killed(self) -> None:
        server = Server(echo)
        self.addCleanup(server.close)
        with proxy("--allow", f"{PUBLIC}:{server.port}") as p:
            client, _ = p.connect(f"{PUBLIC}:{server.port}")
            with client:
                p.process.send_signal(signal.SIGKILL)
                self.assertEqual(read_all(client), b"")


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    enter()
    resolver = Resolver()
    support.main()
