"""JAX: the catalogue as drop-ins for `jax.nn.initializers`, and `init_tree`, which fills a tree by path.

    kernel = symbreak.jax.he_normal()(jax.random.key(0), (784, 64), jnp.float32)
    params = symbreak.jax.init_tree(jax.eval_shape(model.init, key, x), {"*.kernel": "he_normal", "*": "zeros"}, seed=0)

Nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symbreak.errors import MissingDependency

if TYPE_CHECKING:
    from symbreak.initializers.axes import Axes as Axes
    from symbreak.jax import initializers as initializers
    from symbreak.jax.trees import flax_layout as flax_layout
    from symbreak.jax.trees import init_tree as init_tree

_NAMES = {
    "Axes": "symbreak.initializers.axes",
    "flax_layout": "symbreak.jax.trees",
    "init_tree": "symbreak.jax.trees",
}
__all__ = ["Axes", "flax_layout", "init_tree", "initializers"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'symbreak.jax' has no attribute {name!r}")
    try:
        importlib.import_module("jax")
    except ImportError as error:
        raise MissingDependency(
            f"symbreak.jax.{name} needs JAX\n  got: no jax\n  allowed: jax\n  try: pip install 'symbreak[jax]'"
        ) from error
    module = importlib.import_module(_NAMES.get(name, "symbreak.jax.initializers"))
    return module if name == "initializers" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*__all__, *importlib.import_module("symbreak.initializers").CATALOGUE])
