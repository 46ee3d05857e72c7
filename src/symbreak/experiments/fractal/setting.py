r"""The paper's network, data and axes, in the form that the engine trains.

The paper's network has n inputs, one hidden layer of n units, one output and no biases, in mean-field scaling:

    z = W1 x / sqrt(n),   a = tanh(sqrt(2) z)  or  sqrt(2) relu(z)  or  z,   answer = W2 a / n

with the mean of (answer - y)^2 as its loss and a rate for each layer, eta1 and eta2. The engine knows neither the
factors nor a square without its half, and needs neither. With

    V1 = c1 W1,  V2 = c2 W2,   c1 = sqrt(2 / n)  (identity: 1 / sqrt(n)),   c2 = 1 / n

the answer is V2 g(V1 x), for relu(cz) = c relu(z). By the chain rule dL/dW = c dL/dV, so a step of the paper,
W := W - eta dL/dW, is for V the step V := V - c^2 eta dL/dV. The paper's loss is twice the engine's. Hence the paper's
training with rates eta1, eta2 is the engine's with rates 2 c1^2 eta1 and 2 c2^2 eta2, exactly so in algebra; and a
loss divided by the first loss is the same in both.

Source: J. Sohl-Dickstein, "The boundary of neural network trainability is fractal", arXiv:2402.06184, and the notebook
published with it. The draws are ours, so the picture is another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.errors import InvalidInput, UnknownName
from symbreak.network import Network

Array = NDArray[np.floating[Any]]

Axes = Literal["rates", "offset"]
# z is multiplied by the root of this before the activation.
GAINS = {"tanh": 2.0, "relu": 2.0, "identity": 1.0}
AXES = {
    "rates": ("learning rate of layer 1", "learning rate of layer 2"),
    "offset": ("offset of every entry of W1", "learning rate"),
}


@dataclass(frozen=True)
class Window:
    """What is looked at: decimal logarithms of both ends of the two axes.

    >>> Window((0.0, 4.0), (0.0, 4.0)).inside((0.25, 0.5), 4)
    Window(x=(0.5, 1.5), y=(1.5, 2.5))
    """

    x: tuple[float, float]
    y: tuple[float, float]

    def inside(self, centre: tuple[float, float], factor: float) -> Window:
        """Return the window `factor` times as narrow around a centre, given as shares of the two axes."""
        sides = []
        for (low, high), share in zip((self.x, self.y), centre, strict=True):
            middle, half = low + share * (high - low), (high - low) / factor / 2
            sides.append((middle - half, middle + half))
        return Window(*sides)

    def values(self, resolution: int) -> tuple[Array, Array]:
        """Return the numbers along both axes, evenly spaced in their logarithms."""
        x, y = (np.logspace(low, high, resolution) for low, high in (self.x, self.y))
        return x, y


@dataclass(frozen=True)
class Setting:
    """One experiment of the paper.

    Attributes:
        activation: "tanh", "relu" or "identity".
        axes: "rates", learning rate of layer 1 against that of layer 2, or "offset", an offset that is added to every
            entry of W1 at the start, against the learning rate of both layers.
        width: n, the inputs and the hidden units.
        steps: how many losses a network shows, the first before any update.
        batch_size: examples for each update; all of them if None.
        seed: of weights and data.

    Raises:
        UnknownName: another activation, other axes.
        InvalidInput: fewer steps than the verdict looks at.
    """

    activation: str = "tanh"
    axes: Axes = "rates"
    width: int = 16
    steps: int = 500
    batch_size: int | None = None
    seed: int | str = 0

    def __post_init__(self) -> None:
        if self.activation not in GAINS:
            raise UnknownName.among("activation of the experiment", self.activation, GAINS)
        if self.axes not in AXES:
            raise UnknownName.among("pair of axes", self.axes, AXES)
        if self.steps <= LAST:
            raise InvalidInput(
                f"the verdict looks at the last {LAST} losses and at the first",
                got=self.steps,
                allowed=f"more than {LAST} steps",
                hint="500",
            )

    @property
    def points(self) -> int:
        """As many examples as weights; for the linear network, as the paper has it, as many as inputs."""
        return self.width if self.activation == "identity" else self.width * (self.width + 1)

    @property
    def scales(self) -> tuple[float, float]:
        """c1 and c2, by which the paper's weights are multiplied."""
        return math.sqrt(GAINS[self.activation] / self.width), 1 / self.width


LAST = 20
"""So many losses at the end say whether a network has converged: it may oscillate."""


def data(setting: Setting) -> tuple[Array, Array]:
    """Return X (n, points) and Y (1, points), all standard normal."""
    X = _normal((setting.width, setting.points), setting, "X")
    return X, _normal((1, setting.points), setting, "Y")


def weights(setting: Setting) -> tuple[Array, Array]:
    """Return the paper's W1 (n, n) and W2 (1, n) before training, all standard normal."""
    n = setting.width
    return _normal((n, n), setting, "W1"), _normal((1, n), setting, "W2")


def _normal(shape: tuple[int, int], setting: Setting, name: str) -> Array:
    return random.normal(shape, seed=setting.seed, name=f"fractal/{name}", dtype=np.float64)


def start(setting: Setting, x: Array) -> Network:
    """Return the networks before training, in the engine's form: one for each value on the horizontal axis."""
    W1, W2 = weights(setting)
    c1, c2 = setting.scales
    offsets = x if setting.axes == "offset" else np.zeros(len(x))
    one = Network.from_arrays([W1, W2], activation=setting.activation, loss="squared-error")
    V1 = c1 * (W1 + offsets[:, None, None])
    V2, b1, b2 = (np.repeat(array[None], len(x), axis=0) for array in (c2 * W2, *one.biases))
    return one.with_parameters([V1, b1, V2, b2])


def rates(setting: Setting, x: Array, y: float) -> Array:
    """Return the engine's learning rates (networks, 2) for a row of the picture: y, and all x."""
    first = x if setting.axes == "rates" else np.full(len(x), y)
    c1, c2 = setting.scales
    return np.stack([2 * c1**2 * first, np.full(len(x), 2 * c2**2 * y)], axis=1)
