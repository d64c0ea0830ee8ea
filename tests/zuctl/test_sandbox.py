# SPDX-License-Identifier: Apache-2.0
"""zuctl sandbox, with bubblewrap."""

import json
import os
import pty
import select
import signal
import struct
import subprocess
import fcntl
import termios
import time
from typing import Any

import support

BUBBLEWRAP = "bubblewrap"


class Sandbox(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.spec = self.folder / "spec.json"
        self.spec.write_text("{}")
        self.box = self.launch()

    def launch(self, **spec: Any) -> str:
        self.spec.write_text(json.dumps({"lifetime": 300, **spec}))
        [answer] = self.succeed_json("sandbox", "launch", "--backend", BUBBLEWRAP, "--spec", str(self.spec))
        self.assertEqual(list(answer), ["id"])
        self.addCleanup(self.succeed, "sandbox", "destroy", answer["id"])
        return str(answer["id"])

    def exec(self, *argv: str, options: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[bytes]:
        return self.zuctl("sandbox", "exec", self.box, *options, "--", *argv, **more)

    def listed(self) -> dict[str, dict[str, Any]]:
        return {item["id"]: item for item in self.succeed_json("sandbox", "ls")}

    def test_life(self) -> None:
        done = self.exec("sh", "-c", "cat; echo err >&2; echo x > /tmp/x; exit 7", stdin="in\n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, b"in\n", b"err\n"))
        self.assertEqual(self.exec("cat", "/tmp/x").stdout, b"x\n")
        self.assertTrue(self.listed()[self.box]["live"])
        self.assertEqual(self.listed()[self.box]["backend"], BUBBLEWRAP)
        self.assertIn(self.box, self.succeed("sandbox", "ls"))
        self.assertEqual(self.succeed("sandbox", "destroy", self.box), "")
        self.assertEqual(self.succeed("sandbox", "destroy", self.box), "")
        self.assertNotIn(self.box, self.listed())
        done = self.exec("true")
        self.assertEqual(done.returncode, 125)
        self.assertIn(self.box.encode(), done.stderr)

    def test_exec_status(self) -> None:
        self.assertEqual(self.exec("sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.exec("no-such-program").returncode, 127)
        self.assertEqual(self.exec("/etc/passwd").returncode, 126)
        self.assertEqual(self.exec("sleep", "100", options=("--timeout", "0.3")).returncode, 124)
        self.assertEqual(self.exec("true", options=("--workdir", "/proc/self")).returncode, 125)

    def test_exec_options(self) -> None:
        done = self.exec("sh", "-c", "echo $A; pwd", options=("--env", "A=b c", "--workdir", "/tmp"))
        self.assertEqual(done.stdout, b"b c\n/tmp\n")

    def test_copy(self) -> None:
        here, back = self.folder / "here", self.folder / "back"
        here.write_bytes(b"\0" * 100000 + b"end")
        here.chmod(0o751)
        self.succeed("sandbox", "cp", str(here), f"{self.box}:/tmp/there")
        self.assertEqual(self.exec("stat", "-c", "%a %s", "/tmp/there").stdout, b"751 100003\n")
        self.succeed("sandbox", "cp", f"{self.box}:/tmp/there", str(back))
        self.assertEqual(back.read_bytes(), here.read_bytes())
        self.succeed("sandbox", "cp", "-", f"{self.box}:/tmp/typed", stdin="typed")
        self.assertEqual(self.succeed("sandbox", "cp", f"{self.box}:/tmp/typed", "-"), "typed")
        self.fail_with(2, "No such file", "sandbox", "cp", f"{self.box}:/no/such", str(back))
        self.fail_with(2, "one of the two", "sandbox", "cp", str(here), str(back))
        self.assertEqual(sorted(entry.name for entry in self.folder.iterdir() if ".zu-" in entry.name), [])

    def test_copy_folder(self) -> None:
        here, back = self.folder / "tree", self.folder / "back"
        (here / "a" / "b").mkdir(parents=True)
        (here / "empty").mkdir(mode=0o500)
        (here / "a" / "b" / "deep").write_text("deep")
        (here / "run").write_text("run")
        (here / "run").chmod(0o751)
        (here / "link").symlink_to("/etc/passwd")
        (here / "loop").symlink_to("..")
        os.mkfifo(here / "pipe")
        done = self.zuctl("sandbox", "cp", "-r", str(here), f"{self.box}:/tmp/tree")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stderr.decode().splitlines()), [
            f"zuctl: left out /tmp/tree/{name}: neither a file nor a folder" for name in ("link", "loop", "pipe")])
        listing = self.exec("sh", "-c", "cd /tmp/tree; find . | sort; stat -c %a run empty; cat a/b/deep").stdout
        self.assertEqual(listing, b".\n./a\n./a/b\n./a/b/deep\n./empty\n./run\n751\n700\ndeep")

        self.exec("sh", "-c", "cd /tmp/tree; ln -s /etc out; mkfifo pipe; echo more > a/more; chmod 755 a/more")
        back.mkdir()
        victim = self.folder / "victim"
        victim.write_text("untouched")
        (back / "run").symlink_to(victim)
        done = self.zuctl("sandbox", "cp", "-r", f"{self.box}:/tmp/tree", str(back))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stderr.decode().splitlines()), [
            f"zuctl: left out /tmp/tree/{name}: neither a file nor a folder" for name in ("out", "pipe")])
        self.assertEqual(sorted(str(path.relative_to(back)) for path in back.rglob("*")),
                         ["a", "a/b", "a/b/deep", "a/more", "empty", "run"])
        self.assertEqual((back / "a" / "more").stat().st_mode & 0o7777, 0o755)
        self.assertEqual(((back / "run").read_text(), (back / "run").is_symlink()), ("run", False))
        self.assertEqual(victim.read_text(), "untouched")

    def test_copy_folder_fails(self) -> None:
        back, elsewhere = self.folder / "back", self.folder / "elsewhere"
        self.exec("sh", "-c", "mkdir -p /tmp/tree/a; head -c 100000 /dev/zero > /tmp/tree/a/big")
        there = f"{self.box}:/tmp/tree"
        self.fail_with(2, "max-size", "sandbox", "cp", "-r", "--max-size", "99999", there, str(back))
        self.assertEqual([path.name for path in back.rglob("*")], ["a"])
        self.succeed("sandbox", "cp", "-r", "--max-size", "100000", there, str(back))
        self.fail_with(2, "max-size", "sandbox", "cp", "-r", "--max-size", "99999", str(back), f"{self.box}:/tmp/x")
        self.fail_with(2, "not negative", "sandbox", "cp", "-r", "--max-size", "-1", there, str(back))
        self.fail_with(2, "Not a directory", "sandbox", "cp", "-r", f"{there}/a/big", str(self.folder / "new"))
        self.fail_with(2, "Is a directory", "sandbox", "cp", str(back), there)
        (back / "a" / "big").unlink()
        (back / "a").rmdir()
        elsewhere.mkdir()
        (back / "a").symlink_to(elsewhere)
        self.fail_with(2, "cannot enter a", "sandbox", "cp", "-r", there, str(back))
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_diff_and_top(self) -> None:
        self.exec("sh", "-c", "mkdir /tmp/a; echo > /tmp/a/b")
        self.assertEqual(self.succeed_json("sandbox", "diff", self.box),
                         [{"path": "/tmp/a", "kind": "added"}, {"path": "/tmp/a/b", "kind": "added"}])
        self.assertEqual(self.succeed("sandbox", "diff", self.box), "added /tmp/a\nadded /tmp/a/b\n")
        with subprocess.Popen(["zuctl", "sandbox", "exec", self.box, "--", "sleep", "1000"],
                              env=self.environment, stdin=subprocess.DEVNULL) as running:
            time.sleep(0.5)
            [process] = self.succeed_json("sandbox", "top", self.box)
            self.assertEqual(process["command"], "sleep 1000")
            self.assertIn("sleep 1000", self.succeed("sandbox", "top", self.box))
            running.terminate()
        self.assertEqual(running.returncode, 128 + signal.SIGTERM)
        self.assertEqual(self.succeed_json("sandbox", "top", self.box), [])

    def test_terminal(self) -> None:
        pid, master = pty.fork()
        if pid == 0:
            os.execvpe("zuctl", ["zuctl", "sandbox", "exec", self.box, "--tty", "--", "sh", "-c",
                                 "stty size; read line; echo got $line; read line; stty size; exit 9"],
                       self.environment)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 41, 0, 0))
        os.kill(pid, signal.SIGWINCH)
        time.sleep(0.7)
        os.write(master, b"words\r")
        time.sleep(0.3)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 44, 0, 0))
        time.sleep(0.3)
        os.write(master, b"\r")
        text = b""
        while select.select([master], [], [], 10)[0]:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            text += piece
        _, status = os.waitpid(pid, 0)
        os.close(master)
        self.assertEqual(os.waitstatus_to_exitcode(status), 9)
        self.assertIn(b"got words", text)
        self.assertIn(b"33 44", text)

    def test_what_a_killed_run_leaves(self) -> None:
        self.environment["ZU_SINK"] = self.log
        with subprocess.Popen(["zuctl", "run", "--", "sh", "-c", "echo up; sleep 1000"], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            try:
                self.assertEqual(running.stdout.readline(), b"up\n")
                trace = self.succeed_json("log", "query", self.log)[0]["trace_id"]
                [run] = [item for item in self.listed().values() if item.get("run") == trace]
            finally:
                running.kill()
        for _ in range(100):
            if run["id"] not in self.listed():
                break
            time.sleep(0.1)
        self.succeed("sandbox", "gc")
        self.assertNotIn(run["id"], self.listed())
        events = self.succeed_json("log", "query", self.log)
        self.assertEqual(events[-1]["type"], "harness.task.terminal")
        self.assertEqual(events[-1]["trace_id"], run["run"])
        self.assertEqual(events[-1]["payload"]["reason"], "owner-gone")

    def test_refusals(self) -> None:
        self.spec.write_text('{"no_such_key": 1}')
        self.fail_with(1, "no_such_key", "sandbox", "launch", "--backend", BUBBLEWRAP, "--spec", str(self.spec))
        self.spec.write_text("{}")
        self.fail_with(2, "nowhere", "sandbox", "launch", "--backend", "nowhere", "--spec", str(self.spec))
        self.fail_with(2, "zu-0", "sandbox", "top", "zu-0000000000000000")
        self.assertEqual(self.zuctl("sandbox", "exec", self.box).returncode, 2)


if __name__ == "__main__":
    support.main()
