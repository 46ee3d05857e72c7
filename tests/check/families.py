"""Twenty-three families of small models, sound, and with what breaks them."""

from __future__ import annotations

import torch
from check.nets import Attention, Block, Decoder, LoRA, Mixture, Pooled, Recurrent, Residual, SwiGLU, fill, mlp
from torch import nn
from torch.nn import functional


def constant(value):
    return lambda weight: nn.init.constant_(weight, value)


def clone_unit(into, out):
    with torch.no_grad():
        into.weight[1], into.bias[1] = into.weight[0].clone(), into.bias[0].clone()
        out.weight[:, 1] = out.weight[:, 0].clone()


class ResNet(nn.Module):
    def __init__(self, *, norm=nn.BatchNorm2d):
        super().__init__()
        self.stem, self.norm0 = nn.Conv2d(3, 6, 3, padding=1), norm(6)
        self.one, self.norm1 = nn.Conv2d(6, 6, 3, padding=1), norm(6)
        self.two, self.norm2 = nn.Conv2d(6, 6, 3, padding=1), norm(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = functional.silu(self.norm0(self.stem(x)))
        x = x + self.norm2(self.two(functional.silu(self.norm1(self.one(x)))))
        return self.head(x.mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.low = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1, stride=2)
        self.up, self.out = nn.ConvTranspose2d(6, 4, 2, stride=2), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        skip = torch.tanh(self.down(x))
        return self.out(torch.cat([skip, self.up(torch.tanh(self.low(skip)))], 1))


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.depth = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.point, self.norm, self.head = nn.Conv2d(6, 8, 1), nn.GroupNorm(2, 8), nn.Linear(8, 4)

    def forward(self, x):
        x = functional.gelu(self.depth(torch.tanh(self.stem(x))))
        return self.head(functional.silu(self.norm(self.point(x))).mean((2, 3)))


class Two(nn.Module):
    """Two branches whose outputs are added."""

    def __init__(self):
        super().__init__()
        self.left, self.right = mlp(6, 5, 3, activation=nn.Tanh), mlp(6, 5, 3, activation=nn.Tanh)

    def forward(self, x):
        return self.left(x) + self.right(x)


class Autoencoder(nn.Module):
    """The decoder is the encoder transposed."""

    def __init__(self):
        super().__init__()
        self.code = nn.Linear(6, 4)

    def forward(self, x):
        return torch.tanh(self.code(x)) @ self.code.weight


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(5, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(self.embed(x)).mean(1))


def vit():
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12, image_size=8, patch_size=4,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=3,
    )  # fmt: skip
    return ViTForImageClassification(config)


def heads_equal(model, query="layer.query", key="layer.key", value="layer.value", out="layer.out"):
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name in (query, key, value):
            layer = modules[name]
            layer.weight[4:], layer.bias[4:] = layer.weight[:4].clone(), layer.bias[:4].clone()
        modules[out].weight[:, 4:] = modules[out].weight[:, :4].clone()


def vectors():
    return torch.randn(64, 6)


def images():
    return torch.randn(16, 3, 8, 8)


def sequences():
    return torch.randn(16, 5, 6)


def tokens():
    return torch.arange(96).reshape(8, 12) % 24


def zero(*names):
    def change(model):
        for name in names:
            for parameter in model.get_submodule(name).parameters():
                nn.init.zeros_(parameter)

    return change


def filled(value, *names):
    def change(model):
        for name in names or ("",):
            fill(model.get_submodule(name), constant(value))

    return change


def copied(model):
    nn.init.zeros_(model.router.weight)
    for expert in model.experts[1:]:
        expert.load_state_dict(model.experts[0].state_dict())


def lora_constant(model):
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.lora_A, 0.3)


def lora_zero(model):
    for layer in (model[0], model[2]):
        nn.init.zeros_(layer.lora_A)
        nn.init.zeros_(layer.lora_B)


def branches_equal(model):
    model.right.load_state_dict(model.left.state_dict())


def mirrored(model):
    with torch.no_grad():
        model[0].weight[1], model[0].bias[1] = -model[0].weight[0], -model[0].bias[0]
        model[2].weight[:, 1] = -model[2].weight[:, 0]


def sharded(model):
    with torch.no_grad():
        model[0].weight[4:], model[0].bias[4:] = model[0].weight[:4].clone(), model[0].bias[:4].clone()
        model[2].weight[:, 4:] = model[2].weight[:, :4].clone()


