# SPDX-License-Identifier: Apache-2.0
"""zuctl log: figures, copies, keys, the side index; while others append, and broken off."""

import contextlib
import json
import random
import secrets
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import support
from support import lines, new_event, numbered_event

MANAGED = ("--codec", "managed-aes-gcm")
MARK = "this-text-is-plain"
STAT_KEYS = ["events", "traces", "bytes", "linked", "signed", "undecodable", "first_ts", "last_ts", "types",
             "versions", "keys", "index", "fsync", "problems"]


def many(first: int, count: int) -> str:
    return lines(*(numbered_event(number, trace_id=f"0b1c2d3e-0000-4000-8000-{number % 7:012d}",
                                  payload={"n": number, "text": MARK, "ctx": {"grant_id": f"g{number % 5}"}})
                   for number in range(first, first + count)))


class UpkeepCase(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.database = self.folder / "log.db"
        self.environment.update({"ZU_EVENT_KEY_k1": secrets.token_hex(32), "ZU_EVENT_KEY_k2": secrets.token_hex(32),
                                 "ZU_EVENT_KEY_ID": "k1"})

    def quiet(self, *arguments: str, stdin: str = "", **variables: str) -> str:
        """Runs zuctl, which must succeed; that a key stands in the environment may be said."""
        done = self.zuctl(*arguments, stdin=stdin, **variables)
        self.assertEqual(done.returncode, 0, (arguments, done.stderr.decode()))
        for line in done.stderr.decode().splitlines():
            self.assertIn("can be read by others", line)
        return done.stdout.decode()

    def figures(self, log: str | None = None, *options: str) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.quiet("log", "stat", log or self.log, "--json", *options))
        return figures

    def texts(self, log: str | None = None) -> str:
        return self.quiet("log", "query", log or self.log, "--json", *MANAGED, "--codec", "aes-gcm:k1")

    def fill(self, count: int, *options: str) -> None:
        self.quiet("log", "append", self.log, *options, stdin=many(0, count))

    def edit(self, statement: str, *values: Any) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement, values)

    @contextlib.contextmanager
    def appending(self, first: int, *options: str) -> Iterator[list[str]]:
        """Another process that appends one event after the other; gives what it acknowledged."""
        acknowledged: list[str] = []
        stop = threading.Event()
        process = subprocess.Popen(["zuctl", "log", "append", self.log, *options], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment, text=True)
        assert process.stdin is not None and process.stdout is not None

        def feed() -> None:
            assert process.stdin is not None
            number = first
            while not stop.is_set() and number < first + 20000:
                process.stdin.write(many(number, 1))
                process.stdin.flush()
                number += 1
            process.stdin.close()

        def read() -> None:
            assert process.stdout is not None
            acknowledged.extend(process.stdout)

        threads = [threading.Thread(target=feed), threading.Thread(target=read)]
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + 30
            while not acknowledged and time.monotonic() < deadline:
                time.sleep(0.01)
            yield acknowledged
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(process.wait(support.TIMEOUT), 0)
            process.stdout.close()

    def run_and_kill(self, delay: float, *arguments: str, **variables: str) -> bool:
        """Whether it was killed before it ended."""
        with subprocess.Popen(["zuctl", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**self.environment, **variables}) as process:
            try:
                process.wait(delay)
                return False
            except subprocess.TimeoutExpired:
                process.kill()
                return True


