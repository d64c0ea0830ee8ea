# SPDX-License-Identifier: Apache-2.0
"""What a value of a port is: its type, and all its derived names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import names

# YAML's scalar types: the kind in C, the type as an argument, as a result, of a GValue, on D-Bus.
SCALARS: dict[str, tuple[str, str, str, str, str]] = {
    "string": ("STRING", "const char *", "char *", "string", "s"),
    "boolean": ("BOOLEAN", "gboolean ", "gboolean ", "boolean", "b"),
    "int32": ("INT32", "int ", "int ", "int", "i"),
    "uint32": ("UINT32", "guint ", "guint ", "uint", "u"),
    "int64": ("INT64", "gint64 ", "gint64 ", "int64", "x"),
    "uint64": ("UINT64", "guint64 ", "guint64 ", "uint64", "t"),
    "double": ("DOUBLE", "double ", "double ", "double", "d"),
    "bytes": ("BYTES", "GBytes *", "GBytes *", "boxed", "ay"),
    "json": ("JSON", "ZuJson *", "ZuJson *", "boxed", "s"),
    "fd": ("FD", "int ", "int ", "int", "h"),
}
_POINTERS = {"string", "bytes", "json"}


@dataclass(frozen=True)
class Namespace:
    """What stands in front of every name of a project."""

    name: str

    @property
    def lower(self) -> str:
        return names.snake(self.name)

    @property
    def upper(self) -> str:
        return self.lower.upper()


@dataclass(frozen=True)
class TypeRef:
    """A named type of somebody's: a record, an enum, an external type, a port."""

    namespace: Namespace
    name: str
    kind: str  # RECORD, ENUM, EXTERNAL, PORT
    header: str
    boxed: bool = False
    wire: bool = True
    members: tuple[str, ...] = ()  # a record's fields, an enum's values

    @property
    def c_type(self) -> str:
        return self.namespace.name + self.name

    @property
    def get_type(self) -> str:
        return f"{self.namespace.lower}_{names.snake(self.name)}_get_type"

    @property
    def check(self) -> str:
        return f"{self.namespace.upper}_IS_{names.upper(self.name)}"

    def value_name(self, nick: str) -> str:
        """A value of an enum, in C."""
        return f"{self.namespace.upper}_{names.upper(self.name)}_{names.upper(nick)}"


def _annotated(annotations: list[str], text: str) -> str:
    text = text if text[1:2].isupper() else text[:1].lower() + text[1:]
    return f"{' '.join(annotations)}: {text}" if annotations else text


@dataclass(frozen=True)
class Field:
    """A parameter, a result, a member of a record, an argument of a signal."""

    name: str
    brief: str
    scalar: str | None
    ref: TypeRef | None
    is_array: bool
    nullable: bool
    default: Any
    has_default: bool

    @property
    def kind(self) -> str:
        return SCALARS[self.scalar][0] if self.scalar else self.ref.kind  # type: ignore[union-attr]

    @property
    def kebab(self) -> str:
        return self.name.replace("_", "-")

    @property
    def is_strv(self) -> bool:
        return self.is_array and self.scalar == "string"

    @property
    def is_pointer(self) -> bool:
        return self.is_array or self.scalar in _POINTERS or (self.ref is not None and self.kind != "ENUM")

    @property
    def is_object(self) -> bool:
        return self.ref is not None and not self.is_array and self.kind != "ENUM" and not self.ref.boxed

    @property
    def c_in(self) -> str:
        """The type as an argument; ends in a blank or a star."""
        if self.is_strv:
            return "const char *const *"
        if self.is_array:
            return "GPtrArray *"
        if self.scalar:
            return SCALARS[self.scalar][1]
        assert self.ref is not None
        return f"{self.ref.c_type} " if self.kind == "ENUM" else f"{self.ref.c_type} *"

    @property
    def c_out(self) -> str:
        """The type as a result that the caller owns."""
        if self.is_strv:
            return "char **"
        return SCALARS[self.scalar][2] if self.scalar and not self.is_array else self.c_in

    @property
    def c_kept(self) -> str:
        """The type as a result that the object keeps."""
        return self.c_in

    @property
    def gvalue(self) -> str:
        """The name of the GValue accessors."""
        if self.is_array:
            return "boxed"
        if self.scalar:
            return SCALARS[self.scalar][3]
        assert self.ref is not None
        return "enum" if self.kind == "ENUM" else "boxed" if self.ref.boxed else "object"

    @property
    def g_type(self) -> str:
        """The GType as an expression."""
        if self.is_array:
            return "G_TYPE_STRV" if self.is_strv else "G_TYPE_PTR_ARRAY"
        if self.ref is not None:
            return f"{self.ref.get_type} ()"
        return {"bytes": "G_TYPE_BYTES", "json": "ZU_TYPE_JSON", "fd": "G_TYPE_INT"}.get(
            self.scalar or "", f"G_TYPE_{SCALARS[self.scalar or ''][3].upper()}")

    @property
    def fail(self) -> str:
        """What a function that fails returns in its place."""
        if self.is_pointer:
            return "NULL"
        if self.ref is not None:
            return "0"
        return {"boolean": "FALSE", "int32": "-1", "int64": "-1", "fd": "-1"}.get(self.scalar or "", "0")

    @property
    def default_json(self) -> str | None:
        return json.dumps(self.default) if self.has_default else None

    @property
    def c_default(self) -> str:
        """The default as an expression in C; only scalars have one."""
        if isinstance(self.default, bool):
            return "TRUE" if self.default else "FALSE"
        if isinstance(self.default, str):
            assert self.ref is None or self.kind == "ENUM"
            return self.ref.value_name(self.default) if self.ref else names.c_string(self.default)
        return str(self.default) if self.has_default else self.fail

    @property
    def is_wire(self) -> bool:
        return self.kind not in ("FD", "PORT") and (self.ref is None or self.ref.wire)

    @property
    def dbus(self) -> str:
        """The D-Bus signature."""
        if self.is_strv:
            return "as"
        if self.scalar:
            return SCALARS[self.scalar][4]
        one = "a{sv}" if self.kind == "RECORD" else "s"
        return f"a{one}" if self.is_array else one

    @property
    def _annotations(self) -> list[str]:
        parts = []
        if self.is_array and not self.is_strv:
            assert self.ref is not None
            parts.append(f"(element-type {self.ref.c_type})")
        if self.is_strv:
            parts.append("(array zero-terminated=1)")
        if self.nullable:
            parts.append("(nullable)")
        return parts

    @property
    def doc_in(self) -> str:
        """What introspection and a reader are told of it as an argument."""
        return _annotated(self._annotations, self.brief)

    @property
    def doc_out(self) -> str:
        """The same, as a result that the caller owns."""
        check = "" if self.is_pointer and not self.nullable else " Check @error."
        # An array that frees its elements itself is, to a binding, a container and no more.
        transfer = "(transfer container)" if self.is_array and not self.is_strv else "(transfer full)"
        return _annotated(([transfer] if self.is_pointer else []) + self._annotations, self.brief + check)

    @property
    def doc_kept(self) -> str:
        """The same, as a result that the object keeps."""
        return _annotated((["(transfer none)"] if self.is_pointer else []) + self._annotations, "the value")

    @property
    def type_text(self) -> str:
        """The type as it stands in the YAML."""
        name = self.scalar or (self.ref.name if self.ref else "")
        return name + ("[]" if self.is_array else "")
