"""Better constants than 0.01: data sets, depth, Xavier, He, and the size of a layer."""

from __future__ import annotations

import functools

import numpy as np

from symbreak import initializers
from symbreak.datasets import names as dataset_names
from symbreak.experiments.verdict import PLATEAU
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Bars, Chart, Figure, Frame, Series, still
from symbreak.lesson.measuring import Array, Course, data, trained
from symbreak.network import Network, backward, forward
from symbreak.network.blas_threads import one_thread

# A start works well if it loses less than this share of the course's 2000 iterations on its plateau.
LOST = 0.05
LAYERS, WIDTH, EXAMPLES = 50, 100, 200
SMALL = 0.01
# As for a slope that counts as flat: what passes all layers keeps more than a hundredth, and less than a hundredfold.
STABLE = 100.0
STARTS = ("normal(0.01)", "xavier", "he", "glorot_normal")
FEW, MANY = 10, 1000
COURSE_SETS = dataset_names()[:5]


def plateau(course: Course) -> int:
    """Return the median iteration at which networks leave the plateau; the number of iterations if they do not."""
    below = course.costs <= PLATEAU * course.base_rate
    return int(np.median(np.where(below.any(axis=0), below.argmax(axis=0), len(course.costs) - 1)))


def mean_distance(name: str) -> float:
    """Return how far apart the two classes' means lie, in root mean squares of the inputs' spread."""
    on = data(name)
    means = [on.X[:, on.labels() == label].mean(axis=1) for label in (0, 1)]
    return float(np.linalg.norm(means[0] - means[1]) / np.sqrt(on.X.var(axis=1).mean()))


def shallow() -> Evidence:
    """R71."""
    key = {name: name.replace("-", "_") for name in COURSE_SETS}
    lost = {name: plateau(trained(name)) for name in COURSE_SETS}
    xavier = {name: plateau(trained(name, "xavier", iterations=400)) for name in COURSE_SETS}
    measured = {
        **{f"plateau_{key[name]}": steps for name, steps in lost.items()},
        **{f"plateau_xavier_{key[name]}": steps for name, steps in xavier.items()},
        **{f"mean_distance_{key[name]}": mean_distance(name) for name in COURSE_SETS},
    }
    iterations = len(trained().costs) - 1
    measured |= {"rate": 1.2, "scale_small": SMALL}
    cases = tuple(Case(f"the data is {name}", steps < LOST * iterations) for name, steps in lost.items())
    explanation = (
        "One hidden layer of four tanh units, rate 1.2: from 0.01 it leaves the cost of guessing after "
        f"{lost['planar']} iterations on the flower, {lost['moons']} on the moons and {lost['blobs']} on the blobs, "
        f"but after {lost['circles']} on the circles and {lost['gaussian-quantiles']} on the Gaussian rings; from "
        f"Xavier's weights all five take at most {max(xavier.values())}. Near zero a network is almost linear, so the "
        f"first gradient comes from the distance of the classes' means: {measured['mean_distance_blobs']:.2f} spreads "
        f"on the blobs, {measured['mean_distance_circles']:.2f} on the circles. Where it is small, small weights wait "
        "long."
    )
    bars = Bars(
        "Iterations on the plateau", "iterations", COURSE_SETS,
        np.array([[lost[n] for n in COURSE_SETS], [xavier[n] for n in COURSE_SETS]], float), ("0.01", "xavier"), "log",
    )  # fmt: skip
    curves = Chart("Cost from 0.01", "iteration", "cost", tuple(_curve(name, trained(name)) for name in COURSE_SETS))
    figure = still(
        "0.01 on the course's five data sets", "Plateaus are long where class means nearly coincide.", bars, curves
    )
    return Evidence(cases, measured, explanation, figure)


def _curve(name: str, course: Course) -> Series:
    costs = course.costs
    return Series(
        name,
        np.arange(len(costs), dtype=float),
        np.median(costs, axis=1),
        low=costs.min(axis=1),
        high=costs.max(axis=1),
    )


@functools.cache
def spreads(activation: str, start: str) -> tuple[Array, Array]:
    """Return the std of the activations and of dZ in 50 hidden layers of width 100, on digits: medians of 3."""
    on = data("digits")
    x, y = on.X[:, :EXAMPLES], on.Y[:, :EXAMPLES]
    found = []
    for seed in range(3):
        sizes = (on.n_x, *[WIDTH] * LAYERS, on.n_y)
        network = Network.initialize(sizes, start, seed=seed, activation=activation)
        with one_thread():
            passed = forward(network, x)
            deltas = backward(network, passed, y).deltas
        found.append([[a.std() for a in passed.activations[1:-1]], [d.std() for d in deltas[:-1]]])
    middle = np.median(found, axis=0)
    return middle[0], middle[1]


