"""The process between grader and learner's code: it makes the prison, waits, and leaves nothing behind.

It stays outside: it keeps the grader's rights, and the learner's code has no name for it. It ends the code when the
grader closes the lifeline, also by dying.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import time
import traceback
from pathlib import Path
from typing import Any

from symbreak.grade.sandbox.inner import disk, jail, kernel
from symbreak.grade.sandbox.inner import filter as call_filter
from symbreak.grade.sandbox.inner.pipe import Pipe
from symbreak.grade.sandbox.inner.serve import serve

# How often the disk is looked at where the kernel does not bound it.
_WATCH_MILLISECONDS = 50
# Processes that fork as fast as they are ended are given up after this.
_SWEEPS = 200


def run(request_fd: int, reply_fd: int, lifeline_fd: int) -> int:
    """Run a learner's code to its end; return its exit code, or 128 + the signal that ended it."""
    pipe = Pipe(request_fd, reply_fd)
    config, _ = pipe.receive()
    folder = config["folder"]
    missing: dict[str, str] = {}
    with contextlib.suppress(OSError):
        kernel.adopt_orphans()
    with_network = _put_on("network", missing, config, lambda: None)
    inside = _put_on("processes", missing, config, lambda: jail.leave_namespaces(network=with_network))
    user = jail.choose_user() if os.geteuid() == 0 else None
    wake, waker = _wake_on_child()
    child = os.fork()
    if child == 0:
        for fd in (lifeline_fd, wake, waker):
            os.close(fd)
        _be_child(pipe, config, folder, missing, user)
    for fd in (request_fd, reply_fd, 0, 1, 2):
        os.close(fd)
    try:
        _watch(lifeline_fd, wake, folder, config["limits"]["file_bytes"])
        return _end(child, user if not inside and user is not None and jail.is_own(user) else None)
    finally:
        disk.remove(folder)


def _put_on(layer: str, missing: dict[str, str], config: dict[str, Any], step: Any) -> bool:
    """Put a layer on, or write down why not."""
    try:
        if layer in config["without"]:
            raise OSError("left out on request")
        step()
    except (OSError, ValueError) as error:
        missing[layer] = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return False
    return True


def _wake_on_child() -> tuple[int, int]:
    """Return the ends of a pipe, the first of which becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return readable, writable


def _be_child(pipe: Pipe, config: dict[str, Any], folder: str, missing: dict[str, str], user: int | None) -> None:
    """Close every door, say which, and serve; never return."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 70
    try:
        os.setsid()
        _close_doors(config, folder, missing, user)
        pipe.send({"missing": missing})
        code = serve(pipe, config["limits"])
    except (EOFError, BrokenPipeError):
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _close_doors(config: dict[str, Any], folder: str, missing: dict[str, str], user: int | None) -> None:
    """Put on all layers that can be; write down the others."""
    limits = config["limits"]
    owner = os.geteuid() if user is None else user

    def build() -> None:
        if "processes" in missing:
            raise OSError(missing["processes"])
        jail.build_root(folder, config["shown"], config["hidden"], user=owner, disk=limits["file_bytes"])

    if "processes" in missing:
        missing["network"] = missing["processes"]
    _put_on("files", missing, config, build)
    outside = "files" in missing
    if outside:
        os.chdir(folder)
    _put_on("user", missing, config, lambda: _leave_user(config, user, folder if outside else None))
    os.environ["HOME"] = os.environ["TMPDIR"] = os.getcwd()
    with contextlib.suppress(OSError):  # elsewhere than on Linux there are none
        kernel.drop_capabilities()
        kernel.die_with_parent(signal.SIGKILL)
    for library in config["libraries"]:
        with contextlib.suppress(ImportError):
            _load_library(library)
    running = jail.tasks_of(owner) if "user" in missing and "processes" in missing else jail.own_threads() - 1
    _put_on("limits", missing, config, lambda: jail.bound(limits, threads_running=running))
    _put_on("calls", missing, config, call_filter.install)


def _load_library(name: str) -> None:
    """Import PyTorch or JAX and have it start its threads: they and its memory are not the learner's."""
    library = importlib.import_module(name)
    if name == "jax":
        library.jit(lambda x: x + 1)(1.0)
        library.random.normal(library.random.PRNGKey(0), (1000,))


def _leave_user(config: dict[str, Any], user: int | None, folder: str | None) -> None:
    """Be `user`, who then owns the `folder`, if there is one."""
    if user is None:
        raise OSError("the grader is not root, so the code runs as the grader's own user")
    unreadable = jail.unreadable_to(user, config["shown"]) if folder else ""
    if unreadable:
        raise OSError(f"other users may not read {unreadable}")
    if folder is not None:
        os.chown(folder, user, -1)
    jail.become(user)


def _watch(lifeline: int, wake: int, folder: str, file_bytes: int) -> None:
    """Return when the child ended, the grader is done or gone, or the folder is too full."""
    poll = select.poll()
    poll.register(lifeline, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while not poll.poll(_WATCH_MILLISECONDS):
        if disk.too_full(folder, file_bytes):
            return


def _end(child: int, user: int | None) -> int:
    """End the child and all that it started."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if user is not None:
        _end_all_of(user)
    _end_orphans()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _end_all_of(user: int) -> None:
    """End every process of a user at once, which no forking outruns."""
    killer = os.fork()
    if killer == 0:
        try:
            os.setresuid(user, user, user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(killer, 0)


def _end_orphans() -> None:
    """End the processes that this one has adopted, until none is left."""
    for _ in range(_SWEEPS):
        for pid in _children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(path.parent.name))
    return found
