# SPDX-License-Identifier: Apache-2.0
"""The enforcement by an internal network of a container engine, from inside a container of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import support  # noqa: E402
from world import engine_pid  # noqa: E402

GATEWAY = "10.99.3.1"
BUSYBOX = "zu-test:1"

# A listener on every address of the engine's machine, which tells how many came.
LISTEN = """
import socket, sys
s = [socket.create_server(('::', int(p)), family=socket.AF_INET6, dualstack_ipv6=True) for p in sys.argv[1:]]
print('there', flush=True)
import select
while True:
    for ready in select.select(s, [], [])[0]:
        c, _ = ready.accept()
        print(ready.getsockname()[1], flush=True)
        c.close()
"""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


class InternalNet(support.ZuctlCase):

    @classmethod
    def setUpClass(cls) -> None:
        cls.there = ["nsenter", f"--net=/proc/{engine_pid()}/ns/net"]
        # The engine makes some chains of its own with its first network, and leaves them there.
        for options in (("--internal",), ()):
            docker("network", "rm", docker("network", "create", *options, "first"))

    def setUp(self) -> None:
        super().setUp()
        self.policy: dict[str, Any] = {"proxy": {"host": "zu-proxy", "ip": GATEWAY, "port": 3128}}
        self.before = self.rules()
        self.networks = docker("network", "ls", "--quiet")

    def tearDown(self) -> None:
        """Whatever a test does, nothing of it is left."""
        self.assertEqual((self.rules(), docker("network", "ls", "--quiet")), (self.before, self.networks))

    def run_there(self, *words: str) -> str:
        return subprocess.run([*self.there, *words], check=True, capture_output=True, text=True).stdout

    def rules(self) -> str:
        """Of the engine's machine, without what they have counted."""
        return self.run_there("nft", "--stateless", "list", "ruleset")

    def egress(self, verb: str, policy: dict[str, Any], target: str = "box", *more: str) -> subprocess.CompletedProcess[bytes]:
        spec = self.folder / "policy.json"
        spec.write_text(json.dumps(policy))
        return self.zuctl("egress", verb, "--mechanism", "docker-internal-net", "--netns", target, "--spec", str(spec), *more)

    def do(self, verb: str, policy: dict[str, Any], target: str = "box", *more: str) -> str:
        done = self.egress(verb, policy, target, *more)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return done.stdout.decode()

    def listen(self, *ports: int) -> subprocess.Popen[str]:
        process = subprocess.Popen([*self.there, sys.executable, "-uc", LISTEN, *map(str, ports)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "there\n")
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def reach(self, *places: str, network: str = "box") -> list[str]:
        """HOST PORT each, tried from inside."""
        script = "".join(f"nc -w 1 {place} </dev/null >/dev/null 2>&1 && echo yes || echo no\n" for place in places)
        return docker("run", "--rm", "--network", network, BUSYBOX, "/bin/sh", "-c", script).split()

    def test_reach(self) -> None:
        counted = self.listen(3128, 3129)
        answer = json.loads(self.do("apply", self.policy, "box", "--json"))
        self.assertEqual((answer["id"], answer["mechanism"]), ("box", "docker-internal-net"))
        self.assertEqual(answer["settings"], {"extra_hosts": {"zu-proxy": GATEWAY}, "dns": ["127.0.0.1"]})
        bridge = docker("network", "inspect", "--format", '{{index .Options "com.docker.network.bridge.name"}}', "box")
        self.assertEqual(answer["in_force"], [
            f"network box: internal, bridge {bridge}, subnet 10.99.3.0/29, gateway {GATEWAY}",
            "input: type filter hook input priority filter; policy accept;",
            f'input: iifname "{bridge}" ip saddr 10.99.3.0/29 ip daddr {GATEWAY} tcp dport 3128 counter packets 0 bytes 0 accept',
            f'input: iifname "{bridge}" counter packets 0 bytes 0 drop',
            "forward: type filter hook forward priority filter; policy accept;",
            f'forward: iifname "{bridge}" counter packets 0 bytes 0 drop',
            f'forward: oifname "{bridge}" counter packets 0 bytes 0 drop'])
        link_local = json.loads(self.run_there("ip", "-j", "-6", "address", "show", "dev", bridge, "scope", "link"))
        places = [f"{GATEWAY} 3128", f"{GATEWAY} 3129"]
        places += [f"{a['local']}%eth0 3129" for i in link_local for a in i.get("addr_info", ())]
        self.assertEqual(self.reach(*places), ["yes"] + ["no"] * (len(places) - 1))
        # Without the rules that container reaches all of this machine: the test would have seen it.
        table = next(line.split()[2] for line in self.run_there("nft", "list", "tables").splitlines() if "zu_net_" in line)
        self.run_there("nft", "flush", "table", "inet", table)
        self.assertEqual(self.reach(f"{GATEWAY} 3128", f"{GATEWAY} 3129"), ["yes", "yes"])
        self.do("apply", self.policy)
        self.assertEqual(self.reach(f"{GATEWAY} 3128", f"{GATEWAY} 3129"), ["yes", "no"])
        counted.kill()
        assert counted.stdout is not None
        self.assertEqual(counted.stdout.read().split(), ["3128", "3128", "3129", "3128"])
        self.do("revoke", self.policy)

    def test_modes(self) -> None:
        self.listen(53)
        for dns, reached in (("pin", "no"), ("deny", "no"), ([GATEWAY], "yes")):
            policy = {**self.policy, "dns": dns}
            answer = json.loads(self.do("apply", policy, "box", "--json"))
            self.assertEqual(answer["settings"]["dns"], dns if isinstance(dns, list) else ["127.0.0.1"])
            self.assertEqual(self.reach(f"{GATEWAY} 53"), [reached], dns)
        self.do("revoke", self.policy)
        self.do("apply", {})
        gateway = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "box")
        self.assertEqual(self.reach(f"{gateway} 53"), ["no"])
        self.do("revoke", {})

    def test_vectors(self) -> None:
        path = next(iter(support.vectors().rglob("netpolicy.json")))
        for number, case in enumerate(json.loads(path.read_text())["cases"]):
            answer = json.loads(self.do("apply", case["spec"], f"case-{number}", "--json"))
            self.assertEqual(answer["settings"], case["policy"])
            self.do("revoke", case["spec"], f"case-{number}")

    def test_others_are_left_alone(self) -> None:
        """Somebody's table at every moment, and all there is, the engine's own among it, after each of a hundred times."""
        self.run_there("nft", "add table inet others; add chain inet others c { type filter hook input priority 5; policy accept; }; "
                       "add rule inet others c ip daddr 192.0.2.1 counter drop")
        before, listening = self.rules(), self.listen(4000)
        others = self.run_there("nft", "list", "table", "inet", "others")
        for _ in range(100):
            self.do("apply", self.policy)
            self.assertEqual(self.run_there("nft", "list", "table", "inet", "others"), others)
            self.do("revoke", self.policy)
            self.assertEqual(self.rules(), before)
        self.run_there("ip", "link", "set", "lo", "up")
        self.run_there(sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 4000), 5)")
        assert listening.stdout is not None
        self.assertEqual(listening.stdout.readline(), "4000\n")
        self.run_there("nft", "delete", "table", "inet", "others")

    def test_twice(self) -> None:
        self.assertEqual(self.do("apply", self.policy), self.do("apply", self.policy))
        self.do("revoke", self.policy)
        self.do("revoke", self.policy)
        self.do("revoke", self.policy, "never-there")

    def test_a_container_in_it(self) -> None:
        self.do("apply", self.policy)
        box = docker("run", "--detach", "--network", "box", BUSYBOX, "/bin/sleep", "100")
        done = self.egress("revoke", self.policy)
        self.assertEqual(done.returncode, 2)
        self.assertIn("active endpoints", done.stderr.decode())
        self.assertIn("zu_net_", self.rules())
        docker("rm", "--force", box)
        self.do("revoke", self.policy)

    def test_refused(self) -> None:
        docker("network", "create", "theirs")
        for policy, target, why in (({"proxy": {"host": "p", "ip": "127.0.0.1", "port": 1}}, "box", "gateway"),
                                    ({"proxy": {"host": "p", "ip": "10.99.3.0", "port": 1}}, "box", "gateway"),
                                    ({"proxy": {"host": "p", "ip": "fd00::1", "port": 1}}, "box", "gateway"),
                                    ({"dns": ["x; flush ruleset"]}, "box", "no address"),
                                    ({"allowlist": ["*"]}, "box", "every host"),
                                    (self.policy, "host", "cannot name"), (self.policy, "a b", "cannot name"),
                                    (self.policy, "../x", "cannot name"), (self.policy, "theirs", "not one of ours")):
            done = self.egress("apply", policy, target)
            self.assertEqual(done.returncode, 2, (policy, target))
            self.assertIn(why, done.stderr.decode())
        self.assertEqual(self.egress("revoke", self.policy, "theirs").returncode, 2)
        docker("network", "rm", "theirs")
        # Another gateway than the one that it has.
        self.do("apply", self.policy)
        self.assertIn("its gateway", self.egress("apply", {"proxy": {"host": "p", "ip": "10.99.4.1", "port": 1}}).stderr.decode())
        self.do("revoke", self.policy)

    def test_killed_between_steps(self) -> None:
        """Whatever is there then, one revoke takes it away."""
        self.do("apply", self.policy)
        self.do("revoke", self.policy)
        spec = str(self.folder / "policy.json")
        seen = set()
        for verb in ("apply", "revoke"):
            for step in range(16):
                if verb == "revoke":
                    self.do("apply", self.policy)
                process = subprocess.Popen(["zuctl", "egress", verb, "--mechanism", "docker-internal-net", "--netns", "box",
                                            "--spec", spec], stdout=subprocess.DEVNULL, env=self.environment)
                time.sleep(0.012 * step)
                process.kill()
                process.wait()
                seen.add("zu_net_" in self.rules())
                self.do("revoke", self.policy)
                self.assertNotIn("zu_net_", self.rules())
        self.assertEqual(seen, {False, True})


if __name__ == "__main__":
    support.main()
