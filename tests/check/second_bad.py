"""Bad starts of a second hundred, written from reports without a look at the rules, and missed at first."""

from __future__ import annotations

import copy

import torch
from check.cases import Case, Task, bad
from check.nets import mlp, normal
from check.tasks import blobs, curve, images, sequences
from check.truths import both, frozen, loss_of, measured, off, signal, starts_above, train, value
from torch import nn
from torch.nn import functional

# --- what is one for ever ---


class Mixed(nn.Module):
    """Experts whose answers are weighed by a router of their own column each."""

    def __init__(self, experts: int = 4) -> None:
        super().__init__()
        expert = mlp(8, 16, 8)
        self.experts = nn.ModuleList(copy.deepcopy(expert) for _ in range(experts))
        self.router, self.head = nn.Linear(8, experts, bias=False), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.router(x).softmax(-1)
        return self.head(sum(weights[:, i : i + 1] * expert(x) for i, expert in enumerate(self.experts)))


def _experts_stay_equal(case: Case) -> None:
    """After twenty steps of gradient descent the experts are equal but for rounding, and the router is where it was.

    Adam divides by the gradient's size, and so makes steps of what rounding leaves of the router's.
    """
    trained, losses = train(case.build(), 20, rate=0.1, optimizer="gd")
    first, *others = (torch.cat([p.detach().flatten() for p in expert.parameters()]) for expert in trained.experts)
    assert losses[-1] < losses[0]
    assert all(float((first - other).abs().max()) < 1e-4 for other in others)
    assert float(trained.router.weight.detach().abs().max()) < 1e-3


@bad("symmetric-units", by="experts.3", truth=_experts_stay_equal, link="https://arxiv.org/abs/2212.05055")
def dense_layer_copied_to_experts_under_a_zero_router() -> Task:
    """Sparse upcycling with a router of zeros: every expert gets the same share of the same error."""
    network = Mixed()
    nn.init.zeros_(network.router.weight)
    return Task(network, *blobs(64), functional.cross_entropy)


class Stacked(nn.Module):
    """The same with the experts' answers side by side, weighed by a product of matrices."""

    def __init__(self, experts: int = 3) -> None:
        super().__init__()
        expert = nn.Linear(8, 16)
        self.experts = nn.ModuleList(copy.deepcopy(expert) for _ in range(experts))
        self.router, self.head = nn.Linear(8, experts, bias=False), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answers = torch.stack([torch.relu(expert(x)) for expert in self.experts], 1)
        return self.head(torch.einsum("be,bed->bd", self.router(x).softmax(-1), answers))


@bad("symmetric-units", by="experts.2", truth=_experts_stay_equal)
def copied_experts_under_a_product_of_matrices() -> Task:
    """No rule follows the exchange through the product; the gradients tell."""
    network = Stacked()
    nn.init.zeros_(network.router.weight)
    return Task(network, *blobs(64), functional.cross_entropy)


# --- what no gradient reaches ---


class Rounded(nn.Module):
    """Features that are rounded before the head reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.round(self.features(x)))


@bad("stuck-parameters", by="features.weight", truth=frozen("features.weight", "features.bias"))
def features_rounded_without_a_straight_through_gradient() -> Task:
    """round is flat between its jumps, so that what lies before it never learns."""
    return Task(Rounded(), *blobs(), functional.cross_entropy)


class Thresholds(nn.Module):
    """Bits of features, as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head((self.features(x) > 0).float())


@bad("stuck-parameters", by="features.weight", truth=frozen("features.weight", "features.bias"))
def bits_of_features() -> Task:
    """A comparison has no gradient, and all that the head sees went through it."""
    return Task(Thresholds(), *blobs(), functional.cross_entropy)


@bad("stuck-parameters", by="2.weight", truth=frozen("0.weight", "0.bias", "2.weight", "2.bias"))
def softmax_over_a_single_class() -> Task:
    """A softmax over one output is 1, whatever it is given (stackoverflow: the loss stays the same for ever)."""
    x, y = blobs(classes=2)
    return Task(nn.Sequential(*mlp(8, 16, 1), nn.Softmax(-1)), x, y[:, None].float(), nn.BCELoss())


# --- flat parts ---


@bad("dead-units", by="0.bias", truth=off("1"))
def most_units_of_gelu_pushed_off() -> Task:
    """Twenty of thirty-two biases at -30 in front of GELU."""
    network = mlp(8, 32, 4, activation=nn.GELU)
    network[0].bias.data[:20] = -30.0
    return Task(network, *blobs(), functional.cross_entropy)


@bad("dead-units", by="1.bias", truth=off("2", share=0.99))
def norm_whose_shift_turns_all_channels_off() -> Task:
    """A batch norm that starts with a shift of -9 in front of ReLU."""
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)]
    nn.init.constant_(layers[1].bias, -9.0)
    return Task(nn.Sequential(*layers), *images(), functional.cross_entropy)


