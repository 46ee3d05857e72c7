"""Parameters whose gradient is zero for ever, and layers that are copies of each other."""

from __future__ import annotations

import copy

import torch
from check.cases import Task, bad
from check.nets import Attention, Block, Decoder, Pooled, Residual, SwiGLU, adapted, fill, mlp, next_token, normal
from check.tasks import blobs, curve, images, sequences, tokens
from check.truths import bit_equal, frozen
from torch import nn
from torch.nn import functional


@bad(
    "stuck-parameters",
    by="lora",
    truth=frozen("0.lora_A", "0.lora_B", "2.lora_A", "2.lora_B"),
    link="https://github.com/NovaSky-AI/SkyRL/pull/852",
)
def lora_with_both_factors_zero() -> Task:
    """An adapter slot was cleared and used again: A and B are both zero, each one's gradient has the other as a factor,
    and the adapter never trains."""
    network = adapted()
    nn.init.zeros_(network[0].lora_A)
    nn.init.zeros_(network[2].lora_A)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("stuck-parameters", by="query", truth=frozen("layer.query.weight", "layer.key.weight"))
def query_and_key_zero() -> Task:
    """Uniform attention at the start was wanted; both projections were set to zero instead of one. The logits are a
    product of the two, so neither ever gets a gradient and attention stays uniform."""
    attention = Attention(8, 2)
    for layer in (attention.query, attention.key):
        fill(layer, nn.init.zeros_)
    return Task(Pooled(attention, 6, 8, 3), *sequences(), functional.cross_entropy)


@bad("stuck-parameters", by="layer", truth=frozen(*(f"layer.branch.{n}.weight" for n in ("query", "value", "out"))))
def value_and_output_zero() -> Task:
    """A new attention layer is to start silent, so its value and its output projection are set to zero. One of the two
    would do; with both the whole layer is dead."""
    attention = Attention(8, 2)
    for layer in (attention.value, attention.out):
        fill(layer, nn.init.zeros_)
    attention.value.bias.requires_grad_(False)
    return Task(Pooled(Residual(attention), 6, 8, 3), *sequences(), functional.cross_entropy)


@bad(
    "stuck-parameters",
    by="1.branch",
    truth=frozen("1.branch.gate.weight", "1.branch.up.weight", "1.branch.down.weight"),
)
def gate_and_up_zero() -> Task:
    """SwiGLU with gate = up = 0: silu(0) * 0 is a product of two zeros, so no gradient reaches gate, up or down."""
    network = nn.Sequential(nn.Linear(8, 12), Residual(SwiGLU(12, 24)), nn.Linear(12, 4))
    nn.init.zeros_(network[1].branch.gate.weight)
    nn.init.zeros_(network[1].branch.up.weight)
    return Task(network, *blobs(), functional.cross_entropy)


@bad(
    "stuck-parameters",
    "dead-units",
    "symmetric-units",
    by="0",
    truth=frozen("0.weight", "0.bias"),
    link="https://github.com/lucidrains/deep-cross-attention/issues/2",
)
def zero_layer_before_relu() -> Task:
    """A zero-initialized layer without noise before a ReLU: the derivative at 0 is 0 by convention, so the layer never
    leaves zero, whatever is above it."""
    network = mlp(8, 16, 4)
    nn.init.zeros_(network[0].weight)
    nn.init.zeros_(network[0].bias)
    return Task(network, *blobs(), functional.cross_entropy)


class Gated(nn.Module):
    """x + gate(x) * x with a gate of two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False), nn.Tanh()]
        self.res_gate = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.res_gate(x) * x


@bad(
    "stuck-parameters",
    "symmetric-units",
    "dead-units",
    by="res_gate",
    truth=frozen("1.res_gate.0.weight", "1.res_gate.2.weight"),
    link="https://github.com/yz93/LAVT-RIS/issues/25",
)
def gate_of_two_zero_layers() -> Task:
    """A gate that was meant to open from zero has both of its layers at zero with a ReLU between: a user asks whether
    it can ever open. It cannot."""
    network = nn.Sequential(nn.Linear(8, 12), Gated(12), nn.Linear(12, 4))
    fill(network[1], nn.init.zeros_)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("stuck-parameters", by="1.", truth=frozen("1.gain", "1.branch.2.weight", "1.branch.0.weight"))
def rezero_on_top_of_a_zero_branch() -> Task:
    """Two recipes for a silent residual branch were combined: alpha = 0 (ReZero) and a zero last layer (Fixup). Each is
    right alone; together each is the other's zero factor."""
    branch = mlp(12, 12, 12)
    fill(branch[2], nn.init.zeros_)
    network = nn.Sequential(nn.Linear(8, 12), Residual(branch, torch.zeros(1)), nn.Linear(12, 4))
    return Task(network, *blobs(), functional.cross_entropy)


