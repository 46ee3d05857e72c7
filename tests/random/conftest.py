from __future__ import annotations

import numpy as np
import pytest

from symbreak.random import fill


@pytest.fixture
def both_ways(monkeypatch):
    """Draw once by the reference and once by the compiled kernels; the fixture asserts equal bits and returns the
    array."""

    def draw(function, *arguments, **keywords):
        monkeypatch.setattr(fill, "SMALL", 2**63)
        monkeypatch.setattr(fill, "LARGE", 2**63)
        reference = function(*arguments, **keywords)
        monkeypatch.setattr(fill, "SMALL", 0)
        monkeypatch.setattr(fill, "LARGE", 0)
        compiled = function(*arguments, **keywords)
        assert reference.dtype == compiled.dtype
        assert reference.shape == compiled.shape
        assert reference.tobytes() == compiled.tobytes()
        return np.asarray(compiled)

    return draw
