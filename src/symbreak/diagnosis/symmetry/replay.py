"""The proof, run: training in arithmetic that treats every unit alike, and beside it with BLAS."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from symbreak.diagnosis.symmetry import tangent
from symbreak.diagnosis.symmetry.forecast import PARTED, fitting, forecast
from symbreak.network import Network, descend
from symbreak.network.optimizers import Optimizer
from symbreak.network.training import check_count, check_rate


@dataclass(frozen=True)
class Replay:
    """What two runs did to the units that are one in exact arithmetic.

    Attributes:
        alike: the largest difference between clones over the whole run with every unit treated alike: 0.0.
        alike_sums: the same for units that are tied by sums only; there each unit adds other numbers, and rounds.
        blas: the largest difference over the whole run with BLAS.
        blas_first: the first update after which BLAS has made any difference; None: never.
        blas_parted: the first after which it exceeds `tolerance`; None: never.
        predicted: what the forecast says of `blas_parted`.
        holds: clones did not differ at all, which the theorem and the arithmetic together promise.
    """

    alike: float
    alike_sums: float
    blas: float
    blas_first: int | None
    blas_parted: int | None
    predicted: int | None
    steps: int
    tolerance: float
    dtype: str
    holds: bool

    def __str__(self) -> str:
        lines = [f"{self.steps} updates in {self.dtype}"]
        lines.append(
            f"  every unit treated alike: clones differ by {self.alike:g}" + (" exactly" if self.holds else "")
        )
        if self.alike_sums:
            lines.append(f"  tied by sums only: they differ by at most {self.alike_sums:.3g}, which is rounding")
        first = "never differ" if self.blas_first is None else f"first differ after update {self.blas_first}"
        lines.append(f"  BLAS: they {first}, by at most {self.blas:.3g}; parted: {_when(self.blas_parted)}")
        lines.append(f"  forecast: parted {_when(self.predicted)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the replay as JSON values."""
        return asdict(self)


def _when(step: int | None) -> str:
    return "not in this run" if step is None else f"at update {step}"


def replay(
    network: Network,
    X: Any,
    Y: Any = None,
    *,
    steps: int = 1000,
    learning_rate: float = 0.5,
    optimizer: str | Optimizer = "gd",
    input_range: Any = None,
    tolerance: float = PARTED,
) -> Replay:
    """Train the network twice, and compare the units that are one in exact arithmetic after every update.

    Args:
        X, Y: (n_x, m) and (n_y, m); or a data set that has both.

    Raises:
        InvalidInput: a rate or a number of steps that makes no sense.
        InvalidShape: X and Y that do not fit the network.
    """
    from symbreak.diagnosis.symmetry.symmetry import symmetry

    found = symmetry(network, optimizer=optimizer, input_range=input_range)
    x, y = fitting(network, X, Y)
    check_rate(learning_rate)
    check_count("steps", steps, least=1)
    options: Any = {"learning_rate": learning_rate, "optimizer": optimizer}
    exact = {(c.layer, c.units) for layer in found.layers for c in layer.classes if c.tier == "clone"}
    tied = tangent.ties(found)
    clones = [tie for tie in tied if (tie.layer, tie.units) in exact]
    sums = [tie for tie in tied if tie not in clones]
    alike, alike_sums, blas = _spreads(network, x, y, steps, options, clones, sums, tied)
    dtype = network.weights[0].dtype.name
    predicted = forecast(found, x, y, steps=steps, dtype=dtype, tolerance=tolerance, **options).step
    first = next((step for step, value in enumerate(blas) if value > 0), None)
    parted = next((step for step, value in enumerate(blas) if value > tolerance), None)
    worst = max(alike)
    return Replay(
        worst, max(alike_sums), max(blas), first, parted, predicted, steps, tolerance, dtype, holds=worst == 0
    )


def _spreads(network: Network, x: Any, y: Any, steps: int, options: Any, *groups: Any) -> Any:
    clones, sums, tied = groups
    alike, alike_sums = [], []
    for step in descend(network, x, y, iterations=steps, arithmetic="unitwise", **options):
        alike.append(tangent.spread(clones, step.forward.activations))
        alike_sums.append(tangent.spread(sums, step.forward.activations))
    run = descend(network, x, y, iterations=steps, arithmetic="blas", **options)
    blas = [tangent.spread(tied, step.forward.activations) for step in run]
    return alike, alike_sums, np.nan_to_num(blas, nan=np.inf).tolist()
