"""Losses, inputs, outputs and number types that are unusual and right."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from check.cases import Task, sound
from check.nets import Decoder, mlp, normal
from check.tasks import blobs, curve, tokens
from check.truths import learns
from torch import nn
from torch.nn import functional


@sound(truth=learns())
def label_smoothing() -> Task:
    """Cross-entropy with label smoothing of 0.1."""
    return Task(mlp(8, 32, 4), *blobs(), nn.CrossEntropyLoss(label_smoothing=0.1))


@sound(truth=learns())
def targets_of_minus_100() -> Task:
    """Half of the targets are -100, to be ignored."""
    x, y = blobs()
    y[::2] = -100
    return Task(mlp(8, 32, 4), x, y, nn.CrossEntropyLoss())


@sound(truth=learns())
def soft_targets() -> Task:
    """Distillation: targets are probabilities."""
    x, _ = blobs()
    return Task(mlp(8, 32, 4), x, (x[:, :4] * 6).softmax(-1), nn.CrossEntropyLoss())


@sound(truth=learns(150))
def divergence_from_a_teacher() -> Task:
    """Kullback-Leibler divergence of log-probabilities from a teacher's."""
    x, _ = blobs()
    network = nn.Sequential(*mlp(8, 32, 4), nn.LogSoftmax(-1))
    return Task(network, x, (x[:, :4] * 2).softmax(-1), nn.KLDivLoss(reduction="batchmean"))


@sound(truth=learns(), link="https://github.com/bhanML/Co-teaching/issues/4")
def log_softmax_twice() -> Task:
    """Cross-entropy on log-probabilities: log_softmax of a log_softmax is the same, so nothing is lost."""
    return Task(nn.Sequential(*mlp(8, 32, 4), nn.LogSoftmax(-1)), *blobs(), nn.CrossEntropyLoss())


@sound(truth=learns())
def negative_log_likelihood() -> Task:
    """LogSoftmax and NLLLoss, as they belong together."""
    return Task(nn.Sequential(*mlp(8, 32, 4), nn.LogSoftmax(-1)), *blobs(), nn.NLLLoss())


@sound(truth=learns())
def summed_loss() -> Task:
    """Cross-entropy summed over the batch: N ln K is what it starts at, rightly."""
    return Task(mlp(8, 32, 4), *blobs(), nn.CrossEntropyLoss(reduction="sum"))


@sound(truth=learns())
def weighted_classes() -> Task:
    """Class weights that make up for 9 to 1."""
    x, y = blobs(200, classes=2)
    y = (torch.arange(200) % 10 == 0).long()
    x = x + 2 * y[:, None]
    return Task(mlp(8, 32, 2), x - x.mean(0), y, nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.8])))


@sound(truth=learns(100))
def hinge() -> Task:
    """A loss by hand: multi-class hinge."""
    return Task(mlp(8, 32, 4), *blobs(), nn.MultiMarginLoss())


@sound(truth=learns(100))
def contrastive() -> Task:
    """A contrastive loss over pairs of views: no targets at all."""

    def pairs(z: torch.Tensor, _y: object) -> torch.Tensor:
        z = functional.normalize(z, dim=-1)
        first, second = z[::2], z[1::2]
        return functional.cross_entropy(first @ second.T / 0.2, torch.arange(len(first)))

    x = torch.randn(32, 8).repeat_interleave(2, 0) + 0.1 * torch.randn(64, 8)
    return Task(mlp(8, 32, 16), x, torch.zeros(64), pairs)


