# SPDX-License-Identifier: Apache-2.0
"""Reads YAML into plain data, remembering the line of every key and item."""

from __future__ import annotations

import os

import yaml

from .source import Document, Mark, Path, PortError


class _Reader:
    """Turns YAML nodes into data; only what JSON has, too, is let through."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: set[int] = set()
        self.constructor = yaml.SafeLoader("")

    def mark(self, node: yaml.Node) -> Mark:
        return Mark(self.document.name, node.start_mark.line + 1)

    def read(self, node: yaml.Node, path: Path) -> object:
        self.document.marks.setdefault(path, self.mark(node))
        if isinstance(node, yaml.ScalarNode):
            return self.read_scalar(node)
        if id(node) in self.open:
            raise PortError(self.mark(node), "an alias stands inside of what it names")
        self.open.add(id(node))
        value = self.read_mapping(node, path) if isinstance(node, yaml.MappingNode) else [
            self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        self.open.remove(id(node))
        return value

    def read_scalar(self, node: yaml.ScalarNode) -> object:
        try:
            value: object = self.constructor.construct_object(node)
        except ValueError:
            value = node
        if value is not None and not isinstance(value, (str, bool, int, float)):
            raise PortError(self.mark(node), f"'{node.value}' is no text, number or boolean (quote it)")
        return value

    def read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                raise PortError(self.mark(key_node), "a key must be text")
            if key in result:
                raise PortError(self.mark(key_node), f"key '{key}' stands here twice")
            self.document.marks[(*path, key)] = self.mark(key_node)
            result[key] = self.read(value_node, (*path, key))
        return result


def load(file: str) -> Document:
    """Reads one file; errors call it by its path relative to where we stand."""
    document = Document(os.path.relpath(file), None)
    try:
        with open(file, encoding="utf-8") as stream:
            node = yaml.compose(stream, yaml.SafeLoader)
    except OSError as error:
        raise PortError(Mark(document.name, 1), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise PortError(Mark(document.name, 1), "not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PortError(Mark(document.name, line), f"not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise PortError(Mark(document.name, 1), f"not YAML: {str(error).splitlines()[0]}") from error
    if node is None:
        raise PortError(Mark(document.name, 1), "the file is empty")
    try:
        document.data = _Reader(document).read(node, ())
    except yaml.MarkedYAMLError as error:
        raise PortError(Mark(document.name, error.problem_mark.line + 1), f"not YAML: {error.problem}") from error
    return document
