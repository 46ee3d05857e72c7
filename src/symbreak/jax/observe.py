"""A JAX function of a tree of parameters at step 0, as an `Observation` that can look at other points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis import values
from symbreak.diagnosis.observation import Gradient, Observation, Parameter, Sight, Slices
from symbreak.errors import InvalidInput

Array = NDArray[Any]
Function = Callable[[Any, Any], Any]

RATE, DECAY, BETAS = 0.01, 0.01, (0.9, 0.999)  # of the walk's AdamW, as in most libraries


def observe(function: Function, params: Any, x: Any, *, seed: int = 0) -> Observation:
    """Return the parameters, and what looks at them; nothing is run yet.

    Args:
        function: takes the tree of parameters and a batch, and returns an array, or a tree of arrays.
        params: a tree of floating arrays.
        x: the batch: an array or a tree of arrays.
        seed: of the direction in which the walk goes.

    Raises:
        InvalidInput: the tree holds no floating arrays.
    """
    found = [(name(path), leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]]
    parameters = tuple(_described(text, np.asarray(leaf)) for text, leaf in found)
    if not any(parameter.floating for parameter in parameters):
        raise InvalidInput(
            "a function is looked at through its parameters",
            got="a tree without floating arrays",
            allowed="symmetry(function, params, x) with function(params, x)",
            hint="symbreak.symmetry(model.apply, params, x)",
        )
    view = View(function, params, x, seed)
    return Observation(parameters=parameters, samples=len(np.atleast_1d(jax.tree.leaves(x)[0])), look=view.look,
                       walk=view.walk)  # fmt: skip


def name(path: tuple[Any, ...]) -> str:
    """Return a leaf's path in words that go with dots: "layers.0.w"."""
    return ".".join(str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path)


def _described(text: str, array: Array) -> Parameter:
    floating = array.dtype.kind == "f" or "float" in array.dtype.name
    summary = values.summary(array) if floating else values.summary(np.zeros(0))
    return Parameter(
        (text,), "", array.shape, array.dtype.name, floating, False, True, summary, lambda: _readable(array)
    )


def _readable(array: Array) -> Array:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


@dataclass(frozen=True, eq=False)
class View:
    """A function, its parameters and its batch, in float64."""

    function: Function
    params: Any
    x: Any
    seed: int

    def look(self, point: Callable[[str], Array | None], seed: int | None) -> Sight:
        """Return gradients at a point, on fresh inputs and in a fresh direction; see `Look`."""
        with jax.enable_x64(True):
            params = jax.tree_util.tree_map_with_path(lambda path, leaf: _moved(point(name(path)), leaf), self.params)
            x = jax.tree.map(_wide, self.x) if seed is None else _fresh(self.x, np.random.default_rng(seed))
            return _sight(self._gradients(params, x, self.seed if seed is None else seed))

    def walk(self, steps: int) -> Iterator[Sight]:
        """Take steps of AdamW in one direction of the output, on the given batch.

        Gradients that are nothing but rounding count as zero: AdamW would make steps of their signs.
        """
        with jax.enable_x64(True):
            params, x = jax.tree.map(_wide, self.params), jax.tree.map(_wide, self.x)
            first = second = jax.tree.map(np.zeros_like, params)
            found = []
            for step in range(1, steps + 2):
                gradients = self._gradients(params, x, self.seed)
                found.append(_sight(gradients))
                gradients = _without_rounding(gradients)
                first = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, first, gradients)
                second = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, second, gradients)
                params = jax.tree.map(lambda p, m, v, t=step: _adamw(p, m, v, t), params, first, second)
        yield from found

    def _gradients(self, params: Any, x: Any, seed: int) -> Any:
        def product(tree: Any) -> Any:
            rng = np.random.default_rng(seed + 1)
            leaves = [leaf for leaf in jax.tree.leaves(self.function(tree, x)) if leaf.dtype.kind == "f"]
            return sum((leaf * rng.standard_normal(leaf.shape)).sum() for leaf in leaves)

        return jax.tree.map(np.asarray, jax.grad(product, allow_int=True)(params))


def _without_rounding(gradients: Any) -> Any:
    """Return the gradients with zeros for what is nothing beside the largest."""
    floats = [g for g in jax.tree.leaves(gradients) if g.dtype.kind == "f" and g.size]
    least = max((float(np.abs(g).max()) for g in floats), default=0.0) * np.finfo(np.float64).eps ** 0.75
    return jax.tree.map(lambda g: np.where(np.abs(g) > least, g, 0.0) if g.dtype.kind == "f" else g, gradients)


def _adamw(p: Array, m: Array, v: Array, step: int) -> Array:
    if p.dtype.kind != "f":
        return p
    scaled = m / (1 - BETAS[0] ** step) / (np.sqrt(v / (1 - BETAS[1] ** step)) + 1e-8)
    return np.asarray(p - RATE * (scaled + DECAY * p))


def _moved(values: Array | None, leaf: Any) -> Any:
    return _wide(leaf) if values is None else values


def _wide(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(np.float64) if "float" in array.dtype.name else array


def _fresh(x: Any, rng: np.random.Generator) -> Any:
    """Return inputs of the same kind; tokens, masks of 0 and 1, and signs that all inputs share stay."""

    def one(leaf: Any) -> Any:
        array = np.asarray(leaf)
        if "float" not in array.dtype.name or bool(np.isin(array, (0, 1)).all()):
            return array
        wide = array.astype(np.float64)
        drawn = wide.mean() + (wide.std() or 1.0) * rng.standard_normal(wide.shape)
        return np.abs(drawn) if (wide >= 0).all() else drawn

    return jax.tree.map(one, x)


def _sight(gradients: Any) -> Sight:
    leaves = jax.tree_util.tree_flatten_with_path(gradients)[0]
    found = {name(path): _gradient(leaf) for path, leaf in leaves if leaf.dtype.kind == "f"}
    return Sight(found, {}, float(np.finfo(np.float64).eps))


def _gradient(array: Array) -> Gradient:
    slices = {axis: _slices(array, axis) for axis in range(array.ndim)}
    rms = float(np.sqrt(np.mean(array**2))) if array.size else 0.0
    return Gradient(rms, int((~np.isfinite(array)).sum()), not array.any(), slices)


def _slices(array: Array, axis: int) -> Slices:
    table = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
    directions = np.random.default_rng(axis).standard_normal((table.shape[1], 2))
    return Slices(table @ directions, np.linalg.norm(table, axis=1))
