"""The lesson's before-and-after blocks, made again from real runs."""

from __future__ import annotations

import numpy as np

from symbreak.diagnosis.symmetry import merge
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.comparison_table import DIVERSE, participation_ratio
from symbreak.lesson.figures import Figure, Frame, Matrix, Surface, still
from symbreak.lesson.measuring import Array, Course, data, train, trained
from symbreak.network import Network, forward
from symbreak.numerics import activations

# Lines whose normals lie closer than this look at the data from the same side: they detect the same.
SAME_ANGLE = 10.0
ITERATIONS = 1000
# The smallest weight that the lesson prints after training: what is below has not grown as it says.
GROWN = 0.2
UNITS = ("unit 1", "unit 2")
BEFORE = ((0.01, -0.02), (0.03, 0.01))


def from_zeros(activation: str, name: str = "planar") -> Course:
    """Return two hidden units trained from zeros in arithmetic that treats them alike."""
    return trained(
        name, "zeros", hidden=(2,), activation=activation, seeds=1, iterations=ITERATIONS, arithmetic="unitwise"
    )


def from_the_block(name: str = "planar", rate: float = 1.2) -> Course:
    """Return two tanh units trained from the incoming weights that the lesson prints; it leaves W2 open."""
    start = Network.from_arrays([np.array(BEFORE), np.array([[0.01, -0.01]])], activation="tanh")
    return train([start], data(name), iterations=ITERATIONS, rate=rate)


def zero_block() -> Evidence:
    """R77."""
    runs = {
        "tanh units start from zeros": from_zeros("tanh"),
        "ReLU units start from zeros": from_zeros("relu"),
        "sigmoid units start from zeros and both classes are equally frequent": from_zeros("sigmoid"),
        "sigmoid units start from zeros and one class is rarer": from_zeros("sigmoid", "planar, unbalanced"),
    }
    weights = [course.last.network.weights[0][0] for course in runs.values()]
    names = ("tanh", "relu", "sigmoid_balanced", "sigmoid_unbalanced")
    measured = {f"largest_weight_{name}": float(np.abs(w).max()) for name, w in zip(names, weights, strict=True)}
    measured |= {f"row_difference_{name}": _difference(w) for name, w in zip(names, weights, strict=True)}
    rare = weights[-1][0]
    measured |= {"iterations": ITERATIONS, "rate": 1.2, "sigmoid_at_zero": float(activations.get("sigmoid")(0.0))}
    measured |= {"weight_1_sigmoid_unbalanced": float(rare[0]), "weight_2_sigmoid_unbalanced": float(rare[1])}
    cases = tuple(
        Case(when, bool(_difference(w) == 0 and np.abs(w).max() > GROWN)) for when, w in zip(runs, weights, strict=True)
    )
    explanation = (
        f"The units do stay equal. But after {ITERATIONS} iterations on the flower at rate 1.2 the weights of tanh "
        f"and ReLU units are exactly {measured['largest_weight_tanh']:g}, not grown together, for their gradient is "
        "zero. Sigmoid units answer 0.5 at 0; when one class is rarer, both go to the same weights, "
        f"[{measured['weight_1_sigmoid_unbalanced']:.2f}, {measured['weight_2_sigmoid_unbalanced']:.2f}]. With "
        f"classes of equal size nothing larger than {measured['largest_weight_sigmoid_balanced']:.1g} comes of them."
    )
    return Evidence(cases, measured, explanation, _block("Zero start", runs, "hidden units"))


def random_block() -> Evidence:
    """R78."""
    runs = {
        "the data is the flower, at a rate of 1.2": from_the_block(),
        "the data is the circles, at a rate of 0.1": from_the_block("circles", rate=0.1),
    }
    before, flower, circles = np.array(BEFORE), *(course.last.network.weights[0][0] for course in runs.values())
    measured = {
        "iterations": ITERATIONS,
        "rate_circles": 0.1,
        "difference_before": _difference(before),
        **{f"flower_w{i}{j}": float(flower[i - 1, j - 1]) for i in (1, 2) for j in (1, 2)},
        "difference_after_flower": _difference(flower),
        "largest_after_circles": float(np.abs(circles).max()),
    }
    cases = tuple(
        Case(when, bool(_difference(w) > GROWN and np.abs(w).max(axis=1).min() > GROWN))
        for when, w in zip(runs, (flower, circles), strict=True)
    )
    explanation = (
        f"From the printed weights, {ITERATIONS} iterations on the flower lead to [{measured['flower_w11']:.2f}, "
        f"{measured['flower_w12']:.2f}] and [{measured['flower_w21']:.2f}, {measured['flower_w22']:.2f}]: different, "
        "and grown, but not to the printed numbers, which belong to no stated run. On the circles at a rate of 0.1 "
        f"the largest weight is then {measured['largest_after_circles']:.2f}: nothing has been detected yet."
    )
    return Evidence(cases, measured, explanation, _block("Random start", runs, "data"))


