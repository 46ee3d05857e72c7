"""Code from files: scripts and notebooks."""

from __future__ import annotations

import json
import time

import pytest

from symbreak.errors import InvalidData
from symbreak.grade import source
from symbreak.grade.sandbox import launch, open_subject
from symbreak.grade.source import cell_source, read_source


def notebook(*codes: str) -> str:
    cells = [{"cell_type": "markdown", "source": ["# text"]}]
    cells += [{"cell_type": "code", "source": code.splitlines(keepends=True)} for code in codes]
    return json.dumps({"cells": cells, "nbformat": 4})


def run(source: str) -> dict:
    space: dict = {"__name__": "submission"}
    exec(source, space)
    return space


def test_a_script_is_read_in_the_encoding_that_it_declares(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    assert run(read_source(path))["name"] == "é"


def test_cells_run_in_order_and_past_errors(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("x = 1", "1 / 0", "def f(:", "", "x += 1\ny = x"))
    assert run(read_source(path))["y"] == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == ["cell 2 raised ZeroDivisionError", "cell 3 raised SyntaxError"]


def test_a_script_saved_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx = 3\n")
    assert run(read_source(path))["x"] == 3


EXPORTED = """
get_ipython().run_line_magic('matplotlib', 'inline')
files = get_ipython().getoutput('ls')
if 'IPKernelApp' in get_ipython().config:
    raise SystemExit
get_ipython().run_cell_magic('time', '', 'def predict(X):\\n    return X\\n')
get_ipython().run_cell_magic('bash', '', 'rm -r x')
"""


def test_an_exported_notebook_runs_without_ipython(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(EXPORTED)
    with open_subject(read_source(path)) as subject:
        assert subject.problem == ""
        assert list(subject.functions) == ["predict"]


def test_magics_in_a_script_go_and_mistakes_stay(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("%matplotlib inline\nx = 1\n")
    assert run(read_source(path))["x"] == 1
    path.write_text("%matplotlib inline\nx = (1\n")
    assert read_source(path) == path.read_text()


def test_a_link_to_what_somebody_else_wrote_is_refused(tmp_path):
    (tmp_path / "solution.py").write_text("x = 1")
    folder = tmp_path / "alice"
    folder.mkdir()
    (folder / "a.py").symlink_to("../solution.py")
    with pytest.raises(InvalidData, match="link out of its folder"):
        read_source(folder / "a.py")
    (folder / "b.py").write_text("x = 2")
    (folder / "c.py").symlink_to("b.py")
    assert run(read_source(folder / "c.py"))["x"] == 2


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = 5 % 3\n", "x = 5 % 3\n"),
        ("s = '''\n%time\n!x\n'''", "s = '''\n%time\n!x\n'''"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if True:\n    %time f()\n    x = 1", "if True:\n    pass\n    x = 1"),
        ("files = !ls\nx = 1", "files = None\nx = 1"),
        ("print?\nx = 1", "pass\nx = 1"),
        ("%%time\nx = 1", "x = 1"),
        ("%%bash\nrm x", ""),
        ("%%", ""),
        ("!ls\n# why?\nx = 1", "pass\n# why?\nx = 1"),
    ],
)
def test_magics_and_shell_lines_go(cell, expected):
    assert cell_source(cell) == expected


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.txt", b"x = 1", "from a .py or .ipynb"),
        ("a.ipynb", b"not json", "must be JSON"),
        ("a.ipynb", b"[1]", "must be JSON"),
        ("a.ipynb", b'{"cells": [{"cell_type": "code"}]}', "must be JSON"),
        ("a.ipynb", b'{"cells": 3}', "must be JSON"),
        ("a.ipynb", b"\xff\xfe", "UTF-8"),
        ("a.ipynb", b"[" * 200_000, "must be JSON"),
        ("a.py", b"\xff\xfe", "encoding that it declares"),
        ("a.py", b"# coding: nothing\n", "encoding that it declares"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, name, content, rule):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidData, match=rule):
        read_source(tmp_path / name)


@pytest.mark.parametrize(
    "line", [" " * 10**5 + "x", "a " * 10**5, "a, " * 10**5, "? " * 10**5 + "x", "?" + " " * 10**5 + "x"]
)
def test_no_line_takes_long_to_read(line):
    begun = time.process_time()
    cell_source(f"!ls\n{line}\n")
    assert time.process_time() - begun < 1.0  # thousandths; in a pattern that tries twice, minutes


def test_blank_lines_take_no_time_to_look_through():
    begun = time.process_time()
    assert not launch._TORCH.search("\n" * 10**5 + " " * 10**5)
    assert time.process_time() - begun < 1.0
    assert launch._TORCH.search("x = 1\n    import  torch.nn as nn\n")


def test_more_code_than_is_run_is_not_parsed(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1\n" * 10**5)
    monkeypatch.setattr(source.ast, "parse", lambda text: pytest.fail("it was parsed"))
    assert len(read_source(tmp_path / "a.py")) == 6 * 10**5


def test_missing_and_too_large_files_are_told(tmp_path):
    with pytest.raises(InvalidData, match="must exist"):
        read_source(tmp_path / "none.py")
    (tmp_path / "big.py").write_bytes(b"#" * (10 * 2**20 + 1))
    with pytest.raises(InvalidData, match="at most"):
        read_source(tmp_path / "big.py")
