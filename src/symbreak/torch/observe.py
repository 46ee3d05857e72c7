"""One forward and one backward pass of a model at step 0, as an `Observation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from symbreak.diagnosis import values
from symbreak.diagnosis.observation import Event, Gradient, Observation, Operation, Parameter
from symbreak.diagnosis.reach import asked, candidates
from symbreak.errors import InvalidInput
from symbreak.torch import calls
from symbreak.torch.gradients import array, backward
from symbreak.torch.guard import untouched
from symbreak.torch.losses import LossWatch
from symbreak.torch.nested import tensors
from symbreak.torch.probe import prober
from symbreak.torch.shifts import vanishing
from symbreak.torch.signals import Signals
from symbreak.torch.spaces import spaces
from symbreak.torch.swaps import swaps
from symbreak.torch.trace import Record, Recorder, named_tensors, record_pass
from symbreak.torch.usable import usable
from symbreak.torch.wiring import Wiring
from symbreak.torch.zeros import still


def observe(
    model: nn.Module,
    x: Any,
    y: Any = None,
    loss_fn: calls.LossFunction | None = None,
    *,
    seed: int = 0,
    only: str | None = None,
    synthetic: bool = False,
    events: tuple[Event, ...] = (),
) -> Observation:
    """Run the model once, forward and backward, in training mode but with the mean instead of dropout's noise.

    Parameters, gradients, buffers, modes, hooks and random states are as before afterwards.

    Args:
        model: any module.
        x: a tensor, a tuple of arguments or a dict of keyword arguments.
        y: targets.
        loss_fn: takes the model's output and y; the model's own loss, or the usual one for such targets, if left out.
        seed: of what is random in the pass.
        only: pattern of parameter names to judge; others count as pretrained.
        synthetic: x was made up.
        events: writes seen while the model was built.

    Raises:
        InvalidInput: the model or the loss cannot run on this.
    """
    usable(model)
    samples = _samples(x)
    gradients: dict[str, Gradient] = {}
    at_rest = parameters(model, only=only)
    axes = asked(candidates(at_rest))
    signals, losses = Signals(), LossWatch()

    def watch(record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor) -> Any:
        losses.watch(record, args, kwargs)
        return signals.watch(record, args, kwargs, output)

    def run(recorder: Recorder) -> Tensor | None:
        losses.written.records = recorder.trace.records
        recorder.add_input("target", _labels(x, y))
        recorder.add_input("input", x)
        recorder.add_input("target", y)
        with recorder:
            output = calls.forward(model, x)
            loss = calls.loss_of(output, y, loss_fn)
        recorder.attach()
        recorder.add_end(calls.outputs(output) if loss is None else loss)
        found = loss is not None
        total = loss if loss is not None else calls.stand_in(output, seed=seed)
        gradients.update(backward(total, dict(model.named_parameters()), axes))
        return total.detach() if found else None

    with untouched(model, seed=seed, given=(x, y, loss_fn)):
        calls.in_training(model)
        trace = record_pass(model, run, watch)
        wiring = Wiring(trace)
        operations = _measured(wiring.operations(signals.forward, signals.axes), signals, wiring.numbers())
        total = trace.result
        loss = losses.loss(trace, float(total.float().mean()), wiring.numbers()) if total is not None else None
    described = tuple(replace(p, gradient=gradients.get(p.name)) for p in at_rest)
    trainable = [p.name for p in described if p.trainable and not p.buffer]
    return Observation(
        parameters=described,
        operations=operations,
        loss=loss,
        samples=samples,
        synthetic=synthetic,
        seed=seed,
        spaces=spaces(model, trace),
        swaps=swaps(model, trace),
        still=still(model, trace),
        vanish=partial(vanishing, trace, {name: tuple(tensor.shape) for name, tensor in named_tensors(model)}),
        noise=tuple(sorted(trace.noise)),
        events=events,
        unused=tuple(name for name in trainable if name not in gradients),
        probe=prober(model, x, y, loss_fn, seed=seed),
    )


def observe_values(model: nn.Module, *, only: str | None = None, events: tuple[Event, ...] = ()) -> Observation:
    """Return what can be told without a batch: the values, and what was seen while the model was built."""
    usable(model)
    return Observation(parameters=parameters(model, only=only), events=events)


def parameters(model: nn.Module, *, only: str | None = None) -> tuple[Parameter, ...]:
    """Describe every parameter and buffer; tensors under several names are one entry.

    Raises:
        InvalidInput: `only` names no parameter.
    """
    kinds = {path: type(module).__name__ for path, module in model.named_modules()}
    found: dict[int, tuple[Tensor, list[str], bool]] = {}
    for buffer, named in (
        (False, model.named_parameters(remove_duplicate=False)),
        (True, model.named_buffers(remove_duplicate=False)),
    ):
        for name, tensor in named:
            found.setdefault(id(tensor), (tensor, [], buffer))[1].append(name)
    described = (
        parameter(t, names, kinds.get(names[0].rpartition(".")[0], ""), buffer=buffer, trainable=t.requires_grad)
        for t, names, buffer in found.values()
    )
    return judged(tuple(described), only)


def parameter(tensor: Tensor, names: Sequence[str], module: str, *, buffer: bool, trainable: bool) -> Parameter:
    """Describe a tensor that goes by some names and is held by a module of some class."""
    return Parameter(
        names=tuple(names),
        module=module,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        trainable=trainable,
        buffer=buffer,
        judged=True,
        summary=values.summary(array(tensor)) if tensor.is_floating_point() else values.summary(np.zeros(0)),
        values=lambda: array(tensor),
    )


def judged(found: tuple[Parameter, ...], only: str | None) -> tuple[Parameter, ...]:
    """Leave out of judgement what no name of matches the pattern `only`; the pattern must name something.

    Raises:
        InvalidInput: it does not.
    """
    if only is None:
        return found
    chosen = [any(fnmatchcase(name, only) for name in each.names) for each in found]
    if not any(chosen):
        known = [each.name for each in found]
        shown = ", ".join(known[:6]) + (f", ... ({len(known)} in all)" if len(known) > 6 else "")
        raise InvalidInput(
            "only= names the parameters to judge",
            got=f"{only!r}, which no parameter matches",
            allowed=shown or "a model with parameters",
            hint=f"only={(known[-1].rpartition('.')[0] + '.*') if known and '.' in known[-1] else '*'!r}",
        )
    return tuple(replace(each, judged=one) for each, one in zip(found, chosen, strict=True))


def _measured(operations: tuple[Operation, ...], signals: Signals, numbers: Mapping[int, int]) -> tuple[Operation, ...]:
    back = {place: record for record, place in numbers.items()}
    found = []
    for operation in operations:
        noted = signals.gradients.get(back[operation.index])
        if operation.signal is not None and noted is not None:
            signal = replace(operation.signal, gradient_rms=noted[0], gradient_nonfinite=noted[1])
            operation = replace(operation, signal=signal)
        sharp = signals.sharp.get(back[operation.index])
        if sharp is not None:
            operation = replace(operation, attributes={**operation.attributes, "sharp": sharp})
        found.append(operation)
    return tuple(found)


def _labels(x: Any, y: Any) -> list[Tensor]:
    """Return classes that the model is given as well, one for each sample, as for a margin in favour of the others."""
    known = [t for t in tensors(y) if t.dim() == 1 and not t.is_floating_point()]
    return [
        t
        for t in tensors(x)
        if any((t.shape, t.dtype, t.device) == (k.shape, k.dtype, k.device) and t.equal(k) for k in known)
    ]


def _samples(x: Any) -> int:
    """Return the length of the first axis of the first tensor.

    Raises:
        InvalidInput: it is empty.
    """
    first = next(tensors(x), None)
    if first is None:
        return 0
    if not first.numel():
        raise InvalidInput(
            "a batch needs at least one sample",
            got=f"a tensor of shape {tuple(first.shape)}",
            allowed="a first tensor with at least one entry",
            hint="x = next(iter(loader))[0]",
        )
    return first.shape[0] if first.dim() else 1