def kept(activation: str, start: str) -> tuple[float, float]:
    """Return what is left of the signal from layer 1 to 50, and of the gradient from layer 50 to 1."""
    ahead, back = spreads(activation, start)
    return float(ahead[-1] / ahead[0]), float(back[0] / back[-1])


def _stable(*ratios: float) -> bool:
    return all(1 / STABLE < ratio < STABLE for ratio in ratios)


def deep() -> Evidence:
    """R72."""
    two = {name: _with_layers((4, 4), name) for name in ("planar", "circles")}
    more = {"three": _with_layers((4, 4, 4)), "ten": _with_layers((10,) * 10, rate=0.1)}
    measured = {
        "layers": LAYERS,
        "scale_small": SMALL,
        "base_rate": trained().base_rate,
        "cost_one_layer_small": trained().final_cost,
        **{f"cost_two_layers_{name}_small": small.final_cost for name, (small, _) in two.items()},
        "cost_two_layers_circles_xavier": two["circles"][1].final_cost,
        **{f"cost_{name}_layers_small": small.final_cost for name, (small, _) in more.items()},
        **{f"cost_{name}_layers_xavier": fitting.final_cost for name, (_, fitting) in more.items()},
        "signal_kept_50_layers_small": kept("tanh", STARTS[0])[0],
        "signal_kept_50_layers_xavier": kept("tanh", "xavier")[0],
    }
    cases = tuple(
        Case(f"there are {name} hidden layers", bool(fitting.learned.all() and not small.learned.any()))
        for name, (small, fitting) in more.items()
    )
    explanation = (
        f"With one hidden layer 0.01 reaches a cost of {measured['cost_one_layer_small']:.3f} on the flower, and with "
        f"two still {measured['cost_two_layers_planar_small']:.3f}, but on the circles two layers are too many "
        f"already ({measured['cost_two_layers_circles_small']:.3f}; Xavier "
        f"{measured['cost_two_layers_circles_xavier']:.3f}). With three layers it stays at "
        f"{measured['cost_three_layers_small']:.3f} on the flower too, the cost of guessing, where Xavier reaches "
        f"{measured['cost_three_layers_xavier']:.3f}; with ten it is {measured['cost_ten_layers_small']:.3f} against "
        f"{measured['cost_ten_layers_xavier']:.3f}. Each layer of 0.01 shrinks what passes: after 50 layers "
        f"{measured['signal_kept_50_layers_small']:.1g} of the signal is left, under Xavier "
        f"{measured['signal_kept_50_layers_xavier']:.2g}."
    )
    return Evidence(cases, measured, explanation, _depth_figure())


def _with_layers(hidden: tuple[int, ...], name: str = "planar", rate: float = 1.2) -> tuple[Course, Course]:
    """Return short descents from 0.01 and from Xavier's start."""
    small, fitting = (
        trained(name, start, hidden=hidden, seeds=2, iterations=600, rate=rate) for start in STARTS[:2]
    )  # fmt: skip
    return small, fitting


def xavier() -> Evidence:
    """R73."""
    ratios = {activation: kept(activation, "xavier") for activation in ("tanh", "sigmoid")}
    shape = (10, 1000)
    measured = {
        "layers": LAYERS,
        "inputs": shape[1],
        "outputs": shape[0],
        **{f"signal_kept_{name}": pair[0] for name, pair in ratios.items()},
        **{f"gradient_kept_{name}": pair[1] for name, pair in ratios.items()},
        "std_fan_in_10_by_1000": _sample_std("xavier", shape),
        "std_glorot_10_by_1000": _sample_std("glorot_normal", shape),
    }
    cases = tuple(Case(f"hidden units are {name}", _stable(*pair)) for name, pair in ratios.items())
    explanation = (
        f"Through 50 tanh layers Xavier keeps {measured['signal_kept_tanh']:.2g} of the signal and "
        f"{measured['gradient_kept_tanh']:.2g} of the gradient. Sigmoid's slope is at most a quarter, so only "
        f"{measured['gradient_kept_sigmoid']:.1g} of the gradient arrives. The lesson's form "
        "looks at the inputs of a layer alone; what Glorot and Bengio published uses inputs and outputs, and for a "
        f"layer from 1000 to 10 units a sample's standard deviation is {measured['std_glorot_10_by_1000']:.3g} instead "
        f"of {measured['std_fan_in_10_by_1000']:.3g}."
    )
    return Evidence(cases, measured, explanation, _pair_figure("tanh", "sigmoid", start="xavier"))


