"""A process has one backend of Keras, so the tests of backends.py run in one for each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import symbreak.keras
from symbreak.errors import MissingDependency


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_on_this_backend(backend):
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider"]
    path = Path(__file__).parent / "backends.py"
    # Less to compile for JAX; the bits are not XLA's.
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run([*command, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_model_saved_on_one_backend_is_loaded_on_the_other(tmp_path):
    path = tmp_path / "model.keras"
    save = (
        "import keras; from symbreak.keras import Initializer; d = keras.layers.Dense\n"
        "m = keras.Sequential([keras.Input((3,)), d(4, kernel_initializer=Initializer('he', seed=3))])\n"
        f"m.save({str(path)!r}); print(float(keras.ops.sum(m.layers[0].kernel)))"
    )
    load = (
        f"import keras; from symbreak.keras import Initializer; m = keras.models.load_model({str(path)!r})\n"
        "assert m.layers[0].kernel_initializer.seed == 3; print(float(keras.ops.sum(m.layers[0].kernel)))"
    )
    sums = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True,
                       text=True, check=True).stdout
        for code, backend in ((save, "torch"), (load, "jax"))
    ]  # fmt: skip
    assert float(sums[0]) == pytest.approx(float(sums[1]), rel=1e-6)


def test_without_keras_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingDependency, match=r"pip install 'symbreak\[keras\]'"):
        symbreak.keras.init_  # noqa: B018


def test_without_its_backend_the_message_names_those_that_will_do():
    code = "import symbreak.keras; symbreak.keras.init_"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "KERAS_BACKEND=torch" in done.stderr


def test_the_rooms_of_frameworks_load_nothing_before_it_is_used():
    code = "import sys, symbreak.keras, symbreak.jax; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"keras", "jax", "torch", "numpy"} & set(done.stdout.split()) == set()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'initt_'"):
        symbreak.keras.initt_  # noqa: B018
