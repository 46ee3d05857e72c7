"""Where chunks are computed: threads of this program, processes of this machine, or a Dask cluster.

All are executors of Python's `concurrent.futures`, so that whoever hands out chunks need not know.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from symbreak._version import __version__
from symbreak.errors import InvalidInput, MissingDependency
from symbreak.experiments.map.grid import Chunk
from symbreak.experiments.map.records import Records
from symbreak.experiments.map.running import Job, train_chunk
from symbreak.network.training import check_count
from symbreak.random.sharing import cores

# A worker has its next chunks at hand when it finishes one; more would only wait. Dask spreads tasks evenly over its
# workers, and not first to those that hold the data, from more than two for each on.
AHEAD = 3
# How long a cluster may take to answer, or to have its first worker, in seconds.
PATIENCE = 30.0
# What Dask connects to; without a protocol it is tcp.
ADDRESS = re.compile(r"(?:(?:tcp|tls|wss?)://)?[^\s/]+:\d+/?|inproc://\S+")


@dataclass(frozen=True)
class Workers:
    """Whoever computes.

    Attributes:
        submit: takes a chunk.
        at_once: how many chunks they should have in hand now.
        losses: what a chunk raises when its worker is gone for good.
    """

    submit: Callable[[Chunk], Future[Records | None]]
    at_once: Callable[[], int]
    losses: tuple[type[BaseException], ...] = ()


@contextlib.contextmanager
def threads(job: Job) -> Iterator[Workers]:
    """Compute in this program, on all its cores; numerical work leaves the interpreter's lock."""
    leaving = threading.Event()

    def proceed(updates: int) -> bool:
        return not leaving.is_set()

    with ThreadPoolExecutor(max_workers=cores()) as pool:
        try:
            yield Workers(lambda chunk: pool.submit(train_chunk, job, chunk, proceed), lambda: AHEAD * cores())
        finally:
            leaving.set()
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def processes(job: Job, count: int) -> Iterator[Workers]:
    """Compute in processes of this machine, one thread each; they end when this program does, however it ends."""
    check_count("workers", count, least=1)
    context = multiprocessing.get_context("spawn")
    ends, alive = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_settle, initargs=(ends, job))
    try:
        yield Workers(lambda chunk: pool.submit(_train_own, chunk), lambda: AHEAD * count, (BrokenProcessPool,))
        pool.shutdown(cancel_futures=True)
    finally:
        # Whoever waits for the other end of the pipe now goes, even in the middle of a chunk.
        alive.close()
        pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def cluster(job: Job, address: str) -> Iterator[Workers]:
    """Compute on the workers of a Dask scheduler; they may come and go meanwhile.

    A chunk whose worker is lost goes to another one. The data travels once, and from worker to worker.

    Raises:
        MissingDependency: `distributed` is not installed.
        InvalidInput: no scheduler answers there, or it has no worker.
    """
    with _client(address) as client:
        sent = client.submit(_sent, job, key=f"symbreak-job-{os.urandom(8).hex()}")
        executor: Executor = client.get_executor(pure=False)

        def at_once() -> int:
            return max(1, AHEAD * int(sum(client.nthreads().values())))

        try:
            yield Workers(lambda chunk: executor.submit(_train_sent, sent, chunk, __version__), at_once, _losses())
        finally:
            executor.shutdown(wait=False)


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingDependency("a cluster needs Dask: pip install 'symbreak[cluster]'") from error
    # A client that could never be connected waits for a minute before it lets go of the program.
    if not ADDRESS.fullmatch(address):
        raise _no_scheduler(address)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise _no_scheduler(address) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise InvalidInput(
                "the cluster has no worker", got=address, allowed="one or more", hint=f"dask worker {address}"
            ) from error
        yield client


def _no_scheduler(address: str) -> InvalidInput:
    return InvalidInput(
        "no Dask scheduler answers",
        got=address,
        allowed="tcp://HOST:PORT of a running one",
        hint="dask scheduler --port 8786, then --cluster tcp://localhost:8786",
    )


def _losses() -> tuple[type[BaseException], ...]:
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    # OSError: the connection to the scheduler broke, or could not be made again.
    return KilledWorker, OSError, CancelledError, FutureCancelledError


def _sent(job: Job) -> Job:
    return job


def _train_sent(job: Job, chunk: Chunk, version: str) -> Records | None:
    """Train a chunk on a worker, which must run the same program."""
    if version != __version__:
        raise InvalidInput(
            "the workers must run the same symbreak",
            got=f"{__version__} on a worker, {version} here",
            allowed="one version",
            hint=f"pip install symbreak=={version} on the workers",
        )
    return train_chunk(job, chunk)


class _Own:
    """What a process of ours was given when it began."""

    job: Job


def _settle(alive: Connection, job: Job) -> None:
    # Ctrl-C goes to every process of a terminal; the one that hands out chunks decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(alive,), daemon=True).start()
    _Own.job = job


def _leave_with(alive: Connection) -> None:
    """Wait for the other end to close, as it does when its process ends, and end this one."""
    with contextlib.suppress(EOFError, OSError):
        alive.recv()
    os._exit(0)


def _train_own(chunk: Chunk) -> Records | None:
    return train_chunk(_Own.job, chunk)
