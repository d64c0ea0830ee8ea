# SPDX-License-Identifier: Apache-2.0
"""zuctl identity, against the recorded proofs."""

import json
from typing import Any

import support
from support import vectors

NAME = ("--name", "static")


class Identity(support.ZuctlCase):

    def configuration(self, **members: Any) -> str:
        path = self.folder / "identity.json"
        path.write_text(json.dumps({name: value for name, value in members.items() if value is not None}))
        return str(path)

    def recorded(self, verb: str) -> list[dict[str, Any]]:
        return json.loads((vectors() / "identity.json").read_text(encoding="utf-8"))[verb]

    def test_present(self) -> None:
        checked = 0
        for case in self.recorded("present"):
            # Our plugin refuses what is empty.
            if case["principal"] and case["key"] and case["measurement"] != "":
                config = self.configuration(principal=case["principal"], key=case["key"],
                                            measurement=case["measurement"])
                self.assertEqual(self.succeed_json("identity", "present", *NAME, "--config", config), [case["proof"]],
                                 case["name"])
                checked += 1
        self.assertGreater(checked, 2)

    def test_verify(self) -> None:
        for case in self.recorded("verify"):
            config = self.configuration(principal=case["own_principal"], key=case["own_key"],
                                        trusted_keys=case["trusted_keys"] or None,
                                        expected_measurement=case["expected_measurement"])
            arguments = ("identity", "verify", *NAME, "--config", config)
            proof = json.dumps(case["proof"])
            if case.get("principal") is None:
                self.assertEqual(self.fail_with(1, "the proof .*is refused: ", *arguments, stdin=proof), "")
            else:
                self.assertEqual(self.succeed(*arguments, stdin=proof), case["principal"] + "\n", case["name"])
                self.assertEqual(self.succeed_json(*arguments, stdin=proof), [{"principal": case["principal"]}])

    def test_refused_as_json(self) -> None:
        config = self.configuration(principal="me", key="k")
        proof = json.dumps({"scheme": "static-hmac", "principal": "me", "proof": {"sig": "0" * 64}})
        self.assertEqual(self.fail_with(1, "the proof is refused: ", "identity", "verify", *NAME, "--config", config,
                                        "--json", stdin=proof), '{"principal":null}\n')

    def test_wrong_input(self) -> None:
        config = self.configuration(principal="me", key="k")
        for text in ("", "{", "[]", '{"scheme":"static-hmac"}', '{"scheme":1,"principal":"me","proof":{}}'):
            self.fail_with(1, "the proof on stdin is refused: ", "identity", "verify", *NAME, "--config", config,
                           stdin=text)

    def test_wrong_set_up(self) -> None:
        config = self.configuration(principal="me", key="k", nosuch=1)
        self.fail_with(2, "cannot use the identity static: .*nosuch", "identity", "present", *NAME, "--config", config)
        self.fail_with(2, "cannot read the file: ", "identity", "present", *NAME, "--config", "/no/such")
        (self.folder / "identity.json").write_text("{")
        self.fail_with(2, "cannot read .*identity.json: ", "identity", "present", *NAME, "--config", config)
        self.fail_with(2, "cannot use the identity nosuch: ", "identity", "present", "--name", "nosuch", "--config",
                       self.configuration())
        self.fail_with(2, "cannot make a proof: ", "identity", "present", *NAME, "--config",
                       self.configuration(trusted_keys={"a": "k"}))
        self.fail_with(2, "--name is missing", "identity", "present", "--config", config)
        self.fail_with(2, "--config is missing", "identity", "verify", *NAME)


if __name__ == "__main__":
    support.main()
