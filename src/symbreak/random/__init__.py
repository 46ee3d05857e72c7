"""Addressed randomness: every value is a pure function of (seed, name, index in the whole tensor).

So the same bits come out whatever the number of threads, the cut into shards, the order of calls or the machine, and
one tensor's values do not depend on any other's. The specification, to the bit: docs/randomness.md.

>>> weight = normal((3, 4), seed=0, name="layer1.weight", scale=0.02)
>>> shard = normal((3, 4), seed=0, name="layer1.weight", scale=0.02, index=(slice(None), slice(2, 4)))
>>> bool((shard == weight[:, 2:]).all())
True
"""

from __future__ import annotations

from symbreak.random.distributions import bits, normal, truncated_normal, uniform
from symbreak.random.element import element
from symbreak.random.keys import ALGORITHM_VERSION
from symbreak.random.orthogonal import orthogonal

__all__ = ["ALGORITHM_VERSION", "bits", "element", "normal", "orthogonal", "truncated_normal", "uniform"]
