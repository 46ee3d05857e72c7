"""Special values that a later sweep overwrites, and parameters that nothing initialized. The model is a builder."""

from __future__ import annotations

import math

import torch
from check.cases import Builder, Case, Task, Truth, bad
from check.nets import Recurrent, Residual, mlp, normal
from check.tasks import blobs, rare, sequences, tokens
from check.truths import parameter
from torch import nn
from torch.nn import functional


def seeded(build: Builder) -> Builder:
    """A builder that gives the same model whenever it is called."""

    def again() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build()

    return again


def sweep(module: nn.Module) -> None:
    """The `_init_weights` that every repository has."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, (nn.LSTM, nn.GRU)):
        for name, weight in module.named_parameters():
            nn.init.uniform_(weight, -0.1, 0.1) if "weight" in name else nn.init.zeros_(weight)


def lost(name: str, meant: float) -> Truth:
    """No value of the parameter is any longer what the constructor gave."""

    def truth(case: Case) -> None:
        assert not (parameter(case.build().network, name) == meant).any()

    return truth


class Gated(nn.Module):
    """A model whose residual branch is meant to start at zero."""

    def __init__(self) -> None:
        super().__init__()
        branch = mlp(16, 16, 16, activation=nn.GELU)
        nn.init.zeros_(branch[2].weight)
        self.body = nn.Sequential(nn.Linear(8, 16), Residual(branch), nn.LayerNorm(16), nn.Linear(16, 4))
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


@bad(
    "overwritten-init",
    by="branch.2.weight",
    truth=lost("body.1.branch.2.weight", 0.0),
    link="https://github.com/yz93/LAVT-RIS/issues/15",
)
def zero_gate_then_a_sweep() -> Task:
    """The gate's last layer is zeroed in its constructor; the parent then calls `self.apply(init_weights)`, and the
    authors learn from an issue that their zero was never used."""
    return Task(seeded(Gated), *blobs(), functional.cross_entropy)


class Forgetful(nn.Module):
    """An LSTM whose forget bias is set to 1 before the sweep sets all biases to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Recurrent(nn.LSTM(6, 12, batch_first=True), 3)
        nn.init.ones_(self.network.layer.bias_hh_l0[12:24])
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


@bad("overwritten-init", by="bias_hh", truth=lost("network.layer.bias_hh_l0", 1.0))
def forget_bias_then_a_sweep() -> Task:
    """The forget gate's bias of 1 does not survive the model's own sweep."""
    return Task(seeded(Forgetful), *sequences(), functional.cross_entropy)


class Detector(nn.Module):
    """A head with the focal loss's prior bias, overwritten by the sweep."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(8, 16), nn.ReLU()), nn.Linear(16, 1)
        nn.init.constant_(self.head.bias, -math.log(99))
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


@bad(
    "overwritten-init",
    by="head.bias",
    truth=lost("head.bias", -math.log(99)),
    link="https://arxiv.org/abs/1708.02002",
)
def prior_bias_then_a_sweep() -> Task:
    """RetinaNet's prior is written, then the sweep zeroes all biases."""
    return Task(seeded(Detector), *rare(2000, positives=20), functional.binary_cross_entropy_with_logits)


GLOVE = 0.123456


class Pretrained(nn.Module):
    """A bag of words over a pretrained embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(64, 16), nn.Linear(16, 4)
        with torch.no_grad():
            self.embedding.weight.copy_(torch.randn(64, 16).sign() * GLOVE)
        self.apply(sweep)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(words).mean(1))


@bad("overwritten-init", by="embedding", truth=lost("embedding.weight", GLOVE))
def pretrained_vectors_then_a_sweep() -> Task:
    """GloVe is copied in, then every embedding is drawn anew: the pretrained vectors were never used."""
    x, _ = tokens(32)
    return Task(seeded(Pretrained), x, x[:, 0] % 4, functional.cross_entropy)


class Scaled(nn.Module):
    """A hand-written layer with a gain that nobody fills."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 4)
        self.gain = nn.Parameter(torch.empty(16))
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.first(x)) * self.gain)


def _never(case: Case) -> None:
    model = case.build().network
    assert "gain" in dict(model.named_parameters()) or any("gain" in name for name, _ in model.named_parameters())


@bad(
    "overwritten-init",
    "uninitialized-memory",
    "non-finite",
    by="gain",
    truth=_never,
    link="https://github.com/mosaicml/llm-foundry/pull/1745",
)
def gain_that_nothing_fills() -> Task:
    """`nn.Parameter(torch.empty(16))`, and a sweep that knows only the library's layers. Whether memory holds zeros,
    numbers or nan depends on the day; that nothing wrote it does not."""
    return Task(seeded(Scaled), *blobs(), functional.cross_entropy)


def _from_meta() -> nn.Module:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 4))
    model = model.to_empty(device="cpu")
    return model.apply(sweep)


def _norm_unfilled(case: Case) -> None:
    assert isinstance(case.build().network[1], nn.LayerNorm)


@bad(
    "overwritten-init",
    "uninitialized-memory",
    "non-finite",
    by="1.",
    truth=_norm_unfilled,
    link="https://github.com/NVIDIA-BioNeMo/bionemo-recipes/pull/1368",
)
def norm_skipped_after_the_meta_device() -> Task:
    """Built on the meta device, given memory by `to_empty`, then swept by an initializer that leaves norms alone: their
    gains are whatever the memory held."""
    return Task(seeded(_from_meta), *blobs(), functional.cross_entropy)


class Nested(nn.Module):
    """A child that scales its residual projection, inside a parent that sweeps again."""

    def __init__(self) -> None:
        super().__init__()
        self.child = mlp(8, 16, 4, activation=nn.GELU)
        normal(0.02 / math.sqrt(24))(self.child[2].weight)
        self.child.apply(lambda module: None)
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.child(x)


def _unscaled(case: Case) -> None:
    assert parameter(case.build().network, "child.2.weight").std() > 0.01


@bad(
    "overwritten-init",
    by="child.2.weight",
    truth=_unscaled,
    link="https://github.com/huggingface/transformers/pull/42306",
)
def depth_scaling_then_a_sweep() -> Task:
    """The residual projection is given 0.02 / sqrt(2 L); the wrapper's sweep gives it 0.02 again. Written twice, and
    the second time for the worse."""
    return Task(seeded(Nested), *blobs(), functional.cross_entropy)
