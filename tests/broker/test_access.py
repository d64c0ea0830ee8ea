# SPDX-License-Identifier: Apache-2.0
"""Who may call zu-brokerd on a bus, how often, and what a reload changes; with nothing of ours on the caller's side."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import unittest
from pathlib import Path

import support
from bus_support import NAME, NOBODY, OTHER, PATH, TOKEN, BusCase


@unittest.skipIf(os.geteuid() != 0, "needs root to call as another user")
class Access(BusCase):

    def test_only_own_user_without_policy(self) -> None:
        self.broker()
        self.assert_allowed(self.call("Introspect"))
        self.assert_refused(self.call("Introspect", uid=NOBODY), "policy does not name you")
        self.assert_refused(self.call("Mint", "n", uid=NOBODY), "policy does not name you")

    def test_lists(self) -> None:
        self.broker(policy=f"[*]\nuids=root\n[Introspect]\nuids=*\n[Mint]\nuids={NOBODY}\ngids=12345\n")
        self.assert_allowed(self.call("Introspect", uid=OTHER))
        self.assert_allowed(self.call("Mint", "n", uid=NOBODY))
        self.assert_allowed(self.call("Mint", "n", uid=OTHER, gid=12345))
        self.assert_refused(self.call("Mint", "n", uid=OTHER), "policy does not name you")
        self.assert_refused(self.call("Check", "n", "t", uid=NOBODY), "policy does not name you")
        # Not even root, where a section does not name it.
        self.assert_refused(self.call("Mint", "n"), "policy does not name you")

    def test_rate(self) -> None:
        self.broker(policy="[*]\nuids=root;nobody\n[limits]\ncalls-per-second=1\nburst=3\n")
        results = [self.call("Introspect", uid=NOBODY) for _ in range(12)]
        refused = [done for done in results if done.returncode != 0]
        self.assertGreaterEqual(len(results) - len(refused), 3)
        self.assertTrue(refused, "twelve calls in less than nine seconds")
        self.assertIn("too many calls", refused[0].stderr)
        # One user's calls are not another's.
        self.assert_allowed(self.call("Introspect"))

    def test_bad_policies(self) -> None:
        for text, why in (("[Reveal]\nuids=root\n", "there is no such verb"),
                          ("[Mint]\nuids=no-such-user\n", "there is no such user"),
                          ("[Mint]\nuid=0\n", "there is no such key"),
                          ("[Mint]\npolkit=perhaps\n", "true or false"),
                          ("[limits]\nburst=0\n", "1 or more"),
                          ("[limits]\nburst=inf\n", "1 or more"),
                          ("uids=0\n", "the policy")):
            with self.subTest(text):
                (self.folder / "policy").write_text(text)
                done = subprocess.run(["zu-brokerd", f"--policy={self.folder}/policy"], env=self.environment,
                                      capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertIn(why, done.stderr)

    def control_group(self, path: str) -> Path:
        """A control group that looks like one of systemd's."""
        root = next(place for place in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"),
                                        Path("/sys/fs/cgroup")) if (place / "cgroup.procs").exists())
        for part in reversed([root / path, *(root / path).parents]):
            if root in part.parents and not part.exists():
                part.mkdir()
                self.addCleanup(part.rmdir)
        return root / path

    def introspect_from(self, group: Path) -> "subprocess.CompletedProcess[str]":
        return self.run_as(0, 0, "sh", "-c", f"echo $$ > {group}/cgroup.procs && exec gdbus call --session"
                           f" --dest={NAME} --object-path={PATH} --method={NAME}.Introspect")

    def test_unit(self) -> None:
        """A unit is what the kernel says the caller's control group is, not what a user calls its own."""
        unit = f"zu-access-{os.getpid()}.service"
        self.broker(policy=f"[*]\nunits={unit}\n")
        self.assert_refused(self.call("Introspect"), "policy does not name you")
        self.assert_allowed(self.introspect_from(self.control_group(f"zu.slice/{unit}")))
        self.assert_allowed(self.introspect_from(self.control_group(f"zu.slice/{unit}/payload")))
        self.assert_refused(self.introspect_from(self.control_group(f"zu.slice/user@1.service/{unit}")),
                            "policy does not name you")

    def test_properties(self) -> None:
        self.broker()
        done = self.busctl("get-property", NAME, PATH, NAME, "Version", "Verbs", uid=NOBODY)
        self.assertEqual(done.stdout.splitlines()[0], "u 1")
        for verb in ("Mint", "Introspect", "Check"):
            self.assertIn(f'"{verb}"', done.stdout)
        introspection = self.busctl("--xml-interface", "introspect", NAME, PATH).stdout
        self.assertIn("Derives a one-way token for a nonce.", introspection)


