"""Code from files: scripts and notebooks."""

from __future__ import annotations

import json
import time

import pytest

from symbreak.errors import InvalidData
from symbreak.grade import source
from symbreak.grade.sandbox import Limits, launch, open_subject
from symbreak.grade.sandbox.inner.cells import MESSAGE_CHARACTERS, MOST_RAISED
from symbreak.grade.source import cell_source, read_source
from symbreak.grade.subject import Call


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


PREDICT = "def predict(X):\n    return x\n"
COST = "def compute_cost(A2, Y):\n    return 0\n"


def test_cells_run_in_order_and_past_errors(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("x = 1", f"x = 2\n1 / 0\n{COST}", f"def f(:\n{COST}", "", "raise SystemExit", PREDICT))
    with open_subject(read_source(path)) as subject:
        assert subject.problem == ""
        assert list(subject.functions) == ["predict"]
        assert subject.call(Call("predict", (0,))).value == 2
        assert [str(each) for each in subject.raised] == [
            "ZeroDivisionError: division by zero (cell 2, line 2: 1 / 0); nothing below that line of the cell was run:"
            " there is no compute_cost",
            "SyntaxError: invalid syntax (cell 3, line 1: def f(:); nothing of that cell was run:"
            " there is no compute_cost",
            "SystemExit (cell 5, line 1: raise SystemExit); nothing below that line of the cell was run",
        ]


def test_a_script_counts_as_far_as_it_ran(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"x = 3\n{PREDICT}\nplt.show()\n{COST}")
    with open_subject(read_source(path)) as subject:
        assert subject.problem == ""
        assert subject.call(Call("predict", (0,))).value == 3
        assert [str(each) for each in subject.raised] == [
            "NameError: name 'plt' is not defined (line 5: plt.show()); nothing below that line was run:"
            " there is no compute_cost"
        ]


def test_what_a_later_cell_repairs_is_not_missed(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(f"import not_there\n{PREDICT}", f"x = 1\n{PREDICT}"))
    with open_subject(read_source(path)) as subject:
        assert [each.names for each in subject.raised] == [()]


@pytest.mark.parametrize("name", ["a.py", "a.ipynb"])
def test_code_that_does_not_come_to_an_end_counts_as_far_as_it_ran(tmp_path, name):
    cells = (f"x = 5\n{PREDICT}", "while True:\n    pass", COST)
    (tmp_path / name).write_text(notebook(*cells) if name == "a.ipynb" else "\n".join(cells))
    with open_subject(read_source(tmp_path / name), limits=Limits(seconds_to_load=2)) as subject:
        assert subject.problem == ""
        assert subject.call(Call("predict", (0,))).value == 5
        (raised,) = subject.raised
        assert str(raised).startswith("the code did not finish loading in time (")
        assert str(raised).endswith("nothing below that line was run: there is no compute_cost")


def test_nothing_counts_where_nothing_was_defined(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"from planar_utils import sigmoid\n{PREDICT}")
    with open_subject(read_source(path)) as subject:
        assert subject.functions == {}
        assert (
            subject.problem
            == "ModuleNotFoundError: No module named 'planar_utils' (line 1: from planar_utils import sigmoid)"
        )


def test_errors_at_the_top_level_are_told_with_bounds():
    many = "".join(f"# %% cell {number}\nraise ValueError('x' * 10**6)\n" for number in range(1, 60))
    with open_subject(f"{many}# %% cell 60\n{PREDICT}") as subject:
        assert subject.problem == ""
        assert len(subject.raised) == MOST_RAISED
        assert max(len(str(each)) for each in subject.raised) < 2 * MESSAGE_CHARACTERS


def test_an_exported_notebook_goes_past_errors_and_counts_lines_as_its_file(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"# coding: utf-8\n\n# In[1]:\n\nx = 7\nimport not_there\n\n# In[ ]:\n\n{PREDICT}")
    with open_subject(read_source(path)) as subject:
        assert subject.call(Call("predict", (0,))).value == 7
        assert [each.place for each in subject.raised] == ["line 6: import not_there"]


def test_a_line_that_looks_like_a_cell_s_begins_none(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("def predict(X):\n    x = 4\n# %% cell 2\n    return x"))
    with open_subject(read_source(path)) as subject:
        assert subject.raised == ()
        assert subject.call(Call("predict", (0,))).value == 4


def test_what_notebooks_show_shows_nothing_and_is_no_error(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("display('x')", f"{PREDICT}\nx = 1", "exit()"))
    with open_subject(read_source(path)) as subject:
        assert list(subject.functions) == ["predict"]
        assert [each.error for each in subject.raised] == ["SystemExit"]


def test_annotations_stay_unread_in_later_cells(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("from __future__ import annotations", "def predict(X: Array) -> Array:\n    return X"))
    with open_subject(read_source(path)) as subject:
        assert subject.raised == ()
        assert list(subject.functions) == ["predict"]


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
    assert launch.libraries("\n" * 10**5 + " " * 10**5) == []
    assert time.process_time() - begun < 1.0
    assert launch.libraries("x = 1\n    import  torch.nn as nn\n") == ["torch"]


def test_libraries_are_seen_in_notebooks_too(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(
        notebook("import numpy as np", "%matplotlib inline\nfrom jax import numpy as jnp\nimport torchinfo")
    )
    assert launch.libraries(read_source(path)) == ["jax"]


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
