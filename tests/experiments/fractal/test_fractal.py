"""The paper's experiment: the engine trains the paper's own network, and boxes measure known dimensions exactly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from symbreak.errors import InvalidInput, UnknownName
from symbreak.experiments import fractal
from symbreak.experiments.fractal import Setting, Window, boundary, running, setting
from symbreak.network import train_many

STEPS = 41


def paper_losses(asked: Setting, rates: tuple[float, float], offset: float) -> list[float]:
    """Losses of the paper's network, written as the paper writes it."""
    X, Y = setting.data(asked)
    W1, W2 = setting.weights(asked)
    W1, n, losses = W1 + offset, asked.width, []
    for _ in range(asked.steps):
        z1 = W1 @ X / math.sqrt(n)
        if asked.activation == "tanh":
            a = np.tanh(math.sqrt(2) * z1)
            slope = math.sqrt(2) * (1 - a**2)
        elif asked.activation == "relu":
            a, slope = math.sqrt(2) * np.maximum(z1, 0), math.sqrt(2) * (z1 > 0)
        else:
            a, slope = z1, np.ones_like(z1)
        answer = W2 @ a / n
        losses.append(float(np.mean((answer - Y) ** 2)))
        dz2 = 2 * (answer - Y) / Y.size
        dW2, dW1 = dz2 @ a.T / n, (W2.T @ dz2 / n * slope) @ X.T / math.sqrt(n)
        W1, W2 = W1 - rates[0] * dW1, W2 - rates[1] * dW2
    return losses


def engine_losses(asked: Setting, x: float, y: float) -> np.ndarray:
    X, Y = setting.data(asked)
    at = np.array([x])
    trained = train_many(
        setting.start(asked, at), X, Y, iterations=asked.steps - 1, learning_rate=setting.rates(asked, at, y),
        train_biases=False, record=range(asked.steps),
    )  # fmt: skip
    return trained.curve[0]


CASES = [
    ("tanh", "rates", 30.0, 7.0),
    ("relu", "rates", 5.0, 40.0),
    ("identity", "rates", 20.0, 3.0),
    ("tanh", "offset", 0.3, 10.0),
    ("relu", "offset", 0.1, 3.0),
]


def differs(asked: Setting, x: float, y: float) -> bool:
    """Whether the losses are further apart than the rounding of as many sums, in steps that contract."""
    rates, offset = ((x, y), 0.0) if asked.axes == "rates" else ((y, y), x)
    expected = np.array(paper_losses(asked, rates, offset))
    assert expected[-1] < 0.98 * expected[0], "nothing was learned"
    terms = asked.points + 2 * asked.width
    apart = np.abs(2 * engine_losses(asked, x, y) - expected) / expected
    return bool(apart.max() > asked.steps * terms * np.finfo(float).eps)


@pytest.mark.parametrize(("activation", "axes", "x", "y"), CASES)
def test_the_engine_trains_the_papers_network(activation, axes, x, y):
    assert not differs(Setting(activation, axes, steps=STEPS), x, y)


def factors_left_out(asked, x, y):
    first = x if asked.axes == "rates" else np.full(len(x), y)
    return np.stack([2 * first, np.full(len(x), 2 * y)], axis=1)


def halves_forgotten(asked, x, y):
    return RATES(asked, x, y) / 2


def layers_swapped(asked, x, y):
    return RATES(asked, x, y)[:, ::-1]


def not_squared(asked, x, y):
    return RATES(asked, x, y) / np.array(asked.scales)


RATES = setting.rates


@pytest.mark.parametrize("mutant", [factors_left_out, halves_forgotten, layers_swapped, not_squared])
def test_wrong_rates_are_noticed(monkeypatch, mutant):
    monkeypatch.setattr(setting, "rates", mutant)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = engine_losses(Setting(steps=STEPS), 30.0, 7.0)
    expected = np.array(paper_losses(Setting(steps=STEPS), (30.0, 7.0), 0.0))
    assert not np.allclose(2 * apart, expected, rtol=1e-6)


@pytest.mark.parametrize("mutant", [(1.0, 1 / 16), (0.25, 1 / 16), (math.sqrt(2) / 4, 0.25)])
def test_wrong_scales_are_noticed(monkeypatch, mutant):
    monkeypatch.setattr(Setting, "scales", property(lambda self: mutant))
    assert differs(Setting(steps=STEPS), 30.0, 7.0)


@pytest.mark.parametrize("axes", ["rates", "offset"])
def test_a_picture_holds_the_verdicts_of_the_papers_definition(axes):
    asked = Setting("tanh", axes, width=4, steps=60)
    window = Window((-1.0, 3.0), (0.0, 3.0))
    frame = fractal.draw(asked, window, resolution=5, threads=2)
    x, y = np.logspace(-1, 3, 5), np.logspace(0, 3, 5)
    expected = np.zeros((5, 5), bool)
    for row, column in itertools.product(range(5), range(5)):
        rates, offset = ((x[column], y[row]), 0.0) if axes == "rates" else ((y[row], y[row]), x[column])
        with np.errstate(over="ignore", invalid="ignore"):
            losses = np.array(paper_losses(asked, rates, offset))
            share = np.where(np.isfinite(losses), losses / losses[0], np.inf)
            expected[row, column] = np.minimum(share, 1e6)[-20:].mean() < 1
    assert 0 < expected.sum() < 25
    assert (frame.converged == expected).all()
    assert 5 * 5 < frame.steps <= 25 * 59


