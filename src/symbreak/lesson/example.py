"""R33 and R61 to R64: the lesson's listings, run beside the house's own initialize_parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import load
from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Series, still
from symbreak.network import course

Array = NDArray[np.floating[Any]]

KEYS = ("W1", "b1", "W2", "b2")
# The example's layers, other sizes that tell each pair apart, and large ones.
SIZES = ((3, 4, 1), (2, 2, 1), (5, 3, 2), (64, 30, 10))
SMALL, DRAWS, BINS = 0.01, 500, 40
# No more than one of the 6000 weights drawn is expected beyond 4 standard deviations, and none beyond 6.
SURELY_WITHIN = 6.0


def listing(n_x: int, n_h: int, n_y: int) -> dict[str, Array]:
    """Return W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1), drawn by NumPy's global generator.

    This does what the lesson's complete example does: randn times 0.01 for weights, zeros for biases.
    """
    first = np.random.randn(n_h, n_x) * 0.01
    second = np.random.randn(n_y, n_h) * 0.01
    return {"W1": first, "b1": np.zeros((n_h, 1)), "W2": second, "b2": np.zeros((n_y, 1))}


def _listed(n_x: int, n_h: int, n_y: int, seed: int) -> dict[str, Array]:
    with scales.numpy_seeded(seed):
        return listing(n_x, n_h, n_y)


def _ours(n_x: int, n_h: int, n_y: int, seed: int) -> dict[str, Array]:
    return course.initialize_parameters(n_x, n_h, n_y, seed=seed)


MAKERS: dict[str, Callable[[int, int, int, int], dict[str, Array]]] = {"listing": _listed, "house": _ours}
CALLED = {"listing": "one runs the lesson's listing", "house": "one calls initialize_parameters of this house"}


def _shapes(n_x: int, n_h: int, n_y: int) -> dict[str, tuple[int, int]]:
    return {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}


def _fits(parameters: Mapping[str, Array], sizes: tuple[int, int, int]) -> bool:
    return {key: parameters[key].shape for key in parameters} == _shapes(*sizes)


def _sound(parameters: Mapping[str, Array], sizes: tuple[int, int, int]) -> bool:
    """Whether a start has the lesson's shapes, biases of 0 and hidden units of which no two are alike."""
    zero = not parameters["b1"].any() and not parameters["b2"].any()
    return _fits(parameters, sizes) and zero and scales.distinct_rows(parameters["W1"]) == sizes[1]


def short_listing() -> Evidence:
    """R33."""
    cases, equal = [], True
    for sizes in SIZES:
        drawn = _listed(*sizes, seed=1)
        ours = course.initialize_parameters(*sizes, rng=np.random.RandomState(1))
        equal &= all(np.array_equal(drawn[key], ours[key]) for key in KEYS)
        cases.append(Case(f"the layers have {sizes[0]}, {sizes[1]} and {sizes[2]} units", _sound(drawn, sizes)))
    start = course.to_network(_listed(2, 4, 1, seed=1))
    trained = scales.train([start], load("planar"), iterations=150)
    cases.append(Case("the flower data is learned from it", bool(trained.learned.all())))
    first, last = float(trained.costs[0, 0]), trained.final_cost
    return Evidence(
        tuple(cases),
        {
            "sizes_tried": len(SIZES),
            "sound_starts": sum(case.holds for case in cases[:-1]),
            "same_bits_as_the_house": equal,
            "updates": len(trained.costs) - 1,
            "first_cost": first,
            "final_cost": last,
        },
        f"The listing ran for {len(SIZES)} choices of layer sizes; in {sum(case.holds for case in cases[:-1])} of them"
        " the shapes fitted, the biases were exactly 0 and no two hidden units had the same weights."
        f" initialize_parameters(rng=...) of this house gave {'the same' if equal else 'other'} numbers, compared bit"
        f" for bit. Trained on the flower for {len(trained.costs) - 1} updates, the cost went from {first:.3f} to"
        f" {last:.3f}.",
    )


def signature() -> Evidence:
    """R61."""
    wanted = ["n_x", "n_h", "n_y"]
    given = {"listing": listing, "house": course.initialize_parameters}
    cases, extra = [], 0
    for name, function in given.items():
        parameters = inspect.signature(function).parameters
        required = [key for key, value in parameters.items() if value.default is inspect.Parameter.empty]
        extra = len(parameters) - len(required)
        keys = tuple(MAKERS[name](3, 4, 1, 0))
        cases.append(Case(CALLED[name], required == wanted and keys == KEYS))
    return Evidence(
        tuple(cases),
        {"names_kept": sum(case.holds for case in cases), "optional_arguments_of_the_house": extra},
        f"initialize_parameters takes the sizes n_x, n_h and n_y and returns a dict with the keys {', '.join(KEYS)};"
        f" the listing and the house's function of that name were looked at, and {sum(case.holds for case in cases)} of"
        f" 2 keep to it. The house's has {extra} more arguments that may be left out: the scheme, and a seed or a"
        " generator to make the draw repeatable.",
    )


