# SPDX-License-Identifier: Apache-2.0
"""zuctl run, with bubblewrap."""

import hashlib
import json
import os
import signal
import subprocess
import time
from typing import Any

import support

TYPES = ["harness.task.started", "harness.tool.invoked", "harness.tool.returned"]
COMPLETED = [*TYPES, "harness.task.completed"]
TERMINAL = [*TYPES, "harness.task.terminal"]


class Run(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.environment["ZU_SINK"] = self.log

    def run_shell(self, line: str, *options: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        return self.zuctl("run", *options, "--", "sh", "-c", line, **more)

    def events(self) -> list[dict[str, Any]]:
        return self.succeed_json("log", "query", self.log)

    def payloads(self, types: list[str]) -> list[dict[str, Any]]:
        """The payloads of the one run that the log has, whose events are of these types."""
        events = self.events()
        self.assertEqual([event["type"] for event in events], types)
        self.assertEqual(len({event["trace_id"] for event in events}), 1)
        self.assertEqual(len({event["task_id"] for event in events}), 1)
        self.succeed("log", "verify", self.log)
        return [event["payload"] for event in events]

    def test_status_and_output(self) -> None:
        done = self.run_shell("echo out; echo err >&2; exit 7")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, b"out\n", b"err\n"))
        started, invoked, returned, completed = self.payloads(COMPLETED)
        self.assertEqual(started["argv"], ["sh", "-c", "echo out; echo err >&2; exit 7"])
        self.assertEqual(invoked["argv"], started["argv"])
        self.assertEqual(started["backend"], "bubblewrap")
        self.assertIn("image", started)
        self.assertIn("image_id", started)
        self.assertEqual(started["policy"]["network"], "none")
        self.assertTrue(started["limits"])
        self.assertEqual({key: returned[key] for key in ("exit_status", "signal", "timed_out", "truncated",
                                                         "stdout_bytes", "stderr_bytes")},
                         {"exit_status": 7, "signal": 0, "timed_out": False, "truncated": False,
                          "stdout_bytes": 4, "stderr_bytes": 4})
        self.assertGreaterEqual(returned["duration_ms"], 0)
        self.assertEqual(completed["exit_status"], 7)

    def test_the_separator_may_be_left_out(self) -> None:
        done = self.zuctl("run", "--timeout", "30", "sh", "-c", "echo $0 $1", "--timeout", "x")
        self.assertEqual(done.stdout, b"--timeout x\n")

    def test_stdin(self) -> None:
        text = os.urandom(1 << 20)
        done = self.zuctl("run", "--", "cat", stdin=text)
        self.assertEqual((done.returncode, done.stdout), (0, text))
        self.assertEqual(self.payloads(COMPLETED)[2]["stdout_bytes"], 1 << 20)

    def test_the_callers_descriptors_stay_outside(self) -> None:
        secret = self.folder / "stdin"
        secret.write_text("unchanged")
        secret.chmod(0o666)
        with secret.open("rb") as file:
            done = subprocess.run(["zuctl", "run", "--", "sh", "-c", "echo changed > /proc/self/fd/0; ls -l /proc/self/fd"],
                                  stdin=file, capture_output=True, env=self.environment, check=False)
        self.assertEqual(secret.read_text(), "unchanged")
        self.assertNotIn(str(self.folder).encode(), done.stdout)

    def test_output_comes_as_it_is_written(self) -> None:
        with subprocess.Popen(["zuctl", "run", "--", "sh", "-c", "echo one; read line; echo $line"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=self.environment) as process:
            self.assertEqual(process.stdout.readline(), b"one\n")
            process.stdin.write(b"two\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"two\n")
            process.stdin.close()
            self.assertEqual(process.wait(support.TIMEOUT), 0)

    def test_no_descriptors_at_all(self) -> None:
        done = subprocess.run(["sh", "-c", "exec zuctl run -- sh -c 'cat; echo x; exit 5' <&- >&- 2>&-"],
                              env=self.environment, check=False)
        self.assertEqual(done.returncode, 5)
        self.payloads(COMPLETED)

    def test_reader_goes_away(self) -> None:
        done = subprocess.run(["bash", "-c", "zuctl run -- yes | head -n 1; exit ${PIPESTATUS[0]}"], env=self.environment,
                              capture_output=True, timeout=support.TIMEOUT, check=False)
        self.assertEqual(done.stdout, b"y\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(self.payloads(COMPLETED)[2]["truncated"])

    def test_killed(self) -> None:
        done = self.run_shell("kill -SEGV $$")
        self.assertEqual(done.returncode, 128 + signal.SIGSEGV)
        self.assertEqual(self.payloads(COMPLETED)[2]["signal"], signal.SIGSEGV)

    def test_timeout(self) -> None:
        self.fail_with(124, "sh took longer than 0.3 s", "run", "--timeout", "0.3", "--", "sh", "-c",
                       "sleep 30 & sleep 30")
        payloads = self.payloads(TERMINAL)
        self.assertTrue(payloads[2]["timed_out"])
        self.assertEqual((payloads[3]["reason"], payloads[3]["exit_status"]), ("timed-out", 124))

    def test_not_found(self) -> None:
        self.fail_with(127, "cannot run no-such-program: ", "run", "--", "no-such-program")
        payloads = self.payloads(TERMINAL)
        self.assertEqual(payloads[2]["exit_status"], 127)
        self.assertEqual(payloads[3]["reason"], "command-not-found")

    def test_not_executable(self) -> None:
        self.fail_with(126, "cannot run /etc/ld.so.cache: ", "run", "--", "/etc/ld.so.cache")
        self.assertEqual(self.payloads(TERMINAL)[3]["reason"], "command-not-executable")

    def test_set_up_fails(self) -> None:
        self.fail_with(125, "/no/such", "run", "--mount", "/no/such:/x", "--", "true")
        [terminal] = self.payloads(["harness.task.terminal"])
        self.assertEqual((terminal["reason"], terminal["exit_status"]), ("set-up-failed", 125))
        self.assertEqual(terminal["argv"], ["true"])

    def test_log_fails(self) -> None:
        ran = self.folder / "ran"
        ran.mkdir()
        ran.chmod(0o777)
        self.fail_with(125, "log|record", "run", "--sink", f"sqlite:{self.folder}/no/such/log.db", "--mount",
                       f"{ran}:/ran:rw", "--", "touch", "/ran/it")
        self.assertEqual(list(ran.iterdir()), [])
        self.fail_with(125, "does not link its events", "run", "--sink", f"jsonl:{self.folder}/log.jsonl?raw=1", "--",
                       "true")

    def test_line_log(self) -> None:
        """A log that does not link by itself is linked for the run."""
        uri = f"jsonl:{self.folder}/log.jsonl"
        for _ in range(2):
            self.assertEqual(self.zuctl("run", "--sink", uri, "--", "true").returncode, 0)
        self.assertRegex(self.succeed("log", "verify", uri), r"\Aintact: 8 events in 2 traces ")

    def test_usage(self) -> None:
        for option, value in (("timeout", "soon"), ("timeout", "0"), ("timeout", "-1"), ("timeout", "nan"),
                              ("memory", "lots"), ("memory", "1t"), ("memory", "0"), ("pids", "0"), ("pids", "x"),
                              ("network", "some"), ("env", "NAME"), ("env", "=x"), ("mount", "/x"),
                              ("mount", "/x:y"), ("mount", ":/y")):
            self.fail_with(2, f"--{option} ", "run", f"--{option}={value}", "--", "true")
        self.fail_with(2, "mounted already", "run", "--mount", "/a:/x", "--mount", "/a:/y", "--", "true")
        self.fail_with(2, "Unknown option", "run", "--nosuch", "--", "true")
        self.assertFalse((self.folder / "log.db").exists())

    def test_signals_end_the_run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with subprocess.Popen(["zuctl", "run", "--", "sh", "-c", "echo ready; sleep 300 & wait"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment) as process:
                self.assertEqual(process.stdout.readline(), b"ready\n")
                process.send_signal(number)
                self.assertEqual(process.wait(support.TIMEOUT), 128 + number)
                self.assertRegex(process.stderr.read().decode(), r"\Azuctl: the run was ended: .*\n\Z")
        events = self.events()
        self.assertEqual([event["type"] for event in events], TERMINAL * 2)
        self.assertEqual({events[3]["payload"]["reason"], events[7]["payload"]["reason"]}, {"cancelled"})
        self.succeed("log", "verify", self.log)

    def test_killed(self) -> None:
        with subprocess.Popen(["zuctl", "run", "--", "sh", "-c", "echo ready; sleep 300 & wait"],
                              stdout=subprocess.PIPE, env=self.environment) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.kill()
            # The pipe is held open by what runs in the sandbox, so its end is the sandbox's.
            self.assertEqual(process.stdout.read(), b"")
        deadline = time.monotonic() + support.TIMEOUT
        while len(self.events()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        events = self.events()
        self.assertEqual([event["type"] for event in events], [*TYPES[:2], "harness.task.terminal"])
        self.assertEqual((events[2]["source"], events[2]["payload"]["reason"]), ("zu-keeper", "owner-gone"))
        self.assertEqual(len({event["trace_id"] for event in events}), 1)
        self.succeed("log", "verify", self.log)

    def test_stubborn_command(self) -> None:
        with subprocess.Popen(["zuctl", "run", "--", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment) as process:
            process.stdout.readline()
            began = time.monotonic()
            process.terminate()
            self.assertEqual(process.wait(support.TIMEOUT), 128 + signal.SIGTERM)
            self.assertLess(time.monotonic() - began, 30)

    def test_signals_reach_the_command(self) -> None:
        done = self.run_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status")
        masks = [int(line.split()[1], 16) for line in done.stdout.decode().splitlines()]
        # glibc's posix_spawn leaves 32 and 33 ignored; they are its own.
        self.assertEqual([mask & ~(3 << 31) for mask in masks], [0, 0])

    def test_environment_is_not_logged(self) -> None:
        done = self.run_shell("echo $A_NAME", "--env", "A_NAME=a-hidden-value", "--env", "B=x=y")
        self.assertEqual(done.stdout, b"a-hidden-value\n")
        self.assertEqual(self.payloads(COMPLETED)[0]["environment"], ["A_NAME", "B"])
        self.assertNotIn("a-hidden-value", json.dumps(self.events()))

    def test_our_environment_stays_outside(self) -> None:
        done = self.zuctl("run", "--", "env", ZU_TEST_SECRET="hush")
        self.assertNotIn(b"hush", done.stdout)

    def test_arguments_are_redacted(self) -> None:
        secrets = {"--password=hunter2": "hunter2", "https://bob:hunter3@example.org/": "bob:hunter3",
                   "Authorization: Bearer hunter4": "Bearer hunter4", "API_KEY=hunter5": "hunter5"}
        self.zuctl("run", "--", "true", *secrets, "--token", "hunter6", "plain")
        text = json.dumps(self.events())
        self.assertNotIn("hunter", text)
        self.assertIn("plain", text)
        for secret in [*secrets.values(), "hunter6"]:
            self.assertIn(f"[redacted sha256:{hashlib.sha256(secret.encode()).hexdigest()}]", text)

    def test_arguments_that_are_no_text(self) -> None:
        done = subprocess.run(["zuctl", "run", "--", "printf", b"%s", b"\xff\xfe"], capture_output=True,
                              env=self.environment, check=False)
        self.assertEqual(done.stdout, b"\xff\xfe")
        self.assertEqual(len(self.payloads(COMPLETED)[0]["argv"]), 3)

    def test_mounts(self) -> None:
        shared = self.folder / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        self.folder.chmod(0o755)
        (shared / "file").write_text("content")
        done = self.run_shell("cat /in/file; echo x > /in/new", "--mount", f"{shared}:/in")
        self.assertEqual(done.stdout, b"content")
        self.assertNotEqual(done.returncode, 0)
        done = self.run_shell("echo x > /in/new; pwd", "--mount", f"{shared}:/in:rw", "--workdir", "/in")
        self.assertEqual((done.returncode, done.stdout), (0, b"/in\n"), done.stderr)
        self.assertEqual((shared / "new").read_text(), "x\n")

    def test_no_network(self) -> None:
        done = self.run_shell("cat /proc/net/dev")
        self.assertEqual([line.split(":")[0].strip() for line in done.stdout.decode().splitlines()[2:]], ["lo"])

    def test_backend_from_the_configuration(self) -> None:
        folder = self.folder / "config" / "zu"
        folder.mkdir(parents=True)
        (folder / "config.ini").write_text("[run]\nbackend=nosuch\n")
        self.fail_with(125, "cannot use the backend nosuch: ", "run", "--", "true")
        self.assertEqual(self.zuctl("run", "--backend", "bubblewrap", "--", "true").returncode, 0)

    def test_runs_side_by_side(self) -> None:
        processes = [subprocess.Popen(["zuctl", "run", "--", "sh", "-c", f"exit {status}"], env=self.environment)
                     for status in range(4)]
        self.assertEqual([process.wait(support.TIMEOUT) for process in processes], [0, 1, 2, 3])
        self.assertEqual(len({event["trace_id"] for event in self.events()}), 4)
        self.succeed("log", "verify", self.log)


if __name__ == "__main__":
    support.main()
