"""System calls that Python has no name for. Each raises OSError where it is refused or unknown."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

NEW_MOUNTS, NEW_HOST_NAME, NEW_IPC = 0x20000, 0x4000000, 0x8000000
NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000

READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CAPABILITY_VERSION_3, _LAST_CAPABILITY = 0x20080522, 40
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_SETATTR = 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def _call(name: str, *arguments: object) -> int:
    try:
        function = getattr(_libc, name)
    except AttributeError:
        raise OSError(errno.ENOSYS, f"this system has no {name}") from None
    result = int(function(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(number: int, *arguments: object) -> int:
    """Make a system call by its number; integers are passed as long."""
    return _call("syscall", *(ctypes.c_long(each) if isinstance(each, int) else each for each in (number, *arguments)))


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones."""
    _call("unshare", ctypes.c_int(flags))


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` on `target`."""
    texts = [text.encode() or None for text in (source, target, kind, options)]
    _call("mount", texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])


def unmount(target: str) -> None:
    """Take a mount out of sight; it ends when nobody uses it."""
    _call("umount2", target.encode(), ctypes.c_int(DETACH))


def set_mount_flags(target: str, flags: int) -> None:
    """Add flags to a mount and to all mounts under it."""
    attributes = _MountAttributes(set=flags)
    size = ctypes.sizeof(attributes)
    system_call(_MOUNT_SETATTR, _AT_FDCWD, target.encode(), _AT_RECURSIVE, ctypes.byref(attributes), size)


def pivot_root_here() -> None:
    """Make the current directory the root; the old root is under it until it is unmounted."""
    machine = platform.machine()
    if machine not in _PIVOT_ROOT:
        raise OSError(errno.ENOSYS, f"pivot_root has no known number on {machine}")
    system_call(_PIVOT_ROOT[machine], b".", b".")


def _control(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _call("prctl", ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)


def die_with_parent(signal: int) -> None:
    """Have `signal` sent to this process when its parent ends."""
    _control(_PR_SET_PDEATHSIG, signal)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose parent ends."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Refuse other processes of the same user this one's memory."""
    _control(_PR_SET_DUMPABLE, 0)


def refuse_new_rights() -> None:
    """Let no program that is started from here have more rights than this one."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability, also those that a program could hand back."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            _control(_PR_CAPBSET_DROP, capability)
        except OSError:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
