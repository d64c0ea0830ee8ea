# SPDX-License-Identifier: Apache-2.0
"""Makes doc/conformance.md: each requirement with the tests that prove it.

The requirements stand in doc/conformance.yaml, and so do the names of the tests. Given the log of a test run
(testlog.json, as `meson test` leaves it), there is a page only where each named test was run and has passed."""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INTRODUCTION = """# Conformance

What is required, what of it is claimed, and the tests that prove it: `suite / test`, and where a test has several, the
names of its cases. Generated from `doc/conformance.yaml` by `doc/conformance.py`; a test compares this page with it.

    meson test -C build && ninja -C build conformance

builds it anew, from the log of that run, and fails where a test that is named here was not run, was skipped or did not pass.
A whole `./dev test` in CI ends with that.
"""


class Mistake(Exception):
    """What is wrong, in a line that says where."""


@dataclass
class Claim:
    text: str
    tests: list[str]
    line: int


@dataclass
class Requirement:
    id: str
    title: str
    says: str
    line: int
    claims: list[Claim] = field(default_factory=list)


class Loader(yaml.SafeLoader):
    """Remembers in which line a mapping begins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {**super().construct_mapping(node, deep=True), "line": node.start_mark.line + 1}


def check_keys(where: str, entry: Any, keys: set[str]) -> None:
    if not isinstance(entry, dict) or set(entry) - {"line"} != keys:
        raise Mistake(f"{where}: the keys must be {', '.join(sorted(keys))}, no more and no less")


def load(path: Path) -> list[Requirement]:
    result: list[Requirement] = []
    for entry in yaml.load(path.read_text(encoding="utf-8"), Loader) or []:
        where = f"{path.name}:{entry['line'] if isinstance(entry, dict) else 1}"
        check_keys(where, entry, {"id", "title", "says", "claims"})
        requirement = Requirement(entry["id"], entry["title"], entry["says"], entry["line"])
        if requirement.id in (other.id for other in result):
            raise Mistake(f"{where}: {requirement.id} stands here twice")
        for claim in entry["claims"] or []:
            check_keys(where, claim, {"claim", "tests"})
            requirement.claims.append(Claim(claim["claim"], claim["tests"] or [], claim["line"]))
            if not claim["tests"]:
                raise Mistake(f"{path.name}:{claim['line']}: {requirement.id}: no test proves '{claim['claim']}'")
        if not requirement.claims:
            raise Mistake(f"{where}: {requirement.id}: nothing is claimed")
        result.append(requirement)
    if not result:
        raise Mistake(f"{path.name}: there are no requirements")
    return result


def split(name: str) -> tuple[str, str]:
    """`suite / test : case` in two, of which each may be a pattern; without a case it is the whole test."""
    test, _, case = name.partition(" : ")
    return test, case


def read_cases(output: str) -> dict[str, bool]:
    """The cases that a test's TAP tells of, and whether they passed; one that failed once has failed."""
    cases: dict[str, bool] = {}
    for result, name, directive in re.findall(r"^(ok|not ok) \d+(?: - | )?([^#\n]*)(#[^\n]*)?$", output, re.MULTILINE):
        good = result == "ok" and not re.match(r"#\s*(skip|todo)", directive, re.IGNORECASE)
        cases[name.strip()] = cases.get(name.strip(), True) and good
    return cases


@dataclass
class Run:
    result: str
    cases: dict[str, bool]


def read_log(path: Path) -> dict[str, Run]:
    runs = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        entry = json.loads(line)
        suite, _, test = entry["name"].rpartition(" / ")
        suite = suite.partition(":")[2].partition("+")[0]
        runs[f"{suite} / {test}"] = Run(entry["result"], read_cases(entry["stdout"]))
    return runs


def why_not(name: str, runs: dict[str, Run]) -> str | None:
    """Why a test proves nothing in this run; None where it has passed."""
    test, case = split(name)
    found = [run for known, run in runs.items() if fnmatch.fnmatchcase(known, test)]
    if not found:
        return "was not run"
    if case:
        results = [good for run in found for known, good in run.cases.items() if fnmatch.fnmatchcase(known, case)]
        if not results:
            return "has no such case"
    else:
        results = [run.result == "OK" and all(run.cases.values()) for run in found]
    return None if all(results) else "did not pass"


def check(requirements: list[Requirement], runs: dict[str, Run], source: str) -> list[str]:
    return [f"{source}:{claim.line}: {requirement.id}: '{name}' {why}"
            for requirement in requirements for claim in requirement.claims for name in claim.tests
            if (why := why_not(name, runs)) is not None]


def cell(tests: list[str]) -> str:
    by_test: dict[str, list[str]] = {}
    for name in tests:
        test, case = split(name)
        by_test.setdefault(test, []).extend([f"`{case}`"] if case else [])
    return " · ".join(f"`{test}`" + (f": {', '.join(cases)}" if cases else "") for test, cases in by_test.items())


def render(requirements: list[Requirement]) -> str:
    parts = [INTRODUCTION]
    for requirement in requirements:
        parts.append(f"\n## {requirement.id}: {requirement.title}\n\n{requirement.says}\n\n| claimed | proved by |\n|---|---|\n")
        parts += [f"| {claim.text} | {cell(claim.tests)} |\n" for claim in requirement.claims]
    return "".join(parts)


def run(arguments: argparse.Namespace) -> None:
    requirements = load(arguments.requirements)
    page = render(requirements)
    if arguments.log is not None:
        if not arguments.log.exists():
            raise Mistake(f"there is no log of a test run at {arguments.log} (run meson test first)")
        wrong = check(requirements, read_log(arguments.log), arguments.requirements.name)
        if wrong:
            raise Mistake("\n".join(wrong))
    if arguments.compare is not None and arguments.compare.read_text(encoding="utf-8") != page:
        raise Mistake(f"{arguments.compare} is not what {arguments.requirements} makes "
                      f"(doc/conformance.py {arguments.requirements} --output {arguments.compare})")
    if arguments.output is not None:
        arguments.output.write_text(page, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirements", type=Path, help="the requirements, conformance.yaml")
    parser.add_argument("--log", type=Path, help="testlog.json of a run in which each test named must have passed")
    parser.add_argument("--compare", type=Path, help="a page that must be the one that is made")
    parser.add_argument("--output", type=Path, help="where to write the page")
    try:
        run(parser.parse_args())
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
