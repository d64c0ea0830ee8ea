# SPDX-License-Identifier: Apache-2.0
"""Holds the exported symbols of libzu against src/zu/zu.symbols.

A symbol that vanished breaks programs that are built already. A new one is a promise, so it is
written down; those of generated ports may come first, since their YAML is where that is decided.
What is exported must stand in a public header.
"""

import pathlib
import re
import subprocess
import sys

HELP = """
To write the list anew, once this is what you want (see doc/abi.md):
    python3 tests/abi/check-symbols.py BUILD/src/zu/libzu-1.so SOURCE BUILD --update
"""


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, check=True,
                         encoding="utf-8").stdout
    return {line.split()[-1].partition("@")[0] for line in out.splitlines()}


def declared(files):
    """Every name in these headers, with the get_type functions that macros declare."""
    text = "\n".join(file.read_text() for file in files)
    types = re.findall(r"G_DECLARE_\w+\s*\(\s*\w+,\s*(\w+)", text)
    return set(re.findall(r"\w+", text)) | {f"{name}_get_type" for name in types}


def main():
    library, source, build = sys.argv[1:4]
    zu = pathlib.Path(source, "src", "zu")
    path = zu / "zu.symbols"
    symbols = exported(library)
    if "--update" in sys.argv[4:]:
        path.write_text("".join(f"{name}\n" for name in sorted(symbols)))
        return 0

    lines = path.read_text().split()
    listed = set(lines)
    generated = declared(pathlib.Path(build, "src", "zu", "ports").glob("*.h"))
    public = declared(file for file in zu.glob("**/*.h") if not file.name.endswith("-private.h"))
    faults = [f"{name}: it vanished; programs that use it no longer start"
              for name in sorted(listed - symbols)]
    faults += [f"{name}: it is new; add it to the list"
               for name in sorted(symbols - listed - generated)]
    faults += [f"{name}: it is exported, and no public header declares it; hide it"
               for name in sorted(symbols - public - generated)]
    if lines != sorted(listed):
        faults.append("the list is not sorted, or says something twice")
    for fault in faults:
        print(f"src/zu/zu.symbols: {fault}")
    if faults:
        print(HELP)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
