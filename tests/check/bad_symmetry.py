"""Units, channels, heads and experts that are one for ever."""

from __future__ import annotations

import copy

import torch
from check.cases import Case, Task, bad
from check.nets import Attention, Mixture, Pooled, Recurrent, Residual, fill, mlp
from check.tasks import blobs, images, rare, sequences
from check.truths import bit_equal, both, frozen, tied
from torch import nn
from torch.nn import functional

CS231N = "https://cs231n.github.io/neural-networks-2/"


@bad("symmetric-units", "stuck-parameters", by="0", truth=tied("0.weight"), link=CS231N)
def zero_weights() -> Task:
    """The course's first experiment: every weight and bias of a tanh network is zero. With zero weights above and
    below, no hidden unit ever moves; only the output bias learns."""
    return Task(fill(mlp(8, 16, 4, activation=nn.Tanh), nn.init.zeros_), *blobs(), functional.cross_entropy)


@bad(
    "symmetric-units",
    by="0",
    truth=tied("0.weight"),
    link="https://stats.stackexchange.com/questions/45087/why-doesnt-backpropagation-work-when-you-initialize-the-weights-the-same-value",
)
def weights_of_one_half() -> Task:
    """Somebody asks why backpropagation fails when every weight is 0.5 but works when they are random: all hidden units
    get the same error, so they stay one unit."""
    return Task(fill(mlp(8, 12, 1, activation=nn.Sigmoid), lambda w: nn.init.constant_(w, 0.5)), *rare(), _bce)


def _bce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(127.0))


@bad("symmetric-units", by="2", truth=tied("2.weight"), link=CS231N)
def constant_middle_and_top() -> Task:
    """The first layer is random, the two above are constant: the units of the second layer read the same sums and are
    read alike, so they are one; the first layer's units differ."""
    network = mlp(8, 16, 12, 1, activation=nn.Tanh)
    for layer in (network[2], network[4]):
        nn.init.constant_(layer.weight, 0.2)
        nn.init.zeros_(layer.bias)
    return Task(network, *rare(256, positives=128), functional.binary_cross_entropy_with_logits)


@bad("symmetric-units", by="0", truth=tied("0.weight"))
def neurons_that_share_a_seed() -> Task:
    """An object-oriented network: each neuron draws its incoming and its outgoing weights from a generator of its own,
    and each generator gets the same seed, so that all neurons are one."""
    network = mlp(8, 10, 4)
    for unit in range(10):
        generator = torch.Generator().manual_seed(42)
        with torch.no_grad():
            network[0].weight[unit].normal_(0, 0.5, generator=generator)
            network[2].weight[:, unit].normal_(0, 0.3, generator=generator)
    nn.init.zeros_(network[0].bias)
    return Task(network, *blobs(), functional.cross_entropy)


SHARDS = [[unit, unit + 8] for unit in range(8)]


@bad(
    "symmetric-units",
    by="0",
    truth=tied("0.weight", groups=SHARDS),
    link="https://github.com/pytorch/torchtitan/issues/3106",
)
def shards_of_ranks_that_share_a_seed() -> Task:
    """Tensor parallelism over two ranks that were seeded alike: the row shards of the first layer and the column shards
    of the second are bit-equal, so the width is half of what is paid for."""
    network = mlp(8, 16, 4)
    with torch.no_grad():
        network[0].weight[8:], network[0].bias[8:] = network[0].weight[:8].clone(), network[0].bias[:8].clone()
        network[2].weight[:, 8:] = network[2].weight[:, :8].clone()
    return Task(network, *blobs(), functional.cross_entropy)


