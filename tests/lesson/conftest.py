"""What tests of the lesson's claims need: what every piece of evidence must satisfy, and code broken on purpose."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import sys

import numpy as np
import pytest

from symbreak.initializers.elementwise import Normal
from symbreak.lesson import audit
from symbreak.lesson.claim import Evidence, verdict
from symbreak.lesson.figures import Chart, Series
from symbreak.network import Network, arithmetic, course, optimizers, unitwise
from symbreak.numerics import activations

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?%?(?![\w%])")
FORMATS = ("g", ".1g", ".2g", ".3g", ".4g", ".6g", ".0f", ".1f", ".2f", ".3f", ".0%", ".1%", ",")


def forget():
    """Empty every cache of the lesson's modules: a run with broken code may not leave its results, nor find others."""
    for name, module in list(sys.modules.items()):
        if name.startswith("symbreak.lesson"):
            for value in vars(module).values():
                getattr(value, "cache_clear", lambda: None)()


@functools.cache
def evidence(id: str) -> Evidence:
    return audit.find(id).experiment()


def foreign_numbers(text: str, measured) -> list[str]:
    """Return the numbers of a text that no measured value is written as; digits of names such as W1 are not numbers."""
    written = {f"{value:{form}}" for value in measured.values() if not isinstance(value, bool) for form in FORMATS}
    return [found for found in NUMBER.findall(text) if found not in written]


def unsound(found: Evidence) -> list[str]:
    """Return what is wrong with a piece of evidence, whatever it is about."""
    kinds = (int, float, bool)
    wrong = [f"{k} = {v!r}" for k, v in found.measured.items() if type(v) not in kinds or not math.isfinite(v)]
    wrong += [f"not measured: {number}" for number in foreign_numbers(found.explanation, found.measured)]
    sentences = len(re.findall(r"[.?!](?:\s|$)", found.explanation))
    wrong += [] if 2 <= sentences <= 6 else [f"{sentences} sentences"]
    wrong += [] if found.cases else ["no case"]
    wrong += [f"'{case.when}' does not follow 'if'" for case in found.cases if case.when[-1:] in ".;"]
    return wrong + list(_unsound(found.figure))


def _unsound(part):
    """Yield what cannot be drawn, anywhere in a figure."""
    if isinstance(part, np.ndarray):
        if part.size == 0 or not np.isfinite(part).all():
            yield "an array that is empty or not finite"
    elif isinstance(part, tuple):
        for each in part:
            yield from _unsound(each)
    elif dataclasses.is_dataclass(part):
        if isinstance(part, Series) and len(part.x) != len(part.y):
            yield f"series {part.name}: x and y differ in length"
        if isinstance(part, Chart) and part.y_scale == "log" and any((s.y <= 0).any() for s in part.series):
            yield f"chart {part.title}: zero on a logarithmic axis"
        for field in dataclasses.fields(part):
            yield from _unsound(getattr(part, field.name))


# ---- code broken on purpose, by monkeypatch


def starts_ignored(monkeypatch, only=None, instead="normal(0.01)"):
    """Every start is random, or those alone that are named."""
    honest = Network.initialize.__func__

    def initialize(cls, sizes, init, **options):
        parts = (init,) if isinstance(init, str) else tuple(init)
        parts = tuple(instead if only is None or part in only else part for part in parts)
        return honest(cls, sizes, parts[0] if len(parts) == 1 else parts, **options)

    monkeypatch.setattr(Network, "initialize", classmethod(initialize))


def sizes_ignored(monkeypatch, sizes):
    """Every network has other sizes than were asked for."""
    honest = Network.initialize.__func__
    monkeypatch.setattr(Network, "initialize", classmethod(lambda cls, _, init, **how: honest(cls, sizes, init, **how)))


def activations_changed(monkeypatch, **changes):
    """Every activation has other functions: each change makes a function of the activation."""
    honest = activations.get

    def get(name):
        g = honest(name)
        return dataclasses.replace(g, **{field: change(g) for field, change in changes.items()})

    monkeypatch.setattr(activations, "get", get)


def by_row(z):
    """A part in a million that differs from unit to unit."""
    return 1 + 1e-6 * np.arange(z.shape[-2])[:, None] if z.ndim > 1 else 1.0


def units_answer_differently(monkeypatch):
    activations_changed(monkeypatch, evaluate=lambda g: lambda z, m: (0.1 + g.evaluate(z, m)) * by_row(z))


def units_slope_differently(monkeypatch):
    activations_changed(monkeypatch, slope=lambda g: lambda z, a, m: g.slope(z, a, m) * by_row(z))


def g_of_zero_is_not_zero(monkeypatch):
    activations_changed(monkeypatch, evaluate=lambda g: lambda z, m: g.evaluate(z, m) + 0.1)


def update_unties(monkeypatch):
    """Every update gives each row a rate of its own."""
    honest = optimizers.get

    def get(name):
        rule = honest(name)

        def update(parameters, gradients, state, rate):
            uneven = [g * (1 + 1e-6 * np.arange(len(g)))[:, None] for g in gradients]
            return rule.update(parameters, uneven, state, rate)

        return dataclasses.replace(rule, update=update)

    monkeypatch.setattr(optimizers, "get", get)


