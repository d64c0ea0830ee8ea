# SPDX-License-Identifier: Apache-2.0
"""What a log says of itself beside its events: its seals, and from where on it is encrypted."""

from __future__ import annotations

import secrets
import sqlite3

import support
from support import lines, numbered_event

MANAGED = ("--codec", "managed-aes-gcm")


class EncryptedFrom(support.ZuctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.environment.update({"ZU_EVENT_KEY_k1": secrets.token_hex(32), "ZU_EVENT_KEY_ID": "k1"})
        self.path = self.folder / "log.db"

    def append(self, first: int, *options: str) -> int:
        events = lines(*(numbered_event(number) for number in range(first, first + 2)))
        return self.zuctl("log", "append", self.log, *options, stdin=events).returncode

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()

    def plain_row(self, seq: int) -> None:
        """Puts the event of a row there in plain text."""
        done = self.zuctl("log", "query", self.log, "--json", *MANAGED, "--after-seq", str(seq - 1), "--limit", "1")
        self.sql("UPDATE events SET data = ? WHERE seq = ?", b"\0" + done.stdout.strip(), seq)

    def query(self, *options: str) -> tuple[int, str]:
        done = self.zuctl("log", "query", self.log, "--json", *MANAGED, *options)
        said = [line for line in done.stderr.decode().splitlines() if "can be read by others" not in line]
        return done.stdout.count(b"\n"), "\n".join(said)

    def test_append_records_it(self) -> None:
        self.assertEqual(self.append(1), 0)
        self.assertEqual(self.append(3, *MANAGED, "--encrypted-from", "3"), 0)
        self.assertEqual(self.append(5), 1)
        self.assertEqual(self.append(5, *MANAGED), 0)
        self.assertEqual(self.query(), (6, ""))

    def test_it_only_begins_earlier(self) -> None:
        self.assertEqual(self.append(1, *MANAGED, "--encrypted-from", "3"), 0)
        self.assertEqual(self.append(3, *MANAGED, "--encrypted-from", "100"), 0)
        self.assertEqual(self.append(5), 1)
        self.assertEqual(self.append(5, "--encrypted-from", "1"), 1)

    def test_plain_rows_before_it_are_taken(self) -> None:
        self.assertEqual(self.append(1, "--encrypted-from", "4"), 0)
        done = self.zuctl("log", "append", self.log, stdin=lines(*(numbered_event(n) for n in range(3, 6))))
        self.assertEqual((done.returncode, done.stdout.count(b"\n")), (1, 1))
        self.assertIn("from row 4 on this log takes only encrypted events", done.stderr.decode())

    def test_no_reader_gives_a_plain_row(self) -> None:
        self.append(1)
        self.append(3, *MANAGED, "--encrypted-from", "3")
        self.plain_row(4)
        count, text = self.query()
        self.assertEqual(count, 3)
        self.assertIn("row 4", text)
        self.assertIn("plain text", text)

    def test_a_seal_alone_holds_it_too(self) -> None:
        self.append(1)
        self.append(3, *MANAGED, "--encrypted-from", "3")
        self.plain_row(4)
        self.sql("DELETE FROM zu_log WHERE name = 'encrypted-from'")
        self.assertEqual(self.query()[0], 3)
        self.sql("DROP TABLE zu_log")
        self.assertEqual(self.query()[0], 3)

    def test_a_reader_may_ask_for_more(self) -> None:
        self.append(1)
        self.append(3, *MANAGED, "--encrypted-from", "3")
        count, text = self.query("--encrypted-from", "2")
        self.assertEqual(count, 3)
        self.assertIn("row 2", text)
        self.assertEqual(self.query("--encrypted-from", "90")[0], 4)
        self.assertEqual(self.query()[0], 4)

    def test_it_needs_the_key_of_the_seals(self) -> None:
        key = self.folder / "key"
        key.write_bytes(b"a key to sign with")
        self.assertEqual(self.append(1, "--sign-key-file", str(key)), 0)
        self.assertEqual(self.append(3, *MANAGED, "--encrypted-from", "3"), 1)
        self.assertEqual(self.append(3, *MANAGED, "--encrypted-from", "3", "--sign-key-file", str(key)), 0)

    def test_it_is_a_number(self) -> None:
        self.assertEqual(self.append(1, "--encrypted-from", "-1"), 2)
        self.assertEqual(self.append(1, "--encrypted-from", "soon"), 2)
        done = self.zuctl("log", "append", f"jsonl:{self.folder}/log", "--encrypted-from", "1", stdin=lines(numbered_event(1)))
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    support.main()
