"""`symbreak map` as a user runs it: the folder, the window, the single point, interrupts, errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from symbreak.cli import run
from symbreak.datasets import load
from symbreak.errors import InvalidInput
from symbreak.experiments.map.drawing import read
from symbreak.experiments.map.settings import MapSettings
from symbreak.front.map import map as draw_map

QUICK = ["map", "--size", "6x5", "--iterations", "20"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_folder_holds_picture_page_and_store(here, capsys):
    assert run(QUICK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "30 networks: scale:0.001:1000:log (6) against learning-rate:0.01:100:log (5); 20 iterations" in out
    folder = here / "symbreak-map"
    assert {path.name for path in folder.iterdir()} == {"map.json", "map.png", "map.html", "chunks", ".lock"}
    assert (folder / "map.png").read_bytes()[:4] == b"\x89PNG"
    assert "<html" in (folder / "map.html").read_text()
    result = read(folder)
    assert result.shape == (5, 6)
    assert result.complete


def test_a_map_too_large_for_a_page_has_none(here, capsys, monkeypatch):
    monkeypatch.setattr("symbreak.cli.map.PAGE_NETWORKS", 29)
    assert run(QUICK) == 0
    assert "no page for more than 29 networks" in capsys.readouterr().out
    assert not (here / "symbreak-map" / "map.html").exists()


def test_by_blas_it_says_that_the_promise_of_bits_ends(here, capsys):
    promise = "the same numbers up to rounding"
    assert run(QUICK) == 0
    assert promise not in capsys.readouterr().out
    assert promise not in (here / "symbreak-map" / "map.html").read_text()
    assert run([*QUICK, "--arithmetic", "blas"]) == 2, "a store of the other arithmetic"
    assert "arithmetic is unitwise there, blas is asked" in capsys.readouterr().err
    assert run([*QUICK, "--arithmetic", "blas", "--output", "blas"]) == 0
    assert promise in capsys.readouterr().out
    page = (here / "blas" / "map.html").read_text()
    assert promise in page
    assert "BLAS arithmetic" in page
    assert json.loads((here / "blas" / "map.json").read_text())["settings"]["arithmetic"] == "blas"
    assert run([*QUICK, "--arithmetic", "blas", "--zoom", "0.1:1,0.1:1", "--quiet"]) == 0
    (window,) = here.glob("symbreak-map-*")
    assert read(window).settings.arithmetic == "blas"


def test_the_command_of_a_point_by_blas_prints_its_numbers(here, capsys):
    assert run([*QUICK, "--arithmetic", "blas", "--x", "seed:0:3", "--size", "4x2", "--quiet"]) == 0
    result = read(here / "symbreak-map")
    words = shlex.split(result.command(1, 2))
    assert run(words[1:]) == 0
    cost = float(re.search(r"final cost: (\S+)", capsys.readouterr().out)[1])
    assert cost == pytest.approx(float(result.final_cost[1, 2]), rel=20 * 400 * np.finfo(float).eps)


def test_the_summary_is_true(here, capsys):
    assert run([*QUICK, "--y", "learning-rate:0.1:1e150", "--activation", "relu", "--loss", "squared-error"]) == 0
    out = capsys.readouterr().out
    result = read(here / "symbreak-map")
    (share,) = re.findall(r"diverged: ([\d.]+)%", out)
    assert float(share) == pytest.approx(100 * result.diverged.mean(), abs=0.05)
    command = next(line.strip() for line in out.splitlines() if line.startswith("  symbreak"))
    i, j = np.unravel_index(np.nanargmin(result.final_cost), result.shape)
    assert command == result.command(i, j)


def test_the_same_command_goes_on_and_another_is_refused(here, capsys):
    assert run([*QUICK, "--quiet"]) == 0
    before = {path: path.stat().st_mtime_ns for path in (here / "symbreak-map" / "chunks").iterdir()}
    assert run([*QUICK, "--quiet"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (here / "symbreak-map" / "chunks").iterdir()} == before
    assert capsys.readouterr() == ("", "")
    assert run([*QUICK[:-1], "21"]) == 2
    assert "iterations is 20 there, 21 is asked" in capsys.readouterr().err
    assert run([*QUICK, "--no-resume"]) == 2
    assert "asked not to go on" in capsys.readouterr().err


def test_a_damaged_chunk_is_told(here, capsys):
    assert run([*QUICK, "--quiet"]) == 0
    chunk = next((here / "symbreak-map" / "chunks").iterdir())
    chunk.write_bytes(chunk.read_bytes()[:-1])
    assert run([*QUICK, "--quiet"]) == 0
    assert re.search(r"damaged, its checksum is wrong; it is computed again", capsys.readouterr().err)


def test_a_window_goes_into_a_folder_of_its_own(here, capsys):
    assert run(QUICK) == 0
    assert run([*QUICK, "--zoom", "0.1:1,0.5:5"]) == 0
    (window,) = [path for path in here.iterdir() if path.name != "symbreak-map"]
    result = read(window)
    assert result.shape == (5, 6)
    assert (result.x[0], result.x[-1], result.y[0], result.y[-1]) == (0.1, 1.0, 0.5, 5.0)
    assert window.name == f"symbreak-map-{result.settings.digest[:8]}"


@pytest.mark.parametrize(
    "options",
    [
        ["--x", "seed:0:3", "--y", "scale-2:0.1:1", "--data", "iris", "--layers", "3,2"],
        ["--x", "epsilon:1e-9:1", "--y", "bias-scale:0.1:1", "--precision", "float32", "--batch-size", "64"],
        ["--x", "learning-rate-1:0.1:1", "--y", "mean-1:-1:1", "--optimizer", "momentum"],
        ["--x", "depth:1:3", "--y", "scale:0.1:1", "--seed", "3", "--bias-init", "normal(0.5)"],
    ],
)
def test_the_command_of_a_point_prints_its_bits(here, options, capsys):
    assert run(["map", "--size", "3", "--iterations", "20", "--quiet", *options]) == 0
    result = read(here / "symbreak-map")
    assert np.isfinite(result.final_cost).all()
    for i, j in ((0, 1), (2, 2)):
        words = shlex.split(result.command(i, j))
        assert words[:2] == ["symbreak", "map"]
        capsys.readouterr()
        assert run(words[1:]) == 0
        out = capsys.readouterr().out
        assert f"final cost: {float(result.final_cost[i, j])!r}\n" in out
        assert f"accuracy: {float(result.accuracy[i, j])!r}\n" in out
        assert f"effective units: {int(result.effective_units[i, j])} of" in out


def test_a_point_that_diverges_says_when(here, capsys):
    steep = ["--activation", "relu", "--loss", "squared-error", "--y", "learning-rate:1:1e200"]
    assert run([*QUICK, *steep, "--at", "1,1e200"]) == 0
    assert re.search(
        r"1 network: scale 1\.0, learning-rate 1e\+200; .*\ndiverged at step \d+\n", capsys.readouterr().out
    )
    assert list(here.iterdir()) == []


def test_a_prediction_draws_nothing(here, capsys):
    assert run([*QUICK, "--dry-run", "--cores", "1000"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("30 networks of 20 updates\n")
    assert re.search(
        r"took [\d.]+ ms of one core each\nall of them: [\d.]+ seconds on 1 core, \S+ seconds on 1,000", out
    )
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--x", "skale:1:2"], "try: scale"),
        (["--x", "scale:2:1"], "an axis runs upwards"),
        (["--x", "scale-3:1:2"], "layers 1 to 2"),
        (["--x", "learning-rate:1:2"], "the axes are two"),
        (["--size", "0x4"], "the size of a map"),
        (["--size", "big"], "columns x rows"),
        (["--value", "cost"], "final_cost"),
        (["--zoom", "1:2"], "x0:x1,y0:y1"),
        (["--at", "1"], "a point is x,y"),
        (["--at", "1,-1"], "learning-rate cannot be that"),
        (["--data", "plannar"], "planar"),
        (["--batch-size", "401"], "1 to 400"),
        (["--precision", "float8"], "float32, float64"),
        (["--arithmetic", "bals"], "try: blas"),
        (["--iterations", "0"], "from 1 to 1,000,000,000,000"),
        (["--layers", "a"], "whole numbers"),
        (["--workers", "0"], "workers"),
        (["--cluster", "nowhere"], "no Dask scheduler answers"),
        (["--workers", "2", "--cluster", "tcp://localhost:1"], "of this machine or of a cluster"),
    ],
)
def test_errors_are_one_message_and_leave_no_picture(here, options, words, capsys, monkeypatch):
    monkeypatch.setattr("symbreak.experiments.map.workers.PATIENCE", 0.2)
    assert run([*QUICK, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("error: ") == 1
    assert not list(here.rglob("map.png"))


def test_a_folder_that_cannot_be_used(here, capsys):
    (here / "file").write_text("")
    assert run([*QUICK, "--output", "file"]) == 2
    assert "the folder cannot be written" in capsys.readouterr().err


def test_an_interrupt_leaves_a_store_to_go_on_with(here):
    words = ["map", "--size", "16", "--iterations", "1000", "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "symbreak", *words], stderr=subprocess.PIPE)
    chunks, end = here / "symbreak-map" / "chunks", time.monotonic() + 120
    while not chunks.exists() or len(list(chunks.iterdir())) < 3:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.decode() == "interrupted: what was finished is kept in symbreak-map; the same command goes on with it\n"
    part = read(here / "symbreak-map")
    assert 0 < part.done.sum() < part.done.size
    header = json.loads((here / "symbreak-map" / "map.json").read_text())
    assert len(header["chunks"]) == len(list(chunks.iterdir()))
    assert not (here / "symbreak-map" / "map.png").exists()


def test_in_python(here):
    drawn = draw_map(x="scale:0.1:10", size=(4, 3), iterations=10, layers=3, progress=None)
    assert drawn.result.shape == (3, 4)
    assert drawn.result.settings == MapSettings(x="scale:0.1:10", size=(4, 3), iterations=10, layers=(3,))
    drawn.plot("m.svg", value="accuracy")
    drawn.to_html("m.html")
    assert {path.name for path in here.iterdir()} == {"m.svg", "m.html"}
    again = draw_map(x="scale:0.1:10", size="4x3", iterations=10, layers="3", output="store")
    assert again.result.final_cost.tobytes() == drawn.result.final_cost.tobytes()
    with pytest.raises(InvalidInput):
        draw_map(size=(1, 2, 3))


def test_data_in_memory(here):
    data = load("iris")
    drawn = draw_map(data, x="scale:0.1:1", size=2, iterations=10)
    command = drawn.result.command(1, 0)
    assert command.startswith("symbreak.map(data, x='scale:0.1:1:log', size=(2, 2), ")
    point = eval(command.replace("symbreak.map", "draw_map"), {"draw_map": draw_map, "data": data})
    assert point.result.final_cost[0, 0] == drawn.result.final_cost[1, 0]


def test_the_summary_prints(here, capsys):
    draw_map(size=2, iterations=5).print()
    assert capsys.readouterr().out.startswith("4 networks: ")
