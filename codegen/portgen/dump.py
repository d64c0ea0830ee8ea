# SPDX-License-Identifier: Apache-2.0
"""Prints a model with all its derived names, so that a test sees what changed."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from typing import Any

from .field import Namespace, TypeRef
from .model import Port

# Said once already: the description, and what is listed in full elsewhere.
_LEFT_OUT = {"text", "wire_methods"}


def _names(value: Any) -> list[str]:
    """The names of all that a dataclass says: its members and what is derived of them."""
    derived = [name for name, item in vars(type(value)).items() if isinstance(item, (property, cached_property))]
    return sorted({field.name for field in dataclasses.fields(value)} | set(derived))


def _plain(value: Any) -> Any:
    if isinstance(value, Namespace):
        return value.name
    if isinstance(value, TypeRef):
        return f"{value.kind} {value.c_type} {value.get_type} {value.header}"
    if dataclasses.is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(value)
                if not name.startswith("_") and name not in _LEFT_OUT}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def dump(port: Port) -> str:
    return json.dumps(_plain(port), indent=1, ensure_ascii=False) + "\n"