class Stat(UpkeepCase):

    def test_keys(self) -> None:
        self.fill(10)
        figures = self.figures()
        self.assertEqual(list(figures), STAT_KEYS)
        self.assertEqual((figures["events"], figures["traces"], figures["types"]), (10, 7, {"data.test": 10}))
        self.assertEqual(figures["bytes"], self.database.stat().st_size)
        self.assertEqual((figures["versions"], figures["keys"], figures["index"]), ({"0": 10}, {}, []))
        for log in (f"jsonl:{self.folder}/other.jsonl", "memory:"):
            self.assertEqual(list(self.figures(log)), STAT_KEYS)

    def test_full(self) -> None:
        self.fill(10)
        self.edit("UPDATE events SET data = x'006e6f206576656e74' WHERE seq = 3")
        self.assertIsNone(self.figures()["linked"])
        figures = self.figures(self.log, "--full")
        self.assertEqual((figures["linked"], figures["signed"], figures["undecodable"]), (9, 0, 1))

    def test_fsync(self) -> None:
        self.fill(1)
        before = sorted(self.folder.iterdir())
        figures = self.figures(self.log, "--fsync")["fsync"]
        self.assertEqual(list(figures), ["per_second", "median_us", "slowest_us"])
        self.assertGreater(figures["per_second"], 0)
        self.assertLessEqual(figures["median_us"], figures["slowest_us"])
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_check(self) -> None:
        self.fill(2000, "--index", "grant_id")
        self.assertEqual(self.figures(self.log, "--check")["problems"], [])
        page_size = 4096
        with open(self.database, "r+b") as file:
            file.seek(20 * page_size)
            file.write(b"\xff" * page_size)
        done = self.zuctl("log", "stat", self.log, "--check")
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertRegex((done.stdout + done.stderr).decode(), "(?i)problem|malformed|damaged")

    def test_check_index(self) -> None:
        self.fill(5, "--index", "grant_id")
        self.edit("INSERT INTO event_index VALUES ('nobody', 'grant_id', 'g1')")
        done = self.zuctl("log", "stat", self.log, "--check")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(), r"(?m)^problem +1 entry of the side index belongs to no event")

    def test_no_log(self) -> None:
        self.fail_with(2, "no-such", "log", "stat", f"sqlite:{self.folder}/no-such.db")
        self.fail_with(2, "cannot be checked", "log", "stat", "memory:", "--check")


class Backup(UpkeepCase):

    def backup(self, name: str, kind: str = "sqlite") -> Path:
        path = self.folder / name
        figures = json.loads(self.quiet("log", "backup", self.log, str(path), "--json"))
        self.assertEqual(list(figures), ["path", "events", "bytes"])
        self.assertEqual(figures["bytes"], path.stat().st_size)
        self.assertEqual([other for other in self.folder.iterdir() if other.name.startswith(name)], [path])
        self.assertEqual(figures["events"], int(self.quiet("log", "count", f"{kind}:{path}")))
        self.quiet("log", "verify", f"{kind}:{path}")
        return path

    def test_copy(self) -> None:
        self.fill(500)
        anchor = str(self.folder / "heads")
        self.quiet("log", "anchor", self.log, "--anchor", anchor)
        path = self.backup("copy.db")
        self.assertEqual(self.texts(f"sqlite:{path}"), self.texts())
        self.quiet("log", "verify", f"sqlite:{path}", "--anchor", anchor)
        self.quiet("log", "append", f"sqlite:{path}", stdin=many(500, 1))
        self.assertEqual(self.texts(), "".join(self.texts(f"sqlite:{path}").splitlines(True)[:-1]))

    def test_never_overwrites(self) -> None:
        self.fill(1)
        path = self.folder / "copy.db"
        path.write_text("mine")
        self.fail_with(2, "nothing is overwritten", "log", "backup", self.log, str(path))
        self.assertEqual(path.read_text(), "mine")
        (self.folder / "link.db").symlink_to(self.folder / "nowhere")
        self.fail_with(2, "nothing is overwritten", "log", "backup", self.log, str(self.folder / "link.db"))
        self.assertFalse((self.folder / "nowhere").exists())

    def test_refusals(self) -> None:
        self.fail_with(2, "no copy was made: ", "log", "backup", self.log, str(self.folder / "copy.db"))
        self.fill(1)
        self.fail_with(2, "make the folder", "log", "backup", self.log, str(self.folder / "no" / "copy.db"))
        self.fail_with(2, "log backup: this kind of log has no such verb", "log", "backup", "memory:",
                       str(self.folder / "copy.db"))
        self.assertEqual([path.name for path in self.folder.iterdir() if "copy" in path.name], [])

    def test_while_another_process_appends(self) -> None:
        self.fill(3000)
        counts = [3000]
        with self.appending(3000) as acknowledged:
            for number in range(5):
                least = len(acknowledged)
                path = self.backup(f"copy{number}.db")
                count = int(self.quiet("log", "count", f"sqlite:{path}"))
                self.assertGreaterEqual(count, 3000 + least)
                self.assertGreaterEqual(count, counts[-1])
                counts.append(count)
                self.quiet("log", "verify", f"sqlite:{path}")
                self.assertTrue(self.texts(f"sqlite:{path}"))
        whole = self.texts()
        self.assertEqual(whole.count("\n"), 3000 + len(acknowledged))
        for number in range(5):
            self.assertTrue(whole.startswith(self.texts(f"sqlite:{self.folder}/copy{number}.db")))

    def test_lines(self) -> None:
        """Of a log of lines, while it is written, and with half a line at its end."""
        self.log, path = f"jsonl:{self.folder}/log.jsonl", self.folder / "log.jsonl"
        self.fill(500)
        with self.appending(500) as acknowledged:
            least = 500 + len(acknowledged)
            copy = self.backup("copy.jsonl", "jsonl")
        self.assertGreaterEqual(copy.read_text().count("\n"), least)
        self.assertTrue(path.read_text().startswith(copy.read_text()))
        with open(path, "a") as file:
            file.write('{"half')
        self.assertTrue(self.backup("again.jsonl", "jsonl").read_text().endswith("}\n"))
        figures = self.figures()
        self.assertEqual((figures["events"], figures["traces"]), (500 + len(acknowledged), 7))
        self.assertEqual(figures["bytes"], path.stat().st_size)
        for verb in (("reindex",), ("stat", "--check")):
            self.fail_with(2, "a log of lines cannot do that: it has no ", "log", *verb, self.log)
        self.fail_with(2, "nothing is overwritten", "log", "backup", self.log, str(copy))

    def test_encrypted_log_needs_no_key(self) -> None:
        self.fill(20, *MANAGED)
        for name in ("ZU_EVENT_KEY_k1", "ZU_EVENT_KEY_k2", "ZU_EVENT_KEY_ID"):
            key = self.environment.pop(name)
            self.environment["KEPT_" + name] = key
        path = self.folder / "copy.db"
        self.succeed("log", "backup", self.log, str(path))
        self.assertNotIn(MARK.encode(), path.read_bytes())


