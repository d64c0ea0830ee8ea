# SPDX-License-Identifier: Apache-2.0
"""zuctl broker, over a private bus and over a worker's socket."""

import json
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


class Grants(BrokerCase):
    """Grants of a broker in a worker of its own."""

    def setUp(self) -> None:
        super().setUp()
        socket = str(self.folder / "broker")
        options = self.folder / "options.json"
        options.write_text(json.dumps({"store": f"{self.folder}/grants.db", "sink": self.log, "instrument": "scripted",
                                       "instrument-options": json.dumps({"record": f"{self.folder}/record",
                                                                         "declines": ["steal"]})}))
        reader = os.open(options, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        worker = subprocess.Popen(["zu-worker", "--plugin=grant-broker", f"--socket={socket}", f"--options-fd={reader}"],
                                  env=self.environment, pass_fds=[reader])
        self.addCleanup(worker.wait)
        self.addCleanup(worker.terminate)
        self.at = ("--socket", socket)
        self.wait_for(*self.at)

    def write(self, name: str, value: object) -> str:
        (self.folder / name).write_text(json.dumps(value))
        return str(self.folder / name)

    def grant(self, *terms: str) -> str:
        return self.succeed("broker", "grant", "--ttl", "60", *terms, *self.at).strip()

    def test_verbs(self) -> None:
        consent = {"id": "c-1", "by": "ann", "authority": "owner", "purpose": "rent"}
        grant = self.grant("--operation", "pay*", "--operation", "steal", "--payee", "shop", "--unit", "EUR", "--per-use", "10",
                           "--cumulative", "15.50", "--consent", self.write("consent", consent))
        self.assertRegex(grant, r"\A[0-9a-f-]{36}\Z")
        use = ("broker", "use", grant, "pay-rent", "--payee", "shop", *self.at)
        self.assertEqual(self.succeed(*use, "--amount", "10", "--key", "k"), '{"scripted":true}\n')
        done = self.zuctl(*use, "--amount", "10", "--key", "k")
        self.assertEqual((done.returncode, done.stdout), (1, b'refused: replay\n{"scripted":true}\n'))
        for amount, payee, operation, refusal in (("5.51", "shop", "pay", "cumulative"), ("11", "shop", "pay", "per_use"),
                                                  ("1", "casino", "pay", "scope"), ("1", "shop", "bake", "scope"),
                                                  ("1", "shop", "steal", "declined")):
            done = self.zuctl("broker", "use", grant, operation, "--payee", payee, "--amount", amount, *self.at)
            self.assertEqual((done.returncode, done.stdout), (1, f"refused: {refusal}\n".encode()))
        outcome, = self.succeed_json(*use, "--amount", "5.50")
        self.assertEqual((outcome["done"], outcome["refusal"], outcome["remaining"]), (True, None, "0"))
        listed, = self.succeed_json("broker", "grants", *self.at)
        self.assertEqual((listed["id"], listed["used"], listed["n_uses"], listed["terms"]["consent"]),
                         (grant, "15.5", 2, consent))
        self.assertRegex(self.succeed("broker", "grants", *self.at),
                         rf"\AGRANT .*\n{grant} +good +\S+Z +2 +15.5/15.50 EUR +pay\*, steal\n\Z")
        self.assertEqual(self.succeed_json("broker", "revoke", grant, *self.at), [{"revoked": grant}])
        self.assertEqual(self.zuctl(*use, "--amount", "1").stdout, b"refused: revoked\n")
        self.assertIn(" revoked ", self.succeed("broker", "grants", *self.at))

    def test_refused(self) -> None:
        grant = self.grant("--operation", "pay", "--requires-consent", "--uses", "1")
        self.assertEqual(self.zuctl("broker", "use", grant, "pay", *self.at).stdout, b"refused: no_consent\n")
        self.fail_with(1, "cannot grant: ", "broker", "grant", "--operation", "pay", "--ttl", "-1", *self.at)
        self.fail_with(1, r"cannot use it \(--key k\): ", "broker", "use", "no-such", "pay", "--key", "k", *self.at)
        self.fail_with(1, "cannot revoke: ", "broker", "revoke", "no-such", *self.at)

    def test_usage(self) -> None:
        self.fail_with(2, "--operation is missing", "broker", "grant", "--ttl", "60", *self.at)
        self.fail_with(2, "--ttl is missing", "broker", "grant", "--operation", "pay", *self.at)
        self.fail_with(2, "--request ", "broker", "use", "g", "pay", "--request", self.write("array", []), *self.at)
        self.fail_with(2, "cannot read the file", "broker", "use", "g", "pay", "--request", "/no/such", *self.at)
        self.fail_with(2, "--consent ", "broker", "use", "g", "pay", "--consent", self.write("odd", {"no": "such"}), *self.at)


if __name__ == "__main__":
    support.main()
