# SPDX-License-Identifier: Apache-2.0
"""zuctl egress check: the decision, its reason and rule, and the exit status."""

import json
from typing import Any

import support


class Check(support.ZuctlCase):

    def check(self, status: int, *arguments: str) -> dict[str, Any]:
        done = self.zuctl("egress", "check", *arguments, "--json")
        self.assertEqual((done.returncode, done.stderr), (status, b""), arguments)
        return json.loads(done.stdout)

    def test_allowed(self) -> None:
        self.assertEqual(self.check(0, "Example.COM.", "--allow", "a.example", "--allow", "example.com"),
                         {"allowed": True, "reason": "allowed", "rule": "example.com", "block": None,
                          "host": "example.com", "port": 443, "scheme": "connect"})

    def test_refused(self) -> None:
        answer = self.check(1, "example.com:8443", "--allow", "example.com")
        self.assertEqual((answer["reason"], answer["rule"]), ("port-not-allowed", "example.com"))
        self.assertEqual(self.check(1, "example.com")["reason"], "not-allowed")
        self.assertEqual(self.check(1, "a..b", "--allow-any")["reason"], "bad-host")

    def test_internal(self) -> None:
        answer = self.check(1, "169.254.169.254:80", "--allow-any")
        self.assertEqual((answer["reason"], answer["block"]), ("internal-address", "169.254.0.0/16"))
        self.assertEqual(self.check(1, "[::ffff:7f00:1]", "--allow-any")["reason"], "internal-address")
        self.assertEqual(self.check(1, "localhost", "--allow-any")["reason"], "internal-name")
        self.assertEqual(self.check(0, "127.0.0.1:81", "--allow", "127.0.0.1:81")["rule"], "127.0.0.1:81")

    def test_schemes(self) -> None:
        self.assertEqual(self.check(0, "example.com:80", "--allow", "example.com")["scheme"], "http")
        self.check(1, "example.com:80", "--allow", "example.com", "--scheme", "connect")
        self.check(1, "example.com:443", "--allow", "example.com", "--scheme", "http")
        self.assertEqual(self.check(0, "example.com", "--allow", "example.com", "--scheme", "http")["port"], 80)

    def test_resolve(self) -> None:
        rules = ("--allow", "localhost", "--allow", "127.0.0.0/8", "--allow", "[::1]")
        answer = self.check(0, "localhost", *rules, "--resolve")
        self.assertIn(answer["addresses"][0]["ip"], ("127.0.0.1", "::1"))
        self.assertTrue(answer["addresses"][0]["allowed"])
        # The name and some internal address are allowed, but not the one that it has.
        answer = self.check(1, "localhost", "--allow", "localhost", "--allow", "10.0.0.0/8", "--resolve")
        self.assertEqual(answer["reason"], "internal-address")
        # What is refused by name is not looked up.
        self.assertNotIn("addresses", self.check(1, "localhost", "--resolve"))

    def test_text(self) -> None:
        self.assertIn("example.com:443  yes  allowed", self.succeed("egress", "check", "example.com", "--allow-any"))
        done = self.zuctl("egress", "check", "127.1", "--allow-any")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"127.0.0.1:443  no  internal-address", done.stdout)

    def test_usage(self) -> None:
        for arguments in (("a", "--allow", "*"), ("a", "--allow", "http://b"), ("a:0",), ("::1",), ("a", "b"), (),
                          ("a", "--scheme", "ftp"), ("a", "--allow", "10.0.0.1/8")):
            self.fail_with(2, "egress check", "egress", "check", *arguments)


if __name__ == "__main__":
    support.main()
