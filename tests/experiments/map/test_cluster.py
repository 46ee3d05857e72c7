"""A real Dask cluster on this machine: workers go and come meanwhile, and the bits are those of the local run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import pytest
from distributed import Client

from symbreak.errors import InvalidInput
from symbreak.experiments.map import workers
from symbreak.experiments.map.drawing import How, draw, read
from symbreak.experiments.map.settings import MapSettings

SETTINGS = MapSettings(size=(10, 10), iterations=200)
CHUNK = 2
PATIENCE = 120.0


def until(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.processes = folder, folder / "scheduler.json", []

    def __enter__(self) -> Cluster:
        self._start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--no-show")
        until(lambda: self.file.exists() and self.file.read_text())
        return self

    def __exit__(self, *error: object) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    @property
    def address(self) -> str:
        return json.loads(self.file.read_text())["address"]

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        return self._start("worker", "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self.file), *options]
        log = (self.folder / f"{kind}-{len(self.processes)}.log").open("wb")
        self.processes.append(subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder))
        log.close()
        return self.processes[-1]


def done_by(client: Client) -> dict[str, int]:
    counts = client.run(lambda dask_worker: (dask_worker.name, dask_worker.state.executed_count))
    return dict(counts.values())


def test_a_worker_is_lost_and_one_comes(tmp_path, bits, files):
    local = draw(SETTINGS, How(folder=tmp_path / "local", chunk=CHUNK))
    with Cluster(tmp_path) as cluster, Client(cluster.address, set_as_default=False) as watcher:
        helpers = {name: cluster.worker(name) for name in ("a", "b", "c")}
        watcher.wait_for_workers(3, timeout=PATIENCE)
        calls, lost = [], []

        def disturb(done, total):
            calls.append(done)
            if len(calls) == 5:
                counts = done_by(watcher)
                lost.append(max(counts, key=counts.get))
                assert counts[lost[0]] > 1  # the job may be one of them, the others are chunks
                helpers[lost[0]].send_signal(signal.SIGKILL)
                cluster.worker("d")
            elif len(calls) == 10:
                until(lambda: "d" in done_by(watcher))

        how = How(folder=tmp_path / "cluster", chunk=CHUNK, cluster=cluster.address, progress=disturb)
        far = draw(SETTINGS, how)
        counts = done_by(watcher)
    assert set(counts) == {"a", "b", "c", "d"} - set(lost)
    assert counts["d"] > 0
    assert bits(far) == bits(local)
    assert files(tmp_path / "cluster") == files(tmp_path / "local")


def test_what_is_no_address_is_told_at_once(monkeypatch):
    def connect(*_, **__):
        raise AssertionError("a client that cannot be connected lives on for a minute")

    monkeypatch.setattr("distributed.Client", connect)
    for address in ("nonsense", "http://x:1", "tcp://127.0.0.1", ""):
        with pytest.raises(InvalidInput, match="no Dask scheduler answers"):
            draw(SETTINGS, How(cluster=address))


def test_no_scheduler_is_told(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(InvalidInput, match="no Dask scheduler answers"):
            draw(SETTINGS, How(cluster=address))


def test_a_cluster_without_workers_or_scheduler_is_told(tmp_path, monkeypatch):
    with Cluster(tmp_path) as cluster:
        monkeypatch.setattr(workers, "PATIENCE", 2.0)
        with pytest.raises(InvalidInput, match="no worker"):
            draw(SETTINGS, How(cluster=cluster.address))
        monkeypatch.undo()
        cluster.worker("a")

        def lose_the_scheduler(done, total):
            cluster.processes[0].kill()
            cluster.processes[0].wait()

        how = How(folder=tmp_path / "map", chunk=CHUNK, cluster=cluster.address, progress=lose_the_scheduler)
        # What tells first, a chunk that is given up or the next question to the scheduler, is chance.
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
            pytest.raises(InvalidInput, match=r"workers were lost[\s\S]*finished chunks are kept"),
        ):
            draw(SETTINGS, how)
    part = read(tmp_path / "map")
    assert 0 < part.done.sum() < part.done.size


def test_a_worker_of_another_version_is_refused():
    with pytest.raises(InvalidInput, match="same symbreak"):
        workers._train_sent(None, None, "0.0.0")


def test_workers_and_a_cluster_are_one_too_many():
    with pytest.raises(InvalidInput, match="of this machine or of a cluster"):
        draw(SETTINGS, How(cluster="tcp://localhost:8786", workers=2))
