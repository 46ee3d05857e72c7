"""What a case is: a small model with data, a story, and what an honest check must say about its start.

A case is written before and apart from the rules that judge it. `@bad` and `@sound` turn a function that builds a model
and its data into a `Case`; the function's docstring is the story. `truth` is the case's own evidence: a function that
trains or measures the model without the rules, and raises `AssertionError` where the story is not true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, NamedTuple

import torch
from torch import nn

SLUGS = frozenset(
    {
        "symmetric-units",
        "stuck-parameters",
        "cloned-layers",
        "uninitialized-memory",
        "non-finite",
        "loss-at-init",
        "output-bias",
        "exploding-signal",
        "vanishing-signal",
        "exploding-gradient",
        "vanishing-gradient",
        "saturated-units",
        "dead-units",
        "wrong-scale",
        "plateau",
        "overwritten-init",
        "shape-broadcast",
    }
)
INFO_SLUGS = frozenset({"sound-zero"})

Loss = Callable[[Any, Any], torch.Tensor]
Builder = Callable[[], nn.Module]


class Task(NamedTuple):
    """What `check` is called with; `model` is a function without arguments where construction is to be watched."""

    model: nn.Module | Builder
    x: Any
    y: Any = None
    loss_fn: Loss | None = None

    @property
    def network(self) -> nn.Module:
        """The model itself, built if it has to be."""
        return self.model if isinstance(self.model, nn.Module) else self.model()


Truth = Callable[["Case"], None]


@dataclass(frozen=True)
class Case:
    """One start.

    Attributes:
        name: of the function that builds it, with hyphens.
        story: the report in words.
        link: where it was reported or derived, if known.
        make: builds the task from torch's current random state.
        expect: slugs; at least one must be reported as error or warning. Empty for a sound start.
        by: text that must appear in the `where` of such a finding.
        explains: a slug of severity info that a sound start should be given.
        truth: the evidence.
        seed: of torch's generator while building.
    """

    name: str
    story: str
    link: str
    make: Callable[[], Task]
    truth: Truth
    expect: frozenset[str] = frozenset()
    by: str = ""
    explains: str = ""
    seed: int = 0

    def build(self) -> Task:
        """Return the task, the same at every call; torch's random state is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.make()


def bad(
    *expect: str, truth: Truth, by: str = "", link: str = "", seed: int = 0
) -> Callable[[Callable[[], Task]], Case]:
    """Make a case whose start is to be reported under at least one of the slugs in `expect`."""
    if not expect or not set(expect) <= SLUGS:
        raise ValueError(f"no such slugs: {sorted(set(expect) - SLUGS)}")

    def case(make: Callable[[], Task]) -> Case:
        return Case(_name(make), _story(make), link, make, truth, frozenset(expect), by, seed=seed)

    return case


def sound(
    *, truth: Truth, explains: str = "", by: str = "", link: str = "", seed: int = 0
) -> Callable[[Callable[[], Task]], Case]:
    """Make a case whose start is right: neither error nor warning."""
    if not {explains} <= INFO_SLUGS | {""}:
        raise ValueError(f"no such slug: {explains}")

    def case(make: Callable[[], Task]) -> Case:
        return Case(_name(make), _story(make), link, make, truth, by=by, explains=explains, seed=seed)

    return case


def _name(make: Callable[[], Task]) -> str:
    return make.__name__.replace("_", "-")


def _story(make: Callable[[], Task]) -> str:
    return " ".join((getdoc(make) or "").split())


def gather(modules: Iterable[Any]) -> tuple[Case, ...]:
    """Return the cases that are defined in modules, in their order."""
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Case))
