"""A comparison of a user's model: its numbers against an independent loop, its verdicts, its promises."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pytest
import torch
from experiments.models.nets import mlp, sgd
from torch import nn
from torch.nn import functional

import symbreak
from symbreak import Network, datasets
from symbreak.experiments import CompareResult
from symbreak.experiments import Settings as LessonSettings
from symbreak.experiments import compare as compare_lesson
from symbreak.experiments.models import comparison, running
from symbreak.experiments.models import proof as module
from symbreak.experiments.models.batches import Batch
from symbreak.experiments.models.settings import Settings, Task
from symbreak.experiments.models.starts import Start

# Both train in double precision; sums of 400 terms, 60 steps, in another order.
ROUNDING = 60 * 400 * np.finfo(np.float64).eps
# Shares are means of single-precision numbers.
SINGLE = float(np.finfo(np.float32).eps)


def row(result, init="as-built"):
    return next(each for each in result.rows if each.init == init)


def test_costs_are_those_of_a_plain_loop(quick, batch):
    result = quick(seeds=2, steps=30)
    for run in row(result).runs:
        torch.manual_seed(run.seed)
        model = mlp()
        optimizer = sgd(model.parameters())
        costs = []
        for step in range(31):
            loss = functional.cross_entropy(model(batch[0]), batch[1])
            costs.append(float(loss.detach()))
            if step == 0:
                gradients = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
                norm = float(torch.cat([g.flatten() for g in gradients]).norm())
            if step < 30:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        for iteration, cost in run.cost:
            assert cost == pytest.approx(costs[iteration], rel=30 * SINGLE)
        assert run.gradient_norm == pytest.approx(norm, rel=60 * SINGLE)
        assert run.accuracy == float((model(batch[0]).argmax(1) == batch[1]).double().mean())
        half = result.data.base_rate_cost / 2
        assert run.iterations_to_half_base_rate == next((t for t, cost in run.cost if cost <= half), None)


class Lesson(nn.Module):
    """The lesson's network in PyTorch, in its own precision."""

    def __init__(self, init, seed):
        super().__init__()
        self.first, self.second = nn.Linear(2, 4, dtype=torch.float64), nn.Linear(4, 1, dtype=torch.float64)
        start = Network.initialize((2, 4, 1), init, seed=seed, activation="tanh")
        with torch.no_grad():
            for layer, weight, bias in zip((self.first, self.second), start.weights, start.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(np.array(weight)))
                layer.bias.copy_(torch.from_numpy(np.array(bias)[:, 0]))

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


@pytest.mark.parametrize("init", ["zeros", "constant(0.5)", "normal(1)"])
def test_the_lesson_in_pytorch_comes_out_as_the_lesson(init):
    data = datasets.load("planar")
    x, y = torch.from_numpy(data.X.T.copy()), torch.from_numpy(data.Y.T.astype(np.float64))
    found = symbreak.compare(
        lambda: Lesson(init, 0),
        [(x, y)],
        inits=["as-built"],
        steps=60,
        seeds=1,
        loss_fn=functional.binary_cross_entropy_with_logits,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.2),
    ).result
    lesson = compare_lesson(LessonSettings(inits=(init,), seeds=1, iterations=60))
    ours, theirs = found.rows[0].runs[0], lesson.rows[0].runs[0]
    assert found.data.base_rate_cost == pytest.approx(lesson.data.base_rate_cost, rel=1e-12)
    assert found.data.base_rate_score == lesson.data.base_rate_score
    assert [t for t, _ in ours.cost] == [t for t, _ in theirs.cost]
    assert [c for _, c in ours.cost] == pytest.approx([c for _, c in theirs.cost], rel=ROUNDING)
    assert ours.accuracy == theirs.accuracy
    assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=ROUNDING)
    assert ours.effective_units == theirs.effective_units
    assert ours.saturated.start == pytest.approx(theirs.saturated.start, abs=SINGLE)
    assert found.rows[0].status == lesson.rows[0].status


def test_zeros_and_constants_are_one_unit_and_random_starts_are_several(quick):
    result = quick(inits=["zeros", "constant(0.5)", "normal(0.1)"])
    ends = {each.init: (each.effective_units.start, each.effective_units.end) for each in result.rows}
    assert ends == {"zeros": ((1,), (1,)), "constant(0.5)": ((1,), (1,)), "normal(0.1)": ((8,), (8,))}
    assert [each.status for each in result.rows] == ["proved", "proved", "measured"]
    sentence = "8 units behind 0.weight are one unit: identical in every forward and backward pass, for ever (proved)"
    assert row(result, "constant(0.5)").verdict.startswith(sentence)
    assert "the gradient of 0.weight, 0.bias, 2.weight is zero for ever (proved)" in row(result, "zeros").verdict


