"""When rounding parts units that are one in exact arithmetic; and how small a difference parts them when."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry import tangent
from symbreak.errors import InvalidInput
from symbreak.network import Network, descend, optimizers
from symbreak.network.optimizers import Optimizer
from symbreak.network.training import check_count, check_rate

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry.symmetry import Symmetry

Array = NDArray[np.floating[Any]]

# Units count as parted when answers that should be equal differ by more: a share of what a sigmoid or tanh can answer
# that one sees in a picture, and far above all rounding.
PARTED = 1e-3
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}


@dataclass(frozen=True)
class Forecast:
    """What rounding will do to a proved symmetry on these data.

    Attributes:
        step: the update after which tied units are expected to differ by more than `tolerance`; None: not in `steps`.
        steps: how many updates were looked at.
        eps: the relative rounding that is fed in, 2^-24 or 2^-53, or what was asked for.
        growth: the factor by which the difference has grown over all steps.
    """

    step: int | None
    steps: int
    eps: float
    tolerance: float
    growth: float
    learning_rate: float
    optimizer: str

    def __str__(self) -> str:
        what = f"a relative rounding of {self.eps:.3g} under {self.optimizer}, rate {self.learning_rate:g}"
        if self.step is None:
            return f"same for ever in exact arithmetic; with {what}, also for these {self.steps} updates"
        return f"same for ever in exact arithmetic; with {what}, expected to part at update {self.step}"

    def to_json(self) -> dict[str, Any]:
        """Return the forecast as JSON values."""
        return asdict(self)


def forecast(
    found: Symmetry,
    X: Any,
    Y: Any = None,
    *,
    learning_rate: float,
    optimizer: str | Optimizer | None = None,
    dtype: Any = "float64",
    eps: float | None = None,
    steps: int = 1000,
    tolerance: float = PARTED,
) -> Forecast:
    """Predict the update at which rounding parts the units that were proved to be one.

    From the first update on, weights are taken to be off by their rounding; that difference grows as the linearised
    update makes it grow. What rounding really does depends on the order in which a library adds, so the forecast is of
    the size of the step number, not of its last digit.

    Args:
        found: what `symmetry` returned.
        X, Y: (n_x, m) and (n_y, m); or a data set that has both.
        optimizer: that of `found` if None.
        dtype: "float32" or "float64": in which the training will run.
        eps: a relative rounding in place of the dtype's.
        tolerance: the difference of activations that counts as parted.

    Raises:
        InvalidInput: a rate, a dtype, an eps or a number of steps that makes no sense.
        InvalidShape: X and Y that do not fit the network.
    """
    x, y = fitting(found.network, X, Y)
    check_rate(learning_rate)
    check_count("steps", steps, least=1)
    size = rounding(dtype) if eps is None else checked_eps(eps)
    rule = optimizers.get(found.optimizer if optimizer is None else optimizer)
    tied = tangent.ties(found)
    logs = [-math.inf]
    if tied:
        nothing = [np.zeros_like(p) for p in found.network.parameters]
        options: Any = {"tied": tied, "optimizer": rule, "learning_rate": learning_rate, "steps": steps, "floor": size}
        logs = list(tangent.grown(found.network, nothing, x, y, **options))
    return Forecast(first_above(logs, tolerance), steps, size, tolerance, _growth(logs), learning_rate, rule.text)


def first_above(logs: list[float], tolerance: float) -> int | None:
    """Return the first step at which the spread exceeds the tolerance."""
    return next((step for step, value in enumerate(logs) if value > math.log(checked_eps(tolerance))), None)


def _growth(logs: list[float]) -> float:
    felt = [value for value in logs if value > -math.inf]
    return math.exp(min(felt[-1] - felt[0], 700.0)) if felt else 1.0


@dataclass(frozen=True)
class Separation:
    """The one-ulp dial: when a small difference in one weight parts units that were one.

    Attributes:
        measured: the first update after which they differ by more than `tolerance`, in arithmetic that treats every
            unit alike, so that the difference alone parts them; None: not in `steps`.
        predicted: the same from the growth of the linearised difference.
        weight: which weight was changed, such as "W1[3, 0]", by `eps`.
    """

    measured: int | None
    predicted: int | None
    eps: float
    weight: str
    steps: int
    tolerance: float

    def __str__(self) -> str:
        told = [
            f"not within {self.steps} updates" if s is None else f"update {s}" for s in (self.measured, self.predicted)
        ]
        return f"{self.weight} changed by {self.eps:.3g}: the units part at {told[0]}; predicted: {told[1]}"

    def to_json(self) -> dict[str, Any]:
        """Return the separation as JSON values."""
        return asdict(self)


def steps_to_separate(
    network: Network,
    X: Any,
    Y: Any = None,
    eps: float = 2.0**-52,
    *,
    learning_rate: float = 1.2,
    optimizer: str | Optimizer = "gd",
    steps: int = 1000,
    tolerance: float = PARTED,
) -> Separation:
    """Change one incoming weight of one tied unit by eps, and count the updates until the units have parted.

    Called with (network, X, Y, eps), or with a data set as (network, data, eps).

    Raises:
        InvalidInput: no two units are tied, or an argument makes no sense.
        InvalidShape: X and Y that do not fit the network.
    """
    from symbreak.diagnosis.symmetry.symmetry import symmetry

    if hasattr(X, "X") and isinstance(Y, (int, float)):
        Y, eps = None, Y
    found = symmetry(network, optimizer=optimizer)
    x, y = fitting(network, X, Y)
    check_rate(learning_rate)
    check_count("steps", steps, least=1)
    tied, rule = tangent.ties(found), optimizers.get(optimizer)
    layer, unit = _unit_to_move(tied)
    wide = network.with_parameters([p.astype(np.float64) for p in network.parameters])
    change = [np.zeros_like(p) for p in wide.parameters]
    change[2 * layer - 2][unit, 0] = checked_eps(eps)
    options: Any = {"tied": tied, "optimizer": rule, "learning_rate": learning_rate, "steps": steps}
    predicted = first_above(list(tangent.grown(wide, change, x, y, **options)), tolerance)
    moved = wide.with_parameters([p + d for p, d in zip(wide.parameters, change, strict=True)])
    run = descend(moved, x, y, iterations=steps, learning_rate=learning_rate, optimizer=rule, arithmetic="unitwise")
    measured = (s.iteration for s in run if tangent.spread(tied, s.forward.activations) > tolerance)
    return Separation(next(measured, None), predicted, eps, f"W{layer}[{unit}, 0]", steps, tolerance)


def _unit_to_move(tied: tuple[tangent.Tie, ...]) -> tuple[int, int]:
    tie = next((tie for tie in tied if len(tie.units) > 1), None)
    if tie is None:
        raise InvalidInput(
            "no two units are one, so there is nothing to separate",
            got="a network without tied units",
            allowed="a network whose symmetry is proved",
            hint="Network.initialize((2, 4, 1), 'zeros', seed=0)",
        )
    return tie.layer, tie.units[-1]


def fitting(network: Network, X: Any, Y: Any) -> tuple[Array, Array]:
    """Return X and Y in float64; a data set may stand for both."""
    x, y = (X.X, X.Y) if Y is None and hasattr(X, "X") and hasattr(X, "Y") else (X, Y)
    if y is None:
        raise InvalidInput("X needs Y beside it", got="X alone", allowed="X and Y, or a data set", hint="X, Y")
    step = next(descend(network, x, y, iterations=0, learning_rate=1.0))
    return np.asarray(step.forward.activations[0], np.float64), np.asarray(y, np.float64)


def rounding(dtype: Any) -> float:
    """Return the relative rounding of a dtype."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in ROUNDING:
        raise InvalidInput("training runs in float32 or float64", got=dtype, allowed="float32, float64", hint="float32")
    return ROUNDING[name]


def checked_eps(eps: float) -> float:
    """Refuse an eps that is no number above 0."""
    if isinstance(eps, (int, float, np.floating)) and not isinstance(eps, bool) and math.isfinite(eps) and eps > 0:
        return float(eps)
    raise InvalidInput("eps is a difference above 0", got=eps, allowed="a finite number > 0", hint="2**-52")
