# SPDX-License-Identifier: Apache-2.0
"""zuctl broker, over a private bus and over a worker's socket."""

import os
import subprocess
import time
from pathlib import Path

import support

TOKEN = r"\Atok_[0-9a-f]{24}\n\Z"
SECRET = b"a secret that nobody may see"


class BrokerCase(support.ZuctlCase):

    def start(self, *arguments: str, secret: bytes | None = SECRET) -> "subprocess.Popen[bytes]":
        """Starts a program that reads a secret from a descriptor, where one is given."""
        descriptors = []
        if secret is not None:
            reader, writer = os.pipe()
            os.write(writer, secret)
            os.close(writer)
            descriptors = [reader]
            arguments += (f"--secret-fd={reader}",)
        process = subprocess.Popen(arguments, env=self.environment, pass_fds=descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def wait_for(self, *arguments: str) -> None:
        deadline = time.monotonic() + support.TIMEOUT
        while self.zuctl("broker", "introspect", *arguments).returncode == 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def check_verbs(self, *arguments: str) -> None:
        token = self.succeed("broker", "mint", "a-nonce", *arguments)
        self.assertRegex(token, TOKEN)
        self.assertEqual(self.succeed("broker", "mint", "a-nonce", *arguments), token)
        self.assertNotEqual(self.succeed("broker", "mint", "another", *arguments), token)
        self.assertRegex(self.succeed("broker", "mint", "", *arguments), TOKEN)
        self.assertEqual(self.succeed_json("broker", "mint", "a-nonce", *arguments), [{"token": token.strip()}])
        self.assertEqual(self.succeed("broker", "check", "a-nonce", token.strip(), *arguments), "the token is good\n")
        self.assertEqual(self.zuctl("broker", "check", "other", token.strip(), *arguments).returncode, 1)
        self.assertEqual(self.succeed_json("broker", "check", "a-nonce", token.strip(), *arguments), [{"valid": True}])
        self.assertEqual(self.succeed("broker", "introspect", *arguments), "a secret is loaded\n")
        self.assertEqual(self.succeed_json("broker", "introspect", *arguments), [{"has_secret": True}])

    def check_without_secret(self, *arguments: str) -> None:
        self.fail_with(1, "cannot mint: ", "broker", "mint", "a-nonce", *arguments)
        self.assertEqual(self.succeed("broker", "introspect", *arguments), "no secret is loaded\n")


class Bus(BrokerCase):

    def setUp(self) -> None:
        super().setUp()
        self.address = f"unix:path={self.folder}/bus"
        bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}",
                                "--print-address"], stdout=subprocess.PIPE)
        self.addCleanup(bus.wait)
        self.addCleanup(bus.terminate)
        self.addCleanup(bus.stdout.close)
        bus.stdout.readline()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.address

    def test_verbs(self) -> None:
        self.start("zu-brokerd")
        self.wait_for()
        self.check_verbs()
        self.check_verbs("--bus", "session")
        self.check_verbs("--bus", self.address)

    def test_without_secret(self) -> None:
        self.start("zu-brokerd", secret=None)
        self.wait_for()
        self.check_without_secret()

    def test_the_secret_is_nowhere_to_be_read(self) -> None:
        self.start("zu-brokerd")
        self.wait_for()
        self.succeed("broker", "mint", "a-nonce")
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("environ", "cmdline"):
                try:
                    self.assertNotIn(SECRET, (process / name).read_bytes())
                except OSError:
                    pass

    def test_nobody_there(self) -> None:
        self.fail_with(2, "cannot mint: ", "broker", "mint", "a-nonce")
        self.fail_with(2, "cannot introspect: ", "broker", "introspect")

    def test_no_bus(self) -> None:
        self.fail_with(2, "cannot reach the unix:path=/no/such bus: ", "broker", "introspect", "--bus",
                       "unix:path=/no/such")
        self.fail_with(2, "cannot reach the nonsense bus: ", "broker", "introspect", "--bus", "nonsense")
        self.fail_with(2, "cannot reach the session bus: ", "broker", "introspect",
                       DBUS_SESSION_BUS_ADDRESS="unix:path=/no/such")


class Socket(BrokerCase):

    def setUp(self) -> None:
        super().setUp()
        self.socket = str(self.folder / "broker")

    def test_verbs(self) -> None:
        self.start("zu-worker", "--plugin=credential-broker", f"--socket={self.socket}")
        self.wait_for("--socket", self.socket)
        self.check_verbs("--socket", self.socket)

    def test_without_secret(self) -> None:
        self.start("zu-worker", "--plugin=credential-broker", f"--socket={self.socket}", secret=None)
        self.wait_for("--socket", self.socket)
        self.check_without_secret("--socket", self.socket)

    def test_nobody_there(self) -> None:
        self.fail_with(2, "cannot reach the broker: ", "broker", "mint", "a", "--socket", self.socket)

    def test_one_or_the_other(self) -> None:
        self.fail_with(2, "--bus and --socket exclude each other", "broker", "introspect", "--socket", self.socket,
                       "--bus", "session")


if __name__ == "__main__":
    support.main()
