"""`symbreak.check`: is this model's initialization sound? A thin view over what the rules found."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from symbreak.diagnosis.checking import Outcome, chosen, diagnose
from symbreak.diagnosis.finding import Finding
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.suppression import Baseline, Known, Suppressed, Suppression, set_aside
from symbreak.errors import InvalidInput

SCHEMA = "symbreak/check/1"
# A repair may uncover what it hid, as a signal that exploded hides the head's own size.
ROUNDS = 3
CONSEQUENCES = ("loss-at-init", "output-bias")


class Unsound(AssertionError):
    """Raised by `Report.assert_ok`; the text is the report."""


@dataclass(frozen=True, eq=False)
class Report:
    """What `check` found.

    Attributes:
        model: name of the model's class, or of the file.
        parameters: how many numbers it has.
        outcomes: one for each rule: its findings, or why it was skipped.
        again: checks the model once more, or its repaired copy.
        suppressed: findings that were set aside, with their reasons.
        known: findings that a baseline knows.
        vanished: what the baseline knows and was not found again.
    """

    model: str
    parameters: int
    outcomes: tuple[Outcome, ...]
    again: Callable[[bool, bool], tuple[Any, Report]] | None = field(default=None, repr=False)
    suppressed: tuple[Suppressed, ...] = ()
    known: tuple[Finding, ...] = ()
    vanished: tuple[Known, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the rules: causes before what follows from them."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def ok(self) -> bool:
        """Whether there is no error and no warning."""
        return all(finding.severity == "info" for finding in self.findings)

    def assert_ok(self) -> None:
        """Raise `Unsound`, an AssertionError whose text is the report, if there is an error or a warning."""
        if not self.ok:
            raise Unsound(f"\n{self}")

    def set_aside(self, suppressions: Sequence[Suppression] = (), baseline: Baseline | None = None) -> Report:
        """Return the report without findings that are suppressed or known; they are counted and kept apart.

        >>> from symbreak.diagnosis.finding import Where
        >>> finding = Finding("non-finite", "error", "measured", Where(("mask",)), "buffer mask holds 3 inf")
        >>> report = Report("Net", 10, (Outcome("non-finite", (finding,)),))
        >>> report.ok, report.set_aside([Suppression("non-finite", "a mask", "mask")]).ok
        (False, True)
        """
        sifted = set_aside(self.outcomes, suppressions, baseline)
        return replace(
            self,
            outcomes=sifted.outcomes,
            suppressed=self.suppressed + sifted.suppressed,
            known=self.known + sifted.known,
            vanished=sifted.vanished,
        )

    def fix_(self, *, inplace: bool = False) -> tuple[Any, Report]:
        """Run the lines that the findings give, on a copy or in place, and check again; so up to three times.

        Causes come before what follows from them: the size of the output waits until the signal is right. Lines that
        mend something else than the model (the loss, the data) are left to you.

        Returns:
            The repaired model and its report.

        Raises:
            InvalidInput: there is no model to repair, as for a file, or it is scripted.
        """
        if self.again is None:
            raise InvalidInput(
                "only a model can be repaired",
                got=self.model,
                allowed="a report on a torch.nn.Module",
                hint="check(model, x).fix_()",
            )
        return self.again(True, inplace)

    def print(self, *, show_suppressed: bool = False) -> None:
        """Print one line for each rule, then each finding; those set aside as well if they shall be shown."""
        from symbreak.report.check_terminal import print_report

        print_report(self.to_json(), show_suppressed=show_suppressed)

    def to_json(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the report as plain data (schema symbreak/check/1); write it if a path is given."""
        data = {
            "schema": SCHEMA,
            "model": self.model,
            "parameters": self.parameters,
            "ok": self.ok,
            "rules": [
                {
                    "rule": outcome.rule,
                    "skipped": outcome.skipped,
                    "findings": [finding.to_json() for finding in outcome.findings],
                }
                for outcome in self.outcomes
            ],
            "suppressed": [each.to_json() for each in self.suppressed],
            "known": [finding.to_json() for finding in self.known],
            "vanished": [str(entry) for entry in self.vanished],
        }
        if path is not None:
            from symbreak.report import files

            files.write_whole(files.check_json_path(path), json.dumps(data, allow_nan=False).encode())
        return data

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the self-contained page; write it if a path is given."""
        from symbreak.report import files
        from symbreak.report.check_page import check_page

        page = check_page(self.to_json())
        if path is not None:
            files.write_whole(files.check_html_path(path), page.encode())
        return page

    def __str__(self) -> str:
        from symbreak.report.check_terminal import plain_report

        return plain_report(self.to_json())

    def _repr_html_(self) -> str:
        from symbreak.report.check_page import check_table

        return str(check_table(self.to_json()))


def check(
    model: Any,
    x: Any = None,
    y: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    only: str | None = None,
    seed: int = 0,
    synthetic: bool = False,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Tell what is wrong with a model's start, proved or measured, where, why, and what to change.

    It runs a forward and a backward pass (a few more where something looks tied or stuck), takes no step, and leaves
    parameters, gradients, buffers, modes, hooks and random states as they were.

    Args:
        model: a `torch.nn.Module`; a function without arguments that builds one, which is then watched; or the path of
            a file of weights, of which only the values are judged.
        x: a batch: a tensor, a tuple of arguments, or a dict of keyword arguments.
        y: its targets, or a function that makes them up for the model's output.
        loss_fn: takes the model's output and y; the model's own loss, or the usual one for such targets, if left out.
        select: slugs of the only rules to run; a list, or a text with commas.
        ignore: slugs of rules to leave out.
        only: pattern of parameter names to judge, such as "head.*", where the others are pretrained.
        seed: of what is random in the passes.
        synthetic: x was made up, and findings that rest on it shall say so.
        deep: look also for ties and zeros that values alone do not show, by gradients at up to a dozen random points
            and three steps on a copy.
        progress: called with the random points done and their bound, where the check is deep.

    Raises:
        InvalidInput: a model, file, batch or option that cannot be used.
        UnknownName: no rule has this slug.
    """
    _refuse(x, y, loss_fn, only, seed)
    wanted = chosen(select, ignore)  # before the model is run
    observe, name, checked = _observer(model, only)
    observation = observe(x, y, loss_fn, seed, synthetic)
    if deep:
        observation = _deepened(observation, checked, x, y, loss_fn)
    outcomes = diagnose(observation, select=wanted, progress=progress)

    def again(repair: bool, inplace: bool) -> tuple[Any, Report]:
        target = checked if inplace else copy.deepcopy(checked)
        options: dict[str, Any] = {"select": wanted, "only": only, "seed": seed, "deep": deep}
        findings: Sequence[Finding] = [finding for outcome in outcomes for finding in outcome.findings]
        for _ in range(ROUNDS):
            _apply(target, _due(findings) if repair else ())
            report = check(target, x, y, loss_fn, synthetic=synthetic, **options)
            findings = report.findings
            if not repair or report.ok or not _due(findings):
                break
        return target, report

    count = sum(p.summary.size for p in observation.parameters if not p.buffer)
    return Report(name, count, outcomes, again if checked is not None else None)


