"""init_tree: names, layouts and refusals; what it does with many devices is in on_eight_devices.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import symbreak.jax
from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.initializers.axes import Axes
from symbreak.jax import init_tree, trees

LAWS = {"*.kernel": "he_normal", "*": "zeros"}


def spec(*shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def weight(text, shape, name, seed=0, **options):
    return initializers.get(text)(shape, seed=seed, name=name, **options)


def test_flax_linen_by_path_and_by_the_names_of_another_framework():
    model = flax.linen.Sequential([flax.linen.Dense(4), flax.linen.Dense(2)])
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 3)))
    params = init_tree(shapes, LAWS, seed=0)
    expected = weight("he", (4, 3), "params.layers_0.kernel")
    assert np.array_equal(params["params"]["layers_0"]["kernel"], expected.T)
    assert not np.any(params["params"]["layers_0"]["bias"])
    torchs = {"layers_0.kernel": "0.weight", "layers_1.kernel": "2.weight"}
    renamed = init_tree(shapes["params"], LAWS, seed=0, rename=lambda name: torchs.get(name, name))
    assert np.array_equal(renamed["layers_1"]["kernel"], weight("he", (2, 4), "2.weight").T)
    assert model.apply(params, jnp.ones((1, 3))).shape == (1, 2)


class Network(nnx.Module):
    def __init__(self, rngs):
        self.tokens = nnx.Embed(5, 8, rngs=rngs)
        self.att = nnx.MultiHeadAttention(2, 8, qkv_features=12, rngs=rngs, decode=False)
        self.layers = nnx.List([nnx.Linear(8, 4, rngs=rngs), nnx.Conv(4, 6, (3,), rngs=rngs)])
        self.drop = nnx.Dropout(0.1, rngs=rngs)


def test_flax_nnx():
    graph, params, rest = nnx.split(nnx.eval_shape(lambda: Network(nnx.Rngs(0))), nnx.Param, ...)
    params = init_tree(params, {"*.embedding": "normal(1)"} | LAWS, seed=0)
    model = nnx.merge(graph, params, rest)
    assert np.array_equal(model.tokens.embedding[...], weight("normal(1)", (5, 8), "tokens.embedding"))
    assert np.array_equal(model.layers[0].kernel[...], weight("he", (4, 8), "layers.0.kernel").T)
    conv = weight("he", (6, 4, 3), "layers.1.kernel")
    assert np.array_equal(model.layers[1].kernel[...], conv.transpose(2, 1, 0))
    query = weight("he", (12, 8), "att.query.kernel")
    assert np.array_equal(model.att.query.kernel[...], query.T.reshape(8, 2, 6))
    out = weight("he", (8, 12), "att.out.kernel")
    assert np.array_equal(model.att.out.kernel[...], out.T.reshape(2, 6, 8))


def test_counters_and_keys_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"drop\.rngs\.count of dtype uint32"):
        init_tree(nnx.eval_shape(lambda: Network(nnx.Rngs(0))), LAWS, seed=0)


def test_only_new_arrays_are_drawn_and_the_others_stay_the_objects_that_they_are():
    body, step = jnp.ones((3, 4)), jnp.zeros((), jnp.int32)
    params = {"body": {"kernel": body}, "head": {"kernel": jnp.ones((4, 2)), "bias": jnp.ones(2)}, "step": step}
    tree = init_tree(params, LAWS, seed=0, only="head.*")
    assert tree["body"]["kernel"] is body
    assert tree["step"] is step
    assert np.array_equal(tree["head"]["kernel"], weight("he", (2, 4), "head.kernel").T)
    assert not tree["head"]["bias"].any()
    with pytest.raises(InvalidInput, match="`only` must name parameters"):
        init_tree(params, LAWS, seed=0, only="heads.*")
    with pytest.raises(InvalidInput, match="step of dtype int32"):
        init_tree(params, LAWS, seed=0, only=["head.*", "step"])


def test_equinox_has_the_layout_and_the_names_of_pytorch():
    shapes = eqx.filter_eval_shape(eqx.nn.MLP, 3, 2, 4, 1, key=jax.random.key(0))
    model = init_tree(shapes, {"*.weight": "he_normal", "*": "zeros"}, seed=0, layout="out_in")
    assert np.array_equal(model.layers[0].weight, weight("he", (4, 3), "layers.0.weight"))
    assert model.activation is shapes.activation
    assert model(jnp.ones(3)).shape == (2,)
    conv = eqx.filter_eval_shape(eqx.nn.Conv2d, 3, 8, 3, key=jax.random.key(0))
    assert np.array_equal(
        init_tree(conv, {"weight": "he", "bias": "zeros"}, seed=0, layout="out_in").weight,
        weight("he", (8, 3, 3, 3), "weight"),
    )


def test_arrays_are_replaced_and_left_as_they_were():
    old = {"w": jnp.ones((3, 4), jnp.bfloat16), "count": None, "text": "kept"}
    new = init_tree(old, "he", seed=0)
    assert new["w"].dtype == jnp.bfloat16
    assert np.array_equal(new["w"], weight("he", (4, 3), "w", dtype=jnp.bfloat16).T)
    assert (new["count"], new["text"]) == (None, "kept")
    assert np.all(old["w"] == 1)


def test_layouts_by_a_function_of_name_and_shape():
    layouts = {"a": "out_in", "b": Axes((0, 1), (2,))}
    params = init_tree({"a": spec(4, 3), "b": spec(2, 3, 4)}, "he", seed=0, layout=lambda name, shape: layouts[name])
    assert np.array_equal(params["a"], weight("he", (4, 3), "a"))
    assert np.array_equal(params["b"], weight("he", (4, 6), "b").T.reshape(2, 3, 4))


def test_wrappers_do_not_change_values():
    plain = init_tree({"dense": {"w": spec(4, 3)}}, "he", seed=0)
    wrapped = init_tree({"module": {"dense": {"w": spec(4, 3)}}}, "he", seed=0)
    assert np.array_equal(wrapped["module"]["dense"]["w"], plain["dense"]["w"])


@pytest.mark.parametrize(
    ("tree", "rename"),
    [
        ({"a.b": spec(2, 2), "a": {"b": spec(2, 2)}}, None),
        ({"a": spec(2, 2), "b": spec(2, 2)}, lambda name: "same"),
        ({"a": spec(2, 2), "module": {"a": spec(2, 2)}}, None),
    ],
)
def test_two_arrays_of_one_name_are_refused(tree, rename):
    with pytest.raises(InvalidInput, match=r"'(a\.b|same|a)'"):
        init_tree(tree, "he", seed=0, rename=rename)


def test_refusals_name_the_array():
    with pytest.raises(InvalidShape, match=r"^dense\.bias: fans need"):
        init_tree({"dense": {"bias": spec(4)}}, "he", seed=0)
    with pytest.raises(InvalidInput, match="z of dtype complex64"):
        init_tree({"z": spec(4, 4, dtype=jnp.complex64)}, "he", seed=0)
    with pytest.raises(InvalidInput, match=r"^f: weights are floating"):
        init_tree({"f": spec(4, 4, dtype=jnp.float8_e4m3fn)}, "he", seed=0)
    with pytest.raises(InvalidInput):
        init_tree({"a": spec(4, 4)}, {"b": "he"}, seed=0)


def test_empty_arrays_and_scalars():
    tree = init_tree({"a": spec(0), "b": spec()}, "constant(0.5)", seed=0)
    assert tree["a"].shape == (0,)
    assert tree["b"] == 0.5


def test_the_front_door_has_it():
    assert symbreak.jax.init_tree is trees.init_tree


def test_on_eight_devices():
    """Devices are made before JAX starts, so these tests run in a process of their own."""
    # Less to compile; the bits are not XLA's.
    settings = {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", **settings}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider"]
    path = Path(__file__).parent / "on_eight_devices.py"
    done = subprocess.run([*command, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
