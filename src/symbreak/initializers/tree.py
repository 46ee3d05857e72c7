"""Many tensors by name: which law each gets, and a dict of arrays filled with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers.fans import Shape
from symbreak.initializers.initializer import Initializer, Seed
from symbreak.initializers.names import normal_names
from symbreak.initializers.stacks import get

Laws = str | Initializer | Mapping[str, str | Initializer]
Only = str | Iterable[str] | None

SHOWN = 6
"""Names that an error lists."""


def fill(
    shapes: Mapping[str, Shape | int],
    laws: Laws,
    *,
    seed: Seed,
    layout: str = "out_in",
    dtype: DTypeLike = np.float32,
) -> dict[str, NDArray[Any]]:
    """Return an array for each name, filled by its law: the bits that the name has in every framework.

    Args:
        shapes: the shape of each tensor, by name.
        laws: one law for all, or laws by patterns of names, such as {"*.bias": "zeros", "*": "he_normal"}: the first
            that fits counts.
        seed: an int of any size, or a string.
        layout: how the shapes are ordered: "out_in" or "in_out".
        dtype: a floating type for all.

    Raises:
        InvalidInput: a name without a law, a pattern that decides nothing, a law that cannot fill its tensor (the
            message names it). Nothing was made then.

    >>> arrays = fill({"fc.weight": (4, 3), "fc.bias": (4,)}, {"*.bias": "zeros", "*": "he_normal"}, seed=0)
    >>> {name: array.shape for name, array in arrays.items()}
    {'fc.weight': (4, 3), 'fc.bias': (4,)}
    >>> from symbreak.initializers import he_normal
    >>> bool((arrays["fc.weight"] == he_normal()((4, 3), seed=0, name="fc.weight")).all())
    True
    """
    chosen, addresses = laws_by_name(shapes, laws), normal_names(shapes)
    for name, shape in shapes.items():
        _try(chosen[name], shape, layout, dtype, name)
    return {
        name: chosen[name](shape, seed=seed, name=addresses[name], layout=layout, dtype=dtype)
        for name, shape in shapes.items()
    }


def laws_by_name(names: Iterable[str], laws: Laws, *, only: Only = None) -> dict[str, Initializer]:
    """Return the law of each name: the same for all, or that of the first pattern that fits the name.

    Patterns are those of the shell (`*`, `?`, `[abc]`), capitals count, and `*` also stands for dots.

    Args:
        names: of all tensors.
        laws: one law, or laws by patterns.
        only: patterns of the names that are wanted; the others need no law, and are left out.

    Raises:
        UnknownName: a law that no initializer is called.
        InvalidInput: a name that no pattern fits, or a pattern that decides nothing: it fits no name, or earlier
            patterns fit all of its names; a pattern of `only` that fits none.

    >>> laws_by_name(["fc.weight", "fc.bias"], {"*.bias": "zeros", "*": "he_normal"})
    {'fc.weight': he_normal: N(0, 2/fan_in), not truncated, 'fc.bias': zeros: w = 0}
    """
    known_names = list(names)
    wanted = selected(known_names, only)
    if not isinstance(laws, Mapping):
        law = get(laws)
        return dict.fromkeys(wanted, law)
    known = {pattern: get(law) for pattern, law in laws.items()}
    first = {name: next((p for p in known if fnmatchcase(name, p)), None) for name in known_names}
    for pattern in known:
        if pattern not in first.values():
            raise _idle(pattern, known_names)
    lost = [name for name in wanted if first[name] is None]
    if lost:
        raise InvalidInput(
            "every tensor needs a law", got=f"no pattern fits {_some(lost)}", allowed=_some(known), hint='"*": "zeros"'
        )
    return {name: known[fit] for name in wanted if (fit := first[name]) is not None}


def selected(names: Iterable[str], only: Only) -> list[str]:
    """Return the names that patterns choose, in their own order; all if there are no patterns.

    Raises:
        InvalidInput: no pattern, what is none, or one that fits no name.

    >>> selected(["body.weight", "head.weight", "head.bias"], "head.*")
    ['head.weight', 'head.bias']
    """
    known = list(names)
    if only is None:
        return known
    chosen = patterns(only, known)
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in chosen)]


def patterns(only: str | Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns of `only`, each of which fits a name.

    Raises:
        InvalidInput: no pattern, what is none, or one that fits no name.
    """
    known = list(names)
    found = (only,) if isinstance(only, str) or not isinstance(only, Iterable) else tuple(only)
    for pattern in found or ("",):
        kind = isinstance(pattern, str)
        if not kind or not any(fnmatchcase(name, pattern) for name in known):
            raise InvalidInput(
                "`only` must name parameters of this model" if kind else "`only` takes patterns of parameter names",
                got=repr(pattern),
                allowed=_some(known),
                hint=f'only="{next(iter(known), "*")}"',
            )
    return found


def _idle(pattern: str, names: list[str]) -> InvalidInput:
    fitting = [name for name in names if fnmatchcase(name, pattern)]
    return InvalidInput(
        "every pattern must decide the law of some tensor",
        got=f"{pattern!r}, but earlier patterns fit {_some(fitting)}" if fitting else f"{pattern!r}, which fits none",
        allowed=_some(names),
        hint="patterns from the most special to the most general" if fitting else "one of these names",
    )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    rest = f", ... ({len(listed)} in all)" if len(listed) > SHOWN else ""
    return (", ".join(listed[:SHOWN]) or "none") + rest


def _try(init: Initializer, shape: Shape | int, layout: str, dtype: DTypeLike, name: str) -> None:
    """Draw nothing of the tensor, so that what cannot be drawn is refused, by name."""
    try:
        init.law(shape, layout=layout)
        init(shape, seed=0, layout=layout, dtype=dtype, index=range(0))
    except InvalidInput as error:
        raise type(error)(f"{name}: {error.rule}", got=error.got, allowed=error.allowed, hint=error.hint) from error
