# SPDX-License-Identifier: Apache-2.0
"""Looks for a secret, as it is and as it may be written, in the memory, files and descriptors of processes."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 22
LARGEST = 1 << 31  # what is larger is address space, as a sanitizer's shadow


def spellings(secret: bytes) -> dict[str, bytes]:
    """What to look for: the bytes, their digits, base64 wherever in a text they begin, and wide characters."""
    found = {"as it is": secret, "hexadecimal": secret.hex().encode(), "HEXADECIMAL": secret.hex().upper().encode(),
             "UTF-16": secret.decode().encode("utf-16-le"), "backwards": secret[::-1]}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        # The first and the last digits hold bits of what stands beside it.
        found[f"base64, shifted by {shift}"] = text[4 if shift else 0:len(text) // 4 * 4 - 4]
    return found


def found_in(text: bytes, secret: bytes) -> list[str]:
    return [name for name, spelling in spellings(secret).items() if spelling in text]


@dataclass
class Mapping:
    """A range of a process's memory, and what the kernel says of it."""

    start: int
    end: int
    name: str
    kilobytes: dict[str, int]
    flags: list[str]


def mappings(pid: int) -> list[Mapping]:
    result: list[Mapping] = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)", line):
            result.append(Mapping(int(head[1], 16), int(head[2], 16), head[3], {}, []))
        elif size := re.match(r"(\w+): +(\d+) kB", line):
            result[-1].kilobytes[size[1]] = int(size[2])
        elif line.startswith("VmFlags:"):
            result[-1].flags = line.split()[1:]
    return result


@dataclass
class Hit:
    spelling: str
    mapping: Mapping


def scan_memory(pid: int, secret: bytes) -> list[Hit]:
    """Every place in a process's memory where the secret is; needs the right to read it."""
    wanted = spellings(secret)
    overlap = max(map(len, wanted.values())) - 1
    hits = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in mappings(pid):
            if mapping.end - mapping.start >= LARGEST or mapping.name == "[vsyscall]":
                continue
            position, rest = mapping.start, b""
            while position < mapping.end:
                try:
                    memory.seek(position)
                    chunk = memory.read(min(CHUNK, mapping.end - position))
                except (OSError, ValueError):
                    break  # guard pages, and the kernel's own
                if not chunk:
                    break
                window = rest + chunk
                for name, spelling in wanted.items():
                    hits += [Hit(name, mapping)] * window.count(spelling)
                # What lies across two chunks is counted once: a whole spelling does not fit into the rest.
                rest, position = window[-overlap:], position + len(chunk)
                rest = b"" if any(spelling in rest for spelling in wanted.values()) else rest
    return hits


def scan_process(pid: int, secret: bytes) -> list[str]:
    """Where outside of its memory a process shows the secret: arguments, environment, open descriptors."""
    places = []
    for name in ("cmdline", "environ", "comm", "status", "maps"):
        if found_in(Path(f"/proc/{pid}/{name}").read_bytes(), secret):
            places.append(f"/proc/{pid}/{name}")
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(descriptor)
        # Reading a pipe would empty it; what is in a memfd or a file that was removed has no other name.
        if target.startswith("/memfd:") or target.endswith(" (deleted)"):
            if found_in(descriptor.read_bytes(), secret):
                places.append(f"{descriptor} ({target})")
    return places


def scan_process_table(secret: bytes) -> list[str]:
    """Which processes of the whole machine have the secret in their arguments or environment."""
    places = []
    for process in Path("/proc").iterdir():
        for name in ("cmdline", "environ") if process.name.isdigit() else ():
            try:
                if found_in((process / name).read_bytes(), secret):
                    places.append(str(process / name))
            except OSError:
                pass  # it has ended
    return places


def scan_files(folder: Path, secret: bytes) -> list[str]:
    """Which files below a folder hold the secret."""
    return [str(path) for path in sorted(folder.rglob("*"))
            if path.is_file() and found_in(path.read_bytes(), secret)]


def descendants(pid: int) -> list[int]:
    children = [int(child) for thread in Path(f"/proc/{pid}/task").iterdir()
                for child in (thread / "children").read_text().split()]
    return [process for child in children for process in (child, *descendants(child))]