class Scores(nn.Module):
    """Attention whose weights come out of a module of their own."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(64, 64) for _ in range(3))
        self.look, self.head, self.fused = nn.Softmax(-1), nn.Linear(64, 3), fused

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.query(x), self.key(x), self.value(x)
        if self.fused:
            mixed = functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], is_causal=True)
            return self.head(mixed[:, 0].mean(1))
        return self.head((self.look(q @ k.transpose(1, 2)) @ v).mean(1))


def _sharp(*, fused: bool) -> Task:
    network = Scores(fused=fused)
    for layer in (network.query, network.key):
        normal(0.5 if not fused else 1.0)(layer.weight)
    return Task(network, *sequences(features=64), functional.cross_entropy)


def _looks_at_one_place(case: Case) -> None:
    """In most rows of the softmax one weight is above 0.99."""
    seen, _ = measured(case, "look")
    assert float((seen["look"].amax(-1) > 0.99).float().mean()) > 0.8


def _queries_and_keys_are_large(case: Case) -> None:
    """Scores have a standard deviation of more than twenty."""
    seen, _ = measured(case, "query", "key")
    scores = seen["query"] @ seen["key"].transpose(1, 2) / 8
    assert float(scores.detach().std()) > 20


@bad("saturated-units", by="query.weight", truth=_looks_at_one_place, link="https://arxiv.org/abs/1706.03762")
def attention_without_the_root_of_its_width() -> Task:
    """Queries and keys of size 4, and no division by sqrt(64): each place looks at one place alone."""
    return _sharp(fused=False)


@bad("saturated-units", by="key.weight", truth=_queries_and_keys_are_large)
def fused_attention_of_normal_weights() -> Task:
    """The same inside PyTorch's own attention, causal and with its factor, from N(0, 1)."""
    return _sharp(fused=True)


# --- values ---


@bad("wrong-scale", by="2.weight", truth=both(signal("1", "2", above=5), value("2.weight", lambda w: w.min() >= 0)))
def weights_of_torch_rand() -> Task:
    """uniform(0, 1): after a ReLU all terms of a sum have one sign, and it grows with their number."""
    network = mlp(8, 64, 64, 4)
    for layer in network[::2]:
        nn.init.uniform_(layer.weight, 0, 1)
    return Task(network, *blobs(), functional.cross_entropy)


class Shifted(nn.Module):
    """A learned vector that is added to all inputs."""

    def __init__(self, garbage: torch.Tensor) -> None:
        super().__init__()
        self.background, self.head = nn.Parameter(garbage), nn.Linear(64, 4).half()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head((x.half() + self.background).tanh()).float()


def _all_powers_of_two(weight: torch.Tensor) -> bool:
    return len(torch.frexp(weight[weight != 0].float()).exponent.unique()) > 20


@bad(
    "uninitialized-memory",
    by="background",
    truth=value("background", _all_powers_of_two),
    link="https://github.com/sauradip/STALE/issues/16",
)
def half_precision_garbage() -> Task:
    """torch.empty in float16: finite numbers of every size that the format has."""
    bits = torch.randint(0x0400, 0x7C00, (1, 64)).to(torch.int16)
    return Task(Shifted(bits.view(torch.float16).clone()), *blobs(features=64), functional.cross_entropy)


# --- the loss and its targets ---


def _one_target(case: Case) -> None:
    """The loss is that of all predictions beside one number."""
    task = case.build()
    assert task.y.numel() == 1
    assert len(task.x) > 1
    alone = ((task.network(task.x) - task.y.item()) ** 2).mean()
    assert torch.allclose(loss_of(task, task.network), alone)


@bad("shape-broadcast", truth=_one_target, link="https://github.com/andrewgcodes/xlstm/issues/4")
def one_target_for_the_whole_batch() -> Task:
    """Targets of shape (1, 1) beside predictions of shape (128, 1)."""
    x, y = curve()
    return Task(mlp(4, 16, 1), x, y[:1], nn.MSELoss())


class Conditioned(nn.Module):
    """Reads the class by an embedding, and tells it again: no margin."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(4, 32), nn.Linear(32, 4)
        nn.init.normal_(self.head.weight, std=2.0)

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return self.head(self.table(classes))


@bad("loss-at-init", by="head.weight", truth=starts_above(1.386, 4))
def large_head_that_reads_the_class() -> Task:
    """A condition that is looked up in a table is an input, though it is the target."""
    x, y = blobs()
    return Task(Conditioned(), (x, y), y, functional.cross_entropy)


# --- construction ---


class Identity(nn.Module):
    """A residual block whose last gain is zero, so that it starts as the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.norm(self.convolution(x)))


@bad("overwritten-init", by="norm.weight", truth=value("1.norm.weight", lambda gain: bool((gain == 1).all())))
def zero_gains_set_back_to_ones() -> Task:
    """A loop over all batch norms, which are those of the blocks, puts the default back."""

    def build() -> nn.Module:
        blocks = [nn.Conv2d(3, 8, 3), Identity(), Identity()]
        network = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
        return network

    return Task(build, *images(), functional.cross_entropy)
