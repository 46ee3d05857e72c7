"""What can go wrong, and the one form in which it is said.

    SymbreakError
    ├── InvalidInput (ValueError)      something the caller gave cannot be used
    │   ├── UnknownName                a name that is in no catalogue; the nearest ones are offered
    │   ├── InvalidShape               sizes that do not fit each other or the request
    │   └── InvalidData                a file, table or array that cannot be learned from
    └── MissingDependency (ImportError)  an optional package is needed and absent

Every message tells the rule, what it got, what is allowed and what to try.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SymbreakError(Exception):
    """Base of all errors that symbreak raises on purpose."""


class InvalidInput(SymbreakError, ValueError):
    """Something the caller gave cannot be used.

    >>> print(InvalidInput("scale must not be negative", got=-1, allowed="a number >= 0", hint="normal(0.01)"))
    scale must not be negative
      got: -1
      allowed: a number >= 0
      try: normal(0.01)
    """

    def __init__(self, rule: str, *, got: object, allowed: str, hint: str) -> None:
        self.rule = rule
        self.got = got if isinstance(got, str) else repr(got)
        self.allowed = allowed
        self.hint = hint
        super().__init__(f"{rule}\n  got: {self.got}\n  allowed: {allowed}\n  try: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.rule, self.got, self.allowed, self.hint))


def _rebuild(kind: type[InvalidInput], rule: str, got: str, allowed: str, hint: str) -> InvalidInput:
    """Errors cross process boundaries; their keyword-only arguments need help to do so."""
    return kind(rule, got=got, allowed=allowed, hint=hint)


class UnknownName(InvalidInput):
    """A name that is in no catalogue."""

    @classmethod
    def among(cls, kind: str, name: object, known: Iterable[str]) -> UnknownName:
        """Build the error for `name`, offering the nearest of the `known` names.

        >>> print(UnknownName.among("activation", "thanh", ["relu", "tanh"]))
        unknown activation
          got: 'thanh'
          allowed: relu, tanh
          try: tanh
        """
        names = sorted(known)
        close = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.5)
        return cls(
            f"unknown {kind}",
            got=repr(name),
            allowed=", ".join(names),
            hint=" or ".join(close) if close else names[0],
        )


class InvalidShape(InvalidInput):
    """Sizes that do not fit each other or the request."""


class InvalidData(InvalidInput):
    """A file, table or array that cannot be learned from."""


class MissingDependency(SymbreakError, ImportError):
    """An optional package is needed and absent."""
