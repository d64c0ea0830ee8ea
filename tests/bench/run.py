# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks of a build tree and prints a table, or with --json a line a figure."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys

KEYS = ("name", "value", "unit", "limit", "ratio", "at_least")


def wrapper(program: str) -> list[str]:
    """What gives a program the container engine that it measures."""
    needs_engine = os.path.basename(program) == "bench-docker"
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "..", "docker", "with-engine")] if needs_engine else []


def figures(build: str, names: list[str]) -> list[dict[str, object]]:
    found = []
    for program in sorted(glob.glob(os.path.join(build, "tests", "bench", "bench-*"))):
        if os.path.isfile(program) and os.access(program, os.X_OK):
            result = subprocess.run([*wrapper(program), program, *names], stdout=subprocess.PIPE, text=True, check=True)
            found += [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return found


def verdict(row: dict[str, object]) -> str:
    if not row["measured"]:
        return "not measured: the limit spreads by more than 20 %"
    if not row["at_least"]:
        return ""
    return "ok" if float(str(row["ratio"])) >= float(str(row["at_least"])) else "short"


def main(build: str, arguments: list[str]) -> int:
    rows = figures(build, [name for name in arguments if name != "--json"])
    if "--json" in arguments:
        for row in rows:
            print(json.dumps({key: row[key] for key in KEYS}))
        return 0
    print(f"{'name':32} {'ours':>14} {'limit':>14} {'unit':12} {'ratio':>7} {'at least':>8} {'spread':>13}")
    for row in rows:
        print(f"{row['name']:32} {row['value']:14,.1f} {row['limit']:14,.1f} {row['unit']:12} {row['ratio']:7.3f}"
              f" {row['at_least']:8.2f} {row['spread']:6.1%}/{row['limit_spread']:.1%} {verdict(row)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