def detects() -> Evidence:
    """R79."""
    flower = trained(hidden=(2,), iterations=ITERATIONS)
    easy = trained("moons", "normal(0.0001)", hidden=(2,), iterations=30)
    angles = {"flower": _angles(flower), "moons": _angles(easy)}
    measured = {
        "smallest_angle_flower": float(angles["flower"].min()),
        "largest_angle_moons": float(angles["moons"].max()),
        "accuracy_moons": easy.accuracy,
        "same_angle": SAME_ANGLE,
        "scale_moons": 0.0001,
    }
    cases = (
        Case("no line tells the classes apart, as on the flower", bool((angles["flower"] > SAME_ANGLE).all())),
        Case(
            "a line tells most of the classes apart and the start is tiny, as on the moons from 0.0001",
            bool((angles["moons"] > SAME_ANGLE).any()),
        ),
    )
    explanation = (
        "What a unit detects is the side of its line on which an example lies. On the flower the two "
        f"lines of a network with two hidden units end at least {measured['smallest_angle_flower']:.0f} degrees "
        "apart, under every seed: two features. On the moons, from weights of 0.0001, both units turn to the same "
        f"line (at most {measured['largest_angle_moons']:.1f} degrees apart), and the network is right on "
        f"{measured['accuracy_moons']:.0%} with what is one feature."
    )
    return Evidence(cases, measured, explanation, _lines(flower, easy))


def result() -> Evidence:
    """R80."""
    zero, random = from_zeros("sigmoid", "planar, unbalanced"), trained(hidden=(2,), iterations=ITERATIONS)
    whole, small = zero.last.network[0], merge(zero.last.network[0]).network
    x = zero.data.X
    gap = float(np.abs(forward(whole, x).answer - forward(small, x).answer).max())
    kept = [merge(random.last.network[seed]).network.sizes[1] for seed in range(5)]
    ratios = [participation_ratio(random.last.forward.activations[1][seed]) for seed in range(5)]
    measured = {
        "units": whole.sizes[1],
        "units_needed_zeros": small.sizes[1],
        "answer_difference": gap,
        "parameters": _size(whole),
        "parameters_needed": _size(small),
        "parameters_wasted": _size(whole) - _size(small),
        "units_needed_random": min(kept),
        "features_random": float(min(ratios)),
    }
    # A few roundings for each term of two sums, in answers below 1.
    wasted = small.sizes[1] == 1 and gap <= 16 * np.finfo(float).eps
    diverse = min(kept) == 2 and min(ratios) > DIVERSE
    cases = (Case("the start is zero", bool(wasted)), Case("the start is random", bool(diverse)))
    explanation = (
        f"After training from zeros, {measured['units_needed_zeros']} unit answers as the {measured['units']} did "
        f"(largest difference {gap:.1g}): {measured['parameters_wasted']} of "
        f"{measured['parameters']} parameters were wasted. From random weights all {measured['units_needed_random']} "
        f"units are needed, and they hold {measured['features_random']:.2f} independent features or more."
    )
    return Evidence(cases, measured, explanation)


def _difference(weights: Array) -> float:
    return float(np.abs(weights[0] - weights[1]).max())


def _size(network: Network) -> int:
    return sum(array.size for array in network.parameters)


def _angles(course: Course) -> Array:
    """Return the angle between the two units' lines of every network, in degrees from 0 to 90."""
    rows = course.last.network.weights[0]
    cosines = np.abs((rows[:, 0] * rows[:, 1]).sum(axis=1)) / np.linalg.norm(rows, axis=2).prod(axis=1)
    return np.asarray(np.degrees(np.arccos(np.minimum(cosines, 1.0))))


def _block(title: str, runs: dict[str, Course], control: str) -> Figure:
    frames = []
    for when, course in runs.items():
        pair = (("before", course.first), (f"after {ITERATIONS} iterations", course.last))
        frames.append(
            Frame(
                when,
                tuple(
                    Matrix(f"W1 {name}", step.network.weights[0][0], UNITS, course.data.features) for name, step in pair
                ),
            )
        )
    return Figure(
        f"{title}: before and after", "The incoming weights of two units, as numbers.", tuple(frames), control
    )


def _lines(*courses: Course) -> Figure:
    return still("What each unit detects", "The lines w.x + b = 0 of two units over the data.", *map(_surface, courses))


def _surface(course: Course) -> Surface:
    network, points = course.last.network[0], course.data.X
    low, high = points.min(axis=1) - 0.5, points.max(axis=1) + 0.5
    grid = np.meshgrid(np.linspace(low[0], high[0], 60), np.linspace(low[1], high[1], 60))
    answers = forward(network, np.stack([axis.ravel() for axis in grid])).answer.reshape(60, 60)
    lines = tuple(
        (float(w[0]), float(w[1]), float(b[0])) for w, b in zip(network.weights[0], network.biases[0], strict=True)
    )
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    return Surface(course.data.name, answers, extent, points, course.data.labels(), lines)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R77", "blocks", "From zeros both units move away from zero during training, to the same weights.", zero_block
    ),
    Claim("R78", "blocks", "From small random weights two units grow into clearly different ones.", random_block),
    Claim("R79", "blocks", "After training each unit detects a feature of its own.", detects),
    Claim("R80", "blocks", "Zeros end in wasted capacity, random weights in features that differ.", result),
)
