"""The proof by induction, step by step, on running networks (R20 to R25)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from symbreak.diagnosis.symmetry import symmetry
from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Figure, Frame, Steps
from symbreak.lesson.figures import Step as Line
from symbreak.lesson.measuring import data
from symbreak.lesson.one_ulp import ONE_ULP, dial, separations
from symbreak.lesson.tied import SAME, Spreads, lesson_net
from symbreak.lesson.zero_gradients import WIDTHS, row_spreads
from symbreak.network import Network

UPDATES = 100


def _tied() -> dict[str, Network]:
    """Return starts that are equal in all that the induction asks for, and that move."""
    return {
        "tanh units start from one number everywhere": lesson_net(SAME),
        "ReLU units do": lesson_net(SAME, activation="relu"),
        "sigmoid units start from zeros": lesson_net(activation="sigmoid"),
    }


def base_case() -> Evidence:
    """R20."""
    few = data("planar, unbalanced")
    half, unequal = [[0.5, 0.5]], [[0.5, -0.25]]
    starts = {
        "equal": _from_zero_rows(half),
        "outgoing": _from_zero_rows(unequal),
        "biases": _from_zero_rows(half, biases=[0.5, -0.5]),
        "relu": _from_zero_rows(unequal, activation="relu"),
    }
    found: dict[str, Number] = {"updates": UPDATES}
    for name, network in starts.items():
        found[f"difference_{name}"] = tied.spread(tied.after(network, few, UPDATES).forward.activations[1])
        found[f"classes_{name}"] = len(symmetry(network).layers[0].classes)
    return Evidence(
        (
            Case("b1 and the columns of W2 are equal too", found["difference_equal"] == 0),
            Case("the columns of W2 differ, with ReLU, whose slope at 0 is taken as 0", found["difference_relu"] == 0),
            Case("the columns of W2 differ, with tanh", found["difference_outgoing"] == 0),
            Case("the entries of b1 differ", found["difference_biases"] == 0),
        ),
        found,
        "The induction needs more to start with than equal rows of W1. If biases and outgoing weights are equal as "
        f"well, the units' answers differ by {found['difference_equal']:g} after {found['updates']} updates, and the "
        f"theorem finds {found['classes_equal']} class. With W1 at zero and unequal outgoing weights tanh units end "
        f"{found['difference_outgoing']:.2g} apart, with unequal biases {found['difference_biases']:.2g}. The "
        "lesson's own start has zeros everywhere, so there the base case does hold.",
    )


def _from_zero_rows(outgoing: ArrayLike, *, biases: ArrayLike = (0.0, 0.0), activation: str = "tanh") -> Network:
    return Network.from_arrays([[[0.0, 0.0]] * 2, outgoing], [biases, [0.0]], activation=activation)


def lemma_same_function() -> Evidence:
    """R21."""
    starts = {**_tied(), "the outgoing weights differ, before the first update": tied.equal_rows((0.5, -0.25))}
    seen = {when: _steps_where(starts[when], "incoming") for when in starts}
    found: dict[str, Number] = {"updates": UPDATES, "steps_looked_at": sum(map(len, seen.values()))}
    found["largest_difference"] = max((max(s.z, s.activation) for steps in seen.values() for s in steps), default=1.0)
    return Evidence(
        tuple(Case(when, bool(steps) and all(s.z == s.activation == 0 for s in steps)) for when, steps in seen.items()),
        found,
        f"Four starts were trained for {found['updates']} updates. Rows of W1 and entries of b1 were equal at "
        f"{found['steps_looked_at']} steps, and at each of them the units' answers differed by "
        f"{found['largest_difference']:g} on every example. This lemma asks nothing of the outgoing weights.",
    )


def lemma_same_gradients() -> Evidence:
    """R22."""
    squared = Network.initialize((2, 2, 1), SAME, seed=0, loss="squared-error")
    starts = {**_tied(), "the loss is the squared error": squared}
    seen = {when: _steps_where(starts[when], "incoming", "outgoing") for when in starts}
    found: dict[str, Number] = {
        "steps_looked_at": sum(map(len, seen.values())),
        "updates": UPDATES,
        "starts": len(starts),
    }
    found["largest_difference"] = max((_gradients_apart(s) for steps in seen.values() for s in steps), default=1.0)
    return Evidence(
        tuple(Case(when, bool(steps) and all(_gradients_apart(s) == 0 for s in steps)) for when, steps in seen.items()),
        found,
        "If incoming weights, biases and outgoing weights are equal, so are the rows of dW1, the entries of db1 and "
        f"the columns of dW2. In {found['starts']} runs of {found['updates']} updates that was so at all "
        f"{found['steps_looked_at']} steps at which the weights were equal: the largest difference is "
        f"{found['largest_difference']:g}.",
    )


def _steps_where(network: Network, *equal: str) -> list[Spreads]:
    """Return the steps of a training at which these arrays are equal: where the lemma's hypothesis holds."""
    steps = tied.watched(network, data("planar, unbalanced"), UPDATES)
    return [step for step in steps if all(getattr(step, name) == 0 for name in equal)]


