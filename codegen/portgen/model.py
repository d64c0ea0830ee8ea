# SPDX-License-Identifier: Apache-2.0
"""What a port is. Every derived name is computed here and in field.py, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import names
from .field import Field, Namespace, TypeRef


@dataclass(frozen=True)
class Value:
    """One value of an enum."""

    nick: str
    brief: str
    c_name: str


@dataclass(frozen=True)
class Enum:
    ref: TypeRef
    brief: str
    values: tuple[Value, ...]

    @property
    def prefix(self) -> str:
        return f"{self.ref.namespace.lower}_{names.snake(self.ref.name)}"


@dataclass(frozen=True)
class Record:
    ref: TypeRef
    brief: str
    description: str
    fields: tuple[Field, ...]

    @property
    def prefix(self) -> str:
        return f"{self.ref.namespace.lower}_{names.snake(self.ref.name)}"

    @property
    def type_macro(self) -> str:
        return f"{self.ref.namespace.upper}_TYPE_{names.upper(self.ref.name)}"

    @property
    def upper_name(self) -> str:
        return names.upper(self.ref.name)

    @property
    def required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if not f.has_default and not f.nullable)


@dataclass(frozen=True)
class Signal:
    name: str
    brief: str
    args: tuple[Field, ...]

    @property
    def kebab(self) -> str:
        return self.name.replace("_", "-")


@dataclass(frozen=True)
class Method:
    name: str
    brief: str
    description: str
    inputs: tuple[Field, ...]
    out: Field | None
    is_spread: bool
    errors: tuple[str, ...]
    examples: tuple[Any, ...]

    @property
    def is_wire(self) -> bool:
        return all(f.is_wire for f in self.inputs) and (self.out is None or self.out.is_wire)

    @property
    def dbus_name(self) -> str:
        return names.camel(self.name)

    @property
    def c_out(self) -> str:
        return self.out.c_out if self.out else "gboolean "

    @property
    def out_g_type(self) -> str:
        return self.out.g_type if self.out else "G_TYPE_BOOLEAN"

    @property
    def out_gvalue(self) -> str:
        return self.out.gvalue if self.out else "boolean"

    @property
    def fail(self) -> str:
        return self.out.fail if self.out else "FALSE"

    @property
    def out_nullable(self) -> bool:
        return self.out is not None and self.out.nullable


@dataclass(frozen=True)
class Port:
    ref: TypeRef
    kind: str
    major: int
    brief: str
    description: str
    adapters: tuple[str, ...]
    concurrency: int
    dbus_interface: str | None
    dbus_path: str | None
    properties: tuple[Field, ...]
    signals: tuple[Signal, ...]
    errors: tuple[Value, ...]
    enums: tuple[Enum, ...]
    records: tuple[Record, ...]
    methods: tuple[Method, ...]
    scenarios: tuple[Any, ...]
    text: str  # the whole description as JSON
    includes: tuple[str, ...]

    @property
    def c_type(self) -> str:
        return self.ref.c_type

    @property
    def prefix(self) -> str:
        return f"{self.ref.namespace.lower}_{names.snake(self.ref.name)}"

    @property
    def file(self) -> str:
        return f"{self.ref.namespace.lower}-{names.kebab(self.ref.name)}"

    @property
    def upper(self) -> str:
        return self.prefix.upper()

    @property
    def upper_name(self) -> str:
        return names.upper(self.ref.name)

    @property
    def namespace(self) -> Namespace:
        return self.ref.namespace

    @property
    def type_macro(self) -> str:
        return f"{self.namespace.upper}_TYPE_{self.upper_name}"

    @property
    def is_macro(self) -> str:
        return f"{self.namespace.upper}_IS_{self.upper_name}"

    @property
    def cast_macro(self) -> str:
        return f"{self.namespace.upper}_{self.upper_name}"

    @cached_property
    def wire_methods(self) -> tuple[Method, ...]:
        return tuple(m for m in self.methods if m.is_wire)

    @property
    def dbus_symbol(self) -> str:
        """The GDBusInterfaceInfo that gdbus-codegen makes for the interface."""
        return "_".join(names.snake(part) for part in (self.dbus_interface or "").split(".")) + "_interface"


@dataclass(frozen=True)
class Types:
    """The types that ports of a namespace share."""

    namespace: Namespace
    enums: tuple[Enum, ...]
    records: tuple[Record, ...]
    externals: tuple[TypeRef, ...]

    @property
    def file(self) -> str:
        return f"{self.namespace.lower}-types"

    @property
    def includes(self) -> tuple[str, ...]:
        return tuple(ref.header for ref in self.externals)
