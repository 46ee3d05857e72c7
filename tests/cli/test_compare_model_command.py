"""`symbreak compare pkg.mod:build_model --batches pkg.mod:batches` as a user runs it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest
import torch

from symbreak.cli import run
from symbreak.experiments import CompareResult
from symbreak.report import comparison_html

torch.set_num_threads(1)

SOURCE = """
import torch
from torch import nn

print("a module that talks")

def build():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))

def batches():
    generator = torch.Generator().manual_seed(0)
    while True:
        x = torch.randn(16, 4, generator=generator)
        yield x, (x[:, 0] > 0).long()

def make(parameters):
    return torch.optim.SGD(parameters, lr=0.5)

def hinge(output, y):
    sign = 2 * y - 1
    return (1 - sign * (output[:, 1] - output[:, 0])).clamp_min(0).mean()

def broken():
    raise ValueError("no such width")

def short():
    yield from [next(batches())] * 3

BUILT = []

def build_aloud():
    BUILT.append(1)
    print("built", len(BUILT), flush=True)
    return build()
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_compared.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("mine_compared", None)


BASE = ["compare", "mine_compared:build", "--batches", "mine_compared:batches"]
QUICK = [*BASE, "--steps", "12", "--seeds", "2", "--init", "as-built", "--init", "zeros"]


def test_the_table_goes_to_stdout_alone(mine, capsys):
    assert run(QUICK) == 0
    out, err = capsys.readouterr()
    assert err == "a module that talks\n"
    assert "mine_compared:build (Sequential), 58 parameters, tanh, cross-entropy; AdamW, learning rate 0.001" in out
    assert "\nas-built " in out
    assert "8 units behind 0.weight are one unit" in out


def test_files_and_the_command_that_makes_them_again(mine, capsys):
    names = ["r.json", "r.html", "p.png"]
    options = ["--optimizer", "mine_compared:make", "--loss", "cross-entropy", "--quiet"]
    assert run([*QUICK, *options, "--json", names[0], "--report", names[1], "--plot", names[2]]) == 0
    assert capsys.readouterr().out == ""
    data = json.loads((mine / "r.json").read_text())
    assert data["schema"] == "symbreak/compare/1"
    assert data["network"]["optimizer"] == "SGD"
    assert (mine / "p.png").read_bytes()[:4] == b"\x89PNG"
    assert {path.name for path in mine.iterdir()} - {"__pycache__"} == {"mine_compared.py", *names}
    assert run([*shlex.split(data["command"])[1:], "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == data


def test_the_page_has_what_a_model_has_and_no_plane(mine):
    run([*QUICK, "--quiet", "--json", "r.json"])
    page = comparison_html(CompareResult.from_json(json.loads((mine / "r.json").read_text())))
    assert "0.weight" in page
    assert "2 initializations of one model" in page
    assert 'id="cost"' in page
    assert 'id="trajectory-0"' in page
    assert 'id="activations-0"' in page
    assert "boundary-0" not in page
    assert "standardised" not in page


def test_a_loss_without_a_score_leaves_its_column_out(mine, capsys):
    assert run([*QUICK, "--loss", "mine_compared:hinge", "--report", "r.html", "--plot", "p.svg"]) == 0
    out = capsys.readouterr().out
    assert "accuracy" not in out
    assert "half starting" in out
    assert "base-rate" not in out
    page = (mine / "r.html").read_text()
    assert "iterations to half starting cost" in page
    assert "knowing only the base rate" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*QUICK, "--data", "planar"], "--data"),
        ([*QUICK, "--layers", "3", "--iterations", "4"], "--layers --iterations"),
        (["compare", "--batches", "mine_compared:batches"], "--batches"),
        (["compare", "--steps", "3"], "--steps"),
        (["compare", "mine_compared:build"], "batches of its own"),
        (["compare", "mine_compared", "--batches", "mine_compared:batches"], "pkg.mod:name"),
        (["compare", "mine_compared:built", "--batches", "mine_compared:batches"], "'built'"),
        (["compare", "nowhere:build", "--batches", "nowhere:batches"], "nowhere"),
        (["compare", "mine_compared:broken", "--batches", "mine_compared:batches"], "no such width (mine_compared.py:"),
        (["compare", "mine_compared:build", "--batches", "mine_compared:short"], "3 batches; 300 were asked for"),
        (["compare", "mine_compared:build", "--batches", "mine_compared:build"], "Linear as number 0"),
        ([*BASE, "--init", "plam"], "plan"),
        ([*BASE, "--optimizer", "gd"], "sgd"),
        ([*BASE, "--optimizer", "mine_compared:hinge"], "function that takes a list of parameters"),
        ([*BASE, "--loss", "hinge"], "pkg.mod:function"),
        ([*BASE, "--learning-rate", "0"], "above 0"),
        ([*BASE, "--report", "r.pdf"], ".html"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(mine, arguments, words, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    message = err.removeprefix("a module that talks\n")
    assert message.startswith("error: ")
    assert words in message
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == ["got", "allowed", "try"]


def test_interrupting_keeps_what_is_finished(mine):
    arguments = ["compare", "mine_compared:build_aloud", "--batches", "mine_compared:batches", "--seeds", "20000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "symbreak", *arguments, "--steps", "1", "--init", "as-built", "--json", "r.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
    )
    # Two are built to look at them, and a third run begins once two are finished.
    assert process.stderr is not None
    assert any(line == "built 5\n" for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    runs = json.loads((mine / "r.json").read_text())["rows"][0]["runs"]
    assert 2 <= len(runs) < 20000
