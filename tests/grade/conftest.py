"""Notebooks as teachers and learners write them, and the programs that grade them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RIGHT = """\
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    ### BEGIN SOLUTION
    W1 = np.random.randn(n_h, n_x) * 0.01
    W2 = np.random.randn(n_y, n_h) * 0.01
    ### END SOLUTION
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
"""
ZEROS = RIGHT.replace("np.random.randn(n_h, n_x) * 0.01", "np.zeros((n_h, n_x))").replace(
    "np.random.randn(n_y, n_h) * 0.01", "np.zeros((n_y, n_h))"
)


@pytest.fixture
def solutions() -> dict[str, str]:
    """A right solution and a wrong one, as code."""
    return {"right": RIGHT, "zeros": ZEROS}


@pytest.fixture
def write_notebook():
    """Write a notebook of code cells with their metadata."""
    return _write_notebook


def _write_notebook(path: Path, cells: list[tuple[str, dict[str, Any]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": metadata,
            "outputs": [],
            "source": source,
        }
        for number, (source, metadata) in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": entries, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))


@pytest.fixture
def run(tmp_path):
    """Run a program of this environment in `tmp_path`, with settings and caches of its own."""

    def run_it(program: str, *arguments: str) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {name: str(tmp_path / name.lower()) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            cwd=tmp_path,
            env={**os.environ, **own, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_it
