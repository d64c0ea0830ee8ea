# SPDX-License-Identifier: Apache-2.0
"""Writes a text file as a C string: embed.py INPUT OUTPUT NAME."""

import json
import sys

source, target, name = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    lines = "\n".join(f"  {json.dumps(line, ensure_ascii=True)}" for line in file)
with open(target, "w", encoding="utf-8") as file:
    file.write(f"extern const char {name}[];\nconst char {name}[] =\n{lines};\n")
