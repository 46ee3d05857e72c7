"""`symbreak.symmetry`: of a network, a PyTorch module, or a JAX function of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from symbreak.diagnosis.model_symmetry import ModelSymmetry
    from symbreak.diagnosis.symmetry import Symmetry
    from symbreak.network import Network


@overload
def symmetry(model: Network, /, **options: Any) -> Symmetry: ...
@overload
def symmetry(model: Any, /, *arguments: Any, **options: Any) -> ModelSymmetry: ...
def symmetry(model: Any, /, *arguments: Any, **options: Any) -> Any:
    """Tell which units are one unit for ever, and which parameters never move.

    `symmetry(network, optimizer=...)` proves it for a `symbreak.Network`; see `diagnosis.symmetry.symmetry`.
    `symmetry(module, x, y=None, loss_fn=None, seed=0, progress=None)` does so for any `torch.nn.Module`, and
    `symmetry(function, params, x, seed=0, progress=None)` for a JAX function of a tree of arrays: gradients at random
    points of the set that training can reach show what stays tied there, exact rules prove what they cover, and a few
    real steps are the witness. It leaves everything as it was.

    Args:
        model: a network, a module, or a function.
        arguments: the batch; a function's parameters first.
        options: of the method that reads this kind of model; `progress` is called with the points done and their bound.

    Raises:
        InvalidInput: something else, or a batch that the model cannot run on.
    """
    from symbreak.network import Network

    if isinstance(model, Network):
        from symbreak.diagnosis.symmetry import symmetry as of_network

        return of_network(model, *arguments, **options)
    if hasattr(model, "named_parameters"):
        return of_module(model, *arguments, **options)
    if callable(model) and len(arguments) == 2:
        return of_function(model, *arguments, **options)
    raise InvalidInput(
        "symmetry takes a network, a PyTorch module with a batch, or a JAX function with its parameters and a batch",
        got=f"{type(model).__name__} and {len(arguments)} more",
        allowed="symmetry(network), symmetry(module, x), symmetry(function, params, x)",
        hint="symbreak.symmetry(model, x)",
    )


def of_module(
    model: Any,
    x: Any,
    y: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ModelSymmetry:
    """Return the symmetry of a PyTorch module."""
    from symbreak.diagnosis.model_symmetry import model_symmetry
    from symbreak.torch.observe import observe
    from symbreak.torch.sight import deepened

    seen = deepened(observe(model, x, y, loss_fn, seed=seed), model, x, y, loss_fn)
    return model_symmetry(seen, seed=seed, progress=progress)


def of_function(
    function: Callable[[Any, Any], Any],
    params: Any,
    x: Any,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ModelSymmetry:
    """Return the symmetry of a JAX function of a tree of parameters."""
    from symbreak.diagnosis.model_symmetry import model_symmetry
    from symbreak.jax.observe import observe

    return model_symmetry(observe(function, params, x, seed=seed), seed=seed, progress=progress)
