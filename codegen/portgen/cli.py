# SPDX-License-Identifier: Apache-2.0
"""The command line: zu-portgen."""

from __future__ import annotations

import argparse
import os
import sys

from .build import build_port, build_types
from .check import Checker
from .dump import dump
from .emit import Emitter
from .loader import load
from .field import Namespace, TypeRef
from .model import Port, Types
from .output import Output
from .source import Document, PortError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zu-portgen",
        description="Makes of ports described in YAML: GObject interfaces, records, proxies, D-Bus"
                    " XML and pages.")
    parser.add_argument("--templates", metavar="DIR", required=True, help="where the templates are")
    parser.add_argument("--schema", metavar="DIR", required=True, help="where the JSON schemas are")
    parser.add_argument("--namespace", default="Zu", help="what stands in front of every type (default %(default)s)")
    parser.add_argument("--types", metavar="FILE", help="the records and enums that the ports share")
    parser.add_argument("--import-types", metavar="FILE", action="append", default=[],
                        help="libzu's own shared types, for ports of another namespace")
    parser.add_argument("--include", metavar="TEXT", help="how the generated code includes libzu, as in <zu/zu.h>")
    parser.add_argument("--export", default="", metavar="MACRO", help="stands in front of every exported declaration")
    parser.add_argument("--outdir", metavar="DIR", default=".", help="where the files go")
    parser.add_argument("--depfile", metavar="FILE", help="a Makefile rule of what was read")
    sub = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("port", "the interface of one port: .h and .c, and .xml where it is on D-Bus"),
                       ("page", "the reference page of one port: .md"),
                       ("types", "the shared types: .h and .c"),
                       ("index", "the table of all ports: .c, and .h that includes them"),
                       ("list", "prints a line a port: file, D-Bus interface or -, name, kind, major"),
                       ("check", "says what is wrong, makes nothing"),
                       ("dump", "prints all that is known of a port, as JSON")):
        command = sub.add_parser(verb, help=text)
        if verb != "types":
            command.add_argument("ports", metavar="PORT.yaml", nargs="+")
        if verb == "index":
            command.add_argument("--header", default="zu-ports-private.h")
            command.add_argument("--function", default="zu_get_builtin_ports")
    return parser


class Project:
    """All that one call has read."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.checker = Checker(options.schema)
        self.sources: list[str] = []
        namespace = Namespace(options.namespace)
        empty = Document("types", {})
        imported: dict[str, TypeRef] = {}
        for file in options.import_types:
            _, scope = build_types(self.read(file, "types.schema.json"), Namespace("Zu"), imported)
            imported.update(scope.types)
            for name in self.sibling_ports([file]):
                scope.add_port(name)
                imported.setdefault(name, scope.types[name])
        document = self.read(options.types, "types.schema.json") if options.types else empty
        self.types, self.scope = build_types(document, namespace, imported)

    def read(self, file: str, schema: str) -> Document:
        document = load(file)
        self.checker.check(document, schema)
        self.sources.append(file)
        return document

    def read_ports(self) -> list[tuple[str, Port]]:
        # Ports may speak of one another, so all names are known before the first is built.
        documents = [(file, self.read(file, "port.schema.json")) for file in self.options.ports]
        siblings = sorted(self.sibling_ports(self.options.ports))
        for name in siblings:
            self.scope.add_port(name)
        built = [(file, build_port(document, self.scope)) for file, document in documents]
        return sorted(built, key=lambda item: item[1].file)

    def sibling_ports(self, files: list[str]) -> set[str]:
        """The ports beside those that were named: a type may be any of them."""
        found = set()
        for directory in {os.path.dirname(file) for file in files}:
            for name in sorted(os.listdir(directory or ".")):
                if name.endswith(".yaml") and name != "types.yaml":
                    try:
                        data = load(os.path.join(directory, name)).data
                    except PortError:
                        continue  # Said by whoever builds that file.
                    if isinstance(data, dict) and isinstance(data.get("port"), str):
                        found.add(data["port"])
        return found


def _emit(options: argparse.Namespace, project: Project) -> None:
    output = Output(options.outdir)
    emitter = Emitter(options.templates, include=options.include,
                      export=options.export)
    if options.verb == "types":
        _emit_types(output, emitter, project.types, options.types)
    else:
        ports = project.read_ports()
        if options.verb == "list":
            for _, port in ports:
                print(port.file, port.dbus_interface or "-", port.ref.name, port.kind, port.major)
            return
        if options.verb == "dump":
            for _, port in ports:
                sys.stdout.write(dump(port))
            return
        if options.verb == "index":
            plain = [port for _, port in ports]
            output.write("zu-ports.c", emitter.index_source(plain, options.header, options.function))
            output.write("zu-ports.h", emitter.index_header(plain))
        for file, port in ports:
            if options.verb == "page":
                output.write(f"{port.file}.md", emitter.page(port, file))
            if options.verb == "port":
                output.write(f"{port.file}.h", emitter.port_header(port, file))
                output.write(f"{port.file}.c", emitter.port_source(port, file))
                if port.dbus_interface:
                    output.write(f"{port.dbus_interface}.xml", emitter.dbus_xml(port, file))
    if options.depfile:
        output.write_depfile(options.depfile, project.sources)


def _emit_types(output: Output, emitter: Emitter, types: Types, source: str) -> None:
    output.write(f"{types.file}.h", emitter.types_header(types, source))
    output.write(f"{types.file}.c", emitter.types_source(types, source))


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        project = Project(options)
        if options.verb == "check":
            project.read_ports()
        else:
            _emit(options, project)
    except PortError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
