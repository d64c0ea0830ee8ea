# SPDX-License-Identifier: Apache-2.0
"""How a name or a text is spelled in each language. Only the model and the templates ask."""

from __future__ import annotations

import re


def words(name: str) -> list[str]:
    """EventSink, event_sink and event-sink are the words event, sink."""
    parts = re.split(r"[_-]", name)
    split = [re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", part) for part in parts]
    return [word.lower() for part in split for word in part]


def snake(name: str) -> str:
    return "_".join(words(name))


def kebab(name: str) -> str:
    return "-".join(words(name))


def upper(name: str) -> str:
    return snake(name).upper()


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in words(name))


def c_string(text: str) -> str:
    """A literal in C, without trigraphs. Octal escapes end after three digits, whatever follows."""
    known = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    literal = "".join(known.get(c) or (c if c.isprintable() else "".join(
        f"\\{byte:03o}" for byte in c.encode())) for c in text)
    return '"' + re.sub(r"(?<=\?)\?", r"\\?", literal) + '"'
