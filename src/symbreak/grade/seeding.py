"""The global generators that a learner's code may draw from, seeded together before each call."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

_seed_numpy, _seed_random = np.random.seed, random.seed  # bound before a learner's code can replace them


def seed(value: int) -> None:
    """Seed those of NumPy and Python, and of PyTorch if it is loaded."""
    _seed_numpy(value)
    _seed_random(value)
    torch = loaded_torch()
    if torch is not None:
        torch.manual_seed(value)


def loaded_torch() -> Any:
    """Return PyTorch if the code has loaded it, and not something of its name."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "manual_seed") and hasattr(torch, "get_rng_state") else None
