"""symbreak: initialize a neural network, prove what its start will do, measure it, repair it.

    import symbreak

    symbreak.compare("breast-cancer", layers=(16,)).print()
    net = symbreak.Network.initialize((2, 4, 1), "normal(0.01)", seed=0)

Nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symbreak._version import __version__ as __version__

if TYPE_CHECKING:
    from symbreak import datasets as datasets
    from symbreak import diagnosis as diagnosis
    from symbreak import grade as grade
    from symbreak import initializers as initializers
    from symbreak import integrations as integrations
    from symbreak import jax as jax
    from symbreak import keras as keras
    from symbreak import lesson as lesson
    from symbreak import network as network
    from symbreak import numerics as numerics
    from symbreak import random as random
    from symbreak import torch as torch
    from symbreak.diagnosis.symmetry.forecast import steps_to_separate as steps_to_separate
    from symbreak.diagnosis.symmetry.merge import merge as merge
    from symbreak.errors import InvalidInput as InvalidInput
    from symbreak.errors import SymbreakError as SymbreakError
    from symbreak.front.check import Report as Report
    from symbreak.front.check import check as check
    from symbreak.front.comparison import Comparison as Comparison
    from symbreak.front.comparison import compare as compare
    from symbreak.front.lesson import Lesson as Lesson
    from symbreak.front.lesson import audit_lesson as audit_lesson
    from symbreak.front.map import Map as Map
    from symbreak.front.map import map as map
    from symbreak.front.symmetry import symmetry as symmetry
    from symbreak.network import Network as Network
    from symbreak.torch import describe as describe

_ROOMS = (
    "datasets",
    "diagnosis",
    "grade",
    "initializers",
    "integrations",
    "jax",
    "keras",
    "lesson",
    "network",
    "numerics",
    "random",
    "torch",
)
_NAMES = {
    "Comparison": "symbreak.front.comparison",
    "InvalidInput": "symbreak.errors",
    "Lesson": "symbreak.front.lesson",
    "Map": "symbreak.front.map",
    "Network": "symbreak.network",
    "Report": "symbreak.front.check",
    "SymbreakError": "symbreak.errors",
    "audit_lesson": "symbreak.front.lesson",
    "check": "symbreak.front.check",
    "compare": "symbreak.front.comparison",
    "describe": "symbreak.torch",
    "map": "symbreak.front.map",
    "merge": "symbreak.diagnosis.symmetry.merge",
    "steps_to_separate": "symbreak.diagnosis.symmetry.forecast",
    "symmetry": "symbreak.front.symmetry",
}

__all__ = [
    "Comparison",
    "InvalidInput",
    "Lesson",
    "Map",
    "Network",
    "Report",
    "SymbreakError",
    "__version__",
    "audit_lesson",
    "check",
    "compare",
    "datasets",
    "describe",
    "diagnosis",
    "grade",
    "initializers",
    "integrations",
    "jax",
    "keras",
    "lesson",
    "map",
    "merge",
    "network",
    "numerics",
    "random",
    "steps_to_separate",
    "symmetry",
    "torch",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"symbreak.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'symbreak' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
