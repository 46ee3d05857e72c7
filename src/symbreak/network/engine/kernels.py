"""One network after the other, all its steps in one call, in arrays that stay in the first-level cache.

The operations and their order are those of `propagation.py`, `optimizers.py` and the unit-alike arithmetic, so the
bits are the same. Nothing is shared between networks but the data. This module loads Numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import lent, lent_inlined
from symbreak.network.engine.kernels_layers import answers, pull_back
from symbreak.network.engine.kernels_losses import fill_deltas, fill_losses
from symbreak.network.engine.kernels_ties import watch_ties
from symbreak.network.engine.kernels_updates import update
from symbreak.network.kernels import product, sum_examples, weight_gradient


@lent
def train(kind: Any, data: Any, rule: Any, state: Any, notes: Any, room: Any, whole: Any, part: Any) -> None:
    """Train networks part[0] to part[1] - 1 from update part[2] to part[3] - 1; the last iteration has no update.

    `room` is for the examples of one update, `whole` for all of them.
    """
    full, count = data.order.shape[0] == 0, data.examples
    x, y = (data.x, data.y) if full else (room.x, room.y)
    m = room.losses.size
    for n in range(part[0], part[1]):
        p = state.p[n]
        for t in range(part[2], part[3]):
            if notes.stop and notes.diverged[n] >= 0:
                break
            if not full:
                count = _fill_batch(data, room, t)
            _forward(kind, p, x, m, count, room)
            if _cost_matters(data, notes, room.z[room.z.size - y.size :], n, t):
                _note(kind, data, p, notes, room, whole, y, count, n, t)
            if t < notes.iterations and not (notes.stop and notes.diverged[n] >= 0):
                _backward(kind, p, x, y, m, count, room)
                if notes.tied.size > 0:
                    watch_ties(kind, notes, room, m, count, n, t)
                _update(kind.sizes, kind.offsets, rule, state, room.gradient, n)


@lent
def _fill_batch(data: Any, room: Any, t: Any) -> Any:
    """Fill the room's inputs and targets with the examples of update t; return how many they are."""
    per_epoch = (data.examples + data.batch - 1) // data.batch
    first = (t % per_epoch) * data.batch
    count = min(data.batch, data.examples - first)
    chosen = data.order[t // per_epoch, first : first + count]
    m, from_m = room.losses.size, data.x.size // (room.x.size // room.losses.size)
    for i in range(room.x.size // m):
        for s in range(count):
            room.x[i * m + s] = data.x[i * from_m + chosen[s]]
    for i in range(room.y.size // m):
        for s in range(count):
            room.y[i * m + s] = data.y[i * from_m + chosen[s]]
    _clear(room.x, room.x.size // m, count, m)
    _clear(room.y, room.y.size // m, count, m)
    return count


@lent_inlined
def _forward(kind: Any, p: Any, x: Any, m: Any, count: Any, room: Any) -> None:
    below, at, above, layers = x, 0, 0, kind.sizes.size - 1
    for layer in range(layers):
        inner, rows = kind.sizes[layer] + 1, kind.sizes[layer + 1]
        z = room.z[at : at + rows * m]
        w = p[kind.offsets[layer] :]
        if layer == layers - 1:
            product(w, inner, 1, rows, inner, below, m, z)
        else:
            own = room.a[above : above + (rows + 1) * m]
            answers(kind.activation, kind.parameter, w, inner, rows, below, m, z, own)
            _clear(own, rows, count, m)
            below = own
        at, above = at + rows * m, above + (rows + 1) * m


@lent_inlined
def _backward(kind: Any, p: Any, x: Any, y: Any, m: Any, count: Any, room: Any) -> None:
    layers = kind.sizes.size - 1
    rows = kind.sizes[layers]
    at = room.z.size - rows * m
    fill_deltas(kind.loss, room.z[at:], y, m, room.dz[at:], room.scratch)
    _clear(room.dz[at:], rows, count, m)
    examples = p.dtype.type(count)
    for layer in range(layers - 1, -1, -1):
        rows, below = kind.sizes[layer + 1], kind.sizes[layer]
        dz, w = room.dz[at : at + rows * m], kind.offsets[layer]
        under = at - below * m
        # Each hidden layer below has one row more in `a` than in `z`: its ones.
        source = room.a[under + (layer - 1) * m :] if layer else x
        weight_gradient(dz, rows, source, below + 1, m, examples, room.gradient[w:])
        if layer:
            out = room.dz[under:at]
            z = room.z[under:at]
            pull_back(kind.activation, kind.parameter, p[w:], below, rows, dz, m, z, source, out)
            _clear(out, below, count, m)
        at = under


@lent_inlined
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


@lent_inlined
def _cost_matters(data: Any, notes: Any, logits: Any, n: Any, t: Any) -> Any:
    """Tell whether the cost of iteration t is asked for, or might be no number: most steps need not know it."""
    if notes.costs.shape[0] > 0 or notes.places[t] >= 0:
        return True
    if data.order.shape[0] == 0 and notes.thresholds[n] > -np.inf and notes.reached[n] < 0:
        return True
    return not _surely_finite(logits, notes.bound)


@lent
def _note(kind: Any, data: Any, p: Any, notes: Any, room: Any, whole: Any, y: Any, count: Any, n: Any, t: Any) -> None:
    """Write down what is asked for of iteration t, and whether the cost is no number any more."""
    full, place = data.order.shape[0] == 0, notes.places[t]
    logits = room.z[room.z.size - y.size :]
    own = _cost(kind.loss, logits, y, count, room)
    if notes.costs.shape[0]:
        notes.costs[n, t] = own
    cost = own
    if not full and place >= 0:
        _forward(kind, p, data.x, whole.losses.size, data.examples, whole)
        cost = _cost(kind.loss, whole.z[whole.z.size - data.y.size :], data.y, data.examples, whole)
    if place >= 0:
        notes.curve[n, place] = cost
        if notes.watched[n] >= 0:
            path = notes.paths[notes.watched[n], place]
            for k in range(p.size):
                path[k] = p[k]
    if (full or place >= 0) and notes.reached[n] < 0 and cost <= p.dtype.type(notes.thresholds[n]):
        notes.reached[n] = t
    if notes.diverged[n] < 0 and not (np.isfinite(own) and np.isfinite(cost)):
        notes.diverged[n] = t


@lent_inlined
def _surely_finite(logits: Any, bound: Any) -> Any:
    """Tell whether logits are so small that no cost can overflow."""
    small, most = 0, logits.dtype.type(bound)
    for k in range(logits.size):
        small += 1 if np.abs(logits[k]) < most else 0
    return small == logits.size


@lent
def _cost(loss: Any, logits: Any, y: Any, count: Any, room: Any) -> Any:
    m = room.losses.size
    fill_losses(loss, logits, y, m, room.losses, room.scratch)
    _clear(room.losses, 1, count, m)
    return sum_examples(room.losses, m) / room.losses.dtype.type(count)


@lent
def _clear(values: Any, rows: Any, count: Any, m: Any) -> None:
    """Set to 0 what fills the rows up to whole vectors, so that sums over rows do not see it."""
    for i in range(rows):
        for s in range(count, m):
            values[i * m + s] = 0
