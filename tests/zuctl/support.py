# SPDX-License-Identifier: Apache-2.0
"""What the tests of zuctl share: running it, and telling the results as TAP."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

TIMEOUT = 60


def vectors() -> Path:
    """The recorded cases: where $ZU_VECTORS says, else the copy in the tree."""
    folder = Path(os.environ.get("ZU_VECTORS", "/nonexistent"))
    return folder if folder.is_dir() else Path(os.environ["ZU_TEST_DATA"])


def new_event(**members: Any) -> dict[str, Any]:
    """An event as a caller writes it; what is not given is the same each time."""
    event = {"event_id": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
             "trace_id": "0b1c2d3e-0000-4000-8000-000000000001",
             "task_id": "0b1c2d3e-0000-4000-8000-0000000000aa",
             "type": "data.test", "ts": "2024-03-05T06:07:08Z", "source": "test", "payload": {}}
    event.update(members)
    return event


def numbered_event(number: int, **members: Any) -> dict[str, Any]:
    """The same, with an id of its own."""
    return new_event(event_id=f"6f9619ff-8b86-4011-b42d-{number:012x}", **members)


def lines(*events: dict[str, Any]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


class ZuctlCase(unittest.TestCase):
    """A test with folders of its own for everything that zuctl reads and writes."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="zuctl-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, XDG_STATE_HOME=str(self.folder / "state"),
                                XDG_CONFIG_HOME=str(self.folder / "config"))
        self.environment.pop("ZU_SINK", None)
        self.environment.pop("NO_COLOR", None)
        self.log = f"sqlite:{self.folder}/log.db"

    def zuctl(self, *arguments: str, stdin: str | bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        return subprocess.run(["zuctl", *arguments], input=data, capture_output=True, timeout=TIMEOUT,
                              env={**self.environment, **variables}, check=False)

    def succeed(self, *arguments: str, stdin: str | bytes = b"", **variables: str) -> str:
        """Runs zuctl, which must be silent on stderr, and gives its output."""
        done = self.zuctl(*arguments, stdin=stdin, **variables)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), arguments)
        return done.stdout.decode()

    def succeed_json(self, *arguments: str, stdin: str | bytes = b"") -> list[Any]:
        return [json.loads(line) for line in self.succeed(*arguments, "--json", stdin=stdin).splitlines()]

    def fail_with(self, status: int, pattern: str, *arguments: str, stdin: str | bytes = b"",
                  **variables: str) -> str:
        """Runs zuctl, which must end with STATUS and say why in one line; gives its output."""
        done = self.zuctl(*arguments, stdin=stdin, **variables)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, status, (arguments, error))
        self.assertEqual(error.count("\n"), 1, error)
        self.assertRegex(error, r"\Azuctl: .*: ")
        self.assertRegex(error, pattern)
        return done.stdout.decode()

    def append(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in
                self.succeed("log", "append", self.log, stdin=lines(*events)).splitlines()]


class TapResult(unittest.TestResult):
    """A line a test, and what went wrong as comments."""

    count = 0

    def tell(self, result: str, test: unittest.TestCase, note: str = "") -> None:
        self.count += 1
        print(f"{result} {self.count} {test.id().removeprefix('__main__.')}{note}", flush=True)

    def tell_why(self, test: unittest.TestCase, err: Any) -> None:
        for line in self._exc_info_to_string(err, test).splitlines():
            print(f"# {line}", flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.tell("ok", test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.tell("not ok", test)
        self.tell_why(test, err)

    addFailure = addError

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.tell("not ok", subtest)
            self.tell_why(subtest, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        if os.environ.get("ZU_TESTS_MUST_RUN") == "1":
            self.tell("not ok", test, f" - must run: {reason}")
            self.failures.append((test, reason))
        else:
            self.tell("ok", test, f" # SKIP {reason}")


def main() -> None:
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    tests = [test for group in suite for test in group if re.search(wanted, test.id())]
    result = TapResult()
    unittest.TestSuite(tests).run(result)
    print(f"1..{result.count}", flush=True)
    sys.exit(not result.wasSuccessful())
