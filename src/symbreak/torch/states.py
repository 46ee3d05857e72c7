"""Every random state kept, or seeded for a while and put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept() -> Iterator[None]:
    """Put Python's, NumPy's and PyTorch's random state back afterwards, also when something raises."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and PyTorch's random state; afterwards they are as they were before.

    >>> before = torch.random.get_rng_state()
    >>> with seeded(0):
    ...     first = torch.rand(2)
    >>> with seeded(0):
    ...     assert torch.equal(first, torch.rand(2))
    >>> torch.equal(before, torch.random.get_rng_state())
    True
    """
    with kept():
        reseed(seed)
        yield


def reseed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's random state."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
