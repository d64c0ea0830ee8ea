# SPDX-License-Identifier: Apache-2.0
"""What the tests of zu-brokerd on a bus share: a bus of their own, the broker on it, and calls as any user."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Callable

import support

NAME, PATH = "org.zu.Broker1", "/org/zu/Broker1"
NOBODY, OTHER = 65534, 2  # the bus must know who they are
TOKEN = re.compile(r"tok_[0-9a-f]{24}")

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>{type}</type><listen>{address}</listen><auth>EXTERNAL</auth>{services}
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow eavesdrop="false"/>
</policy></busconfig>"""


class BusCase(unittest.TestCase):
    """A bus that everybody may reach, so that it is the broker that refuses."""

    bus_type = "session"
    services = ""

    def setUp(self) -> None:
        self.folder = Path(os.path.realpath(support.tempfile.mkdtemp(prefix="zu-access-")))
        self.addCleanup(support.shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        self.address = f"unix:path={self.folder}/bus"
        variable = "DBUS_SESSION_BUS_ADDRESS" if self.bus_type == "session" else "DBUS_SYSTEM_BUS_ADDRESS"
        self.environment = {**os.environ, variable: self.address}
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(type=self.bus_type, address=self.address, services=self.services.format(self=self)))
        self.bus = self.popen("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address",
                              stdout=subprocess.PIPE)
        assert self.bus.stdout is not None
        self.bus.stdout.readline()
        self.bus.stdout.close()
        os.chmod(self.folder / "bus", 0o666)

    def popen(self, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(arguments, env=self.environment, **options)  # type: ignore[call-overload]
        self.addCleanup(process.wait, support.TIMEOUT)
        self.addCleanup(process.terminate)
        return process  # type: ignore[no-any-return]

    def broker(self, *arguments: str, policy: str | None = None, secret: str = "a secret") -> "subprocess.Popen[bytes]":
        (self.folder / "secret").write_text(secret)
        if policy is not None:
            (self.folder / "policy").write_text(policy)
            arguments += (f"--policy={self.folder}/policy",)
        process = self.popen("zu-brokerd", f"--secret-file={self.folder}/secret", *arguments)
        self.wait_for_name()
        return process

    def await_that(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + support.TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def wait_for_name(self, name: str = NAME) -> None:
        self.await_that(lambda: name in self.busctl("--list", "--acquired", "list").stdout)

    def busctl(self, *arguments: str, uid: int = 0, gid: int = 0) -> "subprocess.CompletedProcess[str]":
        return self.run_as(uid, gid, "busctl", f"--address={self.address}", "--no-pager", *arguments)

    def run_as(self, uid: int, gid: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        as_user = [] if uid == 0 else ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
        return subprocess.run([*as_user, *arguments], capture_output=True, text=True, timeout=support.TIMEOUT,
                              check=False, env=self.environment)

    def call(self, method: str, *arguments: str, uid: int = 0, gid: int = 0) -> "subprocess.CompletedProcess[str]":
        """gdbus, which prints an error as it came."""
        return self.run_as(uid, gid, "gdbus", "call", f"--{self.bus_type}", f"--dest={NAME}", f"--object-path={PATH}",
                           f"--method={NAME}.{method}", *arguments)

    def mint(self, nonce: str = "n") -> str:
        done = self.call("Mint", nonce)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = TOKEN.search(done.stdout)
        assert found is not None
        return found.group()

    def is_good(self, token: str, nonce: str = "n") -> bool:
        done = self.call("Check", nonce, token)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout == "(true,)\n"

    def assert_allowed(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_refused(self, done: "subprocess.CompletedProcess[str]", why: str) -> None:
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(why, done.stderr)

    def reload(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGHUP)
