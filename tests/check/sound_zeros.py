"""Zeros, copies and other regular starts that are right, and why."""

from __future__ import annotations

import copy
import math

import torch
from check.bad_loss import entropy
from check.cases import Case, Task, sound
from check.nets import Attention, Block, Decoder, Mixture, Pooled, Residual, adapted, fill, he, mlp, next_token, normal
from check.tasks import blobs, curve, images, rare, sequences, tokens
from check.truths import both, learns, loss_of
from torch import nn
from torch.nn import functional

ZERO = "sound-zero"


@sound(truth=learns(), explains=ZERO, by="lora_B", link="https://github.com/microsoft/LoRA/issues/98")
def lora_b_zero() -> Task:
    """LoRA as the paper has it: A random, B zero. B's gradient reads A and is not zero, so B moves first."""
    return Task(adapted(), *blobs(), functional.cross_entropy)


@sound(truth=learns(rate=0.03), explains=ZERO, by="lora_A", link="https://github.com/microsoft/LoRA/issues/98")
def lora_a_zero() -> Task:
    """The other way round, A zero and B random, which users report as a fault: it makes no difference which one."""
    network = adapted()
    for layer in (network[0], network[2]):
        nn.init.zeros_(layer.lora_A)
        nn.init.normal_(layer.lora_B, std=0.3)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="2.weight", link="https://github.com/microsoft/mup/issues/13")
def zero_head() -> Task:
    """A zero readout over a random body (muP's choice): its rows get different gradients from the classes at once."""
    network = mlp(8, 32, 4)
    fill(network[2], nn.init.zeros_)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="weight")
def logistic_regression_from_zero() -> Task:
    """Softmax regression from zero: convex, and the labels tell the rows apart."""
    return Task(fill(nn.Linear(8, 4), nn.init.zeros_), *blobs(), functional.cross_entropy)


@sound(truth=learns(rate=0.1), explains=ZERO)
def linear_regression_from_zero() -> Task:
    """Least squares from zero, the only unit there is."""
    x, _ = curve()
    return Task(fill(nn.Linear(4, 1), nn.init.zeros_), x, x @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]]), nn.MSELoss())


class BasicBlock(nn.Module):
    """ResNet's basic block; the last norm's gain may start at zero."""

    def __init__(self, channels: int, gain: float = 1.0) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        nn.init.constant_(self.bn2.weight, gain)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x))))))


def resnet(gain: float, blocks: int = 3, width: int = 12) -> nn.Sequential:
    """A stem, basic blocks, and a head."""
    stem = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    body = [BasicBlock(width, gain) for _ in range(blocks)]
    return nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 4))


@sound(truth=learns(30, still="conv"), explains=ZERO, by="bn2", link="https://arxiv.org/abs/1706.02677")
def zero_gain_of_the_last_norm() -> Task:
    """`zero_init_residual`: each block starts as the identity because its last gain is zero; the gain moves first."""
    return Task(resnet(0.0), *images(), functional.cross_entropy)