@sound(truth=learns(to=0.9))
def variational_autoencoder() -> Task:
    """A tuple as output and two terms in the loss."""

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = mlp(8, 32, 8), mlp(4, 32, 8)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            mean, log_variance = self.encoder(x).chunk(2, -1)
            return self.decoder(mean + torch.randn_like(mean) * (log_variance / 2).exp()), mean, log_variance

    def bound(out: tuple[torch.Tensor, torch.Tensor, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        image, mean, log_variance = out
        return functional.mse_loss(image, x) + 0.01 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()

    x, _ = blobs(256)
    return Task(VAE(), x, x, bound)


class Language(nn.Module):
    """A decoder that gives an object with logits, and a loss when it is given labels, shifted inside."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder()

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor | None = None) -> SimpleNamespace:
        logits = self.decoder(input_ids)
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return SimpleNamespace(logits=logits, loss=loss)


@sound(truth=learns())
def loss_inside_the_model() -> Task:
    """A dict as input, an object with `.loss` as output, the shift by one inside; neither y nor a loss is given."""
    x, _ = tokens()
    return Task(Language(), {"input_ids": x, "labels": x})


@sound(truth=learns())
def logits_of_an_object() -> Task:
    """An object with `.logits` as output, and a loss that is given that object."""
    x, y = tokens()
    return Task(Language(), x, y, lambda out, y: functional.cross_entropy(out.logits.flatten(0, 1), y.flatten()))


@sound(truth=learns())
def dict_output() -> Task:
    """A dict with the key "logits", and plain cross-entropy."""

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = mlp(8, 32, 4)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.network(x)}

    return Task(Named(), *blobs(), nn.CrossEntropyLoss())


@sound(truth=learns())
def two_inputs() -> Task:
    """Two arguments: features and integer codes."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.codes, self.network = nn.Embedding(10, 4), mlp(12, 32, 4)

        def forward(self, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
            return self.network(torch.cat([x, self.codes(code)], -1))

    x, y = blobs()
    return Task(Two(), (x, torch.randint(10, (len(x),))), y, functional.cross_entropy)


@sound(truth=learns())
def one_sample() -> Task:
    """A batch of one: half of the ReLU units are off on it, which says nothing."""
    x, y = blobs()
    return Task(mlp(8, 64, 4), x[:1], y[:1], functional.cross_entropy)


@sound(truth=learns())
def dropout_of_one_half() -> Task:
    """Dropout of 0.5 in train mode: two passes differ."""
    network = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4))
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns())
def double_precision() -> Task:
    """Everything in float64."""
    x, y = blobs()
    return Task(mlp(8, 32, 4).double(), x.double(), y, functional.cross_entropy)


@sound(truth=learns())
def bfloat16_weights() -> Task:
    """Weights in bfloat16: few distinct values, ties within a tensor by chance."""
    x, y = blobs()
    return Task(mlp(8, 64, 4).bfloat16(), x.bfloat16(), y, functional.cross_entropy)


@sound(truth=learns())
def standardized_regression() -> Task:
    """Regression of standardized targets, flattened on both sides."""
    x, y = curve()
    return Task(nn.Sequential(mlp(4, 64, 1), nn.Flatten(0)), x, y[:, 0], nn.MSELoss())


@sound(truth=learns(100))
def huber_loss() -> Task:
    """Huber loss of standardized targets."""
    return Task(mlp(4, 64, 1, activation=nn.SiLU), *curve(), nn.HuberLoss())


@sound(truth=learns())
def balanced_multi_label() -> Task:
    """Five labels, each true for half of the samples."""
    x, _ = blobs()
    return Task(mlp(8, 32, 5), x, (x[:, :5] > 0).float(), nn.BCEWithLogitsLoss())


@sound(truth=learns())
def standard_normal_embedding_below_a_norm() -> Task:
    """`nn.Embedding`'s N(0, 1) where nothing is tied to it and a norm follows: its scale does no harm."""

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.norm, self.head = nn.Embedding(64, 16), nn.LayerNorm(16), nn.Linear(16, 4)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(self.words(words)).mean(1))

    x, _ = tokens(64)
    return Task(Bag(), x, x[:, 0] % 4, functional.cross_entropy)


@sound(truth=learns(still="-"))
def builder_with_plain_layers() -> Task:
    """A builder whose layers are drawn by the library first and by one explicit rule after: writing over a default is
    how initialization is done, not a fault."""

    def build() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = mlp(8, 32, 32, 4)
            for layer in network:
                if isinstance(layer, nn.Linear):
                    nn.init.xavier_uniform_(layer.weight)
                    nn.init.zeros_(layer.bias)
            normal(0.05)(network[4].weight)
            return network

    return Task(build, *blobs(), functional.cross_entropy)
