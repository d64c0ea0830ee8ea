# SPDX-License-Identifier: Apache-2.0
"""What makes ports and records of a namespace feel like Python, from the ports' own descriptions."""

import asyncio
import inspect
import json
import logging

from gi import Repository
from gi.repository import Gio, GLib, GObject

from gi.overrides._zu_async import run, wait_for
from gi.overrides._zu_values import (Zu, find_type, from_json, make_error, plain, to_c, to_json,
                                     to_python, translated)

_REQUIRED = object()
_log = logging.getLogger("zu")


class _Verb:
    """One verb: its parameters, and how values go in and come out."""

    def __init__(self, module, port, name, spec):
        self.module, self.port, self.name = module, port, name
        self.brief = spec["brief"]
        self.inputs = [(key, item["type"], _default(item)) for key, item in spec.get("in", {}).items()]
        out = spec.get("out")
        self.out = out if isinstance(out, str) or out is None else next(iter(out.values()))["type"]
        self.sync = getattr(port, name)
        self.start = getattr(port, f"{name}_async")
        self.finish = getattr(port, f"{name}_finish")

    def bind(self, args, given):
        """Arguments in order, as C takes them, and the cancellable."""
        cancellable = given.pop("cancellable", None)
        if len(args) == len(self.inputs) + 1 and isinstance(args[-1], (Gio.Cancellable, type(None))):
            cancellable, args = args[-1] or cancellable, args[:-1]
        if len(args) > len(self.inputs):
            raise TypeError(f"{self.name}() takes {len(self.inputs)} arguments, not {len(args)}")
        values = []
        for i, (key, type_text, default) in enumerate(self.inputs):
            if i < len(args):
                value = args[i]
                if key in given:
                    raise TypeError(f"{self.name}() got '{key}' twice")
            else:
                value = given.pop(key, default)
            if value is _REQUIRED:
                raise TypeError(f"{self.name}() needs '{key}'")
            values.append(to_c(self.module, type_text, value))
        if given:
            raise TypeError(f"{self.name}() has no parameter '{next(iter(given))}'")
        return values, cancellable

    def result(self, value):
        return None if self.out is None else to_python(self.out, value)

    def describe(self, function, name):
        parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)]
        for key, _type, default in self.inputs:
            parameters.append(inspect.Parameter(
                key, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if default is _REQUIRED else default))
        # A parameter with a default may stand before one without; Python's own syntax forbids it.
        seen = False
        for i, parameter in enumerate(parameters):
            seen = seen or parameter.default is not inspect.Parameter.empty
            if seen and parameter.default is inspect.Parameter.empty:
                parameters[i] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        parameters.sort(key=lambda parameter: parameter.kind)
        function.__signature__ = inspect.Signature(parameters)
        function.__doc__ = self.brief
        function.__name__ = name
        function.__qualname__ = f"{self.port.__name__}.{name}"
        return function

    def call(self):
        def verb(this, *args, **given):
            values, cancellable = self.bind(args, given)
            try:
                return self.result(self.sync(this, *values, cancellable))
            except GLib.Error as error:
                raise translated(error) from None

        return self.describe(verb, self.name)

    def coroutine(self):
        async def verb(this, *args, **given):
            values, _cancellable = self.bind(args, given)

            def finish(result):
                try:
                    return self.result(self.finish(this, result))
                except GLib.Error as error:
                    raise translated(error) from None

            return await wait_for(
                lambda cancellable, done: self.start(this, *values, cancellable, done), finish)

        return self.describe(verb, f"{self.name}_co")

    def answer(self, value):
        """What an implementation gave, as the function in C returns it."""
        return True if self.out is None else to_c(self.module, self.out, value)

    def answer_now(self, value):
        """The same, as the result of a function of C: the array owns its elements there."""
        given = self.answer(value)
        if self.out is not None and self.out.endswith("[]") and self.out != "string[]":
            for item in given:
                item._ref()
        return given

    def implemented(self, function):
        """A verb as Python implements it, called by C."""
        wants_cancellable = _takes(function, len(self.inputs) + 2)

        def implement(this, *args):
            values = [to_python(item[1], value) for item, value in zip(self.inputs, args)]
            if wants_cancellable:
                values.append(args[len(self.inputs)])
            try:
                return self.answer_now(function(this, *values))
            except Exception as error:
                raise _for_c(error, self) from error

        implement.__doc__ = function.__doc__
        return implement

    def implemented_later(self, function):
        """The same, of a coroutine."""
        wants_cancellable = _takes(function, len(self.inputs) + 2)

        def begin(this, *args):
            *args, call = args
            values = [to_python(item[1], value) for item, value in zip(self.inputs, args)]
            if wants_cancellable:
                values.append(call.get_cancellable())

            async def answer():
                try:
                    self.give(call, self.answer(await function(this, *values)))
                except asyncio.CancelledError:
                    call.return_error(GLib.Error.new_literal(
                        Gio.io_error_quark(), "the call was cancelled", Gio.IOErrorEnum.CANCELLED))
                except Exception as error:
                    call.return_error(_for_c(error, self))

            run(answer(), call.get_cancellable())

        begin.__doc__ = function.__doc__
        return begin

    def give(self, call, value):
        """Answers a call of C with a value of this verb's type."""
        if self.out is None or value is None:
            call.return_nothing()
        elif self.out == "string[]":
            call.return_value(_holding(GObject.TYPE_STRV, value))
        elif self.out.endswith("[]"):
            call.return_objects(value)
        elif self.out in _TYPES:
            call.return_value(_holding(_TYPES[self.out], value))
        else:
            kind = find_type(self.module, self.out)
            if issubclass(kind, (GObject.Object, GObject.GInterface)):
                call.return_object(value)
            else:
                call.return_value(_holding(kind.__gtype__, value))