def contract() -> Evidence:
    """R62."""
    cases = []
    arrays = 0
    for name, make in MAKERS.items():
        made = make(3, 4, 1, 0)
        good = [
            isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 2 for value in made.values()
        ]
        arrays += sum(good)
        described = listing if name == "listing" else course.initialize_parameters
        told = all(word in (described.__doc__ or "") for word in (*KEYS, "n_x", "n_h", "n_y"))
        cases.append(Case(CALLED[name], isinstance(made, dict) and set(made) == set(KEYS) and all(good) and told))
    return Evidence(
        tuple(cases),
        {"arrays_as_described": arrays, "arrays": 2 * len(KEYS), "contracts_kept": sum(case.holds for case in cases)},
        "The docstring promises a dictionary of W1, b1, W2 and b2 for three sizes. Of the"
        f" {2 * len(KEYS)} values that the listing and the house return, {arrays} are float64 matrices under those"
        f" names, and {sum(case.holds for case in cases)} of 2 docstrings name all sizes and keys.",
    )


def printed_shapes() -> Evidence:
    """R63."""
    cases, measured = [], {}
    for name, make in MAKERS.items():
        fitting = [_fits(make(*sizes, 0), sizes) for sizes in SIZES]
        cases.append(Case(CALLED[name], all(fitting)))
        measured[f"sizes_that_fit_{name}"] = sum(fitting)
    made = _ours(*SIZES[0], 0)
    shapes = ", ".join(f"{key} {value.shape}" for key, value in made.items())
    return Evidence(
        tuple(cases),
        {"sizes_tried": len(SIZES), **measured, "rows_of_w1": len(made["W1"]), "columns_of_w1": made["W1"].shape[1]},
        f"For n_x = 3, n_h = 4 and n_y = 1 the shapes are {shapes}. With {len(SIZES)} choices of sizes,"
        f" {measured['sizes_that_fit_listing']} fitted in the listing and {measured['sizes_that_fit_house']} in the"
        " house's function. Sizes that differ pairwise test best: with 2, 2 and 1 a transposed W1 would pass.",
    )


def sample_values() -> Evidence:
    """R64."""
    cases = []
    measured: dict[str, float] = {
        "draws": DRAWS,
        "units": 4,
        "inputs": 3,
        "weights": DRAWS * 12,
        "standard_errors_allowed": scales.STANDARD_ERRORS,
    }
    samples = {}
    for name, make in MAKERS.items():
        w = np.array([make(3, 4, 1, seed)["W1"] for seed in range(DRAWS)]).ravel()
        samples[name] = w
        off_mean = abs(float(w.mean())) * np.sqrt(w.size) / SMALL
        off_std = abs(float(w.std()) - SMALL) * np.sqrt(2 * w.size) / SMALL
        within = max(off_mean, off_std) <= scales.STANDARD_ERRORS and np.abs(w).max() < SURELY_WITHIN * SMALL
        cases.append(Case(CALLED[name], bool(within)))
        measured |= {
            f"mean_{name}": float(w.mean()),
            f"standard_deviation_{name}": float(w.std()),
            f"largest_{name}": float(np.abs(w).max()),
            f"standard_errors_of_the_mean_{name}": float(off_mean),
            f"standard_errors_of_the_deviation_{name}": float(off_std),
        }
    return Evidence(
        tuple(cases),
        measured,
        f"W1 of shape (4, 3) was drawn {DRAWS} times. The {DRAWS * 12} weights of the listing have mean"
        f" {measured['mean_listing']:.2g} and standard deviation {measured['standard_deviation_listing']:.5f}, which is"
        f" {measured['standard_errors_of_the_mean_listing']:.1f} and"
        f" {measured['standard_errors_of_the_deviation_listing']:.1f} standard errors from 0 and 0.01; up to"
        f" {scales.STANDARD_ERRORS:g} are allowed. The house's, drawn by seed, have {measured['mean_house']:.2g} and"
        f" {measured['standard_deviation_house']:.5f}. The largest weight of all was"
        f" {max(measured['largest_listing'], measured['largest_house']):.3f}: small, and on both sides of 0.",
        _histogram(samples),
    )


def _histogram(samples: Mapping[str, Array]) -> Figure:
    grid = np.linspace(-4 * SMALL, 4 * SMALL, scales.CURVE_POINTS)
    density = np.exp(-((grid / SMALL) ** 2) / 2) / (SMALL * np.sqrt(2 * np.pi))
    return still(
        f"The weights of {DRAWS} draws of W1",
        "Two histograms, of the listing and of the house's function, both under the bell curve of N(0, 0.01^2).",
        Chart("entries of W1", "weight", "density", (*_steps(samples), Series("N(0, 0.01^2)", grid, density))),
    )


def _steps(samples: Mapping[str, Array]) -> Iterator[Series]:
    for name, values in samples.items():
        heights, edges = np.histogram(values, BINS, range=(-4 * SMALL, 4 * SMALL), density=True)
        yield Series(name, (edges[:-1] + edges[1:]) / 2, heights, "steps")


CLAIMS: tuple[Claim, ...] = (
    Claim("R33", "solution", "The four lines with randn * 0.01 and zeros make a sound start.", short_listing),
    Claim(
        "R61",
        "example",
        "initialize_parameters takes n_x, n_h and n_y and returns W1, b1, W2 and b2.",
        signature,
        convention=True,
    ),
    Claim("R62", "example", "It returns a dictionary of arrays, as its docstring says.", contract, convention=True),
    Claim("R63", "example", "For sizes 3, 4 and 1 the shapes are (4, 3), (4, 1), (1, 4) and (1, 1).", printed_shapes),
    Claim("R64", "example", "The entries of W1 are small random numbers around 0.", sample_values),
)
