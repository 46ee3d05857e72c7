"""One (seed, name, shape, law) has one set of bits: in NumPy, PyTorch, JAX and Keras, stored in any layout and dtype.

Run as a script with the name of a framework, it prints the digests of what that framework makes: Keras has one backend
in a process, and JAX makes its eight devices before it starts.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from symbreak import initializers
from symbreak.initializers import tree
from symbreak.initializers.fans import logical_axes, to_layout

SEED = 20_26
ARGUMENTS = {"constant": "constant(0.1)", "normal": "normal(0.02, 0.1)", "dirac": "dirac(2)"}
# What the plan of a whole model says, beyond the catalogue.
PLANNED = ("mirrored(1.2, both)", "orthogonal(2) | normal(0.1)", "axis 1: 16 he_normal | 8 zeros")
KERNELS = ("dirac", "delta_orthogonal")
EXACT = {"zeros", "ones", "constant(0.1)", "identity", "dirac(2)"}  # no seed and no name in them
DTYPES = ("float32", "float64", "float16", "bfloat16")
MUTANTS = ("seed", "name", "layout")


@dataclass(frozen=True)
class Case:
    """A tensor: its law, its logical shape (out, in, *spatial), its dtype."""

    law: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def own(self) -> str:
        """The last part of its name."""
        return "w_" + "".join(c if c.isalnum() else "_" for c in f"{self.law}_{self.shape}_{self.dtype}")

    @property
    def name(self) -> str:
        return f"block.{self.own}"

    @property
    def stored(self) -> tuple[int, ...]:
        """Its shape in the layout of Flax and Keras."""
        order = stored_order(len(self.shape))
        return tuple(self.shape[axis] for axis in order)


def stored_order(dimensions: int) -> tuple[int, ...]:
    logical = logical_axes(range(dimensions), layout="in_out")
    return tuple(logical.index(axis) for axis in range(dimensions))


def cases() -> list[Case]:
    laws = [*(ARGUMENTS.get(name, name) for name in initializers.CATALOGUE), *PLANNED]
    found = []
    for law in laws:
        structured = law.startswith(KERNELS)
        matrix_only = law in ("identity", "sparse") or "|" in law
        shapes = [] if structured else [(16, 24)]
        shapes += [] if matrix_only else [(16, 8, 3)]
        shapes += [(5,)] if law.startswith(("zeros", "normal", "uniform", "truncated")) else []
        found += [Case(law, shape, dtype) for shape in shapes for dtype in DTYPES]
    return found


CASES = cases()


def kind(case: Case) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, case.dtype, case.dtype))


def digest(array: Any, *, stored: bool = False) -> str:
    """Digest of dtype, shape and bytes in logical layout."""
    values = np.asarray(array)
    logical = values.transpose(logical_axes(range(values.ndim), layout="in_out")) if stored else values
    text = f"{logical.dtype.name} {logical.shape} ".encode()
    return hashlib.blake2b(text + np.ascontiguousarray(logical).tobytes(), digest_size=16).hexdigest()


def references() -> dict[str, str]:
    """By the initializer itself."""
    return {c.name: digest(initializers.get(c.law)(c.shape, seed=SEED, name=c.name, dtype=kind(c))) for c in CASES}


# --- each framework's own way; `mutant` breaks one thing, for which one dtype is enough


def tried(mutant: str) -> list[Case]:
    """Read in the wrong layout, some laws are refused, which is noticed as well."""
    refused = (*KERNELS, "axis", "mirrored") if mutant == "layout" else ()
    return [c for c in CASES if not mutant or (c.dtype == "float32" and not c.law.startswith(refused))]


def wrong_seed(mutant: str) -> int:
    return SEED + (mutant == "seed")


def wrong_name(name: str, mutant: str) -> str:
    """A wrapper's prefix, which changes nothing; or one that does."""
    return f"modul.{name}" if mutant == "name" else f"module.{name}"


def by_numpy(mutant: str = "", layout: str = "in_out") -> dict[str, str]:
    stored, found = layout == "in_out", {}
    for c in tried(mutant):
        name = wrong_name(c.name, mutant)
        shape = c.stored if stored else c.shape
        filled = tree.fill({name: shape}, c.law, seed=wrong_seed(mutant), layout=layout, dtype=kind(c))[name]
        if mutant == "layout":  # the right values, put down in the wrong order
            filled = to_layout(filled, layout="in_out").reshape(shape)
        found[c.name] = digest(filled, stored=stored)
    return found


def by_torch(mutant: str = "") -> dict[str, str]:
    import torch

    from symbreak.initializers.names import normal_name
    from symbreak.torch.filling import as_array, fill_

    found = {}
    for c in tried(mutant):
        name = normal_name(wrong_name(c.name, mutant))
        tensor = torch.empty(c.shape, dtype=getattr(torch, c.dtype))
        if mutant == "layout":
            fill_(tensor.view(c.stored), c.law, seed=SEED, name=name, layout="in_out")
        else:
            fill_(tensor, c.law, seed=wrong_seed(mutant), name=name)
        found[c.name] = digest(as_array(tensor))
    return found


