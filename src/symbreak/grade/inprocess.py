"""A learner's code in this very process, for notebooks, nbgrader and Otter-Grader: whoever wrote it is trusted.

Mistakes are contained: arguments are copied, output is caught, random states are restored, and in the main thread an
alarm ends a call that takes too long. Malice is not: such code can do what this process can. For files of strangers
there is `symbreak grade`, which runs them in a child process.
"""

from __future__ import annotations

import contextlib
import copy
import io
import random
import signal
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from symbreak.errors import InvalidInput
from symbreak.grade import config, namespace, seeding
from symbreak.grade.grading import DEFAULT_FUNCTION, grade
from symbreak.grade.names import KNOWN
from symbreak.grade.plan import Plan, Rule
from symbreak.grade.result import Grade
from symbreak.grade.subject import Call, Outcome, Stop
from symbreak.grade.values import plain

SECONDS = 10.0
"""The most that one call may take; right ones take thousandths, a training run some tenths."""

AGAIN_SECONDS = 0.2
"""After the alarm it rings again this often, for code that catches every exception."""

OUTPUT_CHARACTERS = 10_000


def check(
    code: Any,
    *,
    function: str | None = None,
    points: float = 100.0,
    hidden: str | Path | Mapping[str, Any] | None = None,
    required: Sequence[str] | None = None,
) -> Grade:
    """Check a learner's code in this process; print nothing.

    Args:
        code: a function; a dict of parameters; a module, class or dict such as `globals()` with functions in it.
        function: which function of the week it is, or which of those that it holds; by its name if left out.
        points: in all.
        hidden: a configuration of checks: a TOML or JSON file, or its content as a dict.
        required: ids of the checks that must pass; all others become optional. Without it each check says itself.

    Returns:
        the grade: `grade.passed`, `grade.points`, `grade.results`; `grade.assert_ok()` for a test cell.

    Raises:
        InvalidInput: code of another kind, an unknown function, a configuration that cannot be used.

    >>> def initialize_parameters(n_x, n_h, n_y):
    ...     return {"W1": np.zeros((n_h, n_x)), "b1": np.zeros((n_h, 1)),
    ...             "W2": np.zeros((n_y, n_h)), "b2": np.zeros((n_y, 1))}
    >>> grade = check(initialize_parameters)
    >>> grade.passed, [result.id for result in grade.results if result.status == "fail"]
    (False, ['init-not-zero'])
    """
    found, name, sizes = _functions(code, function)
    single = callable(code) and not isinstance(code, type) and sizes is None
    plan = config.read({"points": points}, Plan())
    plan = plan if hidden is None else config.read(hidden, plan)
    if sizes is not None:
        plan = replace(plan, shapes=(sizes,), fixed=True)
    if function is not None or single or sizes is not None:
        plan = replace(plan, functions=(function,) if function else tuple(found))
    if required is not None:
        plan = replace(plan, checks=_required(plan, required))
    return grade(InProcess(found), plan, name)


class InProcess:
    """A `Subject` of functions that are called right here."""

    problem = ""
    raised = ()

    def __init__(self, functions: Mapping[str, Callable[..., Any]], *, seconds: float = SECONDS) -> None:
        self._functions = dict(functions)
        self._seconds = seconds

    @property
    def functions(self) -> Mapping[str, tuple[str, ...]]:
        """The functions' names, with those of their parameters."""
        return {name: namespace.parameter_names(function) for name, function in self._functions.items()}

    def call(self, call: Call) -> Outcome:
        """Call a function on copies, with output caught and random states restored."""
        args, kwargs = copy.deepcopy(call.args), copy.deepcopy(dict(call.kwargs))
        stdout, stderr = io.StringIO(), io.StringIO()
        begun = time.monotonic()
        with _restored_randomness(call.numpy_seed), _caught(stdout, stderr):
            value, error, stopped = _called(self._functions[call.function], args, kwargs, self._seconds)
        return Outcome(
            value=value,
            error=error,
            stdout=stdout.getvalue()[:OUTPUT_CHARACTERS],
            stderr=stderr.getvalue()[:OUTPUT_CHARACTERS],
            changed=_changed(call, args, kwargs),
            seconds=time.monotonic() - begun,
            stopped=stopped,
        )


class _TimeIsUpError(BaseException):
    """Raised by the alarm; not an `Exception`, so that `except Exception` lets it through."""


