# SPDX-License-Identifier: Apache-2.0
"""The generator against its goldens.

With --update the goldens are written anew; read the difference before you commit it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PORTS = os.path.join(TOP, "ports")
OURS = ["--types", os.path.join(PORTS, "types.yaml")]
KIT = ["--namespace", "Kit", "--types", os.path.join(HERE, "kitchen", "kit-types.yaml"),
       "--import-types", os.path.join(PORTS, "types.yaml"), "--include", "<zu/zu.h>"]
SINK = os.path.join(HERE, "kitchen", "kitchen-sink.yaml")
BROKER = os.path.join(PORTS, "credential-broker.yaml")
LAID_OUT = ["--templates", os.path.join(TOP, "codegen", "templates"), "--schema", os.path.join(PORTS, "schema")]

OPTIONS = argparse.Namespace()

sys.path.insert(0, os.path.join(TOP, "codegen"))
from portgen.cli import main  # noqa: E402


def portgen(*arguments: str, cwd: str = TOP) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, OPTIONS.portgen, *arguments], cwd=cwd, check=False,
                          capture_output=True, encoding="utf-8")


def read(path: str) -> str:
    with open(path, encoding="utf-8") as stream:
        return stream.read()


class Case(unittest.TestCase):
    maxDiff = None

    def check_golden(self, text: str, *path: str) -> None:
        golden = os.path.join(HERE, *path)
        if OPTIONS.update:
            with open(golden, "w", encoding="utf-8") as stream:
                stream.write(text)
        self.assertMultiLineEqual(text, read(golden))

    def check_run(self, *arguments: str) -> str:
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.chdir(TOP), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = main([*LAID_OUT, *arguments])
        self.assertEqual((status, errors.getvalue()), (0, ""))
        return out.getvalue()


class Model(Case):
    """Layer 1: what is read, with every derived name."""

    def test_broker(self) -> None:
        self.check_golden(self.check_run(*OURS, "dump", BROKER), "golden", "credential-broker.json")

    def test_kitchen_sink(self) -> None:
        self.check_golden(self.check_run(*KIT, "dump", SINK), "golden", "kitchen-sink.json")

    def test_order_of_inputs(self) -> None:
        files = [os.path.join(PORTS, name) for name in ("channel.yaml", "credential-broker.yaml", "event-sink.yaml")]
        for verb in ("dump", "list"):
            texts = {self.check_run(*OURS, verb, *order) for order in itertools.permutations(files)}
            self.assertEqual(len(texts), 1)

    def test_all_ports_are_listed(self) -> None:
        """ports/meson.build has the one list of ports; a file that is not in it is forgotten."""
        listed = read(os.path.join(PORTS, "meson.build"))
        for name in os.listdir(PORTS):
            if name.endswith(".yaml") and name != "types.yaml":
                self.assertIn(f"'{name[:-len('.yaml')]}',", listed)


class Mistakes(Case):
    """Layer 2: one tiny bad input a mistake, one line an error."""

    def test_each(self) -> None:
        folder = os.path.join(HERE, "bad")
        names = sorted(name[:-len(".yaml")] for name in os.listdir(folder) if name.endswith(".yaml"))
        self.assertGreater(len(names), 40)
        for name in names:
            with self.subTest(name):
                errors = io.StringIO()
                with contextlib.chdir(folder), contextlib.redirect_stderr(errors):
                    self.assertEqual(main([*LAID_OUT, *OURS, "check", f"{name}.yaml"]), 1)
                self.assertEqual(errors.getvalue().count("\n"), 1)
                self.check_golden(errors.getvalue(), "bad", f"{name}.err")

    def test_exit_status(self) -> None:
        done = portgen(*OURS, "check", "unknown-key.yaml", cwd=os.path.join(HERE, "bad"))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", "unknown-key.yaml:8: in method 'run': unknown key 'retruns'\n"))

    def test_missing_file(self) -> None:
        done = portgen(*OURS, "check", "no-such.yaml")
        self.assertEqual((done.returncode, done.stderr), (1, "no-such.yaml:1: No such file or directory\n"))


class Text(Case):
    """Layer 3: the full text of all that is made of a port and of shared types."""

    def made(self, *arguments: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            self.check_run("--outdir", folder, *arguments)
            return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}

    def check_made(self, *arguments: str) -> None:
        for name, text in self.made(*arguments).items():
            with self.subTest(name):
                self.check_golden(text, "golden", f"{name}.txt")

    def test_broker(self) -> None:
        self.check_made(*OURS, "port", BROKER)
        self.check_made(*OURS, "page", BROKER)

    def test_kitchen_sink(self) -> None:
        self.check_made(*KIT, "types")

    def test_no_paths_and_no_dates(self) -> None:
        for text in (*self.made(*OURS, "port", BROKER).values(), *self.made(*KIT, "port", SINK).values()):
            self.assertNotIn(TOP, text)
            self.assertNotRegex(text, r"20\d\d-\d\d-\d\d")

    def test_the_index_has_one_order(self) -> None:
        files = [os.path.join(PORTS, name) for name in ("event-sink.yaml", "channel.yaml")]
        self.assertEqual(self.made(*OURS, "index", *files), self.made(*OURS, "index", *reversed(files)))

    def test_written_only_where_changed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.check_run("--outdir", folder, *OURS, "port", BROKER)
            header = os.path.join(folder, "zu-credential-broker.h")
            os.utime(header, (1, 1))
            self.check_run("--outdir", folder, "--depfile", os.path.join(folder, "d"), *OURS, "port", BROKER)
            self.assertEqual(os.stat(header).st_mtime, 1)
            self.assertIn("ports/types.yaml", read(os.path.join(folder, "d")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portgen", required=True)
    parser.add_argument("--update", action="store_true")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
