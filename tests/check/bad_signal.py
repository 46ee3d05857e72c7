"""Signals and gradients that vanish or explode with depth, and units in the flat part of their activation."""

from __future__ import annotations

import torch
from check.cases import Task, bad
from check.nets import Attention, Pooled, Recurrent, Residual, fill, he, mlp, normal
from check.tasks import blobs, images, sequences
from check.truths import alike, both, flat, gradient, off, signal
from torch import nn
from torch.nn import functional

CS231N = "https://cs231n.github.io/neural-networks-2/"


def deep(depth: int, width: int = 64, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """A plain network of `depth` layers; the last is "{2 * depth - 2}"."""
    return mlp(8, *[width] * (depth - 1), 4, activation=activation)


def he_(task: Task) -> None:
    """The cure: He's start with zero biases."""
    fill(task.network, he)


@bad(
    "vanishing-signal",
    "vanishing-gradient",
    truth=both(alike("96"), gradient("0.weight", "98.weight", below=1e-6)),
    link="https://github.com/pytorch/pytorch/issues/15314",
)
def fifty_relu_layers_by_default() -> Task:
    """Fifty plain ReLU layers with `nn.Linear`'s own start, which has a sixth of He's variance: the inputs are
    forgotten on the way up, only the biases are left, and the gradient is gone on the way down."""
    return Task(deep(50), *blobs(), functional.cross_entropy)


@bad("vanishing-signal", "wrong-scale", truth=signal("0", "18", below=1e-6), link=CS231N)
def ten_tanh_layers_of_a_hundredth() -> Task:
    """0.01 * randn in every layer of a deep tanh network: the activations shrink tenfold and more a layer."""
    return Task(fill(deep(10, activation=nn.Tanh), normal(0.01)), *blobs(), functional.cross_entropy)


@bad("vanishing-signal", "vanishing-gradient", "wrong-scale", truth=signal("0", "58", below=1e-3))
def thirty_convolutions_by_default() -> Task:
    """A plain stack of 3x3 convolutions without normalization and without biases, with the library's own start."""
    layers: list[nn.Module] = [nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.ReLU()]
    for _ in range(29):
        layers += [nn.Conv2d(12, 12, 3, padding=1, bias=False), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)]
    return Task(nn.Sequential(*layers, *head), *images(16), functional.cross_entropy)


@bad("exploding-signal", "wrong-scale", "exploding-gradient", truth=signal("0", "18", above=1e4))
def relu_layers_of_variance_one() -> Task:
    """Standard normal weights, 64 wide, in ten ReLU layers: the signal grows more than five times a layer."""
    return Task(fill(deep(10), normal(1.0)), *blobs(), functional.cross_entropy)


@bad("vanishing-gradient", "vanishing-signal", truth=both(gradient("0.weight", "22.weight", below=1e-5), alike("20")))
def twelve_sigmoid_layers() -> Task:
    """A sigmoid's slope is at most a quarter, and its mean is not zero: twelve layers by default lose the gradient, and
    all inputs look alike above."""
    return Task(deep(12, activation=nn.Sigmoid), *blobs(), functional.cross_entropy)


@bad("vanishing-signal", "vanishing-gradient", truth=alike("116", above=0.97), link="https://arxiv.org/abs/1606.05340")
def sixty_he_layers() -> Task:
    """He's start keeps the size of the signal in sixty plain ReLU layers, but not its direction: all inputs arrive at
    the top as one (mean cosine above 0.97)."""
    return Task(fill(deep(60), he), *blobs(), functional.cross_entropy)


@bad(
    "exploding-gradient",
    "saturated-units",
    "wrong-scale",
    truth=gradient("0.weight", "78.weight", above=1e3),
    link="https://arxiv.org/abs/1611.01232",
)
def chaotic_tanh_layers() -> Task:
    """Forty tanh layers with weight variance 16/n, in the chaotic phase: activations are bounded, gradients grow by a
    factor a layer."""
    return Task(fill(deep(40, 96, nn.Tanh), normal(4 / 96**0.5)), *blobs(), functional.cross_entropy)


@bad("exploding-signal", "wrong-scale", "exploding-gradient", truth=signal("0", "24", above=1e3))
def residual_stack_without_depth_scaling() -> Task:
    """Twenty-four residual blocks of He's start without any normalization or factor of depth: each block doubles the
    variance of the stream."""
    blocks = [Residual(nn.Sequential(nn.ReLU(), nn.Linear(32, 32))) for _ in range(24)]
    network = nn.Sequential(nn.Linear(8, 32), *blocks, nn.Linear(32, 4))
    return Task(fill(network, he), *blobs(), functional.cross_entropy)


@bad(
    "exploding-gradient",
    "exploding-signal",
    "wrong-scale",
    truth=gradient("layer.weight_hh_l0", "head.bias", above=1e4),
)
def recurrence_that_grows() -> Task:
    """A ReLU recurrence of gain 2.5 over forty steps: the state grows as a power of the steps."""
    network = Recurrent(nn.RNN(6, 16, nonlinearity="relu", batch_first=True), 3)
    nn.init.orthogonal_(network.layer.weight_hh_l0, gain=2.5)
    return Task(network, *sequences(32, 40), functional.cross_entropy)


@bad("exploding-gradient", "exploding-signal", "wrong-scale", truth=signal("0", "20", above=500))
def leaky_layers_with_a_gain_of_three() -> Task:
    """Orthogonal weights with gain 3, found by a search at depth three, used at depth eleven under leaky ReLU, which is
    homogeneous: the signal doubles at every layer."""
    network = deep(11, 64, nn.LeakyReLU)
    return Task(fill(network, lambda w: nn.init.orthogonal_(w, gain=3)), *blobs(), functional.cross_entropy)