def _functions(code: Any, function: str | None) -> tuple[dict[str, Callable[..., Any]], str, tuple[int, ...] | None]:
    """Return the functions that code holds, its name, and its sizes if it is a dict of parameters."""
    if function is not None and function not in KNOWN:
        raise InvalidInput("no such function of the week", got=function, allowed=", ".join(KNOWN), hint=KNOWN[1])
    if isinstance(code, Mapping) and not any(callable(value) for value in code.values()):
        name = function or DEFAULT_FUNCTION
        return {name: lambda *_: code}, "parameters", _sizes(code)
    if isinstance(code, Mapping):
        return namespace.functions(code), "namespace", None
    if isinstance(code, types.ModuleType | types.SimpleNamespace) and not hasattr(code, "W1"):
        return namespace.functions(vars(code)), getattr(code, "__name__", "namespace"), None
    if isinstance(code, type):
        return namespace.of_class(code), code.__name__, None
    if hasattr(code, "W1"):
        return {function or DEFAULT_FUNCTION: lambda *_: code}, type(code).__name__, _sizes(plain(code))
    if callable(code):
        own = getattr(code, "__name__", "")
        name = function or (own if own in KNOWN else DEFAULT_FUNCTION)
        return {name: code}, own or name, None
    raise InvalidInput(
        "what is checked is a function, a dict of parameters, or something that holds functions",
        got=type(code).__name__,
        allowed="a function, a dict W1, b1, W2, b2, a module, a class, globals()",
        hint="check(initialize_parameters)",
    )


def _sizes(parameters: Mapping[Any, Any]) -> tuple[int, ...]:
    """Return the sizes that a dict of parameters was made for, as most of its arrays tell.

    >>> _sizes({"W1": np.zeros((4, 3)), "b1": np.zeros((4, 1)), "W2": np.zeros((2, 4)), "b2": np.zeros((2, 1))})
    (3, 4, 2)
    """
    layers = max(2, sum(str(key).startswith("W") for key in parameters))
    shapes = {key: np.shape(value) for key, value in parameters.items() if np.ndim(value) == 2}
    outs = [_agreed(shapes, layer) for layer in range(1, layers + 1)]
    first = shapes.get("W1", (1, 1))
    n_x = first[1] if first[0] == outs[0] else first[0]
    return (n_x, *outs)


def _agreed(shapes: Mapping[Any, tuple[int, ...]], layer: int) -> int:
    """Return how many units a layer has: what the bias says, else its weights, else those of the next layer."""
    if f"b{layer}" in shapes and shapes[f"b{layer}"][1] == 1:
        return shapes[f"b{layer}"][0]
    if f"W{layer}" in shapes:
        return shapes[f"W{layer}"][0]
    return shapes[f"W{layer + 1}"][1] if f"W{layer + 1}" in shapes else 1


def _required(plan: Plan, required: Sequence[str]) -> dict[str, Rule]:
    from symbreak.grade.catalogue import ids

    config.check_ids(required, ids())
    rules = dict(plan.checks)
    for id in ids():
        rules[id] = replace(rules.get(id, Rule()), required=id in required)
    return rules


def _called(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
) -> tuple[Any, str, Stop | None]:
    try:
        with _alarm(seconds):
            return plain(function(*args, **kwargs)), "", None
    except _TimeIsUpError:
        return None, "", "time"
    except KeyboardInterrupt:
        raise
    except SystemExit:
        return None, "", "exit"
    except MemoryError:
        return None, "", "memory"
    except BaseException as error:
        return None, f"{type(error).__name__}: {error}", None


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """End what takes longer, where that is possible: in the main thread, of systems that have alarms."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise _TimeIsUpError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _restored_randomness(seed: int | None) -> Iterator[None]:
    """Seed the global generators, PyTorch's too where it is loaded, and leave them as they were."""
    torch = seeding.loaded_torch()
    numpy_state, state = np.random.get_state(), random.getstate()
    torch_state = None if torch is None else torch.get_rng_state()
    try:
        if seed is not None:
            seeding.seed(seed)
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(state)
        if torch is not None:
            torch.set_rng_state(torch_state)


@contextlib.contextmanager
def _caught(stdout: io.StringIO, stderr: io.StringIO) -> Iterator[None]:
    """Catch what is printed; warnings are printed, not raised, whatever the caller has asked for."""

    def show(message: Warning | str, category: type[Warning], place: str, line: int, *_: Any) -> None:
        stderr.write(warnings.formatwarning(message, category, place, line))

    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show  # type: ignore[assignment]
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield


def _changed(call: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    pairs = [(str(i), old, new) for i, (old, new) in enumerate(zip(call.args, args, strict=True))]
    pairs += [(name, old, kwargs.get(name)) for name, old in call.kwargs.items()]
    return tuple(name for name, old, new in pairs if not same(old, new))


def same(old: Any, new: Any) -> bool:
    """Return whether two arguments are equal to the last bit, type and shape included.

    >>> same({"W": np.zeros(2)}, {"W": np.zeros(2)}), same([1, 2], [1]), same(np.zeros(2), np.zeros((2, 1)))
    (True, False, False)
    """
    if type(old) is not type(new):
        return False
    if isinstance(old, np.ndarray):
        return bool(old.dtype == new.dtype and old.shape == new.shape and old.tobytes() == new.tobytes())
    if isinstance(old, dict):
        return list(old) == list(new) and all(same(old[key], new[key]) for key in old)
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)