def he() -> Evidence:
    """R74."""
    with_he, with_xavier = kept("relu", "he"), kept("relu", "xavier")
    measured = {
        "layers": LAYERS,
        "signal_kept_he": with_he[0],
        "gradient_kept_he": with_he[1],
        "signal_kept_xavier": with_xavier[0],
        "gradient_kept_xavier": with_xavier[1],
        "loss_per_layer_xavier": with_xavier[0] ** (1 / (LAYERS - 1)),
        "half_root": 0.5**0.5,
    }
    good = _stable(*with_he) and not _stable(*with_xavier)
    explanation = (
        f"Through 50 ReLU layers He keeps {with_he[0]:.2g} of the signal and {with_he[1]:.2g} of the gradient; Xavier "
        f"keeps {with_xavier[0]:.1g} and {with_xavier[1]:.1g}. ReLU passes half of the mean square, so each layer of "
        f"Xavier multiplies by about {measured['loss_per_layer_xavier']:.2f} (the root of a half is "
        f"{measured['half_root']:.2f}); He's doubled variance makes up for it."
    )
    cases = (Case("hidden units are ReLU", good),)
    charts = [_chart("relu", which, ("xavier", "he")) for which in (0, 1)]
    figure = still(
        "Xavier against He in ReLU networks", "He's lines are level, Xavier's fall by a half root a layer.", *charts
    )
    return Evidence(cases, measured, explanation, figure)


def stable() -> Evidence:
    """R75."""
    tried = {
        "tanh_xavier": ("tanh", "xavier"),
        "relu_he": ("relu", "he"),
        "sigmoid_xavier": ("sigmoid", "xavier"),
        "relu_xavier": ("relu", "xavier"),
    }
    measured = {f"gradient_kept_{name}": kept(*pair)[1] for name, pair in tried.items()}
    measured |= {"layers": LAYERS, "scale_small": SMALL}
    measured["gradient_kept_tanh_small"] = kept("tanh", STARTS[0])[1]
    measured["weight_gradient_ratio_tanh_small"] = _weight_gradient_ratio("tanh", STARTS[0])
    conditions = (
        "Xavier meets tanh", "He meets ReLU", "Xavier meets sigmoid units", "Xavier meets ReLU"
    )  # fmt: skip
    cases = tuple(
        Case(when, _stable(measured[f"gradient_kept_{name}"])) for when, name in zip(conditions, tried, strict=True)
    )
    explanation = (
        f"On the way back through 50 layers dZ keeps {measured['gradient_kept_tanh_xavier']:.2g} of its size for tanh "
        f"with Xavier and {measured['gradient_kept_relu_he']:.2g} for ReLU with He. It vanishes where constant and "
        f"unit do not fit: {measured['gradient_kept_relu_xavier']:.1g} for ReLU with Xavier, "
        f"{measured['gradient_kept_sigmoid_xavier']:.1g} for sigmoid, {measured['gradient_kept_tanh_small']:.1g} for "
        "tanh with 0.01. Comparing dW of the first and last layer would hide it: that ratio is "
        f"{measured['weight_gradient_ratio_tanh_small']:.2g} for 0.01, for dW is dZ times the activation below, and "
        "one shrinks as the other grows."
    )
    return Evidence(cases, measured, explanation, _depth_figure())


def _weight_gradient_ratio(activation: str, start: str) -> float:
    on = data("digits")
    network = Network.initialize((on.n_x, *[WIDTH] * LAYERS, on.n_y), start, seed=0, activation=activation)
    gradient = backward(network, forward(network, on.X[:, :EXAMPLES]), on.Y[:, :EXAMPLES])
    return float(np.linalg.norm(gradient.weights[0]) / np.linalg.norm(gradient.weights[-1]))


def _sample_std(start: str, shape: tuple[int, int]) -> float:
    return float(initializers.get(start)(shape, seed=0, name="W1", dtype=np.float64).std())