def by_jax(mutant: str = "", layout: str = "in_out") -> dict[str, str]:
    """By `init_tree`, spread over eight devices wherever the first axis can be cut into eight."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    from symbreak.jax import init_tree

    mesh = jax.make_mesh((8,), ("x",))
    stored = layout == "in_out"

    def spec(c: Case) -> Any:
        shape = c.stored if stored else c.shape
        sharding = NamedSharding(mesh, PartitionSpec("x")) if shape[0] % 8 == 0 else None
        return jax.ShapeDtypeStruct(shape, kind(c), sharding=sharding)

    used = tried(mutant)
    params = {"block": {c.own: spec(c) for c in used}}
    laws = {c.name: c.law for c in used}
    wrong = {"in_out": "out_in", "out_in": "in_out"}[layout] if mutant == "layout" else layout
    rename = functools.partial(wrong_name, mutant=mutant)
    made = init_tree(params, laws, seed=wrong_seed(mutant), layout=wrong, rename=rename)
    return {c.name: digest(made["block"][c.own], stored=stored) for c in used}


def by_keras(mutant: str = "") -> dict[str, str]:
    import keras

    from symbreak.initializers.axes import drawn
    from symbreak.keras import init_, models

    used = tried(mutant)

    class Holder(keras.layers.Layer):
        def build(self, _):
            for c in used:
                setattr(self, c.own, self.add_weight(shape=c.stored, dtype=c.dtype, name=c.own, initializer="zeros"))

        def call(self, x):
            return x

    change = {"name": {"name": "x"}, "layout": {"layout": "out_in"}}.get(mutant, {})
    model = keras.Sequential([keras.Input((1,)), Holder(name="block")])
    models.drawn = lambda init, shape, **options: drawn(init, shape, **(options | change))
    init_(model, {c.name: c.law for c in used}, seed=wrong_seed(mutant))
    return {c.name: digest(as_numpy(getattr(model.layers[0], c.own), c), stored=True) for c in used}


def as_numpy(variable: Any, case: Case) -> Any:
    import keras

    value = keras.ops.cast(variable.value, "float32")  # exact from each of the types
    return np.asarray(value.detach() if hasattr(value, "detach") else value).astype(kind(case))


WAYS = {
    "numpy": by_numpy,
    "numpy out_in": lambda mutant="": by_numpy(mutant, "out_in"),
    "torch": by_torch,
    "jax": by_jax,
    "jax out_in": lambda mutant="": by_jax(mutant, "out_in"),
    "keras": by_keras,
}
PROCESSES = {"numpy": ["numpy", "numpy out_in", "torch"], "jax": ["jax", "jax out_in", "keras"], "torch": ["keras"]}


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, dict[str, str]]]:
    """For each way and backend, and each mutant of it, the digest of every tensor."""
    found = {}
    for backend, ways in PROCESSES.items():
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
            "JAX_PLATFORMS": "cpu",
            "JAX_ENABLE_X64": "1",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # less to compile; the bits are not XLA's
        }
        command = [sys.executable, __file__, *ways]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for way, digests in json.loads(done.stdout).items():
            found[f"keras on {backend}" if way == "keras" else way] = digests
    return found


NAMES = ["numpy", "numpy out_in", "torch", "jax", "jax out_in", "keras on jax", "keras on torch"]


def test_every_law_of_the_catalogue_and_of_plans_is_among_the_cases():
    built = {type(initializers.get(c.law).rule) for c in CASES}
    known = [c for c in CASES if c.law not in PLANNED]
    assert {initializers.get(c.law).text.split("(")[0] for c in known} == set(initializers.CATALOGUE)
    assert set(PLANNED) <= {c.law for c in CASES}
    assert len(built) == 12
    assert all(math.prod(c.shape) for c in CASES)


def test_digests_tell_values_layouts_and_types_apart():
    array = initializers.he()((16, 24), seed=0)
    stored = to_layout(array, layout="in_out")
    assert digest(stored, stored=True) == digest(array)
    assert len({digest(array), digest(stored), digest(array.astype("f8")), digest(-array), digest(array[::-1])}) == 5


@pytest.mark.parametrize("way", NAMES)
def test_the_bits_are_the_same(way, made):
    expected = references()
    assert {name for name, found in made[way][""].items() if found != expected[name]} == set()
    assert made[way][""].keys() == expected.keys()


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("way", NAMES)
def test_what_is_wrong_in_one_place_is_noticed_for_every_random_law(way, mutant, made):
    expected = references()
    random = [c for c in tried(mutant) if c.law not in EXACT and not (mutant == "layout" and turns(c))]
    assert len(random) > 15
    passed = [c for c in random if made[way][mutant].get(c.name) == expected[c.name]]
    assert passed == []


def turns(case: Case) -> bool:
    """Whether the wrong layout is as good: a bias has one only, and an orthogonal matrix turned is that of the turned
    shape, by the specification."""
    return len(case.shape) < 2 or (case.law == "orthogonal" and len(case.shape) == 2)


if __name__ == "__main__":
    ways = sys.argv[1:]
    sys.stdout.write(json.dumps({way: {mutant: WAYS[way](mutant) for mutant in ("", *MUTANTS)} for way in ways}))
