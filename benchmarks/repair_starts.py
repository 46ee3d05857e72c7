"""The starts that `benchmarks/repair.py` compares: PyTorch's own, a peer's, and ours."""

from __future__ import annotations

from collections.abc import Callable

import torch
from lsuv import lsuv_with_singlebatch
from torch import Tensor, nn

from symbreak.torch.calibrating import calibrate_

Start = Callable[[nn.Module, Tensor, int], None]


def default(model: nn.Module, x: Tensor, seed: int) -> None:
    """What the layers' constructors made."""


def lsuv(model: nn.Module, x: Tensor, seed: int) -> None:
    """The package `lsuv` of PyPI (Mishkin and Matas, arXiv:1511.06422), with its defaults."""
    torch.manual_seed(seed)
    lsuv_with_singlebatch(model, x, verbose=False)


def plan(model: nn.Module, x: Tensor, seed: int) -> None:
    from symbreak.torch.starting.apply import init_

    init_(model, x, seed=seed)


def calibrated(model: nn.Module, x: Tensor, seed: int) -> None:
    calibrate_(model, x)


def plan_calibrated(model: nn.Module, x: Tensor, seed: int) -> None:
    plan(model, x, seed)
    calibrate_(model, x)


STARTS: dict[str, Start] = {
    "torch's default": default,
    "lsuv": lsuv,
    "plan": plan,
    "default + calibrate_": calibrated,
    "plan + calibrate_": plan_calibrated,
}
OURS = ("plan", "default + calibrate_", "plan + calibrate_")
