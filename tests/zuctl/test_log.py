# SPDX-License-Identifier: Apache-2.0
"""zuctl log: storing and reading."""

import json
import os
import re
import signal
import subprocess

import support
from support import lines, new_event, numbered_event

TRACE_B = "0b1c2d3e-0000-4000-8000-000000000002"


class Append(support.ZuctlCase):

    def test_prints_what_is_stored(self) -> None:
        first, second = self.append(numbered_event(1), numbered_event(2, payload={"n": 1}))
        self.assertIsNone(first["prev_hash"])
        self.assertEqual(second["prev_hash"], first["hash"])
        self.assertEqual(second["payload"], {"n": 1})
        self.assertEqual(first["hash"],
                         self.succeed("event", "digest", stdin=json.dumps(numbered_event(1))).strip())

    def test_blank_lines_and_no_last_newline(self) -> None:
        text = "\n  \r\n" + lines(numbered_event(1)) + "\n" + lines(numbered_event(2)).strip()
        self.assertEqual(len(self.succeed("log", "append", self.log, stdin=text).splitlines()), 2)

    def test_nothing(self) -> None:
        self.assertEqual(self.succeed("log", "append", self.log), "")

    def test_malformed_line(self) -> None:
        text = lines(numbered_event(1)) + "\n" + lines(numbered_event(2)) + "{\n" + lines(numbered_event(3))
        output = self.fail_with(1, "line 4 is refused: ", "log", "append", self.log, stdin=text)
        self.assertEqual(len(output.splitlines()), 2)
        self.assertEqual(self.succeed("log", "count", self.log), "2\n")

    def test_refused_field_is_named(self) -> None:
        for members, name in (({"type": "other.x"}, "type"), ({"trace_id": "x"}, "trace_id"),
                              ({"ts": "yesterday"}, "ts"), ({"payload": []}, "payload")):
            self.fail_with(1, f"line 1 is refused: .*{name}", "log", "append", self.log,
                           stdin=lines(new_event(**members)))

    def test_repeated_event(self) -> None:
        [stored] = self.append(numbered_event(1))
        self.assertEqual(self.append(numbered_event(1)), [stored])
        self.assertEqual(self.succeed("log", "count", self.log), "1\n")

    def test_conflict(self) -> None:
        self.append(numbered_event(1))
        text = lines(numbered_event(2), numbered_event(1, payload={"other": True}), numbered_event(3))
        output = self.fail_with(1, "line 2 is not stored: ", "log", "append", self.log, stdin=text)
        self.assertEqual([json.loads(line)["event_id"] for line in output.splitlines()],
                         [numbered_event(2)["event_id"]])
        self.assertEqual(self.succeed("log", "count", self.log), "2\n")

    def test_wrong_hash(self) -> None:
        event = new_event(prev_hash=None, hash="0" * 64, sig=None)
        self.fail_with(1, "line 1 is not stored: ", "log", "append", self.log, stdin=lines(event))

    def test_acknowledges_at_once(self) -> None:
        with subprocess.Popen(["zuctl", "log", "append", self.log], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=self.environment) as process:
            for number in range(3):
                process.stdin.write(lines(numbered_event(number)).encode())
                process.stdin.flush()
                stored = json.loads(process.stdout.readline())
                self.assertEqual(stored["event_id"], numbered_event(number)["event_id"])
                self.assertEqual(self.succeed("log", "count", self.log), f"{number + 1}\n")
            process.stdin.close()
            self.assertEqual(process.wait(support.TIMEOUT), 0)

    def test_many(self) -> None:
        events = [numbered_event(number, payload={"text": "x" * 200}) for number in range(5000)]
        stored = self.append(*events)
        self.assertEqual([event["event_id"] for event in stored], [event["event_id"] for event in events])
        self.assertEqual(self.succeed("log", "count", self.log), "5000\n")
        self.succeed("log", "verify", self.log)

    def test_two_processes_one_chain(self) -> None:
        self.check_two_processes()

    def test_two_processes_one_chain_of_lines(self) -> None:
        self.log = f"jsonl:{self.folder}/log.jsonl"
        self.check_two_processes()

    def check_two_processes(self) -> None:
        processes = [subprocess.Popen(["zuctl", "log", "append", self.log], stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL, env=self.environment) for _ in range(2)]
        for number in range(200):
            process = processes[number % 2]
            process.stdin.write(lines(numbered_event(number)).encode())
            process.stdin.flush()
        for process in processes:
            process.stdin.close()
            self.assertEqual(process.wait(support.TIMEOUT), 0)
        self.assertRegex(self.succeed("log", "verify", self.log), r"\Aintact: 200 events in 1 trace ")

    def test_signed(self) -> None:
        key = self.folder / "key"
        key.write_bytes(b"k\x00y\n")
        [stored] = [json.loads(line) for line in
                    self.succeed("log", "append", self.log, "--sign-key-file", str(key),
                                 stdin=lines(new_event())).splitlines()]
        self.assertRegex(stored["sig"], "^[0-9a-f]{64}$")
        self.assertNotIn("sig", self.succeed("log", "verify", self.log, "--sign-key-file", str(key)))

    def test_environment_fails(self) -> None:
        self.fail_with(2, "cannot open the log: |not stored: ", "log", "append", f"sqlite:{self.folder}/no/such/log.db",
                       stdin=lines(new_event()))
        self.fail_with(2, "cannot read the signing key: ", "log", "append", self.log, "--sign-key-file", "/no/such")
        self.fail_with(2, "--key-provider has no effect", "log", "append", self.log, "--key-provider", "env")
        self.fail_with(2, "cannot use the codec nosuch: ", "log", "append", self.log, "--codec", "nosuch")

    def test_output_is_gone(self) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(["zuctl", "log", "append", self.log], input=lines(new_event()).encode(),
                                  stdout=full, stderr=subprocess.PIPE, env=self.environment, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), r"\Azuctl: cannot write the output: .*\n\Z")