class Rekey(UpkeepCase):

    def rekey(self, *options: str, **variables: str) -> dict[str, int]:
        sums: dict[str, int] = json.loads(self.quiet("log", "rekey", self.log, *MANAGED, *options, "--json", **variables))
        self.assertEqual(list(sums), ["rewritten", "passed", "left"])
        return sums

    def assert_not_plain(self) -> None:
        for path in self.folder.glob("log.db*"):
            self.assertNotIn(MARK.encode(), path.read_bytes(), path)

    def test_from_plain(self) -> None:
        self.fill(1500)
        before, anchor = self.texts(), str(self.folder / "heads")
        self.quiet("log", "anchor", self.log, "--anchor", anchor)
        self.assertEqual(self.rekey(), {"rewritten": 1500, "passed": 0, "left": 0})
        self.assertEqual(self.texts(), before)
        self.assert_not_plain()
        self.assertEqual(self.figures()["keys"], {"k1": 1500})
        self.quiet("log", "verify", self.log, *MANAGED, "--anchor", anchor)
        self.assertEqual(self.rekey(), {"rewritten": 0, "passed": 1500, "left": 0})

    def test_from_another_key_and_version(self) -> None:
        old = ("--codec", "aes-gcm:k1")
        self.fill(10)
        self.quiet("log", "append", self.log, *old, stdin=many(10, 10))
        self.quiet("log", "append", self.log, *MANAGED, *old, stdin=many(20, 10))
        self.quiet("log", "append", self.log, *MANAGED, *old, stdin=many(30, 10), ZU_EVENT_KEY_ID="k2")
        before, figures = self.texts(), self.figures()
        self.assertEqual((figures["versions"], figures["keys"]), ({"0": 10, "1": 10, "2": 20}, {"k1": 10, "k2": 10}))

        done = self.zuctl("log", "rekey", self.log, *MANAGED, "--json", ZU_EVENT_KEY_ID="k2")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (1, {"rewritten": 20, "passed": 10, "left": 10}))
        self.assertEqual(self.rekey(*old, ZU_EVENT_KEY_ID="k2"), {"rewritten": 10, "passed": 30, "left": 0})
        self.assertEqual(self.figures()["keys"], {"k2": 40})
        self.assertEqual(self.texts(), before)

    def test_version_1_names_no_key(self) -> None:
        self.quiet("log", "append", self.log, "--codec", "aes-gcm", stdin=many(0, 10))
        again = json.loads(self.quiet("log", "rekey", self.log, "--codec", "aes-gcm", "--json"))
        self.assertEqual(again, {"rewritten": 0, "passed": 10, "left": 0})
        other = self.zuctl("log", "rekey", self.log, "--codec", "aes-gcm:k2", "--json")
        self.assertEqual((other.returncode, json.loads(other.stdout)), (1, {"rewritten": 0, "passed": 0, "left": 10}))

    def test_a_row_that_was_changed_stays(self) -> None:
        self.fill(20)
        self.edit("UPDATE events SET type = 'data.other' WHERE seq = 5")
        self.edit("UPDATE events SET data = x'006e6f206576656e74' WHERE seq = 7")
        done = self.zuctl("log", "rekey", self.log, *MANAGED, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (1, {"rewritten": 18, "passed": 0, "left": 2}))
        self.assertRegex(done.stderr.decode(), r"(?s)row 5: type differs.*row 7 \(event .*\) cannot be read")
        self.assertEqual(self.figures()["versions"], {"0": 2, "2": 18})
        self.assertEqual(self.zuctl("log", "verify", self.log, *MANAGED).returncode, 1)

    def test_needs_a_key(self) -> None:
        self.fill(5)
        self.fail_with(2, "--codec is missing", "log", "rekey", self.log)
        self.fail_with(2, "there is no key", "log", "rekey", self.log, "--codec", "identity")
        self.assertEqual(self.figures()["versions"], {"0": 5})
        done = self.zuctl("log", "rekey", self.log, *MANAGED, ZU_EVENT_KEY_ID="nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.figures()["versions"], {"0": 5})

    def test_broken_off(self) -> None:
        self.fill(12000)
        before = self.texts()
        halves = 0
        for _ in range(12):
            current, other = random.sample(["k1", "k2"], 2)
            for delay in (0.05, 0.08, 0.12):
                if not self.run_and_kill(delay, "log", "rekey", self.log, *MANAGED, ZU_EVENT_KEY_ID=current):
                    break
                keys = self.figures()["keys"]
                halves += 0 < keys.get(current, 0) < 12000
                self.assertEqual(self.figures()["events"], 12000)
            del other
        self.assertGreater(halves, 0)
        sums = self.rekey()
        self.assertEqual(sums["rewritten"] + sums["passed"], 12000)
        self.assertEqual(self.figures()["keys"], {"k1": 12000})
        self.assertEqual(self.texts(), before)
        self.assertEqual(self.figures(self.log, "--check")["problems"], [])

    def test_while_another_process_appends(self) -> None:
        self.fill(5000)
        with self.appending(5000, *MANAGED) as acknowledged:
            self.assertGreaterEqual(self.rekey()["rewritten"], 5000)
            self.assertGreaterEqual(self.rekey(ZU_EVENT_KEY_ID="k2")["rewritten"], 5000)
        self.assertEqual(self.texts().count("\n"), 5000 + len(acknowledged))
        self.quiet("log", "verify", self.log, *MANAGED)


class Reindex(UpkeepCase):

    def ids(self, value: str) -> int:
        return int(self.quiet("log", "count", self.log, "--index", "grant_id", "--filter", f"grant_id={value}"))

    def test_rebuilds(self) -> None:
        self.fill(1000, "--index", "grant_id")
        self.edit("DELETE FROM event_index WHERE rowid % 3 = 0")
        self.edit("UPDATE event_index SET value = 'g1' WHERE rowid % 3 = 1")
        self.edit("INSERT INTO event_index VALUES ('nobody', 'grant_id', 'g1')")
        self.assertNotEqual(self.ids("g1"), 200)
        self.assertEqual(json.loads(self.quiet("log", "reindex", self.log, "--json")), {"seq": 1000, "left": 0})
        self.assertEqual([self.ids(f"g{number}") for number in range(5)], [200] * 5)
        self.assertEqual(self.figures(self.log, "--check")["problems"], [])
        self.assertEqual(self.figures()["index"], ["grant_id"])

    def test_a_field_that_comes_later(self) -> None:
        self.fill(1000)
        self.assertEqual(self.figures()["index"], [])
        self.quiet("log", "reindex", self.log, "--index", "grant_id")
        self.assertEqual(self.figures()["index"], ["grant_id"])
        self.quiet("log", "append", self.log, stdin=many(1000, 5))
        self.assertEqual(self.ids("g1"), 201)

    def test_a_row_that_cannot_be_read(self) -> None:
        self.fill(10)
        self.edit("UPDATE events SET data = x'006e6f206576656e74' WHERE seq = 7")
        done = self.zuctl("log", "reindex", self.log, "--index", "grant_id")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"\Azuctl: row 7 \(event .*\) cannot be read: ")

    def test_broken_off(self) -> None:
        self.fill(12000)
        killed = sum(self.run_and_kill(0.06, "log", "reindex", self.log, "--index", "grant_id") for _ in range(2))
        self.assertGreater(killed, 0)
        self.assertEqual(self.ids("g1"), 2400)
        self.quiet("log", "append", self.log, "--index", "other", stdin=many(12000, 5))
        self.quiet("log", "reindex", self.log, "--index", "grant_id")
        self.assertEqual(self.ids("g1"), 2401)
        self.assertEqual(self.figures()["index"], ["grant_id", "other"])
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM zu_log WHERE name LIKE 'reindex%'").fetchone(), (0,))

    def test_while_another_process_appends(self) -> None:
        self.fill(3000)
        with self.appending(3000) as acknowledged:
            self.quiet("log", "reindex", self.log, "--index", "grant_id")
        total = 3000 + len(acknowledged)
        self.assertEqual(sum(self.ids(f"g{number}") for number in range(5)), total)


