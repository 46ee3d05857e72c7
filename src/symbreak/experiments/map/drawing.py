"""Making a map: hand out the chunks that are missing, store each as it comes, put them together."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from symbreak._version import __version__
from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.experiments import prepare
from symbreak.experiments.map import workers as places
from symbreak.experiments.map.grid import Chunk, Grid, grid
from symbreak.experiments.map.identity import Identity, identify
from symbreak.experiments.map.locking import locked
from symbreak.experiments.map.records import COLUMNS, Records
from symbreak.experiments.map.result import MapResult
from symbreak.experiments.map.running import Job
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.map.store import Store, open_store, read_header
from symbreak.experiments.map.workers import Workers

Progress = Callable[[int, int], None]

# Seconds between two looks at the workers: new ones are given work, and an interrupt is heard.
TICK = 0.2


@dataclass(frozen=True)
class How:
    """How a map is made; none of it changes a bit of the map, by BLAS no more than rounding.

    Attributes:
        folder: of the store; None keeps the map in memory.
        resume: go on with what the folder holds; if False, a folder that holds a map is refused.
        workers: processes of this machine; None computes in this program, on all its cores.
        cluster: the address of a Dask scheduler, instead of workers of this machine.
        chunk: the most networks of one chunk.
        progress: called with (networks trained, to train); those that the store holds are not counted.
        tell: called with a sentence for every chunk of the store that is damaged.
    """

    folder: Path | None = None
    resume: bool = True
    workers: int | None = None
    cluster: str | None = None
    chunk: int | None = None
    progress: Progress | None = None
    tell: Callable[[str], None] | None = None


def draw(settings: MapSettings, how: How | None = None, *, data: Dataset | None = None) -> MapResult:
    """Train the networks of a map and return what was measured.

    Every finished chunk is on the disk before the next is waited for. Ctrl-C ends it early: the result then holds what
    was finished, and is not `complete`.

    Raises:
        InvalidInput: settings that do not fit the data; a folder that cannot be written, that another run writes to,
            or that holds the map of other settings; workers that are lost.
        KeyboardInterrupt: interrupted before anything was finished.
    """
    how = how or How()
    if how.workers is not None and how.cluster is not None:
        raise InvalidInput("workers are of this machine or of a cluster", got="both", allowed="one", hint="--cluster")
    job = Job(settings, prepare(settings.compared, data)[0])
    cut = _grid(job, how.chunk)
    with contextlib.ExitStack() as held:
        store, found = None, dict[int, Records]()
        if how.folder is not None:
            held.enter_context(locked(how.folder))
            store = open_store(how.folder, identify(settings, job.problem), cut, _facts(job), resume=how.resume)
            found = _taken_up(store, how.tell)
            cut = store.grid
        _compute(job, cut, how, store, found)
    if not found:
        raise KeyboardInterrupt
    return assemble(settings, cut, found, _facts(job))


def read(folder: Path) -> MapResult:
    """Return the map in a store, as far as it is finished; nothing is computed, nothing changed.

    Raises:
        InvalidInput: there is no store.
        InvalidData: it is damaged.
    """
    header = read_header(folder)
    if header is None:
        raise InvalidInput(
            "the folder holds no map", got=str(folder), allowed="a folder with a map.json", hint="--output"
        )
    settings = MapSettings.from_json(header["settings"])
    identity = Identity(settings, header["data_sha256"], header["version"])
    facts = {name: header[name] for name in ("base_rate_cost", "score")}
    store = Store(folder, identity, Grid(tuple(header["shape"]), tuple(header["tile"])), facts)
    found, _ = store.load(repair=False)
    return replace(assemble(settings, store.grid, found, facts), version=header["version"])


def assemble(settings: MapSettings, cut: Grid, found: dict[int, Records], facts: dict[str, Any]) -> MapResult:
    """Put the chunks together, wherever and in whatever order they were made."""
    done = np.zeros(cut.shape, bool)
    columns: dict[str, Any] = {
        name: np.full(cut.shape, np.nan if issubclass(kind, np.floating) else -1, kind)
        for name, kind in COLUMNS.items()
    }
    for index, records in found.items():
        chunk = cut.chunk(index)
        place = np.s_[chunk.top : chunk.bottom, chunk.left : chunk.right]
        done[place] = True
        for name, values in columns.items():
            values[place] = getattr(records, name)
    for name in ("steps_to_half", "effective_units"):
        columns[name] = np.where(columns[name] < 0, np.nan, columns[name])
    return MapResult(settings, __version__, settings.xs, settings.ys, done, **columns, **facts)


def _grid(job: Job, networks: int | None) -> Grid:
    train = job.problem.train
    return grid(job.settings, job.settings.batch_size or train.samples, (train.n_x, train.n_y), networks)


def _facts(job: Job) -> dict[str, Any]:
    score = "r2" if job.problem.train.task == "regression" else "accuracy"
    return {"base_rate_cost": job.problem.base_rate_cost, "score": score}


def _taken_up(store: Store, tell: Callable[[str], None] | None) -> dict[int, Records]:
    found, complaints = store.load()
    for complaint in complaints:
        if tell is not None:
            tell(complaint)
    return found


def _compute(job: Job, cut: Grid, how: How, store: Store | None, found: dict[int, Records]) -> None:
    """Fill `found` with the chunks that it lacks; an interrupt leaves it as far as it came."""
    missing = [cut.chunk(index) for index in cut.scattered() if index not in found]
    total, trained = sum(chunk.networks for chunk in missing), 0
    try:
        with _workers(job, how) if missing else contextlib.nullcontext() as workers:
            for chunk, records in _finished(workers, missing) if workers else ():
                if store is not None:
                    store.save(chunk, records)
                found[chunk.index] = records
                trained += chunk.networks
                if how.progress is not None:
                    how.progress(trained, total)
    except KeyboardInterrupt:
        pass
    if store is not None:
        store.describe(finished=True)


def _workers(job: Job, how: How) -> contextlib.AbstractContextManager[Workers]:
    if how.cluster is not None:
        return places.cluster(job, how.cluster)
    return places.threads(job) if how.workers is None else places.processes(job, how.workers)


def _finished(workers: Workers, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Records]]:
    """Yield chunks as they are finished, in whatever order; only as many are handed out as the workers need."""
    todo, out = iter(chunks), dict[Future[Records | None], Chunk]()
    try:
        while True:
            for chunk in itertools.islice(todo, max(0, workers.at_once() - len(out))):
                out[workers.submit(chunk)] = chunk
            if not out:
                return
            for future in wait(out, timeout=TICK, return_when=FIRST_COMPLETED).done:
                records = future.result()
                assert records is not None, "nobody stops a chunk while it is waited for"
                yield out.pop(future), records
    except workers.losses as error:
        raise InvalidInput(
            "the workers were lost",
            got=f"{type(error).__name__}: {error}",
            allowed="workers that live, and have the memory for their chunks",
            hint="run the same command again: finished chunks are kept",
        ) from error