def nothing_is_updated(monkeypatch):
    honest = optimizers.get
    still = {"update": lambda parameters, gradients, state, rate: (list(parameters), state)}
    monkeypatch.setattr(optimizers, "get", lambda name: dataclasses.replace(honest(name), **still))


def tiled(monkeypatch, name="blas"):
    """An arithmetic adds up the examples of an odd last row one after the other, as BLAS may at the edge of a tile."""

    def weight_gradient(dz, a):
        found = unitwise.weight_gradient(dz, a)
        if dz.shape[-2] % 2 and dz.shape[-2] > 1:
            found[..., -1, :] = np.add.accumulate(dz[..., -1:, :] * a, axis=-1)[..., -1]
        return found

    changed = dataclasses.replace(arithmetic.CATALOGUE[name], weight_gradient=weight_gradient)
    monkeypatch.setitem(arithmetic.CATALOGUE, name, changed)


def blas_is_unitwise(monkeypatch):
    monkeypatch.setitem(arithmetic.CATALOGUE, "blas", arithmetic.CATALOGUE["unitwise"])


def constant_normal(monkeypatch):
    """What should be drawn from a normal distribution is half its standard deviation, everywhere."""
    monkeypatch.setattr(Normal, "draw", lambda rule, w: np.full(w.shape, rule.scale / 2, w.dtype))


def initialize_changed(monkeypatch, change):
    """The course's `initialize_parameters` returns something else, wherever the lesson calls it."""
    honest = course.initialize_parameters

    def initialize(n_x, n_h, n_y, **how):
        return change(honest(n_x, n_h, n_y, **how))

    for module in (course, *(m for name, m in sys.modules.items() if name.startswith("symbreak.lesson."))):
        if getattr(module, "initialize_parameters", None) is honest:
            monkeypatch.setattr(module, "initialize_parameters", initialize)


def initialize_transposes(monkeypatch):
    initialize_changed(monkeypatch, lambda made: {**made, "W1": made["W1"].T})


def initialize_enlarges(monkeypatch):
    initialize_changed(monkeypatch, lambda made: {key: value * 1.1 for key, value in made.items()})


def biases_start_at_one(monkeypatch):
    initialize_changed(monkeypatch, lambda made: {**made, "b1": np.ones_like(made["b1"])})


BROKEN = {
    "every start is random": starts_ignored,
    "zeros are random": functools.partial(starts_ignored, only="zeros"),
    "constants are random": functools.partial(starts_ignored, only="constant(0.5)"),
    "three inputs": functools.partial(sizes_ignored, sizes=(3, 2, 1)),
    "three units": functools.partial(sizes_ignored, sizes=(2, 3, 1)),
    "g(0) is not 0": g_of_zero_is_not_zero,
    "units answer differently": units_answer_differently,
    "units slope differently": units_slope_differently,
    "the update unties": update_unties,
    "nothing is updated": nothing_is_updated,
    "BLAS has an edge": tiled,
    "unit-alike arithmetic has an edge": functools.partial(tiled, name="unitwise"),
    "BLAS treats units alike": blas_is_unitwise,
    "normal is constant": constant_normal,
    "initialize transposes": initialize_transposes,
    "initialize enlarges": initialize_enlarges,
    "biases start at one": biases_start_at_one,
}


@pytest.fixture
def experiment():
    """What was found for a claim, by its id; run once for all tests."""
    return evidence


@pytest.fixture
def verdict_of():
    """The verdict on a claim, by its id, from that same run."""
    return lambda id: verdict(audit.find(id), evidence(id).cases)[0]


@pytest.fixture
def faults():
    """What is wrong with a piece of evidence, whatever it is about."""
    return unsound


@pytest.fixture
def faults_beyond_the_claim():
    """What is wrong with the evidence for a claim; numbers that the claim and its cases name are settings, not found.

    So are 0, 1 and 2, of which formulas and shapes are made.
    """

    def wrong(id):
        found, claim = evidence(id), audit.find(id)
        named = NUMBER.findall(" ; ".join((claim.claim, *(case.when for case in found.cases))))
        settings = {f"not measured: {number}" for number in (*named, "0", "1", "2")}
        return [fault for fault in unsound(found) if fault not in settings]

    return wrong


@pytest.fixture
def broken(monkeypatch):
    """Call as broken(id, how): the verdict and condition while the code is broken, `how` a key of BROKEN or a function.

    None if they are those of the honest code; nothing of it is left behind.
    """

    def run(id, how):
        honest = verdict(audit.find(id), evidence(id).cases)
        BROKEN.get(how, how)(monkeypatch)
        forget()
        try:
            found = verdict(audit.find(id), audit.find(id).experiment().cases)
        finally:
            monkeypatch.undo()
            forget()
        return None if found == honest else found

    return run
