"""`calibrate_`: fit the sizes of the weights to a batch, layer after layer, within one forward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.diagnosis.observation import Observation, Operation
from symbreak.diagnosis.wires import Wires
from symbreak.errors import InvalidInput
from symbreak.torch.calibrating.calibration import Calibration, Change
from symbreak.torch.calibrating.fitting import Fitting, Seen
from symbreak.torch.calibrating.graph import Graph
from symbreak.torch.calibrating.passes import Setting, first_pass, sized_pass
from symbreak.torch.calibrating.roles import LARGEST, roles
from symbreak.torch.calibrating.uses import uses
from symbreak.torch.filling import require_fillable
from symbreak.torch.memory import require_apart
from symbreak.torch.observe import parameters
from symbreak.torch.usable import not_finite, require_numbers, usable
from symbreak.torch.wiring import Wiring

# Weights that are read several times are fitted by secants in the logarithm, which take three or four passes.
MOST_PASSES = 12
# A sum of relative errors that grows by less is rounding.
ROUNDING = 1e-3


def calibrate_(model: nn.Module, x: Any, *, target: float = 1.0, tol: float = 0.05) -> Calibration:
    """Multiply weights, in place, so that what each layer gives tells the samples of a batch apart equally well.

    A product y = W x + b is measured by its spread: sigma(y)^2 is the mean over units of the variance over the batch
    (and positions). As sigma is proportional to W, whatever the bias, W <- W target / sigma(y) is exact at once, and
    the layers after it can be fitted in the same pass. See docs/calibrating.md for branches, heads, recurrent and
    shared weights, and what is left alone.

    Nothing random is used or touched: dropout's masks are replaced by their mean. Gradients, buffers, modes and hooks
    are as before. If anything raises, or the result would be worse, the model is as it was, bit for bit.

    Args:
        model: any module.
        x: a batch: a tensor, a tuple of arguments or a dict of keyword arguments.
        target: the wanted spread of what hidden layers give.
        tol: what is within this share of the wanted spread stays as it is.

    Raises:
        InvalidInput: the model cannot run on this, a value is not finite, parameters share memory, or target or tol
            is no positive number.

    >>> import torch
    >>> from symbreak.torch.calibrating import calibrate_
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Tanh(), torch.nn.Linear(64, 2))
    >>> x = torch.randn(256, 4)
    >>> change = calibrate_(model, x)["0.weight"]
    >>> round(change.before, 1), round(change.after, 2)
    (0.6, 1.0)
    """
    usable(model)
    _check(model, x, target, tol)
    trace, signals = first_pass(model, x)
    wiring = Wiring(trace)
    operations, numbers = wiring.operations(signals.forward, signals.axes), wiring.numbers()
    found = uses(trace.records, operations, numbers)
    seen = Observation(parameters=parameters(model), operations=operations)
    given = roles(seen, Graph(Wires(seen)), found, {place: record for record, place in numbers.items()})
    fitting = Fitting(given, found, target, tol, dict(_free_biases(model, operations)))
    starts = {role.start: signals.axes[role.start] for role in given.values() if role.start is not None}
    before = sized_pass(model, x, found.found, starts, Setting(), fitting.look)
    passes = 3
    while not fitting.settled and passes < MOST_PASSES:
        fitting.finish(sized_pass(model, x, found.found, starts, fitting.setting, fitting))
        passes += 1
    after = sized_pass(model, x, found.found, starts, fitting.setting, fitting.look)
    was, now = ({name: fitting.seen(name, spreads) for name in given} for spreads in (before, after))
    refused = _worse(fitting, was, now)
    if refused:
        fitting.setting = Setting()
        now = was
    _apply(model, fitting.setting)
    changes = tuple(_change(name, fitting, was[name], now[name]) for name in given)
    return Calibration(changes, target, passes, refused)


def _check(model: nn.Module, x: Any, target: float, tol: float) -> None:
    """Refuse what no factor can mend.

    Raises:
        InvalidInput: see `calibrate_`.
    """
    for name, value in (("target", target), ("tol", tol)):
        if not (isinstance(value, (int, float)) and 0 < value < math.inf):
            raise InvalidInput(
                f"{name} must be a positive number", got=value, allowed="a number above 0", hint=f"{name}=0.5"
            )
    require_numbers(x)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()) and not _is_mask(name, model):
            raise not_finite(name)
    require_apart((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def _is_mask(name: str, model: nn.Module) -> bool:
    """Masks of attention are buffers with minus infinity in them."""
    return name in dict(model.named_buffers())


def _free_biases(model: nn.Module, operations: tuple[Operation, ...]) -> Iterator[tuple[str, Tensor]]:
    """Yield the biases that are trained and read once."""
    read = [name for operation in operations for name in operation.parameters]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and read.count(name) == 1:
            yield name, parameter.detach()


def _change(name: str, fitting: Fitting, was: Seen, now: Seen) -> Change:
    role = fitting.roles[name]
    left = role.place == "left"
    factor = 1.0 if left else fitting.setting.factors.get(name, 1.0)
    biases = {use.bias for use in fitting.uses.of(name)} & set(fitting.setting.shifts)
    bias = None if left else next(iter(biases), None)
    reason = role.reason
    if not left and now.std == 0:
        reason = "what it gives is the same for all samples: a dead layer or a constant input before it"
    elif not left and fitting.is_held_back(role, now, factor):
        reason = f"no further: it is {LARGEST:g} times as large as its fans ask for"
    return Change(
        parameter=name,
        place=role.place,
        factor=factor,
        bias=bias,
        shift=fitting.shift_size(bias),
        before=_finite(was.std),
        after=_finite(now.std),
        wanted=None if left or (role.place == "head" and factor == 1) else _finite(fitting.wanted(role, now)),
        reason=reason,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _worse(fitting: Fitting, was: Mapping[str, Seen], now: Mapping[str, Seen]) -> str:
    """Return why the fitted model is no better than it was; nothing if it is."""
    if not all(math.isfinite(seen.std) for seen in now.values()):
        return "what layers give would not be finite"
    measured = [name for name, role in fitting.roles.items() if role.place != "left" and was[name].std > 0]
    errors = [
        sum(abs(math.log(fitting.factor(fitting.roles[name], seen[name]))) for name in measured) for seen in (was, now)
    ]
    if errors[1] > errors[0] + ROUNDING:
        return f"relative errors of spreads would add up to {errors[1]:.3g}, and did to {errors[0]:.3g}"
    return ""


def _apply(model: nn.Module, setting: Setting) -> None:
    """Write the new values, all or none."""
    named = dict(model.named_parameters())
    for name in (*setting.factors, *setting.shifts):
        require_fillable(named[name], name)
    new = {name: named[name].detach() * factor for name, factor in setting.factors.items() if factor != 1}
    new |= {name: named[name].detach() + shift.to(named[name]) for name, shift in setting.shifts.items()}
    old = {name: named[name].detach().clone() for name in new}
    try:
        with torch.no_grad():
            for name, values in new.items():
                named[name].copy_(values)
    except BaseException:
        with torch.no_grad():
            for name, values in old.items():
                named[name].copy_(values)
        raise