def test_a_proof_is_said_only_of_optimizers_that_its_theorem_names(quick):
    def unknown(parameters):
        return torch.optim.RMSprop(parameters, lr=0.01)

    found = row(quick(inits=["constant(0.5)"], optimizer=unknown), "constant(0.5)")
    assert found.status == "measured"
    assert "one unit: identical" in found.verdict
    assert "one unit: identical in every forward and backward pass, for ever (proved)" not in found.verdict


def test_that_would_notice_a_proof_for_all(quick, monkeypatch):
    monkeypatch.setattr(module, "_holds", lambda finding, rules: finding.status == "proved")
    found = row(quick(inits=["constant(0.5)"], optimizer=lambda p: torch.optim.RMSprop(p, lr=0.01)), "constant(0.5)")
    assert found.status == "proved"


def half_tied():
    model = mlp()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in ("0.weight", "0.bias"):
                parameter[:4] = parameter[0]
            elif name == "2.weight":
                parameter[:, :4] = parameter[:, :1]
    return model


def test_a_part_that_is_tied_is_told_and_what_it_learns_all_the_same(quick):
    found = row(quick(half_tied, steps=60))
    assert found.effective_units.start == (5,)
    assert found.verdict.startswith("units 0-3 of 8 behind 0.weight are one for ever (same for ever) (proved); even so")
    assert "even so it learns" in found.verdict


def test_rounding_that_parts_what_is_tied_refutes_no_proof(quick, monkeypatch):
    real = running.snapshot
    calls = itertools.count()

    def parted(*args, **kwargs):
        from dataclasses import replace

        seen = real(*args, **kwargs)
        if next(calls) % 2 == 0:
            return seen
        return replace(seen, layers=tuple(replace(each, effective=3) for each in seen.layers))

    monkeypatch.setattr(running, "snapshot", parted)
    found = row(quick(inits=["constant(0.5)"], seeds=1), "constant(0.5)")
    assert "for ever in exact arithmetic (proved): it is rounding that parts them" in found.verdict


def test_what_diverges_overflows_at_a_step_and_has_no_end(quick, batch):
    def wild(parameters):
        return torch.optim.SGD(parameters, lr=1e12)

    found = row(quick(lambda: mlp(nn.ReLU), [(batch[0], batch[0][:, :3])], optimizer=wild, steps=40))
    assert found.overflowed == 2
    assert found.verdict.startswith("overflows: from iteration")
    for run in found.runs:
        assert run.final_cost is None
        assert run.effective_units.end == (None,)
        assert all((cost is None) == (t >= run.overflowed_at) for t, cost in run.cost)


def test_a_start_that_is_no_number_is_a_verdict(quick):
    def broken():
        model = mlp()
        nn.init.constant_(model[0].weight, float("nan"))
        return model

    found = row(quick(broken))
    assert [run.overflowed_at for run in found.runs] == [0, 0]
    json.dumps(quick(broken).to_json(), allow_nan=False)


def test_the_same_twice_and_whatever_stands_beside_it(quick):
    alone = quick(inits=["normal(0.1)"])
    beside = quick(inits=["zeros", "normal(0.1)", "as-built"])
    assert quick(inits=["normal(0.1)"]) == alone
    assert row(beside, "normal(0.1)") == row(alone, "normal(0.1)")


def test_random_states_are_left_as_they_were(quick):
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    quick(lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(), nn.Linear(8, 3)), inits=["as-built", "zeros"])
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]


class Noisy(nn.Module):
    """Writes down the noise of its training, and wastes random numbers while it is built if told so."""

    heard: list[float]

    def __init__(self, heard):
        super().__init__()
        self.body, self.heard = mlp(), heard

    def forward(self, x):
        noise = torch.rand(())
        if self.training and torch.is_grad_enabled():
            self.heard.append(float(noise))
        return self.body(x) + 0 * noise


def test_noise_is_the_same_for_all_starts(quick):
    heard = {}
    for init in ("as-built", "normal(0.1)", "plan"):
        noises: list[float] = []
        quick(lambda noises=noises: Noisy(noises), inits=[init], seeds=1, steps=5)
        heard[init] = noises[-20:]
    assert heard["as-built"] == heard["normal(0.1)"] == heard["plan"]


