# SPDX-License-Identifier: Apache-2.0
"""Writes what was made: only where it changed, so that nothing is built again for nothing."""

from __future__ import annotations

import os


class Output:
    """A folder that files are written to."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.written: list[str] = []

    def write(self, name: str, text: str) -> None:
        path = os.path.join(self.directory, name)
        data = text.encode("utf-8")
        self.written.append(path)
        try:
            with open(path, "rb") as stream:
                if stream.read() == data:
                    return
        except OSError:
            pass
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(data)

    def write_depfile(self, path: str, sources: list[str]) -> None:
        """A Makefile rule: each output depends on all that was read."""
        escaped = [source.replace(" ", "\\ ") for source in sorted(set(sources))]
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"{' '.join(self.written)}: {' '.join(escaped)}\n")
