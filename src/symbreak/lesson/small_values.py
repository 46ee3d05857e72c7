"""R43, R44 and R54: why the factor is small, how large weights saturate units, and what 0.01 keeps responsive."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import datasets
from symbreak.experiments import measures
from symbreak.lesson import measuring, scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Frame, Series, still
from symbreak.lesson.scales import LARGE, SMALL, Sweep, at, label
from symbreak.network import Network, forward, stack

Array = NDArray[np.floating[Any]]

# "Nearly all": one pair of unit and example in a hundred may lie where the slope is lost.
RESPONSIVE = 0.99
BINS = 40


def factor_sweep() -> Evidence:
    """R43."""
    flower = scales.sweep("planar")
    tried = {"planar": flower} | {
        name: scales.sweep(name, scales=(SMALL, 1.0, 100.0, 1000.0)) for name in ("circles", "xor")
    }
    cases: list[Case] = []
    measured: dict[str, float] = {"updates": scales.ITERATIONS, "starts": scales.SEEDS}
    for name, sweep in tried.items():
        final = sweep.median(sweep.course.costs[-1])
        cases += [
            Case(f"it is compared with {label(scale)} on the data {name}", final[SMALL] < final[scale])
            for scale in (100.0, 1000.0)
        ]
        for scale in (SMALL, 1.0, 100.0, 1000.0):
            measured[at(f"final_cost_{name}", scale)] = final[scale]
    steps = {name: sweep.median(scales.iterations_to_target(sweep.course)) for name, sweep in tried.items()}
    fastest = min(steps["planar"], key=steps["planar"].__getitem__)
    won = sum(case.holds for case in cases)
    measured |= {"comparisons": len(cases), "comparisons_won_by_0_01": won}
    measured["fastest_factor_planar"] = fastest
    measured["updates_to_target_of_the_fastest_planar"] = steps["planar"][fastest]
    for name in ("planar", "xor"):
        for scale in (SMALL, 1.0):
            if np.isfinite(steps[name][scale]):
                measured[at(f"updates_to_target_{name}", scale)] = steps[name][scale]
    return Evidence(
        tuple(cases),
        measured,
        f"After {scales.ITERATIONS} updates on the flower the median cost is"
        f" {measured[at('final_cost_planar', SMALL)]:.3f} from 0.01, {measured[at('final_cost_planar', 100.0)]:.3f}"
        f" from 100 and {measured[at('final_cost_planar', 1000.0)]:.3g} from 1000; with circles and XOR, 0.01 ended"
        f" lower in {won} of {len(cases)} comparisons."
        f" But 0.01 is not the best factor. To half of the cost of guessing, the flower took"
        f" {scales.times(steps['planar'][SMALL])} from 0.01 and {scales.times(steps['planar'][fastest])} from"
        f" {label(fastest)}; XOR, where no line tells the classes apart, took {scales.times(steps['xor'][SMALL])} from"
        f" 0.01 and {scales.times(steps['xor'][1.0])} from 1. A small start is safe, and it begins on a plateau.",
        _sweep_figure(flower),
    )


def _sweep_figure(sweep: Sweep) -> Figure:
    course = sweep.course
    return still(
        "What the factor decides, on the flower",
        "Four curves over the factor from 0.0001 to 1000. The cost at the start explodes from 1 on, and the final cost"
        " rises from 100 on. The saturated share climbs from 0 to nearly 1 between 0.1 and 100. Updates to the"
        " target are fewest near 1; 100 and 1000 do not reach it. The gradient of W1 rises up to 10 before it falls.",
        *scales.cost_saturation_and_updates(sweep),
        scales.over_scales(
            "gradients at the start",
            "norm",
            sweep,
            {"dW1": scales.gradient(course, 1), "dW2": scales.gradient(course, 2)},
            "log",
        ),
    )


def large_weights_saturate() -> Evidence:
    """R44."""
    cases: list[Case] = []
    measured: dict[str, float] = {"small_factor": SMALL, "large_factor": LARGE}
    for activation in ("tanh", "sigmoid", "relu"):
        sweep = scales.sweep("planar", activation=activation, iterations=0)
        size, share = sweep.median(scales.pre_activation(sweep.course)), sweep.median(scales.saturated(sweep.course))
        shares = list(share.values())
        if activation != "relu":
            follows = shares == sorted(shares) and size[SMALL] < size[LARGE]
            holds = follows and share[SMALL] < 1 - RESPONSIVE and share[LARGE] > 0.5
            cases.append(Case(f"the hidden units use {activation}", holds))
        for scale in (SMALL, 1.0, LARGE):
            measured[at(f"saturated_share_{activation}", scale)] = share[scale]
    measured |= {at("mean_size_of_z", scale): size[scale] for scale in (SMALL, LARGE)}
    return Evidence(
        tuple(cases),
        measured,
        f"On the flower the mean |z| of hidden units is {measured[at('mean_size_of_z', SMALL)]:.2g} with the factor"
        f" 0.01 and {measured[at('mean_size_of_z', LARGE)]:.3g} with 100. A pair of unit and example counts as"
        " saturated where the slope is below a hundredth of the steepest. With tanh these are"
        f" {measured[at('saturated_share_tanh', SMALL)]:.0%} at 0.01, {measured[at('saturated_share_tanh', 1.0)]:.0%}"
        f" at 1 and {measured[at('saturated_share_tanh', LARGE)]:.0%} at 100, with sigmoid"
        f" {measured[at('saturated_share_sigmoid', LARGE)]:.0%} at 100. ReLU has no such end: at 100 the share is"
        f" {measured[at('saturated_share_relu', LARGE)]:.0%}.",
        _histograms(),
    )


def _histograms() -> Figure:
    X = datasets.load("planar").X
    frames = []
    for scale in (SMALL, 1.0, LARGE):
        passed = forward(Network.initialize((2, scales.HIDDEN, 1), f"normal({scale})", seed=0), X)
        panels = []
        for layer, (z, a) in enumerate(zip(passed.pre_activations, passed.activations[1:], strict=True), 1):
            panels += [_histogram(f"Z{layer}", z), _histogram(f"A{layer}", a)]
        frames.append(Frame(label(scale), tuple(panels)))
    return Figure(
        "Pre-activations and activations of each layer",
        "Histograms of Z1, A1, Z2 and A2 on the flower. With 0.01 all are heaps around the middle; with 100, A1 sits at"
        " -1 and 1 and A2 at 0 and 1.",
        tuple(frames),
        control="factor",
    )


def _histogram(name: str, values: Array) -> Chart:
    counts, edges = np.histogram(values, BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    return Chart(name, name, "share", (Series(name, centres, counts / values.size, "steps"),))


def small_keeps_responsive() -> Evidence:
    """R54."""
    raw = datasets.load("breast-cancer")
    tried = (
        ("the data is the flower and g is tanh", "flower_tanh", datasets.load("planar"), "tanh"),
        ("the data is the flower and g is sigmoid", "flower_sigmoid", datasets.load("planar"), "sigmoid"),
        ("the inputs are a real table, standardized", "table_standardized", measuring.data("breast-cancer"), "tanh"),
        ("the inputs are that table raw, with values in the thousands", "table_raw", raw, "tanh"),
    )
    cases, measured = [], {"largest_raw_input": float(raw.X.max()), "inputs_of_the_table": float(raw.n_x)}
    for when, name, data, activation in tried:
        share, size = _responsive(data.X, activation)
        cases.append(Case(when, share >= RESPONSIVE))
        measured |= {f"responsive_share_{name}": share, f"mean_size_of_z_{name}": size}
    return Evidence(
        tuple(cases),
        measured,
        f"Responsive means that the slope is at least a hundredth of the steepest. With randn * 0.01 that is"
        f" {measured['responsive_share_flower_tanh']:.1%} of all units and examples on the flower with tanh,"
        f" {measured['responsive_share_flower_sigmoid']:.1%} with sigmoid. But z is weights times inputs: on the raw"
        f" breast-cancer table, whose values reach {measured['largest_raw_input']:.0f}, the mean |z| is"
        f" {measured['mean_size_of_z_table_raw']:.2g} and only {measured['responsive_share_table_raw']:.0%} are"
        f" responsive. Standardized, it is {measured['responsive_share_table_standardized']:.1%}. So 0.01 does its work"
        " for inputs of ordinary size and number.",
    )


def _responsive(X: Array, activation: str) -> tuple[float, float]:
    """Return the responsive share of (unit, example) pairs, in the worst start, and the mean |z|."""
    starts = [
        Network.initialize((len(X), scales.HIDDEN, 1), f"normal({SMALL})", seed=seed, activation=activation)
        for seed in range(scales.SEEDS)
    ]
    networks = stack(starts)
    passed = forward(networks, X)
    worst = float(measures.saturated_share(networks, passed).max())
    return 1 - worst, float(np.abs(passed.pre_activations[0]).mean())


CLAIMS: tuple[Claim, ...] = (
    Claim("R43", "small", "The factor 0.01 serves better than 100 or 1000.", factor_sweep),
    Claim("R44", "small", "Large weights make z large, and large z saturates the units.", large_weights_saturate),
    Claim("R54", "small", "randn * 0.01 keeps z where the units respond.", small_keeps_responsive),
)