def test_the_verdict_is_of_the_last_losses_on_average():
    steady, risen, risen_at_the_end, lost = np.ones((4, 60)) * 0.5
    for curve in (steady, risen, risen_at_the_end, lost):
        curve[0] = 2.0
    risen[45:] = 8.0
    risen_at_the_end[-1] = 18.0
    lost[59:] = np.nan
    relative, pace = running._verdicts(np.array([steady, risen, risen_at_the_end, lost]))
    assert relative == pytest.approx([0.25, (5 * 0.25 + 15 * 4) / 20, (19 * 0.25 + 9) / 20, (19 * 0.25 + 1e6) / 20])
    assert (pace > 0).tolist() == [True, False, True, False]


def test_threads_change_no_bit():
    one, two = (
        fractal.draw(Setting(width=3, steps=40), Window((0, 3), (0, 3)), resolution=6, threads=n) for n in (1, 2)
    )
    assert np.array_equal(one.relative, two.relative)
    assert np.array_equal(one.pace, two.pace)


def test_other_draws_are_another_experiment():
    one, two = (setting.data(Setting(seed=seed))[0] for seed in (0, 1))
    assert not (one == two).any()
    assert Setting("identity").points == 16
    assert one.shape == (16, 272)


def triangle(side: int = 64) -> np.ndarray:
    """Pascal's triangle, odd entries: Sierpinski's triangle, of dimension log2 3, its boxes on powers of two."""
    i = np.arange(side)
    return (i[:, None] & i[None, :]) == 0


SETS = [
    (np.eye(64, dtype=bool), 1.0),
    (np.arange(64)[:, None] == np.full(64, 7), 1.0),
    (np.ones((64, 64), bool), 2.0),
    (triangle(), math.log2(3)),
    (np.eye(1, 4096, dtype=bool).reshape(64, 64), 0.0),
]


@pytest.mark.parametrize(("found", "expected"), SETS)
def test_boxes_measure_known_dimensions_exactly(found, expected):
    assert fractal.slopes(found) == pytest.approx([expected] * 3, abs=1e-12)


def counting_corners(found, length):
    return int(found[::length, ::length].sum())


def counting_places(found, length):
    return int(found.sum()) // length


@pytest.mark.parametrize("mutant", [counting_corners, counting_places])
def test_wrong_boxes_are_noticed(monkeypatch, mutant):
    monkeypatch.setattr(boundary, "_hit", mutant)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = [fractal.slopes(found).tolist() for found, _ in SETS]
    assert measured != [[expected] * 3 for _, expected in SETS]


def test_rows_that_fill_no_box_are_left_out():
    ragged = np.zeros((64 + 7, 64 + 3), bool)
    ragged[:64, :64] = triangle()
    ragged[64:, :] = True
    assert fractal.slopes(ragged) == pytest.approx([math.log2(3)] * 3, abs=1e-12)


def test_edges_lie_where_neighbours_differ():
    verdicts = np.zeros((6, 7), bool)
    verdicts[2, 3] = True
    expected = np.zeros((5, 6), bool)
    expected[1:3, 2:4] = True
    assert (fractal.edges(verdicts) == expected).all()
    assert not fractal.edges(np.ones((4, 4), bool)).any()
    assert fractal.edges(np.indices((9, 9)).sum(axis=0) % 2 == 0).all()


def test_the_dimension_is_the_median_over_all_pictures():
    line, plane = np.arange(65)[:, None] < np.full(65, 20), np.indices((65, 65)).sum(axis=0) % 2 == 0
    assert fractal.dimension([line]) == 1
    assert fractal.dimension([plane]) == 2
    assert fractal.dimension([line, plane, plane]) == 2
    assert fractal.dimension([line, line, plane, line[:1].repeat(65, axis=0)]) == 1
    with pytest.raises(InvalidInput, match="boundary"):
        fractal.dimension([np.ones((65, 65), bool)])


def test_a_zoom_goes_where_most_boundary_is():
    frames = list(fractal.zoom(Setting(width=3, steps=40), Window((0, 4), (0, 4)), levels=3, factor=2, resolution=17))
    for outer, inner in itertools.pairwise(frames):
        for (low, high), (from_, to) in ((outer.window.x, inner.window.x), (outer.window.y, inner.window.y)):
            assert low <= from_ < to <= high
            assert to - from_ == pytest.approx((high - low) / 2)
        share = fractal.edges(inner.converged).mean(), fractal.edges(outer.converged).mean()
        assert share[0] > 0


def test_bad_settings_are_refused():
    with pytest.raises(UnknownName, match="tanh"):
        Setting("tanhh")
    with pytest.raises(UnknownName, match="rates"):
        Setting(axes="rate")
    with pytest.raises(InvalidInput, match="last 20"):
        Setting(steps=20)
    with pytest.raises(InvalidInput, match="resolution"):
        fractal.draw(Setting(), Window((0, 1), (0, 1)), resolution=1)
