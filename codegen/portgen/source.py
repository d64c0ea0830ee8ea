# SPDX-License-Identifier: Apache-2.0
"""Places in source files, and errors that name them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mark:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class PortError(Exception):
    """A mistake in a port's description, at a place."""

    def __init__(self, mark: Mark, text: str) -> None:
        super().__init__(f"{mark}: {text}")


Path = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file: its plain data, and where each part of it stands."""

    name: str
    data: object
    marks: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path) -> Mark:
        """The nearest place that is known for a path."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(self.name, 1))
