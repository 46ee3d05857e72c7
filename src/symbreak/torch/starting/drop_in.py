"""One function for each initializer of the catalogue, called as those of `torch.nn.init` are, with a seed and a name.

    from symbreak.torch.starting import drop_in
    drop_in.he_normal_(layer.weight, seed=0, name="layer.weight")

`docs/starting.md` has the row of each function of `torch.nn.init`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from symbreak.initializers import CATALOGUE, Initializer
from symbreak.initializers.catalogue import ALIASES
from symbreak.torch.filling import fill_

DropIn = Callable[..., Tensor]


def _drop_in(name: str, make: Callable[..., Initializer]) -> DropIn:
    """Return the function that fills a tensor with what one of the catalogue's makes."""

    @functools.wraps(make)
    def filled(tensor: Tensor, *arguments: Any, seed: int | str, name: str = "", **keywords: Any) -> Tensor:
        return fill_(tensor, make(*arguments, **keywords), seed=seed, name=name)

    filled.__name__ = filled.__qualname__ = f"{name}_"
    filled.__doc__ = f"Fill the tensor in place and return it. {make.__doc__}"
    own = [p.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in inspect.signature(make).parameters.values()]
    keyword = inspect.Parameter.KEYWORD_ONLY
    address = [
        inspect.Parameter("seed", keyword, annotation="int | str"),
        inspect.Parameter("name", keyword, default="", annotation="str"),
    ]
    first = inspect.Parameter("tensor", inspect.Parameter.POSITIONAL_ONLY, annotation="Tensor")
    vars(filled)["__signature__"] = inspect.Signature([first, *own, *address], return_annotation="Tensor")
    return filled


DROP_INS: dict[str, DropIn] = {f"{name}_": _drop_in(name, make) for name, make in CATALOGUE.items()}
DROP_INS |= {f"{alias}_": _drop_in(alias, CATALOGUE[name]) for alias, name in ALIASES.items()}
"""By name: `he_normal_`, `glorot_uniform_`, ..., and what other libraries call the same law: `kaiming_normal_`, ...

>>> import torch
>>> DROP_INS["he_normal_"](torch.empty(2, 3), seed=0, name="fc.weight").shape
torch.Size([2, 3])
"""


def __getattr__(name: str) -> DropIn:
    if name in DROP_INS:
        return DROP_INS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *DROP_INS])
