# SPDX-License-Identifier: Apache-2.0
"""The Python face of libzu: events, sinks, buses, plugins and ports."""

import json
import os

from gi.overrides import override
from gi.repository import Gio, GLib, GObject

from gi.overrides._zu_async import wait_for
from gi.overrides._zu_ports import _refuse_attribute, adopt
from gi.overrides._zu_values import Zu, from_json, plain, to_json, translated

__all__ = ["adopt", "lookup", "open_sink", "verify_chain"]

# Extension points exist once the registry does; Python implements them at run time.
Zu.Registry.get_default()

for _name, _made in adopt(Zu).items():
    globals()[_name] = _made
    __all__.append(_name)


def _checked(function, *args):
    """A call of C whose error is raised as the class of its domain."""
    try:
        return function(*args)
    except GLib.Error as error:
        raise translated(error) from None


_EVENT_KEYS = ("event_id", "trace_id", "task_id", "parent_id", "type", "ts", "source", "payload",
               "schema_version", "prev_hash", "hash", "sig")


class Event(Zu.Event):
    """An event of the log. It never changes; a sink gives back the linked one."""

    def __new__(cls, **fields):
        for key in fields:
            if key not in _EVENT_KEYS:
                raise TypeError(f"Event() has no field '{key}'")
        return _checked(Zu.Event.new_from_json, json.dumps(plain(fields)).encode())

    def __init__(self, **fields):
        """All was done when it was made."""

    @classmethod
    def from_json(cls, text):
        """Reads an event from JSON text."""
        return _checked(Zu.Event.new_from_json, text.encode())

    event_id = property(Zu.Event.get_event_id)
    trace_id = property(Zu.Event.get_trace_id)
    task_id = property(Zu.Event.get_task_id)
    parent_id = property(Zu.Event.get_parent_id)
    type = property(lambda self: self._text(Zu.EventField.TYPE))
    ts = property(Zu.Event.get_ts)
    source = property(lambda self: self._text(Zu.EventField.SOURCE))
    schema_version = property(Zu.Event.get_schema_version)
    prev_hash = property(lambda self: self._text(Zu.EventField.PREV_HASH))
    hash = property(lambda self: self._text(Zu.EventField.HASH))
    sig = property(lambda self: self._text(Zu.EventField.SIG))

    @property
    def payload(self):
        """The payload, as a dict of its own each time."""
        return json.loads(bytes(self.get_payload_text()))

    def _text(self, field):
        text, length = self.get_field(field)
        if text is None or len(text.encode("utf-8")) == length:
            return text
        # It holds U+0000, where a text of C ends.
        return self.to_dict()[field.value_nick.replace("-", "_")]

    def to_dict(self):
        """All fields, in their order."""
        return json.loads(self.get_text()[0])

    def __str__(self):
        return self.get_text()[0]

    def __repr__(self):
        return f"<Zu.Event {self.event_id} {self.type}>"

    def __eq__(self, other):
        return isinstance(other, Zu.Event) and self.get_text() == other.get_text()

    def __hash__(self):
        return hash(self.get_text()[0])

    __setattr__ = _refuse_attribute


Event = override(Event)
__all__.append("Event")


class Violation(Zu.Violation):
    """What is wrong with a chain, and where."""

    kind = property(lambda self: Zu.Violation.kind_to_string(self.get_kind()))
    subject = property(Zu.Violation.get_subject)
    text = property(Zu.Violation.get_text)

    def __repr__(self):
        return f"<Zu.Violation {self.subject} {self.kind}: {self.text}>"


Violation = override(Violation)
__all__.append("Violation")