_TYPES = {
    "string": GObject.TYPE_STRING, "boolean": GObject.TYPE_BOOLEAN, "int32": GObject.TYPE_INT,
    "uint32": GObject.TYPE_UINT, "int64": GObject.TYPE_INT64, "uint64": GObject.TYPE_UINT64,
    "double": GObject.TYPE_DOUBLE, "fd": GObject.TYPE_INT, "bytes": GLib.Bytes.__gtype__,
    "json": Zu.Json.__gtype__,
}


def _holding(gtype, value):
    holder = GObject.Value()
    holder.init(gtype)
    holder.set_value(value)
    return holder


def _default(item):
    if item.get("nullable"):
        return None
    return item.get("default", _REQUIRED)


def _takes(function, count):
    """Whether a method can be called with so many positional arguments, itself included."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _for_c(error, verb):
    """An exception as C can pass it on. One that is no GLib.Error is a mistake, so it is logged."""
    if isinstance(error, GLib.Error):
        return error
    _log.error("%s.%s", verb.port.__name__, verb.name, exc_info=error)
    return GLib.Error.new_literal(Gio.io_error_quark(), f"{type(error).__name__}: {error}",
                                  Gio.IOErrorEnum.FAILED)


def _wrap_begin(function, verb):
    """A verb that answers through its call must answer even where it raises."""
    def begin(this, *args):
        try:
            function(this, *args)
        except Exception as error:
            args[-1].return_error(_for_c(error, verb))

    begin.__doc__ = function.__doc__
    return begin


def _implement(cls, verbs):
    """Makes what a class has written in Python callable from C."""
    for name, verb in verbs.items():
        function = cls.__dict__.get(f"do_{name}")
        begin = cls.__dict__.get(f"do_{name}_begin")
        if begin is not None:
            setattr(cls, f"do_{name}_begin", _wrap_begin(begin, verb))
        if inspect.iscoroutinefunction(function):
            setattr(cls, f"do_{name}_begin", verb.implemented_later(function))
            delattr(cls, f"do_{name}")
        elif function is not None:
            setattr(cls, f"do_{name}", verb.implemented(function))


def adopt_port(module, port):
    """Gives a port its verbs with keywords and defaults, coroutines, and Python implementations."""
    spec = json.loads(port.describe())
    verbs = {name: _Verb(module, port, name, item) for name, item in spec["methods"].items()}
    for name, verb in verbs.items():
        setattr(port, name, verb.call())
        setattr(port, f"{name}_co", verb.coroutine())

    def init_subclass(cls, **rest):
        super(port, cls).__init_subclass__(**rest)
        _implement(cls, verbs)

    port.__init_subclass__ = classmethod(init_subclass)


def _getter(name, getter):
    def get(this):
        return to_python("", getter(this))

    return property(get, doc=f"The member {name}.")


def _refuse_attribute(this, name, _value):
    raise AttributeError(f"{type(this).__name__}.{name} cannot be set: it never changes")


def adopt_record(record):
    """Gives a record keywords, properties, equality and dicts; it never changes once made."""
    from_text = record.new_from_json

    def new(cls, **members):
        try:
            return from_text(to_json(members))
        except GLib.Error as error:
            raise TypeError(f"{cls.__name__}: {error.message}") from None

    record.__new__ = staticmethod(new)
    record.__init__ = lambda this, **members: None
    record.__setattr__ = _refuse_attribute
    record.__eq__ = lambda this, other: isinstance(other, Zu.Record) and this.equal(other)
    record.__hash__ = lambda this: hash(this.to_json().to_canonical_string())
    record.__repr__ = lambda this: "{}({})".format(
        type(this).__name__, ", ".join(f"{key}={value!r}" for key, value in plain(this).items()))
    record.to_dict = lambda this: from_json(this.to_json())
    for pspec in GObject.list_properties(record):
        name = pspec.name.replace("-", "_")
        setattr(record, name, _getter(name, getattr(record, f"get_{name}")))


def adopt(module):
    """Makes the ports, records and errors of a namespace feel like those of Zu.

    For the namespace of a port that was generated elsewhere: Zu.adopt(Ex). Returns the exception
    classes that stand in the place of its error enums.
    """
    namespace = module.__name__.rpartition(".")[2]
    errors = {}
    for info in Repository.get_default().get_infos(namespace):
        name, kind = info.get_name(), type(info).__name__
        if kind == "EnumInfo" and name.endswith("Error"):
            errors[name] = make_error(module, name)
        elif kind == "InterfaceInfo" and hasattr(getattr(module, name), "describe"):
            adopt_port(module, getattr(module, name))
        elif kind == "ObjectInfo" and info.get_parent() is not None and (
                info.get_parent().get_namespace(), info.get_parent().get_name()) == ("Zu", "Record"):
            adopt_record(getattr(module, name))
    for name, made in errors.items():
        setattr(module, name, made)
    return errors