def balanced(model):
    """Equal sums in and out, though no two weights agree."""
    rigid = [[22, -8, -4, -2, 37], [21, 24, 12, -10, -2], [2, 6, 14, 8, 15], [-9, 14, 14, 40, -14]]
    fill(model, constant(0.5))
    model[2].weight.data = torch.tensor(rigid, dtype=model[2].weight.dtype) / 64


# family: builder, inputs, and what breaks it
FAMILIES = {
    "mlp": (lambda: mlp(6, 8, 4, activation=nn.Tanh), vectors, [mirrored, sharded, filled(0.3), filled(0.0)]),
    "mlp, rigid": (lambda: mlp(3, 5, 4, 2, activation=nn.Tanh), lambda: torch.randn(32, 3), [balanced]),
    "sigmoid": (lambda: mlp(6, 8, 8, 3, activation=nn.Sigmoid), vectors, [filled(0.0), filled(0.2, "2")]),
    "relu": (lambda: mlp(6, 8, 4), vectors, [sharded, filled(0.0)]),
    "resnet, batch norm": (ResNet, images, [filled(0.1), zero("norm2")]),
    "resnet, group norm": (lambda: ResNet(norm=lambda n: nn.GroupNorm(2, n)), images, [filled(0.1)]),
    "depthwise": (Depthwise, images, [filled(0.1)]),
    "u-net": (UNet, images, [filled(0.1), filled(0.1, "low", "up")][:1]),
    "gpt, tied": (
        lambda: Decoder(24, 8, 1, tied=True),
        tokens,
        [zero("blocks.0.attention.query", "blocks.0.attention.key")],
    ),
    "gpt": (lambda: Decoder(24, 8, 1, tied=False), tokens, [filled(0.1, "blocks.0.up", "blocks.0.down")]),
    "attention": (lambda: Pooled(Attention(8, 2), 6, 8, 3), sequences, [heads_equal, zero("layer.query", "layer.key")]),
    "block": (lambda: Pooled(Block(8, 2), 6, 8, 3), sequences, [filled(0.1, "layer.up", "layer.down")]),
    "encoder layer": (Encoder, lambda: torch.randn(16, 5, 5), [filled(0.1, "layer.linear1", "layer.linear2")]),
    "lstm": (lambda: Recurrent(nn.LSTM(6, 5, batch_first=True), 3), sequences, [filled(0.2), filled(0.0)]),
    "gru": (lambda: Recurrent(nn.GRU(6, 5, batch_first=True), 3), sequences, [filled(0.1)]),
    "rnn": (lambda: Recurrent(nn.RNN(6, 5, batch_first=True), 3), sequences, [filled(0.1)]),
    "experts": (lambda: Mixture(6, 5, 3, experts=3), vectors, [copied]),
    "lora": (
        lambda: nn.Sequential(LoRA(nn.Linear(6, 8), 3), nn.Tanh(), LoRA(nn.Linear(8, 3), 3)),
        vectors,
        [lora_constant, lora_zero],
    ),
    "gated mlp": (
        lambda: nn.Sequential(nn.Linear(6, 6), SwiGLU(6, 8)),
        vectors,
        [zero("1.gate", "1.up"), filled(0.2, "1")],
    ),
    "residual": (
        lambda: nn.Sequential(nn.Linear(6, 8), Residual(mlp(8, 5, 8, activation=nn.Tanh)), nn.Linear(8, 3)),
        vectors,
        [filled(0.1, "1")],
    ),
    "two branches": (Two, vectors, [branches_equal]),
    "autoencoder": (Autoencoder, vectors, [filled(0.2)]),
    "vit": (
        vit,
        images,
        [filled(0.1, "vit.layers.0.mlp"), zero("vit.layers.0.attention.q_proj", "vit.layers.0.attention.k_proj")],
    ),
}
CASES = [(name, breaking) for name, (_, _, ways) in FAMILIES.items() for breaking in (None, *range(len(ways)))]


def built(name, breaking):
    build, inputs, ways = FAMILIES[name]
    torch.manual_seed(7)
    model = build()
    with torch.no_grad():
        for parameter in model.parameters():  # biases of zero would leave odd functions odd
            if not parameter.any():
                parameter.normal_(0, 0.1)
        if breaking is not None:
            ways[breaking](model)
    return model, inputs()
