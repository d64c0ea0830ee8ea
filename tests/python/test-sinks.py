# SPDX-License-Identifier: Apache-2.0
"""Sinks and buses in Python: those of C, and those that are written in Python."""

import asyncio
import json
import logging
import os
import tempfile
import threading
import unittest
from pathlib import Path

import gi

gi.require_version("Zu", "1")
from gi.repository import Gio, GLib, GObject, Zu  # noqa: E402

TRACE = "0b1c2d3e-0000-4000-8000-000000000001"
TASK = "0b1c2d3e-0000-4000-8000-0000000000aa"


def event(**more):
    return Zu.Event(**{"trace_id": TRACE, "task_id": TASK, "type": "data.x", "source": "me",
                       "payload": {}, **more})


class PythonSink(GObject.Object, Zu.EventSink):
    __gtype_name__ = "PythonSink"

    def __init__(self):
        super().__init__()
        self.stored = []
        self.threads = set()

    def do_append(self, event, cancellable):
        self.threads.add(threading.current_thread())
        if event.type == "data.bad":
            raise ValueError("boo")
        if event.type == "data.conflict":
            raise Zu.EventSinkError("it is stored already", Zu.EventSinkError.CONFLICT)
        if event.type == "data.none":
            return None
        self.stored.append(event)
        return event

    def do_append_many(self, events):
        self.stored += events
        return events

    def do_query(self, filter, after_seq, limit):
        return self.stored[after_seq:None if limit < 0 else after_seq + limit]

    def do_stream(self, filter, after_seq, limit):
        found = self.stored[after_seq:after_seq + limit]
        return {"events": found, "next_seq": after_seq + len(found)}

    async def do_count(self, filter):
        await asyncio.sleep(0)
        return len(self.stored)


class Ours(unittest.TestCase):
    def test_memory(self):
        sink = Zu.open_sink("memory:")
        stored = [sink.append(event(payload={"n": i})) for i in range(5)]
        self.assertTrue(all(item.hash for item in stored))
        self.assertEqual(stored[1].prev_hash, stored[0].hash)
        self.assertEqual(list(sink), stored)
        self.assertEqual(sink.count(), 5)
        self.assertEqual(sink.count(filter={"type": "data.y"}), 0)
        self.assertEqual(sink.query(filter={"type": "data.x", "parent_id": None}, limit=2), stored[:2])
        self.assertEqual(sink.query({}, limit=0), [])
        self.assertEqual([item.payload["n"] for item in sink.events(page=2)], [0, 1, 2, 3, 4])
        self.assertEqual(Zu.verify_chain(sink), [])
        with self.assertRaises(Zu.EventSinkError) as caught:
            sink.query({"nothing": "x"})
        self.assertEqual(caught.exception.code, Zu.EventSinkError.UNKNOWN_FIELD)

    def test_sqlite(self):
        with tempfile.TemporaryDirectory() as folder:
            uri = "sqlite:" + os.path.join(folder, "x.db")
            sink = Zu.open_sink(uri)
            first = sink.append(event())
            with self.assertRaises(Zu.EventSinkError) as caught:
                sink.append(event(event_id=first.event_id, payload={"other": 1}))
            self.assertEqual(caught.exception.nick, "conflict")
            del sink
            self.assertEqual(list(Zu.open_sink(uri)), [first])

    def test_refused_uri(self):
        with self.assertRaises(Zu.RegistryError):
            Zu.open_sink("nothing:x")

    def test_arguments(self):
        sink = Zu.open_sink("memory:")
        with self.assertRaises(TypeError):
            sink.append()
        with self.assertRaises(TypeError):
            sink.count(fliter={})
        with self.assertRaises(TypeError):
            sink.count({}, filter={})
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        self.assertEqual(sink.count(None), 0)

    def test_await(self):
        sink = Zu.open_sink("memory:")

        async def use():
            stored = await asyncio.gather(*(sink.append_co(event()) for _ in range(20)))
            self.assertEqual(await sink.count_co(), 20)
            with self.assertRaises(Zu.EventSinkError):
                await sink.query_co({"nothing": "x"})
            return stored

        stored = asyncio.run(use())
        self.assertEqual({item.event_id for item in stored}, {item.event_id for item in sink})


