# SPDX-License-Identifier: Apache-2.0
"""A port of another namespace, with everything that a port can say, from both sides."""

import unittest

import gi

gi.require_version("Zu", "1")
gi.require_version("Kit", "1")
from gi.repository import GObject, Kit, Zu  # noqa: E402

Zu.adopt(Kit)


class Echo(GObject.Object, Kit.KitchenSink):
    __gtype_name__ = "PythonKitchenSink"

    def do_get_depth(self):
        return 7

    def do_echo_text(self, text, suffix):
        return text + suffix

    def do_wash(self, load, heat, cancellable):
        if len(load.plates) > 3:
            raise Kit.KitchenSinkError(f"{len(load.plates)} plates", "too-full")


def _echo(self, value):
    return value


async def _echo_later(self, value):
    return value


VERBS = ("maybe_text", "boolean", "int32", "uint32", "int64", "uint64", "double", "bytes",
         "maybe_bytes", "json", "heat", "words", "plates", "everything", "event")
Now = type(Echo)("NowKitchenSink", (Echo, Kit.KitchenSink),
                 {"__gtype_name__": "NowKitchenSink", **{f"do_echo_{verb}": _echo for verb in VERBS}})
Later = type(Echo)("LaterKitchenSink", (Echo, Kit.KitchenSink),
                   {"__gtype_name__": "LaterKitchenSink",
                    **{f"do_echo_{verb}": _echo_later for verb in VERBS}})


class KitchenSink(unittest.TestCase):
    def sinks(self):
        for sink in (Kit.PlainSink(), Kit.LateSink(), Now(), Later()):
            with self.subTest(type(sink).__name__):
                yield sink

    def test_scalars(self):
        for sink in self.sinks():
            self.assertEqual(sink.echo_text("a"), "a!")
            self.assertEqual(sink.echo_text(text="a", suffix="b"), "ab")
            self.assertIsNone(sink.echo_maybe_text())
            self.assertEqual(sink.echo_maybe_text("x"), "x")
            self.assertIs(sink.echo_boolean(True), True)
            self.assertIs(sink.echo_boolean(), False)
            self.assertEqual(sink.echo_int32(), -7)
            self.assertEqual(sink.echo_uint32(), 2**32 - 1)
            self.assertEqual(sink.echo_int64(-2**63), -2**63)
            self.assertEqual(sink.echo_uint64(2**64 - 1), 2**64 - 1)
            self.assertEqual(sink.echo_double(0.1), 0.1)
            self.assertEqual(sink.echo_heat(Kit.Heat.LUKE_WARM), Kit.Heat.LUKE_WARM)
            self.assertEqual(sink.echo_heat("hot"), Kit.Heat.HOT)

    def test_values(self):
        plates = [Kit.Plate(name="one"), Kit.Plate(name="two", weight=2.5)]
        everything = Kit.Everything(text="t", plates=plates, blob=b"\0\xff", data=[None], heat="hot",
                                    words=["a"], filter=Zu.Filter.new_from_json(Zu.json_parse(b'{"type": "x"}')))
        event = Zu.Event(trace_id="0b1c2d3e-0000-4000-8000-000000000001", type="data.x", source="s",
                         task_id="0b1c2d3e-0000-4000-8000-000000000001", payload={})
        for sink in self.sinks():
            self.assertEqual(sink.echo_bytes(b"\0\1"), b"\0\1")
            self.assertIsNone(sink.echo_maybe_bytes(None))
            self.assertEqual(sink.echo_json({"a": [1, None]}), {"a": [1, None]})
            self.assertEqual(sink.echo_words(["a", "", "é"]), ["a", "", "é"])
            self.assertEqual(sink.echo_plates(plates), plates)
            self.assertEqual(sink.echo_plates([{"name": "one"}]), plates[:1])
            self.assertEqual(sink.echo_everything(everything), everything)
            self.assertEqual(sink.echo_event(event), event)
        self.assertEqual((everything.blob, everything.data, everything.words), (b"\0\xff", [None], ["a"]))
        self.assertEqual(Kit.Everything(text="t").huge, 2**64 - 1)

    def test_errors(self):
        for sink in self.sinks():
            self.assertIsNone(sink.wash({"plates": [{"name": "p"}]}))
            with self.assertRaises(Kit.KitchenSinkError) as caught:
                sink.wash({"plates": [{"name": "p"}] * 4})
            self.assertEqual(caught.exception.nick, "too-full")

    def test_properties(self):
        self.assertEqual(Echo().get_depth(), 7)
        self.assertEqual(Echo().get_material(), "stone")


if __name__ == "__main__":
    unittest.main()
