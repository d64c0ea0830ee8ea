# SPDX-License-Identifier: Apache-2.0
"""Holds a document against its JSON schema and says what is wrong in words."""

from __future__ import annotations

import json
import os
from typing import Any

import jsonschema

from .source import Document, Path, PortError

# What the parts of a document are called, by the key they stand under.
_NOUNS = {
    "methods": "method", "records": "record", "enums": "enum", "signals": "signal",
    "properties": "property", "externals": "external type", "in": "parameter", "out": "result",
    "fields": "field", "args": "argument", "scenarios": "scenario", "steps": "step",
    "examples": "example", "errors": "error", "values": "value",
}

_KINDS = {
    "object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number",
    "boolean": "true or false", "number": "a number",
}


def _where(path: Path) -> str:
    """The path as a person would say it: in method 'run', parameter 'x'."""
    parts = []
    for before, key in zip(path, path[1:]):
        noun = _NOUNS.get(str(before))
        if noun is not None:
            parts.append(f"{noun} '{key}'" if isinstance(key, str) else f"{noun} {key + 1}")
    return f"in {', '.join(parts)}: " if parts else ""


def _describe(error: Any) -> tuple[Path, str]:
    path: Path = tuple(error.absolute_path)
    value, rule = error.instance, error.validator_value
    called = f"'{path[-1]}'" if path else "the file"
    if "propertyNames" in error.schema_path:
        path = (*path, value)
        return path, f"{_where(path)}a name must be of the form {rule}"
    if error.validator == "anyOf" and isinstance(value, dict):
        # Of the two forms of a result the author has chosen the mapping; say what is wrong there.
        deeper = [e for e in error.context if e.schema_path[0] == 1]
        if deeper:
            return _describe(deeper[0])
    if error.validator == "not":
        return path, f"{_where(path)}{called} must not hold '*/'"
    if error.validator == "pattern" and "\n" in str(value):
        return path, f"{_where(path)}{called} must be one line"
    if error.validator == "additionalProperties":
        key = next(k for k in value if k not in error.schema.get("properties", {}))
        return (*path, key), f"{_where(path)}unknown key '{key}'"
    if error.validator == "required":
        key = next(k for k in rule if k not in value)
        return path, f"{_where(path)}'{key}' is missing"
    if error.validator == "type":
        wanted = rule if isinstance(rule, str) else rule[0]
        return path, f"{_where(path)}{called} must be {_KINDS[wanted]}"
    if error.validator == "pattern":
        return path, f"{_where(path)}'{value}' is not of the form {rule}"
    if error.validator == "enum":
        return path, f"{_where(path)}'{value}' is none of {', '.join(map(str, rule))}"
    if error.validator == "anyOf":
        return path, f"{_where(path)}{called} is neither a record's name nor a mapping of values"
    if error.validator in ("minItems", "minProperties"):
        return path, f"{_where(path)}{called} must not be empty"
    return path, f"{_where(path)}{called}: {error.message}"


class Checker:
    """The schemas, read once."""

    def __init__(self, directory: str) -> None:
        self.schemas: dict[str, Any] = {}
        for name in ("port.schema.json", "types.schema.json"):
            with open(os.path.join(directory, name), encoding="utf-8") as stream:
                self.schemas[name] = json.load(stream)

    def check(self, document: Document, schema: str) -> None:
        """Raises the first mistake, by line."""
        resolver = jsonschema.RefResolver(schema, self.schemas[schema], store=self.schemas)
        validator = jsonschema.Draft202012Validator(self.schemas[schema], resolver=resolver)
        found = [_describe(error) for error in validator.iter_errors(document.data)]
        if found:
            path, text = min(found, key=lambda item: (document.mark(item[0]).line, item[1]))
            raise PortError(document.mark(path), text)
