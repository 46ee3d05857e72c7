"""The lesson's takeaways. Most repeat a claim, and run its experiment."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from symbreak import initializers
from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.comparison_table import PLAIN_RATE, TINY, from_zeros, positive_flower
from symbreak.lesson.figures import Chart, Series, still
from symbreak.lesson.measuring import Array, Course, data, train, trained
from symbreak.network import Network, cost, forward

# A unit contributes if the cost rises by more than this share of the cost of guessing when it is taken out.
CONTRIBUTES = 0.01
SAMPLE = 100_000
# Kolmogorov's law: the largest distance of the two distribution functions exceeds this over sqrt(n) once in a million.
KOLMOGOROV = math.sqrt(-0.5 * math.log(1e-6 / 2))
# What several units must gain over one before their variety counts: a tenth of the cost of guessing.
GAIN = 0.1


def contributions(course: Course) -> Array:
    """Return by how much the cost rises, over that of guessing, without each unit: (networks, units)."""
    x, y = course.data.X, course.data.Y
    rises = [
        [_without(course.last.network[i], unit, x, y) for unit in range(_width(course))] for i in range(_count(course))
    ]
    return np.asarray((np.array(rises) - course.costs[-1][:, None]) / course.base_rate)


def _without(network: Network, unit: int, x: Array, y: Array) -> float:
    """Return the cost when the unit's answers are replaced by their mean, so that only its variation is missing."""
    activations = forward(network, x).activations[1]
    w2, b2 = network.weights[1].copy(), network.biases[1].copy()
    b2 += w2[:, [unit]] * activations[unit].mean()
    w2[:, unit] = 0
    smaller = replace(network, weights=(network.weights[0], w2), biases=(network.biases[0], b2))
    return float(cost(smaller, forward(smaller, x), y))


def _width(course: Course) -> int:
    return course.last.network.sizes[1]


def _count(course: Course) -> int:
    return len(course.last.network.weights[0])


def every_unit() -> Evidence:
    """K7."""
    flower = trained()
    plateau = trained("circles", TINY, rate=PLAIN_RATE)
    nets = [Network.initialize((2, 20, 1), "he", seed=seed, activation="relu") for seed in range(5)]
    relu = train(nets, positive_flower(), iterations=500, rate=PLAIN_RATE)
    least = {name: float(contributions(c).min()) for name, c in (("flower", flower), ("plateau", plateau))}
    dead = measures.dead_share(relu.first.network, relu.first.forward)[:, 0]
    measured = {
        "least_contribution_flower": least["flower"],
        "largest_contribution_plateau": float(contributions(plateau).max()),
        "dead_share_relu_positive": float(np.median(dead)),
        "least_contribution_relu": float(np.abs(contributions(relu)).min()),
    }
    cases = (
        Case("four tanh units have learned the flower", least["flower"] > CONTRIBUTES),
        Case(
            "the start was tiny and the cost still is that of guessing",
            measured["largest_contribution_plateau"] > CONTRIBUTES,
        ),
        Case("the units are ReLU and all inputs positive", bool(measured["dead_share_relu_positive"] == 0)),
    )
    explanation = (
        "One unit was taken out after training, its answers replaced by their mean. On the flower the cost then "
        f"rises by at least {measured['least_contribution_flower']:.0%} of the cost of guessing, whichever of the "
        f"four it is: all contribute. On a plateau none does ({measured['largest_contribution_plateau']:.1g} at "
        f"most). And of ReLU units on positive inputs {measured['dead_share_relu_positive']:.0%} were dead from the "
        "start: they answer 0 to all examples, and taking one out changes the cost by exactly "
        f"{measured['least_contribution_relu']:g}."
    )
    return Evidence(cases, measured, explanation)


def distance_to_normal(sample: Array) -> float:
    """Return Kolmogorov's statistic sqrt(n) sup |F_n - Phi|, which a sample of N(0, 1) keeps below `KOLMOGOROV`."""
    ordered, n = np.sort(sample.ravel()), sample.size
    phi = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in ordered])
    steps = np.arange(n + 1) / n
    return math.sqrt(n) * float(max((steps[1:] - phi).max(), (phi - steps[:-1]).max()))