def _refuse(x: Any, y: Any, loss_fn: Any, only: Any, seed: Any) -> None:
    """Refuse options that cannot be used, before anything is run.

    Raises:
        InvalidInput: which, and what is allowed.
    """
    if x is None and (y is not None or loss_fn is not None):
        raise InvalidInput(
            "a loss needs something to be computed on", got="y or loss_fn without x", allowed="x beside them",
            hint="check(model, x, y, loss_fn)",
        )  # fmt: skip
    if loss_fn is not None and not callable(loss_fn):
        raise InvalidInput(
            "the loss is a function", got=type(loss_fn).__name__, allowed="loss_fn(output, y) that returns one number",
            hint="loss_fn=torch.nn.functional.cross_entropy",
        )  # fmt: skip
    if only is not None and not isinstance(only, str):
        raise InvalidInput("only= is a pattern of names", got=only, allowed="a text", hint="only='head.*'")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) < 2**63:
        raise InvalidInput("a seed is a whole number", got=seed, allowed="0 to 2**63 - 1", hint="seed=0")


def _deepened(observation: Observation, model: Any, x: Any, y: Any, loss_fn: Any) -> Observation:
    """Let the observation look at other points.

    Raises:
        InvalidInput: there is nothing that could be run.
    """
    if not observation.operations:
        raise InvalidInput(
            "a deep check runs the model at other points",
            got="no batch" if model is not None else "a file of weights",
            allowed="a model and a batch",
            hint="check(model, x, deep=True)",
        )
    from symbreak.torch.sight import deepened

    return deepened(observation, model, x, None if callable(y) else y, loss_fn)


