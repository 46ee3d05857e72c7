"""Starts by name: what is done to a model between its construction and its first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from symbreak import initializers
from symbreak.errors import UnknownName
from symbreak.experiments.settings import init_text
from symbreak.initializers import Initializer

Apply = Callable[[nn.Module, Any, int], None]
"""Called with a model as it was built, an x to run it on, and the seed; changes parameters in place."""


@dataclass(frozen=True)
class Start:
    """A start: its text form, what it does in words (a law's formula), and what does it."""

    text: str
    law: str
    apply: Apply


def start(text: str) -> Start:
    """Return the start of this name.

    `as-built` is the builder's own; `plan` is `symbreak.torch.init_`; `calibrated` is `symbreak.torch.calibrate_` on
    the model as built; a recipe (`torch-default`, `gpt2`, ...) is a plan by that scheme; anything else is a law of the
    catalogue, which every weight of two or more axes is given, while biases become zero and other vectors stay.

    Raises:
        UnknownName: no start goes by this name.
    """
    if text == "as-built":
        return Start(text, "as the builder leaves it", lambda model, x, seed: None)
    if text == "calibrated":
        return Start(text, "as built, then calibrated on the first batch", _calibrate)
    if text in ("plan", *recipes()):
        return Start(text, "by the plan" if text == "plan" else f"by the recipe {text}", _planned(text))
    try:
        law = initializers.get(text)
    except UnknownName as error:
        # A name in brackets is a law's; the complaint about its arguments is better than a list of names.
        if "(" in text:
            raise
        raise UnknownName.among("start", text, ["as-built", "calibrated", "plan", *recipes(), *_laws()]) from error
    return Start(law.text, law.formula, _filled(law))


def start_text(init: str | Initializer) -> str:
    """Return the text form of a start: of a name, a law, or an initializer of the catalogue."""
    return start(init).text if isinstance(init, str) else init_text(init)


def recipes() -> tuple[str, ...]:
    """Return the names of the schemes that a plan can follow, but for its own."""
    from symbreak.torch.starting.recipes import RECIPES

    return tuple(name for name in RECIPES if name != "auto")


def _laws() -> list[str]:
    return list(initializers.CATALOGUE)


def _planned(scheme: str) -> Apply:
    def apply(model: nn.Module, x: Any, seed: int) -> None:
        from symbreak.torch.starting import init_, plan

        init_(model, seed=seed, plan=plan(model, x, scheme="auto" if scheme == "plan" else scheme))

    return apply


def _calibrate(model: nn.Module, x: Any, seed: int) -> None:
    from symbreak.torch.calibrating import calibrate_

    calibrate_(model, x)


def _filled(law: Initializer) -> Apply:
    def apply(model: nn.Module, x: Any, seed: int) -> None:
        from symbreak.torch.filling import fill_

        for name, parameter in model.named_parameters():
            if parameter.requires_grad and parameter.dim() > 1:
                fill_(parameter, law, seed=seed, name=name)
            elif parameter.requires_grad and "bias" in name.rpartition(".")[2]:
                with torch.no_grad():
                    parameter.zero_()

    return apply
