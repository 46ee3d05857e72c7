"""Starting and ending a child."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from symbreak.grade.sandbox.inner import disk
from symbreak.grade.sandbox.limits import Limits

_RUNNER = Path(__file__).parent / "inner" / "runner.py"
_PACKAGE = Path(__file__).resolve().parents[2]
# Of a library that takes more memory and threads than learners' code; linear: no end of line in a blank.
_IMPORTED = re.compile(r"^[ \t]*(?:import|from)[ \t]+(torch|jax|flax|equinox|optax)\b", re.MULTILINE)
_PACKAGES = ("numpy", "torch", "jax")
# How long the warden may take to end the child and clean up before it is ended too.
_CLEANING_SECONDS = 5.0
# One thread: a submission takes one core, and its numbers do not depend on how many there are.
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
# The same of XLA; and each of its threads would reserve 64 MiB of addresses, which count as memory.
_XLA = {"NPROC": "1", "PJRT_NPROC": "1", "MALLOC_ARENA_MAX": "2", "JAX_PLATFORMS": "cpu"}


@dataclass
class Child:
    """A running child, and the grader's ends of its pipes."""

    process: subprocess.Popen[bytes]
    requests: int
    replies: int
    stdout: int
    stderr: int
    lifeline: int
    folder: str

    def close(self) -> int:
        """End it and all that it started; return its exit code, or 128 + the signal that ended it."""
        for fd in (self.lifeline, self.requests, self.replies, self.stdout, self.stderr):
            os.close(fd)
        try:
            return self.process.wait(_CLEANING_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()
        finally:
            disk.remove(self.folder)  # the warden has done so, unless it was killed


def start() -> Child:
    """Start a child that waits for its first request, the `configuration`."""
    pipes = [os.pipe() for _ in range(5)]
    (request, requests), (replies, reply), (lifeline, held), (stdout, out), (stderr, err) = pipes
    folders = json.dumps(_package_folders())
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(_RUNNER), str(request), str(reply), str(lifeline), folders],
            pass_fds=(request, reply, lifeline),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    except BaseException:
        for fd in (requests, replies, held, stdout, stderr):
            os.close(fd)
        raise
    finally:
        for fd in (request, reply, lifeline, out, err):
            os.close(fd)
    for fd in (requests, replies, stdout, stderr):
        os.set_blocking(fd, False)
    return Child(process, requests, replies, stdout, stderr, held, tempfile.mkdtemp(prefix="symbreak-"))


def configuration(child: Child, source: str, limits: Limits, without: frozenset[str]) -> dict[str, Any]:
    """Return what the warden has to know."""
    folders = _package_folders()
    return {
        "limits": asdict(limits),
        "without": sorted(without),
        "folder": child.folder,
        "shown": sorted({sys.base_prefix, *folders}),
        "hidden": sorted({str(_PACKAGE), *(os.path.join(folder, _PACKAGE.name) for folder in folders)}),
        "libraries": libraries(source),
    }


def libraries(source: str) -> list[str]:
    """Return which large libraries are to be loaded before the code, so that their size is not the learner's.

    >>> libraries("import numpy\\nfrom torch import nn\\nimport flax")
    ['jax', 'torch']
    """
    return sorted({name if name == "torch" else "jax" for name in _IMPORTED.findall(source)})


def _package_folders() -> list[str]:
    """The folders that NumPy, PyTorch and JAX are in. The grader's other folders are none of the child's business."""
    found = [importlib.util.find_spec(name) for name in _PACKAGES]
    return sorted({str(Path(spec.origin).parents[1]) for spec in found if spec is not None and spec.origin})


def _environment() -> dict[str, str]:
    threads = {f"{name}_NUM_THREADS": "1" for name in _THREADS}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "learner", "MPLBACKEND": "agg", **threads, **_XLA}