@bad("vanishing-gradient", "vanishing-signal", truth=gradient("0.weight", "28.weight", below=1e-4))
def fifteen_gelu_layers_by_default() -> Task:
    """A plain GELU network of fifteen layers with the library's start: nothing reaches the first layers."""
    return Task(deep(15, activation=nn.GELU), *blobs(), functional.cross_entropy)


# --- flat parts ---


@bad("saturated-units", "wrong-scale", by="0", truth=flat("1", low=-0.99, high=0.99, share=0.8), link=CS231N)
def tanh_of_a_thousand_standard_normals() -> Task:
    """Weights from N(0, 1) on a thousand inputs: the sums spread over 30, almost every tanh is at +-1."""
    network = mlp(1000, 32, 4, activation=nn.Tanh)
    fill(network[0], normal(1.0))
    return Task(network, *blobs(64, 1000), functional.cross_entropy)


@bad("saturated-units", by="0", truth=flat("1", low=0.01, high=0.99, share=0.6))
def sigmoids_on_raw_measurements() -> Task:
    """Raw features between 0 and 255 into a sigmoid layer: most units are at 0 or 1 on most samples."""
    x, y = blobs()
    x = (x - x.min()) / (x.max() - x.min()) * 255
    network = fill(mlp(8, 32, 4, activation=nn.Sigmoid), nn.init.xavier_normal_)
    return Task(network, x, y, functional.cross_entropy)


@bad("saturated-units", "dead-units", by="0", truth=flat("1", low=0.0, high=6.0, share=0.85))
def relu6_of_large_sums() -> Task:
    """MobileNet's ReLU6 after a layer a hundred times too large: every unit is at 0 or at 6."""
    network = mlp(8, 32, 4, activation=nn.ReLU6)
    fill(network[0], normal(50.0))
    return Task(network, *blobs(), functional.cross_entropy)


class Highway(nn.Module):
    """carry x + gate (transform - x), with a module for the gate's sigmoid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.transform, self.gate, self.sigmoid = nn.Linear(width, width), nn.Linear(width, width), nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.sigmoid(self.gate(x))
        return x + gate * (torch.relu(self.transform(x)) - x)


@bad("saturated-units", "vanishing-gradient", by="1", truth=flat("1.sigmoid", low=1e-8, high=1.0, share=0.99))
def highway_gate_that_never_opens() -> Task:
    """Highway networks start with a negative gate bias, -1 to -3; somebody wrote -30, and neither the gate nor what is
    behind it gets a gradient worth the name."""
    network = nn.Sequential(nn.Linear(8, 16), Highway(16), nn.Linear(16, 4))
    nn.init.constant_(network[1].gate.bias, -30.0)
    return Task(network, *blobs(), functional.cross_entropy)


@bad(
    "saturated-units",
    "wrong-scale",
    "vanishing-gradient",
    by="layer",
    truth=gradient("layer.query.weight", "layer.value.weight", below=0.02),
)
def attention_that_is_one_hot() -> Task:
    """Query and key from N(0, 3^2), inputs of unit size: the logits are in the thousands, softmax is one-hot, its slope
    is zero, and the projections get no gradient to speak of (a fiftieth of the values' and less)."""
    attention = Attention(32, 2)
    for layer in (attention.query, attention.key):
        normal(3.0)(layer.weight)
    network = Pooled(attention, 6, 32, 3)
    normal(0.4)(network.embed.weight)
    return Task(network, *sequences(), functional.cross_entropy)


DYING = "https://arxiv.org/abs/1903.06733"


@bad("dead-units", by="0", truth=off("1", share=0.95), link=DYING)
def relu_with_a_large_negative_bias() -> Task:
    """Biases of -10 "for sparsity": no unit of the layer is on for any sample, so nothing below ever learns."""
    network = mlp(8, 32, 4)
    nn.init.constant_(network[0].bias, -10.0)
    return Task(network, *blobs(), functional.cross_entropy)


@bad(
    "dead-units",
    by="0",
    truth=off("1", share=0.6),
    link="https://stats.stackexchange.com/questions/450100/understanding-relu-does-this-unlucky-intialized-network-assign-all-instances",
)
def positive_inputs_and_negative_weights() -> Task:
    """Features that are never negative (counts) meet a layer whose weights were drawn around -0.1: most units are off
    on every sample, for ever."""
    x, y = blobs()
    x = (x - x.min()) * 3
    network = mlp(8, 32, 4)
    nn.init.normal_(network[0].weight, -0.1, 0.05)
    nn.init.zeros_(network[0].bias)
    return Task(network, x, y, functional.cross_entropy)


@bad("dead-units", by="2", truth=off("3", share=0.9))
def a_dead_layer_in_the_middle() -> Task:
    """The second layer's weights were made non-negative with the wrong sign after a ReLU (a "monotonic" network): its
    inputs are positive, its weights negative, all of its units are off."""
    network = mlp(8, 24, 24, 4)
    with torch.no_grad():
        network[2].weight.copy_(-network[2].weight.abs())
        network[2].bias.fill_(-0.05)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("dead-units", by="0", truth=off("1", share=0.7))
def channels_off_in_a_convolution() -> Task:
    """Three quarters of the channels carry a bias of -30 from a broken pruning mask."""
    layers = [nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 4)]
    network = nn.Sequential(*layers)
    with torch.no_grad():
        network[0].bias[:12] = -30
    return Task(network, *images(), functional.cross_entropy)
