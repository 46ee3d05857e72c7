"""The layers between a learner's code and the machine, each put on by itself; one that is refused raises OSError."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from symbreak.grade.sandbox.inner import kernel

HOME = "/learner"
# A disk of many empty files is as full as one of a large file.
MOST_FILES = 1000
OPEN_FILES = 64
STACK_BYTES = 8 << 20
# More than the clock allows, for the case that nobody watches the clock any more.
SPARE_SECONDS = 5
NOBODY = 65534
_FIRST_USER, _USERS = 1_800_000_000, 100_000_000

_SYSTEM = ["/usr", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"]
_LINKS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"]
_DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]


def leave_namespaces(*, network: bool) -> None:
    """Enter namespaces of its own: processes (from the next child on), host name, IPC, and `network` if asked.

    Who is not root makes a namespace of users first, in which these are allowed.
    """
    flags = kernel.NEW_PROCESSES | kernel.NEW_IPC | kernel.NEW_HOST_NAME | (kernel.NEW_NETWORK if network else 0)
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        kernel.unshare(flags)
        return
    kernel.unshare(flags | kernel.NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def build_root(folder: str, shown: Iterable[str], hidden: Iterable[str], *, user: int, disk: int) -> None:
    """Make a root directory of `shown` and little else, read only, and go there.

    Args:
        folder: an empty folder to build in; it stays empty for all who do not share this process's new mounts.
        shown: files and folders, each at its own place.
        hidden: folders that are empty instead.
        user: the owner of `HOME`, the one place to write.
        disk: how many bytes can be written there.
    """
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount("none", "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("tmpfs", folder, "tmpfs", kernel.NO_SUID, "size=1m,mode=755")
    for link in filter(os.path.islink, _LINKS):
        os.symlink(os.readlink(link), folder + link)
    real = [link for link in _LINKS if not os.path.islink(link)]
    for path in _outermost([*_SYSTEM, *real, *_DEVICES, *shown]):
        _bind(path, folder + path)
    for path in filter(os.path.isdir, {folder + os.path.realpath(each) for each in hidden}):
        kernel.mount("tmpfs", path, "tmpfs", kernel.NO_SUID, "size=4k,nr_inodes=1,mode=555")
    for name in ("/proc", HOME):
        os.makedirs(folder + name, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.symlink(HOME, folder + "/tmp")
    with contextlib.suppress(OSError):  # where the machine's own is masked, there is none
        kernel.mount("proc", folder + "/proc", "proc", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC)
    kernel.set_mount_flags(folder, kernel.READ_ONLY | kernel.NO_SUID)
    group = user if os.geteuid() == 0 else os.getegid()
    options = f"size={max(disk, 4096)},nr_inodes={MOST_FILES},mode=700,uid={user},gid={group}"
    kernel.mount("tmpfs", folder + HOME, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC, options)
    os.chdir(folder)
    kernel.pivot_root_here()
    kernel.unmount(".")
    os.chdir(HOME)


def _outermost(paths: Iterable[str]) -> list[str]:
    """Existing paths without those inside others."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(each) for each in paths if os.path.exists(each)}):
        if not any(path.startswith(other.rstrip("/") + "/") for other in kept):
            kept.append(path)
    return kept


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    kernel.mount(source, target, flags=kernel.BIND | kernel.RECURSIVE)


def choose_user() -> int:
    """Return a user that nobody else is; unlike root it is bound by the limit on processes."""
    chosen = _FIRST_USER + secrets.randbelow(_USERS)
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= chosen < first + count:
            return chosen
    return NOBODY


def is_own(user: int) -> bool:
    """Whether `choose_user` made this user up."""
    return user >= _FIRST_USER


def unreadable_to(user: int, paths: Iterable[str]) -> str:
    """Return the first of `paths` that `user` could not read, or ""."""
    os.setgroups([])
    os.setegid(user)
    os.seteuid(user)
    try:
        readable = {path: os.access(path, os.R_OK, effective_ids=True) for path in paths}
        return next((path for path, allowed in readable.items() if not allowed), "")
    finally:
        os.seteuid(0)
        os.setegid(0)


def become(user: int) -> None:
    """Be `user`, for good."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def bound(limits: dict[str, Any], *, threads_running: int = 0) -> None:
    """Have the kernel bound what this process uses. Memory and threads are counted on top of what runs now."""
    seconds = int(limits["seconds_in_all"]) + SPARE_SECONDS
    bounds = {
        resource.RLIMIT_CPU: (seconds, seconds + SPARE_SECONDS),
        resource.RLIMIT_AS: _size() + limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NPROC: limits["processes"] + threads_running,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_STACK: STACK_BYTES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in bounds.items():
        soft, hard = value if isinstance(value, tuple) else (value, value)
        allowed = resource.getrlimit(kind)[1]
        if allowed != resource.RLIM_INFINITY:
            soft, hard = min(soft, allowed), min(hard, allowed)
        resource.setrlimit(kind, (soft, hard))


def _size() -> int:
    """Bytes of address space that this process has; 0 where the kernel does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 4 << 30


def own_threads() -> int:
    """Return how many threads this process has; 1 where the kernel does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def tasks_of(user: int) -> int:
    """Return how many processes and threads a user has: a limit on them counts them all."""
    count = 0
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if path.stat().st_uid == user:
                count += sum(1 for _ in (path / "task").iterdir())
    return count
