"""On what code is tried: sizes, seeds, how many examples, and which checks count how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symbreak.grade.result import Visibility

Sizes = tuple[int, ...]

# Sizes within a triple differ pairwise, so that no transposed matrix fits by chance. The lesson's own is first; one
# hidden unit and several outputs are among them.
SHAPES: tuple[Sizes, ...] = ((2, 4, 1), (3, 5, 2), (6, 1, 3), (1, 3, 2), (5, 7, 4))
DEEP_SHAPES: tuple[Sizes, ...] = ((2, 4, 3, 1), (3, 6, 2, 4, 1), (5, 3, 1))
# Large enough that a standard deviation is known to some 15 percent at the false-alarm rate below, and with fan-ins
# far enough apart to tell a law that follows them from one that does not.
LAW_SHAPES: tuple[Sizes, ...] = ((64, 40, 50), (16, 100, 20))
DEEP_LAW_SHAPES: tuple[Sizes, ...] = ((64, 40, 50, 25), (16, 100, 20, 60))
SEEDS = (1, 2, 3)
EXAMPLES = 11
"""m: unlike every size above, so that a sum over the wrong axis shows."""


@dataclass(frozen=True)
class Exact:
    """An exact value that a teacher asks for.

    Attributes:
        function: its name.
        args: as JSON or TOML write them; lists of numbers become arrays, lists of whole numbers alone stay lists.
        expected: what it must return.
        numpy_seed: for the global generators, just before.
        tolerance: largest absolute difference.
    """

    function: str
    args: tuple[Any, ...]
    expected: Any
    numpy_seed: int | None = None
    tolerance: float = 1e-6


@dataclass(frozen=True)
class Rule:
    """How one check counts; None leaves it as it is."""

    points: float | None = None
    required: bool | None = None
    visibility: Visibility | None = None


@dataclass(frozen=True)
class Plan:
    """How code is graded.

    Attributes:
        functions: which functions; None for all that the code has.
        every: all eight functions of the week, whether the code has them or not, and the variants that it has.
        points: in all.
        shapes: (n_x, n_h, n_y) to try.
        seeds: of the inputs, and for NumPy's global generator before calls.
        examples: m.
        only: ids of the checks to make; None for all.
        checks: how single checks count, by id or by "function:id".
        visibility: of checks without a rule of their own.
        exact: exact values, none unless a teacher asks for them.
        files: modules that lie beside the code and can be imported by it, name to text; where it runs in a process of
            its own.
        fixed: the code is a dict of parameters, so it has the sizes that it has.
    """

    functions: tuple[str, ...] | None = None
    every: bool = False
    points: float = 100.0
    shapes: tuple[Sizes, ...] = SHAPES
    seeds: tuple[int, ...] = SEEDS
    examples: int = EXAMPLES
    only: tuple[str, ...] | None = None
    checks: Mapping[str, Rule] = field(default_factory=dict)
    visibility: Visibility = "visible"
    exact: tuple[Exact, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    fixed: bool = False
