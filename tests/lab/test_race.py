"""A race has the numbers of `train_many` and `compare`, bit for bit, however it is cut, rewound and sought."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak import experiments
from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.experiments import Settings
from symbreak.lab import curves, lanes, race
from symbreak.lab.race import Race
from symbreak.lab.state import Entrant, State
from symbreak.network import forward, stack, train_many

TIED = "constant(0.5)"


def few(seed: int = 0, samples: int = 21) -> Dataset:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(2, samples))
    return Dataset("few", X, (X[:1] * X[1:] > 0) * 1.0, ("a", "b"), ("no", "yes"), "binary", made_by_formula=True)


FEW = few()


def made(state: State) -> Race:
    return Race(state, experiments.prepare(Settings(loss=state.loss, in_memory=True), FEW)[0])


def numbers(one: Race) -> list[list[np.ndarray]]:
    return [list(lane.network.parameters) for lane in one.moment.lanes]


def same(one: list[list[np.ndarray]], other: list[list[np.ndarray]]) -> list[bool]:
    return [all((a == b).all() for a, b in zip(x, y, strict=True)) for x, y in zip(one, other, strict=True)]


MIXED = State(
    layers=(3, 2),
    networks=(
        Entrant("he", edits=((5, "W1", 0, 0, 2.0), (31, "b3", 0, 0, -1.0))),
        Entrant(TIED, dropout=0.3),
        Entrant(TIED, arithmetic="blas"),
        Entrant(TIED, epsilon=1e-9, at=("W2", 1, 2)),
    ),
)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("pieces", [(1,) * 40, (7, 33), (39, 1)])
def test_pieces_do_not_matter(optimizer, pieces):
    state = State(**{**MIXED.__dict__, "optimizer": optimizer, "rate": 0.1})
    whole, parts = made(state), made(state)
    whole.advance(40)
    for piece in pieces:
        parts.advance(piece)
    assert parts.t == 40
    assert same(numbers(whole), numbers(parts)) == [True] * 4
    assert whole.curve == parts.curve


def test_a_forgotten_memory_would_be_noticed(monkeypatch):
    state = State(optimizer="adam", rate=0.1)
    whole = made(state)
    whole.advance(40)
    monkeypatch.setattr(lanes, "_joined", lambda memories: None)
    forgetful = made(state)
    forgetful.advance(20)
    forgetful.advance(20)
    assert same(numbers(whole), numbers(forgetful)) != [True, True]


def test_the_numbers_are_those_of_train_many():
    state = State(networks=(Entrant("zeros"), Entrant("he"), Entrant("normal(1)")), seed=5)
    one = made(state)
    problem = one.track.problem
    starts = stack([race.start(state, problem, i) for i in range(3)])
    trained = train_many(starts, problem.train.X, problem.train.Y, iterations=90, learning_rate=1.2, record=range(91))
    for piece in (13, 50, 27):
        one.advance(piece)
    assert same(numbers(one), [list(trained.network[i].parameters) for i in range(3)]) == [True] * 3
    assert [one.curve[t] for t in range(91)] == trained.curve.T.tolist()


def test_the_numbers_are_those_of_compare():
    settings = Settings(inits=("normal(1)",), seeds=3, iterations=60, layers=(3,), in_memory=True)
    compared = experiments.compare(settings, data=few()).rows[0].runs[2]
    one = made(State(seed=2, layers=(3,), networks=(Entrant("normal(1)"),)))
    one.advance(60)
    assert compared.final_cost == one.costs[0]
    assert {t: cost for t, cost in compared.cost if t in one.curve} == {
        t: one.curve[t][0] for t, _ in compared.cost if t in one.curve
    }


@pytest.mark.parametrize("t", [0, 1, 4, 5, 6, 17, 30, 31, 32, 63, 64, 65, 200, 299])
def test_any_step_is_the_same_when_it_is_sought_again(t):
    straight, sought = made(MIXED), made(MIXED)
    straight.advance(t)
    sought.advance(300)
    sought.seek(t)
    sought.advance(t - sought.t)
    assert sought.t == t
    assert same(numbers(straight), numbers(sought)) == [True] * 4
    assert [lane.parted for lane in straight.moment.lanes] == [lane.parted for lane in sought.moment.lanes]


def test_rewinding_gives_the_very_start():
    one = made(MIXED)
    start = numbers(one)
    one.advance(100)
    assert same(numbers(one), start) != [True] * 4
    one.seek(0)
    assert one.t == 0
    assert same(numbers(one), start) == [True] * 4


def test_few_checkpoints_are_kept_however_long_the_race(monkeypatch):
    monkeypatch.setattr(race, "MOST_CHECKPOINTS", 6)
    monkeypatch.setattr(race, "LEAST_CHECKPOINTS", 3)
    monkeypatch.setattr(curves, "MOST_POINTS", 10)
    one, straight = made(State()), made(State())
    one.advance(64 * 100 + 5)
    assert len(one.checkpoints) <= 6
    assert len(one.curve) <= 10
    assert 0 in one.checkpoints
    straight.advance(1000)
    one.seek(1000)
    one.advance(1000 - one.t)
    assert same(numbers(one), numbers(straight)) == [True, True]


def test_an_edit_forgets_what_came_later_and_is_made_again():
    one = made(State())
    one.advance(200)
    late = numbers(one)
    one.seek(150)
    one.advance(150 - one.t)
    one.edit(1, ("W1", 0, 1), 3.0)
    assert max(one.checkpoints) <= 150 >= max(one.curve)
    assert one.moment.lanes[1].network.weights[0][0, 1] == 3.0
    one.advance(50)
    assert same(numbers(one), late) == [True, False]
    again = made(one.state)
    again.advance(200)
    assert same(numbers(one), numbers(again)) == [True, True]
    assert one.curve == again.curve


def test_a_weight_set_twice_at_a_step_was_set_once():
    one = made(State())
    one.edit(0, ("b1", 2, 0), 3.0)
    one.edit(0, ("b1", 2, 0), 4.0)
    one.edit(0, ("b1", 1, 0), 5.0)
    assert one.state.networks[0].edits == ((0, "b1", 2, 0, 4.0), (0, "b1", 1, 0, 5.0))


def test_what_overflows_stands_still():
    one = made(State(loss="squared-error", rate=900.0, activation="relu", networks=(Entrant("normal(1)"),)))
    one.advance(3000)
    assert not np.isfinite(one.costs[0])
    before = numbers(one)
    one.advance(10)
    assert one.t == 3010
    assert same(numbers(one), before) == [True]


def test_halting_leaves_the_race_where_it_was():
    one = made(State())
    one.advance(10)
    one.halt.set()
    one.advance(10**9)
    assert one.t == 10


@pytest.mark.parametrize("where", [("W1", 4, 0), ("W1", 0, 2), ("b1", 0, 1), ("W3", 0, 0), ("b2", 1, 0)])
def test_a_place_that_is_not_there_is_refused(where):
    one = made(State())
    with pytest.raises(InvalidInput, match="no such weight"):
        one.edit(0, where, 1.0)
    with pytest.raises(InvalidInput, match="no such weight"):
        made(State(networks=(Entrant("he", edits=((0, *where, 1.0),)),)))
    with pytest.raises(InvalidInput, match="no such weight"):
        made(State(networks=(Entrant("he", epsilon=0.5, at=where),)))


def test_the_merged_network_answers_the_same():
    one = made(State(networks=(Entrant(TIED), Entrant("he"))))
    one.advance(30)
    one.merge(0, True)
    one.advance(200)
    lane = one.moment.lanes[0]
    assert lane.merged.network.sizes == (2, 1, 1)
    again = made(one.state)
    again.advance(230)
    assert same([list(lane.merged.network.parameters)], [list(again.moment.lanes[0].merged.network.parameters)])
    one.merge(0, False)
    assert one.moment.lanes[0].merged is None
    assert one.state.networks[0].merged is None


def test_the_merged_network_costs_the_same_at_every_step():
    one = made(State(networks=(Entrant("he"), Entrant(TIED)), rate=0.3))
    one.advance(20)
    one.merge(1, True)
    one.advance(300)
    costs, merged = one.curves.costs, one.curves.merged
    assert all(np.isnan(merged[t][0]) for t in merged)
    assert [t for t in merged if np.isfinite(merged[t][1])] == [t for t in merged if t >= 20]
    # Some operations at each of 300 steps round differently; training at this rate does not make more of it.
    assert max(abs(merged[t][1] - costs[t][1]) for t in costs if t >= 20) < 300 * 2**-40
    assert one.moment.lanes[1].apart == -1


def parting(pieces: tuple[int, ...], entrant: Entrant, **how) -> tuple[int, list[float]]:
    one = made(State(networks=(entrant,), **how))
    for piece in pieces:
        one.advance(piece)
    return one.moment.lanes[0].apart, [*one.curves.merged.values()]


@pytest.mark.parametrize(
    ("entrant", "step"),
    [
        (Entrant(TIED, merged=3, edits=((31, "W1", 2, 0, 3.0),)), 31),
        (Entrant(TIED, merged=3, edits=((31, "W1", 2, 0, 3.0),), arithmetic="blas"), 31),
        (Entrant(TIED, merged=3, dropout=0.5), 4),
        # What was changed before is merged as it is.
        (Entrant(TIED, merged=31, edits=((31, "W1", 2, 0, 3.0),)), -1),
        (Entrant(TIED, merged=3), -1),
    ],
)
def test_the_step_at_which_the_merged_network_parts_is_exact(entrant, step):
    whole, parts = (parting(pieces, entrant) for pieces in ((300,), (1, 29, 1, 5, 264)))
    assert str(whole) == str(parts)
    assert whole[0] == step


def test_a_small_change_parts_the_merged_network_once_it_has_grown():
    """The step is that of a comparison of the answers, made after every single update."""
    one = made(State(layers=(2,), rate=6.0, networks=(Entrant(TIED, merged=0),)))
    one.advance(1)
    one.edit(0, ("W1", 1, 0), one.moment.lanes[0].network.weights[0][1, 0] * (1 + 2**-40))
    looked = made(one.state)
    one.advance(499)
    while looked.t <= 1 or (answers_differ_by(looked) <= 1e-3 and looked.t < 500):
        looked.advance(1)
    assert 10 < looked.t < 500
    assert one.moment.lanes[0].apart == looked.t


def answers_differ_by(one: Race) -> float:
    lane = one.moment.lanes[0]
    large, small = (forward(net, FEW.X, arithmetic="unitwise").answer for net in (lane.network, lane.merged.network))
    return float(np.abs(large - small).max())


def test_merging_is_for_gradient_descent():
    one = made(State(optimizer="adam"))
    with pytest.raises(InvalidInput, match="gradient descent"):
        one.merge(0, True)
    assert one.state.networks[0].merged is None


def test_dropout_is_a_function_of_seed_and_step():
    first, second, other = (made(State(seed=s, networks=(Entrant("he", dropout=0.5),))) for s in (1, 1, 2))
    for one in (first, second, other):
        one.advance(10)
    assert first.costs == second.costs != other.costs
