# SPDX-License-Identifier: Apache-2.0
"""doc/trusted-base.md lists each folder and file of libzu, and nothing that is not there."""

from __future__ import annotations

import os
import re
import sys


def main(root: str) -> int:
    with open(os.path.join(root, "doc", "trusted-base.md"), encoding="utf-8") as stream:
        listed = set(re.findall(r"`(src/zu/[a-z0-9_/.-]+\.[ch])`", stream.read()))
    there = set()
    for folder, _, names in os.walk(os.path.join(root, "src", "zu")):
        there |= {os.path.relpath(os.path.join(folder, name), root) for name in names if name.endswith((".c", ".h"))}
    print("1..2")
    for number, (text, wrong) in enumerate((("every file is listed", sorted(there - listed)),
                                            ("every listed file is there", sorted(listed - there))), 1):
        print(f"{'not ok' if wrong else 'ok'} {number} {text}")
        for name in wrong:
            print(f"# {name}")
    return 1 if there != listed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
