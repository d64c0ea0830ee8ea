# SPDX-License-Identifier: Apache-2.0
"""zu-egress-proxy between a client and a server of which either may mean harm."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import support  # noqa: E402
from world import PUBLIC, Origin, Resolver, Server, enter, proxy, read_all, read_until, reason, status  # noqa: E402

resolver: Resolver

CHUNK = 32 * 1024  # what the proxy reads of a server at a time
GET = "GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n"


class Bad(unittest.TestCase):
    """Requests that somebody could read in another way are nobody's."""

    HEADS = (
        "GET {t} HTTP/1.1\r\n{h}\r\n ",                      # a space before the next request
        "GET  {t} HTTP/1.1\r\n{h}\r\n",
        "GET {t}  HTTP/1.1\r\n{h}\r\n",
        "GET\t{t} HTTP/1.1\r\n{h}\r\n",
        " GET {t} HTTP/1.1\r\n{h}\r\n",
        "GET {t} HTTP/1.1 \r\n{h}\r\n",
        "GET {t} HTTP/1.10\r\n{h}\r\n",
        "GET {t} HTTP/1.2\r\n{h}\r\n",
        "GET {t} HTTP/0.9\r\n{h}\r\n",
        "GET {t} http/1.1\r\n{h}\r\n",
        "GET {t}\r\n{h}\r\n",
        "G(T {t} HTTP/1.1\r\n{h}\r\n",
        "GET {t}#x HTTP/1.1\r\n{h}\r\n",
        "GET http://{r}@other.example/ HTTP/1.1\r\n{h}\r\n",
        "GET http://{r}\\@other.example/ HTTP/1.1\r\n{h}\r\n",
        "GET http:/{r}/ HTTP/1.1\r\n{h}\r\n",
        "GET http:///{r}/ HTTP/1.1\r\n{h}\r\n",
        "GET http://:80/ HTTP/1.1\r\n{h}\r\n",
        "GET ftp://{r}/ HTTP/1.1\r\n{h}\r\n",
        "GET * HTTP/1.1\r\n{h}\r\n",
        "GET {r} HTTP/1.1\r\n{h}\r\n",
        "GET {t}\x80 HTTP/1.1\r\n{h}\r\n",
        "GET {t} HTTP/1.1\r\n{h}A: b\rc\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}A: b\nC: d\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}A: b\0\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}A\0: b\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}A\t: b\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}: b\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}A\r\n\r\n",
        "GET {t} HTTP/1.1\r\n{h}\tA: b\r\n\r\n",
        "GET {t} HTTP/1.1\r\n A: b\r\n{h}\r\n",
        "GET {t} HTTP/1.1\r\nHost:\r\n\r\n",
        "GET {t} HTTP/1.1\r\nHost: u@{r}\r\n\r\n",
        "GET {t} HTTP/1.1\r\nHost: {r}, {r}\r\n\r\n",
        "GET {t} HTTP/1.1\r\nHost: {r}/x\r\n\r\n",
        "GET {t} HTTP/1.1\r\n" + "A: b\r\n" * 100 + "{h}\r\n",
    )
    TARGETS = ("", ":", ":443", "[::1", "::1:443", "[::1]443", "[::1]x:443", "{r}:443", "{r}/", "{r}?x", "http://{r}/",
               "a.example", "a.example:", "a.example:0", "a.example:00443", "a.example:+443", "a.example:-1",
               "a.example:65536", "a.example:4294967739", "a.example:443x", "a.example:0x1bb", "a.example:443,b.example:443",
               "a%2eexample:443", "%61.example:443", "a.example%00:443", "a..example:443", ".a.example:443",
               "a.example..:443", "a example:443", "a\texample:443", "a\x80example:443", "[a.example]:443",
               "[93.184.216.34]:443", "[]:443", "*.example:443", "-a.example:443", "a/b:443", "a@b:443", "a#b:443",
               "256.1.1.1:443", "1.2.3.4.5:443", "08.1.1.1:443", "a" * 64 + ".example:443", "a." * 200 + "example:443")
    LENGTHS = ("Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3, 3",
               "Content-Length: +3", "Content-Length: -3", "Content-Length: 0x3", "Content-Length: 3 3", "Content-Length:",
               "Content-Length: 3\x0b", "Content-Length: 99999999999999999999", "Content-Length: 18446744073709551619",
               "Content-Length: 3\r\n 4", "Content-Length : 3", "Content-Length: 3\r\nTransfer-Encoding: chunked",
               "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
               "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, identity",
               "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked;q=1",
               "Transfer-Encoding: \"chunked\"", "Transfer-Encoding:", "Transfer-Encoding:\r\n chunked",
               "Transfer-Encoding : chunked", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x80")
    CHUNKS = ("-1\r\n", "+1\r\n", " 1\r\n", "1 \r\n", "0x1\r\n", "1;a=b\r\n", "1\n", "1\r\r\n", "\r\n", "g\r\n",
              "1_0\r\n", "ffffffffffffffff\r\n", "10000000000000001\r\n", "1\r\nab", "1\r\na\n0\r\n\r\n",
              "1\r\na\r\r\n", "0\r\nA: b\nC: d\r\n\r\n", "0\r\n A: b\r\n\r\n", "0\r\n: b\r\n\r\n",
              "0\r\nA: b\0\r\n\r\n", "0\r\n\n", "0\r\nA: " + "x" * 9000)

    def setUp(self) -> None:
        self.origin = Origin()
        self.addCleanup(self.origin.close)
        self.rule = f"{PUBLIC}:{self.origin.port}"

    def fill(self, text: str) -> bytes:
        words = {"{t}": f"http://{self.rule}/", "{r}": self.rule, "{h}": f"Host: {self.rule}\r\n"}
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return text.encode("latin-1")

    def refuse(self, requests: list[bytes]) -> None:
        with proxy("--allow", self.rule, "--allow-any") as p:
            for request in requests:
                answer = p.send(request)
                self.assertEqual((status(answer), reason(answer)), (400, "bad-request"), request)
            self.assertFalse(any(record["allowed"] for record in p.decisions()))

    def test_heads(self) -> None:
        # The first is good, and what comes behind it is not.
        with proxy("--allow", self.rule) as p:
            answer = p.send(self.fill(self.HEADS[0] + "GET {t} HTTP/1.1\r\n{h}\r\n"))
            self.assertEqual((answer.count(b" 200 OK"), reason(answer)), (1, "bad-request"))
        self.origin.heads.clear()
        self.refuse([self.fill(head) for head in self.HEADS[1:]])
        self.assertEqual(self.origin.heads, [])

    def test_tunnels(self) -> None:
        self.refuse([self.fill(f"CONNECT {target} HTTP/1.1\r\n{{h}}\r\n") for target in self.TARGETS])
        self.refuse([self.fill("CONNECT {r} HTTP/1.1\r\n{h}Content-Length: 3\r\n\r\nabc"),
                     self.fill("CONNECT {r} HTTP/1.1\r\n{h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")])
        self.assertEqual(self.origin.accepted, 0)

    def test_lengths(self) -> None:
        self.refuse([self.fill(f"POST {{t}} HTTP/1.1\r\n{{h}}{length}\r\n\r\nabc") for length in self.LENGTHS])
        self.refuse([self.fill("POST {t} HTTP/1.0\r\n{h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")])
        self.assertEqual(self.origin.accepted, 0)

    def test_chunks(self) -> None:
        """The head is on its way when they come; nothing behind them is ever a request."""
        hidden = "GET {t}hidden HTTP/1.1\r\n{h}\r\n"
        with proxy("--allow", self.rule) as p:
            for chunks in self.CHUNKS:
                answer = p.send(self.fill(f"POST {{t}} HTTP/1.1\r\n{{h}}Transfer-Encoding: chunked\r\n\r\n{chunks}{hidden}"))
                self.assertEqual(reason(answer), "bad-request", chunks)
        self.assertFalse(any(b"hidden" in head for head in self.origin.heads))


class Servers(unittest.TestCase):

    def serve(self, *answers: bytes) -> tuple[Origin, str]:
        origin = Origin(*answers)
        self.addCleanup(origin.close)
        return origin, f"{PUBLIC}:{origin.port}"

    def test_an_answer_nobody_asked_for(self) -> None:
        """What lies behind an answer that fills the proxy's buffer is no answer to the next request."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        body = b"x" * (CHUNK - len(head % CHUNK))
        first = head % len(body) + body
        self.assertEqual(len(first), CHUNK)
        origin, rule = self.serve(first + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        with proxy("--allow", rule) as p, p.open() as client:
            client.sendall(GET.format(rule).encode())
            self.assertEqual(len(read_until(client, body)), len(first) + len(b"Via: 1.1 zu\r\n"))
            client.sendall(GET.format(rule).encode())
            self.assertEqual(read_until(client, b"\r\n\r\nok")[-6:], b"\r\n\r\nok")
        self.assertEqual(origin.accepted, 2)

    def test_an_answer_before_the_body(self) -> None:
        """A server that has not read all of a body must not take the next request for the rest of it."""
        go_on = threading.Event()
        seen: list[bytes] = []

        def serve(connection: socket.socket) -> None:
            seen.append(read_until(connection, b"\r\n\r\n"))
            connection.sendall(Origin.OK)
            go_on.wait(20)
            rest = b""
            while b"GET /" not in rest and (part := connection.recv(1 << 20)):
                rest += part
            seen.append(rest)

        server = Server(serve)
        self.addCleanup(server.close)
        self.addCleanup(go_on.set)
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rule, size = f"{PUBLIC}:{server.port}", 8 << 20
        with proxy("--allow", rule) as p, p.open() as client:
            client.sendall(f"POST http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\nContent-Length: {size}\r\n\r\n".encode())
            threading.Thread(target=lambda: client.sendall(b"x" * size), daemon=True).start()
            self.assertIn(b"Connection: close", read_until(client, b"\r\n\r\n"))
            go_on.set()
            self.assertTrue(p.await_decisions(1)[0]["allowed"])
        self.assertFalse(any(b"GET /" in part for part in seen))

    def test_the_address_of_a_kept_connection(self) -> None:
        origin, rule = self.serve()
        resolver.set("kept.example", [PUBLIC])
        name = f"kept.example:{origin.port}"
        with proxy("--allow", name) as p:
            p.send((GET.format(name) + GET.format(name)[:-2] + "Connection: close\r\n\r\n").encode())
            self.assertEqual([record["ip"] for record in p.await_decisions(2)], [PUBLIC] * 2)
        self.assertEqual((origin.accepted, resolver.asked), (1, ["kept.example"]))

    def test_no_body_no_length(self) -> None:
        _, rule = self.serve(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")
        with proxy("--allow", rule) as p:
            answer = p.get(f"http://{rule}/")
            self.assertEqual((status(answer), b"Content-Length" in answer), (204, False))

    def test_switching_is_nobodys_wish(self) -> None:
        origin, rule = self.serve(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        with proxy("--allow", rule) as p:
            answer = p.send(f"GET http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\nConnection: Upgrade\r\n"
                            "Upgrade: websocket\r\n\r\n".encode())
            self.assertEqual(reason(answer), "bad-response")
        self.assertNotIn(b"pgrade", origin.heads[0])

    def test_expectation(self) -> None:
        """The body waits for the server's word; a final answer instead of it ends the connection."""
        def serve(connection: socket.socket) -> None:
            head = read_until(connection, b"\r\n\r\n")
            self.assertIn(b"Expect: 100-continue", head)
            if b"/no" in head:
                connection.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(Origin.OK if connection.recv(5) == b"hello" else b"")

        server = Server(serve)
        self.addCleanup(server.close)
        rule = f"{PUBLIC}:{server.port}"
        head = "POST http://{0}/{1} HTTP/1.1\r\nHost: {0}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        with proxy("--allow", rule) as p:
            with p.open() as client:
                client.sendall(head.format(rule, "").encode())
                self.assertEqual(status(read_until(client, b"\r\n\r\n")), 100)
                client.sendall(b"hello")
                self.assertEqual(status(read_until(client, b"ok")), 200)
            with p.open() as client:
                client.sendall(head.format(rule, "no").encode())
                answer = read_all(client)
                self.assertEqual((status(answer), b"Connection: close" in answer), (417, True))


class Patience(unittest.TestCase):

    def setUp(self) -> None:
        self.origin = Origin()
        self.addCleanup(self.origin.close)
        self.rule = f"{PUBLIC}:{self.origin.port}"

    def test_a_head_drop_by_drop(self) -> None:
        """A request has its time in all, the first of a connection and the next."""
        request = GET.format(self.rule).encode()
        with proxy("--allow", self.rule, "--request-timeout", "0.5", "--idle-timeout", "60") as p:
            for first in (b"", request):
                with p.open() as client:
                    client.sendall(first)
                    if first:
                        self.assertEqual(status(read_until(client, b"\r\n\r\nok")), 200)
                    client.settimeout(0.1)
                    self.assertEqual(reason(drip(client, request)), "request-timeout")

    def test_half_a_request(self) -> None:
        with proxy("--allow", self.rule) as p, p.open() as client:
            client.sendall(GET.format(self.rule).encode()[:-2])
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), b"")
        self.assertEqual(self.origin.accepted, 0)

    def test_half_closed(self) -> None:
        """Who has said all that it wants to say still hears the answer."""
        with proxy("--allow", self.rule) as p, p.open() as client:
            client.sendall(GET.format(self.rule).encode())
            client.shutdown(socket.SHUT_WR)
            self.assertTrue(read_all(client).endswith(b"ok"))

    def test_who_does_not_stop(self) -> None:
        """Somebody who was refused and goes on sending holds nobody up, and not for long."""
        ended = threading.Event()

        def flood(client: socket.socket) -> None:
            try:
                while True:
                    client.sendall(b"x" * (1 << 20))
            except OSError:
                ended.set()

        with proxy("--allow", self.rule) as p, p.open() as client:
            client.sendall(b"nonsense\r\n\r\n")
            threading.Thread(target=flood, args=(client,), daemon=True).start()
            self.assertEqual(status(p.get(f"http://{self.rule}/")), 200)
            self.assertTrue(ended.wait(20))

    def test_a_crowd(self) -> None:
        """Past the most that may be there and those that are told so, the others wait to be let in at all."""
        with proxy("--allow", self.rule, "--max-connections", "4") as p:
            crowd = [p.open() for _ in range(200)]
            time.sleep(0.3)
            sockets = [link for link in Path(f"/proc/{p.process.pid}/fd").iterdir()
                       if os.readlink(link).startswith("socket:")]
            self.assertLessEqual(len(sockets), 4 + 64 + 2)
            for client in crowd:
                client.close()
            self.assertEqual(status(p.get(f"http://{self.rule}/")), 200)


def drip(client: socket.socket, request: bytes) -> bytes:
    """Sends a byte, waits for a while, and sends the next, until there is an answer."""
    for at in range(len(request) - 1):
        client.sendall(request[at:at + 1])
        try:
            return client.recv(1) + read_all(client)
        except socket.timeout:
            pass
    return b""


if __name__ == "__main__":
    enter()
    resolver = Resolver()
    support.main()
