"""A tree of parameters filled by path: the bits of every other framework, each device's shard and no more."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers.axes import Axes, Layout, drawn, require_drawable
from symbreak.initializers.fans import Shape
from symbreak.initializers.initializer import Initializer, Seed
from symbreak.initializers.names import normal_names
from symbreak.initializers.tree import Laws, Only, laws_by_name, selected
from symbreak.jax.observe import name as dotted

LayoutOf = Callable[[str, Shape], Layout]

ATTENTION = {"query": Axes((0,), (1, 2)), "key": Axes((0,), (1, 2)), "value": Axes((0,), (1, 2)),
             "out": Axes((0, 1), (2,))}  # fmt: skip


def flax_layout(name: str, shape: Shape) -> Layout:
    """Return how Flax stores a parameter: (*spatial, in, out), but embeddings, and attention's kernels with heads.

    An embedding (tokens, features) is stored as PyTorch stores it. Attention keeps (features, heads, size) for query,
    key and value, and (heads, size, features) for the way out.

    >>> flax_layout("block.att.query.kernel", (64, 4, 16))
    Axes(inputs=(0,), outputs=(1, 2))
    >>> flax_layout("conv.kernel", (3, 3, 16, 32)), flax_layout("tokens.embedding", (1000, 64))
    ('in_out', 'out_in')
    """
    *_, layer, own = ("", "", *name.split("."))
    if own == "embedding":
        return "out_in"
    if own == "kernel" and layer in ATTENTION and len(shape) == 3:
        return ATTENTION[layer]
    return "in_out"


def init_tree(
    params: Any,
    laws: Laws,
    *,
    seed: Seed,
    layout: Layout | LayoutOf = flax_layout,
    rename: Callable[[str], str] | None = None,
    only: Only = None,
) -> Any:
    """Return the tree with each array drawn by its law, its values addressed by seed and name.

    The name is the path in the tree that is given, joined by dots: `params.Dense_0.kernel` of a tree of Flax Linen,
    `layers.0.weight` of an Equinox module. An array that has a sharding is filled device by device: each makes its own
    part, without the whole anywhere and without communication, and the bits are those of the whole.

    Args:
        params: a tree of `jax.ShapeDtypeStruct`, as `jax.eval_shape`, `nnx.eval_shape` and `eqx.filter_eval_shape`
            return it, with a sharding or without; or of arrays, which are replaced. What is no array stays.
        laws: one law, or a dict from patterns of names to laws, such as {"*.kernel": "he_normal", "*": "zeros"}; the
            first that fits counts.
        seed: an int of any size, or a string.
        layout: how arrays are stored: Flax's way by default; "out_in" for Equinox, which stores as PyTorch does;
            `Axes`, or a function of name and shape.
        rename: gives the name by which values are addressed, where another framework has another one.
        only: patterns of the arrays to draw, such as "head.*"; the others stay as they are and need no law.

    Raises:
        InvalidInput: an array that is not floating, two arrays with one name, a name without a law, a pattern that
            fits no name.
        InvalidShape: a law that cannot fill an array of this shape.

    >>> shapes = {"dense": {"kernel": jax.ShapeDtypeStruct((3, 4), jnp.float32)}}
    >>> tree = init_tree(shapes, "he_normal", seed=0)
    >>> from symbreak.initializers import he_normal
    >>> weight = he_normal()((4, 3), seed=0, name="dense.kernel")
    >>> bool((tree["dense"]["kernel"] == weight.T).all())
    True
    """
    leaves, structure = jax.tree.flatten(params)
    named = list(zip(_names(params), leaves, strict=True))
    arrays = [name for name, leaf in named if hasattr(leaf, "dtype")]
    wanted = selected(arrays, only)
    slots = {name: _slot(name, leaf, layout) for name, leaf in named if name in set(wanted) and hasattr(leaf, "dtype")}
    addresses = _addresses(wanted, rename)
    chosen = laws_by_name(arrays, laws, only=only)
    for name, slot in slots.items():
        require_drawable(name, chosen[name], slot.shape, layout=slot.layout, dtype=slot.dtype)
    filled = [
        _filled(slots[name], chosen[name], seed, addresses[name]) if name in slots else leaf for name, leaf in named
    ]
    return jax.tree.unflatten(structure, filled)


@dataclass(frozen=True)
class Slot:
    """An array to be made."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    layout: Layout
    sharding: jax.sharding.Sharding | None


def _slot(name: str, leaf: Any, layout: Layout | LayoutOf) -> Slot:
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise InvalidInput(
            "only floating arrays are initialized",
            got=f"{name} of dtype {leaf.dtype}",
            allowed="a tree of parameters, without counters and keys",
            hint='nnx.split(model, nnx.Param, ...), or only="*.kernel"',
        )
    kind = np.dtype(jax.dtypes.canonicalize_dtype(leaf.dtype))
    chosen = layout(name, leaf.shape) if callable(layout) else layout
    return Slot(name, tuple(leaf.shape), kind, chosen, getattr(leaf, "sharding", None))


def _names(params: Any) -> list[str]:
    """Return the name of each leaf; the variable in which Flax NNX wraps an array adds nothing to it."""
    nodes = jax.tree_util.tree_flatten_with_path(params, is_leaf=_wraps)[0]
    return [
        dotted((*path, *(inner[1:] if _wraps(node) else inner)))
        for path, node in nodes
        for inner, _ in jax.tree_util.tree_flatten_with_path(node)[0]
    ]


def _wraps(node: Any) -> bool:
    kinds = type(node).__mro__
    return any(kind.__name__ == "Variable" and kind.__module__.startswith("flax.nnx") for kind in kinds)


def _addresses(names: list[str], rename: Callable[[str], str] | None) -> dict[str, str]:
    """Return the name that addresses the values of each array.

    Raises:
        InvalidInput: two arrays have one: they would be given the same values.
    """
    renamed = [rename(name) if rename is not None else name for name in names]
    twice = next((name for name, count in Counter(renamed).items() if count > 1), None)
    if twice is not None:
        raise InvalidInput(
            "values are addressed by name, so each array needs its own",
            got=f"{twice!r} for {' and '.join(own for own, new in zip(names, renamed, strict=True) if new == twice)}",
            allowed="names that differ",
            hint="keys without dots; a rename that keeps names apart",
        )
    normal = normal_names(renamed)
    return {name: normal[new] for name, new in zip(names, renamed, strict=True)}


def _filled(slot: Slot, init: Initializer, seed: Seed, name: str) -> jax.Array:
    draw = functools.partial(drawn, init, slot.shape, layout=slot.layout, seed=seed, name=name, dtype=slot.dtype)
    if slot.sharding is None:
        return jnp.asarray(draw())
    return jax.make_array_from_callback(slot.shape, _concrete(slot.sharding), _once(draw))


def _concrete(sharding: jax.sharding.Sharding) -> jax.sharding.Sharding:
    """Return the sharding over devices; shapes that are found under `jax.set_mesh` know but an abstract mesh."""
    if isinstance(sharding, jax.sharding.NamedSharding) and isinstance(sharding.mesh, jax.sharding.AbstractMesh):
        return jax.sharding.NamedSharding(jax.sharding.get_mesh(), sharding.spec)
    return sharding


def _once(draw: Callable[..., NDArray[Any]]) -> Callable[[tuple[slice, ...] | None], NDArray[Any]]:
    """Make a part that several devices hold once."""
    made: dict[str, NDArray[Any]] = {}

    def part(index: tuple[slice, ...] | None) -> NDArray[Any]:
        cut = repr(index)
        if cut not in made:
            made[cut] = draw(index=index)
        return made[cut]

    return part
