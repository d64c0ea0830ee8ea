# SPDX-License-Identifier: Apache-2.0
"""Runs the code blocks of a page, in order, in a folder and on a bus of their own.

A block of sh is run as it stands; a block of c or python is first written to the file that the
comment before it names (<!-- file: NAME -->), and python is then run. A block after <!-- not run:
WHY --> is passed over, and WHY is printed. What a block prints is checked where a block of text
with <!-- prints --> before it follows: each line of it must be printed, and * stands for anything.
"""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from typing import Iterator

BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*?) -->\n+)?^```(?P<lang>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(page: str) -> Iterator[tuple[str, str, str, int]]:
    with open(page, encoding="utf-8") as stream:
        text = stream.read()
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("lang")) + 1
        yield match["note"] or "", match["lang"], match["text"], line


def run(argv: list[str], folder: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=folder, input=text, capture_output=True, text=True, timeout=120)


class Page:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.count = 0
        self.failed = 0
        self.output = ""

    def report(self, ok: bool, name: str, result: subprocess.CompletedProcess[str] | None = None) -> None:
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} {name}")
        if not ok and result is not None:
            for line in (result.stdout + result.stderr).splitlines()[-40:]:
                print(f"# {line}")

    def block(self, note: str, lang: str, text: str, name: str) -> None:
        if note.startswith("not run:"):
            print(f"# {name}: {note}")
            return
        if note == "prints":
            missing = [line for line in text.splitlines()
                       if not any(fnmatch.fnmatchcase(had, line.replace("[", "[[]"))
                                  for had in self.output.splitlines())]
            self.report(not missing, f"{name} prints what it says")
            for line in missing:
                print(f"# not printed: {line}")
            for line in self.output.splitlines() if missing else []:
                print(f"# printed: {line}")
            return
        if note.startswith("file: "):
            path = os.path.join(self.folder, note.removeprefix("file: "))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
            if lang not in ("python", "sh"):
                return
        if lang == "python":
            result = run(["/usr/bin/python3", "-c", text], self.folder)
        elif lang == "sh":
            result = run(["sh", "-eu"], self.folder, text)
        else:
            return
        self.output = result.stdout + result.stderr
        self.report(result.returncode == 0, name, result)


def main(path: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
        os.environ["ZU_SOURCE"] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        page = Page(folder)
        for note, lang, text, line in blocks(path):
            page.block(note, lang, text, f"{os.path.basename(path)}:{line}")
        print(f"1..{page.count}")
        return 1 if page.failed or not page.count else 0


if __name__ == "__main__":
    if "ZU_PAGE_BUS" not in os.environ:
        os.environ["ZU_PAGE_BUS"] = "1"
        os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, *sys.argv])
    sys.exit(main(sys.argv[1]))