@unittest.skipIf(os.geteuid() != 0, "needs root to call as another user")
class Reload(BusCase):

    def await_other(self, token: str) -> str:
        deadline = time.monotonic() + support.TIMEOUT
        while (fresh := self.mint()) == token:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        return fresh

    def test_old_tokens_for_a_while(self) -> None:
        process = self.broker("--grace=3")
        old = self.mint()
        self.assertTrue(self.is_good(old))
        self.assertFalse(self.is_good(old, "another"))
        (self.folder / "secret").write_text("the next secret")
        self.reload(process)
        fresh = self.await_other(old)
        self.assertTrue(self.is_good(old))
        self.assertTrue(self.is_good(fresh))
        self.assertFalse(self.is_good("tok_" + "0" * 24))
        self.await_that(lambda: not self.is_good(old))
        self.assertTrue(self.is_good(fresh))
        self.assertIsNone(process.poll())

    def test_no_grace(self) -> None:
        process = self.broker("--grace=0")
        old = self.mint()
        self.reload(process)
        fresh = self.await_other(old)
        self.assertFalse(self.is_good(old))
        self.assertTrue(self.is_good(fresh))

    def test_policy(self) -> None:
        process = self.broker(policy="[*]\nuids=root\n")
        self.assert_refused(self.call("Introspect", uid=NOBODY), "policy does not name you")
        (self.folder / "policy").write_text("[*]\nuids=nobody\n")
        self.reload(process)
        self.await_that(lambda: self.call("Introspect", uid=NOBODY).returncode == 0)
        self.assert_refused(self.call("Introspect"), "policy does not name you")

    def test_failure_changes_nothing(self) -> None:
        process = self.broker(policy="[*]\nuids=root\n")
        token = self.mint()
        (self.folder / "secret").write_text("")
        self.reload(process)
        time.sleep(0.5)
        self.assertEqual(self.mint(), token)
        (self.folder / "secret").write_text("a secret")
        (self.folder / "policy").write_text("nonsense")
        self.reload(process)
        time.sleep(0.5)
        self.assertEqual(self.mint(), token)
        self.assert_refused(self.call("Introspect", uid=NOBODY), "policy does not name you")


@unittest.skipIf(os.geteuid() != 0, "needs root to call as another user")
class Grants(BusCase):
    """A person grants, an agent uses: two users, one policy."""

    def test_who_grants_and_who_uses(self) -> None:
        options = {"store": f"{self.folder}/grants.db", "sink": f"sqlite:{self.folder}/log.db", "instrument": "hmac-signer"}
        (self.folder / "options.json").write_text(json.dumps(options))
        self.broker("--plugin=grant-broker", f"--options={self.folder}/options.json",
                    policy="[Grant]\nuids=root\n[Use]\nuids=nobody\n[ListGrants]\nuids=*\n")
        terms = "{'operations': <['sign']>, 'ttl': <int64 60>, 'uses': <int64 1>}"
        self.assert_refused(self.call("Grant", terms, uid=NOBODY), "policy does not name you")
        done = self.call("Grant", terms)
        self.assert_allowed(done)
        found = re.search(r"'id': <'([0-9a-f-]{36})'>", done.stdout)
        assert found is not None
        use = (f"{{'grant_id': <'{found.group(1)}'>, 'idempotency_key': <'k'>, 'operation': <'sign'>,"
               f" 'request': <{{'digest': <'{'00' * 32}'>}}>}}")
        self.assert_refused(self.call("Use", use), "policy does not name you")
        done = self.call("Use", use, uid=NOBODY)
        self.assert_allowed(done)
        self.assertIn("'done': <true>", done.stdout)
        self.assertRegex(done.stdout, r'"signature":"[0-9a-f]{64}"')
        self.assertIn(found.group(1), self.call("ListGrants", uid=OTHER).stdout)
        # The log says who: the bus does, the face passes it on, and the worker behind it believes that.
        log = self.run_as(0, 0, "zuctl", "log", "query", options["sink"], "--json").stdout
        self.assertEqual([(event["type"].removeprefix("harness.grant."), event["payload"]["ctx"]["peer"])
                          for event in map(json.loads, log.splitlines())],
                         [("issued", "uid:0"), ("reserved", f"uid:{NOBODY}"), ("used", f"uid:{NOBODY}")])
        self.assert_refused(self.call("Mint", "n"), "policy does not name you")


