# SPDX-License-Identifier: Apache-2.0
"""A canary secret is in the locked pages of the process that holds it, and nowhere else. Needs root, which may look
everywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import unittest

import proc_scan
import support
from bus_support import NAME, NOBODY, PATH
from canary_support import WORKER_USER, CanaryCase, new_canary


@unittest.skipIf(os.geteuid() != 0, "needs root to look everywhere, and to become another user")
class Canary(CanaryCase):

    def test_scan_finds_in_files(self) -> None:
        for spelling in proc_scan.spellings(self.canary).values():
            (self.folder / "file").write_bytes(b"before" + spelling + b"after")
            self.assertEqual(proc_scan.scan_files(self.folder, self.canary), [f"{self.folder}/file"])

    def test_scan_finds_in_processes(self) -> None:
        memfd = os.memfd_create("canary")
        os.write(memfd, self.canary)
        self.environment["HELD"] = self.canary.decode()
        holder = self.popen("sleep", "60", pass_fds=(memfd,))
        os.close(memfd)
        del self.environment["HELD"]
        environ = f"/proc/{holder.pid}/environ"
        self.await_that(lambda: environ in proc_scan.scan_process(holder.pid, self.canary))
        self.assertIn("memfd:canary", " ".join(proc_scan.scan_process(holder.pid, self.canary)))
        self.assertIn(environ, proc_scan.scan_process_table(self.canary))
        self.assertEqual({hit.mapping.name for hit in proc_scan.scan_memory(holder.pid, self.canary)}, {"[stack]"})
        for check in (lambda: self.assert_only_locked(holder.pid), lambda: self.assert_nowhere_else(holder.pid)):
            self.assertRaises(AssertionError, check)

    def test_calls(self) -> None:
        broker = self.start()
        done = self.run_as(NOBODY, 0, "busctl", f"--address={self.address}", "call", NAME, PATH, NAME, "Mint", "s",
                           "a-nonce-in-the-traffic")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.keep("answer", done.stdout + self.mint())
        self.assertFalse(self.is_good("tok_" + "0" * 24))
        self.await_in(self.traffic, b"a-nonce-in-the-traffic")
        self.assert_scan_is_clean(broker)

    def test_errors(self) -> None:
        """What is said of all that can go wrong: to callers, and on the broker's own output."""
        broker = self.start()
        for number, call in enumerate((("Mint",), ("Mint", "x" * 100000), ("Mint", "\N{SNOWMAN}"), ("Check", "n", "tok_"),
                                       ("Reveal",), ("Use", "{}"), ("Grant", "{}"), ("Revoke", "x"), ("ListGrants",))):
            done = self.call(*call)
            self.keep(f"answer-{number}", done.stdout + done.stderr)
        for number, policy in enumerate(("nonsense", "[*]\nuids=root\n"), 1):  # then it is the pipe that is empty
            (self.folder / "policy").write_text(policy)
            self.reload(broker)
            self.await_in(self.said, b"not reloaded", number)
        self.assert_scan_is_clean(broker)

    def test_failed_starts(self) -> None:
        """What is said of a secret that is refused, or that nobody came to hold."""
        file = self.folder / "secret"
        for number, (times, argument) in enumerate(((4000, "--grace=1"), (1, "--worker-user=nobody:x"), (1, "--unknown"),
                                                    (1, "--plugin=no-such"), (1, "--options=/nonexistent"))):
            file.write_bytes(self.canary * times)
            done = subprocess.run(["zu-brokerd", f"--secret-file={file}", argument], env=self.environment,
                                  capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertNotEqual(done.stderr, "")
            self.keep(f"answer-{number}", done.stdout + done.stderr)
        file.unlink()
        self.assertEqual(proc_scan.scan_files(self.folder, self.canary), [])

    def test_grants(self) -> None:
        """A key that is used under grants is in no event, no store and no answer."""
        data = self.folder / "data"
        data.mkdir()
        os.chown(data, WORKER_USER, WORKER_USER)
        options = {"store": f"{data}/grants.db", "sink": f"sqlite:{data}/log.db", "instrument": "hmac-signer"}
        (self.folder / "options.json").write_text(json.dumps(options))
        broker = self.start("--plugin=grant-broker", f"--options={self.folder}/options.json")
        done = self.call("Grant", "{'operations': <['sign']>, 'ttl': <int64 60>, 'uses': <int64 2>}")
        self.assert_allowed(done)
        found = re.search(r"'id': <'([0-9a-f-]{36})'>", done.stdout)
        assert found is not None
        for key, request in (("a", f"'digest': <'{'00' * 32}'>"), ("b", "'digest': <'short'>"), ("c", "'more': <'x'>")):
            done = self.call("Use", f"{{'grant_id': <'{found[1]}'>, 'idempotency_key': <'{key}'>, 'operation': <'sign'>,"
                                    f" 'request': <{{{request}}}>}}")
            self.keep(f"answer-{key}", done.stdout + done.stderr)
        self.assertRegex((self.folder / "answer-a").read_text(), r'"signature":"[0-9a-f]{64}"')
        self.assert_allowed(self.call("Revoke", found[1]))
        self.await_in(self.traffic, found[1].encode())
        for store in ("log.db", "grants.db"):
            self.assertIn(found[1].encode(), b"".join(path.read_bytes() for path in data.glob(f"{store}*")))
        self.assert_scan_is_clean(broker)

    def test_after_reload(self) -> None:
        """The secret before is gone with its time, and the one after is in one process."""
        folder = support.tempfile.TemporaryDirectory(prefix="zu-canary-")
        self.addCleanup(folder.cleanup)
        file = os.path.join(folder.name, "secret")
        with open(file, "wb") as stream:
            stream.write(self.canary)
        broker = self.popen("zu-brokerd", "--grace=0", f"--secret-file={file}", f"--worker-user={WORKER_USER}")
        self.wait_for_name()
        self.assert_scan_is_clean(broker)
        old, before = self.mint(), self.canary
        self.canary = new_canary()
        with open(file, "wb") as stream:
            stream.write(self.canary)
        self.reload(broker)
        self.await_that(lambda: self.mint() != old)
        self.await_that(lambda: len(proc_scan.descendants(broker.pid)) == 1)
        self.assert_scan_is_clean(broker)
        self.canary = before
        self.assert_nowhere_else(self.bus.pid, broker.pid, self.worker_of(broker))


if __name__ == "__main__":
    support.main()
