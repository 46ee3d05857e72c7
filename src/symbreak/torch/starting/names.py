"""The parameters of a model by the names that address their values."""

from __future__ import annotations

from torch import Tensor, nn

from symbreak.initializers.names import normal_names


def named(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Map the normal first name of each parameter to all its names in the model, its first one first.

    Raises:
        InvalidInput: two parameters have one name once wrappers are left out.

    >>> layer = nn.Linear(2, 1)
    >>> named(nn.DataParallel(nn.Sequential(layer, layer)))["0.weight"]
    ('module.0.weight', 'module.1.weight')
    """
    found: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        found.setdefault(id(parameter), []).append(name)
    short = normal_names(names[0] for names in found.values())
    return {short[names[0]]: tuple(names) for names in found.values()}


def tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters by their normal first names."""
    own = dict(model.named_parameters(remove_duplicate=False))
    return {name: own[names[0]] for name, names in named(model).items()}
