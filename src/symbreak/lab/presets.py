"""Presets, one for each thing that the lesson pictures, and the guided tour: as data, drawn by the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from symbreak.lab.state import Entrant, State


@dataclass(frozen=True)
class Preset:
    """A state worth seeing.

    Attributes:
        figure: the lesson's claims that it pictures, as `symbreak lesson ID` knows them.
        says: what is seen.
        xray: (network, layer) whose gradient is taken apart.
    """

    id: str
    title: str
    figure: tuple[str, ...]
    says: str
    state: State
    xray: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {"id": self.id, "title": self.title, "figure": list(self.figure), "says": self.says}
        return {**plain, "state": self.state.to_json(), "xray": _xray(self.xray)}


@dataclass(frozen=True)
class Stop:
    """One step of the tour.

    Attributes:
        text: what is told.
        look: where to look.
        do: what the page sends once the state is set.
    """

    title: str
    text: str
    look: str
    state: State
    do: tuple[dict[str, Any], ...] = ()
    xray: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {"title": self.title, "text": self.text, "look": self.look, "state": self.state.to_json()}
        return {**plain, "do": list(self.do), "xray": _xray(self.xray)}


def to_json() -> dict[str, Any]:
    """Return what the page reads.

    >>> len(to_json()["tour"])
    8
    """
    return {"presets": [preset.to_json() for preset in PRESETS], "tour": [stop.to_json() for stop in TOUR]}


def _xray(chosen: tuple[int, int] | None) -> dict[str, int] | None:
    return None if chosen is None else {"network": chosen[0], "layer": chosen[1]}


def starts(*inits: str) -> tuple[Entrant, ...]:
    """Return networks that differ in their start alone."""
    return tuple(Entrant(init) for init in inits)


PAIR = State(layers=(2,))
FOUR = State()
TIED = "constant(0.5)"
MERGED = replace(FOUR, data="moons", rate=0.3, networks=(Entrant(TIED, merged=0),))
ULP = 2.0**-53
"""The last bit of 0.5."""
PENCIL = replace(
    PAIR,
    data="gaussian-quantiles",
    rate=4.0,
    networks=(Entrant(TIED), Entrant(TIED, epsilon=ULP, at=("W1", 1, 0))),
)
"""Parts after some 400 updates, and learns then."""

PRESETS = (
    Preset(
        "zero-or-random",
        "Zero against random",
        ("R2", "R4", "R66"),
        "From zeros the cost stays where guessing leaves it; from random weights it falls.",
        replace(FOUR, networks=starts("zeros", "normal(0.01)", "normal(1)", "he")),
    ),
    Preset(
        "two-units",
        "Figure 1: two hidden units",
        ("R6", "R6b", "R7", "R8", "R17"),
        "Two inputs, two tanh units, one output: the smallest network that shows it.",
        replace(PAIR, networks=starts("zeros", "he")),
    ),
    Preset(
        "one-number",
        "Not zero, but all the same",
        ("R88",),
        "With 0.5 everywhere the weights do move, and the units stay on top of each other.",
        replace(FOUR, networks=starts(TIED, "he")),
    ),
    Preset(
        "dead-centre",
        "Zeros: the gradient that never comes",
        ("R9", "R10", "R16"),
        "The slope of tanh at 0 is 1; what is missing is W2^T, so dW1 is zero.",
        replace(PAIR, networks=starts("zeros")),
        (0, 1),
    ),
    Preset(
        "dead-edges",
        "Large weights: the slope that is lost",
        ("R48", "R53"),
        "With a scale of 100 nearly all sums lie on the flat ends, where the slope is almost 0.",
        replace(FOUR, networks=starts("normal(100)", "normal(1)")),
        (0, 1),
    ),
    Preset(
        "sigmoid-saturation",
        "Figure 2: sigmoid on its flat ends",
        ("R32", "R52"),
        "The same at the sigmoid: small sums lie where it is steep, large ones on its ends.",
        replace(FOUR, activation="sigmoid", networks=starts("normal(100)", "normal(0.01)")),
        (0, 1),
    ),
    Preset(
        "one-draw-scaled",
        "Figure 2: times 0.01, or 100?",
        ("R30", "R43", "R54"),
        "The same random numbers times 0.01, 1, 10 and 100: plateau, quick start, saturation.",
        replace(FOUR, networks=starts("normal(0.01)", "normal(1)", "normal(10)", "normal(100)")),
    ),
    Preset(
        "induction",
        "The proof, step by step",
        ("R20", "R21", "R22", "R23", "R24"),
        "Four lemmas are looked at in every bit at every step: equal sums, answers, deltas, updates.",
        replace(PAIR, networks=starts(TIED)),
    ),
    Preset(
        "outgoing-weights",
        "Equal rows are not enough",
        ("R20",),
        "One outgoing weight was set to another value: sums and answers are still equal, deltas are not.",
        replace(PAIR, networks=(Entrant(TIED), Entrant(TIED, edits=((0, "W2", 0, 1, -0.25),)))),
    ),
    Preset(
        "one-ulp",
        "A pencil on its point",
        ("R25",),
        "One weight is off by its last bit; the difference grows until the units part.",
        PENCIL,
    ),
    Preset(
        "dropout",
        "Dropout breaks the tie",
        ("R23",),
        "Who sits out is drawn for each unit by itself; that alone makes units different.",
        replace(FOUR, networks=(Entrant(TIED), Entrant(TIED, dropout=0.5))),
    ),
    Preset(
        "blas",
        "Rounding breaks the tie",
        ("R25",),
        "BLAS may add up the same numbers in another order for another row: the last bits differ, then all do.",
        replace(State(layers=(3,)), networks=(Entrant(TIED), Entrant(TIED, arithmetic="blas"))),
    ),
    Preset(
        "merged",
        "Four units that are one",
        ("R26", "R27"),
        "The network with a single unit for each class runs beside the large one and answers the same.",
        MERGED,
    ),
    Preset(
        "relu",
        "ReLU: zeros, one number, He",
        ("R59", "R60"),
        "At 0 the slope of ReLU is taken as 0: from zeros not even that factor is left.",
        replace(FOUR, activation="relu", networks=starts("zeros", TIED, "he", "normal(10)")),
        (0, 1),
    ),
    Preset(
        "depth-relu",
        "Three ReLU layers: Xavier or He",
        ("R74", "R75"),
        "The deeper the network, the more the scale of the start decides.",
        State(
            layers=(8, 8, 8), activation="relu", rate=0.1, networks=starts("xavier", "he", "normal(0.01)", "normal(1)")
        ),
    ),
    Preset(
        "depth-sigmoid",
        "Three sigmoid layers",
        ("R47", "R72"),
        "A slope of at most a quarter in every layer: little of the gradient arrives below.",
        State(layers=(8, 8, 8), activation="sigmoid", networks=starts("xavier", "he", "normal(0.01)", "normal(10)")),
        (0, 1),
    ),
    Preset(
        "losses",
        "A saturated output: two losses differ",
        ("R56",),
        "With the squared error of a sigmoid the slope of the output is a factor of dZ2 as well.",
        replace(FOUR, loss="squared-error(sigmoid)", networks=starts("normal(100)", "normal(1)")),
        (0, 2),
    ),
    Preset(
        "biases",
        "Random biases break it, too",
        ("R42",),
        "All weights are equal; one bias is not.",
        replace(PAIR, networks=(Entrant(TIED), Entrant(TIED, edits=((0, "b1", 1, 0, 0.5),)))),
    ),
    Preset(
        "adam",
        "No optimizer helps",
        ("R23",),
        "Momentum and Adam do the same to every unit: tied units stay tied.",
        replace(FOUR, optimizer="adam", rate=0.05, networks=starts("zeros", TIED, "he")),
    ),
)

PLAY = {"do": "play", "speed": 200}

TOUR = (
    Stop(
        "Zero fails",
        "Both networks have the same data, seed and rate. The left one starts with all weights at 0, the right one "
        "with random numbers. Both train now.",
        "The cost curves: one is level, the other falls. The boundary on the left never appears.",
        replace(FOUR, networks=starts("zeros", "normal(0.01)")),
        (PLAY,),
    ),
    Stop(
        "Why: nothing comes down",
        "The gradient of the first layer is a product. From zeros one factor is all zero: the weights above, which "
        "should send the error down. The slope is fine, it is 1.",
        "The X-ray: W2^T is empty, dW1 is empty.",
        replace(PAIR, networks=starts("zeros")),
        (PLAY,),
        (0, 1),
    ),
    Stop(
        "It is not the zero",
        "Put 0.5 in place of 0. Now gradients flow and all weights move. And yet the units do the same, at every step.",
        "The weight vectors lie on top of each other; the meter says one effective unit.",
        replace(FOUR, networks=starts(TIED, "he")),
        (PLAY,),
    ),
    Stop(
        "The proof, while it runs",
        "Equal weights give equal sums, equal sums equal answers, these equal deltas, and these equal updates: so the "
        "weights are equal again. Each of the four is compared to the last bit, at every step.",
        "Four ticks that stay, however long you let it run.",
        replace(PAIR, networks=starts(TIED)),
        (PLAY,),
    ),
    Stop(
        "Four units, or one",
        "If units are one, one will do: the merged network has a single hidden unit, and its learning rates are set so "
        "that it takes the same path.",
        "Two networks, one boundary, one cost curve (the rings are the small one). Change a weight by hand: they part.",
        MERGED,
        (PLAY,),
    ),
    Stop(
        "A pencil on its point",
        "Change one weight by its last bit. For a while nothing is seen. The difference grows by a factor with every "
        "update, and then the units part. The dial predicts when.",
        "The dial: the step that is predicted, and the one that was measured.",
        PENCIL,
        ({"do": "epsilon", "network": 1, "at": ["W1", 1, 0], "value": ULP}, PLAY),
    ),
    Stop(
        "Random, but how large",
        "One draw of random numbers, times 0.01, 1, 10 and 100. Too small: a plateau at first. Too large: the sums lie "
        "on the flat ends, and learning stalls.",
        "The saturation meter, and the X-ray of the largest: now the slope is the factor that is missing.",
        replace(FOUR, networks=starts("normal(0.01)", "normal(1)", "normal(10)", "normal(100)")),
        (PLAY,),
        (3, 1),
    ),
    Stop(
        "The whole map",
        "Every point of the map is one network: its scale from left to right, its learning rate from below upwards. "
        "Click on a point to race it.",
        "The island where networks learn, and the sea around it.",
        replace(FOUR, networks=starts("normal(1)")),
        ({"do": "map", "on": True},),
    ),
)
