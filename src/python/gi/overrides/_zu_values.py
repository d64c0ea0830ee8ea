# SPDX-License-Identifier: Apache-2.0
"""Values of ports between Python and C: JSON, bytes, records, filters, enums, errors."""

import base64
import json
import re

from gi.module import get_introspection_module
from gi.repository import GLib, GObject

Zu = get_introspection_module("Zu")

# Error domains by their quark's text, as adopted namespaces add them.
_errors = {}


def plain(value):
    """What a value is in JSON, as plain Python data."""
    if isinstance(value, GObject.GEnum):
        return value.value_nick
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, GLib.Bytes):
        value = value.get_data()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Zu.Event):
        return json.loads(value.get_text()[0])
    if isinstance(value, (Zu.Record, Zu.Filter)):
        return from_json(value.to_json())
    if isinstance(value, Zu.Json):
        return from_json(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def to_json(value):
    """A Zu.Json of anything that JSON can hold."""
    if isinstance(value, Zu.Json):
        return value
    try:
        return Zu.json_parse(json.dumps(plain(value), allow_nan=False).encode())
    except GLib.Error as error:
        raise ValueError(error.message) from None


def from_json(value):
    """The plain data that a Zu.Json holds; numbers stay exact."""
    return None if value is None else json.loads(value.to_string())


def to_filter(value):
    """A filter of a dict of fields to values; None is "is null", the empty one is everything."""
    if value is None or isinstance(value, Zu.Filter):
        return value
    if not value:
        return None
    try:
        return Zu.Filter.new_from_json(to_json(value))
    except GLib.Error as error:
        raise translated(error) from None


def find_type(module, name):
    """A named type of a namespace, or of Zu itself."""
    return getattr(module, name, None) or getattr(Zu, name)


def _to_named(module, name, value):
    kind = find_type(module, name)
    if isinstance(value, dict) and issubclass(kind, Zu.Record):
        return kind(**value)
    if isinstance(value, str) and issubclass(kind, GObject.GEnum):
        return getattr(kind, value.replace("-", "_").upper())
    return value


def to_c(module, type_text, value):
    """A Python value as the argument of a type that a port's description names."""
    if value is None:
        return None
    if type_text == "string[]":
        return list(value)
    if type_text.endswith("[]"):
        return [to_c(module, type_text[:-2], item) for item in value]
    if type_text == "json":
        return to_json(value)
    if type_text == "bytes":
        return value if isinstance(value, GLib.Bytes) else GLib.Bytes.new(bytes(value))
    if type_text == "fd":
        return value.fileno() if hasattr(value, "fileno") else value
    if type_text == "Filter":
        return to_filter(value)
    return _to_named(module, type_text, value) if type_text[0].isupper() else value


def to_python(type_text, value):
    """A value of C as Python has it."""
    if isinstance(value, Zu.Json):
        return from_json(value)
    if isinstance(value, GLib.Bytes):
        return value.get_data()
    return list(value) if type_text.endswith("[]") and value is not None else value


class _Error(GLib.Error):
    """What a port refuses a call with. Its `code` is one of the class's constants."""

    _domain = ""
    _nicks = {}

    def __init__(self, message="", code=0):
        if isinstance(code, str):
            code = next(number for number, nick in self._nicks.items() if nick == code)
        super().__init__(message, self._domain, int(code))

    @property
    def nick(self):
        """The code's name, as in the port's description."""
        return self._nicks.get(self.code, "failed")


def _snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _quark(module, name):
    """The domain of the enum that is called NAMEError."""
    function = getattr(module, f"{_snake(name)}_error_quark", None)
    return function or getattr(getattr(module, name, None), "error_quark", None)


def make_error(module, enum_name):
    """An exception class for an error domain; it keeps the enum's constants."""
    enum = getattr(module, enum_name)
    quark = _quark(module, enum_name[:-len("Error")])
    if quark is None:
        return enum
    domain = GLib.quark_to_string(quark())
    # The scanner leaves the prefix on where there is but one constant.
    prefix = _snake(enum_name).upper() + "_"
    constants = {name.removeprefix(prefix): getattr(enum, name) for name in vars(enum)
                 if name.isupper() and isinstance(getattr(enum, name), enum)}
    made = type(enum_name, (_Error,), {
        "__module__": module.__name__, "__doc__": enum.__doc__, "_domain": domain,
        "_nicks": {int(value): name.lower().replace("_", "-") for name, value in constants.items()},
        **constants})
    _errors[domain] = made
    return made


def translated(error):
    """The exception class of an error's own domain, where there is one."""
    made = _errors.get(error.domain)
    return error if made is None or isinstance(error, made) else made(error.message, error.code)
