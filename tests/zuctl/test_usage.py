# SPDX-License-Identifier: Apache-2.0
"""What every command has: help, a manual page, completion; and what is no command."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import support

TREE = Path(__file__).resolve().parents[2]


class Usage(support.ZuctlCase):

    def commands(self) -> list[str]:
        return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", self.succeed("--help"), re.M)

    def options(self, command: str) -> list[str]:
        return re.findall(r"^  (?:-\w, )?(--[a-z-]+)", self.succeed(*command.split(), "--help"), re.M)

    def manual(self, command: str) -> str:
        page = TREE / "doc" / "man" / f"zuctl-{command.split()[0]}.1"
        return page.read_text().replace("\\-", "-").replace("\\fR", "").replace("\\fB", "")

    def test_lists_the_commands(self) -> None:
        for command in ("run", "log append", "log query", "log verify", "event digest", "plugins", "ports",
                        "ports show", "broker mint", "broker introspect", "broker grant", "broker use", "broker revoke", "broker grants", "identity present", "identity verify",
                        "egress check"):
            self.assertIn(command, self.commands())

    def test_version(self) -> None:
        self.assertRegex(self.succeed("--version"), r"\Azuctl \d+\.\d+\.\d+\n\Z")

    def test_every_command_has_help(self) -> None:
        for command in self.commands():
            for flag in ("--help", "-h"):
                text = self.succeed(*command.split(), flag)
                self.assertTrue(text.startswith(f"Usage:\n  zuctl {command} "), text)
                self.assertIn("--help", text)

    def test_a_group_has_help(self) -> None:
        text = self.succeed("log", "--help")
        self.assertIn("log append", text)
        self.assertNotIn("event digest", text)

    def test_every_option_is_in_the_manual(self) -> None:
        for command in self.commands():
            for option in self.options(command):
                self.assertIn(option, self.manual(command), command)

    def test_every_program_has_a_manual(self) -> None:
        for page in ("zuctl", "zu-egress-proxy", "zu-worker", "zu-brokerd", "zu-keeper", "zu-portgen", "zu-conformance"):
            done = subprocess.run(["man", "--warnings", "-l", str(TREE / "doc" / "man" / f"{page}.1")],
                                  capture_output=True, check=True, env=dict(os.environ, MANWIDTH="80"))
            self.assertEqual(done.stderr, b"")
            self.assertIn(b"NAME", done.stdout)

    def test_every_option_of_a_program_is_in_its_manual(self) -> None:
        for program in ("zu-egress-proxy", "zu-worker", "zu-brokerd", "zu-portgen", "zu-conformance"):
            path = shutil.which(program, mode=os.F_OK)
            # In the build tree it is not executable; installed it is.
            command = ["/usr/bin/python3", path] if program == "zu-portgen" else [path]
            done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True, env=self.environment)
            page = (TREE / "doc" / "man" / f"{program}.1").read_text().replace("\\-", "-")
            for option in set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", done.stdout, re.M)) - {"--help"}:
                self.assertIn(option, page, program)

    def test_no_command(self) -> None:
        self.fail_with(2, r"usage: no command was given \(see zuctl --help\)")
        self.fail_with(2, r"log: no command was given \(see zuctl log --help\)", "log")

    def test_unknown_command(self) -> None:
        self.fail_with(2, "nosuch: no such command", "nosuch")
        self.fail_with(2, "log: no such command: nosuch", "log", "nosuch")
        self.fail_with(2, "log: no such command: nosuch", "log", "nosuch", "--help")

    def test_unknown_option(self) -> None:
        for command in self.commands():
            self.fail_with(2, "--no-such-option", *command.split(), "--no-such-option")

    def test_too_many_words(self) -> None:
        for command in ("plugins", "ports", "event digest", "broker introspect"):
            self.fail_with(2, "one argument too many: extra", *command.split(), "extra")
        self.fail_with(2, "one argument too many: b", "log", "count", "a", "b")

    def test_missing_words(self) -> None:
        for command in ("run", "ports show", "broker mint"):
            self.fail_with(2, "an argument is missing", *command.split())

    def test_output_that_does_not_arrive(self) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(["zuctl", "ports"], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=self.environment)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), r"\Azuctl: cannot write the output: .*\n\Z")

    def test_an_error_is_one_line_of_text(self) -> None:
        done = self.zuctl("ports", "show", "a\n\x1b[31mb\u202ec")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.decode(),
                         "zuctl: no such port: a \\u001b[31mb\\u202ec (see zuctl ports)\n")

    def complete(self, *words: str) -> list[str]:
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_zuctl 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", str(TREE / "src/zuctl/completion/zuctl"), *words],
                              capture_output=True, text=True, check=True, env=self.environment)
        return done.stdout.split()

    def test_completion(self) -> None:
        self.assertIn("log", self.complete("zuctl", ""))
        self.assertEqual(self.complete("zuctl", "log", "ver"), ["verify"])
        self.assertEqual(self.complete("zuctl", "log", "query", "--filt"), ["--filter"])
        self.assertEqual(self.complete("zuctl", "ports", "show", "EventS"), ["EventSink"])
        self.assertEqual(self.complete("zuctl", "run", "--network", "i"), ["isolated"])
        self.assertIn("sqlite:", self.complete("zuctl", "log", "count", ""))


if __name__ == "__main__":
    support.main()
