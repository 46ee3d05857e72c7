"""The names that address random numbers: a parameter's path in its model, without what wrappers add to it."""

from __future__ import annotations

from collections.abc import Iterable

from symbreak.errors import InvalidInput

WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""Path components that wrappers add: (Distributed)DataParallel and AveragedModel, torch.compile, FSDP, activation
checkpointing."""


def normal_name(name: str) -> str:
    """Return a parameter's name without the components that wrappers add, so that wrapping changes no value.

    The last component is the parameter's own and stays.

    >>> normal_name("_orig_mod.module.blocks.0._checkpoint_wrapped_module.mlp.weight")
    'blocks.0.mlp.weight'
    """
    *path, own = name.split(".")
    return ".".join([*(part for part in path if part not in WRAPPERS), own])


def normal_names(names: Iterable[str]) -> dict[str, str]:
    """Return the normal name of each name, in order.

    Raises:
        InvalidInput: two names are one without their wrappers: they would be given the same values.

    >>> normal_names(["module.a.weight", "module.b.weight"])
    {'module.a.weight': 'a.weight', 'module.b.weight': 'b.weight'}
    """
    found: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in names:
        short = found[name] = normal_name(name)
        if owners.setdefault(short, name) != name:
            raise InvalidInput(
                "two parameters have one name without the wrappers' part of it",
                got=f"{owners[short]!r} and {name!r}: both {short!r}",
                allowed=f"names that differ in more than {', '.join(sorted(WRAPPERS))}",
                hint="rename one of the attributes",
            )
    return found
