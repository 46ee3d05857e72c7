"""`symbreak compare` as a user runs it: what goes where, and how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from symbreak.cli import run

QUICK = ["compare", "--seeds", "2", "--iterations", "30"]


def test_the_table_goes_to_stdout_and_nothing_to_stderr(capsys):
    assert run(QUICK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for init in ("zeros", "constant(0.5)", "normal(0.01)", "normal(1)", "normal(100)", "xavier", "he"):
        assert f"\n{init} " in out
    assert "4 units are one unit: identical in every forward and backward pass" in out
    assert "planar: 400 examples" in out


def test_json_to_stdout_is_all_there_is(capsys):
    assert run([*QUICK, "--init", "zeros", "--init", "he", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert err == ""
    assert [row["init"] for row in data["rows"]] == ["zeros", "he"]
    assert data["command"] == "symbreak compare --init zeros --init he --seeds 2 --iterations 30"


def test_the_command_in_the_result_makes_the_same_result(capsys):
    run([*QUICK, "--data", "iris", "--layers", "5,3", "--activation", "leaky_relu(0.2)", "--json", "-"])
    first = json.loads(capsys.readouterr().out)
    import shlex

    run([*shlex.split(first["command"])[1:], "--json", "-"])
    assert json.loads(capsys.readouterr().out) == first


def test_files_are_written_beside_the_table(tmp_path, capsys):
    files = [tmp_path / name for name in ("r.json", "r.html", "p.png", "p.svg")]
    for plot in files[2:]:
        code = run([*QUICK, "--quiet", "--json", str(files[0]), "--report", str(files[1]), "--plot", str(plot)])
        assert code == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads(files[0].read_text())["schema"] == "symbreak/compare/1"
    assert "<html" in files[1].read_text()
    assert files[2].read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in files[3].read_text()
    assert sorted(tmp_path.iterdir()) == sorted(files), "something was left behind"


def table(path, labels, *, header="a,b,y"):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{label}" for (a, b), label in zip(rng.normal(size=(len(labels), 2)), labels, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_csv_of_ones_own(tmp_path, capsys):
    path = table(tmp_path / "own.csv", ["yes", "no"] * 20)
    assert run([*QUICK, "--data", str(path), "--target", "y", "--json", "-"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["classes"], data["features"], data["standardized"]) == (["no", "yes"], ["a", "b"], True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--init", "hee"], "try: he"),
        (["--data", "plannar"], "planar"),
        (["--data", "missing.csv"], "missing.csv"),
        (["--learning-rate", "0"], "above 0"),
        (["--learning-rate", "nan"], "above 0"),
        (["--layers", "4,x"], "hidden layers"),
        (["--layers", "-4"], "hidden layers"),
        (["--seeds", "0"], "seeds"),
        (["--init", "normal(-1)"], ">= 0"),
        (["--activation", "tanhh"], "tanh"),
        (["--loss", "hinge"], "cross-entropy"),
        (["--batch-size", "1000"], "training split"),
        (["--report", "r.pdf"], ".html"),
        (["--plot", "p.bmp"], ".png"),
        (["--report", "nowhere/r.html"], "folder must exist"),
        (["--json", "nowhere/r.json"], "folder must exist"),
        (["--json", "r.html", "--report", "./r.html"], "file of its own"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run([*QUICK, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert words in err
    assert [line.split(":")[0].strip() for line in err.splitlines()[1:]] == ["got", "allowed", "try"]
    assert list(tmp_path.iterdir()) == []


def test_unknown_options_are_usage_errors(capsys):
    assert run(["compare", "--sedes", "3"]) == 2
    assert "--seeds" in capsys.readouterr().err
    assert run(["compair"]) == 2


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["compare", "--help"]])
def test_help_and_version(arguments, capsys):
    assert run(arguments) == 0
    assert "symbreak" in capsys.readouterr().out


def test_interrupting_keeps_what_is_finished(tmp_path):
    """A real signal to a real process: zeros end at once, the rest would take minutes."""
    arguments = [*QUICK[:1], "--init", "zeros", "--init", "he", "--seeds", "8", "--iterations", "4000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "symbreak", *arguments, "--json", str(tmp_path / "r.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in err
    assert out == "" or "zeros" in out


def test_an_interrupt_while_modules_load_has_the_same_exit_code(tmp_path):
    """Classes of data are made by exec(); `python -m` would end by the signal itself if Ctrl-C falls into that."""
    loading = (
        "import symbreak.__main__ as m, symbreak.cli as c; c.run = lambda a: exec('raise KeyboardInterrupt'); m.main()"
    )
    (tmp_path / "loading.py").write_text(loading)
    result = subprocess.run([sys.executable, "-m", "loading"], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (130, "interrupted: nothing was finished\n")


def start(arguments, stdout):
    return subprocess.run(
        [sys.executable, "-m", "symbreak", *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def test_a_full_disk_behind_stdout_costs_no_file(tmp_path):
    with open("/dev/full", "w") as full:
        result = start([*QUICK, "--init", "zeros", "--json", str(tmp_path / "r.json")], full)
    assert result.returncode == 2
    assert result.stderr.startswith("error: the result cannot be printed")
    assert "Traceback" not in result.stderr
    assert json.loads((tmp_path / "r.json").read_text())["rows"]


def test_a_pipe_that_closes_is_no_error(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    result = start([*QUICK, "--init", "zeros"], writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_the_table_fits_its_terminal(columns, capsys, monkeypatch):
    import rich.console

    from symbreak.report import terminal

    monkeypatch.setattr(terminal.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(terminal.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 40)))
    monkeypatch.setattr(rich.console.Console, "is_terminal", False)
    assert run([*QUICK, "--init", "zeros", "--init", "normal(100)"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    if columns >= 80:
        assert any(line.startswith("zeros ") and "1 -> 1" in line and "never" in line for line in lines)
    if columns == 200:
        assert any("[" in line and "normal(100)" in line for line in lines), "room for ranges"


def test_the_version_is_one():
    out = subprocess.run(
        [sys.executable, "-m", "symbreak", "--version"], capture_output=True, text=True, check=True
    ).stdout
    import symbreak

    assert out == f"symbreak {symbreak.__version__}\n"