class LayerScaled(nn.Module):
    """x + gamma * block(norm x), gamma a vector."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(width), mlp(width, 4 * width, width, activation=nn.GELU)
        self.gamma = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.gamma * self.mlp(self.norm(x))


@sound(truth=learns(), explains=ZERO, by="gamma", link="https://arxiv.org/abs/2103.17239")
def layer_scale_of_a_millionth() -> Task:
    """CaiT's LayerScale at 1e-6: the branches are almost silent on purpose, the stream carries the signal."""
    blocks = [LayerScaled(16, 1e-6) for _ in range(3)]
    return Task(nn.Sequential(nn.Linear(8, 16), *blocks, nn.Linear(16, 4)), *blobs(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="zero_conv", link="https://arxiv.org/abs/2302.05543")
def controlnet_zero_convolution() -> Task:
    """A copy of a frozen body joined through a 1x1 convolution of zeros: its gradient is the copy's output, which is
    not zero."""

    class Control(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).requires_grad_(False)
            self.branch = copy.deepcopy(self.body).requires_grad_(True)
            self.zero_conv = fill(nn.Conv2d(8, 8, 1), nn.init.zeros_)
            self.head = nn.Linear(8, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head((self.body(x) + self.zero_conv(self.branch(x))).mean((2, 3)))

    return Task(Control(), *images(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="gain", link="https://arxiv.org/abs/2003.04887")
def rezero() -> Task:
    """ReZero: one scalar alpha = 0 in front of each branch; alpha's gradient is the branch's output, so it moves."""
    blocks = [Residual(mlp(16, 16, 16), torch.zeros(1)) for _ in range(4)]
    return Task(nn.Sequential(nn.Linear(8, 16), *blocks, nn.Linear(16, 4)), *blobs(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="branch.2", link="https://arxiv.org/abs/1901.09321")
def fixup() -> Task:
    """Fixup without norms: the last layer of each branch zero, the others scaled by depth, a zero head."""
    depth = 6
    branches = [mlp(16, 16, 16) for _ in range(depth)]
    for branch in branches:
        nn.init.normal_(branch[0].weight, std=math.sqrt(2 / 16) / math.sqrt(depth))
        fill(branch[2], nn.init.zeros_)
    network = nn.Sequential(nn.Linear(8, 16), *map(Residual, branches), nn.Linear(16, 4))
    fill(network[-1], nn.init.zeros_)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(80), by="0.weight")
def zero_first_layer_under_tanh() -> Task:
    """The first layer is zero, the one above random: under tanh, whose slope at zero is one, its units get different
    gradients and differ after one step."""
    network = mlp(8, 32, 4, activation=nn.Tanh)
    fill(network[0], nn.init.zeros_)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(80), by="query")
def zero_query_and_random_key() -> Task:
    """Uniform attention at the start by a zero query projection alone: its gradient reads the keys."""
    attention = Attention(8, 2)
    fill(attention.query, nn.init.zeros_)
    attention.key.bias.requires_grad_(False)
    return Task(Pooled(Residual(attention), 6, 8, 3), *sequences(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="down")
def zero_output_projections() -> Task:
    """modded-nanogpt: output projections of attention and MLP are zero, the head N(0, 0.005^2)."""
    network = Decoder(tied=False)
    for block in network.blocks:
        fill(block.attention.out, nn.init.zeros_)
        fill(block.down, nn.init.zeros_)
    normal(0.005)(network.head.weight)
    return Task(network, *tokens(), next_token)


@sound(truth=learns(), by="padding")
def padding_row_of_zeros() -> Task:
    """An embedding with a padding index: that row is zero and gets no gradient, as it should."""

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.Embedding(64, 16, padding_idx=0), nn.Linear(16, 4)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.head(self.words(words).mean(1))

    x, _ = tokens(64)
    x[:, 12:] = 0
    return Task(Bag(), x, x[:, 0] % 4, functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="modulation", link="https://arxiv.org/abs/2212.09748")
def adaptive_norm_zero() -> Task:
    """DiT's adaLN-zero: shift, scale and gate of a block come from a zero layer of the condition; the gate opens first
    because the block behind it is random."""

    class Modulated(nn.Module):
        def __init__(self, width: int = 16) -> None:
            super().__init__()
            self.stem, self.norm = nn.Linear(8, width), nn.LayerNorm(width, elementwise_affine=False)
            self.modulation = fill(nn.Linear(8, 3 * width), nn.init.zeros_)
            self.mlp, self.head = mlp(width, 32, width, activation=nn.SiLU), nn.Linear(width, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.stem(x)
            shift, scale, gate = self.modulation(functional.silu(x)).chunk(3, -1)
            return self.head(hidden + gate * self.mlp(self.norm(hidden) * (1 + scale) + shift))

    return Task(Modulated(), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def flow_that_starts_as_the_identity() -> Task:
    """A coupling layer of a normalizing flow: shift and log-scale come from a network whose last layer is zero."""

    class Coupling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(2, 32, 4, activation=nn.Tanh)
            fill(self.net[2], nn.init.zeros_)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            shift, log_scale = self.net(x[:, :2]).chunk(2, -1)
            return torch.cat([x[:, :2], (x[:, 2:] - shift) * torch.exp(-log_scale)], 1), -log_scale.sum(1)

    def likelihood(out: tuple[torch.Tensor, torch.Tensor], _y: object) -> torch.Tensor:
        return (out[0].square().sum(1) / 2 - out[1]).mean()

    x = torch.randn(256, 4)
    x[:, 2:] = 0.2 * x[:, 2:] + 2 * x[:, :2]
    return Task(Coupling(), x, torch.zeros(256), likelihood)


# --- the last bias is told the base rate ---


def _at_the_base_rate(share: float) -> object:
    def truth(case: Case) -> None:
        task = case.build()
        assert float(loss_of(task, task.network).detach()) < 1.3 * entropy(share)

    return truth


@sound(truth=both(_at_the_base_rate(0.01), learns(150, rate=0.03, to=0.9)), link="https://arxiv.org/abs/1708.02002")
def prior_bias_under_imbalance() -> Task:
    """One positive in a hundred, and a last bias of -ln 99 with small weights: the start knows the base rate."""
    network = mlp(8, 16, 1)
    normal(0.01)(network[2].weight)
    nn.init.constant_(network[2].bias, -math.log(99))
    return Task(network, *rare(2000, positives=20), functional.binary_cross_entropy_with_logits)


def focal(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """RetinaNet's loss, gamma 2."""
    p = torch.sigmoid(logits)
    hit = torch.where(y > 0, p, 1 - p)
    return (-((1 - hit) ** 2) * torch.log(hit)).mean()


@sound(truth=learns(100, rate=0.03), link="https://arxiv.org/abs/1708.02002")
def focal_loss_with_its_prior() -> Task:
    """RetinaNet's head: focal loss, prior 0.01 in the bias, N(0, 0.01^2) above."""
    network = mlp(8, 16, 1)
    normal(0.01)(network[2].weight)
    nn.init.constant_(network[2].bias, -math.log(99))
    return Task(network, *rare(1000, positives=10), focal)


@sound(truth=learns(200, rate=0.03))
def mean_in_the_last_bias() -> Task:
    """Targets of mean 300, and a last bias of 300: as good as standardizing."""
    network = mlp(4, 32, 1)
    x, y = curve(mean=300, std=1)
    with torch.no_grad():
        network[2].bias.copy_(y.mean(0))
    return Task(network, x, y, functional.mse_loss)


# --- copies on purpose ---


@sound(truth=learns(30))
def target_network() -> Task:
    """DQN: the target network is a frozen copy of the online network, bit-equal on purpose."""

    class Agent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.online = mlp(4, 32, 3)
            self.target = copy.deepcopy(self.online).requires_grad_(False)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.online(x), "target": self.target(x)}

    def bellman(out: dict[str, torch.Tensor], reward: torch.Tensor) -> torch.Tensor:
        goal = reward[:, 0] + 0.5 * out["target"].max(1).values
        return functional.smooth_l1_loss(out["logits"].max(1).values, goal)

    return Task(Agent(), *curve(), bellman)


@sound(truth=learns(), link="https://arxiv.org/abs/1909.11942")
def one_block_used_four_times() -> Task:
    """ALBERT: one block, applied four times; there is one set of weights, not four equal ones."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.block, self.head = nn.Linear(6, 16), Block(16, 2), nn.Linear(16, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.embed(x)
            for _ in range(4):
                x = self.block(x)
            return self.head(x.mean(1))

    return Task(Shared(), *sequences(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/2202.08906")
def mixture_with_a_small_random_router() -> Task:
    """A soft mixture whose router starts at 0.02: nearly uniform, not symmetric, the experts differ."""
    network = Mixture(8, 16, 4)
    normal(0.02)(network.router.weight)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(), explains=ZERO, by="router")
def mixture_with_a_zero_router() -> Task:
    """A zero router over experts that differ: its gradient is the difference of the experts, so it moves at once."""
    network = Mixture(8, 16, 4)
    nn.init.zeros_(network.router.weight)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(still="body"))
def frozen_body_and_a_new_head() -> Task:
    """Linear probing: a frozen body, a fresh head that alone is trained."""
    network = mlp(8, 64, 64, 4)
    for layer in network[:4]:
        layer.requires_grad_(False)
    he(network[4].weight).data.mul_(0.5)
    return Task(network, *blobs(), functional.cross_entropy)
