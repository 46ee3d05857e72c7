"""What a model is run on: made-up input or a batch, and the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symbreak.errors import InvalidInput, UnknownName


@dataclass(frozen=True)
class Request:
    """What the command line says of input, targets and loss.

    Attributes:
        inputs: shapes of made-up input.
        batch: an .npz file, or `pkg.mod:make_batch`.
        loss: a name, `pkg.mod:function`, or none.
        classes: of made-up targets.
    """

    inputs: tuple[str, ...]
    batch: str | None
    loss: str | None
    classes: int | None

    @property
    def empty(self) -> bool:
        """Whether nothing is to be run."""
        return not self.inputs and self.batch is None and self.loss is None and self.classes is None

    def refuse_mixtures(self) -> None:
        """Refuse what cannot be wanted together, before anything is imported.

        Raises:
            InvalidInput: made-up input and a batch, or a loss without either.
        """
        if self.inputs and self.batch is not None:
            raise InvalidInput(
                "the input is made up, or it is data", got="--input and --batch", allowed="one of them", hint="--batch"
            )
        if not self.inputs and self.batch is None and not self.empty:
            raise InvalidInput(
                "a loss needs something to be computed on",
                got="--loss or --classes without an input",
                allowed="--input SHAPE, or --batch FILE.npz",
                hint="--input 32,784 --loss cross-entropy --classes 10",
            )
        if self.classes is not None and (self.loss != "cross-entropy" or not self.inputs):
            raise InvalidInput(
                "classes are those of targets that are made up for a cross-entropy",
                got=f"--classes {self.classes} with {f'--loss {self.loss}' if self.loss else 'no loss'}"
                + (" and a batch, which has its own targets" if self.batch is not None else ""),
                allowed="--classes beside --input and --loss cross-entropy",
                hint=f"--loss cross-entropy --classes {self.classes}",
            )

    def data(self, seed: int) -> tuple[Any, Any, Any]:
        """Return x, y and the loss; y is a function that makes targets up where there is no batch."""
        from symbreak.cli import subject

        loss_fn = self._loss_fn()
        if self.batch is not None:
            x, y = subject.batch(self.batch)
            return x, y, loss_fn
        if not self.inputs:
            return None, None, None
        from symbreak.torch.named_losses import MadeUpTargets
        from symbreak.torch.synthetic import made_up

        x = made_up(self.inputs, seed=seed)
        if loss_fn is None:
            return x, None, None
        # The targets must not be drawn from the numbers that the input was drawn from.
        return x, MadeUpTargets(str(self.loss), self.classes, seed + 1), loss_fn

    def _loss_fn(self) -> Any:
        from symbreak.cli import subject
        from symbreak.torch.named_losses import LOSSES

        if self.loss is None or self.loss == "none":
            return None
        if self.loss in LOSSES:
            return LOSSES[self.loss]
        if ":" not in self.loss:
            raise UnknownName.among("loss", self.loss, [*LOSSES, "none", "pkg.mod:function"])
        if self.batch is None:
            raise InvalidInput(
                "targets are made up for the losses that are known by name",
                got=f"--loss {self.loss} without a batch",
                allowed=f"{', '.join(LOSSES)}, or a batch",
                hint=f"--loss {self.loss} --batch pkg.mod:make_batch",
            )
        return subject.load(self.loss, "a loss")


def seed_all(seed: int) -> None:
    """Seed what a builder may draw from, so that the same model is checked in every run."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
