"""Watching construction: which line of whose code wrote which parameter, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from symbreak.diagnosis.observation import PAST, Event
from symbreak.errors import InvalidInput
from symbreak.torch.nested import quoted
from symbreak.torch.states import kept
from symbreak.torch.writes import History, Watch, Write, sample


def built(build: Callable[[], Any]) -> tuple[nn.Module, tuple[Event, ...]]:
    """Build a model and return it with what was written to its parameters on the way.

    Random states are put back, so that the next call builds the same model.

    Raises:
        InvalidInput: the builder raises, or returns something else than a module.
    """
    watch = Watch(built.__name__)
    try:
        with kept(), watch:
            model = build()
    except Exception as error:  # a builder may raise anything
        raise _unbuilt(quoted(error)) from error
    if not isinstance(model, nn.Module):
        raise _unbuilt(type(model).__name__)
    return model, tuple(_events(model, watch))


def _unbuilt(got: str) -> InvalidInput:
    return InvalidInput(
        "a builder returns a model",
        got=got,
        allowed="a function without arguments that returns a torch.nn.Module",
        hint="def build_model(): return torch.nn.Linear(2, 1)",
    )


def _events(model: nn.Module, watch: Watch) -> Iterator[Event]:
    """Yield the events of all parameters, a tied one under its first name."""
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen and not is_lazy(parameter):
                seen.add(id(parameter))
                yield from _of(f"{path}.{name}" if path else name, name, parameter, module, watch)


def _of(name: str, own: str, parameter: Tensor, module: nn.Module, watch: Watch) -> Iterator[Event]:
    history = watch.history(parameter)
    for former in watch.former(module, own):
        if former is not history:
            yield from _told(name, former, None, module)
    if history is None or not history.writes:
        return
    yield from _told(name, history, parameter, module)
    if history.writes[-1].after != sample(parameter):
        last = history.writes[-1].order
        yield Event(name, last, PAST, "", False, after=sample(parameter))


def _told(name: str, history: History, parameter: Tensor | None, module: nn.Module) -> Iterator[Event]:
    """Yield the events of one memory; those of a memory that is no longer the parameter's are all of its entries."""
    begin = int(parameter.storage_offset()) if parameter is not None else 0
    end = begin + parameter.numel() if parameter is not None else max(write.span[1] for write in history.writes)
    for write in history.writes:
        low, high = write.span
        if high > begin and low < end:
            covers = low <= begin and high >= end and write.entries >= end - begin
            yield _event(name, write, min(write.entries, end - begin), covers, module)


def _event(name: str, write: Write, entries: int, whole: bool, module: nn.Module) -> Event:
    asker = write.asker
    return Event(
        parameter=name,
        order=write.order,
        operation=write.operation,
        where=asker.where,
        own=asker.own,
        born=write.born,
        whole=whole,
        entries=entries,
        update=write.update,
        value=write.value,
        random=write.random,
        made=type(module) in asker.makers,
        loading=asker.loading,
        by=asker.by or write.operation,
        call=asker.call,
        after=write.after,
    )
