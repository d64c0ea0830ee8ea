# SPDX-License-Identifier: Apache-2.0
"""zuctl event digest, against the recorded events."""

import json

import support


class Digest(support.ZuctlCase):

    def cases(self, name: str) -> list[dict]:
        with open(support.vectors() / name, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_recorded_events(self) -> None:
        cases = [case for case in self.cases("events.jsonl")
                 if case.get("input_json") and case.get("canonical")][:60]
        self.assertGreater(len(cases), 20)
        for case in cases:
            arguments = ["event", "digest", "--json"]
            if case["prev_hash"] is not None:
                arguments += ["--prev", case["prev_hash"]]
            answer = json.loads(self.succeed(*arguments, stdin=case["input_json"]))
            self.assertEqual(answer, {"canonical": case["canonical"], "digest": case["digest"]}, case["name"])

    def test_plain_output(self) -> None:
        case = next(case for case in self.cases("events.jsonl") if case.get("input_json") and not case["prev_hash"])
        self.assertEqual(self.succeed("event", "digest", stdin=case["input_json"]), case["digest"] + "\n")

    def test_own_links_do_not_count(self) -> None:
        event = support.new_event()
        linked = dict(event, prev_hash="x" * 64, hash="y" * 64, sig="z")
        self.assertEqual(self.succeed("event", "digest", stdin=json.dumps(event)),
                         self.succeed("event", "digest", stdin=json.dumps(linked)))

    def test_spans_lines(self) -> None:
        event = support.new_event(payload={"a": [1, 2]})
        self.assertEqual(self.succeed("event", "digest", stdin=json.dumps(event)),
                         self.succeed("event", "digest", stdin=json.dumps(event, indent=2) + "\n\n"))

    def test_prev_is_any_text(self) -> None:
        event = json.dumps(support.new_event())
        answers = {self.succeed("event", "digest", "--prev", prev, stdin=event) for prev in ("", "a", "é\n", "-x")}
        self.assertEqual(len(answers), 4)
        self.assertNotIn(self.succeed("event", "digest", stdin=event), answers)

    def test_rejected_events(self) -> None:
        cases = [case for case in self.cases("rejected.jsonl") if case.get("input_json")][:30]
        self.assertGreater(len(cases), 10)
        for case in cases:
            self.fail_with(1, "the event on stdin is refused", "event", "digest", stdin=case["input_json"])

    def test_wrong_input(self) -> None:
        for text in ("", "{", "[]", "null", json.dumps(support.new_event()) * 2,
                     json.dumps(support.new_event(type="other.x"))):
            self.fail_with(1, "the event on stdin is refused", "event", "digest", stdin=text)
        self.fail_with(1, "the event on stdin is refused", "event", "digest", stdin=b"\xff\xfe")


if __name__ == "__main__":
    support.main()
