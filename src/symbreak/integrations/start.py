"""The check at step 0 that the callbacks run, and how it is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from symbreak.diagnosis.checking import diagnose
from symbreak.diagnosis.finding import Finding
from symbreak.errors import InvalidInput, UnknownName
from symbreak.torch.observe import observe

Choice = Literal["warn", "raise", "off"]
CHOICES = ("warn", "raise", "off")


class UnsoundStart(AssertionError):
    """The start of a training is not sound; the text tells what is wrong, and the lines that mend it."""


class UnsoundStartWarning(UserWarning):
    """The same, as a warning; also if the check could not be run."""


@dataclass(frozen=True)
class Check:
    """What is checked, and what happens if something is found.

    Attributes:
        choice: "warn", "raise", or "off".
        select, ignore: slugs of rules, as for `symbreak.check`.
        only: pattern of the names of the parameters to judge, where the others are pretrained.
    """

    choice: Choice = "warn"
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    only: str | None = None

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise UnknownName.among("choice for check", self.choice, CHOICES)

    def run(self, model: nn.Module, x: Any, loss_fn: Callable[[Any, Any], Any] | None = None) -> tuple[Finding, ...]:
        """Check a model on a batch, warn or raise, and return what was found.

        Raises:
            UnsoundStart: something was found, and the choice is to raise.
        """
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return _not_run("several processes train the model; check it in one process before")
        try:
            seen = observe(model, x, None, loss_fn, only=self.only)
        except InvalidInput as error:
            return _not_run(str(error))
        outcomes = diagnose(seen, select=self.select, ignore=self.ignore)
        findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
        wrong = [finding for finding in findings if finding.severity != "info"]
        if wrong and self.choice == "raise":
            raise UnsoundStart(told(wrong))
        if wrong:
            warnings.warn(told(wrong), UnsoundStartWarning, stacklevel=2)
        return findings


def told(findings: Iterable[Finding]) -> str:
    """Return one paragraph for each finding: what is the case, how it is known, what mends it.

    >>> from symbreak.diagnosis.finding import Where
    >>> print(told([Finding("non-finite", "error", "measured", Where(("w",)), "nan in w", fix="reset(w)")]))
    the start is not sound
    error: non-finite (measured): nan in w
      try: reset(w)
    """
    lines = ["the start is not sound"]
    for finding in findings:
        lines.append(f"{finding.severity}: {finding.rule} ({finding.status}): {finding.says}")
        lines += [f"  try: {line}" for line in finding.fix.splitlines()]
    return "\n".join(lines)


def _not_run(reason: str) -> tuple[Finding, ...]:
    warnings.warn(f"the check at step 0 was not run: {reason}", UnsoundStartWarning, stacklevel=3)
    return ()


def chosen(check: str, select: Any, ignore: Any, only: str | None) -> Check:
    """Return the check that a callback's arguments ask for."""
    slugs = [None if given is None else tuple(given) for given in (select, ignore)]
    return Check(check, slugs[0], slugs[1], only)  # type: ignore[arg-type]  # refused there if it is no choice
