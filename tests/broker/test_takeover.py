# SPDX-License-Identifier: Apache-2.0
"""Whoever takes over the harness gets a socket, never the secret: everything that a process of the harness's user can try on
the one that holds it is refused, and no crash leaves the secret behind. Needs root, to be two users."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

import proc_scan
import support
from bus_support import NOBODY
from canary_support import CanaryCase, new_canary, pipe_with

ATTACKS = (Path(__file__).parent / "attacks.py").read_text()
AS_HARNESS = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
CORE_PATTERN = Path("/proc/sys/kernel/core_pattern").read_text()
NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def attack(pid: int) -> dict[str, int]:
    done = subprocess.run([*AS_HARNESS, "/usr/bin/python3", "-c", ATTACKS, str(pid)], capture_output=True, text=True,
                          timeout=support.TIMEOUT, check=True, env={"PATH": "/usr/bin:/bin"}, cwd="/")
    answer: dict[str, int] = json.loads(done.stdout)
    return answer


@unittest.skipIf(os.geteuid() != 0, "needs root, to be two users")
class Takeover(CanaryCase):

    def worker(self) -> "tuple[subprocess.Popen[bytes], socket.socket]":
        """As a harness has it: under the harness's own user, at the other end of a socket pair; it could dump core."""
        secret = pipe_with(self.canary)
        harness, end = socket.socketpair()
        # A sanitizer would take the signal of a crash for itself.
        self.environment["ASAN_OPTIONS"] = self.environment.get("ASAN_OPTIONS", "") + ":handle_segv=0"
        with end:
            process = self.popen("zu-worker", "--plugin=credential-broker", f"--fd={end.fileno()}", f"--secret-fd={secret}",
                                 f"--user={NOBODY}", pass_fds=(end.fileno(), secret), cwd=self.crash_folder(),
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, NO_LIMIT))
        os.close(secret)
        self.addCleanup(harness.close)
        harness.settimeout(support.TIMEOUT)
        body = b'{"id": 1, "method": "mint", "args": {"nonce": "n"}}'
        harness.sendall(len(body).to_bytes(4, "big") + body)
        self.assertIn(b"tok_", harness.recv(4096))
        return process, harness

    def crash_folder(self) -> Path:
        folder = self.folder / "crashes"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        return folder

    def assert_refuses_all(self, pid: int) -> None:
        for name, code in attack(pid).items():
            self.assertIn(code, (errno.EPERM, errno.EACCES), f"{name}: {os.strerror(code)}")

    def test_attacks_work(self) -> None:
        """Each gets through to a process of the harness's user that is not protected."""
        victim = self.popen(*AS_HARNESS, "sleep", "60")
        self.await_that(lambda: Path(f"/proc/{victim.pid}/comm").read_text() == "sleep\n")
        self.assertEqual({name: code for name, code in attack(victim.pid).items() if code != 0}, {})

    def test_worker_of_same_user(self) -> None:
        process, _ = self.worker()
        self.assert_refuses_all(process.pid)
        self.assert_only_locked(process.pid)
        self.assert_nowhere_else(process.pid)

    def test_broker_and_its_worker(self) -> None:
        broker = self.start()
        for pid in (broker.pid, self.worker_of(broker)):
            self.assert_refuses_all(pid)

    def test_worker_leaves_no_core(self) -> None:
        process, _ = self.worker()
        process.send_signal(signal.SIGSEGV)
        status = os.waitpid(process.pid, 0)[1]
        process.returncode = -os.WTERMSIG(status)
        self.assertEqual(os.WTERMSIG(status), signal.SIGSEGV)
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual(list(self.crash_folder().iterdir()), [])

    def test_core_has_no_secret(self) -> None:
        """Of a process that lets itself be dumped: plain text beside the secret is in the dump, the secret is not."""
        plain = new_canary()
        secret, beside = pipe_with(self.canary), pipe_with(plain)
        process = self.popen("sh", "-c", f"exec {HOLDER} 7<&{secret} 8<&{beside}", cwd=self.crash_folder(),
                             pass_fds=(secret, beside), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        for descriptor in (secret, beside):
            os.close(descriptor)
        self.assertEqual(process.stdout.read(1), b"r")
        self.assert_only_locked(process.pid)
        process.stdin.close()
        process.stdout.close()
        status = os.waitpid(process.pid, 0)[1]
        process.returncode = -os.WTERMSIG(status)
        self.assertEqual((os.WTERMSIG(status), os.WCOREDUMP(status)), (signal.SIGSEGV, True))
        if CORE_PATTERN[0] in "|/":
            return  # such a machine keeps its dumps to itself; what they leave out was looked at above
        self.assertNotEqual(proc_scan.scan_files(self.crash_folder(), plain), [])
        self.assertEqual(proc_scan.scan_files(self.crash_folder(), self.canary), [])


if __name__ == "__main__":
    HOLDER = sys.argv.pop(1)
    support.main()
