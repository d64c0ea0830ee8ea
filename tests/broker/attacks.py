# SPDX-License-Identifier: Apache-2.0
"""What somebody who has taken over the harness tries on the process that holds the secret. Run as a program of its
own, under the harness's user; prints the number of the error of each attempt, 0 where it succeeded."""

from __future__ import annotations

import ctypes
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = libc.syscall.restype = libc.process_vm_readv.restype = ctypes.c_long

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 16, 17, 0x4206
EIO, EFAULT = 5, 14
SYS_PIDFD_GETFD = 438  # on every architecture


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def result(value: int) -> int:
    return ctypes.get_errno() if value < 0 else 0


def read(pid: int, name: str) -> int:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as stream:
            if name == "mem":
                stream.seek(id(stream))
            stream.read(1)
    except OSError as error:
        # An address that is not mapped there: the file was opened, and that is what must not be.
        return 0 if name == "mem" and error.errno == EIO else error.errno or -1
    return 0


def attach(pid: int) -> int:
    code = result(libc.ptrace(PTRACE_ATTACH, pid, None, None))
    if code == 0:
        os.waitpid(pid, 0)
        libc.ptrace(PTRACE_DETACH, pid, None, None)
    return code


def read_memory(pid: int) -> int:
    buffer = ctypes.create_string_buffer(1)
    own = Iovec(ctypes.addressof(buffer), 1)
    nowhere = Iovec(1, 1)
    code = result(libc.process_vm_readv(pid, ctypes.byref(own), 1, ctypes.byref(nowhere), 1, 0))
    return 0 if code == EFAULT else code  # it may read, and nothing is there


def take_descriptor(pid: int) -> int:
    return result(libc.syscall(SYS_PIDFD_GETFD, os.pidfd_open(pid), 0, 0))


def list_descriptors(pid: int) -> int:
    try:
        os.listdir(f"/proc/{pid}/fd")
    except OSError as error:
        return error.errno or -1
    return 0


def follow(pid: int, name: str) -> int:
    try:
        os.readlink(f"/proc/{pid}/{name}")
    except OSError as error:
        return error.errno or -1
    return 0


ATTACKS = {
    "ptrace attach": attach,
    "ptrace seize": lambda pid: result(libc.ptrace(PTRACE_SEIZE, pid, None, None)),
    "process_vm_readv": read_memory,
    "pidfd_getfd": take_descriptor,
    "/proc/PID/mem": lambda pid: read(pid, "mem"),
    "/proc/PID/environ": lambda pid: read(pid, "environ"),
    "/proc/PID/maps": lambda pid: read(pid, "maps"),
    "/proc/PID/auxv": lambda pid: read(pid, "auxv"),
    "/proc/PID/fd": list_descriptors,
    "/proc/PID/exe": lambda pid: follow(pid, "exe"),
    "/proc/PID/root": lambda pid: follow(pid, "root"),
}


if __name__ == "__main__":
    print(json.dumps({name: attack(int(sys.argv[1])) for name, attack in ATTACKS.items()}))