class Activation(BusCase):

    services = "<servicedir>{self.folder}/services</servicedir>"

    def setUp(self) -> None:
        super().setUp()
        services = self.folder / "services"
        services.mkdir()
        (self.folder / "secret").write_text("s")
        (services / f"{NAME}.service").write_text(
            f"[D-BUS Service]\nName={NAME}\nExec={support.shutil.which('zu-brokerd')} --secret-file={self.folder}/secret\n")
        self.busctl("call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig")

    def test_started_by_the_first_call(self) -> None:
        self.assertRegex(self.mint(), TOKEN)
        owner = self.busctl("call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID",
                            "s", NAME).stdout
        os.kill(int(owner.split()[1]), signal.SIGTERM)
        self.await_that(lambda: NAME not in self.busctl("--list", "--acquired", "list").stdout)
        self.assertRegex(self.mint(), TOKEN)
        owner = self.busctl("call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID",
                            "s", NAME).stdout
        os.kill(int(owner.split()[1]), signal.SIGTERM)


POLKIT_RULES = """polkit.addRule(function (action, subject) {
  if (action.id == "org.zu.broker1.mint")
    return subject.user == "nobody" ? polkit.Result.YES : polkit.Result.NO;
});"""


@unittest.skipIf(os.geteuid() != 0, "needs root for a polkitd of its own")
class Polkit(BusCase):
    """The real polkitd, which sees our actions and rules in a mount namespace of its own."""

    bus_type = "system"

    def test_asked_for_whom_no_list_names(self) -> None:
        actions, rules = self.folder / "actions", self.folder / "rules"
        actions.mkdir()
        rules.mkdir()
        data = Path(os.environ["ZU_BROKERD_DATA"])
        (actions / "org.zu.broker1.policy").write_text((data / "org.zu.broker1.policy").read_text())
        (rules / "10-test.rules").write_text(POLKIT_RULES)
        self.popen("unshare", "--mount", "sh", "-ec",
                   f"mount --bind {actions} /usr/share/polkit-1/actions; mount --bind {rules} /etc/polkit-1/rules.d;"
                   "exec /usr/lib/polkit-1/polkitd --no-debug", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_name("org.freedesktop.PolicyKit1")
        self.broker("--system", policy="[*]\nuids=root\npolkit=true\n")
        self.assert_allowed(self.call("Mint", "n"))
        self.assert_allowed(self.call("Mint", "n", uid=NOBODY))
        self.assert_refused(self.call("Mint", "n", uid=OTHER), "polkit did not authorise it")

    def test_refused_without_polkit(self) -> None:
        self.broker("--system", policy="[*]\nuids=root\npolkit=true\n")
        self.assert_refused(self.call("Mint", "n", uid=NOBODY), "polkit cannot be asked")


class Units(unittest.TestCase):
    """What systemd says of the unit that is installed."""

    def test_hardening(self) -> None:
        unit = Path(os.environ["ZU_BROKERD_UNITS"]) / "zu-brokerd.service"
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager",
                               str(unit)], capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-400:] + done.stderr)

    def test_words_are_known(self) -> None:
        for name in ("zu-brokerd.service", "zu-brokerd-user.service"):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                                   str(Path(os.environ["ZU_BROKERD_UNITS"]) / name)],
                                  capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
            said = [line for line in done.stderr.splitlines() if name in line and "is not executable" not in line]
            self.assertEqual(said, [])


if __name__ == "__main__":
    support.main()
