"""The update rules of `network.optimizers`, compiled: the same operations, the same order. This module loads Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import lent
from symbreak.network.engine.codes import OPTIMIZERS

GD, GD_L2, MOMENTUM, ADAM, ADAMW, ADAM_L2 = range(len(OPTIMIZERS))


@lent
def update(rule: Any, numbers: Any, rate: Any, powers: Any, state: Any, n: Any, g: Any, start: Any, stop: Any) -> None:
    """Change the parameters start ... stop - 1 of network n, and their means, by the gradient `g`.

    `numbers` holds beta1, beta2, epsilon and the weight decay, `powers` those of the betas; Python's numbers are
    rounded to the arrays' dtype where NumPy would.
    """
    p = state.p[n]
    T = p.dtype.type
    decay, step = T(numbers[3]), T(rate)
    if rule in (GD_L2, ADAM_L2):
        for k in range(start, stop):
            g[k] = g[k] + decay * p[k]
    if rule == ADAMW:
        shrink = T(rate * numbers[3])
        for k in range(start, stop):
            p[k] = p[k] - shrink * p[k]
    if rule in (GD, GD_L2):
        for k in range(start, stop):
            p[k] = p[k] - step * g[k]
    elif rule == MOMENTUM:
        _momentum(numbers, step, p, state.first[n], g, start, stop)
    else:
        _adam(numbers, step, powers, p, state.first[n], state.second[n], g, start, stop)


@lent
def _momentum(numbers: Any, step: Any, p: Any, v: Any, g: Any, start: Any, stop: Any) -> None:
    T = p.dtype.type
    keep, add = T(numbers[0]), T(1.0 - numbers[0])
    for k in range(start, stop):
        v[k] = keep * v[k] + add * g[k]
        p[k] = p[k] - step * v[k]


@lent
def _adam(numbers: Any, step: Any, powers: Any, p: Any, v: Any, s: Any, g: Any, start: Any, stop: Any) -> None:
    T = p.dtype.type
    keep, add = T(numbers[0]), T(1.0 - numbers[0])
    keep_square, add_square = T(numbers[1]), T(1.0 - numbers[1])
    first, second, epsilon = T(1.0 - powers[0]), T(1.0 - powers[1]), T(numbers[2])
    for k in range(start, stop):
        v[k] = keep * v[k] + add * g[k]
        s[k] = keep_square * s[k] + add_square * (g[k] * g[k])
        p[k] = p[k] - step * ((v[k] / first) / (np.sqrt(s[k] / second) + epsilon))