class Place(support.ZuctlCase):
    """Which log it is, where none is named."""

    def test_default(self) -> None:
        self.succeed("log", "append", stdin=lines(new_event()))
        folder = self.folder / "state" / "zu"
        self.assertTrue((folder / "events.db").exists())
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)

    def test_reading_makes_nothing(self) -> None:
        self.fail_with(2, "No such file", "log", "count")
        self.fail_with(2, "No such file", "log", "query", self.log)
        self.assertEqual([path.name for path in self.folder.iterdir()], [])

    def test_variable(self) -> None:
        self.succeed("log", "append", stdin=lines(new_event()), ZU_SINK=self.log)
        self.assertEqual(self.succeed("log", "count", self.log), "1\n")

    def test_configuration(self) -> None:
        folder = self.folder / "config" / "zu"
        folder.mkdir(parents=True)
        (folder / "config.ini").write_text(f"[log]\nsink={self.log}\n")
        self.succeed("log", "append", stdin=lines(new_event()))
        self.assertEqual(self.succeed("log", "count", self.log), "1\n")
        self.assertEqual(self.succeed("log", "append", stdin=lines(new_event()), ZU_SINK="memory:").count("\n"), 1)
        (folder / "config.ini").write_text("sink\n")
        self.fail_with(2, "cannot read the configuration", "log", "count")

    def test_wrong_uri(self) -> None:
        self.fail_with(2, r"cannot open the log: .*as in sqlite:PATH", "log", "count", "/tmp/x.db")
        self.fail_with(2, "cannot open the log: .*nosuch", "log", "count", self.log + "?nosuch=1")

    def test_init(self) -> None:
        self.succeed("log", "init", self.log)
        self.assertEqual(self.succeed("log", "count", self.log), "0\n")
        self.append(new_event())
        self.succeed("log", "init", self.log)
        self.assertEqual(self.succeed("log", "count", self.log), "1\n")


