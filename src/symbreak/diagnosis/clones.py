"""Tensors that are equal to the last bit and are not one tensor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.observation import Observation, Parameter

# Tables made by formula (identities, masks, decay rates 1, 2, ..., n) repeat few values and are rightly alike in every
# layer; random draws, even in bfloat16, have more values than this as soon as chance could not make them equal.
FEW_VALUES = 64


def clones(observation: Observation) -> Iterator[list[Parameter]]:
    """Yield groups of equal random tensors; those without a gradient, as a target network's, are copies on purpose."""
    groups: dict[tuple[object, ...], list[Parameter]] = defaultdict(list)
    unused = set(observation.unused)
    for parameter in observation.parameters:
        if counts(parameter) and parameter.name not in unused:
            seen = parameter.summary
            groups[(parameter.shape, parameter.dtype, seen.mean, seen.std, seen.low, seen.high)].append(parameter)
    for alike in groups.values():
        yield from _equal(alike) if len(alike) > 1 else ()


def counts(parameter: Parameter) -> bool:
    """Tell whether a tensor's values could be a draw that is trained."""
    seen = parameter.summary
    usable = parameter.judged and parameter.trainable and not parameter.buffer and parameter.floating
    return usable and seen.size > 1 and seen.finite and not seen.constant


def _equal(alike: list[Parameter]) -> Iterator[list[Parameter]]:
    rest = alike
    while len(rest) > 1:
        head = rest[0].values()
        same = [p for p in rest if np.array_equal(p.values(), head)]
        if len(same) > 1 and not by_formula(head):
            yield same
        rest = [p for p in rest if all(p is not other for other in same)]


def by_formula(values: np.ndarray) -> bool:
    """Few values again and again, or a steady ramp."""
    distinct = np.unique(values)
    if distinct.size <= FEW_VALUES and distinct.size < values.size:
        return True
    steps = np.diff(values.reshape(-1).astype(np.float64))
    return bool((values.size > 2 and (steps > 0).all()) or (values.size > 2 and (steps < 0).all()))
