# SPDX-License-Identifier: Apache-2.0
"""Refuses names that would become one name in C."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from .field import Field
from .model import Method
from .source import Document, Path, PortError

_PUBLIC = {"get_type", "error_quark", "get_port_info", "describe", "proxy_new", "proxy_get_type"}
_STATIC = {"create_proxy", "error_codes", "methods", "default_init"}


def _claim(taken: dict[str, str], document: Document, path: Path, where: str, claimed: Iterable[str]) -> None:
    for name in claimed:
        if name in taken:
            raise PortError(document.mark(path), f"{where}: its '{name}' is also made of {taken[name]}")
        taken[name] = where[len("in "):]


def check_names(document: Document, properties: tuple[Field, ...], signals: Any,
                methods: Mapping[str, Method]) -> None:
    """Every function of a port, every static of its source, every member of its interface."""
    public = dict.fromkeys(_PUBLIC, "every port")
    static = dict.fromkeys(_STATIC, "every port")
    members: dict[str, str] = {"parent": "every port"}
    for field in properties:
        where = f"in property '{field.name}'"
        getter = [f"get_{field.name}"]
        _claim(public, document, ("properties", field.name), where, getter)
        _claim(members, document, ("properties", field.name), where, getter)
    for name in signals:
        _claim(public, document, ("signals", name), f"in signal '{name}'", [f"emit_{name}"])
    for name in methods:
        path, where = ("methods", name), f"in method '{name}'"
        _claim(public, document, path, where, [name, f"{name}_async", f"{name}_finish"])
        _claim(members, document, path, where, [name, f"{name}_begin"])
        _claim(static, document, path, where,
               [f"{name}_{part}" for part in ("pack", "invoke", "begin", "take", "in", "out")]
               + [f"proxy_{name}", f"proxy_{name}_begin"])
