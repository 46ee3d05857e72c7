"""The numbers of the filter's system calls are Linux's, on both machines."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from symbreak.grade.sandbox.inner import filter as call_filter

ALL = call_filter.REFUSED | call_filter.ON_ITSELF
ALL |= {"clone": call_filter.CLONE, "clone3": call_filter.CLONE3, "seccomp": call_filter.SECCOMP}
ALLOW, REFUSE, ABSENT, KILL = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x80000000
MACHINES = [(0, 0xC000003E), (1, 0xC00000B7)]


def verdict(steps, *, number: int, architecture: int, first: int = 0) -> int:
    """What the kernel does with a filter, in Python."""
    data = {0: number, 4: architecture, 16: first}
    at = value = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        if code == 0x20:
            value = data[constant]
        elif code == 0x06:
            return constant
        else:
            true = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            at += if_true if true else if_false


@pytest.mark.parametrize(("column", "architecture"), MACHINES)
def test_the_program_refuses_what_it_names_and_allows_the_rest(column, architecture):
    steps = call_filter.program(column, architecture, 77)

    def ask(number, first=0):
        return verdict(steps, number=number, architecture=architecture, first=first)

    refused = {numbers[column] for numbers in call_filter.REFUSED.values()} - {None}
    special = {pair[column] for pair in (*call_filter.ON_ITSELF.values(), call_filter.CLONE, call_filter.CLONE3)}
    for number in set(range(460)) - special:
        assert ask(number) == (REFUSE if number in refused else ALLOW), number
    assert ask(call_filter.CLONE3[column]) == ABSENT
    assert ask(call_filter.CLONE[column], 0x3D0F00) == ALLOW  # a thread
    assert ask(call_filter.CLONE[column], 17) == REFUSE  # a process
    for pair in call_filter.ON_ITSELF.values():
        assert [ask(pair[column], pid) for pid in (0, 77, 78, 2**32 - 1)] == [ALLOW, ALLOW, REFUSE, REFUSE]
    assert verdict(steps, number=0, architecture=0x40000003) == KILL  # 32 bit calls have other numbers
    if column == 0:
        assert ask(0x40000000 + 59) == REFUSE


def test_no_number_is_named_twice():
    for column in (0, 1):
        numbers = [pair[column] for pair in ALL.values() if pair[column] is not None]
        assert len(numbers) == len(set(numbers))


# Calls that do nothing when their arguments are senseless, with the name of glibc's own wrapper.
WRAPPED = ["socket", "unshare", "setns", "umount2", "chroot", "memfd_create", "shmget", "mq_open", "personality"]


@pytest.mark.parametrize("name", WRAPPED)
def test_this_machines_numbers_are_those_of_its_library(name):
    """The library's wrapper of a call is refused, so the number is the one that the library uses."""
    code = (
        "import ctypes\n"
        "from symbreak.grade.sandbox.inner.filter import install\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "install()\n"
        "texts = name in ('umount2', 'chroot', 'memfd_create', 'mq_open')\n"
        "arguments = [ctypes.c_char_p(b'/x')] * 3 if texts else [-1] * 3\n"
        "print(getattr(libc, name)(*arguments), ctypes.get_errno())\n"
    )
    done = subprocess.run([sys.executable, "-c", f"name = {name!r}\n{code}"], capture_output=True, text=True)
    assert done.stdout.split() == ["-1", str(errno.EPERM)], done
