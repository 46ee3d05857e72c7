"""Every law of the catalogue as a drop-in for `jax.nn.initializers`: `he_normal()(key, shape, dtype)`.

JAX gives an initializer a key and no name, so the key is the seed: `jax.random.key(7)` makes the bits of seed 7 and
name "". With bits that go by name, as in the other frameworks, `symbreak.jax.init_tree` fills a whole tree.

The bits are made by NumPy's side on the host, also under `jit` and `vmap` (by `jax.pure_callback`): XLA is free to fuse
a product and a sum into one rounding, so values computed by XLA would differ between devices and versions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers import CATALOGUE
from symbreak.initializers.axes import Axes, Layout, drawn
from symbreak.initializers.fans import checked_shape
from symbreak.initializers.initializer import Initializer


@dataclass(frozen=True)
class DropIn:
    """An initializer with JAX's call: `init(key, shape, dtype, out_sharding)`.

    Attributes:
        init: the law.
        layout: of the arrays; JAX's is (*spatial, in, out).
        dtype: where the call names none; JAX's default floating type if None.

    >>> init = he_normal()
    >>> init
    DropIn(init=he_normal: N(0, 2/fan_in), not truncated, layout='in_out', dtype=None)
    >>> from symbreak.initializers import he_normal as he
    >>> same = he()((3, 4), seed=7, layout="in_out")
    >>> bool((init(jax.random.key(7), (3, 4), jnp.float32) == same).all())
    True
    """

    init: Initializer
    layout: Layout = "in_out"
    dtype: Any = None

    def __call__(self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> jax.Array:
        """Return a new array; a key, a shape and a law always make the same one.

        Args:
            key: `jax.random.key(n)` or the older `PRNGKey(n)`, of any implementation.
            shape: (*spatial, in, out), or as `layout` orders it.
            dtype: a floating type of JAX.
            out_sharding: a sharding, or a PartitionSpec under `jax.set_mesh`. Outside `jit` each device's shard is
                made and no more; inside, the host makes the whole array, and it is cut.

        Raises:
            InvalidInput: a key that is none, a batch of keys outside `vmap`, or a dtype that is not floating.
            InvalidShape: a shape that the law cannot fill.
        """
        sizes, words = checked_shape(shape), _words(key)
        chosen = self.dtype if dtype is None else dtype
        kind = np.dtype(jax.dtypes.canonicalize_dtype(float if chosen is None else chosen))
        draw = functools.partial(self._draw, sizes, kind)
        if isinstance(words, jax.core.Tracer):
            # A shape or dtype that the law refuses is refused here, not out of a callback.
            self._draw(sizes, kind, np.zeros(2, np.uint32), range(0))
            spec = jax.ShapeDtypeStruct(sizes, kind)  # type: ignore[no-untyped-call]
            made: jax.Array = jax.pure_callback(draw, spec, words, vmap_method="sequential")
            return made if out_sharding is None else _cut(made, out_sharding)
        if out_sharding is None:
            return jnp.asarray(draw(words))
        return jax.make_array_from_callback(sizes, _sharding(out_sharding), functools.partial(draw, words))

    def _draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], words: Any, index: Any = None) -> NDArray[Any]:
        return drawn(self.init, shape, layout=self.layout, seed=_seed(words), dtype=dtype, index=index)


def _words(key: Any) -> Any:
    """Return the 32-bit words of one key, typed or raw."""
    typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    words = jax.random.key_data(key) if typed else key
    if getattr(words, "dtype", None) != np.uint32 or words.ndim != 1:
        raise InvalidInput(
            "an initializer of JAX takes one key",
            got=f"{type(key).__name__} of shape {getattr(key, 'shape', None)}",
            allowed="jax.random.key(n), or a raw key of uint32; a batch of keys under jax.vmap",
            hint="he_normal()(jax.random.key(0), (784, 64))",
        )
    return words


def _seed(words: Any) -> int:
    """Read the words as one number, so that key(n) is seed n."""
    return int.from_bytes(np.asarray(words).astype(">u4").tobytes(), "big")


def _cut(made: jax.Array, out_sharding: Any) -> jax.Array:
    found: jax.Array = jax.sharding.reshard(made, out_sharding)  # type: ignore[no-untyped-call]
    return found


def _sharding(out_sharding: Any) -> Any:
    if isinstance(out_sharding, jax.sharding.PartitionSpec):
        return jax.sharding.NamedSharding(jax.sharding.get_mesh(), out_sharding)
    return out_sharding


def _drop_in(make: Callable[..., Initializer]) -> Callable[..., DropIn]:
    @functools.wraps(make)
    def made(
        *arguments: Any,
        in_axis: int | Sequence[int] = -2,
        out_axis: int | Sequence[int] = -1,
        dtype: Any = None,
        **keywords: Any,
    ) -> DropIn:
        layout = "in_out" if (in_axis, out_axis) == (-2, -1) else Axes(_tuple(in_axis), _tuple(out_axis))
        return DropIn(make(*arguments, **keywords), layout, dtype)

    return made


def _tuple(axes: int | Sequence[int]) -> tuple[int, ...]:
    return (axes,) if isinstance(axes, int) else tuple(axes)


_DROP_INS = {name: _drop_in(make) for name, make in CATALOGUE.items()}
globals().update(_DROP_INS)
__all__ = ["DropIn", *_DROP_INS]


def __getattr__(name: str) -> Callable[..., DropIn]:
    """Tell type checkers that the catalogue's names are here, and everyone else that another is not."""
    raise AttributeError(f"symbreak.jax has no initializer {name!r}; there are {', '.join(_DROP_INS)}")