def _gradients_apart(step: Spreads) -> float:
    return max(step.delta, step.incoming_gradient, step.outgoing_gradient)


def lemma_same_update() -> Evidence:
    """R23."""
    few, network = data("planar, unbalanced"), lesson_net(SAME)
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "gd": ("the update is gradient descent", {}),
        "momentum": ("it has momentum", {"optimizer": "momentum"}),
        "adam": ("it is Adam", {"optimizer": "adam", "learning_rate": 0.05}),
        "l2": ("the cost has an L2 penalty", {"optimizer": "gd_l2(0.01)"}),
        "batches": ("the updates use mini-batches", {"batch_size": 64}),
    }
    ends = {key: tied.watched(network, few, UPDATES, **how)[-1].worst for key, (_, how) in ways.items()}
    *_, dropped = tied.with_dropout(network, few, UPDATES)
    found = {"updates": UPDATES, **{f"difference_{key}": value for key, value in ends.items()}}
    found["difference_dropout"] = tied.spread(dropped.weights[0])
    found["largest_without_dropout"] = max(ends.values())
    return Evidence(
        (
            *(Case(when, ends[key] == 0) for key, (when, _) in ways.items()),
            Case("dropout silences units at random", found["difference_dropout"] == 0),
        ),
        found,
        "An update keeps units together if it does the same to every unit. Gradient descent, momentum, Adam, an L2 "
        f"penalty and mini-batches do: after {found['updates']} updates nothing of the two units differs by more "
        f"than {found['largest_without_dropout']:g}. Dropout asks each unit by itself whether it takes part; after "
        f"as many updates the rows of W1 differ by {found['difference_dropout']:.2g}. Randomness in training breaks "
        "the tie, too.",
    )


def induction() -> Evidence:
    """R24."""
    few, starts = data("planar, unbalanced"), _tied()
    runs = {when: tied.watched(network, few, UPDATES) for when, network in starts.items()}
    verified = {when: bool(symmetry(n).certificate.verify(n)) and symmetry(n).proved for when, n in starts.items()}
    violations = {when: next((t for t, s in enumerate(run) if s.worst > 0), None) for when, run in runs.items()}
    found = {
        "updates": UPDATES,
        "runs": len(runs),
        "proofs_verified": sum(verified.values()),
        "steps_with_a_violation": sum(s.worst > 0 for run in runs.values() for s in run),
        "largest_difference": max(s.worst for run in runs.values() for s in run),
    }
    return Evidence(
        tuple(Case(when, violations[when] is None and verified[when]) for when in starts),
        found,
        f"In {found['runs']} runs of {found['updates']} updates all four lemmas were measured at every step: "
        f"{found['steps_with_a_violation']} steps violate one, and the largest difference is "
        f"{found['largest_difference']:g}. A run shows only that it went well so far. The certificate shows that it "
        f"always does: it adds up the weights exactly, and a separate checker confirmed {found['proofs_verified']} "
        f"of {found['runs']}.",
        _lemmas(next(iter(runs.values())), tied.watched(tied.equal_rows((0.5, -0.25)), few, UPDATES)),
    )