def gaussian() -> Evidence:
    """R94."""
    rng = np.random.RandomState(0)
    samples = {
        "randn": rng.randn(SAMPLE),
        "house": initializers.normal(1.0)((SAMPLE // 100, 100), seed=0, name="W1", dtype=np.float64),
    }
    others = {"uniform": rng.uniform(-math.sqrt(3), math.sqrt(3), SAMPLE), "scaled": rng.randn(SAMPLE) * 1.05}
    statistics = {name: distance_to_normal(sample) for name, sample in (samples | others).items()}
    measured = {f"distance_{name}": value for name, value in statistics.items()} | {
        "limit": KOLMOGOROV,
        "sample": SAMPLE,
    }
    measured |= {f"mean_{name}": float(s.mean()) for name, s in samples.items()}
    measured |= {f"std_{name}": float(s.std()) for name, s in samples.items()}
    sharp = all(statistics[name] > KOLMOGOROV for name in others)
    cases = (
        Case("NumPy's randn draws", sharp and _standard_normal(samples["randn"])),
        Case("the house's normal(1) draws", sharp and _standard_normal(samples["house"])),
    )
    explanation = (
        f"Of {SAMPLE} numbers of randn the mean is {measured['mean_randn']:.4f} and the standard deviation "
        f"{measured['std_randn']:.4f}. Their distribution function lies {statistics['randn']:.2f} from the normal "
        f"one, times the root of their number; {KOLMOGOROV:.2f} would be a false alarm in a million. The house's own "
        f"normal numbers are at {statistics['house']:.2f}. The same test sees a uniform distribution "
        f"({statistics['uniform']:.1f}) and a scale that is off by a twentieth ({statistics['scaled']:.1f})."
    )
    grid = np.linspace(-4, 4, 81)
    middle = (grid[1:] + grid[:-1]) / 2
    counts = [Series(name, middle, np.histogram(s, grid, density=True)[0], "steps") for name, s in samples.items()]
    bell = Series("N(0, 1)", middle, np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi))
    chart = Chart("Density of the draws", "value", "density", (*counts, bell))
    return Evidence(cases, measured, explanation, still("randn and N(0, 1)", "Both histograms follow the bell.", chart))


def _standard_normal(sample: Array) -> bool:
    """Mean, standard deviation (within five standard errors) and distribution are those of N(0, 1)."""
    n = sample.size
    moments = abs(sample.mean()) < 5 / math.sqrt(n) and abs(sample.std() - 1) < 5 / math.sqrt(2 * n)
    return bool(moments and distance_to_normal(sample) < KOLMOGOROV)


def variety() -> Evidence:
    """R95."""
    gains: dict[str, float] = {}
    measured: dict[str, Number] = {}
    for name in ("planar", "xor", "iris"):
        on = _linear_iris() if name == "iris" else data(name)
        one, four = (_random(on, units) for units in (1, 4))
        gains[name] = (one.final_cost - four.final_cost) / one.base_rate
        measured |= {f"cost_{name}_1_unit": one.final_cost, f"cost_{name}_4_units": four.final_cost}
        measured[f"gain_{name}"] = gains[name]
    tied = trained(init="constant(0.5)", seeds=1, arithmetic="unitwise", iterations=1000)
    measured |= {"cost_planar_4_equal_units": tied.final_cost, "cost_planar_zeros": from_zeros().final_cost}
    cases = (
        Case("no line tells the classes apart, as on the flower", gains["planar"] > GAIN),
        Case("no line tells them apart, as around the corners of a square", gains["xor"] > GAIN),
        Case("a line tells the classes apart, as it does setosa from the other irises", gains["iris"] > GAIN),
    )
    explanation = (
        f"On the flower one unit ends at a cost of {measured['cost_planar_1_unit']:.3f}, four different ones at "
        f"{measured['cost_planar_4_units']:.3f}, and four equal ones at {measured['cost_planar_4_equal_units']:.3f}, "
        "no better than one. So what several units are for is to differ. Where a line tells the classes apart one "
        f"unit is enough: {measured['cost_iris_1_unit']:.4f} with one, {measured['cost_iris_4_units']:.4f} with four."
    )
    return Evidence(cases, measured, explanation)


@functools.cache
def _linear_iris() -> Dataset:
    """Return the irises with setosa against the two others, which a line tells apart."""
    whole = data("iris")
    return replace(whole, name="setosa", Y=whole.Y[:1], classes=("other", "setosa"), task="binary")


def _random(on: Dataset, units: int) -> Course:
    networks = [Network.initialize((on.n_x, units, 1), "normal(0.5)", seed=seed) for seed in range(3)]
    return train(networks, on, iterations=1000, rate=1.2)


def _repeats(id: str) -> Callable[[], Evidence]:
    """Return an experiment that is the claim's of this id, looked up when it runs: the catalogue holds us as well."""

    def experiment() -> Evidence:
        from symbreak.lesson.catalogue import CLAIMS as ALL

        return ALL[id].experiment()

    return experiment


def _takeaway(id: str, see: str, claim: str) -> Claim:
    return Claim(id, "takeaways", claim, _repeats(see), see=see)


CLAIMS: tuple[Claim, ...] = (
    Claim("R94", "takeaways", "np.random.randn draws from the normal distribution of mean 0 and variance 1.", gaussian),
    Claim("R95", "takeaways", "Several hidden units are there so that different features are learned.", variety),
    _takeaway("K1", "R28", "Starting from zeros fails, for all hidden units stay one."),
    _takeaway("K2", "R4", "Only a random start lets the units learn different features."),
    _takeaway("K3", "R40", "Biases may start at zero; randomness is for the weights."),
    _takeaway("K4", "R43", "The random weights should be small, as with the factor 0.01."),
    _takeaway("K5", "R53", "Large weights make large pre-activations, small gradients and slow learning."),
    _takeaway("K6", "R25", "By induction, units that start from zeros stay alike for ever."),
    Claim("K7", "takeaways", "With a random start every hidden unit contributes.", every_unit),
    _takeaway("K8", "R72", "A deep network may need another constant than a shallow one."),
    _takeaway("K9", "R75", "Xavier's and He's constants serve deep networks better."),
    _takeaway("K10", "R84", "The shapes of the parameters should always be checked."),
    _takeaway("K11", "R3", "Logistic regression may start from zeros, having no hidden units."),
    _takeaway("K12", "R60", "ReLU units suffer less from the scale, yet small weights remain the advice."),
    _takeaway("K13", "R56", "With a sigmoid output its weights above all must be small."),
    _takeaway("K14", "R94", "randn gives numbers that follow N(0, 1)."),
    _takeaway("K15", "R95", "Variety of features is the purpose of having several hidden units."),
)
