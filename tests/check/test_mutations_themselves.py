"""Healthy models learn; every operator does harm in every model that it applies to, seen without any rule."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from check.cases import SLUGS, Task
from check.healthy import HEALTHY, Healthy
from check.mutating import Mutation
from check.mutations import MUTATIONS
from check.truths import loss_of, train
from torch import nn

STEPS = 25
FAR = 50  # times a gradient may differ before it is called another


def same_rows(network: nn.Module) -> int:
    """Count rows of weights that equal another, up to the sign and rounding; rows that are zero equal each other."""
    found = 0
    for weight in network.parameters():
        if weight.dim() > 1 and weight.requires_grad and len(weight) > 1:
            rows = weight.detach().flatten(1).double()
            near = torch.cdist(rows, rows).minimum(torch.cdist(rows, -rows))
            near.fill_diagonal_(torch.inf)
            found += int((near.min(1).values < 1e-4 * rows.norm(dim=1).max()).sum())
    return found


def clones(network: nn.Module) -> int:
    """Count pairs of weights with the same bits that are not the same tensor."""
    weights = [p for p in network.parameters() if p.dim() > 1 and p.any()]
    return sum(torch.equal(p, q) for i, p in enumerate(weights) for q in weights[:i] if p.shape == q.shape)


def silent(network: nn.Module, task: Task) -> int:
    """Count entries of trained parameters whose gradient is nothing, after a few steps of Adam."""
    network = train(task._replace(model=network), 3)[0]
    network.zero_grad()
    loss_of(task, network).backward()
    return sum(int((p.grad.abs() < 1e-12).sum()) for p in network.parameters() if p.grad is not None)


def decades(network: nn.Module) -> float:
    """Return the largest span of magnitudes in one tensor, in powers of ten."""
    sizes = [p.detach()[p.detach() != 0].abs().double() for p in network.parameters()]
    return max((math.log10(float(size.max() / size.min())) for size in sizes if len(size)), default=0.0)


def denormal(network: nn.Module) -> int:
    """Count numbers that are smaller than a normal one, and not zero."""
    tiny = torch.finfo(torch.float32).tiny
    return sum(int(((p != 0) & (p.abs() < tiny)).sum()) for p in network.parameters())


def gradients(task: Task) -> dict[str, float]:
    """Return the largest gradient of each parameter at the start."""
    network = copy.deepcopy(task.model)
    loss_of(task, network).backward()
    return {name: float(p.grad.abs().max()) for name, p in network.named_parameters() if p.grad is not None}


def bent(broken: Task, whole: Task) -> set[str]:
    """Return whether a parameter's gradient is fifty times smaller or larger than in the whole model."""
    before, after = gradients(whole), gradients(broken)
    ratios = [after[name] / before[name] for name in before if before[name] > 1e-6]
    return {name for name, far in (("faint", min(ratios) < 1 / FAR), ("loud", max(ratios) > FAR)) if far}


def slower(broken: Task, whole: Task, optimizer: str, rate: float) -> bool:
    """Return whether a broken model comes down less far than the whole one from where that one starts."""
    expected = train(whole, STEPS, rate=rate, optimizer=optimizer)[1]
    losses = train(broken, STEPS, rate=rate, optimizer=optimizer)[1]
    return not expected[0] - losses[-1] > 0.7 * (expected[0] - expected[-1])


def harm(broken: Task, whole: Task) -> set[str]:
    """Return what is wrong with a broken model beside the whole one."""
    seen = set()
    if not all(torch.isfinite(v).all() for v in broken.model.state_dict().values() if v.is_floating_point()):
        return {"non-finite"}
    if decades(broken.model) > decades(whole.model) + 8 or denormal(broken.model):
        seen.add("absurd numbers")
    if clones(broken.model) > clones(whole.model):
        seen.add("clones")
    if not math.isfinite(start := float(loss_of(broken, broken.model).detach())):
        return seen | {"breaks"}
    if start > 1.5 * float(loss_of(whole, whole.model).detach()):
        seen.add("starts high")
    if slower(broken, whole, "adam", 0.01) or slower(broken, whole, "gd", 0.1):
        seen.add("learns slower")
    if same_rows(train(broken, 5)[0]) > same_rows(train(whole, 5)[0]):
        seen.add("tied")
    if silent(broken.model, broken) > 1.2 * silent(whole.model, whole) + 2:
        seen.add("silent")
    return seen | bent(broken, whole)


PAIRS = [
    (operator, healthy)
    for operator in MUTATIONS
    for healthy in HEALTHY
    if operator.apply(copy.deepcopy(healthy.build().model), healthy)
]


@pytest.mark.parametrize(("operator", "healthy"), PAIRS, ids=lambda each: each.name)
def test_an_operator_does_harm(operator: Mutation, healthy: Healthy):
    broken = healthy.build()
    assert operator.apply(broken.model, healthy)
    assert harm(broken, healthy.build())


@pytest.mark.parametrize("healthy", HEALTHY, ids=lambda each: each.name)
def test_a_whole_model_has_no_harm_and_learns(healthy: Healthy):
    assert harm(healthy.build(), healthy.build()) == set()
    losses = train(healthy.build(), STEPS)[1]
    assert losses[-1] < 0.95 * losses[0]


def test_there_are_enough_and_every_operator_applies_somewhere():
    assert len(MUTATIONS) >= 50
    assert len(HEALTHY) >= 12
    assert {operator.name for operator, _ in PAIRS} == {operator.name for operator in MUTATIONS}


def test_an_operator_that_does_not_apply_leaves_the_model():
    for operator in MUTATIONS:
        for healthy in HEALTHY:
            model = healthy.build().model
            if not operator.apply(model, healthy):
                before = healthy.build().model.state_dict()
                assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())


def test_slugs_of_the_operators():
    reached = {slug for operator in MUTATIONS for slug in operator.expect}
    assert SLUGS - reached == {"overwritten-init", "shape-broadcast"}  # not a matter of values
