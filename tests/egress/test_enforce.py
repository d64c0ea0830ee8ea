# SPDX-License-Identifier: Apache-2.0
"""The enforcement by nftables, from inside the namespace that it is put around."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import support  # noqa: E402
from world import Server, echo, enter, run  # noqa: E402

OUT, IN = "10.77.0.1", "10.77.0.2"
OUT6, IN6 = "fd77::1", "fd77::2"

REACH = """
import socket, sys
for where in sys.argv[1:]:
    kind, host, port = where.split(',')
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == 'udp' else socket.SOCK_STREAM) as s:
        s.settimeout(0.4)
        try:
            s.connect((host, int(port)))
            s.send(b'x')
            print('yes' if s.recv(1) else 'no')
        except OSError:
            print('no')
"""


def nft(*words: str, netns: str = "") -> str:
    prefix = ["ip", "netns", "exec", netns] if netns else []
    return subprocess.run([*prefix, "nft", *words], check=True, capture_output=True, text=True).stdout


def open_mechanism() -> tuple[Any, Any]:
    import gi
    gi.require_version("Zu", "1")
    from gi.repository import Zu
    return Zu, Zu.lookup("zu.egress_enforcement", "nftables")()


def echo_datagrams(address: str, port: int) -> list[bytes]:
    """Answers datagrams, and counts them."""
    import threading
    seen: list[bytes] = []
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))

    def serve() -> None:
        while True:
            data, peer = server.recvfrom(100)
            seen.append(data)
            server.sendto(data, peer)

    threading.Thread(target=serve, daemon=True).start()
    return seen


class Nftables(support.ZuctlCase):

    @classmethod
    def setUpClass(cls) -> None:
        Path("/run/netns").mkdir(exist_ok=True)  # else ip makes it, and leaves its files there
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "netns", "add", "box")
        run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "in0", "netns", "box")
        run("ip", "address", "add", f"{OUT}/24", "dev", "out0")
        run("ip", "-6", "address", "add", f"{OUT6}/64", "dev", "out0", "nodad")
        run("ip", "link", "set", "out0", "up")
        for words in (("link", "set", "lo", "up"), ("address", "add", f"{IN}/24", "dev", "in0"),
                      ("-6", "address", "add", f"{IN6}/64", "dev", "in0", "nodad"), ("link", "set", "in0", "up")):
            run("ip", "-n", "box", *words)
        cls.proxy, cls.other = Server(echo, address=OUT), Server(echo, address=OUT)
        cls.proxy6, cls.other6 = Server(echo, address=OUT6), Server(echo, address=OUT6)
        cls.resolver, cls.resolver_tcp = echo_datagrams(OUT, 53), Server(echo, address=OUT, port=53)
        cls.datagrams = echo_datagrams(OUT6, 5353)

    def setUp(self) -> None:
        super().setUp()
        self.places = [f"tcp,{OUT},{self.proxy.port}", f"tcp,{OUT},{self.other.port}", f"udp,{OUT},{self.proxy.port}",
                       f"tcp,{OUT6},{self.proxy6.port}", f"tcp,{OUT6},{self.other6.port}", f"udp,{OUT6},5353",
                       f"udp,{OUT},53", f"tcp,{OUT},53"]
        self.policy = {"proxy": {"host": "p", "ip": OUT, "port": self.proxy.port}}
        self.addCleanup(lambda: nft("flush", "ruleset", netns="box"))

    def egress(self, verb: str, policy: dict[str, Any], netns: str = "/run/netns/box",
               *more: str) -> subprocess.CompletedProcess[bytes]:
        spec = self.folder / "policy.json"
        spec.write_text(json.dumps(policy))
        return self.zuctl("egress", verb, "--mechanism", "nftables", "--netns", netns, "--spec", str(spec), *more)

    def do(self, verb: str, policy: dict[str, Any], *more: str) -> str:
        done = self.egress(verb, policy, "/run/netns/box", *more)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return done.stdout.decode()

    def reach(self) -> list[str]:
        done = subprocess.run(["ip", "netns", "exec", "box", sys.executable, "-c", REACH, *self.places],
                              check=True, capture_output=True, text=True)
        return done.stdout.split()

    def test_reach(self) -> None:
        everything = ["yes", "yes", "no", "yes", "yes", "yes", "yes", "yes"]
        self.assertEqual(self.reach(), everything)
        answer = json.loads(self.do("apply", self.policy, "--json"))
        before = (self.other.accepted, self.other6.accepted, len(self.resolver), len(self.datagrams))
        self.assertEqual(self.reach(), ["yes"] + ["no"] * 7)
        self.assertEqual((self.other.accepted, self.other6.accepted, len(self.resolver), len(self.datagrams)), before)
        self.assertEqual(answer["mechanism"], "nftables")
        self.assertEqual(answer["settings"], {"extra_hosts": {"p": OUT}, "dns": ["127.0.0.1"]})
        self.assertIn(f"output: ip daddr {OUT} tcp dport {self.proxy.port} counter packets 0 bytes 0 accept",
                      answer["in_force"])
        self.assertIn("input: type filter hook input priority filter; policy drop;", answer["in_force"])
        # Loopback inside still works, and nobody gets in.
        inside = subprocess.run(["ip", "netns", "exec", "box", sys.executable, "-c",
                                 "import socket as s; l = s.create_server(('127.0.0.1', 0)); "
                                 "s.create_connection(l.getsockname(), 1); print('yes')"], capture_output=True, text=True)
        self.assertEqual(inside.stdout, "yes\n")
        listener = subprocess.Popen(["ip", "netns", "exec", "box", sys.executable, "-uc",
                                     f"import socket as s; l = s.create_server(('{IN}', 99)); print('there'); l.accept()"],
                                    stdout=subprocess.PIPE)
        assert listener.stdout is not None
        listener.stdout.readline()
        with self.assertRaises(OSError):
            socket.create_connection((IN, 99), 0.4)
        listener.kill()
        listener.communicate()
        self.do("revoke", self.policy)
        self.assertEqual(self.reach(), everything)
        self.assertEqual(nft("list", "ruleset", netns="box"), "")

    def test_resolvers(self) -> None:
        self.do("apply", {**self.policy, "dns": [OUT]})
        self.assertEqual(self.reach(), ["yes"] + ["no"] * 5 + ["yes", "yes"])
        nft("flush", "ruleset", netns="box")
        for dns in ("pin", "deny", ["10.77.0.9"]):
            self.do("apply", {**self.policy, "dns": dns})
            self.assertEqual(self.reach(), ["yes"] + ["no"] * 7)
            nft("flush", "ruleset", netns="box")

    def test_ipv6_proxy(self) -> None:
        self.do("apply", {"proxy": {"host": "p", "ip": OUT6, "port": self.proxy6.port}})
        self.assertEqual(self.reach(), ["no"] * 3 + ["yes"] + ["no"] * 4)

    def test_nothing(self) -> None:
        self.do("apply", {})
        self.assertEqual(self.reach(), ["no"] * 8)

    def test_twice(self) -> None:
        first, again = self.do("apply", self.policy), self.do("apply", self.policy)
        self.assertEqual(first.splitlines()[0], again.splitlines()[0])
        self.assertEqual(nft("list", "tables", netns="box").count("table inet zu_"), 1)
        self.do("revoke", self.policy)
        self.do("revoke", self.policy)
        self.assertEqual(nft("list", "tables", netns="box"), "")

    def test_others_are_left_alone(self) -> None:
        nft("add table inet others; add chain inet others c { type filter hook output priority 5; policy accept; }; "
            "add rule inet others c accept", netns="box")
        nft("add table ip host; add chain ip host c { type filter hook output priority 5; policy accept; }; "
            "add rule ip host c ip daddr 192.0.2.1 drop")
        host, box = nft("list", "ruleset"), nft("list", "table", "inet", "others", netns="box")
        for _ in range(100):
            self.do("apply", self.policy)
            self.assertEqual(nft("list", "ruleset"), host)
            self.do("revoke", self.policy)
        self.assertEqual(nft("list", "ruleset"), host)
        self.assertEqual(nft("list", "ruleset", netns="box"), box)
        with socket.create_connection((OUT, self.other.port), 5) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")
        nft("delete table ip host")

    def test_killed_between_steps(self) -> None:
        """All of the table is there, or nothing of it."""
        self.do("apply", self.policy)
        whole = nft("-j", "list", "ruleset", netns="box").count('"rule"')
        self.do("revoke", self.policy)
        spec = self.folder / "policy.json"
        seen = set()
        for step in range(24):
            process = subprocess.Popen(["zuctl", "egress", "apply", "--mechanism", "nftables", "--netns", "/run/netns/box",
                                        "--spec", str(spec)], stdout=subprocess.DEVNULL, env=self.environment)
            time.sleep(0.004 * step)
            process.kill()
            process.wait()
            count = nft("-j", "list", "ruleset", netns="box").count('"rule"')
            seen.add(count)
            self.assertIn(count, (0, whole))
            self.do("revoke", self.policy)
            self.assertEqual(nft("list", "ruleset", netns="box"), "")
        self.assertIn(whole, seen)

    def test_refused(self) -> None:
        for policy, netns, why in ((self.policy, "/proc/self/ns/net", "the network of this process itself"),
                                   (self.policy, str(os.getpid()), "the network of this process itself"),
                                   (self.policy, "/etc/passwd", "no network namespace"),
                                   (self.policy, "/run/netns/none", "No such file"),
                                   (self.policy, "box", "must be a network namespace's path"),
                                   (self.policy, "/proc/self/ns/uts", "no network namespace"),
                                   ({"proxy": {"host": "p", "ip": OUT}}, "/run/netns/box", "ip and port"),
                                   ({"proxy": {"host": "p", "ip": "x", "port": 1}}, "/run/netns/box", "no address"),
                                   ({"dns": ["x; flush ruleset"]}, "/run/netns/box", "no address"),
                                   ({"allowlist": ["*"]}, "/run/netns/box", "every host")):
            done = self.egress("apply", policy, netns)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(why, done.stderr.decode())
        self.assertEqual(nft("list", "ruleset", netns="box"), "")

    def test_a_flush_is_seen(self) -> None:
        zu, mechanism = open_mechanism()
        policy = zu.EgressPolicy(dns=None)
        done = mechanism.apply("/run/netns/box", policy, None)
        self.reach()
        counted = [rule for rule in mechanism.inspect("/run/netns/box", policy, None).props.in_force
                   if rule.startswith("output: counter packets") and " packets 0 " not in rule]
        self.assertEqual(len(counted), 1)
        nft("flush", "table", "inet", done.props.id.split("@")[0], netns="box")
        with self.assertRaises(Exception) as caught:
            mechanism.inspect("/run/netns/box", policy, None)
        self.assertIn("is not what was put there", str(caught.exception))
        nft("flush", "ruleset", netns="box")
        with self.assertRaises(Exception):
            mechanism.inspect("/run/netns/box", policy, None)
        mechanism.revoke(done.props.id, None)

    def test_a_namespace_that_is_gone(self) -> None:
        zu, mechanism = open_mechanism()
        run("ip", "netns", "add", "short")
        done = mechanism.apply("/run/netns/short", zu.EgressPolicy(dns=None), None)
        run("ip", "netns", "delete", "short")
        mechanism.revoke(done.props.id, None)
        with self.assertRaises(Exception):
            mechanism.revoke("anything", None)


if __name__ == "__main__":
    enter()
    support.main()