class EventBus(Zu.EventBus):
    """Publishes events to a canonical sink first, and then to every destination."""

    def __new__(cls, canonical, destinations=(), *, names=None, positions_file=None, patience=None,
                accept_unlinked=False):
        bus = Zu.EventBus.new_full(canonical, list(destinations), names and list(names), positions_file,
                                   accept_unlinked)
        if patience is not None:
            bus.set_patience(patience)
        return bus

    def __init__(self, canonical, destinations=(), **_options):
        """All was done when it was made."""

    def publish(self, event, cancellable=None):
        """Links and commits an event, hands it on, and returns the linked one."""
        return _checked(Zu.EventBus.publish, self, event, cancellable)

    async def publish_co(self, event):
        """The same, awaited."""
        return await wait_for(
            lambda cancellable, done: self.publish_async(event, cancellable, done),
            lambda result: _checked(self.publish_finish, result))


EventBus = override(EventBus)
__all__.append("EventBus")


class Anchorer(Zu.Anchorer):
    """Writes the heads of a log's traces to an anchor file as events are stored."""

    def __new__(cls, sink, file, *, every_events=0, every_seconds=0):
        if not isinstance(file, Gio.File):
            file = Gio.File.new_for_path(os.fspath(file))
        return Zu.Anchorer.new(sink, file, every_events, every_seconds)

    def __init__(self, sink, file, **_options):
        """All was done when it was made."""


Anchorer = override(Anchorer)
__all__.append("Anchorer")


def _iterate(sink, filter=None, after_seq=0, page=512):
    """Yields events in stored order, a page of them in memory at a time."""
    while True:
        found = sink.stream(filter, after_seq, page)
        events = found.get_events()
        yield from events
        if len(events) < page:
            return
        after_seq = found.get_next_seq()


# Introspection takes it for a method of Channel.
Zu.ChannelRemote.new = staticmethod(Zu.Channel.remote_new)

Zu.EventSink.events = _iterate
Zu.EventSink.__iter__ = lambda sink: _iterate(sink)


def open_sink(uri, **options):
    """Opens a sink by its URI; options are construct properties of its class."""
    if not options:
        return _checked(Zu.open_sink, uri)
    names, values = _properties(options)
    return _checked(Zu.open_sink_with_properties, uri, names, values)


def verify_chain(events, key=None):
    """Lists what is wrong with events as a log of chains, in the order in which they stand."""
    return list(Zu.verify_chain(list(events), key))


def _properties(options):
    values = []
    for value in options.values():
        holder = GObject.Value()
        if isinstance(value, (dict, list, tuple)) and not all(isinstance(item, str) for item in value):
            value = to_json(value)
        holder.init(_gtype_of(value))
        holder.set_value(list(value) if isinstance(value, (list, tuple)) else value)
        values.append(holder)
    return [name.replace("_", "-") for name in options], values


def _gtype_of(value):
    for kind, gtype in ((bool, GObject.TYPE_BOOLEAN), (int, GObject.TYPE_INT64),
                        (float, GObject.TYPE_DOUBLE), (str, GObject.TYPE_STRING),
                        ((list, tuple), GObject.TYPE_STRV)):
        if isinstance(value, kind):
            return gtype
    return type(value).__gtype__


class Plugin:
    """A registered implementation: call it with its options to make one."""

    def __init__(self, kind, name, port):
        self.kind, self.name, self.port = kind, name, port
        self.gtype = _checked(Zu.Registry.lookup, Zu.Registry.get_default(), kind, port, name)

    def __call__(self, *, cancellable=None, **options):
        registry = Zu.Registry.get_default()
        if any(isinstance(value, (GObject.Object, GObject.GBoxed)) for value in options.values()):
            names, values = _properties(options)
            return _checked(Zu.Registry.create_with_properties, registry, self.kind, self.port,
                            self.name, names, values, cancellable)
        return _checked(Zu.Registry.create, registry, self.kind, self.port, self.name,
                        to_json(options), cancellable)

    def __repr__(self):
        return f"<Zu.Plugin {self.kind}/{self.name}: {self.gtype.name}>"


__all__.append("Plugin")


def lookup(kind, name, port=None):
    """Finds a plugin, loading its module where need be; what is returned is called to make one."""
    return Plugin(kind, name, port)
