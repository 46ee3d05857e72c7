"""One network after the other, all its steps in one call, in arrays that stay in the first-level cache.

The operations and their order are those of `propagation.py`, `optimizers.py` and the unit-alike arithmetic, so the
bits are the same. Nothing is shared between networks but the data. This module loads Numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled
from symbreak.network.engine.kernels_functions import activate, multiply_by_slopes
from symbreak.network.engine.kernels_losses import fill_deltas, fill_losses
from symbreak.network.engine.kernels_updates import update
from symbreak.network.kernels import product, sum_examples, weight_gradient


@compiled
def train(kind: Any, data: Any, rule: Any, state: Any, notes: Any, room: Any, whole: Any, part: Any) -> None:
    """Train networks part[0] to part[1] - 1 from update part[2] to part[3] - 1; the last iteration has no update.

    `room` is for the examples of one update, `whole` for all of them.
    """
    for n in range(part[0], part[1]):
        for t in range(part[2], part[3]):
            if notes.stop and notes.diverged[n] >= 0:
                break
            x, y, count = _batch(data, room, t)
            _forward(kind, state.p[n], x, count, room)
            _note(kind, data, state, notes, room, whole, y, count, n, t)
            if t < notes.iterations and not (notes.stop and notes.diverged[n] >= 0):
                _backward(kind, state.p[n], x, y, count, room)
                _update(kind.sizes, kind.offsets, rule, state, room.gradient, n)


@compiled
def _batch(data: Any, room: Any, t: Any) -> Any:
    """Return inputs, targets and number of examples of update t."""
    if not data.order.shape[0]:
        return data.x, data.y, data.examples
    per_epoch = (data.examples + data.batch - 1) // data.batch
    first = (t % per_epoch) * data.batch
    count = min(data.batch, data.examples - first)
    chosen = data.order[t // per_epoch, first : first + count]
    for source, target in ((data.x, room.x), (data.y, room.y)):
        for i in range(source.shape[0]):
            for s in range(count):
                target[i, s] = source[i, chosen[s]]
            target[i, count:] = 0
    return room.x, room.y, count


@compiled
def _forward(kind: Any, p: Any, x: Any, count: Any, room: Any) -> None:
    m, layers = x.shape[1], kind.sizes.size - 1
    below, at, above = x.ravel(), 0, 0
    for layer in range(layers):
        inner, rows = kind.sizes[layer] + 1, kind.sizes[layer + 1]
        z = room.z[at : at + rows * m]
        product(p[kind.offsets[layer] :], inner, 1, rows, inner, below, m, z)
        if layer < layers - 1:
            below = room.a[above : above + (rows + 1) * m]
            activate(kind.activation, kind.parameter, z, below[: rows * m])
            _clear(below, rows, count, m)
        at, above = at + rows * m, above + (rows + 1) * m


@compiled
def _backward(kind: Any, p: Any, x: Any, y: Any, count: Any, room: Any) -> None:
    m, layers = x.shape[1], kind.sizes.size - 1
    rows = kind.sizes[layers]
    at = room.z.size - rows * m
    fill_deltas(kind.loss, room.z[at:].reshape(rows, m), y, room.dz[at:].reshape(rows, m))
    _clear(room.dz[at:], rows, count, m)
    examples = p.dtype.type(count)
    for layer in range(layers - 1, -1, -1):
        rows, below = kind.sizes[layer + 1], kind.sizes[layer]
        dz, w = room.dz[at : at + rows * m], kind.offsets[layer]
        under = at - below * m
        # Each hidden layer below has one row more in `a` than in `z`: its ones.
        source = room.a[under + (layer - 1) * m :] if layer else x.ravel()
        weight_gradient(dz, rows, source, below + 1, m, examples, room.gradient[w:])
        if layer:
            out = room.dz[under:at]
            product(p[w:], 1, below + 1, below, rows, dz, m, out)
            multiply_by_slopes(kind.activation, kind.parameter, room.z[under:at], source, out)
            _clear(out, below, count, m)
        at = under


@compiled
def _update(sizes: Any, offsets: Any, rule: Any, state: Any, gradient: Any, n: Any) -> None:
    powers, numbers, rates, bias_rates = state.powers[n], rule.numbers[n], rule.rates[n], rule.bias_rates[n]
    powers[0], powers[1] = powers[0] * numbers[0], powers[1] * numbers[1]
    for layer in range(sizes.size - 1):
        start, stop, columns = offsets[layer], offsets[layer + 1], sizes[layer] + 1
        if rates[layer] == bias_rates[layer]:
            update(rule.kinds[n], numbers, rates[layer], powers, state, n, gradient, start, stop)
            continue
        for row in range(start, stop, columns):
            last = row + columns - 1
            update(rule.kinds[n], numbers, rates[layer], powers, state, n, gradient, row, last)
            update(rule.kinds[n], numbers, bias_rates[layer], powers, state, n, gradient, last, last + 1)


@compiled
def _note(
    kind: Any, data: Any, state: Any, notes: Any, room: Any, whole: Any, y: Any, count: Any, n: Any, t: Any
) -> None:
    """Write down what is asked for of iteration t, and whether the cost is no number any more."""
    full, place = data.order.shape[0] == 0, notes.places[t]
    own_cost_asked = notes.costs.shape[0] > 0 or (full and (place >= 0 or notes.thresholds[n] > -np.inf))
    own = state.p.dtype.type(0)
    if own_cost_asked or not _surely_finite(notes.bound, room, y):
        own = _cost(kind.loss, room, y, count)
    if notes.costs.shape[0]:
        notes.costs[n, t] = own
    cost = own
    if not full and place >= 0:
        _forward(kind, state.p[n], data.x, data.examples, whole)
        cost = _cost(kind.loss, whole, data.y, data.examples)
    if place >= 0:
        notes.curve[n, place] = cost
        if notes.watched[n] >= 0:
            notes.paths[notes.watched[n], place] = state.p[n]
    if (full or place >= 0) and notes.reached[n] < 0 and cost <= state.p.dtype.type(notes.thresholds[n]):
        notes.reached[n] = t
    if notes.diverged[n] < 0 and not (np.isfinite(own) and np.isfinite(cost)):
        notes.diverged[n] = t


@compiled
def _surely_finite(bound: Any, room: Any, y: Any) -> Any:
    """Tell whether logits are so small that no cost can overflow: most steps need not know their cost."""
    logits, small = room.z[room.z.size - y.size :], 0
    most = logits.dtype.type(bound)
    for k in range(logits.size):
        small += 1 if np.abs(logits[k]) < most else 0
    return small == logits.size


@compiled
def _cost(loss: Any, room: Any, y: Any, count: Any) -> Any:
    rows, m = y.shape
    fill_losses(loss, room.z[room.z.size - rows * m :].reshape(rows, m), y, room.losses)
    _clear(room.losses, 1, count, m)
    return sum_examples(room.losses, m) / room.losses.dtype.type(count)


@compiled
def _clear(values: Any, rows: Any, count: Any, m: Any) -> None:
    """Set to 0 what fills the rows up to whole vectors, so that sums over rows do not see it."""
    for i in range(rows):
        for s in range(count, m):
            values[i * m + s] = 0