MOMENTS = (0, 1, 2, 10, UPDATES)


def _lemmas(holding: list[Spreads], failing: list[Spreads]) -> Figure:
    frames = []
    for t in MOMENTS:
        runs = (("All weights start as one number", holding), ("Unequal outgoing weights", failing))
        frames.append(Frame(str(t), tuple(Steps(title, tuple(_lines(run[t]))) for title, run in runs)))
    return Figure(
        "The induction, measured",
        "The hypothesis and the four lemmas with the measured differences, at several steps of two runs: one in which "
        "all hold at every step, and one whose outgoing weights differ, where the first lemma to fail is the third.",
        tuple(frames),
        "t",
        dial=True,
    )


def _lines(seen: Spreads) -> list[Line]:
    gradients = max(seen.incoming_gradient, seen.outgoing_gradient)
    told = (
        ("Hypothesis: equal rows of W1 and b1, equal columns of W2", max(seen.incoming, seen.outgoing)),
        ("Lemma 1, equal sums: equal rows of Z1", seen.z),
        ("Lemma 2, same function: equal rows of A1", seen.activation),
        ("Lemma 3, same delta: equal rows of dZ1", seen.delta),
        ("Lemma 4, same update: equal rows of dW1 and db1, equal columns of dW2", gradients),
    )
    return [Line(says, value == 0, f"largest difference {value:.3g}") for says, value in told]


def for_ever() -> Evidence:
    """R25."""
    few, network = data("planar, unbalanced"), lesson_net(SAME)
    *_, dropped = tied.with_dropout(network, few, UPDATES)
    blas = max((row_spreads(n, "blas") for n in WIDTHS), key=lambda trace: float(trace[-1]))
    alike, ulp = row_spreads(WIDTHS[-2], "unitwise"), separations()[0]
    found = {
        "updates": len(alike) - 1,
        "difference_alike": float(alike.max()),
        "difference_blas": float(blas[-1]),
        "difference_dropout": tied.spread(dropped.weights[0]),
        "one_ulp": ONE_ULP,
        "parted_means": ulp.tolerance,
    }
    moments = {"ulp_parted_at": ulp.measured, "ulp_predicted_at": ulp.predicted}
    found |= {key: at for key, at in moments.items() if at is not None}
    return Evidence(
        (
            Case("one computes with exact numbers", bool(symmetry(network).certificate.verify(network))),
            Case("every unit is computed by the same operations in the same order", found["difference_alike"] == 0),
            Case("a BLAS product rounds some rows otherwise", found["difference_blas"] == 0),
            Case("a single weight is off by its last bit", ulp.measured is None),
            Case("dropout is used", found["difference_dropout"] == 0),
        ),
        found,
        "In exact arithmetic it is a theorem. In floating point it holds as long as every unit is treated alike: "
        f"the difference is {found['difference_alike']:g} after {found['updates']} updates, against "
        f"{found['difference_blas']:.2g} with BLAS. The tie is a pencil on its point: change one weight by its last "
        f"bit, {found['one_ulp']:.2g}, and the units differ by {found['parted_means']:g} "
        f"{_when(found, 'ulp_parted_at')}; the growth of the linearised difference predicts that "
        f"{_when(found, 'ulp_predicted_at')}.",
        dial(),
    )


def _when(found: Mapping[str, Number], key: str) -> str:
    return f"at update {found[key]}" if key in found else "not in this run"


CLAIMS: tuple[Claim, ...] = (
    Claim("R20", "proof", "Base case: it is enough that the incoming weights of the units are equal.", base_case),
    Claim("R21", "proof", "If the units are equal at some step, they compute the same function.", lemma_same_function),
    Claim("R22", "proof", "Then they get the same gradients.", lemma_same_gradients),
    Claim("R23", "proof", "Then the update keeps them equal.", lemma_same_update),
    Claim("R24", "proof", "So units that are equal at one step are equal at the next.", induction),
    Claim("R25", "proof", "However long one trains, the units stay equal.", for_ever),
)
