"""Findings to show: one figure of every kind, small enough to know by heart, and texts that try to break out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symbreak.lesson.audit import Audit
from symbreak.lesson.claim import Case, Claim, Evidence, Finding, verdict
from symbreak.lesson.figures import (
    Bars,
    Chart,
    Diagram,
    Figure,
    Frame,
    Matrix,
    Series,
    Step,
    Steps,
    Surface,
    Table,
    still,
)

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&$\\frac{1}{2}$`*_[a](b)|\u202e"
STEPS = np.arange(0.0, 200.0)
AXIS = np.linspace(-2, 2, 21)


def chart(x_scale="linear", y_scale="linear", title="Training cost") -> Chart:
    zeros, small = np.full(200, 0.693), 0.693 * np.exp(-STEPS / 50)
    few = np.array([0.0, 50.0, 100.0, 150.0])
    return Chart(
        title,
        "iteration",
        "cost",
        (
            Series("zeros", STEPS, zeros),
            Series("small random", STEPS, small, low=small * 0.8, high=small * 1.2),
            Series("looked at", few, 0.7 * np.exp(-few / 50), style="dots"),
            Series("in steps", few, np.array([0.6, 0.4, 0.2, 0.1]), style="steps"),
        ),
        x_scale=x_scale,
        y_scale=y_scale,
        markers=(("y", 0.6931, "base rate"), ("x", 120.0, "one half")),
    )


def bars(series=("before", "after")) -> Bars:
    return Bars("Gradient", "norm", ("W1", "W2"), np.array([[0.5, 0.25], [1.0, 0.0]])[: len(series) or 1], series)


def surface(scale=1.0, title="Unit 1") -> Surface:
    return Surface(title, scale * np.tanh(np.add.outer(0.5 * AXIS, AXIS)), (-2, 2, -2, 2), lines=((1.0, 0.5, 0.0),))


def answer() -> Surface:
    points = np.array([[1.0, 1.5, -1.0, -1.5], [1.0, 0.5, -1.0, 0.5]])
    values = 1 / (1 + np.exp(-np.add.outer(AXIS, AXIS)))
    return Surface("The network", values, (-2, 2, -2, 2), points, np.array([1, 1, 0, 0]))


def diagram(scale=1.0) -> Diagram:
    W1 = scale * np.array([[0.0053, -0.0023], [0.0097, 0.0041]])
    return Diagram("The network", (W1, np.array([[1.5, 0.0]])), (np.array([0.0, 0.125]), np.array([-0.5])))


def matrix() -> Matrix:
    return Matrix("dW1", np.array([[0.25, -0.5], [0.25, -0.5]]), ("unit 1", "unit 2"), ("x1", "x2"))


def table() -> Table:
    return Table("Measured", ("start", "cost"), (("zeros", "0.693"), ("he", "0.25")))


def steps() -> Steps:
    return Steps(
        "Induction",
        (Step("The rows of W1 are equal", True, "spread 0"), Step("They stay equal", False, "spread 1e-16")),
    )


PANELS = {
    "chart": chart,
    "bars": bars,
    "surface": surface,
    "answer": answer,
    "diagram": diagram,
    "matrix": matrix,
    "table": table,
    "steps": steps,
}


def switch() -> Figure:
    frames = (Frame("cross-entropy", (chart(), bars())), Frame("squared error", (chart(title="The other"), bars())))
    return Figure("Two losses", "costs under two losses", frames, control="loss")


def dial() -> Figure:
    frames = tuple(Frame(f"{scale:g}", (surface(scale), diagram(scale))) for scale in (0.01, 0.1, 1.0))
    return Figure("Scale of the weights", "what a unit answers as its weights grow", frames, control="scale", dial=True)


def finding(
    id, section, cases, figure=None, *, convention=False, see=None, claim="The units stay equal", **more
) -> Finding:
    explanation = more.get("explanation", "Zero weights give `g(0)`. Nothing tells the units apart.")
    evidence = Evidence(cases, more.get("measured", {"spread_w1": 0.0, "units": 2, "equal": True}), explanation, figure)
    this = Claim(id, section, claim, lambda: evidence, convention, see)
    return Finding(this, *verdict(this, cases), evidence, 0.25)


ALWAYS, NEVER = (Case("always", True),), (Case("labels are unbalanced", False),)
SOMETIMES = (Case("W2 is tied too", True), Case("W2 is random", False))


def sample() -> Audit:
    return Audit(
        (
            finding(
                "R1",
                "front",
                ALWAYS,
                still("All kinds", "every kind of panel", *(p() for p in PANELS.values())),
                convention=True,
            ),
            finding("R8", "zero", SOMETIMES, switch()),
            finding("R9", "zero", ALWAYS, measured={"max_abs_z1": 0.0, "overflowed": float("inf")}),
            finding("R29", "solution", NEVER, dial()),
            finding("R30", "solution", ALWAYS),
            finding("K1", "takeaways", SOMETIMES, switch(), see="R8"),
        )
    )


@pytest.fixture(scope="session")
def audited() -> Audit:
    return sample()


@pytest.fixture(scope="session")
def hostile() -> Audit:
    """Every text is an attempt to become part of the page."""
    panels = (
        Chart(HOSTILE, HOSTILE, HOSTILE, (Series(HOSTILE, STEPS, STEPS),), markers=(("x", 1.0, HOSTILE),)),
        Bars(HOSTILE, HOSTILE, (HOSTILE, "b"), np.ones((1, 2)), (HOSTILE,)),
        replace(surface(), title=HOSTILE),
        replace(diagram(), title=HOSTILE),
        Matrix(HOSTILE, np.eye(2), (HOSTILE, "b"), (HOSTILE, "b")),
        Table(HOSTILE, (HOSTILE, "b"), ((HOSTILE, "c"),)),
        Steps(HOSTILE, (Step(HOSTILE, True, HOSTILE),)),
    )
    figure = Figure(HOSTILE, HOSTILE, (Frame(HOSTILE, panels), Frame("b", panels)), control=HOSTILE)
    cases = (Case(HOSTILE, True), Case(HOSTILE, False))
    return Audit((finding("R8", "zero", cases, figure, claim=HOSTILE, explanation=HOSTILE, measured={HOSTILE: 1.0}),))


@pytest.fixture(scope="session")
def kinds() -> dict:
    """One panel of every kind."""
    return {name: make() for name, make in PANELS.items()}


@pytest.fixture(scope="session")
def switched() -> Figure:
    return switch()


@pytest.fixture(scope="session")
def turned() -> Figure:
    return dial()
