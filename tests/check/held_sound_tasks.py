"""Sound starts kept apart while the rules were written: losses, data, sizes and ways of training."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from check.cases import Task, sound
from check.held_bad_flow import ActorCritic, Clip
from check.held_sound_nets import falls
from check.nets import Recurrent, Residual, fill, mlp
from check.tasks import blobs, curve, images, sequences
from check.truths import learns
from torch import nn
from torch.nn import functional


class Adversary(nn.Module):
    """A generator, seen by a frozen discriminator."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(*mlp(6, 32, 8), nn.Tanh())
        self.discriminator = mlp(8, 32, 1, activation=partial(nn.LeakyReLU, 0.2)).requires_grad_(False)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.discriminator(self.generator(z))


@sound(truth=learns(100))
def generator_against_a_frozen_discriminator() -> Task:
    """The generator's half step: all targets are "real", and the discriminator does not learn."""
    return Task(Adversary(), torch.randn(64, 6), torch.ones(64, 1), nn.BCEWithLogitsLoss())


class Denoiser(nn.Module):
    """Predicts the noise from a noisy image and its time; the last convolution starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 16))
        self.first, self.norm, self.second = (
            nn.Conv2d(3, 16, 3, padding=1),
            nn.GroupNorm(4, 16),
            nn.Conv2d(16, 16, 3, padding=1),
        )
        self.last = nn.Conv2d(16, 3, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        angles = t[:, None] * 2.0 ** torch.arange(4)
        h = self.first(x) + self.time(torch.cat([angles.sin(), angles.cos()], 1))[:, :, None, None]
        h = h + self.second(functional.silu(self.norm(h)))
        return self.last(functional.silu(h))


@sound(truth=learns(60), explains="sound-zero", by="last")
def diffusion_with_a_zero_last_convolution() -> Task:
    """The noise of a diffusion model is predicted from zero: MSE starts at 1, the variance of the noise."""
    noise, t = torch.randn(8, 3, 8, 8), torch.rand(8)
    clean = torch.randn(8, 3, 1, 1).expand(8, 3, 8, 8)
    return Task(Denoiser(), (clean * (1 - t)[:, None, None, None] + noise, t), noise, nn.MSELoss())


@sound(truth=learns(100), link="https://arxiv.org/abs/1511.06581")
def dueling_network_on_raw_states() -> Task:
    """A value stream and an advantage stream with its mean taken off; Q of the action taken; Huber loss."""

    class Dueling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.value, self.advantage = nn.Linear(4, 24), mlp(24, 16, 1), mlp(24, 16, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = torch.relu(self.body(x))
            advantage = self.advantage(h)
            return self.value(h) + advantage - advantage.mean(1, keepdim=True)

    def huber(out: torch.Tensor, y: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return functional.smooth_l1_loss(out.gather(1, y[0][:, None])[:, 0], y[1])

    x = torch.randn(64, 4) * torch.tensor([2.4, 1.5, 0.2, 1.0])
    return Task(Dueling(), x, (torch.randint(2, (64,)), 1 + x[:, 1]), huber)


@sound(truth=falls(), link="https://arxiv.org/abs/2005.12729")
def proximal_policy_with_small_heads() -> Task:
    """Orthogonal start with gain sqrt 2 and a policy head of gain 0.01; policy gradient, value and entropy in one."""

    def surrogate(out: tuple[torch.Tensor, ...], y: tuple[torch.Tensor, ...]) -> torch.Tensor:
        actions, advantages, returns = y
        logs = out[0].log_softmax(-1)
        chosen = logs.gather(1, actions[:, None])[:, 0]
        value = functional.mse_loss(out[1][:, 0], returns)
        return -(advantages * chosen).mean() + 0.5 * value + 0.01 * (logs.exp() * logs).sum(1).mean()

    network = fill(ActorCritic(), partial(nn.init.orthogonal_, gain=2**0.5))
    nn.init.orthogonal_(network.policy.weight, 0.01)
    nn.init.orthogonal_(network.value.weight, 1.0)
    x = torch.randn(96, 4)
    return Task(network, x, (torch.randint(3, (96,)), torch.randn(96), x.sum(1)), surrogate)


@sound(truth=learns(60))
def triplets_with_a_margin() -> Task:
    """One network for anchor, positive and negative; unit vectors; a margin of 0.3."""

    class Triplet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(8, 32, 6)

        def forward(self, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> Any:
            return tuple(functional.normalize(self.net(x), dim=1) for x in (a, b, c))

    def margin(out: Any, _y: object) -> torch.Tensor:
        return functional.triplet_margin_loss(*out, margin=0.3)

    a = torch.randn(48, 8)
    return Task(Triplet(), (a, a + 0.5 * torch.randn(48, 8), torch.randn(48, 8)), torch.zeros(48), margin)


@sound(truth=learns(60))
def two_tasks_with_dicts() -> Task:
    """A class and a number from one body, outputs and targets as dicts, the two losses summed over the batch."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.kind, self.size = nn.Linear(8, 24), nn.Linear(24, 4), nn.Linear(24, 1)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            h = functional.elu(self.body(x))
            return {"kind": self.kind(h), "size": self.size(h)}

    def loss(out: Any, y: Any) -> torch.Tensor:
        kind = functional.cross_entropy(out["kind"], y["kind"], reduction="sum")
        return kind + functional.mse_loss(out["size"], y["size"], reduction="sum")

    x, y = blobs(64)
    return Task(Two(), x, {"kind": y, "size": x[:, :1] - x[:, 1:2]}, loss)


