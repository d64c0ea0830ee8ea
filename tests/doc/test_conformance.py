# SPDX-License-Identifier: Apache-2.0
"""doc/conformance.md: there is no page where a requirement has no test that was run and has passed, and the one in the
tree is the one that is made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support

ROOT = Path(os.environ["ZU_SOURCE_ROOT"])
REQUIREMENTS = """- id: X-1
  title: A title
  says: What must hold.
  claims:
    - claim: It does.
      tests: ["room / thing : /thing/*", "room / other"]
"""
PASSED = [("zu:room / thing", "OK", "ok 1 /thing/a\nok 2 - /thing/b\nok 3 /else\n1..3\n"), ("zu:room+more / other", "OK", "")]


class Page(unittest.TestCase):

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="zu-conformance-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.page = self.folder / "page.md"

    def make(self, requirements: str = REQUIREMENTS, runs: "list[tuple[str, str, str]] | None" = None,
             *more: str) -> "subprocess.CompletedProcess[str]":
        (self.folder / "list.yaml").write_text(requirements)
        log = self.folder / "log.json"
        log.write_text("".join(json.dumps({"name": name, "result": result, "stdout": output}) + "\n"
                               for name, result, output in (PASSED if runs is None else runs)))
        return subprocess.run([sys.executable, ROOT / "doc" / "conformance.py", self.folder / "list.yaml", "--log", log,
                               "--output", self.page, *more], capture_output=True, text=True, timeout=support.TIMEOUT, check=False)

    def refuse(self, why: str, requirements: str = REQUIREMENTS, runs: "list[tuple[str, str, str]] | None" = None,
               *more: str) -> None:
        done = self.make(requirements, runs, *more)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, why)
        self.assertNotIn("Traceback", done.stderr)
        self.assertFalse(self.page.exists())

    def test_passed(self) -> None:
        done = self.make()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("## X-1: A title\n\nWhat must hold.\n", self.page.read_text())
        self.assertIn("| It does. | `room / thing`: `/thing/*` · `room / other` |\n", self.page.read_text())

    def test_not_passed(self) -> None:
        for output in ("ok 1 /thing/a\nnot ok 2 /thing/b\n", "ok 1 /thing/a\nok 2 /thing/b # SKIP no root\n",
                       "not ok 1 /thing/a\nok 2 /thing/a\n", "not ok 1 /thing/a # TODO later\n"):
            with self.subTest(output):
                self.refuse("list.yaml:5: X-1: 'room / thing : /thing/\\*' did not pass",
                            runs=[("zu:room / thing", "OK", output), PASSED[1]])
        for result in ("FAIL", "SKIP", "TIMEOUT", "ERROR", "EXPECTEDFAIL"):
            with self.subTest(result):
                self.refuse("'room / other' did not pass", runs=[PASSED[0], ("zu:room / other", result, "")])
        self.refuse("'room / other' did not pass", runs=[PASSED[0], ("zu:room / other", "OK", "ok 1 a # skip\n")])

    def test_not_run(self) -> None:
        self.refuse("'room / other' was not run", runs=PASSED[:1])
        self.refuse("'room / thing : /thing/\\*' has no such case", runs=[("zu:room / thing", "OK", "ok 1 /else\n"), PASSED[1]])

    def test_every_match_of_a_pattern(self) -> None:
        requirements = re.sub("tests: .*", "tests: ['room / *']", REQUIREMENTS)
        self.assertEqual(self.make(requirements).returncode, 0)
        self.page.unlink()
        self.refuse("did not pass", requirements, [*PASSED, ("zu:room / third", "FAIL", "")])

    def test_no_proof(self) -> None:
        for requirements, why in ((re.sub("tests: .*", "tests: []", REQUIREMENTS), "list.yaml:5: X-1: no test proves 'It does.'"),
                                  (REQUIREMENTS.partition("  claims:")[0] + "  claims: []\n", "nothing is claimed"),
                                  (REQUIREMENTS * 2, "list.yaml:7: X-1 stands here twice"),
                                  (REQUIREMENTS.replace("says", "sais"), "list.yaml:1: the keys must be"),
                                  ("", "there are no requirements")):
            with self.subTest(why):
                self.refuse(why, requirements)

    def test_no_log(self) -> None:
        self.refuse("run meson test first", REQUIREMENTS, None, "--log", str(self.folder / "nothing"))

    def test_compared(self) -> None:
        other = self.folder / "other.md"
        other.write_text("an old page\n")
        self.refuse("other.md is not what", REQUIREMENTS, None, "--compare", str(other))
        self.make()
        other.write_text(self.page.read_text())
        self.assertEqual(self.make(REQUIREMENTS, None, "--compare", str(other)).returncode, 0)


class Tree(unittest.TestCase):

    def test_up_to_date(self) -> None:
        doc = ROOT / "doc"
        done = subprocess.run([sys.executable, doc / "conformance.py", doc / "conformance.yaml", "--compare",
                               doc / "conformance.md"], capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_requirement_is_there(self) -> None:
        page = (ROOT / "doc" / "conformance.md").read_text()
        for name in ("ZU-CORE-3", "ZU-NET-1", "ZU-NET-2", "ZU-NET-3", "ZU-NET-4", "ZU-NET-5", "ZU-AUDIT-1", "ZU-AUDIT-3",
                     "ZU-AUDIT-5", "ZU-CD-7", "ZU-CD-8", "ZU-EXT-1", "ZU-EXT-2", "ZU-EXT-3", "ZU-EXT-4"):
            self.assertIn(f"\n## {name}: ", page)

    def test_named_tests_exist(self) -> None:
        """As far as the build knows them; whether they have passed, and their cases, only a run's log tells."""
        tests = json.loads(Path(os.environ["ZU_TEST_LIST"]).read_text())
        known = {f"{test['suite'][0].partition(':')[2]} / {test['name']}" for test in tests}
        text = (ROOT / "doc" / "conformance.yaml").read_text()
        named = set(re.findall(r'- "(.+?)(?: : .+)?"$', text, re.MULTILINE))
        self.assertGreater(len(named), 20)
        self.assertEqual({name for name in named if "*" not in name} - known, set())


if __name__ == "__main__":
    support.main()
