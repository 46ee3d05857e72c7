"""Keras 3: one serialisable `Initializer` for every law, and `init_`, which fills a built model by variable path.

    keras.layers.Dense(64, kernel_initializer=symbreak.keras.Initializer("he_normal", seed=0))
    symbreak.keras.init_(model, {"*.kernel": "he_normal", "*": "zeros"}, seed=0)

Nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symbreak.errors import MissingDependency

if TYPE_CHECKING:
    from symbreak.keras.initializer import Initializer as Initializer
    from symbreak.keras.models import init_ as init_
    from symbreak.keras.models import names as names

_NAMES = {
    "Initializer": "symbreak.keras.initializer",
    "init_": "symbreak.keras.models",
    "names": "symbreak.keras.models",
}
__all__ = ["Initializer", "init_", "names"]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'symbreak.keras' has no attribute {name!r}")
    try:
        importlib.import_module("keras")
    except ImportError as error:
        raise MissingDependency(
            f"symbreak.keras.{name} needs Keras 3 and one of its backends\n  got: {error}\n"
            "  allowed: keras with torch or jax\n"
            "  try: pip install 'symbreak[keras]' torch; export KERAS_BACKEND=torch"
        ) from error
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return __all__
