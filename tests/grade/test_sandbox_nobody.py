"""The same for a grader that is not root: with namespaces of users, and where not even those are allowed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parent / "hostile"
_SPEC = importlib.util.spec_from_file_location("attacks", HOSTILE / "attacks.py")
attacks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(attacks)

SOME = [
    "infinite loop",
    "fork bomb",
    "memory of NumPy",
    "os._exit",
    "forged reply, guessed nonce",
    "opens a socket",
    "kills its parent",
    "kills everybody",
    "kills its group",
    "traces",
    "raises its limits",
    "100 000 small files",
    "deletes its folder",
]
# Without namespaces these are stopped by other means than `attacks` says.
OTHERWISE = {"100 000 small files": {"exit"}, "deletes its folder": {None}}


@pytest.fixture
def open_folder():
    """A folder that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield folder


@pytest.mark.parametrize("without", [[], ["processes", "files"]], ids=["namespaces", "bare"])
def test_attacks_on_a_grader_that_is_not_root(without, open_folder):
    names = SOME if without else [*SOME, "reads the grader's memory", "asks symbreak, stubbornly"]
    result = subprocess.run(
        [sys.executable, str(HOSTILE / "as_nobody.py"), json.dumps(without), json.dumps(names)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": open_folder},
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["user"] != 0
    assert report["left"] == []
    # Where the code is a process of the grader's own user, the grader has to hide its memory.
    assert report["memory"] == (["", "PermissionError"] if without else ["FileNotFoundError"] * 2)
    for name, found in report["attacks"].items():
        stops = OTHERWISE.get(name, attacks.ATTACKS[name][2]) if without else attacks.ATTACKS[name][2]
        assert found["stopped"] in stops, (name, found)
        assert found["later"], (name, found)
        assert set(found["missing"]) == ({"user", "processes", "network", "files"} if without else {"user"})