@bad(
    "symmetric-units",
    by="0",
    truth=tied("0.weight", groups=[[0, 8], [1, 9]]),
    link="https://github.com/soumith/net2net.torch/issues/3",
)
def widened_without_noise() -> Task:
    """Net2Net's wider layer: two units are copied and the outgoing weights halved, but the noise that should break the
    tie is left out, so that the new units never become new."""
    small = mlp(8, 8, 4, activation=nn.Tanh)
    network = mlp(8, 10, 4, activation=nn.Tanh)
    chosen = [*range(8), 0, 1]
    with torch.no_grad():
        network[0].weight.copy_(small[0].weight[chosen])
        network[0].bias.copy_(small[0].bias[chosen])
        network[2].weight.copy_(small[2].weight[:, chosen] / torch.tensor([2, 2, *[1] * 6, 2, 2]))
    return Task(network, *blobs(), functional.cross_entropy)


def _constant_convolutions(*, norm: bool) -> Task:
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]
    if norm:
        layers[1:1] = [nn.BatchNorm2d(8)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    fill(network, lambda w: nn.init.constant_(w, 0.05))
    return Task(network, *images(), functional.cross_entropy)


@bad("symmetric-units", by="0", truth=tied("0.weight"))
def constant_convolution_kernels() -> Task:
    """Every kernel is the same blur (constant 0.05), as in an exercise on box filters: eight channels are one."""
    return _constant_convolutions(norm=False)


@bad("symmetric-units", by="0", truth=tied("0.weight"))
def constant_kernels_under_batch_norm() -> Task:
    """Batch normalization is said to forgive any start. It scales equal channels alike, so they stay equal."""
    return _constant_convolutions(norm=True)


@bad("symmetric-units", by="query", truth=tied("layer.query.weight", groups=[[0, 4], [1, 5], [2, 6], [3, 7]]))
def cloned_heads() -> Task:
    """Attention grown from one head to two by copying it, in the three projections and in the columns of the output
    projection: both heads stay one head."""
    attention = Attention(8, 2)
    with torch.no_grad():
        for layer in (attention.query, attention.key, attention.value):
            layer.weight[4:], layer.bias[4:] = layer.weight[:4].clone(), layer.bias[:4].clone()
        attention.out.weight[:, 4:] = attention.out.weight[:, :4].clone()
    return Task(Pooled(attention, 6, 8, 3), *sequences(), functional.cross_entropy)


@bad("symmetric-units", by="layer", truth=tied("layer.weight_hh_l0", groups=[list(range(12))]))
def constant_gru() -> Task:
    """A GRU and its head filled with 0.1: its twelve hidden units are one, as if it had a single one."""
    network = Recurrent(nn.GRU(6, 12, batch_first=True), 3)
    return Task(fill(network, lambda w: nn.init.constant_(w, 0.1)), *sequences(), functional.cross_entropy)


@bad("symmetric-units", "stuck-parameters", by="layer", truth=tied("layer.weight_hh_l0"))
def zero_lstm() -> Task:
    """`for p in lstm.parameters(): p.data.zero_()` and a zero head: the cell stays at zero and nothing but the head's
    bias learns."""
    network = Recurrent(nn.LSTM(6, 12, batch_first=True), 3)
    return Task(fill(network, nn.init.zeros_), *sequences(), functional.cross_entropy)


@bad("symmetric-units", by="0", truth=tied("0.weight", groups=[[0, 5], [1, 6]], sign=-1))
def mirrored_tanh_units() -> Task:
    """Antithetic sampling: weights are drawn in pairs w, -w to balance the layer, above as below. Under tanh, an odd
    function, a unit and its mirror with the mirrored outgoing weight are one unit."""
    network = mlp(8, 10, 4, activation=nn.Tanh)
    with torch.no_grad():
        network[0].bias.zero_()
        network[0].weight[5:] = -network[0].weight[:5].clone()
        network[2].weight[:, 5:] = -network[2].weight[:, :5].clone()
    return Task(network, *blobs(), functional.cross_entropy)


def _collinear(case: Case) -> None:
    task = case.build()
    network = copy.deepcopy(task.network)
    descent = torch.optim.SGD(network.parameters(), 0.05)
    for _ in range(30):
        descent.zero_grad()
        task.loss_fn(network(task.x), task.y).backward()
        descent.step()
    weight = network[0].weight.detach()
    assert torch.allclose(weight[4:], 2 * weight[:4], rtol=1e-3, atol=1e-5)


@bad("symmetric-units", by="0", truth=_collinear)
def collinear_relu_units() -> Task:
    """Half of the ReLU units are twice the other half, incoming and outgoing. ReLU is homogeneous, so under gradient
    descent without momentum's help the pairs keep their direction: seen over 30 steps, ratio 2 to four digits."""
    network = mlp(8, 8, 4)
    with torch.no_grad():
        network[0].bias.zero_()
        network[0].weight[4:] = 2 * network[0].weight[:4].clone()
        network[2].weight[:, 4:] = 2 * network[2].weight[:, :4].clone()
    network[0].bias.requires_grad_(False)
    return Task(network, *blobs(), functional.cross_entropy)


def _zero_router() -> Mixture:
    network = Mixture(8, 12, 4)
    nn.init.zeros_(network.router.weight)
    for expert in network.experts[1:]:
        expert.load_state_dict(network.experts[0].state_dict())
    return network


@bad(
    "cloned-layers",
    "symmetric-units",
    "stuck-parameters",
    by="r",
    truth=both(bit_equal("experts.0.0.weight", "experts.3.0.weight"), frozen("router.weight")),
    link="https://github.com/laekov/fastmoe/pull/4",
)
def copied_experts_under_a_zero_router() -> Task:
    """Every worker shared one seed, so all experts started alike, and the router started at zero: the router sees no
    difference between the experts and never moves, and the experts stay one."""
    return Task(_zero_router(), *blobs(), functional.cross_entropy)


class Ensemble(nn.Module):
    """The mean of members."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([member(x) for member in self.members]).mean(0)


@bad("cloned-layers", "symmetric-units", by="members", truth=bit_equal("members.0.0.weight", "members.2.0.weight"))
def ensemble_of_one_seed() -> Task:
    """A deep ensemble trained through its mean, each member built right after `manual_seed(0)`: four members, one
    model."""
    members: list[nn.Module] = []
    for _ in range(4):
        torch.manual_seed(0)
        members.append(mlp(8, 16, 4))
    return Task(Ensemble(members), *blobs(), functional.cross_entropy)


@bad("symmetric-units", by="branch", truth=tied("1.branch.0.weight"))
def constant_hidden_layer_in_a_residual_branch() -> Task:
    """The stem is random, the branch's two layers are constant. The skip connection carries the differences of the
    stream, but the branch's own hidden units read and write alike and stay one."""
    network = nn.Sequential(nn.Linear(8, 12), Residual(mlp(12, 10, 12)), nn.Linear(12, 4))
    fill(network[1], lambda w: nn.init.constant_(w, 0.05))
    return Task(network, *blobs(), functional.cross_entropy)


@bad("symmetric-units", by="0", truth=tied("0.weight"))
def constant_depthwise_then_pointwise() -> Task:
    """A depthwise-separable block whose pointwise layer and head are constant as well as the stem: all channels one."""
    layers = [nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU(), nn.Conv2d(8, 8, 1)]
    network = nn.Sequential(*layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    fill(network, lambda w: nn.init.constant_(w, 0.1))
    return Task(network, *images(), functional.cross_entropy)


@bad("symmetric-units", "plateau", "wrong-scale", by="0", truth=tied("0.weight", steps=5))
def constant_with_a_breath_of_noise() -> Task:
    """Weights 0.1 + 1e-7 N(0, 1): the noise is lost beside the constant; the units move as one for the whole warm-up
    (equal to four digits after the steps tried)."""
    network = fill(mlp(8, 16, 16, 1, activation=nn.Tanh), lambda w: w.data.normal_(0.1, 1e-7))
    return Task(network, *rare(256, positives=128), functional.binary_cross_entropy_with_logits)