def layer_size() -> Evidence:
    """R76."""
    inputs = (1, 3, 10, 100, 1000, 10_000, 20_000)
    stds = {start: [_sample_std(start, (max(40_000 // n, 20), n)) for n in inputs] for start in STARTS[1:3]}
    pre = {start: _pre_activation(start) for start in STARTS[:3]}
    at = {n: i for i, n in enumerate(inputs)}
    measured = {
        "scale_small": SMALL,
        "inputs_few": FEW,
        "inputs_many": MANY,
        "inputs_xavier": 10_000,
        "inputs_he": 20_000,
        "xavier_law_at_3": float(1 / np.sqrt(3)),
        "xavier_std_at_3": stds["xavier"][at[3]],
        "xavier_std_at_10000": stds["xavier"][at[10_000]],
        "he_std_at_20000": stds["he"][at[20_000]],
        "xavier_over_small_at_3": float(1 / np.sqrt(3) / 0.01),
        "growth_of_z_small": pre[STARTS[0]],
        "growth_of_z_xavier": pre["xavier"],
        "growth_of_z_he": pre["he"],
    }
    # Five standard errors of a standard deviation estimated from n numbers, s / sqrt(2 n); n is at least 39 999.
    tolerance = 5 / np.sqrt(2 * 39_999)
    follows = {
        start: all(abs(s * np.sqrt(n / gain) - 1) < tolerance for s, n in zip(stds[start], inputs, strict=True))
        for start, gain in (("xavier", 1), ("he", 2))
    }
    cases = (Case("the start is Xavier's", follows["xavier"]), Case("the start is He's", follows["he"]))
    explanation = (
        "Both constants shrink with the root of the number of inputs. 0.01 is what Xavier takes for "
        f"{measured['inputs_xavier']} inputs (measured {measured['xavier_std_at_10000']:.3g}) and He for "
        f"{measured['inputs_he']} ({measured['he_std_at_20000']:.3g}). For the lesson's example with three inputs "
        f"Xavier takes {measured['xavier_law_at_3']:.3g} (measured {measured['xavier_std_at_3']:.3g}), "
        f"{measured['xavier_over_small_at_3']:.0f} times as much. "
        f"From {FEW} to {MANY} inputs the pre-activations grow by {measured['growth_of_z_small']:.1f} under 0.01 "
        f"and by {measured['growth_of_z_xavier']:.2f} under Xavier."
    )
    return Evidence(cases, measured, explanation, _size_figure(inputs, stds))


def _size_figure(inputs: tuple[int, ...], stds: dict[str, list[float]]) -> Figure:
    x = np.array(inputs, float)
    lines = [Series(start, x, np.array(stds[start])) for start in stds]
    chart = Chart(
        "Standard deviation of the weights", "inputs of the layer", "standard deviation",
        (Series("0.01", x, np.full(len(x), 0.01)), *lines), "log", "log",
        markers=(("x", 10_000.0, "Xavier = 0.01"), ("x", 20_000.0, "He = 0.01")),
    )  # fmt: skip
    return still("The scale depends on the size of the layer", "Xavier and He fall with the root of the inputs.", chart)


def _pre_activation(start: str) -> float:
    """Return how much larger z is with 1000 inputs of size 1 than with 10."""
    sizes = []
    for n in (FEW, MANY):
        w = initializers.get(start)((2000, n), seed=1, name="W1", dtype=np.float64)
        sizes.append((w @ np.random.RandomState(0).randn(n, 50)).std())
    return float(sizes[1] / sizes[0])


def _chart(activation: str, which: int, starts: tuple[str, ...] = STARTS) -> Chart:
    layers = np.arange(1.0, LAYERS + 1)
    title = ("Activations", "dZ")[which]
    series = tuple(Series(start, layers, spreads(activation, start)[which]) for start in starts)
    return Chart(f"{title}, {activation}", "layer", "standard deviation", series, y_scale="log")


@functools.cache
def _depth_figure() -> Figure:
    frames = [Frame(name, (_chart(name, 0), _chart(name, 1))) for name in ("tanh", "relu", "sigmoid")]
    return Figure(
        "What passes 50 layers", "Standard deviations of activations and of dZ by layer, for each start.",
        tuple(frames), control="hidden units",
    )  # fmt: skip


def _pair_figure(*activations: str, start: str) -> Figure:
    layers = np.arange(1.0, LAYERS + 1)
    charts = [
        Chart(title, "layer", "standard deviation",
              tuple(Series(name, layers, spreads(name, start)[which]) for name in activations), y_scale="log")
        for which, title in enumerate(("Activations", "dZ"))
    ]  # fmt: skip
    return still(f"{start} in deep networks", "tanh stays level; the gradient of sigmoid units vanishes.", *charts)


CLAIMS: tuple[Claim, ...] = (
    Claim("R71", "depth", "With a single hidden layer, weights of 0.01 serve well.", shallow),
    Claim("R72", "depth", "Networks of many layers need another constant than 0.01.", deep),
    Claim("R73", "depth", "Xavier's constant, 1 over the root of the inputs, suits tanh and sigmoid units.", xavier),
    Claim("R74", "depth", "He's constant, the root of 2 over the inputs, suits ReLU units.", he),
    Claim("R75", "depth", "These constants keep gradients at one size through the layers.", stable),
    Claim("R76", "depth", "The right scale of the weights depends on the size of the layer.", layer_size),
)