class Query(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.append(numbered_event(1), numbered_event(2, type="data.other", trace_id=TRACE_B),
                    numbered_event(3, parent_id=numbered_event(1)["event_id"]), numbered_event(4, source="else"))

    def numbers(self, *arguments: str) -> list[int]:
        return [int(event["event_id"][-12:], 16) for event in self.succeed_json("log", "query", self.log, *arguments)]

    def test_all(self) -> None:
        self.assertEqual(self.numbers(), [1, 2, 3, 4])

    def test_filters(self) -> None:
        self.assertEqual(self.numbers("--filter", "type=data.other"), [2])
        self.assertEqual(self.numbers("--filter", f"trace_id={TRACE_B}"), [2])
        self.assertEqual(self.numbers("--filter", "type=data.test", "--filter", "source=else"), [4])
        self.assertEqual(self.numbers("--filter", "source="), [])
        self.assertEqual(self.numbers("--null", "parent_id", "--filter", "source=test"), [1, 2])

    def test_pages(self) -> None:
        self.assertEqual(self.numbers("--limit", "2"), [1, 2])
        self.assertEqual(self.numbers("--limit", "0"), [])
        self.assertEqual(self.numbers("--limit", "-1"), [1, 2, 3, 4])
        self.assertEqual(self.numbers("--after-seq", "2"), [3, 4])
        self.assertEqual(self.numbers("--after-seq", "1", "--limit", "1"), [2])
        self.assertEqual(self.numbers("--after-seq", "99"), [])

    def test_wrong_options(self) -> None:
        self.fail_with(2, "--filter type: ", "log", "query", self.log, "--filter", "type")
        self.fail_with(2, "--after-seq: ", "log", "query", self.log, "--after-seq", "-1")
        self.fail_with(2, "--limit: ", "log", "query", self.log, "--limit", "-2")
        self.fail_with(2, "many", "log", "query", self.log, "--limit", "many")
        self.fail_with(2, "payload", "log", "query", self.log, "--filter", "payload=x")
        self.fail_with(2, "grant_id", "log", "count", self.log, "--filter", "grant_id=x")

    def test_table(self) -> None:
        rows = self.succeed("log", "query", self.log).splitlines()
        self.assertEqual(rows[0].split(), ["TIME", "TYPE", "SOURCE", "TRACE", "EVENT", "PAYLOAD"])
        self.assertEqual(rows[2].split(), ["2024-03-05T06:07:08Z", "data.other", "test", "0b1c2d3e", "6f9619ff", "{}"])
        self.assertEqual(rows[0].index("TYPE"), rows[2].index("data.other"))

    def test_table_of_nothing(self) -> None:
        self.assertEqual(len(self.succeed("log", "query", self.log, "--limit", "0").splitlines()), 1)

    def test_table_is_safe_to_look_at(self) -> None:
        self.append(numbered_event(9, source="a\x1b[31mb\nc\u202ed", payload={"x": "y" * 500}))
        text = self.succeed("log", "query", self.log)
        self.assertNotRegex(text, r"[^\x20-\x7e\n]")
        self.assertEqual(len(text.splitlines()), 6)
        self.assertLess(max(map(len, text.splitlines())), 200)

    def test_count(self) -> None:
        self.assertEqual(self.succeed("log", "count", self.log), "4\n")
        self.assertEqual(self.succeed("log", "count", self.log, "--filter", "source=test"), "3\n")
        self.assertEqual(self.succeed_json("log", "count", self.log), [{"count": 4}])

    def test_index(self) -> None:
        self.succeed("log", "append", self.log, "--index", "grant_id",
                     stdin=lines(numbered_event(5, payload={"ctx": {"grant_id": "g1"}})))
        self.assertEqual(self.numbers("--index", "grant_id", "--filter", "grant_id=g1"), [5])
        self.assertEqual(self.numbers("--index", "grant_id", "--null", "grant_id"), [1, 2, 3, 4])

    def test_stat(self) -> None:
        [figures] = self.succeed_json("log", "stat", self.log)
        for name, value in {"events": 4, "traces": 2, "linked": None, "first_ts": "2024-03-05T06:07:08Z",
                            "last_ts": "2024-03-05T06:07:08Z", "types": {"data.other": 1, "data.test": 3}}.items():
            self.assertEqual(figures[name], value)
        self.assertRegex(self.succeed("log", "stat", self.log), r"(?m)^events +4$")


class Tail(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.append(*(numbered_event(number) for number in range(25)))

    def numbers(self, *arguments: str) -> list[int]:
        return [int(event["event_id"][-12:], 16) for event in self.succeed_json("log", "tail", self.log, *arguments)]

    def test_last(self) -> None:
        self.assertEqual(self.numbers(), list(range(15, 25)))
        self.assertEqual(self.numbers("-n", "3"), [22, 23, 24])
        self.assertEqual(self.numbers("--lines", "0"), [])
        self.assertEqual(self.numbers("-n", "1000"), list(range(25)))
        self.assertEqual(len(self.succeed("log", "tail", self.log).splitlines()), 11)
        self.fail_with(2, "--lines: ", "log", "tail", self.log, "-n", "-1")

    def test_follow(self) -> None:
        with subprocess.Popen(["zuctl", "log", "tail", "-f", "-n", "1", "--json", self.log], stdout=subprocess.PIPE,
                              env=self.environment) as process:
            self.assertEqual(json.loads(process.stdout.readline())["event_id"], numbered_event(24)["event_id"])
            for number in (100, 101):
                self.append(numbered_event(number))
                self.assertEqual(json.loads(process.stdout.readline())["event_id"],
                                 numbered_event(number)["event_id"])
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(support.TIMEOUT), -signal.SIGINT)


class Terminal(support.ZuctlCase):
    """What is different where somebody looks."""

    def look(self, *arguments: str, **variables: str) -> str:
        import pty
        pid, descriptor = pty.fork()
        if pid == 0:
            os.execvpe("zuctl", ["zuctl", *arguments], {**self.environment, "TERM": "xterm", **variables})
        output = b""
        try:
            while chunk := os.read(descriptor, 65536):
                output += chunk
        except OSError:
            pass
        os.waitpid(pid, 0)
        return output.decode()

    def test_colour(self) -> None:
        self.append(new_event())
        self.assertIn("\033[1m", self.look("log", "query", self.log))
        self.assertNotIn("\033", self.look("log", "query", self.log, NO_COLOR="1"))
        self.assertNotIn("\033", self.look("log", "query", self.log, TERM="dumb"))
        self.assertNotIn("\033", self.look("log", "query", self.log, "--json"))
        self.assertNotIn("\033", self.succeed("log", "query", self.log))

    def test_width(self) -> None:
        self.append(new_event(payload={"x": "y" * 500}))
        for width in ("90", "120"):
            text = re.sub("\033\\[[0-9;]*m", "", self.look("log", "query", self.log, COLUMNS=width))
            self.assertLessEqual(max(map(len, text.splitlines())), int(width))
            self.assertIn("...", text)


if __name__ == "__main__":
    support.main()
