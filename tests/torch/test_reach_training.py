"""What gradients at several points say of ties and of what is stuck, held to training of 23 families of models."""

from __future__ import annotations

import copy

import pytest
import torch
from check.families import CASES, built
from check.rounding import drop_rounding

from symbreak.diagnosis import reach
from symbreak.torch.observe import observe

STEPS = 60
# Training adds rounding of about 1e-16 at every step; what parts does so by more than 1e-6 of the weights' size.
SAME = 1e-8
# A gradient that cancels in exact arithmetic leaves rounding, which parts slices on one processor and not on another:
# of such parameters nothing is asked.
NOTHING = 1e-12


def prediction(output):
    return output if isinstance(output, torch.Tensor) else output.logits


def squared(output, y):
    return ((prediction(output) - y) ** 2).mean()


def prepared(name, breaking):
    """A model in float64, its input and targets that are in no way special."""
    model, x = built(name, breaking)
    model, x = model.double().train(), x.double() if x.is_floating_point() else x
    with torch.no_grad():
        shape = prediction(copy.deepcopy(model)(x)).shape
    torch.manual_seed(3)
    return model, x, torch.randn(shape, dtype=torch.float64)


def trained(model, x, y, *, nothing=NOTHING):
    """Train a copy; what decays goes by its own path, so there is no decay."""
    twin = copy.deepcopy(model)
    rates = {name: 0.003 for name, p in twin.named_parameters() if p.requires_grad}
    descent = torch.optim.AdamW(
        [p for p in twin.parameters() if p.requires_grad], lr=max(rates.values()), weight_decay=0
    )
    for _ in range(STEPS):
        descent.zero_grad()
        squared(twin(x), y).backward()
        drop_rounding(twin, nothing)
        descent.step()
    return {name: p.detach() for name, p in twin.named_parameters()}


def rounding(seen):
    """Parameters whose gradient is zero but for rounding."""
    felt = {p.name: p.gradient for p in seen.parameters if p.gradient is not None}
    largest = max(gradient.rms for gradient in felt.values())
    return {name for name, gradient in felt.items() if not gradient.zero and gradient.rms < NOTHING * largest}


def still_one(tensor, axis, group):
    """Whether slices are equal up to sign."""
    slices = tensor.movedim(axis, 0)
    first, size = slices[group[0]], float(tensor.abs().max())
    return all(
        min(float((slices[unit] - first).abs().max()), float((slices[unit] + first).abs().max())) <= SAME * size
        for unit in group[1:]
    )


def ties_are_kept(name, breaking):
    """Slices that are said to stay one do so while training."""
    model, x, y = prepared(name, breaking)
    found = reach.reach(observe(model, x, y, squared))
    after = trained(model, x, y)
    wrong = [
        (parameter, axis, group)
        for (parameter, axis), classes in found.classes.items()
        for group in classes.groups
        if after[parameter].dim() > 1 and not still_one(after[parameter], axis, group)
    ]
    assert not wrong, wrong[:3]
    return found


def ties_are_found(name, breaking):
    """Slices that start as one and that training leaves so are said to stay one."""
    model, x, y = prepared(name, breaking)
    seen = observe(model, x, y, squared)
    found, after = reach.reach(seen), trained(model, x, y)
    cancelled = rounding(seen)
    missed = [
        (parameter, axis, group)
        for (parameter, axis), classes in reach.candidates(seen.parameters).items()
        for group in classes.groups
        if parameter not in cancelled and after[parameter].dim() > 1 and still_one(after[parameter], axis, group)
        if not any(set(group) <= set(each) for each in getattr(found.classes.get((parameter, axis)), "groups", ()))
    ]
    assert not missed, missed[:3]


def stuck_is_stuck(name, breaking):
    """What is said to stay put does so, to the last bit, and nothing else does."""
    model, x, y = prepared(name, breaking)
    seen = observe(model, x, y, squared)
    found, after = reach.reach(seen), trained(model, x, y, nothing=0.0)
    start = dict(model.named_parameters())
    still = {p for p in start if start[p].requires_grad and torch.equal(start[p], after[p])}
    assert set(found.stuck) | set(seen.unused) == still


@pytest.mark.parametrize(("name", "breaking"), CASES)
def test_ties_that_are_told_are_kept_by_training(name, breaking):
    found = ties_are_kept(name, breaking)
    assert found.probes <= reach.MOST_PROBES


NOT_TOLD = {
    ("mlp, rigid", 0): "equal sums instead of equal slices: a random move ends them, training does not",
}


@pytest.mark.parametrize(("name", "breaking"), [case for case in CASES if case not in NOT_TOLD])
def test_ties_that_training_keeps_are_told(name, breaking):
    ties_are_found(name, breaking)


@pytest.mark.parametrize(("name", "breaking"), NOT_TOLD)
def test_limits_of_gradients_are_known(name, breaking):
    with pytest.raises(AssertionError):
        ties_are_found(name, breaking)


@pytest.mark.parametrize(("name", "breaking"), CASES)
def test_what_is_told_to_be_stuck_never_moves(name, breaking):
    stuck_is_stuck(name, breaking)


BROKEN = [case for case in CASES if case[1] is not None and case not in NOT_TOLD]
MUTANTS = {
    "gradients do not part": ("_split", lambda found, gradient, axis: False, ties_are_kept),
    "all slices are the same": ("CELL", 1e6, ties_are_kept),
    "moves do not keep ties": (
        "_moved",
        lambda parameter, classes, rng: parameter.values() + 0.1 * rng.standard_normal(parameter.shape),
        ties_are_found,
    ),
    "no further points": ("MOST_PROBES", 0, stuck_is_stuck),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_rejected(mutant, monkeypatch):
    name, broken, claim = MUTANTS[mutant]
    monkeypatch.setattr(reach, name, broken)
    rejected = 0
    for case in BROKEN:
        try:
            claim(*case)
        except AssertionError:
            rejected += 1
    assert rejected
