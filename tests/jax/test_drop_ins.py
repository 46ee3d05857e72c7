"""The catalogue as drop-ins for jax.nn.initializers: the same call, the same bits eager, compiled and mapped."""

from __future__ import annotations

import inspect
import sys

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbreak.jax
from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape, MissingDependency
from symbreak.initializers import CATALOGUE
from symbreak.jax import initializers as drop_ins

ARGUMENTS = {"constant": (0.5,), "dirac": (2,)}
KERNELS = {"dirac", "delta_orthogonal"}
KEY = jax.random.key(7)


def made(name):
    return getattr(drop_ins, name)(*ARGUMENTS.get(name, ()))


def shape_for(name):
    return (3, 4, 8) if name in KERNELS else (5, 4)


def reference(name, dtype=np.float32, seed=7):
    init = CATALOGUE[name](*ARGUMENTS.get(name, ()))
    return init(shape_for(name), seed=seed, layout="in_out", dtype=dtype)


def same(array, expected):
    return array.dtype == expected.dtype and np.asarray(array).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_law_with_the_bits_of_its_key(name, dtype):
    assert same(made(name)(KEY, shape_for(name), dtype), reference(name, dtype))


@pytest.mark.parametrize("name", CATALOGUE)
def test_compiled_the_bits_are_the_same(name):
    init = made(name)
    compiled = jax.jit(lambda key: init(key, shape_for(name), jnp.bfloat16))
    assert same(compiled(KEY), reference(name, jnp.bfloat16))


def test_the_call_is_that_of_jax():
    theirs = inspect.signature(jax.nn.initializers.he_normal())
    ours = inspect.signature(drop_ins.he_normal())
    assert list(ours.parameters) == list(theirs.parameters)
    assert same(drop_ins.he_normal(dtype=jnp.bfloat16)(KEY, (5, 4)), reference("he_normal", jnp.bfloat16))
    assert drop_ins.he_normal()(KEY, (5, 4)).dtype == jax.nn.initializers.he_normal()(KEY, (5, 4)).dtype


@pytest.mark.parametrize("key", [jax.random.key(7), jax.random.PRNGKey(7), np.array([0, 7], np.uint32)], ids=repr)
def test_typed_and_raw_keys(key):
    init = drop_ins.he_normal()
    assert same(init(key, (5, 4)), reference("he_normal"))
    assert same(jax.jit(init, static_argnums=1)(key, (5, 4)), reference("he_normal"))


def test_keys_of_other_generators_and_large_seeds():
    rbg = drop_ins.normal(1.0)(jax.random.key(7, impl="rbg"), (5, 4))
    assert same(rbg, initializers.normal(1.0)((5, 4), seed=(7 << 64) + 7, layout="in_out"))
    split = jax.random.split(KEY)[0]
    words = [int(word) for word in jax.random.key_data(split)]
    expected = initializers.normal(1.0)((5, 4), seed=(words[0] << 32) + words[1], layout="in_out")
    assert same(drop_ins.normal(1.0)(split, (5, 4)), expected)


def test_mapped_over_keys():
    keys = jax.random.split(KEY, 3)
    init = drop_ins.he_normal()
    expected = np.stack([init(key, (5, 4)) for key in keys])
    assert same(jax.vmap(lambda key: init(key, (5, 4)))(keys), expected)
    assert same(jax.jit(jax.vmap(lambda key: init(key, (5, 4))))(keys), expected)
    assert len(np.unique(expected)) == expected.size


def test_shapes_without_values():
    init = drop_ins.orthogonal()
    found = jax.eval_shape(lambda key: init(key, (5, 4), jnp.bfloat16), KEY)
    assert (found.shape, found.dtype) == ((5, 4), jnp.bfloat16)


def test_axes_as_jax_names_them():
    kernel = drop_ins.orthogonal(in_axis=0, out_axis=(1, 2))(KEY, (6, 3, 4))
    assert same(kernel, initializers.orthogonal()((12, 6), seed=7).T.reshape(6, 3, 4).copy())
    turned = drop_ins.he_normal(in_axis=-1, out_axis=-2)(KEY, (4, 5))
    assert same(turned, reference("he_normal").T.copy())


def test_in_a_flax_model_every_layer_has_values_of_its_own():
    model = flax.linen.Sequential([flax.linen.Dense(4, kernel_init=drop_ins.he_normal()) for _ in range(2)])
    eager = model.init(KEY, jnp.zeros((1, 4)))["params"]
    compiled = jax.jit(model.init)(KEY, jnp.zeros((1, 4)))["params"]
    first, second = (np.asarray(layer["kernel"]) for layer in eager.values())
    assert not np.array_equal(first, second)
    assert same(compiled["layers_0"]["kernel"], first)


@pytest.mark.parametrize("key", [0, None, jax.random.split(KEY, 2), np.zeros(2, np.float32)], ids=str)
def test_what_is_no_key(key):
    with pytest.raises(InvalidInput, match="takes one key"):
        drop_ins.he_normal()(key, (5, 4))


@pytest.mark.parametrize("compiled", [False, True])
def test_what_a_law_refuses_is_refused_before_anything_runs(compiled):
    def build(name, shape, dtype=None):
        init = made(name)
        return (jax.jit if compiled else lambda f: f)(lambda key: init(key, shape, dtype))(KEY)

    with pytest.raises(InvalidShape):
        build("he_normal", (4,))
    with pytest.raises(InvalidShape):
        build("orthogonal", (4,))
    for dtype in (jnp.int32, jnp.complex64):
        with pytest.raises(InvalidInput, match="floating-point"):
            build("he_normal", (5, 4), dtype)


def test_names_are_the_catalogues_and_help_is_there():
    assert set(CATALOGUE) < set(dir(symbreak.jax))
    assert symbreak.jax.he_normal is drop_ins.he_normal
    assert "1502.01852" in symbreak.jax.he_normal.__doc__
    with pytest.raises(AttributeError, match="no initializer 'he_norm'"):
        symbreak.jax.he_norm  # noqa: B018


def test_without_jax_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingDependency, match=r"pip install 'symbreak\[jax\]'"):
        symbreak.jax.init_tree  # noqa: B018


# --- that the tests above would notice


@pytest.mark.parametrize("words", [lambda w: w + np.uint32(1), lambda w: w[::-1].copy(), lambda w: w * np.uint32(0)])
def test_a_wrong_reading_of_the_key_is_noticed(words, monkeypatch):
    seed = drop_ins._seed
    monkeypatch.setattr(drop_ins, "_seed", lambda found: seed(words(np.asarray(found))))
    assert not same(drop_ins.he_normal()(KEY, (5, 4)), reference("he_normal"))
