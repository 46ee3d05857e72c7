"""The store: whole files, damage that is noticed, other settings that are refused, disks that are full."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset
import pyarrow.parquet
import pytest

from symbreak import durable
from symbreak.datasets import Dataset, load
from symbreak.errors import InvalidData, InvalidInput
from symbreak.experiments import prepare
from symbreak.experiments.map.drawing import How, draw, read
from symbreak.experiments.map.identity import Identity
from symbreak.experiments.map.locking import locked

CHUNKS = 12


def stored(settings, folder, **how):
    return draw(settings, How(folder=folder, chunk=4, **how))


def chunks(folder):
    return sorted((folder / "chunks").glob("*.parquet"))


@pytest.fixture
def told():
    return []


def test_a_store_gives_back_the_map(small, tmp_path, bits):
    made = stored(small, tmp_path / "map")
    assert len(chunks(tmp_path / "map")) == CHUNKS
    assert bits(read(tmp_path / "map")) == bits(made) == bits(draw(small))
    assert read(tmp_path / "map").settings == small


def test_the_same_map_makes_the_same_files(small, tmp_path, files):
    stored(small, tmp_path / "one")
    stored(small, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_any_reader_of_parquet_reads_it(small, tmp_path):
    made = stored(small, tmp_path)
    whole = (
        pyarrow.dataset.dataset(tmp_path / "chunks").to_table().sort_by([("row", "ascending"), ("column", "ascending")])
    )
    assert whole.column("final_cost").to_numpy().tobytes() == made.final_cost.tobytes()
    assert whole.column("x").to_numpy().reshape(made.shape)[0].tolist() == made.x.tolist()
    assert whole.column("y").to_numpy().reshape(made.shape)[:, 0].tolist() == made.y.tolist()


def test_the_table_of_chunks_is_true(small, tmp_path):
    stored(small, tmp_path)
    header = json.loads((tmp_path / "map.json").read_text())
    assert header["schema"] == "symbreak/map/1"
    assert len(header["chunks"]) == CHUNKS
    for chunk in header["chunks"]:
        assert hashlib.sha256((tmp_path / chunk["file"]).read_bytes()).hexdigest() == chunk["sha256"]
        rows = pyarrow.parquet.read_table(tmp_path / chunk["file"])
        assert {*rows["row"].to_pylist()} == {*range(*chunk["rows"])}
        assert {*rows["column"].to_pylist()} == {*range(*chunk["columns"])}


def test_a_finished_map_is_not_computed_again(small, tmp_path, monkeypatch, bits):
    made = stored(small, tmp_path)
    monkeypatch.setattr("symbreak.experiments.map.workers.train_chunk", None)
    assert bits(stored(small, tmp_path)) == bits(made)


def test_only_what_is_missing_is_computed(small, tmp_path, files):
    stored(small, tmp_path)
    before, seen = files(tmp_path), []
    for path in chunks(tmp_path)[::3]:
        path.unlink()
    stored(small, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert files(tmp_path) == before
    assert len(seen) == len(range(0, CHUNKS, 3))
    assert seen[-1][0] == seen[-1][1] < 42


def test_the_cut_of_the_store_stays(small, tmp_path, bits):
    made = stored(small, tmp_path)
    chunks(tmp_path)[0].unlink()
    assert bits(draw(small, How(folder=tmp_path, chunk=7))) == bits(made)
    assert len(chunks(tmp_path)) == CHUNKS


def spoil(path: Path, how: str, other: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    if how == "bit":
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "cut":
        path.write_bytes(content[:middle])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "other chunk":
        path.write_bytes(other.read_bytes())
    elif how == "renamed chunk":
        path.unlink()
        shutil.copy(other, path.with_name(path.name[:6] + other.name[6:]))
    elif how == "no table":
        path.unlink()
        path.with_name(f"{path.name[:6]}-{hashlib.sha256(b'x').hexdigest()}.parquet").write_bytes(b"x")
    else:
        path.rename(path.with_name("chunk.parquet"))


@pytest.mark.parametrize("how", ["bit", "cut", "empty", "other chunk", "renamed chunk", "no table", "renamed"])
def test_a_damaged_chunk_is_told_and_computed_again(small, tmp_path, how, told, files):
    stored(small, tmp_path)
    before = files(tmp_path)
    spoil(chunks(tmp_path)[3], how, chunks(tmp_path)[5])
    stored(small, tmp_path, tell=told.append)
    assert files(tmp_path) == before
    assert len(told) == 1
    assert "computed again" in told[0]


def test_a_checksum_that_is_ignored_would_be_noticed(small, tmp_path, told, bits):
    """The mutant: another number in a chunk, and a name that agrees with it."""
    made = stored(small, tmp_path)
    path = chunks(tmp_path)[0]
    rows = pyarrow.parquet.read_table(path)
    numbers = rows["final_cost"].to_numpy().copy()
    numbers[0] += 1
    place = rows.schema.get_field_index("final_cost")
    pyarrow.parquet.write_table(rows.set_column(place, "final_cost", [numbers]), path)
    path.rename(path.with_name(f"{path.name[:6]}-{hashlib.sha256(path.read_bytes()).hexdigest()}.parquet"))
    assert bits(stored(small, tmp_path, tell=told.append)) != bits(made)
    assert told == []


def test_a_stale_chunk_that_is_taken_would_be_noticed(small, tmp_path, told, monkeypatch, bits):
    """The mutant: chunks do not tell whose they are."""
    monkeypatch.setattr(Identity, "digest", "the same")
    made = stored(small, tmp_path / "one")
    stored(replace(small, seed=1), tmp_path / "two")
    chunks(tmp_path / "one")[0].unlink()
    shutil.copy(chunks(tmp_path / "two")[0], tmp_path / "one" / "chunks")
    assert bits(stored(small, tmp_path / "one", tell=told.append)) != bits(made)
    assert told == []


def test_a_stale_chunk_is_not_taken(small, tmp_path, told, bits):
    made = stored(small, tmp_path / "one")
    stored(replace(small, seed=1), tmp_path / "two")
    chunks(tmp_path / "one")[3].unlink()
    shutil.copy(chunks(tmp_path / "two")[3], tmp_path / "one" / "chunks")
    assert bits(stored(small, tmp_path / "one", tell=told.append)) == bits(made)
    assert "other settings" in told[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iterations": 21}, "iterations is 20 there, 21 is asked"),
        ({"x": "scale:1e-3:1e2"}, "x is scale:0.001:1000:log there, scale:0.001:100:log is asked"),
        ({"seed": 1, "init": "he"}, "init is normal(1) there, he is asked; seed is 0 there, 1 is asked"),
        ({"size": (7, 7)}, "size is"),
        ({"arithmetic": "blas"}, "arithmetic is unitwise there, blas is asked"),
    ],
)
def test_a_store_of_other_settings_is_refused_and_left_alone(small, tmp_path, changes, said, files):
    stored(small, tmp_path)
    before = files(tmp_path)
    with pytest.raises(InvalidInput, match="other settings") as raised:
        stored(replace(small, **changes), tmp_path)
    assert said in str(raised.value)
    assert files(tmp_path) == before


def test_a_store_that_resumes_after_other_settings_would_be_noticed(small, tmp_path, monkeypatch, told):
    """The mutant: settings are not compared. Even then no chunk of the others is taken over."""
    stored(small, tmp_path)
    monkeypatch.setattr(Identity, "differences", lambda self, stored: [])
    stored(replace(small, seed=1), tmp_path, tell=told.append)
    assert len(told) == CHUNKS


def test_a_store_of_other_data_or_version_is_refused(small, tmp_path, monkeypatch):
    planar = load("planar")
    small = replace(small, in_memory=True)
    draw(small, How(folder=tmp_path), data=planar)
    other = Dataset(planar.name, planar.X * 2, planar.Y, planar.features, planar.classes, planar.task, True)
    with pytest.raises(InvalidInput, match="contents of planar"):
        draw(small, How(folder=tmp_path), data=other)
    header = json.loads((tmp_path / "map.json").read_text())
    (tmp_path / "map.json").write_text(json.dumps({**header, "version": "0.0.1"}))
    with pytest.raises(InvalidInput, match=r"symbreak 0\.0\.1 made it"):
        draw(small, How(folder=tmp_path), data=planar)


def test_no_resume_refuses_what_is_there(small, tmp_path, files):
    stored(small, tmp_path, resume=False)
    before = files(tmp_path)
    with pytest.raises(InvalidInput, match="asked not to go on"):
        stored(small, tmp_path, resume=False)
    assert files(tmp_path) == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "symbreak/compare/1"}'])
def test_a_header_that_is_none_is_refused(small, tmp_path, content):
    (tmp_path / "map.json").write_text(content)
    with pytest.raises(InvalidData):
        stored(small, tmp_path)
    assert (tmp_path / "map.json").read_text() == content


def test_a_folder_without_a_map_cannot_be_read(tmp_path):
    with pytest.raises(InvalidInput, match="no map"):
        read(tmp_path)


def test_one_run_at_a_time(small, tmp_path):
    with locked(tmp_path), pytest.raises(InvalidInput, match="another run"):
        stored(small, tmp_path)
    stored(small, tmp_path)


def test_remains_of_a_killed_writer_are_removed(small, tmp_path, files):
    stored(small, tmp_path)
    before = files(tmp_path)
    for folder in (tmp_path, tmp_path / "chunks"):
        (folder / durable.REMAINS.replace("*", "0123")).write_bytes(b"half")
    stored(small, tmp_path)
    assert files(tmp_path) == before


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of a few pages; where none may be mounted, a writer that fails as one does when it is full."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(place)], capture_output=True, check=False
    ).returncode
    yield place, mounted
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_loses_nothing(small, tiny_disk, tmp_path, monkeypatch, bits):
    place, mounted = tiny_disk
    if not mounted:
        monkeypatch.setattr(durable, "_write_through", failing_after(6, durable._write_through))
    with pytest.raises(InvalidInput, match=r"cannot be (stored|written)[\s\S]*No space left"):
        stored(small, place / "map")
    kept = chunks(place / "map")
    assert 0 < len(kept) < CHUNKS
    assert not list(place.rglob(durable.REMAINS))
    monkeypatch.undo()
    if mounted:
        subprocess.run(["mount", "-o", "remount,size=16m", str(place)], check=True)
    times = {path: path.stat().st_mtime_ns for path in kept}
    assert bits(stored(small, place / "map")) == bits(draw(small))
    assert {path: path.stat().st_mtime_ns for path in kept} == times


def failing_after(count, write):
    left = [count]

    def limited(path, content):
        left[0] -= 1
        if left[0] < 0:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    return limited


def test_a_disk_that_fails_in_the_middle_of_a_file_loses_nothing(small, tmp_path, monkeypatch, bits):
    monkeypatch.setattr(durable, "_write_through", failing_after(6, durable._write_through))
    with pytest.raises(InvalidInput, match="No space left"):
        stored(small, tmp_path)
    assert len(chunks(tmp_path)) == 5  # the first file is map.json
    assert not list(tmp_path.rglob(durable.REMAINS))
    monkeypatch.undo()
    assert bits(stored(small, tmp_path)) == bits(draw(small))


def test_a_folder_that_cannot_be_made(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        stored(small, tmp_path / "file" / "map")


def test_an_interrupt_keeps_what_was_finished(small, tmp_path, bits):
    def interrupt(done, total):
        if done > total / 2:
            raise KeyboardInterrupt

    part = stored(small, tmp_path, progress=interrupt)
    assert not part.complete
    assert 0 < part.done.sum() < part.done.size
    assert bits(read(tmp_path)) == bits(part)
    assert bits(stored(small, tmp_path)) == bits(draw(small))


def test_the_problem_is_that_of_compare(small):
    assert prepare(small.compared)[0].train == load("planar")
