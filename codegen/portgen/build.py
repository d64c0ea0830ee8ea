# SPDX-License-Identifier: Apache-2.0
"""Makes the model from checked documents; what a schema cannot say is checked here."""

from __future__ import annotations

import json
import math
from typing import Any

from . import names
from .cases import check_cases
from .clash import check_names
from .field import SCALARS, Field, Namespace, TypeRef
from .model import Enum, Method, Port, Record, Signal, Types, Value
from .source import Document, Path, PortError

# C's own words, and what every type has already.
_RESERVED = {
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
    "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
    "volatile", "while", "errno", "stdin", "stdout", "stderr", "type",
}
# What the functions made of a verb call their own parameters and variables.
_RESERVED_INPUTS = {
    "self", "error", "cancellable", "callback", "user_data", "result", "call", "in", "out", "value",
    "iface", "local_error", "port", "info", "done",
}
_RANGES = {
    "int32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-2**63, 2**63 - 1),
    "uint64": (0, 2**64 - 1), "fd": (-1, -1),
}


def port_header(namespace: Namespace, name: str) -> str:
    return f"ports/{namespace.lower}-{names.kebab(name)}.h"


class Scope:
    """The named types that a file may use."""

    def __init__(self, namespace: Namespace, imported: dict[str, TypeRef]) -> None:
        self.namespace = namespace
        self.imported = imported
        self.types: dict[str, TypeRef] = {}

    def find(self, name: str) -> TypeRef | None:
        """One's own type, else an imported one."""
        return self.types.get(name) or self.imported.get(name)

    def add(self, document: Document, path: Path, ref: TypeRef) -> None:
        if ref.name in self.types:
            raise PortError(document.mark(path), f"type '{ref.name}' is described twice")
        self.types[ref.name] = ref

    def add_port(self, name: str) -> None:
        """A port beside those that are built; what its file says is not known here."""
        self.types.setdefault(name, TypeRef(self.namespace, name, "PORT", port_header(self.namespace, name)))

    def field(self, document: Document, path: Path, name: str, data: Any, where: str) -> Field:
        text: str = data["type"]
        base, is_array = (text[:-2], True) if text.endswith("[]") else (text, False)
        ref = self.find(base)
        mark = document.mark((*path, "type"))
        if base not in SCALARS and ref is None:
            raise PortError(mark, f"{where}: there is no type '{base}'")
        if is_array and ref is None and base != "string":
            raise PortError(mark, f"{where}: an array of '{base}' is not supported")
        if is_array and ref is not None and (ref.boxed or ref.kind in ("ENUM", "PORT")):
            raise PortError(mark, f"{where}: an array of '{base}' is not supported")
        if name in _RESERVED or (name in _RESERVED_INPUTS and "in" in path):
            raise PortError(document.mark(path), f"{where}: '{name}' is a reserved name")
        field = Field(name, data["brief"], base if base in SCALARS else None, ref, is_array,
                      data.get("nullable", False), data.get("default"), "default" in data)
        self.check_default(document, path, field, where)
        return field

    @staticmethod
    def check_default(document: Document, path: Path, field: Field, where: str) -> None:
        if field.nullable and not field.is_pointer:
            raise PortError(document.mark((*path, "nullable")),
                            f"{where}: {field.type_text} is never null; give it a default")
        if not field.has_default:
            return
        mark = document.mark((*path, "default"))
        if field.nullable:
            raise PortError(mark, f"{where}: what may be null has null as its default")
        wanted: dict[str, tuple[type, ...]] = {
            "string": (str,), "boolean": (bool,), "double": (int, float), "int32": (int,),
            "uint32": (int,), "int64": (int,), "uint64": (int,), "fd": (int,)}
        allowed = wanted.get(field.scalar or "", (str,) if field.kind == "ENUM" else ())
        if field.is_array or not isinstance(field.default, allowed) or (
                isinstance(field.default, bool) and field.scalar != "boolean"):
            raise PortError(mark, f"{where}: {json.dumps(field.default)} is no {field.type_text}")
        if field.ref is not None and field.default not in field.ref.members:
            raise PortError(mark, f"{where}: '{field.default}' is none of {', '.join(field.ref.members)}")
        low, high = _RANGES.get(field.scalar or "", (None, None))
        if low is not None and high is not None and not low <= field.default <= high:
            raise PortError(mark, f"{where}: {field.default} is no {field.type_text}")
        if "*/" in str(field.default):
            raise PortError(mark, f"{where}: a default must not hold '*/'")
        if isinstance(field.default, float) and not math.isfinite(field.default):
            raise PortError(mark, f"{where}: the default must be finite")

    def fields(self, document: Document, path: Path, data: Any, where: str) -> tuple[Field, ...]:
        return tuple(self.field(document, (*path, name), name, item, f"{where} '{name}'")
                     for name, item in (data or {}).items())

    def enums(self, document: Document, data: Any, header: str) -> tuple[Enum, ...]:
        result = []
        for name, item in (data or {}).items():
            ref = TypeRef(self.namespace, name, "ENUM", header, members=tuple(item["values"]))
            self.add(document, ("enums", name), ref)
            values = tuple(Value(nick, brief, ref.value_name(nick))
                           for nick, brief in item["values"].items())
            result.append(Enum(ref, item["brief"], values))
        return tuple(result)

    def records(self, document: Document, data: Any, header: str) -> tuple[Record, ...]:
        for name, item in (data or {}).items():
            self.add(document, ("records", name),
                     TypeRef(self.namespace, name, "RECORD", header, members=tuple(item["fields"])))
        result = []
        for name, item in (data or {}).items():
            path: Path = ("records", name, "fields")
            fields = self.fields(document, path, item["fields"], f"in record '{name}', field")
            for field in fields:
                if not field.is_wire:
                    raise PortError(document.mark((*path, field.name, "type")),
                                    f"in record '{name}', field '{field.name}': a record is written as JSON,"
                                    f" which '{field.type_text}' is not")
            result.append(Record(self.types[name], item["brief"], item.get("description", ""), fields))
        return tuple(result)


