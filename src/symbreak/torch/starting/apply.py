"""`init_`: a plan is checked as a whole against the model, then written."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.initializers import Initializer
from symbreak.initializers.stacks import get
from symbreak.initializers.tree import Only, patterns
from symbreak.random.arguments import checked_reach
from symbreak.torch.filling import DTYPES, fill_, require_fillable
from symbreak.torch.memory import require_apart
from symbreak.torch.sharded import require_supported
from symbreak.torch.shards import is_sharded
from symbreak.torch.starting.names import tensors
from symbreak.torch.starting.planning import plan as planned
from symbreak.torch.starting.table import Entry, Plan, unmatched


def init_(
    model: nn.Module,
    x: Any = None,
    *,
    seed: int | str,
    plan: Plan | None = None,
    only: Only = None,
) -> Plan:
    """Give every parameter the start that the plan says, in place, and return the plan.

    A value depends on the seed, the parameter's normalised name, its shape and its law, and on nothing else: not on
    the order of parameters, the device, the number of threads, or other layers. Random states, gradients, modes and
    hooks stay as they are. All is checked before anything is written.

    Args:
        model: any module; its parameters must be in memory.
        x: a batch for `symbreak.torch.plan`, if no plan is given.
        seed: an int of any size, or a string.
        plan: what to apply; `plan(model, x)` if left out. Parameters that it does not name stay as they are.
        only: patterns of the parameters to initialize, such as "head.*"; the others stay as they are. A frozen
            parameter is left alone unless its name is given in full, here or in the plan's edits.

    Raises:
        InvalidInput: the plan or `only` names a parameter that the model lacks, or none; a shape has changed; a
            parameter cannot be filled; a model in shards, and no plan. No value has been changed then.

    >>> net = nn.Linear(3, 2)
    >>> done = init_(net, seed=0)
    >>> again = init_(nn.Linear(3, 2), seed=0)
    >>> done == again, bool(net.bias.any())
    (True, False)
    """
    if plan is not None and not isinstance(plan, Plan):
        raise InvalidInput(
            "a plan is what plan() gave", got=f"plan of type {type(plan).__name__}", allowed="a Plan, or none",
            hint="plan=plan(model, x)",
        )  # fmt: skip
    require_supported(model)
    own = tensors(model)
    if plan is None:
        _in_one_piece(own)
    chosen = plan if plan is not None else planned(model, x)
    jobs = [_job(entry, law, own) for entry, law in _selected(chosen, own, only)]
    require_apart([(name, tensor) for name, tensor, _ in jobs])
    with torch.no_grad():
        for name, tensor, law in jobs:
            fill_(tensor, law, seed=seed, name=name)
    return chosen


def _in_one_piece(own: dict[str, Tensor]) -> None:
    """Refuse to plan from what one process holds: every process must apply the same plan."""
    sharded = [name for name, tensor in own.items() if is_sharded(tensor)]
    if sharded:
        raise InvalidInput(
            "the plan for a model in shards is made before it is cut",
            got=f"no plan, and {sharded[0]} in shards",
            allowed="a plan of the whole model, which may be on the meta device",
            hint="plan(model) before fully_shard, then init_(model, seed=0, plan=...)",
        )


Job = tuple[str, Tensor, Initializer]


def _selected(plan: Plan, own: dict[str, Tensor], only: Only) -> list[tuple[Entry, str]]:
    """Return the rows to apply, with their laws."""
    known = [entry for entry in plan.entries if entry.parameter in own]
    lost = [entry.parameter for entry in plan.entries if entry.parameter not in own]
    if lost or not known:
        raise unmatched("a plan must name parameters of this model", lost[0] if lost else "an empty plan", own)
    chosen = None if only is None else patterns(only, own)
    found = []
    for entry in known:
        if chosen is not None and not any(fnmatchcase(entry.parameter, pattern) for pattern in chosen):
            continue
        law = entry.law if chosen is not None and entry.parameter in chosen else entry.applied
        if law is not None and own[entry.parameter].numel():
            found.append((entry, law))
    return found


def _job(entry: Entry, text: str, own: dict[str, Tensor]) -> Job:
    """Check one row against its parameter."""
    name, tensor = entry.parameter, own[entry.parameter]
    require_fillable(tensor, name)
    if tuple(tensor.shape) != entry.shape:
        raise InvalidShape(
            "a plan fits the shapes that it was made for",
            got=f"{name} of shape {tuple(tensor.shape)}, planned as {entry.shape}",
            allowed="the same model",
            hint="plan(model, x) once more",
        )
    if "parametrizations" in name.split(".") and entry.named:
        raise _computed(name)
    law = get(text)
    try:
        _require_values(law, entry.shape, tensor)
    except InvalidInput as error:
        raise InvalidShape(
            "a law must be able to fill its parameter",
            got=f"{text} for {name} of shape {entry.shape}: {error.rule}",
            allowed=error.allowed,
            hint="normal(0.02)",
        ) from error
    return name, tensor, law


def _require_values(law: Initializer, shape: tuple[int, ...], tensor: Tensor) -> None:
    """Refuse a law that cannot fill the shape, or whose values the dtype cannot hold, at the price of one value."""
    promised, dtype = law.law(shape), DTYPES[tensor.dtype]
    farthest = max(abs(promised.low), abs(promised.high))
    checked_reach(dtype, farthest if math.isfinite(farthest) else 0.0)
    if law.by_element:
        law(shape, seed=0, dtype=dtype, index=(0,) * len(shape))


def _computed(name: str) -> InvalidInput:
    return InvalidInput(
        "a parametrized weight is computed from others, so that no law given to those is its own",
        got=f"a law by name for {name}",
        allowed="the plan's own laws for weight_norm; others stay as they are",
        hint="torch.nn.utils.parametrize.remove_parametrizations, init_, then parametrize again",
    )