@bad("stuck-parameters", by="branch", truth=frozen("1.branch.0.weight", "1.branch.1.weight"))
def two_zero_convolutions_in_series() -> Task:
    """ControlNet's zero convolution put twice on the same path: the first is silenced by the second and the second
    reads only zeros."""
    branch = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(8, 8, 1, bias=False))
    fill(branch, nn.init.zeros_)
    head = [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)]
    return Task(nn.Sequential(nn.Conv2d(3, 8, 3), Residual(branch), *head), *images(), functional.cross_entropy)


class Factorization(nn.Module):
    """Ratings as products of a user's and an item's factors."""

    def __init__(self, users: int, items: int, rank: int) -> None:
        super().__init__()
        self.user, self.item = nn.Embedding(users, rank), nn.Embedding(items, rank)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        return (self.user(users) * self.item(items)).sum(-1)


def ratings() -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Every pair of 12 users and 10 items, with ratings of rank 2 and mean near zero."""
    users, items = torch.arange(12).repeat_interleave(10), torch.arange(10).repeat(12)
    table = torch.randn(12, 2) @ torch.randn(2, 10)
    return (users, items), table.flatten() - table.mean()


@bad("stuck-parameters", "symmetric-units", by="user", truth=frozen("user.weight", "item.weight"))
def factorization_from_zero() -> Task:
    """Matrix factorization with both embeddings at zero ("no prior knowledge"): the prediction is a product of two
    zeros, all gradients vanish and the loss never moves."""
    network = Factorization(12, 10, 4)
    fill(network, nn.init.zeros_)
    x, y = ratings()
    return Task(network, x, y, functional.mse_loss)


@bad("stuck-parameters", "symmetric-units", by="2", truth=frozen("0.weight", "2.weight", "4.weight"))
def zero_head_over_a_zero_layer() -> Task:
    """A zero head is sound and a zero layer under tanh is sound; one on top of the other stops everything but the last
    bias."""
    network = mlp(8, 16, 16, 4, activation=nn.Tanh)
    fill(network[2], nn.init.zeros_)
    fill(network[4], nn.init.zeros_)
    return Task(network, *blobs(), functional.cross_entropy)


# --- copies ---


@bad(
    "cloned-layers",
    by="layers",
    truth=bit_equal("layer.layers.0.linear1.weight", "layer.layers.1.linear1.weight", "layer.layers.2.linear1.weight"),
    link="https://github.com/pytorch/pytorch/issues/72253",
)
def transformer_encoder_as_it_comes() -> Task:
    """`nn.TransformerEncoder` deep-copies the layer that it is given, so that all layers start with the same bits,
    which users take for a fault again and again; `nn.Transformer` draws anew."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    return Task(Pooled(encoder, 6, 8, 3), *sequences(), functional.cross_entropy)


@bad(
    "cloned-layers",
    by="blocks",
    truth=bit_equal("blocks.0.up.weight", "blocks.1.up.weight", "blocks.3.up.weight"),
    link="https://github.com/harvardnlp/annotated-transformer/issues/9",
)
def blocks_by_deepcopy() -> Task:
    """`nn.ModuleList([copy.deepcopy(block) for _ in range(N)])`, without the sweep that draws anew afterwards."""
    network = Decoder(depth=4)
    network.blocks = nn.ModuleList(copy.deepcopy(network.blocks[0]) for _ in range(4))
    return Task(network, *tokens(), next_token)


@bad("cloned-layers", by="2", truth=bit_equal("2.weight", "4.weight", "6.weight"))
def one_seed_for_every_layer() -> Task:
    """For the sake of reproducibility each layer's initializer is given the same seed; layers of one shape get the same
    numbers."""
    network = mlp(8, 16, 16, 16, 16, 4)
    for layer in network:
        if isinstance(layer, nn.Linear):
            torch.manual_seed(1234)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return Task(network, *blobs(), functional.cross_entropy)


@bad("cloned-layers", by="key", truth=bit_equal("attention.query.weight", "attention.key.weight"))
def query_equal_to_key() -> Task:
    """The same initializer object with a fixed seed for query and key: their matrices are bit-equal although nobody
    meant to tie them, so attention starts symmetric."""

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.head = Block(12, 2).attention, nn.Linear(12, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.attention(functional.pad(x, (0, 6))).mean(1))

    network = Classifier()
    for layer in (network.attention.query, network.attention.key):
        torch.manual_seed(7)
        normal(0.3)(layer.weight)
    return Task(network, *sequences(), functional.cross_entropy)


@bad("stuck-parameters", by="hyper", truth=frozen("hyper.weight", "code"))
def hypernetwork_from_zero() -> Task:
    """A hypernetwork writes the weights of a small layer as matrix times code; both the matrix and the code start at
    zero, so neither moves."""

    class Hyper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.code = nn.Linear(4, 8), nn.Parameter(torch.zeros(5))
            self.hyper = nn.Linear(5, 8, bias=False)
            nn.init.zeros_(self.hyper.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.body(x)) @ self.hyper(self.code)[:, None]

    network = Hyper()
    return Task(network, *curve(), functional.mse_loss)
