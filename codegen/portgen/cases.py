# SPDX-License-Identifier: Apache-2.0
"""Checks the examples and scenarios of a port: what they name must be there."""

from __future__ import annotations

from typing import Any, Mapping

from .model import Method
from .source import Document, Path, PortError

# What every port may be refused with; zu_port_dup_error_text() has the same.
COMMON_ERRORS = {
    "failed", "invalid-argument", "not-found", "not-supported", "permission-denied",
    "cancelled", "timed-out", "closed",
}


def _check_case(document: Document, path: Path, where: str, case: Any, method: Method,
                errors: set[str]) -> None:
    if not method.is_wire:
        raise PortError(document.mark(path), f"{where}: '{method.name}' cannot be called over a wire")
    known = {field.name for field in method.inputs}
    for key in case.get("in", {}):
        if key not in known:
            raise PortError(document.mark((*path, "in", key)),
                            f"{where}: '{method.name}' has no parameter '{key}'")
    for field in method.inputs:
        if not field.nullable and not field.has_default and field.name not in case.get("in", {}) \
                and case.get("error") != "invalid-argument":
            raise PortError(document.mark(path), f"{where}: '{method.name}' needs its parameter '{field.name}'")
    results = () if method.out is None else (method.out.name,)
    if method.is_spread and method.out is not None and method.out.ref is not None:
        results = method.out.ref.members
    for key in case.get("out", {}):
        if key not in results:
            raise PortError(document.mark((*path, "out", key)),
                            f"{where}: '{method.name}' has no result '{key}'")
    if "error" in case and "out" in case:
        raise PortError(document.mark((*path, "error")), f"{where}: a result and an error exclude one another")
    if "error" in case and case["error"] not in errors | COMMON_ERRORS:
        raise PortError(document.mark((*path, "error")), f"{where}: there is no error '{case['error']}'")


def check_cases(document: Document, data: Any, methods: Mapping[str, Method], errors: set[str]) -> None:
    for name, method in methods.items():
        for i, example in enumerate(method.examples):
            _check_case(document, ("methods", name, "examples", i),
                        f"in method '{name}', example {i + 1}", example, method, errors)
    for i, scenario in enumerate(data.get("scenarios", [])):
        for j, step in enumerate(scenario["steps"]):
            path: Path = ("scenarios", i, "steps", j)
            where = f"in scenario '{scenario['name']}', step {j + 1}"
            found = methods.get(step["call"])
            if found is None:
                raise PortError(document.mark((*path, "call")), f"{where}: there is no method '{step['call']}'")
            _check_case(document, path, where, step, found, errors)
