# SPDX-License-Identifier: Apache-2.0
"""A broker whose secret is a canary, on a bus whose traffic is recorded, and what a scan of everything says of it."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import proc_scan
from bus_support import BusCase

WORKER_USER = 60001


def new_canary() -> bytes:
    """Made at run time, so that it is in no program's text."""
    return f"canary-{uuid.uuid4()}".encode()


def pipe_with(data: bytes) -> int:
    ends = os.pipe()
    os.write(ends[1], data)
    os.close(ends[1])
    return ends[0]


class CanaryCase(BusCase):

    def setUp(self) -> None:
        super().setUp()
        self.canary = new_canary()
        self.said = self.folder / "said"
        self.traffic = self.folder / "traffic"
        with self.traffic.open("wb") as stream:
            self.monitor = self.popen("dbus-monitor", "--address", self.address, "--binary", stdout=stream)

    def start(self, *arguments: str, policy: str = "[*]\nuids=root;nobody\n") -> "subprocess.Popen[bytes]":
        """The secret through a pipe; every message of every library to a file."""
        (self.folder / "policy").write_text(policy)
        self.environment["G_MESSAGES_DEBUG"] = "all"
        descriptor = pipe_with(self.canary)
        with self.said.open("wb") as stream:
            process = self.popen("zu-brokerd", f"--secret-fd={descriptor}", f"--worker-user={WORKER_USER}",
                                 f"--policy={self.folder}/policy", *arguments, pass_fds=(descriptor,),
                                 stdout=stream, stderr=stream)
        os.close(descriptor)
        self.wait_for_name()
        return process

    def worker_of(self, broker: "subprocess.Popen[bytes]") -> int:
        [worker] = proc_scan.descendants(broker.pid)
        return worker

    def await_in(self, file: Path, text: bytes, times: int = 1) -> None:
        self.await_that(lambda: file.read_bytes().count(text) >= times)

    def keep(self, name: str, text: object) -> None:
        """An answer, to be scanned with all the rest."""
        (self.folder / name).write_text(str(text))

    def assert_only_locked(self, pid: int) -> None:
        """The secret is there, and each place is locked, in no swap, in no core dump, in no forked child."""
        hits = proc_scan.scan_memory(pid, self.canary)
        self.assertGreater(len(hits), 0, "the scan finds nothing at all")
        for hit in hits:
            size = hit.mapping.kilobytes
            self.assertEqual((hit.spelling, hit.mapping.name), ("as it is", ""), "neither in the heap nor on a stack")
            self.assertLessEqual({"lo", "dd", "wf"}, set(hit.mapping.flags), "locked, not dumped, wiped on fork")
            self.assertEqual((size["Locked"], size["Rss"], size["Swap"]), (size["Size"], size["Size"], 0))

    def assert_nowhere_else(self, holder: int, *others: int) -> None:
        for pid in others:
            self.assertEqual(proc_scan.scan_memory(pid, self.canary), [], f"memory of process {pid}")
        for pid in (holder, *others):
            self.assertEqual(proc_scan.scan_process(pid, self.canary), [])
        self.assertEqual(proc_scan.scan_process_table(self.canary), [])
        self.assertEqual(proc_scan.scan_files(self.folder, self.canary), [])

    def assert_scan_is_clean(self, broker: "subprocess.Popen[bytes]") -> None:
        worker = self.worker_of(broker)
        self.assert_only_locked(worker)
        self.assert_nowhere_else(worker, broker.pid, self.bus.pid, self.monitor.pid)
