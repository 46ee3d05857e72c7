"""What an operator is: it breaks one thing in a healthy model, and says what must be reported.

An operator is given only models in which what it does is a defect: a scale before a norm, or a zero layer under tanh,
is none, and no operator does that. `tests/check/test_mutations_themselves.py` shows by training that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from check.cases import SLUGS
from check.healthy import Healthy
from torch import nn

Change = Callable[[nn.Module, Healthy, Random], str]


@dataclass(frozen=True)
class Mutation:
    """One way to break a model.

    Attributes:
        name: of the operator.
        expect: slugs, of which at least one must be reported as error or warning.
        change: breaks the model in place; returns part of a name that must appear in `where`, or "*" if the harm shows
            elsewhere, or "" if it does not apply, and then leaves the model as it is.
    """

    name: str
    expect: frozenset[str]
    change: Change

    def apply(self, network: nn.Module, healthy: Healthy, *, seed: int = 0) -> str:
        """Break the model in place, with choices by seed; return what `change` returns."""
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.change(network, healthy, Random(seed))


def mutation(*expect: str) -> Callable[[Change], Mutation]:
    """Make an operator of a function, with the slugs that are right for it."""
    if not set(expect) <= SLUGS:
        raise ValueError(f"no such slugs: {sorted(set(expect) - SLUGS)}")
    return lambda change: Mutation(change.__name__.replace("_", "-"), frozenset(expect), change)


def gather(modules: Iterable[Any]) -> tuple[Mutation, ...]:
    """Return the operators that are defined in modules, in their order."""
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Mutation))


def weight(network: nn.Module, layer: str) -> torch.Tensor:
    """Return a layer's weight."""
    return network.get_submodule(layer).weight


def bias(network: nn.Module, layer: str) -> torch.Tensor:
    """Return a layer's bias."""
    return network.get_submodule(layer).bias


def hidden(healthy: Healthy, rng: Random) -> tuple[str, str]:
    """Choose a hidden layer of the chain and the layer that reads it."""
    at = rng.randrange(len(healthy.chain) - 1)
    return healthy.chain[at], healthy.chain[at + 1]