def _due(findings: Iterable[Finding]) -> list[str]:
    """Return the lines to run now: causes before what follows from them.

    Lines that do not name the model mend the loss or the data, which are not ours to change.
    """
    useful = [f for f in findings if any("model" in line and line[:1] != "#" for line in f.fix.splitlines())]
    causes = [f for f in useful if f.rule not in CONSEQUENCES]
    return list(dict.fromkeys(f.fix for f in causes or useful))


def _apply(model: Any, fixes: Iterable[str]) -> None:
    """Run lines that findings gave.

    Raises:
        InvalidInput: the model is scripted, and gives no parameters by name.
    """
    import torch

    if isinstance(model, torch.jit.ScriptModule) and fixes:
        raise InvalidInput(
            "a model can be repaired before it is scripted",
            got=type(model).__name__,
            allowed="the torch.nn.Module that torch.jit.script was given",
            hint="check(model, x).fix_() before torch.jit.script(model)",
        )
    for lines in fixes:
        with torch.no_grad():
            exec(lines, {"model": model, "torch": torch})  # our own lines, in which names are quoted


Observe = Callable[[Any, Any, Any, int, bool], Observation]


def _observer(model: Any, only: str | None) -> tuple[Observe, str, Any]:
    """Return what observes this kind of model, its name, and the module if there is one."""
    if isinstance(model, (str, Path)):
        from symbreak.torch.files import observe_file

        return lambda x, y, loss_fn, seed, synthetic: observe_file(model, only=only), str(model), None
    torch = _torch()
    events: tuple[Any, ...] = ()
    if not isinstance(model, torch.nn.Module) and callable(model):
        from symbreak.torch.builder import built

        model, events = built(model)
    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(
            "check takes a PyTorch model, a function that builds one, or a file of weights",
            got=type(model).__name__,
            allowed="torch.nn.Module, a function without arguments, a path",
            hint="symbreak.check(model, x, y, loss_fn)",
        )
    from symbreak.torch.observe import observe, observe_values

    def run(x: Any, y: Any, loss_fn: Any, seed: int, synthetic: bool) -> Observation:
        if x is None:
            return observe_values(model, only=only, events=events)
        if callable(y):
            y = y(_output(model, x, seed))
        return observe(model, x, y, loss_fn, seed=seed, only=only, synthetic=synthetic, events=events)

    return run, type(model).__name__, model


def _output(model: Any, x: Any, seed: int) -> Any:
    """Return what the model gives, as in the pass that is observed."""
    import torch

    from symbreak.torch.calls import forward
    from symbreak.torch.guard import untouched

    with untouched(model, seed=seed), torch.no_grad():
        model.train()
        return forward(model, x)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        from symbreak.errors import MissingDependency

        raise MissingDependency(
            "checking a model needs PyTorch\n  got: no torch\n  allowed: torch\n  try: pip install torch"
        ) from error
    return torch
