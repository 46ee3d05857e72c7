"""Sharded trees and arrays on eight virtual devices; run by test_trees.py."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from symbreak import initializers
from symbreak.initializers.axes import Axes, drawn
from symbreak.jax import init_tree, trees
from symbreak.jax import initializers as drop_ins

LAWS = ["he_normal", "uniform(-1, 1)", "truncated_normal(1)", "orthogonal", "sparse(0.5, 1)", "identity", "zeros"]
SPECS = [P("a", "b"), P("b", "a"), P(None, ("a", "b")), P(("b", "a")), P("a"), P(None, "b"), P()]


def mesh(kind=AxisType.Auto):
    return jax.make_mesh((4, 2), ("a", "b"), axis_types=(kind, kind))


def reference(text, shape, layout="in_out", name="w", seed=0, dtype=np.float32):
    return drawn(initializers.get(text), shape, layout=layout, seed=seed, name=name, dtype=dtype)


def same(array, expected):
    return array.dtype == expected.dtype and np.asarray(array).tobytes() == expected.tobytes()


def tree(shape, spec, dtype=jnp.float32):
    return {"w": jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh(), spec))}


@pytest.fixture
def parts(monkeypatch):
    """How many elements are made at a time."""
    sizes = []

    def watched(*arguments, **options):
        values = drawn(*arguments, **options)
        sizes.append(values.size)
        return values

    monkeypatch.setattr(trees, "drawn", watched)
    return sizes


def test_there_are_eight():
    assert jax.device_count() == 8


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("text", LAWS)
def test_shards_have_the_bits_of_the_whole_and_are_all_that_is_made(text, spec, parts):
    made = init_tree(tree((16, 24), spec), text, seed=0)["w"]
    assert made.sharding == NamedSharding(mesh(), spec)
    assert same(made, reference(text, (16, 24)))
    for shard in made.addressable_shards:
        assert same(shard.data, reference(text, (16, 24))[shard.index].copy())
    distinct = {str(shard.index) for shard in made.addressable_shards}
    assert parts == [16 * 24 // len(distinct)] * len(distinct)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("layout", ["out_in", "in_out", Axes((0,), (1, 2))], ids=str)
def test_shards_in_every_layout_and_dtype(layout, dtype):
    shape = (16, 4, 6)
    made = init_tree(tree(shape, P("a", "b"), dtype), "he", seed=0, layout=layout)["w"]
    assert same(made, reference("he", shape, layout, dtype=dtype))


class Network(nnx.Module):
    def __init__(self, rngs):
        columns = nnx.with_partitioning(nnx.initializers.lecun_normal(), (None, "a"))
        self.up = nnx.Linear(8, 16, kernel_init=columns, rngs=rngs)
        self.down = nnx.Linear(16, 8, rngs=rngs)

    def __call__(self, x):
        return self.down(self.up(x))


def test_flax_nnx_with_the_shardings_that_the_model_names(parts):
    with jax.set_mesh(mesh()):
        graph, shapes = nnx.split(nnx.eval_shape(lambda: Network(nnx.Rngs(0))))
    placed = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        shapes,
        nnx.get_named_sharding(shapes, mesh()),
    )
    model = nnx.merge(graph, init_tree(placed, {"*.kernel": "he", "*": "zeros"}, seed=0))
    assert model.up.kernel[...].sharding.spec == P(None, "a")
    assert same(model.up.kernel[...], reference("he", (8, 16), name="up.kernel"))
    assert parts.count(8 * 16 // 4) >= 4
    assert jax.jit(lambda m, x: m(x))(model, jnp.ones((2, 8))).shape == (2, 8)


def test_equinox_spread_over_all_devices():
    shapes = eqx.filter_eval_shape(eqx.nn.MLP, 8, 8, 16, 1, key=jax.random.key(0))

    def placed(leaf):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=NamedSharding(mesh(), P(("a", "b"))))

    model = init_tree(jax.tree.map(placed, shapes), {"*.weight": "he", "*": "zeros"}, seed=0, layout="out_in")
    expected = reference("he", (16, 8), "out_in", name="layers.0.weight")
    assert same(model.layers[0].weight, expected)
    assert len(model.layers[0].weight.addressable_shards) == 8
    assert eqx.filter_jit(model)(jnp.ones(8)).shape == (8,)


def test_shapes_found_under_an_abstract_mesh():
    with jax.set_mesh(mesh(AxisType.Explicit)):
        like = jax.eval_shape(lambda: jax.sharding.reshard(jnp.zeros((16, 24)), P("a", "b")))
        made = init_tree({"w": like}, "he", seed=0)["w"]
    assert made.sharding.spec == P("a", "b")
    assert same(made, reference("he", (16, 24)))


@pytest.mark.parametrize("name", ["he_normal", "orthogonal", "sparse"])
def test_drop_ins_with_a_sharding(name):
    init, key = getattr(drop_ins, name)(), jax.random.key(0)
    expected = reference(name, (16, 24), name="")
    placed = init(key, (16, 24), jnp.float32, NamedSharding(mesh(), P("a", "b")))
    assert placed.sharding.spec == P("a", "b")
    assert same(placed, expected)
    with jax.set_mesh(mesh(AxisType.Explicit)):
        named = init(key, (16, 24), jnp.float32, P("a", "b"))
        compiled = jax.jit(lambda key: init(key, (16, 24), jnp.float32, P("a", "b")))(key)
    for made in (named, compiled):
        assert made.sharding.spec == P("a", "b")
        assert same(made, expected)


def test_drop_ins_under_jit_with_shardings_of_the_outputs():
    sharding = NamedSharding(mesh(), P("a", "b"))
    init = drop_ins.he_normal()
    made = jax.jit(lambda key: init(key, (16, 24)), out_shardings=sharding)(jax.random.key(0))
    assert made.sharding == sharding
    assert same(made, reference("he", (16, 24), name=""))


def of_the_part(init, shape, *, index=None, **options):
    """A shard drawn as if it were the whole."""
    size = shape if index is None else tuple(len(range(*cut.indices(n))) for cut, n in zip(index, shape, strict=True))
    return drawn(init, size, **options)


def shifted(init, shape, *, index=None, **options):
    """A shard drawn one row further."""
    whole = drawn(init, shape, **options)
    return np.roll(whole, 1, axis=0)[index or ()]


@pytest.mark.parametrize("mutant", [of_the_part, shifted])
def test_wrong_shards_are_noticed(mutant, monkeypatch):
    monkeypatch.setattr(trees, "drawn", mutant)
    monkeypatch.setattr(trees, "require_drawable", lambda *_, **__: None)
    assert not same(init_tree(tree((16, 24), P("a", "b")), "he", seed=0)["w"], reference("he", (16, 24)))
