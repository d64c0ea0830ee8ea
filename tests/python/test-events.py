# SPDX-License-Identifier: Apache-2.0
"""Events, filters, records and chains in Python."""

import json
import unittest
import uuid

import gi

gi.require_version("Zu", "1")
from gi.repository import Zu  # noqa: E402

TRACE = "0b1c2d3e-0000-4000-8000-000000000001"
TASK = "0b1c2d3e-0000-4000-8000-0000000000aa"


def event(**more):
    return Zu.Event(**{"trace_id": TRACE, "task_id": TASK, "type": "data.x", "source": "me",
                       "payload": {}, **more})


class Events(unittest.TestCase):
    def test_keywords(self):
        made = event(payload={"a": [None, 1.5, 10**30], "é": "\0"}, parent_id=None)
        self.assertEqual(made.payload, {"a": [None, 1.5, 10**30], "é": "\0"})
        self.assertEqual((made.trace_id, made.task_id, made.type, made.source, made.parent_id),
                         (TRACE, TASK, "data.x", "me", None))
        self.assertEqual((made.hash, made.prev_hash, made.sig, made.schema_version), (None, None, None, 1))
        uuid.UUID(made.event_id)
        self.assertTrue(made.ts.endswith("Z"))

    def test_payload_is_a_copy(self):
        made = event(payload={"a": 1})
        made.payload["a"] = 2
        self.assertEqual(made.payload, {"a": 1})

    def test_dict_and_text(self):
        made = event()
        self.assertEqual(list(made.to_dict())[:3], ["event_id", "trace_id", "task_id"])
        self.assertEqual(Zu.Event(**made.to_dict()), made)
        self.assertEqual(Zu.Event.from_json(str(made)), made)
        self.assertEqual(hash(Zu.Event.from_json(str(made))), hash(made))
        self.assertNotEqual(event(), made)

    def test_nul(self):
        self.assertEqual(event(source="a\0b").source, "a\0b")

    def test_refused(self):
        for fields, text in (({"type": "other.x"}, "type"), ({"trace_id": "x"}, "trace_id"),
                             ({"payload": [1]}, "payload"), ({"ts": "yesterday"}, "ts")):
            with self.assertRaises(Zu.EventError) as caught:
                event(**fields)
            self.assertIn(text, caught.exception.message)
            self.assertEqual(caught.exception.code, Zu.EventError.FIELD)
            self.assertEqual(caught.exception.nick, "field")
        with self.assertRaises(TypeError):
            event(colour="red")
        with self.assertRaises(TypeError):
            event(payload={"a": object()})

    def test_never_changes(self):
        made = event()
        for name in ("payload", "hash", "colour"):
            with self.assertRaises(AttributeError):
                setattr(made, name, 1)


class Chains(unittest.TestCase):
    def test_verify(self):
        first = event().link(None, None)
        second = event().link(first.hash, None)
        self.assertEqual(second.prev_hash, first.hash)
        self.assertEqual(Zu.verify_chain([first, second]), [])
        found = Zu.verify_chain([second])
        self.assertEqual([(item.kind, item.subject) for item in found],
                         [("prev_hash_break", second.event_id)])
        self.assertIn(second.event_id, repr(found[0]))
        self.assertEqual(Zu.verify_chain(iter([event()]))[0].kind, "not_linked")


class Records(unittest.TestCase):
    def test_keywords_and_members(self):
        made = Zu.ExitStatus(exit_status=3, timed_out=True)
        self.assertEqual((made.exit_status, made.timed_out, made.signal), (3, True, 0))
        self.assertEqual(made, Zu.ExitStatus(exit_status=3, timed_out=True))
        self.assertNotEqual(made, Zu.ExitStatus(exit_status=4, timed_out=True))
        self.assertEqual(len({made, Zu.ExitStatus(exit_status=3, timed_out=True)}), 1)
        self.assertEqual(repr(Zu.Challenge(nonce="n")), "Challenge(audience=None, nonce='n')")

    def test_json_and_lists(self):
        made = Zu.Observation(status=200, data={"a": [1, None]}, exit={"exit_status": 0})
        self.assertEqual(made.data, {"a": [1, None]})
        self.assertEqual(made.exit.exit_status, 0)
        self.assertEqual(made.to_dict()["exit"]["exit_status"], 0)
        page = Zu.EventPage(events=[event(), event()], next_seq=2)
        self.assertEqual(len(page.events), 2)
        self.assertEqual(Zu.LaunchSpec(dns=["1.1.1.1"]).dns, ["1.1.1.1"])

    def test_refused(self):
        for members in ({}, {"exit_status": "a"}, {"exit_status": 1, "exit": 2}):
            with self.assertRaises(TypeError):
                Zu.ExitStatus(**members)
        made = Zu.ExitStatus(exit_status=1)
        for name in ("exit_status", "no_such"):
            with self.assertRaises(AttributeError):
                setattr(made, name, 1)


class Errors(unittest.TestCase):
    def test_classes_keep_their_constants(self):
        error = Zu.EventSinkError("no", Zu.EventSinkError.CONFLICT)
        self.assertTrue(error.matches(Zu.event_sink_error_quark(), Zu.EventSinkError.CONFLICT))
        self.assertEqual(Zu.EventSinkError("no", "read-only").code, Zu.EventSinkError.READ_ONLY)
        self.assertEqual(json.dumps(error.nick), '"conflict"')


if __name__ == "__main__":
    unittest.main()
