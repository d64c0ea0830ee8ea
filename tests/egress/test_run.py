# SPDX-License-Identifier: Apache-2.0
"""zuctl run --allow: what is inside reaches exactly what is allowed, and the log tells of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import support  # noqa: E402
from world import METADATA, PRIVATE, PUBLIC, PUBLIC6, Origin, Resolver, Server, echo, engine_pid, enter, run  # noqa: E402

resolver: Resolver

# The backend that a run is contained by: bubblewrap, or what is named here.
BACKEND = os.environ.get("ZU_TEST_BACKEND", "bubblewrap")
# What is put around an isolated network; without it there is none.
MECHANISM = os.environ.get("ZU_TEST_ENFORCEMENT", "")
CONTAINED = ("--backend", BACKEND) + (("--image", "zu-view:1", "--mount", "/usr:/usr") if BACKEND == "local-docker" else ())
CONTAINED += ("--network", "isolated", "--enforcement", MECHANISM) if MECHANISM else ()


def make_view() -> None:
    """An image that has nothing of its own, so that this system's programs run in it."""
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            ["docker", "import", "-", "zu-view:1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as engine:
        os.mkdir(f"{folder}/usr")
        for name in ("bin", "sbin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{folder}/{name}")
        subprocess.run(["tar", "-C", folder, "-c", "."], stdout=engine.stdin, check=True)
        assert engine.stdin is not None

# What the tool does: a request a line of its arguments, and what came of it.
GET = """
import os, sys, urllib.request, urllib.error
for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            print(answer.status, flush=True)
    except urllib.error.HTTPError as error:
        print(error.code, error.headers.get('Zu-Egress-Reason'), flush=True)
    except OSError as error:
        print('failed', type(error).__name__, flush=True)
"""

# Every way around the proxy that there could be.
REACH = """
import socket, sys
for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, (sys.argv[1], int(sys.argv[2]))),
        (socket.AF_INET6, socket.SOCK_STREAM, (sys.argv[3], int(sys.argv[2]))),
        (socket.AF_INET, socket.SOCK_DGRAM, (sys.argv[1], 53)),
        (socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', 53)),
        (socket.AF_INET, socket.SOCK_STREAM, ('169.254.169.254', 80))):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            s.send(b'x')
            print('sent' if kind == socket.SOCK_DGRAM and not s.recv(1) else 'reached')
        except OSError as error:
            print('no')
try:
    print(socket.getaddrinfo('name.example', 80)[0][4])
except OSError:
    print('no')
"""


class Runs(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.origin = Origin()
        self.addCleanup(self.origin.close)
        self.rule = f"{PUBLIC}:{self.origin.port}"
        self.url = f"http://{self.rule}/"

    def run_in(self, *options: str, script: str = GET, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
        return self.zuctl("run", *CONTAINED, "--sink", self.log, *options, "--", "/usr/bin/python3", "-c", script, *arguments)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.succeed("log", "query", self.log, "--json").splitlines()]
        return [event for event in found if event["type"].startswith(kind)]

    def observed(self) -> list[dict[str, Any]]:
        return [event["payload"] for event in self.events("harness.egress.observed")]

    def lines(self, done: subprocess.CompletedProcess[bytes]) -> list[str]:
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode().splitlines()

    def test_exactly_what_is_allowed(self) -> None:
        resolver.set("name.example", [PUBLIC])
        resolver.set("inside.example", [PRIVATE])
        port = self.origin.port
        done = self.run_in("--allow", self.rule, "--allow", f"name.example:{port}", "--allow", f"inside.example:{port}",
                           arguments=(self.url, f"http://name.example:{port}/", f"http://inside.example:{port}/",
                                      "http://other.example/", f"http://{PUBLIC}/", f"http://{METADATA}/"))
        self.assertEqual(self.lines(done), ["200", "200", "403 internal-address", "403 not-allowed",
                                            "403 port-not-allowed", "403 internal-address"])
        self.assertEqual([(r["host"], r["allowed"], r["reason"]) for r in self.observed()],
                         [(PUBLIC, True, "allowed"), ("name.example", True, "allowed"),
                          ("inside.example", False, "internal-address"), ("other.example", False, "not-allowed"),
                          (PUBLIC, False, "port-not-allowed"), (METADATA, False, "internal-address")])
        kinds = [event["type"] for event in self.events()]
        self.assertEqual(kinds, ["harness.task.started", "harness.tool.invoked", *["harness.egress.observed"] * 6,
                                 "harness.tool.returned", "harness.task.completed"])
        policy = self.events("harness.task.started")[0]["payload"]["policy"]
        self.assertEqual((policy["network"], policy["allow_any"], policy["allow"][0]), ("isolated" if MECHANISM else "none", False, self.rule))
        self.assertEqual(self.zuctl("log", "verify", self.log).returncode, 0)

    def test_no_other_way(self) -> None:
        for options in ((), ("--allow", self.rule), ("--allow-any",)):
            listening = Server(echo, port=0)
            self.addCleanup(listening.close)
            asked = len(resolver.asked)
            done = self.run_in(*options, script=REACH, arguments=(PUBLIC, str(listening.port), PUBLIC6))
            self.assertEqual(self.lines(done), ["no"] * 6, options)
            self.assertEqual((listening.accepted, len(resolver.asked) - asked), (0, 0))

    def test_variables(self) -> None:
        script = "import os; print(*(n + '=' + v for n, v in sorted(os.environ.items()) if 'proxy' in n.lower()))"
        words = dict(word.split("=", 1) for word in self.lines(self.run_in("--allow", self.rule, script=script))[0].split())
        self.assertEqual(sorted(words), sorted(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy",
                                                "https_proxy", "all_proxy", "no_proxy"]))
        self.assertRegex(words["HTTPS_PROXY"], r"\Ahttp://[\d.]+:\d+\Z")
        self.assertEqual("127.0.0.1" in words["HTTPS_PROXY"], MECHANISM != "docker-internal-net")
        self.assertEqual(words["no_proxy"], "localhost,127.0.0.1,::1")
        # The caller's own stay; whoever allows this machine's loopback gets there.
        done = self.run_in("--allow", "127.0.0.1:9", "--env", "http_proxy=mine", script=script)
        words = dict(word.split("=", 1) for word in self.lines(done)[0].split())
        self.assertEqual((words["http_proxy"], words["NO_PROXY"]), ("mine", "localhost,::1"))
        self.assertEqual(self.lines(self.run_in(script=script)), [""])

    def test_allow_any(self) -> None:
        done = self.run_in("--allow-any", arguments=(self.url, f"http://{PRIVATE}/"))
        self.assertEqual(self.lines(done), ["200", "403 internal-address"])
        self.assertTrue(self.events("harness.task.started")[0]["payload"]["policy"]["allow_any"])

    def test_observe(self) -> None:
        done = self.run_in("--observe", "--allow", self.rule, arguments=(self.url, "http://a.example:81/x", self.url))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.decode().splitlines(), ["403 observed"] * 3)
        self.assertEqual(done.stderr.decode(), f"--allow {self.rule}\n--allow a.example:81\n")
        self.assertEqual(self.origin.accepted, 0)
        # What it prints is what is needed.
        resolver.set("a.example", [PUBLIC])
        options = [word for line in done.stderr.decode().splitlines() for word in line.split()]
        self.assertEqual(self.lines(self.run_in(*options, arguments=(self.url,))), ["200"])

    def test_usage(self) -> None:
        for options in (("--allow", "http://x"), ("--allow", "*"), ("--allow", "a:0"), ("--allow", "a", "--sni", "no")):
            self.fail_with(2, "run: ", "run", *options, "--", "true")

    def test_another_network(self) -> None:
        self.fail_with(2, "--network unrestricted and rules for egress", "run", "--allow", self.rule, "--network",
                       "unrestricted", "--", "true")
        self.fail_with(2, "needs --enforcement NAME", "run", "--allow", self.rule, "--network", "isolated", "--", "true")
        self.fail_with(2, "add --network isolated", "run", "--enforcement", "nftables", "--", "true")
        self.fail_with(125, "cannot use the enforcement none", "run", "--network", "isolated", "--enforcement", "none",
                       "--", "true")

    def test_two_runs_at_once(self) -> None:
        other = Origin()
        self.addCleanup(other.close)
        urls = (self.url, f"http://{PUBLIC}:{other.port}/") * 5
        results: dict[int, list[str]] = {}

        def go(index: int, rule: str) -> None:
            results[index] = self.lines(self.run_in("--allow", rule, arguments=urls))

        threads = [threading.Thread(target=go, args=(0, self.rule)),
                   threading.Thread(target=go, args=(1, f"{PUBLIC}:{other.port}"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results[0], ["200", "403 port-not-allowed"] * 5)
        self.assertEqual(results[1], ["403 port-not-allowed", "200"] * 5)

    def start(self, script: str) -> tuple[subprocess.Popen[bytes], int]:
        """A run that goes on, and its proxy."""
        run = subprocess.Popen(["zuctl", "run", *CONTAINED, "--sink", self.log, "--allow", self.rule, "--", "/usr/bin/python3",
                                "-uc", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        self.addCleanup(lambda: run.poll() is None and run.kill())
        assert run.stdout is not None
        self.assertEqual(run.stdout.readline(), b"there\n")
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        names = {Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in children}
        return run, names["zu-egress-proxy"]

    def gone(self, pid: int) -> bool:
        for _ in range(500):
            if not Path(f"/proc/{pid}").exists() or re.search(r"State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text()):
                return True
            time.sleep(0.02)
        return False

    def test_killed_run(self) -> None:
        run, proxy = self.start("print('there'); import time; time.sleep(60)")
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=20)
        self.assertTrue(self.gone(proxy))
        # What holds the sandbox has noticed, and closes the trace.
        for _ in range(500):
            if self.events()[-1]["type"] == "harness.task.terminal":
                return
            time.sleep(0.02)
        self.fail("the trace stays open")

    def test_killed_proxy(self) -> None:
        """Without its proxy a run reaches nothing, and says that it went wrong."""
        script = f"print('there'); input()\n{GET}".replace("sys.argv[1:]", repr([self.url]))
        run = subprocess.Popen(["zuctl", "run", *CONTAINED, "--sink", self.log, "--allow", self.rule, "--", "/usr/bin/python3",
                                "-uc", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=self.environment)
        assert run.stdout is not None
        self.assertEqual(run.stdout.readline(), b"there\n")
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        for pid in children:
            if Path(f"/proc/{pid}/comm").read_text().strip() == "zu-egress-proxy":
                os.kill(int(pid), signal.SIGKILL)
        out, error = run.communicate(b"\n", timeout=60)
        self.assertTrue(out.startswith(b"failed"), out)
        self.assertEqual(run.returncode, 125)
        self.assertIn(b"the egress proxy has failed", error)
        self.assertEqual(self.events()[-1]["type"], "harness.task.terminal")
        self.assertEqual(self.origin.accepted, 0)

    def test_the_tool_cannot_reach_the_proxy(self) -> None:
        """No descriptor, no process, no socket of it is inside."""
        script = "import os; print(os.listdir('/proc/self/fd'), [p for p in os.listdir('/proc') if p.isdigit()])"
        out = self.lines(self.run_in("--allow", self.rule, script=script))[0]
        self.assertRegex(out, r"\A\['0', '1', '2', '3'\] \[")
        self.assertNotIn("egress", out)

    def test_an_open_tunnel_is_recorded(self) -> None:
        server = Server(echo)
        self.addCleanup(server.close)
        rule = f"{PUBLIC}:{server.port}"
        script = ("import os, re, socket\n"
                  "host, port = os.environ['HTTP_PROXY'].removeprefix('http://').split(':')\n"
                  "s = socket.create_connection((host, int(port)))\n"
                  f"s.sendall(b'CONNECT {rule} HTTP/1.1\\r\\n\\r\\n'); s.recv(100); s.sendall(b'hello'); print(s.recv(5), flush=True)\n"
                  "os._exit(0)")
        self.assertEqual(self.lines(self.run_in("--allow", rule, script=script)), ["b'hello'"])
        self.assertEqual([(r["bytes_in"], r["bytes_out"], r["allowed"]) for r in self.observed()], [(5, 5, True)])


class Enforced(Runs):
    """What a mechanism puts around a run."""

    def test_what_is_in_force(self) -> None:
        done = self.run_in("--allow", self.rule, script="import os; print(os.environ['HTTP_PROXY'])")
        address, port = self.lines(done)[0].removeprefix("http://").split(":")
        enforcement = self.events("harness.task.started")[0]["payload"]["policy"]["enforcement"]
        self.assertEqual(enforcement["mechanism"], MECHANISM)
        self.assertTrue(any(f"ip daddr {address} tcp dport {port}" in rule for rule in enforcement["in_force"]), enforcement)
        self.assertEqual(self.left(), [])
        # With nothing allowed there is no proxy, and no rule that lets anything through to one.
        self.assertEqual(self.lines(self.run_in(script="import os; print('HTTP_PROXY' in os.environ)")), ["False"])
        enforcement = self.events("harness.task.started")[1]["payload"]["policy"]["enforcement"]
        self.assertFalse(any("dport" in rule for rule in enforcement["in_force"]), enforcement)

    def test_everything_is_undone(self) -> None:
        """Also where the sandbox is refused after the network was made, or the command is not there."""
        for options, command in ((("--user", "x"), "true"), ((), "/no/such/program")):
            done = self.zuctl("run", *CONTAINED, "--sink", self.log, "--allow", self.rule, *options, "--", command)
            self.assertIn(done.returncode, (125, 127), done.stderr)
            self.assertEqual(self.left(), [])

    def test_a_flush_is_seen(self) -> None:
        """Who takes the rules away behind our back has not had a run that went well."""
        run = subprocess.Popen(["zuctl", "run", *CONTAINED, "--sink", self.log, "--allow", self.rule, "--", "/usr/bin/python3",
                                "-uc", "print('there'); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=self.environment)
        assert run.stdout is not None
        self.assertEqual(run.stdout.readline(), b"there\n")
        enforced = self.events("harness.task.started")[0]["payload"]["policy"]["enforcement"]["id"]
        place = enforced.split("@")[2] if "@" in enforced else f"/proc/{engine_pid()}/ns/net"
        subprocess.run(["nsenter", f"--net={place}", "nft", "flush", "ruleset"], check=True)
        _, error = run.communicate(b"\n", timeout=60)
        self.assertEqual(run.returncode, 125)
        self.assertIn(b"is not whole any more", error)
        self.assertEqual(self.events()[-1]["type"], "harness.task.terminal")
        self.assertEqual(self.left(), [])

    def left(self) -> list[str]:
        """What there is at the engine and in its network that a run has made."""
        if BACKEND != "local-docker":
            return []

        def tell(*words: str) -> list[str]:
            return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()

        return (tell("docker", "network", "ls", "--quiet", "--filter", "label=org.zu.enforcement") + tell("docker", "ps", "-aq")
                + tell("nsenter", f"--net=/proc/{engine_pid()}/ns/net", "nft", "list", "tables"))


class Made(Enforced):
    """And what it makes outside of the sandbox."""

    def test_a_killed_run_is_cleared_away(self) -> None:
        """By the next one, and not while it lives."""
        run, _ = self.start("print('there'); import time; time.sleep(60)")
        there = self.left()
        self.assertEqual(self.run_in(script="").returncode, 0)
        self.assertEqual(self.left(), there)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=20)
        for _ in range(500):
            if self.events()[-1]["type"] == "harness.task.terminal":
                break
            time.sleep(0.02)
        self.assertNotEqual(self.left(), [])
        self.assertEqual(self.run_in(script="").returncode, 0)
        self.assertEqual(self.left(), [])


# The one class that has all there is to see.
if not MECHANISM:
    del Enforced, Made
elif MECHANISM != "docker-internal-net":
    del Runs, Made
else:
    del Runs, Enforced

if __name__ == "__main__":
    enter()
    if BACKEND == "local-docker":
        make_view()
    elif os.geteuid() == 0:
        # What other runs on this machine have left behind is not this test's to tell of.
        os.makedirs("/run/zu", exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", "/run/zu")
    resolver = Resolver()
    support.main()
