"""Published schemes for whole models, each from its paper, beside the plan's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbreak.errors import UnknownName
from symbreak.torch.starting import auto
from symbreak.torch.starting.auto import Context, Start
from symbreak.torch.starting.recipes import residual, torch_default, without_norm
from symbreak.torch.starting.role import Role

Recipe = Callable[[Sequence[Role], Context], list[Start]]

RECIPES: dict[str, Recipe] = {
    "auto": auto.starts,
    "torch-default": torch_default.starts,
    "gpt2": residual.gpt2,
    "llama": residual.llama,
    "mup": without_norm.mup,
    "t-fixup": without_norm.t_fixup,
    "deepnorm": residual.deepnorm,
    "fixup": without_norm.fixup,
    "delta-orthogonal": without_norm.delta_orthogonal,
}


def recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        UnknownName: there is none; the nearest are offered.
    """
    if name not in RECIPES:
        raise UnknownName.among("scheme", name, RECIPES)
    return RECIPES[name]