def build_types(document: Document, namespace: Namespace,
                imported: dict[str, TypeRef]) -> tuple[Types, Scope]:
    """The shared types, and the scope that ports are read in."""
    data: Any = document.data
    scope = Scope(namespace, imported)
    header = f"ports/{namespace.lower}-types.h"
    externals = []
    for name, item in (data.get("externals") or {}).items():
        ref = TypeRef(namespace, name, "EXTERNAL", item["header"], item.get("boxed", False), item["wire"])
        scope.add(document, ("externals", name), ref)
        externals.append(ref)
    enums = scope.enums(document, data.get("enums"), header)
    records = scope.records(document, data.get("records"), header)
    return Types(namespace, enums, records, tuple(externals)), scope


def _method(scope: Scope, document: Document, name: str, data: Any, codes: set[str]) -> Method:
    path: Path = ("methods", name)
    where = f"in method '{name}'"
    inputs = scope.fields(document, (*path, "in"), data.get("in"), f"{where}, parameter")
    out: Field | None = None
    is_spread = False
    wanted = data.get("out")
    if isinstance(wanted, str):
        ref = scope.find(wanted)
        if ref is None or ref.kind != "RECORD":
            raise PortError(document.mark((*path, "out")), f"{where}: there is no record '{wanted}'")
        out = Field(names.snake(wanted), f"The {' '.join(names.words(wanted))}.", None, ref, False,
                    False, None, False)
        is_spread = True
    elif wanted:
        fields = scope.fields(document, (*path, "out"), wanted, f"{where}, result")
        if len(fields) > 1:
            raise PortError(document.mark((*path, "out")),
                            f"{where}: more than one result (describe a record and name it)")
        out = fields[0]
    for i, code in enumerate(data.get("errors", [])):
        if code not in codes:
            raise PortError(document.mark((*path, "errors", i)), f"{where}: there is no error '{code}'")
    return Method(name, data["brief"], data.get("description", ""), inputs, out, is_spread,
                  tuple(data.get("errors", [])), tuple(data.get("examples", [])))


def build_port(document: Document, scope: Scope) -> Port:
    """One port; types of its own are added to a scope of its own."""
    data: Any = document.data
    own = Scope(scope.namespace, scope.imported)
    own.types.update(scope.types)
    name = data["port"]
    own.add_port(name)
    ref = own.types[name]
    if ref.kind != "PORT":
        raise PortError(document.mark(("port",)), f"type '{name}' is described twice")
    enums = own.enums(document, data.get("enums"), ref.header)
    records = own.records(document, data.get("records"), ref.header)
    errors = data.get("errors", {})
    prefix = f"{scope.namespace.upper}_{names.upper(ref.name)}_ERROR"
    values = tuple(Value(code, brief, f"{prefix}_{names.upper(code)}") for code, brief in errors.items())
    methods = {name: _method(own, document, name, item, set(errors))
               for name, item in data["methods"].items()}
    adapters = tuple(data.get("adapters", []))
    if "dbus" in adapters and "dbus" not in data:
        raise PortError(document.mark(("adapters",)), "adapter 'dbus' needs the key 'dbus'")
    if "dbus" in data and "dbus" not in adapters:
        raise PortError(document.mark(("dbus",)), "the key 'dbus' needs the adapter 'dbus'")
    properties = own.fields(document, ("properties",), data.get("properties"), "in property")
    for field in properties:
        if not field.nullable and not field.has_default:
            raise PortError(document.mark(("properties", field.name)),
                            f"in property '{field.name}': it needs a default, or null as one"
                            " (for an implementation that does not say)")
    check_names(document, properties, data.get("signals", {}), methods)
    check_cases(document, data, methods, set(errors))
    signals = tuple(Signal(name, item["brief"], own.fields(document, ("signals", name, "args"),
                                                          item.get("args"), f"in signal '{name}', argument"))
                    for name, item in data.get("signals", {}).items())
    used = {f.ref.header for m in methods.values() for f in (*m.inputs, *([m.out] if m.out else []))
            if f.ref is not None and f.ref.header != ref.header}
    used |= {f.ref.header for s in signals for f in s.args if f.ref is not None}
    used |= {f.ref.header for r in records for f in r.fields
             if f.ref is not None and f.ref.header != ref.header}
    dbus = data.get("dbus", {})
    return Port(ref, data["kind"], data["major"], data["brief"], data.get("description", "").strip(),
                adapters, data.get("concurrency", 1), dbus.get("interface"), dbus.get("path"),
                properties, signals, values, enums, records, tuple(methods.values()),
                tuple(data.get("scenarios", [])),
                json.dumps(data, ensure_ascii=True, separators=(",", ":")), tuple(sorted(used)))
