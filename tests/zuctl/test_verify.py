# SPDX-License-Identifier: Apache-2.0
"""zuctl log verify and anchor."""

import json
import sqlite3
from pathlib import Path

import support
from support import lines, new_event, numbered_event

TRACE = new_event()["trace_id"]
OTHER_TRACE = "0b1c2d3e-0000-4000-8000-000000000002"


class Verify(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.events = self.append(*(numbered_event(number, payload={"n": number}) for number in range(5)))

    def change(self, statement: str) -> None:
        with sqlite3.connect(self.folder / "log.db") as database:
            database.execute(statement)
        database.close()

    def violations(self, *arguments: str) -> list[tuple[str, str]]:
        done = self.zuctl("log", "verify", self.log, "--json", *arguments)
        self.assertEqual(done.stderr, b"")
        *found, summary = map(json.loads, done.stdout.decode().splitlines())
        self.assertEqual(summary["violations"], len(found))
        self.assertEqual(summary["intact"], not found)
        self.assertEqual(done.returncode, 1 if found else 0)
        return [(violation["subject"], violation["kind"]) for violation in found]

    def test_intact(self) -> None:
        self.assertEqual(self.succeed("log", "verify", self.log),
                         "intact: 5 events in 1 trace (could not be checked: unsigned, unanchored, whether it is an older "
                         "copy, seals are not signed)\n")
        self.assertEqual(self.violations(), [])

    def test_payload_changed(self) -> None:
        with sqlite3.connect(self.folder / "log.db") as database:
            [(data,)] = database.execute("SELECT data FROM events WHERE seq = 3")
            database.execute("UPDATE events SET data = ? WHERE seq = 3", (data.replace(b'"n":2', b'"n":7'),))
        database.close()
        self.assertEqual(self.violations(), [(self.events[2]["event_id"], "content_tamper")])
        output = self.zuctl("log", "verify", self.log).stdout.decode().splitlines()
        self.assertRegex(output[0], rf"\A{self.events[2]['event_id']} content_tamper \S")
        self.assertRegex(output[1], r"\A1 violation: 5 events in 1 trace ")

    def test_row_deleted(self) -> None:
        self.change("DELETE FROM events WHERE seq = 2")
        self.assertEqual(self.violations(), [(self.events[2]["event_id"], "prev_hash_break")])

    def test_column_changed(self) -> None:
        self.change("UPDATE events SET type = 'data.hidden' WHERE seq = 2")
        self.assertEqual(self.violations(), [(self.events[1]["event_id"], "index_mismatch")])

    def test_goes_on_over_what_cannot_be_read(self) -> None:
        self.change("UPDATE events SET data = x'09' WHERE seq = 2")
        found = self.violations()
        self.assertIn((self.events[1]["event_id"], "undecodable"), found)
        self.assertIn((self.events[2]["event_id"], "prev_hash_break"), found)

    def test_query_names_what_it_cannot_read(self) -> None:
        self.change("UPDATE events SET data = x'09' WHERE seq IN (2, 4)")
        done = self.zuctl("log", "query", self.log, "--json")
        self.assertEqual([json.loads(line)["payload"]["n"] for line in done.stdout.splitlines()], [0, 2, 4])
        self.assertEqual([line[:13] for line in done.stderr.decode().splitlines()], ["zuctl: row 2 ", "zuctl: row 4 "])
        self.assertEqual(done.returncode, 2)
        [figures] = self.succeed_json("log", "stat", self.log, "--full")
        self.assertEqual((figures["events"], figures["undecodable"]), (5, 2))

    def test_one_trace(self) -> None:
        other = "0b1c2d3e-0000-4000-8000-000000000002"
        self.append(numbered_event(10, trace_id=other), numbered_event(11, trace_id=other))
        self.change("DELETE FROM events WHERE seq = 2")
        self.assertEqual(self.violations("--trace", other), [])
        self.assertEqual(len(self.violations("--trace", TRACE)), 1)

    def test_signature(self) -> None:
        key, other = self.folder / "key", self.folder / "other"
        key.write_bytes(b"one")
        other.write_bytes(b"two")
        [signed] = self.succeed("log", "append", self.log, "--sign-key-file", str(key),
                                stdin=lines(numbered_event(50))).splitlines()
        found = self.violations("--sign-key-file", str(other))
        self.assertIn((json.loads(signed)["event_id"], "signature_mismatch"), found)
        self.assertNotIn((json.loads(signed)["event_id"], "signature_mismatch"),
                         self.violations("--sign-key-file", str(key)))
        self.assertIn("signatures not checked", self.succeed("log", "verify", self.log))

    def test_anchor(self) -> None:
        anchor = str(self.folder / "heads.jsonl")
        self.assertEqual(self.succeed("log", "anchor", self.log, "--anchor", anchor), "anchored 1 trace\n")
        self.assertEqual([json.loads(line) for line in Path(anchor).read_text().splitlines()],
                         [{"trace_id": TRACE, "seq": 5, "head": self.events[-1]["hash"]}])
        self.append(numbered_event(20))
        self.assertNotIn("unanchored", self.succeed("log", "verify", self.log, "--anchor", anchor))
        self.assertEqual(self.succeed_json("log", "anchor", self.log, "--anchor", anchor), [{"anchored": 1}])
        self.change("DELETE FROM events WHERE seq >= 5")
        self.assertEqual(self.violations(), [(TRACE, "tail_truncated")])
        self.assertEqual({kind for _, kind in self.violations("--anchor", anchor)},
                         {"anchor_out_of_range", "tail_truncated"})

    def test_seals(self) -> None:
        self.append(numbered_event(21, trace_id=OTHER_TRACE))
        self.change(f"DELETE FROM events WHERE trace_id = '{OTHER_TRACE}'")
        self.assertEqual(self.violations(), [(OTHER_TRACE, "trace_missing")])
        self.assertEqual(self.violations("--trace", TRACE), [])
        lines_uri = f"jsonl:{self.folder}/lines.jsonl"
        self.succeed("log", "append", lines_uri, stdin=lines(numbered_event(1)))
        self.assertIn("unsealed", self.succeed("log", "verify", lines_uri))
        done = self.zuctl("log", "verify", lines_uri, "--require-seals")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(), r"\A- seal_missing the log has no seals")

    def test_index_of_the_store(self) -> None:
        """An entry that is missing hides a row from a filter; no row shows it."""
        name = "idx_events_type"
        database = sqlite3.connect(self.folder / "log.db", isolation_level=None)
        [(kind,)] = database.execute("SELECT type FROM events WHERE seq = 2")
        [entry] = database.execute("SELECT * FROM sqlite_schema WHERE name = ?", (name,))
        database.execute("UPDATE events SET type = 'data.other' WHERE seq = 2")
        database.execute("PRAGMA writable_schema = 1")
        database.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
        database.close()
        database = sqlite3.connect(self.folder / "log.db", isolation_level=None)
        database.execute("UPDATE events SET type = ? WHERE seq = 2", (kind,))
        database.execute("PRAGMA writable_schema = 1")
        database.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", entry)
        database.close()
        found = self.violations()
        self.assertTrue(found)
        self.assertEqual(set(found), {("-", "index_mismatch")})
        self.assertIn("indexes, with --trace", self.succeed("log", "verify", self.log, "--trace", TRACE))

    def test_nothing_broken_is_anchored(self) -> None:
        anchor = self.folder / "heads.jsonl"
        self.change("DELETE FROM events WHERE seq = 2")
        self.fail_with(1, "nothing was anchored: the log has 1 violation ", "log", "anchor", self.log, "--anchor",
                       str(anchor))
        self.assertFalse(anchor.exists())

    def test_wrong_options(self) -> None:
        self.fail_with(2, "--anchor is missing", "log", "anchor", self.log)
        self.fail_with(2, "cannot read the anchor file", "log", "verify", self.log, "--anchor", "/no/such")
        self.fail_with(2, "cannot write the anchor file", "log", "anchor", self.log, "--anchor", "/no/such/file")
        self.fail_with(2, "No such file", "log", "verify", f"sqlite:{self.folder}/none.db")


if __name__ == "__main__":
    support.main()
