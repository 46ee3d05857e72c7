"""`plan`: which law each parameter of a model shall start from, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from symbreak.diagnosis.observation import Observation
from symbreak.errors import InvalidInput
from symbreak.torch.observe import observe
from symbreak.torch.starting import auto
from symbreak.torch.starting.admission import plannable
from symbreak.torch.starting.recipes import recipe
from symbreak.torch.starting.role import Role
from symbreak.torch.starting.roles import roles
from symbreak.torch.starting.standing_in import has_no_memory, standing_in
from symbreak.torch.starting.table import Entry, Plan
from symbreak.torch.usable import require_numbers


def plan(
    model: nn.Module,
    x: Any = None,
    *,
    y: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    scheme: str = "auto",
    overrides: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Plan:
    """Return which law each parameter shall start from, with the reason; nothing is changed.

    With a batch the model runs once, forward and backward, and the wiring is seen: true fans, what each weight reads
    and what reads it, residual branches, heads, ties; that of a model on the meta device by numbers that stand in for
    its parameters. Without a batch only the kinds of the modules are known, and the reasons say so.

    Args:
        model: any module; without a batch its values need not be in memory.
        x: a batch: a tensor, a tuple of arguments, or a dict of keyword arguments.
        y: its targets: the output's bias then starts at their prior.
        loss_fn: takes the model's output and y; the usual one for such targets if left out.
        scheme: "auto", or the name of a recipe.
        overrides: laws by patterns of parameter names, "keep" for none; later ones win.
        seed: of what is random in the pass.

    Raises:
        InvalidInput: a model that cannot be initialized (lazy, quantized, complex), a batch that it does not take or
            with nan in it, a recipe that does not apply to it, or an override that names no parameter.

    >>> net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    >>> import torch
    >>> [entry.law for entry in plan(net, torch.ones(2, 8)).entries]
    ['normal(0.3536)', 'zeros', 'normal(0.25)', 'zeros']
    """
    asked = _asked(overrides)
    plannable(model, kept=[pattern for pattern, law in asked.items() if law == "keep"])
    require_numbers(x)
    seen = standing_in(model) if x is not None and has_no_memory(model) else model
    observation = observe(seen, x, y, loss_fn, seed=seed) if x is not None else None
    found = _drafted(roles(model, observation), observation, scheme)
    return found.edited(asked)


def _asked(overrides: Mapping[str, str] | None) -> dict[str, str]:
    if overrides is not None and not isinstance(overrides, Mapping):
        raise InvalidInput(
            "overrides give laws by patterns of parameter names",
            got=type(overrides).__name__,
            allowed='a dict such as {"head.*": "normal(0.01)"}, "keep" for none',
            hint='overrides={"head.*": "normal(0.01)"}',
        )
    return dict(overrides or {})


def _drafted(found: tuple[Role, ...], observation: Observation | None, scheme: str) -> Plan:
    loss = observation.loss if observation is not None else None
    filled = [role for role in found if role.tensor.numel()]
    laws = recipe(scheme)(filled, auto.Context(observation is not None, loss))
    starts = {role.name: start for role, start in zip(filled, laws, strict=True)}
    empty = auto.Start(None, "empty: nothing to fill")
    entries = tuple(_entry(role, starts.get(role.name, empty)) for role in found)
    return Plan(entries, scheme, observation is not None)


def _entry(role: Role, start: auto.Start) -> Entry:
    return Entry(role.name, role.shape, start.law, start.reason, frozen=not role.tensor.requires_grad)
