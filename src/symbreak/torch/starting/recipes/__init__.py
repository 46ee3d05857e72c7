"""Published schemes for whole models, each from its paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbreak.errors import UnknownName
from symbreak.torch.starting import auto
from symbreak.torch.starting.auto import Context, Start
from symbreak.torch.starting.roles import Role

Recipe = Callable[[Sequence[Role], Context], list[Start]]

RECIPES: dict[str, Recipe] = {"auto": auto.starts}


def recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        UnknownName: there is none; the nearest are offered.
    """
    if name not in RECIPES:
        raise UnknownName.among("scheme", name, RECIPES)
    return RECIPES[name]
