"""R48 and R53: whether saturation makes gradients vanish and learning slow, factor by factor and link by link."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Bars, Figure, Frame, Step, Steps, still
from symbreak.lesson.measuring import Course, trained
from symbreak.lesson.scales import LARGE, SMALL, Sweep, times

Array = NDArray[np.floating[Any]]

# A gradient has shrunk, or a quantity grown, if it changed tenfold: between starts it varies by less.
TENFOLD = 10.0
# The settings in which large weights are tried against small ones.
SETTINGS: dict[str, dict[str, Any]] = {
    "both": {},
    "first_only": {"first_only": True},
    "squared_error": {"loss": "squared-error(sigmoid)"},
}


@dataclass(frozen=True)
class Link:
    """A quantity at the factor 0.01 and at 100, medians over the starts."""

    small: float
    large: float

    @property
    def shrinks(self) -> bool:
        """Whether it is less than a tenth at 100."""
        return self.large < self.small / TENFOLD

    @property
    def grows(self) -> bool:
        """Whether it is more than ten times as much at 100."""
        return self.large > self.small * TENFOLD

    def __str__(self) -> str:
        return f"{self.small:.3g} at 0.01, {self.large:.3g} at 100"


def _sweep(setting: str) -> Sweep:
    """Return the full sweep where another claim needs it anyway, else the two factors that are compared."""
    options = SETTINGS[setting]
    return (
        scales.sweep("planar", **options) if not options else scales.sweep("planar", scales=(SMALL, LARGE), **options)
    )


def _link(sweep: Sweep, values: Array) -> Link:
    medians = sweep.median(values)
    return Link(medians[SMALL], medians[LARGE])


def _factors(course: Course) -> dict[str, Array]:
    """Return the mean sizes of the three factors of dW1 = (W2^T dZ2 * g'(Z1)) X^T / m, each (networks,)."""
    network, passed = course.first.network, course.first.forward
    pulled = np.swapaxes(network.weights[1], -1, -2) @ course.first.gradient.deltas[1]
    slope = network.activation.derivative(passed.pre_activations[0])
    inputs = np.full(len(pulled), np.abs(course.data.X).mean())
    return {"pulled_back": np.abs(pulled).mean(axis=(1, 2)), "slope": slope.mean(axis=(1, 2)), "inputs": inputs}


def vanishing_gradients() -> Evidence:
    """R48."""
    measured: dict[str, float] = {"updates": scales.ITERATIONS, "small_factor": SMALL, "large_factor": LARGE}
    holds: dict[str, bool] = {}
    for setting in SETTINGS:
        sweep = _sweep(setting)
        course = sweep.course
        links = {name: _link(sweep, values) for name, values in _factors(course).items()}
        links["dw1"] = _link(sweep, scales.gradient(course, 1))
        links["dw1_over_w1"] = _link(sweep, scales.relative_gradient(course, 1))
        for name, link in links.items():
            measured |= {f"{name}_{setting}_at_0_01": link.small, f"{name}_{setting}_at_100": link.large}
        updates = _link(sweep, scales.iterations_to_target(course))
        measured[f"reaches_target_{setting}_at_0_01"] = math.isfinite(updates.small)
        measured[f"reaches_target_{setting}_at_100"] = math.isfinite(updates.large)
        holds[setting] = links["dw1"].shrinks and math.isfinite(updates.small) and math.isinf(updates.large)
    zeros = _factors(_zero_start())
    measured |= {f"{name}_zeros": float(values[0]) for name, values in zeros.items()}
    return Evidence(
        (
            Case("only W1 is large, and W2 small", holds["first_only"]),
            Case("both are large and the loss is the squared error", holds["squared_error"]),
            Case("both are large and the loss is cross-entropy, for W2 then magnifies the gradient", holds["both"]),
        ),
        measured,
        "The gradient of W1 is a product of three factors, W2^T dZ2, g'(Z1) and X. With W1 alone a hundred instead of"
        f" 0.01 times randn, the mean slope falls from {measured['slope_first_only_at_0_01']:.2g} to"
        f" {measured['slope_first_only_at_100']:.2g} and the norm of dW1 from {measured['dw1_first_only_at_0_01']:.2g}"
        f" to {measured['dw1_first_only_at_100']:.2g}. With both layers large the slope is as small, but W2^T dZ2 grows"
        f" from {measured['pulled_back_both_at_0_01']:.2g} to {measured['pulled_back_both_at_100']:.2g}, and dW1 rises"
        f" from {measured['dw1_both_at_0_01']:.2g} to {measured['dw1_both_at_100']:.2g}: it has not vanished. Learning"
        " is slow all the same, because as a share of W1 it fell from"
        f" {measured['dw1_over_w1_both_at_0_01']:.2g} to {measured['dw1_over_w1_both_at_100']:.2g}. A zero start is"
        f" stuck for another reason: there the mean slope is {measured['slope_zeros']:.2g}, the steepest, and W2^T dZ2"
        f" is {measured['pulled_back_zeros']:.2g}.",
        _dead_centre_and_edges(),
    )


def _zero_start() -> Course:
    return trained("planar", "zeros", seeds=1, iterations=0)


def _dead_centre_and_edges() -> Figure:
    zeros = _zero_start()
    first_only = _sweep("first_only")
    columns: dict[str, tuple[float, ...]] = {}
    for name, values in _factors(first_only.course).items():
        link = _link(first_only, values)
        columns[name] = (float(_factors(zeros)[name][0]), link.small, link.large)
    link = _link(first_only, scales.gradient(first_only.course, 1))
    columns["dw1"] = (float(scales.gradient(zeros, 1)[0]), link.small, link.large)
    titles = {"pulled_back": "|W2^T dZ2|", "slope": "g'(Z1)", "inputs": "|X|", "dw1": "their product: norm of dW1"}
    starts = ("all zero", "0.01", "W1 times 100")
    return still(
        "Dead centre and dead edges: which factor of dW1 is missing",
        "Four groups of bars for three starts. From all zeros the slope is 1 but W2^T dZ2 is 0; with W1 times 100 the"
        " slope is nearly 0; from 0.01 no factor is missing. Only there dW1 is of any size.",
        *(Bars(title, "mean size", starts, np.array([columns[name]])) for name, title in titles.items()),
    )


def chain_of_events() -> Evidence:
    """R53."""
    chains = {setting: _chain(_sweep(setting)) for setting in ("both", "first_only")}
    measured: dict[str, float] = {"small_factor": SMALL, "large_factor": LARGE, "updates": scales.ITERATIONS}
    for setting, links in chains.items():
        for name, link in links.items():
            finite = {f"{name}_{setting}_at_0_01": link.small, f"{name}_{setting}_at_100": link.large}
            measured |= {key: value for key, value in finite.items() if math.isfinite(value)}
    both, first = chains["both"], chains["first_only"]
    sweep = _sweep("both")
    tiny = sweep.scales[0]
    tiny_gradient = sweep.median(scales.gradient(sweep.course, 1))[tiny]
    tiny_updates = sweep.median(scales.iterations_to_target(sweep.course))[tiny]
    measured |= {
        "tiny_factor": tiny,
        "gradient_of_a_tiny_start": tiny_gradient,
        "updates_of_a_tiny_start": tiny_updates,
    }
    return Evidence(
        (
            Case("one follows the arrow from large weights to large |Z|", both["size_of_z"].grows),
            Case("one follows that from large |Z| to saturated units", both["saturated_share"].grows),
            Case("one follows that from saturated units to small gradients while W2 stays small", first["dw1"].shrinks),
            Case("one follows that from saturated units to slow learning", both["updates"].grows),
            Case("one follows that from saturated units to small gradients while W2 is large too", both["dw1"].shrinks),
        ),
        measured,
        f"Each arrow was measured by itself on the flower, 0.01 against 100. The mean |Z1| went from"
        f" {both['size_of_z'].small:.2g} to {both['size_of_z'].large:.3g} and the saturated share from"
        f" {both['saturated_share'].small:.0%} to {both['saturated_share'].large:.0%}. The target took"
        f" {times(both['updates'].small)} from 0.01 and {times(both['updates'].large)} from 100. But the"
        f" gradient dW1 went from {both['dw1'].small:.2g} to {both['dw1'].large:.2g} where both layers were large; it"
        f" shrank, to {first['dw1'].large:.2g}, only where W1 alone was. Nor does a small gradient mean slow learning:"
        f" randn * {scales.label(tiny)} starts with {tiny_gradient:.2g} and takes {times(tiny_updates)}. What counts is"
        " the gradient as a share of the weight.",
        _chain_figure(chains),
    )


def _chain(sweep: Sweep) -> dict[str, Link]:
    course = sweep.course
    return {
        "size_of_z": _link(sweep, scales.pre_activation(course)),
        "saturated_share": _link(sweep, scales.saturated(course)),
        "dw1": _link(sweep, scales.gradient(course, 1)),
        "dw1_over_w1": _link(sweep, scales.relative_gradient(course, 1)),
        "updates": _link(sweep, scales.iterations_to_target(course)),
    }


def _chain_figure(chains: dict[str, dict[str, Link]]) -> Figure:
    titles = {"both": "both layers", "first_only": "the first layer only"}
    return Figure(
        "The chain from large weights to slow learning, arrow by arrow",
        "Five statements, each with its number at the factors 0.01 and 100. With both layers large all are ticked but"
        " the one on small gradients; with the first layer alone all are.",
        tuple(Frame(titles[setting], (Steps("0.01 against 100", _steps(links)),)) for setting, links in chains.items()),
        control="large weights in",
    )


def _steps(links: dict[str, Link]) -> tuple[Step, ...]:
    updates = links["updates"]
    return (
        Step("large weights make |Z1| large", links["size_of_z"].grows, str(links["size_of_z"])),
        Step("large |Z1| saturates the units", links["saturated_share"].grows, str(links["saturated_share"])),
        Step("saturated units make the gradient dW1 small", links["dw1"].shrinks, str(links["dw1"])),
        Step("they make it small as a share of W1", links["dw1_over_w1"].shrinks, str(links["dw1_over_w1"])),
        Step("so learning is slow", updates.grows, f"{times(updates.small)} at 0.01, {times(updates.large)} at 100"),
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R48", "small", "In saturated units the gradient vanishes, so that learning is very slow.", vanishing_gradients
    ),
    Claim(
        "R53",
        "small",
        "Large weights lead to large |Z|, this to saturated units, these to small gradients, these to slow learning.",
        chain_of_events,
    ),
)
