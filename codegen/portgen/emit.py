# SPDX-License-Identifier: Apache-2.0
"""Each output of the generator, one function an output; the text is in the templates."""

from __future__ import annotations

import json
import os
from typing import Any

import jinja2

from . import names
from .model import Port, Types


def _c_lines(text: str) -> list[str]:
    """A long literal, some 80 characters a line."""
    return [names.c_string(text[i:i + 80]) for i in range(0, len(text), 80)] or ['""']


def _doc(text: str) -> str:
    """Further paragraphs of a comment, between its first one and what follows."""
    if not text.strip():
        return ""
    lines = [f" * {line}".rstrip() for line in text.strip().splitlines()]
    return "\n".join([" *", *lines]) + "\n"


class Emitter:
    """The templates, and what a project puts in front of what they make."""

    def __init__(self, templates: str, *, include: str | None, export: str) -> None:
        self.include = include
        self.export = f"{export} " if export else ""
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(templates), undefined=jinja2.StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
        self.environment.filters.update(
            c_string=names.c_string, c_lines=_c_lines, doc=_doc,
            json=lambda value: json.dumps(value, ensure_ascii=False),
            tick=lambda text: f"`{text}`", cell=lambda text: text.replace("|", "\\|"))

    def render(self, template: str, source: str, **values: Any) -> str:
        return self.environment.get_template(template).render(
            source=os.path.basename(source), export=self.export, **values)

    def includes(self, headers: tuple[str, ...]) -> list[str]:
        """Inside libzu headers are named one by one; elsewhere its umbrella has them all."""
        own = [f'"{os.path.basename(header)}"' if header.startswith("ports/") else f'"../{header}"'
               for header in headers]
        if self.include is None:
            return ['"../base/zu-port.h"', '"../base/zu-record.h"', *own]
        return [self.include, *(line for line in own if line.startswith('"') and "/" not in line)]

    def types_header(self, types: Types, source: str) -> str:
        return self.render("types.h.j2", source, types=types, includes=self.includes(types.includes))

    def types_source(self, types: Types, source: str) -> str:
        return self.render("types.c.j2", source, types=types)

    def port_header(self, port: Port, source: str) -> str:
        return self.render("port.h.j2", source, port=port, includes=self.includes(port.includes))

    def port_source(self, port: Port, source: str) -> str:
        return self.render("port.c.j2", source, port=port, has_proxy=bool(port.adapters))

    def page(self, port: Port, source: str) -> str:
        return self.render("page.md.j2", source, port=port)

    def dbus_xml(self, port: Port, source: str) -> str:
        return self.render("dbus.xml.j2", source, port=port)

    def index_source(self, ports: list[Port], header: str, function: str) -> str:
        return self.render("index.c.j2", "", ports=ports, header=header, function=function)

    def index_header(self, ports: list[Port]) -> str:
        return self.render("index.h.j2", "", ports=ports)