class Written(unittest.TestCase):
    def test_verbs(self):
        sink = PythonSink()
        one = sink.append(event())
        self.assertEqual(sink.append_many([event(), event()])[1].type, "data.x")
        self.assertEqual(sink.query(after_seq=1), sink.stored[1:])
        self.assertEqual(list(sink)[0], one)
        self.assertEqual(sink.count(), 3)
        self.assertTrue(sink.get_links())

    def test_errors(self):
        sink = PythonSink()
        with self.assertRaises(Zu.EventSinkError) as caught:
            sink.append(event(type="data.conflict"))
        self.assertEqual((caught.exception.nick, caught.exception.message), ("conflict", "it is stored already"))
        with self.assertLogs("zu", logging.ERROR), self.assertRaises(GLib.Error) as failed:
            sink.append(event(type="data.bad"))
        self.assertEqual(failed.exception.message, "ValueError: boo")
        with self.assertRaises(GLib.Error) as nothing:
            sink.append(event(type="data.none"))
        self.assertTrue(nothing.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.FAILED))

    def test_threads(self):
        """An asynchronous caller's verb runs in a thread of the object, one at a time."""
        sink = PythonSink()

        async def use():
            return await asyncio.gather(*(sink.append_co(event()) for _ in range(50)))

        self.assertEqual(len(asyncio.run(use())), 50)
        self.assertNotIn(threading.main_thread(), sink.threads)

    def test_registered(self):
        Gio.IOExtensionPoint.implement("zu.sinks", PythonSink.__gtype__, "in-python", 0)
        sink = Zu.lookup("zu.sinks", "in-python")()
        self.assertIsInstance(sink, PythonSink)
        with self.assertRaises(Zu.RegistryError) as caught:
            Zu.lookup("zu.sinks", "no-such-sink")
        self.assertEqual(caught.exception.nick, "not-found")

        bus = Zu.EventBus(canonical=Zu.open_sink("memory:"), destinations=[sink])
        linked = bus.publish(event())
        self.assertTrue(linked.hash)
        asyncio.run(bus.publish_co(event()))
        bus.set_patience(5000)
        del bus
        self.assertEqual(sink.stored[0], linked)

    def test_behind_the_bus(self):
        canonical = PythonSink()
        self.assertEqual(Zu.EventBus(canonical).publish(event()), canonical.stored[0])

    def test_options_of_the_bus(self):
        bus = Zu.EventBus(PythonSink(), [PythonSink()], names=["other"], patience=7, accept_unlinked=True)
        self.assertEqual((bus.get_patience(), bus.get_accept_unlinked()), (7, True))
        self.assertEqual([destination.get_name() for destination in bus.list_destinations()], ["other"])
        with self.assertRaises(TypeError):
            Zu.EventBus(PythonSink(), nosuch=1)

    def test_a_destination_gets_what_it_missed(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Zu.open_sink(f"sqlite:{folder}/log.db")
            early = log.append(event())
            copy = Zu.open_sink(f"sqlite:{folder}/copy.db?role=copy")
            bus = Zu.EventBus(log, [copy], names=["copy"], positions_file=f"{folder}/positions")
            late = bus.publish(event())
            self.assertTrue(bus.flush(20000))
            self.assertEqual(list(copy), [early, late])
            self.assertIn('"destination":"copy","seq":2', Path(folder, "positions").read_text())
            del bus, log, copy

    def test_anchorer(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Zu.open_sink(f"sqlite:{folder}/log.db")
            anchorer = Zu.Anchorer(log, f"{folder}/heads", every_events=100)
            stored = log.append(event())
            anchorer.anchor()
            [record] = [json.loads(line) for line in Path(folder, "heads").read_text().splitlines()]
            self.assertEqual(record, {"trace_id": stored.trace_id, "seq": 1, "head": stored.hash})
            del anchorer, log


if __name__ == "__main__":
    unittest.main()
