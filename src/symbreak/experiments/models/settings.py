"""What a comparison of starts of a user's model is asked to do."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from symbreak.errors import InvalidInput
from symbreak.experiments.settings import option
from symbreak.network.training import check_count, check_rate

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

DEFAULT_STARTS = ("as-built", "torch-default", "plan", "calibrated")
STEPS = 300
SEEDS = 5


@dataclass(frozen=True)
class Settings:
    """One comparison.

    Attributes:
        model: what builds it, by the name that the user gave; "build_model" in Python.
        batches: where the batches come from, by name.
        inits: starts, in their text form; see `starts`.
        steps: updates for each run.
        seeds: how many; seed 0, 1, ... for every start.
        optimizer: by name, or "given" where a function makes it.
        learning_rate: of an optimizer by name; None for its own.
        loss: by name; "" where the model has its own, or the targets ask for one.
        in_memory: the model came as an object, so that no shell command can name it.
    """

    model: str = "build_model"
    batches: str = "batches"
    inits: tuple[str, ...] = DEFAULT_STARTS
    steps: int = STEPS
    seeds: int = SEEDS
    optimizer: str = "adamw"
    learning_rate: float | None = None
    loss: str = ""
    in_memory: bool = True

    def __post_init__(self) -> None:
        if not self.inits:
            raise InvalidInput("there must be something to compare", got="no start", allowed="one or more", hint="plan")
        check_count("steps", self.steps, least=1)
        check_count("seeds", self.seeds, least=1)
        if self.learning_rate is not None:
            check_rate(self.learning_rate)
            object.__setattr__(self, "learning_rate", float(self.learning_rate))
        for name in ("steps", "seeds"):
            object.__setattr__(self, name, int(getattr(self, name)))

    @property
    def command(self) -> str:
        """The command that makes this comparison again: for the shell, or in Python if the model came as an object.

        >>> Settings("m:build", "m:batches", inits=("plan", "normal(0.01)"), steps=50, in_memory=False).command
        "symbreak compare m:build --batches m:batches --init plan --init 'normal(0.01)' --steps 50"
        """
        asked = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        for name in ("model", "batches", "in_memory"):
            asked.pop(name, None)
        if self.in_memory:
            given = {"optimizer": "make_optimizer", "loss": "loss_fn"}
            words = [f"{'loss_fn' if k == 'loss' else k}={given.get(k) or repr(v)}" for k, v in asked.items()]
            if asked.get("optimizer", "given") != "given":
                words = [f"optimizer={asked['optimizer']!r}" if w.startswith("optimizer=") else w for w in words]
            return f"symbreak.compare({', '.join(['build_model', 'batches', *words])})"
        options = [word for name, value in asked.items() for word in option(name, value)]
        return shlex.join(["symbreak", "compare", self.model, "--batches", self.batches, *options])


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, as objects.

    Attributes:
        build: builds the model, from whatever randomness it likes.
        batches: an iterable of (x, y), or a function that returns one.
        loss_fn: takes the model's output and y; the model's own loss, or the usual one for such targets, if None.
        make_optimizer: takes the list of trainable parameters.
    """

    build: Callable[[], nn.Module]
    batches: Any
    loss_fn: Callable[[Any, Any], Tensor] | None
    make_optimizer: Callable[[list[Any]], Optimizer]
