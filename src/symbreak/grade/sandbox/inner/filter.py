"""The system calls that a learner's code is refused, as a program for the kernel (seccomp, a classic BPF).

All else is allowed: this narrows what can be used up and what can be reached, it does not list what is needed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from symbreak.grade.sandbox.inner.kernel import refuse_new_rights, system_call

# name: (number on x86_64, number on aarch64); None where the machine has no such call. From Linux's unistd tables.
_SAME = {
    name: (number, number)
    for name, number in {
        "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
        "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447,
    }.items()
}  # fmt: skip
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other programs and processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    # other machines, and other programs' sockets
    "socket": (41, 198),
    # memory that no limit counts
    "memfd_create": (319, 279), "shmget": (29, 194), "mq_open": (240, 180),
    # the prison's walls
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_by_handle_at": (304, 265),
    # parts of the kernel that are often broken, and that no learner needs
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "personality": (135, 92),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "reboot": (169, 142), "swapon": (167, 224),
    **_SAME,
}  # fmt: skip
# Allowed on the process itself, which is their first argument (or 0).
ON_ITSELF = {"kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261)}
CLONE, CLONE3, SECCOMP = (56, 220), (435, 435), (317, 277)

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_CALLS = 0x40000000
_THREAD = 0x10000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x50000
_SET_FILTER, _ALL_THREADS = 1, 1

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install() -> None:
    """Have the kernel refuse these calls to this process from now on.

    Raises:
        OSError: if the kernel cannot, or the machine is neither x86_64 nor aarch64.
    """
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter for {platform.system()} on {platform.machine()}")
    column, architecture = _MACHINES[platform.machine()]
    steps = program(column, architecture, os.getpid())
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    refuse_new_rights()
    whole = _Program(len(steps), code)
    system_call(_number(SECCOMP, column), _SET_FILTER, _ALL_THREADS, ctypes.byref(whole))


def program(column: int, architecture: int, pid: int) -> list[Instruction]:
    """Return the filter: (code, jump if true, jump if false, constant) each."""
    refused = _error(errno.EPERM)
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    steps += (
        [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32_CALLS), refused] if column == 0 else [(_LOAD, 0, 0, _NUMBER)]
    )
    for numbers in REFUSED.values():
        if numbers[column] is not None:
            steps += [(_EQUAL, 0, 1, _number(numbers, column)), refused]
    # glibc tries clone3, whose flags a filter cannot see, and falls back on clone.
    steps += [(_EQUAL, 0, 1, CLONE3[column]), _error(errno.ENOSYS)]
    steps += [(_EQUAL, 0, 4, CLONE[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _THREAD)]
    steps += [(_RETURN, 0, 0, _ALLOW), refused]
    for pair in ON_ITSELF.values():
        steps += [(_EQUAL, 0, 5, pair[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0)]
        steps += [(_EQUAL, 0, 1, pid), (_RETURN, 0, 0, _ALLOW), refused]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _error(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def _number(numbers: tuple[int | None, int | None], column: int) -> int:
    number = numbers[column]
    assert number is not None
    return number
