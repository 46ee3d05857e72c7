"""Same bits: whatever the chunks, the threads and the processes, and those of `compare`."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest

from symbreak.cli import run
from symbreak.experiments import prepare
from symbreak.experiments.map import drawing
from symbreak.experiments.map.drawing import How, draw
from symbreak.experiments.map.grid import MOST_CHUNKS, Chunk, Grid, grid
from symbreak.experiments.map.running import Job, train_chunk
from symbreak.experiments.map.settings import MapSettings


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    table = tmp_path_factory.mktemp("data") / "numbers.csv"
    lines = [f"{i % 7},{i * i % 11},{(i % 7) * 0.3 + i * i % 11 + i / 50}" for i in range(60)]
    table.write_text("\n".join(["a,b,target", *lines]))
    plain = {"size": (5, 4), "iterations": 15}
    return {
        "lesson": MapSettings(**plain),
        "diverging": MapSettings(y="learning-rate:1e-1:1e150", activation="relu", loss="squared-error", **plain),
        "regression": MapSettings(
            data=str(table), target="target", task="regression", layers=(3,), y="learning-rate:1e-3:1", **plain
        ),
        "batches": MapSettings(batch_size=32, optimizer="adam", precision="float32", **plain),
        "architectures": MapSettings(x="depth:0:3", y="width:1:9", layers=(3,), **plain),
        "ties": MapSettings(x="epsilon:1e-12:1", y="momentum:0:0.9", bias_init="normal(1)", **plain),
        "layers": MapSettings(x="learning-rate-1:0.1:1", y="scale-2:0.1:1", **plain),
        "seeds": MapSettings(x="seed:0:9", y="bias-scale:0.1:1", data="iris", **plain),
    }


CASES = ("lesson", "diverging", "regression", "batches", "architectures", "ties", "layers", "seeds")


@pytest.mark.parametrize("name", CASES)
def test_chunks_change_no_bit(cases, name, bits):
    whole = draw(cases[name], How(chunk=1000))
    assert whole.complete
    for chunk in (1, 3):
        assert bits(draw(cases[name], How(chunk=chunk))) == bits(whole)


def test_the_cases_hold_what_can_happen(cases):
    """Else the test above would compare little."""
    diverging, lesson = draw(cases["diverging"]), draw(cases["lesson"])
    assert 0 < diverging.diverged.sum() < diverging.diverged.size
    assert np.isnan(diverging.effective_units[diverging.diverged]).all()
    assert np.isnan(diverging.final_cost[diverging.diverged]).all()
    assert len(np.unique(lesson.final_cost)) == lesson.final_cost.size
    assert np.isfinite(lesson.steps_to_half).any() or lesson.final_cost.min() > lesson.base_rate_cost / 2
    regression = draw(cases["regression"])
    assert regression.score == "r2"
    assert np.isfinite(regression.accuracy).any()
    assert set(np.unique(draw(cases["architectures"]).hidden_units)) >= {0, 1, 9, 27}


@pytest.mark.parametrize("changes", [{}, {"batch_size": 32, "optimizer": "adam"}, {"x": "learning-rate-1:0.1:1"}])
def test_blas_gives_the_same_map_to_rounding(changes):
    """Within the stable rates, where rounding does not grow."""
    asked = MapSettings(
        **{"x": "scale:0.1:1", "y": "learning-rate:1e-2:0.3", "size": (4, 3), "iterations": 20, **changes}
    )
    unit, blas = draw(asked), draw(replace(asked, arithmetic="blas"))
    rounding = 4 * 20 * 400 * np.finfo(float).eps
    np.testing.assert_allclose(blas.final_cost, unit.final_cost, rtol=rounding)
    assert (blas.final_cost != unit.final_cost).any(), "BLAS was not used"
    for name in ("steps_to_half", "diverged_at", "effective_units", "accuracy"):
        np.testing.assert_array_equal(getattr(blas, name), getattr(unit, name))


def test_blas_stops_what_diverges(cases):
    unit, blas = draw(cases["diverging"]), draw(replace(cases["diverging"], arithmetic="blas"))
    assert blas.diverged.any()
    np.testing.assert_array_equal(blas.diverged, unit.diverged)
    np.testing.assert_array_equal(np.isnan(blas.final_cost), np.isnan(unit.final_cost))


def test_by_blas_chunks_processes_and_windows_are_of_that_arithmetic(cases, bits):
    """On one machine, whose BLAS has the same threads throughout, the bits are the same."""
    asked = replace(cases["lesson"], arithmetic="blas")
    whole = draw(asked)
    assert bits(draw(asked, How(workers=1, chunk=7))) == bits(whole)
    x, y = float(whole.x[1]), float(whole.y[3])
    window = asked.window((x, x), (y, y))
    assert window.arithmetic == "blas"
    assert draw(window).final_cost[0, 0] == whole.final_cost[3, 1]
    assert "--arithmetic blas" in whole.command(3, 1)
    assert "--arithmetic blas" in draw(replace(asked, y="seed:0:3")).command(2, 1)


def test_processes_change_no_bit(cases, bits):
    assert bits(draw(cases["diverging"], How(workers=2, chunk=3))) == bits(draw(cases["diverging"]))


def test_networks_of_one_point_depend_on_nothing_else(cases):
    """Row i, column j holds the network of y[i], x[j]: a map of that one point alone has its bits."""
    for name in CASES:
        whole = draw(cases[name])
        i, j = whole.shape[0] - 1, min(1, whole.shape[1] - 1)
        x, y = float(whole.x[j]), float(whole.y[i])
        alone = draw(cases[name].window((x, x), (y, y)))
        assert alone.shape == (1, 1)
        assert alone.final_cost.tobytes() == whole.final_cost[i, j].tobytes()
        assert alone.accuracy.tobytes() == whole.accuracy[i, j].tobytes()


@pytest.mark.parametrize("name", ["lesson", "diverging", "regression", "architectures"])
def test_compare_prints_the_same_bits(cases, name, tmp_path):
    whole, settings = draw(cases[name]), cases[name]
    for i, j in ((0, 0), (1, 2), (whole.shape[0] - 1, whole.shape[1] - 1)):
        words = shlex.split(whole.command(i, j))
        assert words[:2] == ["symbreak", "compare"], settings
        assert run([*words[1:], "--json", str(tmp_path / "one.json"), "--quiet"]) == 0
        (row,) = json.loads((tmp_path / "one.json").read_text())["rows"]
        (one,) = row["runs"]
        assert one["overflowed_at"] == (int(whole.diverged_at[i, j]) if whole.diverged[i, j] else None)
        for theirs, ours in (
            (one["final_cost"], whole.final_cost[i, j]),
            (one["accuracy"], whole.accuracy[i, j]),
            (one["iterations_to_half_base_rate"], whole.steps_to_half[i, j]),
        ):
            assert (np.nan if theirs is None else theirs) == ours or (theirs is None and np.isnan(ours))
        if one["overflowed_at"] is None:
            assert sum(one["effective_units"]["end"]) == whole.effective_units[i, j]


def test_a_map_with_its_chunks_in_another_order_would_be_noticed(cases, monkeypatch, bits):
    """The mutant: what comes first is taken for what was asked for first."""
    right = bits(draw(cases["lesson"], How(chunk=1)))
    taken = drawing._finished

    def shuffled(workers, chunks):
        found = list(taken(workers, chunks))
        yield from zip([chunk for chunk, _ in found], [records for _, records in reversed(found)], strict=True)

    monkeypatch.setattr(drawing, "_finished", shuffled)
    assert bits(draw(cases["lesson"], How(chunk=1))) != right


def test_a_start_that_is_shared_wrongly_would_be_noticed(cases, monkeypatch):
    """The mutant: one start for all networks of a chunk."""
    from symbreak.experiments.map import running

    job = Job(cases["seeds"], prepare(cases["seeds"].compared)[0])
    right = train_chunk(job, Chunk(0, 0, 3, 0, 3)).final_cost
    real, made = running.start, []
    monkeypatch.setattr(running, "start", lambda *a, **k: made[0] if made else made.append(real(*a, **k)) or made[0])
    assert train_chunk(job, Chunk(0, 0, 3, 0, 3)).final_cost.tobytes() != right.tobytes()


def test_chunks_cover_the_map_once():
    for shape, tile in (((7, 5), (2, 3)), ((1, 1), (1, 1)), ((4, 4), (4, 4)), ((3, 100), (1, 7))):
        cut = Grid(shape, tile)
        seen = np.zeros(shape, int)
        for index in cut.scattered():
            chunk = cut.chunk(index)
            seen[chunk.top : chunk.bottom, chunk.left : chunk.right] += 1
        assert (seen == 1).all()


def test_the_first_chunks_are_spread():
    """Of the first tenth, each quarter of the map has its share, up to two."""
    first = np.array(list(Grid((1, 1000), (1, 1)).scattered())[:100])
    assert all(abs(count - 25) <= 2 for count in np.histogram(first, bins=4, range=(0, 1000))[0])


def test_a_chunk_has_one_architecture_and_a_store_few_files():
    settings = MapSettings(x="depth:1:8", size=(8, 1000))
    assert grid(settings, 400, (2, 1)).tile[1] == 1
    large = MapSettings(size=(10_000, 10_000))
    assert 10_000 < grid(large, 400, (2, 1)).count <= 1.1 * MOST_CHUNKS
    assert grid(MapSettings(), 400, (2, 1)).count >= 64
    rows, columns = grid(MapSettings(), 400, (2, 1), networks=10).tile
    assert rows * columns == 9


def test_progress_counts_networks(cases):
    seen = []
    draw(cases["lesson"], How(chunk=3, progress=lambda done, total: seen.append((done, total))))
    assert seen == sorted(seen)
    assert seen[-1] == (20, 20)
    assert len(seen) > 5