class KeyUse(UpkeepCase):

    def setUp(self) -> None:
        super().setUp()
        self.uses = self.folder / "state" / "zu" / "key-uses"

    def warnings(self) -> list[dict[str, Any]]:
        text = self.quiet("log", "query", self.log, *MANAGED, "--filter", "type=harness.key.rotation_due", "--json")
        return [json.loads(line) for line in text.splitlines()]

    def set_uses(self, count: int) -> None:
        fingerprint, _ = self.uses.read_text().split()
        self.uses.write_text(f"{fingerprint} {count:020}\n")

    def test_counts_outlive_the_process(self) -> None:
        counts = []
        for number in range(3):
            self.quiet("log", "append", self.log, *MANAGED, stdin=many(number, 1))
            counts.append(int(self.uses.read_text().split()[1]))
        self.assertEqual(counts, sorted(set(counts)))
        self.assertEqual(self.uses.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.warnings(), [])

    def test_reading_counts_nothing(self) -> None:
        other = str(self.folder / "uses")
        self.quiet("log", "append", self.log, *MANAGED, "--uses-file", other, stdin=many(0, 1))
        self.quiet("log", "verify", self.log, *MANAGED)
        self.assertFalse(self.uses.exists())

    def test_warns_in_time(self) -> None:
        self.quiet("log", "append", self.log, *MANAGED, stdin=many(0, 1))
        self.set_uses(2**31 - 3)
        done = self.zuctl("log", "append", self.log, *MANAGED, stdin=many(1, 10))
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 10))
        self.assertRegex(done.stderr.decode(), r"(?m)^zuctl: .*the key 'k1' has been used 2147483648 times: make another")
        [warning] = self.warnings()
        self.assertEqual(warning["payload"], {"key_id": "k1", "uses": 2**31, "version": 2})
        self.quiet("log", "verify", self.log, *MANAGED)

    def test_refuses_before_it_is_too_late(self) -> None:
        self.quiet("log", "append", self.log, *MANAGED, stdin=many(0, 1))
        self.set_uses(2**32 - 2**24)
        done = self.zuctl("log", "append", self.log, *MANAGED, stdin=many(1, 1))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), "key 'k1': the key has been used .* .make another key current")
        self.quiet("log", "append", self.log, *MANAGED, stdin=many(1, 1), ZU_EVENT_KEY_ID="k2")

    def test_a_count_that_cannot_be_kept(self) -> None:
        self.uses.parent.mkdir(parents=True, mode=0o700)
        self.uses.write_text("nonsense")
        done = self.zuctl("log", "append", self.log, *MANAGED, stdin=many(0, 1))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), "file of key uses .* is damaged")
        self.fail_with(2, "--uses-file has no effect", "log", "append", self.log, "--uses-file", "x")

    def test_rotation_under_load(self) -> None:
        """Four processes append; then four more under the next key, while the first go on."""
        processes = []
        for number in range(8):
            variables = {"ZU_EVENT_KEY_ID": "k1" if number < 4 else "k2"}
            processes.append(subprocess.Popen(
                ["zuctl", "log", "append", self.log, *MANAGED], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env={**self.environment, **variables}, text=True))
        threads = [threading.Thread(target=process.communicate, args=(many(number * 500, 500),))
                   for number, process in enumerate(processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([process.returncode for process in processes], [0] * 8)
        self.assertEqual(self.figures()["keys"], {"k1": 2000, "k2": 2000})
        self.assertEqual(self.texts().count("\n"), 4000)
        self.quiet("log", "verify", self.log, *MANAGED)


class Anchor(UpkeepCase):

    def setUp(self) -> None:
        super().setUp()
        self.heads = self.folder / "heads"

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.heads.read_text().splitlines()]

    def test_at_the_end(self) -> None:
        self.fill(50)
        self.fill_anchored(50, 7)
        self.assertEqual(sum(record["seq"] for record in self.records()), 57)
        self.quiet("log", "verify", self.log, "--anchor", str(self.heads))
        self.edit("DELETE FROM events WHERE seq = 57")
        done = self.zuctl("log", "verify", self.log, "--anchor", str(self.heads))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"anchor_out_of_range", done.stdout)

    def fill_anchored(self, first: int, count: int, *options: str) -> None:
        self.quiet("log", "append", self.log, "--anchor", str(self.heads), *options, stdin=many(first, count))

    def test_while_it_is_written(self) -> None:
        with self.appending(0, "--anchor", str(self.heads), "--anchor-every", "20") as acknowledged:
            deadline = time.monotonic() + 30
            while len(acknowledged) < 500 or not self.heads.exists():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            self.assertGreater(len(self.records()), 0)
        self.quiet("log", "verify", self.log, "--anchor", str(self.heads))
        last = {record["trace_id"]: record["seq"] for record in self.records()}
        self.assertEqual(sum(last.values()), len(acknowledged))

    def test_failure(self) -> None:
        done = self.zuctl("log", "append", self.log, "--anchor", str(self.folder / "no" / "heads"), stdin=many(0, 3))
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (2, 3))
        self.assertRegex(done.stderr.decode(), r"\Azuctl: the events are stored, but not anchored: ")
        self.fail_with(2, "--anchor-every has no effect", "log", "append", self.log, "--anchor-every", "3")


class Init(UpkeepCase):

    def test_repeatable(self) -> None:
        for _ in range(2):
            self.succeed("log", "init", self.log)
            self.assertEqual(self.succeed("log", "count", self.log), "0\n")
        self.append(new_event())
        self.succeed("log", "init", self.log)
        self.assertEqual(self.succeed("log", "count", self.log), "1\n")

    def test_refuses_what_is_no_log(self) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
        self.fail_with(2, "cannot make the log: .*something else", "log", "init", self.log)


if __name__ == "__main__":
    support.main()