def test_as_built_follows_the_seed(quick):
    runs = row(quick(seeds=3, steps=2)).runs
    assert len({run.cost[0][1] for run in runs}) == 3


class Spoiling(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp()

    def forward(self, x):
        return self.body(x.relu_())


def test_a_model_that_writes_to_its_batch_spoils_it_for_nobody(quick, batch):
    mine = (batch[0].clone(), batch[1])
    result = quick(Spoiling, [mine], inits=["as-built", "zeros"])
    assert torch.equal(mine[0], batch[0])
    assert row(result) == row(quick(Spoiling, [batch]))


def test_progress_reaches_its_end_and_never_falls(quick):
    seen = []
    quick(inits=["as-built", "zeros"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * 2 * 21, 2 * 2 * 21)
    assert all(a[0] < b[0] for a, b in itertools.pairwise(seen))


def test_an_interrupt_keeps_the_runs_that_are_finished(quick):
    def interrupted(done, total):
        if done > 21:
            raise KeyboardInterrupt

    result = quick(inits=["as-built", "zeros"], progress=interrupted)
    assert result.interrupted
    assert [each.init for each in result.rows] == ["as-built"]
    assert len(result.rows[0].runs) == 1


def test_an_interrupt_before_anything_is_finished_is_one(quick):
    def interrupted(done, total):
        raise KeyboardInterrupt

    before = torch.random.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        quick(progress=interrupted)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_json_goes_out_and_comes_back(quick):
    result = quick(inits=["zeros", "normal(100)"])
    assert CompareResult.from_json(json.loads(json.dumps(result.to_json(), allow_nan=False))) == result
    assert result.network.layers == ("0.weight",)
    assert result.network.parameters == sum(p.numel() for p in mlp().parameters())
    assert (result.network.optimizer, result.network.learning_rate) == ("SGD", 0.5)


@pytest.mark.parametrize("init", ["plan", "calibrated", "he", "normal(0.1)"])
def test_starts_by_name(quick, init):
    result = quick(inits=["as-built", init], steps=3, seeds=1)
    first, second = (each.runs[0].cost[0][1] for each in result.rows)
    assert first != second
    assert row(result, result.rows[1].init).law


def test_an_optimizer_that_looks_several_times_is_served(quick):
    found = row(quick(optimizer=lambda p: torch.optim.LBFGS(p, max_iter=5), steps=8))
    assert found.final_cost.median < 0.2 * found.runs[0].cost[0][1]


def test_many_layers_are_summed_up(quick):
    from symbreak.report.table import table_rows

    def deep():
        return nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(6, 6), nn.Tanh())], nn.Linear(6, 3))

    headers, rows = table_rows(quick(deep, inits=["zeros"], steps=2, seeds=1))
    assert rows[0][headers.index("effective units")] == "sum 6 -> 6"


def test_that_would_notice_noise_that_goes_on_where_the_start_left_it(batch, monkeypatch):
    monkeypatch.setattr(running, "reseed", lambda seed: None)
    heard = []
    for inits in (["as-built"], ["drawn"]):
        noises: list[float] = []
        monkeypatch.setattr(comparison, "start", drawing(comparison.start))
        task = Task(lambda noises=noises: Noisy(noises), [batch], None, sgd)
        comparison.compare(Settings(inits=tuple(inits), seeds=1, steps=5), task)
        heard.append(noises[-20:])
    assert heard[0] != heard[1]


def drawing(real):
    """A start that draws from the global random state."""

    def start(text):
        if text == "drawn":
            return Start(text, "", lambda model, x, seed: torch.rand(1))
        return real(text)

    return start


def test_noise_is_the_same_after_a_start_that_draws(batch, monkeypatch):
    heard = []
    for inits in (["as-built"], ["drawn"]):
        noises: list[float] = []
        monkeypatch.setattr(comparison, "start", drawing(comparison.start))
        task = Task(lambda noises=noises: Noisy(noises), [batch], None, sgd)
        comparison.compare(Settings(inits=tuple(inits), seeds=1, steps=5), task)
        heard.append(noises[-20:])
    assert heard[0] == heard[1]


def test_that_would_notice_a_batch_that_is_not_copied(quick, batch, monkeypatch):
    monkeypatch.setattr(Batch, "copied", lambda self: self)
    mine = (batch[0].clone(), batch[1])
    quick(Spoiling, [mine])
    assert not torch.equal(mine[0], batch[0])
