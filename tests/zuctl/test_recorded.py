# SPDX-License-Identifier: Apache-2.0
"""zuctl log over the logs that another implementation of the formats wrote."""

import json
import shutil
from typing import Any

import support
from support import vectors


class Recorded(support.ZuctlCase):
    """Logs written by another implementation of the formats."""

    def manifest(self, folder: str, key: str) -> list[dict[str, Any]]:
        return json.loads((vectors() / folder / "manifest.json").read_text(encoding="utf-8"))[key]

    def copy(self, folder: str, name: str) -> str:
        if (vectors() / folder / name).exists():
            shutil.copy(vectors() / folder / name, self.folder / name)
        return f"{'sqlite' if folder == 'sqlite' else 'jsonl'}:{self.folder}/{name}"

    def options(self, log: dict[str, Any]) -> list[str]:
        return [word for field in log.get("registered_fields", []) for word in ("--index", field)]

    def keys(self, log: dict[str, Any]) -> list[str]:
        """Puts the log's keys where the provider finds them, and gives the options that go with them."""
        self.environment = {name: value for name, value in self.environment.items()
                            if not name.startswith("ZU_EVENT_KEY")}
        if key := log["keys"].get("v1_key_hex"):
            self.environment["ZU_EVENT_KEY"] = key
            return ["--codec", "aes-gcm", "--key-provider", "env"]
        if keys := log["keys"].get("v2_keys"):
            self.environment.update({f"ZU_EVENT_KEY_{name}": key for name, key in keys.items()})
            self.environment["ZU_EVENT_KEY_ID"] = list(keys)[-1]
            return ["--codec", "managed-aes-gcm"]
        return []

    def test_a_message_is_one_line(self) -> None:
        uri = self.copy("sqlite", "aes-v1.db")
        [log, *_] = [log for log in self.manifest("sqlite", "databases") if log["file"] == "aes-v1.db"]
        done = self.zuctl("log", "count", uri, *self.keys(log))
        self.assertEqual((done.returncode, done.stdout), (0, b"12\n"))
        self.assertRegex(done.stderr.decode(), r"\Azuctl: .*ZU_EVENT_KEY.*\n\Z")

    def test_encrypted(self) -> None:
        logs = [log for log in self.manifest("sqlite", "databases") if log["keys"]]
        self.assertGreater(len(logs), 5)
        for log in logs:
            keys = self.keys(log)
            done = self.zuctl("log", "query", self.copy("sqlite", log["file"]), "--json", *keys)
            good = [row["event_id"] for row in log["row_by_row"] if "error" not in row]
            self.assertEqual([json.loads(line)["event_id"] for line in done.stdout.splitlines()], good, log["about"])
            self.assertEqual(done.returncode, 2 if "all_error" in log else 0, (log["about"], done.stderr))

    def check_queries(self, log: dict[str, Any], uri: str) -> int:
        checked = 0
        for query in log["queries"]:
            if "error" in query:
                continue
            filters = [word for field, value in query["filter"].items()
                       for word in (("--null", field) if value is None else ("--filter", f"{field}={value}"))]
            limit = [] if query["limit"] is None else ["--limit", str(query["limit"])]
            found = self.succeed_json("log", "query", uri, *self.options(log), *filters, *limit,
                                      "--after-seq", str(query["after_seq"]))
            self.assertEqual([event["event_id"] for event in found], query["ids"], (log["file"], query))
            self.assertEqual(self.succeed("log", "count", uri, *self.options(log), *filters),
                             f"{query['count']}\n", (log["file"], query))
            checked += 1
        return checked

    def check_verify(self, log: dict[str, Any], uri: str, verify: list[dict[str, Any]],
                     also: frozenset[str] = frozenset()) -> None:
        for case in verify:
            arguments = []
            if case["key_hex"] is not None:
                key = self.folder / "key"
                key.write_bytes(bytes.fromhex(case["key_hex"]))
                arguments = ["--sign-key-file", str(key)]
            done = self.zuctl("log", "verify", uri, "--json", *self.options(log), *arguments)
            *found, _ = map(json.loads, done.stdout.decode().splitlines())
            expected = [violation for trace in case["per_trace"].values() for violation in trace]
            self.assertEqual(sorted((v["subject"], v["kind"], v["text"]) for v in found if v["kind"] not in also),
                             sorted((v["event_id"], v["kind"], v["text"]) for v in expected), log["file"])
            self.assertEqual(done.returncode, 1 if found else 0)

    def test_sqlite(self) -> None:
        logs = [log for log in self.manifest("sqlite", "databases") if not log["keys"] and "all_error" not in log]
        self.assertGreater(len(logs), 5)
        for log in logs:
            uri = self.copy("sqlite", log["file"])
            self.assertGreater(self.check_queries(log, uri), 0)
            self.check_verify(log, uri, log["verify_chain"], frozenset({"index_mismatch", "seal_missing"}))

    def test_jsonl(self) -> None:
        checked = 0
        for log in self.manifest("jsonl", "logs"):
            checked += self.check_queries(log, self.copy("jsonl", log["file"]))
        self.assertGreater(checked, 10)

    def test_torn_and_bad_lines(self) -> None:
        uri = self.copy("jsonl", "torn-last-line.jsonl")
        done = self.zuctl("log", "query", uri, "--json")
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertRegex(done.stderr.decode(), r"\Azuctl: line 2 [^\n]*\n\Z")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.zuctl("log", "tail", uri, "--json").stdout, done.stdout)
        done = self.zuctl("log", "verify", uri)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(), r"\A- undecodable line 2 [^\n]*\n1 violation: 1 event in 1 trace ")

    def test_chains(self) -> None:
        for log in self.manifest("chains", "logs"):
            self.check_verify(log, self.copy("chains", log["file"]), log["verify"])

    def test_anchors(self) -> None:
        checked = 0
        for log in self.manifest("chains", "logs"):
            for anchor in log.get("anchors", []):
                done = self.zuctl("log", "verify", self.copy("chains", log["file"]), "--json", "--anchor",
                                  str(vectors() / "chains" / anchor["anchor_file"]))
                *found, _ = map(json.loads, done.stdout.decode().splitlines())
                self.assertEqual(sorted(v["text"] for v in found if v["kind"].startswith("anchor_")),
                                 sorted(v["text"] for v in anchor["violations"]), log["file"])
                checked += 1
        self.assertGreater(checked, 2)


if __name__ == "__main__":
    support.main()
