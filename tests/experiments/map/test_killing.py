"""Kill -9 in the middle, run again: the same bits as an undisturbed run, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symbreak.errors import InvalidInput
from symbreak.experiments.map.drawing import How, draw, read
from symbreak.experiments.map.settings import MapSettings

SETTINGS = MapSettings(size=(8, 8), iterations=300)
CHUNK = 2
PROGRAM = """
import sys
from pathlib import Path
from symbreak.experiments.map.drawing import How, draw
from symbreak.experiments.map.settings import MapSettings
settings = MapSettings(size=(8, 8), iterations=300)
draw(settings, How(folder=Path(sys.argv[1]), chunk=2, workers=int(sys.argv[2]) or None))
"""
# Long beside the seconds that a start takes on a busy machine.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return draw(SETTINGS, How(folder=folder, chunk=CHUNK)), folder


def until(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def finished(folder: Path) -> int:
    return len(list((folder / "chunks").glob("*.parquet")))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def killed_in_the_middle(folder: Path, workers: int, at: int) -> None:
    """Run until `at` chunks are there, then kill the program; its own processes must follow."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), str(workers)])
    try:
        until(lambda: finished(folder) >= at or process.poll() is not None)
        helpers = children(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert len(helpers) >= workers
    until(lambda: not any(map(alive, helpers)))


@pytest.mark.parametrize(("workers", "kills"), [(0, (1, 9)), (2, (5,))])
def test_killed_at_any_moment_and_taken_up(undisturbed, tmp_path, workers, kills, bits, files):
    whole, folder = undisturbed
    for at in kills:
        killed_in_the_middle(tmp_path, workers, at)
        assert at <= finished(tmp_path) < finished(folder)
        part = read(tmp_path)
        assert not part.complete
        assert (part.final_cost == whole.final_cost)[part.done].all()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "chunks").glob("*.parquet")}
    assert bits(draw(SETTINGS, How(folder=tmp_path, chunk=CHUNK))) == bits(whole)
    assert files(tmp_path) == files(folder)
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in (tmp_path / "chunks").iterdir()}.items()


def test_a_worker_that_is_lost_is_told_and_nothing_with_it(undisturbed, tmp_path, files):
    _, folder = undisturbed
    helpers = []

    def kill(done, total):
        if not helpers:
            helpers.extend(child for child in children(os.getpid()) if b"spawn_main" in command(child))
            os.kill(helpers[0], signal.SIGKILL)

    with pytest.raises(InvalidInput, match="workers were lost"):
        draw(SETTINGS, How(folder=tmp_path, chunk=CHUNK, workers=1, progress=kill))
    assert 0 < finished(tmp_path) < finished(folder)
    draw(SETTINGS, How(folder=tmp_path, chunk=CHUNK))
    assert files(tmp_path) == files(folder)


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
