"""Training many networks of one architecture at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network import arithmetic as arithmetics
from symbreak.network.engine import by_blas, layout
from symbreak.network.engine.job import Job, Notes, State
from symbreak.network.engine.layout import Architecture, Data, Rule
from symbreak.network.engine.ties import checked_ties
from symbreak.network.engine.trained import Memory, Trained
from symbreak.network.network import Network
from symbreak.network.optimizers import Optimizer
from symbreak.network.training import check_count, epoch_order, fitting
from symbreak.random.sharing import cores, share

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]

# Operations of one call of the kernel, about a tenth of a second: soon enough to hear an interrupt, and long beside
# the microseconds that a call costs.
CALL_WORK = 2**28
# What a unit's activation and its slope cost on one example, in multiplications of a weight: measured, roughly.
UNIT_WORK = 20
# Logits and targets below this give finite costs, whatever the loss and with up to 2^40 of them.
SAFE = {np.dtype(np.float32): 1e12, np.dtype(np.float64): 1e120}


def train_many(
    networks: Network,
    X: Array,
    Y: Array,
    *,
    iterations: int,
    learning_rate: ArrayLike,
    optimizer: str | Optimizer | Sequence[str | Optimizer] = "gd",
    train_biases: bool = True,
    batch_size: int | None = None,
    batch_seed: int = 0,
    stop_diverged: bool = True,
    record: Iterable[int] = (),
    record_costs: bool = False,
    threshold: ArrayLike | None = None,
    watch: Sequence[int] = (),
    tied: ArrayLike | None = None,
    memory: Memory | None = None,
    arithmetic: str = "unitwise",
    threads: int | None = None,
    proceed: Callable[[int], bool] | None = None,
) -> Trained:
    """Train every network of a stack; each has the bits that `descend(..., arithmetic="unitwise")` gives it alone.

    They do not depend on the other networks, the threads or the machine, and tied units stay tied. What networks may
    differ in is their parameters, learning rates and update rules; they share the data and the mini-batches.

    Args:
        networks: a stack of R networks.
        X: (n_x, m). Y: (n_y, m).
        iterations: how many updates.
        learning_rate: above 0; one number, one for each network (R,), or one for each layer of each network
            (R, layers).
        optimizer: an update rule of the catalogue, or one for each network.
        train_biases: if False they keep their values.
        batch_size, batch_seed: as in `descend`.
        stop_diverged: end a network at its first cost that is not finite.
        record: iterations at which costs on all examples are noted; 0 and the last always are.
        record_costs: note also the cost of every update's examples.
        threshold: one cost or one for each network; the first iteration at or below it is noted.
        watch: networks whose parameters are kept at the recorded iterations.
        tied: (R, hidden units): for every hidden unit, layer after layer, which unit of its layer it should equal: its
            own number if none, ~u to be the mirror image of unit u. That is looked at before every update.
        memory: that of an earlier training, from whose end these networks go on: the pieces then have the bits of one
            training. Not with mini-batches, whose order would begin anew.
        arithmetic: "unitwise", or "blas": one network after the other by the matrix products of a BLAS library, for
            large layers. The promise of bits ends there: they may differ between machines and builds of the library,
            rounding may part tied units, and so `tied` is refused.
        threads: all cores if None.
        proceed: called from several threads with the number of updates done since; False ends the training.

    Raises:
        InvalidInput: a rate, a count, a rule or a place that makes no sense; X or Y not finite.
        InvalidShape: X, Y, learning rates or a memory that do not fit the networks; a network that is not a stack.

    >>> from symbreak.network import stack
    >>> start = stack([Network.initialize((2, 4, 1), "normal(1)", seed=seed) for seed in range(3)])
    >>> X = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    >>> trained = train_many(start, X, X[:1] != X[1:], iterations=500, learning_rate=[0.3, 1.0, 3.0])
    >>> trained.final_cost.shape, trained.diverged.tolist()
    ((3,), [False, False, False])
    """
    check_count("iterations", iterations, least=0)
    with_blas = arithmetics.get(str(arithmetic)).name == "blas"
    if with_blas and tied is not None:
        raise InvalidInput(
            "ties are watched where rounding keeps them",
            got=f"tied and arithmetic={arithmetic!r}",
            allowed="unit-alike arithmetic",
            hint='arithmetic="unitwise"',
        )
    if networks.weights[0].ndim != 3:
        raise InvalidShape(
            "the networks must be a stack", got=networks, allowed="networks of one kind", hint="stack([network])"
        )
    x, y = fitting(networks, X, Y)
    kind, rules = layout.architecture(networks), _optimizers(optimizer, len(networks.weights[0]))
    job = Job(
        kind,
        _data(x, y, batch_size, batch_seed, iterations),
        _rule(networks, learning_rate, rules, train_biases),
        _state(layout.rows(networks), memory, batch_size),
        _notes(
            networks,
            y,
            iterations,
            record,
            record_costs,
            threshold,
            watch,
            checked_ties(networks, tied),
            stop_diverged,
            kind,
        ),
    )
    if threads is not None:
        check_count("threads", threads, least=1)
    if with_blas:
        task = by_blas.Task(networks, x, y, rules, batch_size, batch_seed)
        complete = by_blas.run(task, job, threads or cores(), proceed)
    else:
        complete = _run(job, threads or cores(), proceed)
    return _trained(networks, job, tuple(watch), complete)


def _data(x: Array, y: Array, size: int | None, seed: int, iterations: int) -> Data:
    m = x.shape[1]
    if size is not None:
        check_count("the batch size", size, least=1, most=m)
    if size is None or size == m:
        return layout.data(x, y, np.empty((0, m), np.int32), m)
    epochs = 1 + iterations // -(-m // size)
    order = np.array([epoch_order(m, seed, epoch) for epoch in range(epochs)], np.int32)
    return layout.data(x, y, order, size)


def _rule(networks: Network, learning_rate: ArrayLike, rules: list[Any], train_biases: bool) -> Rule:
    count, layers = len(networks.weights[0]), len(networks.weights)
    rates = _numbers(learning_rate, "learning rates")
    if rates.ndim == 1:
        rates = rates[:, None]
    if rates.ndim > 2 or not all(n in (1, full) for n, full in zip(rates.shape[::-1], (layers, count), strict=False)):
        raise InvalidShape(
            "there is one learning rate, one for each network, or one for each layer of each",
            got=f"shape {np.shape(learning_rate)} for {count} networks of {layers} layers",
            allowed=f"(), ({count},) or ({count}, {layers})",
            hint="0.1",
        )
    wrong = ~(np.isfinite(rates) & (rates > 0))
    if wrong.any():
        raise InvalidInput(
            "learning rates must be above 0", got=rates[wrong][0], allowed="finite numbers > 0", hint="1.2, or 0.01"
        )
    rates = np.broadcast_to(rates, (count, layers))
    return layout.rule(rules, rates, rates if train_biases else np.zeros_like(rates))


def _optimizers(optimizer: Any, count: int) -> list[Any]:
    one = isinstance(optimizer, (str, Optimizer)) or not isinstance(optimizer, Sequence)
    asked = [optimizer] * count if one else list(optimizer)
    if len(asked) != count:
        raise InvalidInput(
            "there is one optimizer, or one for each network", got=len(asked), allowed=f"1 or {count}", hint="gd"
        )
    return asked


def _state(p: Array, memory: Memory | None, batch_size: int | None) -> State:
    if memory is None:
        first, second = np.zeros((2, *p.shape), p.dtype)
        return State(p, first, second, np.ones((len(p), 2)))
    if batch_size is not None:
        raise InvalidInput(
            "a training with mini-batches is not gone on with",
            got=f"a memory and batch_size={batch_size}",
            allowed="the full batch",
            hint="batch_size=None",
        )
    if memory.first.shape != p.shape or memory.first.dtype != p.dtype:
        raise InvalidShape(
            "the memory is that of networks of the same kind and number",
            got=f"{memory.first.dtype} of shape {memory.first.shape}",
            allowed=f"{p.dtype} of shape {p.shape}",
            hint="Trained.memory of these networks",
        )
    return State(p, memory.first.copy(), memory.second.copy(), memory.powers.copy())


def _notes(
    networks: Network,
    y: Array,
    iterations: int,
    record: Iterable[int],
    record_costs: bool,
    threshold: ArrayLike | None,
    watch: Sequence[int],
    tied: Whole,
    stop: bool,
    kind: Architecture,
) -> Notes:
    count, dtype = len(networks.weights[0]), networks.weights[0].dtype
    marks = sorted({0, iterations, *record})
    for what, values, most in (("a recorded iteration", marks, iterations), ("a watched network", watch, count - 1)):
        for value in values:
            check_count(what, value, least=0, most=most)
    places, watched = np.full(iterations + 1, -1), np.full(count, -1)
    places[marks], watched[list(watch)] = np.arange(len(marks)), np.arange(len(watch))
    limit = -np.inf if threshold is None else _numbers(threshold, "thresholds")
    safe = SAFE[dtype]
    return Notes(
        iterations=iterations,
        places=places,
        curve=_nothing((count, len(marks)), dtype),
        costs=_nothing((count, iterations + 1) if record_costs else (0, 0), dtype),
        thresholds=_for_each(limit, count, "threshold"),
        reached=np.full(count, -1),
        diverged=np.full(count, -1),
        watched=watched,
        paths=_nothing((len(watch), len(marks), int(kind.offsets[-1])), dtype),
        tied=tied,
        parted=np.full((count, 4), -1),
        bound=safe if np.abs(y).max() < safe else 0.0,
        stop=bool(stop),
    )


def _nothing(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    return np.full(shape, np.nan, dtype)


def _numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiu":
        raise InvalidInput(f"{what} must be numbers", got=values, allowed="finite numbers", hint="0.1")
    return array.astype(np.float64)


def _for_each(values: Any, count: int, what: str) -> NDArray[np.float64]:
    if np.shape(values) not in ((), (count,)):
        raise InvalidShape(
            f"there is one {what}, or one for each network",
            got=f"shape {np.shape(values)} for {count} networks",
            allowed=f"() or ({count},)",
            hint="0.1",
        )
    return np.array(np.broadcast_to(np.asarray(values, np.float64), (count,)))


def _run(job: Job, threads: int, proceed: Callable[[int], bool] | None) -> bool:
    """Let threads take networks until none is left; tell whether all of them came to their end."""
    from symbreak.network.engine import kernels

    count, halt = len(job.state.p), threading.Event()
    dtype, seen = job.state.p.dtype, job.data.batch
    work = _work(job.kind, seen) * (job.notes.iterations + 1)
    at_once = max(1, min(CALL_WORK // work, -(-count // (4 * threads))))
    steps = max(1, CALL_WORK * (job.notes.iterations + 1) // work)

    def take(pieces: Iterator[tuple[int, int]]) -> None:
        room = layout.room(job.kind, dtype, seen)
        whole = room if seen == job.data.examples else layout.room(job.kind, dtype, job.data.examples)
        try:
            for first, last in pieces:
                for start in range(0, job.notes.iterations + 1, steps):
                    stop = min(start + steps, job.notes.iterations + 1)
                    if halt.is_set():
                        return
                    part = (first, last, start, stop)
                    kernels.train(job.kind, job.data, job.rule, job.state, job.notes, room, whole, part)
                    if proceed is not None and not proceed((last - first) * (stop - start)):
                        halt.set()
        except BaseException:
            halt.set()
            raise

    share(take, [(first, min(first + at_once, count)) for first in range(0, count, at_once)], threads)
    return not halt.is_set()


def _work(kind: Architecture, examples: int) -> int:
    """Return roughly the operations of one update, in multiplications."""
    weights, units = int(kind.offsets[-1]), int(kind.sizes[1:].sum())
    return examples * (3 * weights + UNIT_WORK * units) + 10 * weights


def _trained(networks: Network, job: Job, watched: tuple[int, ...], complete: bool) -> Trained:
    notes = job.notes
    return Trained(
        network=layout.network(networks, job.state.p),
        iterations=tuple(np.flatnonzero(notes.places >= 0).tolist()),
        curve=notes.curve,
        costs=notes.costs,
        reached=notes.reached,
        diverged_at=notes.diverged,
        watched=watched,
        paths=notes.paths,
        parted=notes.parted,
        complete=complete,
        memory=Memory(job.state.first, job.state.second, job.state.powers),
    )