@sound(truth=learns(80))
def raw_columns_below_a_batch_norm() -> Task:
    """Columns between 0 and 40000 as they come from the database; the first layer is a batch norm."""
    x, y = blobs(256)
    raw = (x + 4) * torch.tensor([1.0, 10, 100, 1000, 5000, 3, 0.1, 0.01])
    return Task(nn.Sequential(nn.BatchNorm1d(8), *mlp(8, 40, 20, 4)), raw, y, functional.cross_entropy)


@sound(truth=learns(80))
def categories_and_numbers() -> Task:
    """Tabular: three embeddings by default beside two numbers, one target in five is positive, 300 rows."""

    class Tabular(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeds = nn.ModuleList(nn.Embedding(count, 4) for count in (5, 12, 40))
            self.net = mlp(14, 32, 1)

        def forward(self, codes: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
            rows = [embed(codes[:, i]) for i, embed in enumerate(self.embeds)]
            return self.net(torch.cat([*rows, numbers], 1))[:, 0]

    codes = torch.stack([torch.randint(count, (300,)) for count in (5, 12, 40)], 1)
    return Task(Tabular(), (codes, torch.randn(300, 2)), (codes[:, 0] == 2).float(), nn.BCEWithLogitsLoss())


@sound(truth=learns(100))
def physics_informed_in_double() -> Task:
    """A tanh network in float64 whose loss is the residual of u' = -u with u(0) = 1, by a derivative in forward."""

    class Decay(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = fill(mlp(1, 20, 20, 20, 1, activation=nn.Tanh), nn.init.xavier_normal_)

        def forward(self, t: torch.Tensor) -> dict[str, torch.Tensor]:
            with torch.enable_grad():
                t = t.requires_grad_(True)
                u = self.net(t)
                slope = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
            start = self.net(torch.zeros(1, 1, dtype=t.dtype))
            return {"loss": (slope + u).square().mean() + (start - 1).square().mean(), "u": u}

    return Task(Decay().double(), torch.linspace(0, 2, 50, dtype=torch.float64)[:, None])


@sound(truth=learns(120))
def autoencoder_with_tied_decoder() -> Task:
    """The decoder is the encoder transposed, and the code has a single unit."""

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 10), nn.Linear(10, 1)
            self.b1, self.b2 = nn.Parameter(torch.zeros(10)), nn.Parameter(torch.zeros(6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            z = self.second(torch.tanh(self.first(x)))
            h = torch.tanh(functional.linear(z, self.second.weight.T, self.b1))
            return functional.linear(h, self.first.weight.T, self.b2)

    x = torch.randn(80, 1) * torch.tensor([1.0, -1, 0.5, 1, -0.5, 1])
    return Task(Tied(), x, x, nn.MSELoss())


@sound(truth=learns(100, rate=0.05))
def one_weight_and_one_sample() -> Task:
    """y = w x + b from a single point."""
    return Task(nn.Linear(1, 1), torch.tensor([[0.7]]), torch.tensor([[1.3]]), nn.MSELoss())


@sound(truth=falls(steps=80), link="https://arxiv.org/abs/2006.07733")
def momentum_teacher() -> Task:
    """BYOL: the teacher is a frozen copy of the student on purpose; a predictor and two views; the cosine."""

    class Byol(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student, self.predictor = mlp(8, 32, 12), mlp(12, 16, 12)
            self.teacher = copy.deepcopy(self.student).requires_grad_(False)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.predictor(self.student(a)), self.teacher(b).detach()

    def cosine(out: tuple[torch.Tensor, torch.Tensor], _y: object) -> torch.Tensor:
        return -functional.cosine_similarity(*out).mean()

    a = torch.randn(64, 8)
    return Task(Byol(), (a, a + 0.1 * torch.randn(64, 8)), torch.zeros(64), cosine)


@sound(truth=learns(60))
def towers_with_a_temperature() -> Task:
    """CLIP in small: unit vectors, a learned temperature of 1/14, all pairs of a batch of 32."""
    network = Clip(normalized=True)
    nn.init.constant_(network.scale, 2.6593)
    x = torch.randn(32, 8)
    return Task(network, (x, x + 0.1 * torch.randn(32, 8)), torch.arange(32), nn.CrossEntropyLoss())


@sound(truth=learns(60), explains="sound-zero", by="readout")
def echo_state_with_a_zero_readout() -> Task:
    """A frozen random recurrence with spectral radius 0.9; only the readout learns, and starts at zero."""

    class Echo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.readout = nn.RNN(3, 30, batch_first=True).requires_grad_(False), nn.Linear(30, 2)
            with torch.no_grad():
                self.rnn.weight_hh_l0 *= 0.9 / torch.linalg.eigvals(self.rnn.weight_hh_l0).abs().max()
            nn.init.zeros_(self.readout.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.readout(self.rnn(x)[0])

    x = torch.randn(10, 25, 3)
    return Task(Echo(), x, x[..., :2].cumsum(1) / 5, nn.MSELoss())


def _pinball(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    error = y - out
    levels = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels * error, (levels - 1) * error).mean()


@sound(truth=learns(100))
def three_quantiles_of_one_target() -> Task:
    """Pinball loss: (N, 3) predictions against (N, 1) targets, which broadcast on purpose."""
    return Task(mlp(4, 24, 3), *curve(200), _pinball)


@sound(truth=learns(120))
def mixture_density() -> Task:
    """Five Gaussians for a target: mixture weights, means and widths of shape (N, 5) against (N, 1)."""

    class Density(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.heads = nn.Linear(4, 24), nn.Linear(24, 15)

        def forward(self, x: torch.Tensor) -> Any:
            return self.heads(torch.tanh(self.body(x))).chunk(3, 1)

    def likelihood(out: Any, y: torch.Tensor) -> torch.Tensor:
        weights, means, widths = out
        return -(weights.log_softmax(1) - widths - 0.5 * ((y - means) / widths.exp()) ** 2).logsumexp(1).mean()

    return Task(Density(), *curve(200), likelihood)


@sound(truth=learns(400, to=0.9, still="codes"))
def quantized_autoencoder() -> Task:
    """VQ-VAE: a codebook from U(-1/K, 1/K) of which the batch uses a few rows, and the straight-through gradient."""

    class Quantized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder, self.codes = mlp(8, 24, 4), mlp(4, 24, 8), nn.Embedding(32, 4)
            nn.init.uniform_(self.codes.weight, -1 / 32, 1 / 32)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            z = self.encoder(x)
            q = self.codes(torch.cdist(z, self.codes.weight).argmin(1))
            commit = (q - z.detach()).square().mean() + 0.25 * (z - q.detach()).square().mean()
            out = self.decoder(z + (q - z).detach())
            return {"loss": (out - x).square().mean() + commit, "out": out}

    x, _ = blobs(96)
    return Task(Quantized(), x)


@sound(truth=learns(80))
def long_gru_on_one_sequence() -> Task:
    """A GRU over a hundred steps of a single sequence, next value out."""

    class Next(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru, self.head = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.gru(x)[0])

    wave = torch.sin(torch.arange(101) / 4.0)[None, :, None]
    return Task(Next(), wave[:, :-1], wave[:, 1:], nn.MSELoss())


@sound(truth=learns(60))
def counts_of_three() -> Task:
    """Poisson's likelihood for counts around 3: the rate starts at 1, near enough."""
    x, y = curve(150, mean=1.1, std=0.3)
    return Task(mlp(4, 24, 1), x, torch.poisson(y.exp()), nn.PoissonNLLLoss())


@sound(truth=learns(30))
def builder_of_a_norm_free_residual_network() -> Task:
    """A lambda that builds residual blocks whose branches are scaled by one over the root of the depth."""

    def build() -> nn.Module:
        blocks = [Residual(mlp(16, 32, 16), torch.tensor(6**-0.5)) for _ in range(6)]
        return nn.Sequential(nn.Linear(8, 16), *blocks, nn.Linear(16, 4))

    return Task(lambda: build(), *blobs(), functional.cross_entropy)


@sound(truth=learns(40))
def fine_tuning_in_evaluation_mode() -> Task:
    """Frozen convolutions and batch norms in evaluation mode, a new linear head, a batch of two."""
    body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = nn.Sequential(body.requires_grad_(False), nn.Linear(16, 3)).eval()
    return Task(network, *(t[:2] for t in images(8, classes=3)), functional.cross_entropy)


@sound(truth=learns(40))
def recurrence_that_is_orthogonal() -> Task:
    """An orthogonal recurrence over thirty steps, Xavier below and above."""
    network = fill(Recurrent(nn.RNN(6, 32, batch_first=True), 3), nn.init.xavier_uniform_)
    nn.init.orthogonal_(network.layer.weight_hh_l0)
    return Task(network, *sequences(40, 30), functional.cross_entropy)
