"""Each recipe against its paper's formula on a model; each refuses what it does not apply to."""

from __future__ import annotations

import math

import pytest
import torch
from starting.models import TOKENS, ResNet, Transformer, Translator
from torch import nn

from symbreak.errors import InvalidInput, UnknownName
from symbreak.initializers.stacks import get
from symbreak.torch.starting import init_, plan
from symbreak.torch.starting.recipes import RECIPES, residual

DEPTH, WIDTH, HIDDEN = 3, 16, 32
BRANCHES = 2 * DEPTH
IMAGE = torch.linspace(-1, 1, 2 * 3 * 64).reshape(2, 3, 8, 8)
ALPHA, BETA = (2 * DEPTH) ** 0.25, (8 * DEPTH) ** -0.25
XAVIER, TALL = math.sqrt(2 / (2 * WIDTH)), math.sqrt(2 / (WIDTH + HIDDEN))
SMALL = 0.67 * DEPTH**-0.25
LATE = 0.02 / math.sqrt(2 * DEPTH)

MODELS = {
    "gpt2": (lambda: Transformer(DEPTH), TOKENS),
    "llama": (lambda: Transformer(DEPTH, gated=True), TOKENS),
    "mup": (lambda: Transformer(DEPTH), TOKENS),
    "deepnorm": (lambda: Transformer(DEPTH, norm="post", alpha=ALPHA), TOKENS),
    "t-fixup": (lambda: Transformer(DEPTH, norm=""), TOKENS),
    "fixup": (lambda: ResNet(4), IMAGE),
    "delta-orthogonal": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(128, 2)),
        IMAGE,
    ),
}
LAST = f"blocks.{DEPTH - 1}"
# recipe: parameter, standard deviation
EXPECTED = {
    "gpt2": {
        "token.weight": 0.02,
        "place.weight": 0.02,
        "blocks.0.attention.query.weight": 0.02,
        "blocks.0.attention.out.weight": 0.02 / math.sqrt(BRANCHES),
        f"{LAST}.down.weight": 0.02 / math.sqrt(BRANCHES),
        f"{LAST}.up.weight": 0.02,
        "head.weight": 0.02,
        "head.bias": 0.0,
    },
    "llama": {
        "token.weight": 1.0,
        f"{LAST}.attention.value.weight": 0.02,
        f"{LAST}.gate.weight": 0.02,
        "blocks.0.up.weight": 0.02 / math.sqrt(2),
        f"{LAST}.up.weight": LATE,
        f"{LAST}.down.weight": LATE,
        f"{LAST}.attention.out.weight": LATE,
        "head.weight": 0.9866 / math.sqrt(WIDTH),  # of a normal cut at three standard deviations
    },
    "mup": {
        "token.weight": 1.0,
        "blocks.0.down.weight": 1 / math.sqrt(HIDDEN),
        "blocks.0.attention.query.weight": 1 / math.sqrt(WIDTH),
        "head.weight": 1 / WIDTH,
    },
    "deepnorm": {
        "blocks.0.attention.query.weight": XAVIER,
        "blocks.0.attention.key.weight": XAVIER,
        "blocks.0.attention.value.weight": XAVIER * BETA,
        f"{LAST}.attention.out.weight": XAVIER * BETA,
        f"{LAST}.up.weight": TALL * BETA,
        f"{LAST}.down.weight": TALL * BETA,
    },
    "t-fixup": {
        "token.weight": SMALL / math.sqrt(WIDTH),
        "blocks.0.attention.query.weight": XAVIER,
        "blocks.0.attention.value.weight": XAVIER * SMALL,
        "blocks.0.attention.out.weight": XAVIER * SMALL,
        f"{LAST}.up.weight": TALL * SMALL,
        f"{LAST}.down.weight": TALL * SMALL,
    },
    "fixup": {
        "stem.weight": math.sqrt(2 / 27),
        "one.0.weight": math.sqrt(2 / 72) * 4**-0.5,  # m = 2 layers in each of L = 4 branches
        "two.3.weight": 0.0,
        "head.weight": 0.0,
    },
    "delta-orthogonal": {},
}
CASES = [(name, parameter) for name, rows in EXPECTED.items() for parameter in rows]


def std(recipe, parameter):
    build, x = MODELS[recipe]
    entry = plan(build(), x, scheme=recipe)[parameter]
    return get(entry.law).law(entry.shape).std


@pytest.mark.parametrize(("recipe", "parameter"), CASES)
def test_the_law_is_the_papers(recipe, parameter):
    assert math.isclose(std(recipe, parameter), EXPECTED[recipe][parameter], rel_tol=1e-3)


ENCODERS, DECODERS = 2, 3
ALPHAS = 0.81 * (ENCODERS**4 * DECODERS) ** (1 / 16), (3 * DECODERS) ** 0.25
# recipe: normalization, the factor of each stack's scaled weights, that of embeddings (None: not the paper's to say)
BOTH = {
    "deepnorm": ("post", 0.87 * (ENCODERS**4 * DECODERS) ** (-1 / 16), (12 * DECODERS) ** -0.25, None),
    "t-fixup": ("", 0.67 * ENCODERS**-0.25, (9 * DECODERS) ** -0.25, (9 * DECODERS) ** -0.25),
}


@pytest.mark.parametrize("recipe", BOTH)
def test_an_encoder_and_a_decoder_have_factors_of_their_own(recipe):
    norm, early, late, embedding = BOTH[recipe]
    found = plan(Translator(ENCODERS, DECODERS, norm=norm, alphas=ALPHAS), TOKENS, scheme=recipe)
    expected = {}
    for stack, count, factor in (("encoder", ENCODERS, early), ("decoder", DECODERS, late)):
        for block in (f"{stack}.{n}" for n in range(count)):
            attentions = ["attention", *(["cross"] if stack == "decoder" else [])]
            for name in (f"{block}.{attention}" for attention in attentions):
                expected |= {f"{name}.query.weight": XAVIER, f"{name}.key.weight": XAVIER}
                expected |= {f"{name}.value.weight": XAVIER * factor, f"{name}.out.weight": XAVIER * factor}
            expected |= {f"{block}.up.weight": TALL * factor, f"{block}.down.weight": TALL * factor}
    if embedding is not None:
        expected |= {f"{name}.weight": embedding / math.sqrt(WIDTH) for name in ("source", "target")}
    laws = {name: get(found[name].law).law(found[name].shape).std for name in expected}
    assert laws == pytest.approx(expected, rel=1e-3)


def test_a_decoder_that_is_taken_for_an_encoder_is_refused():
    wrong = Translator(ENCODERS, DECODERS, norm="post", alphas=(ALPHAS[1], ALPHAS[0]))
    with pytest.raises(InvalidInput, match="alpha = "):
        plan(wrong, TOKENS, scheme="deepnorm")


def test_a_wrong_count_of_branches_is_noticed(monkeypatch):
    monkeypatch.setattr(residual, "STD", 0.02 * math.sqrt(2))
    assert not math.isclose(std("gpt2", f"{LAST}.down.weight"), 0.02 / math.sqrt(BRANCHES), rel_tol=1e-3)


def test_every_recipe_has_a_case():
    assert set(RECIPES) == {*EXPECTED, "auto", "torch-default"}


def test_a_delta_orthogonal_kernel_keeps_lengths_at_its_centre():
    build, x = MODELS["delta-orthogonal"]
    model = build()
    init_(model, seed=0, plan=plan(model, x, scheme="delta-orthogonal"))
    kernel = model[2].weight.detach()
    gram = kernel[:, :, 1, 1].T @ kernel[:, :, 1, 1]
    assert torch.allclose(gram, gram[0, 0] * torch.eye(8), atol=1e-5)
    kernel[:, :, 1, 1] = 0
    assert not kernel.any()


LAYERS = [
    nn.Linear(12, 7),
    nn.Conv2d(4, 6, 3, groups=2),
    nn.ConvTranspose2d(4, 6, 3, groups=2),
    nn.Conv1d(4, 6, 5),
    nn.Embedding(20, 8, padding_idx=2),
    nn.LSTM(5, 7),
    nn.GRUCell(5, 7),
    nn.Bilinear(3, 4, 5),
    nn.MultiheadAttention(8, 2),
    nn.BatchNorm1d(4),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda each: type(each).__name__)
def test_torch_default_is_what_the_constructors_draw(layer):
    model = nn.Sequential(layer)
    found = plan(model, scheme="torch-default")
    drawn = {name: [] for name, _ in model.named_parameters()}
    for seed in range(60):
        torch.manual_seed(seed)
        for module in model.modules():
            for reset in ("reset_parameters", "_reset_parameters"):
                if hasattr(module, reset):
                    getattr(module, reset)()
        for name, parameter in model.named_parameters():
            drawn[name].append(parameter.detach().clone())
    for name, tensors in drawn.items():
        law, values = get(found[name].law).law(found[name].shape), torch.stack(tensors)
        if law.high < math.inf:
            assert float(values.abs().max()) <= law.high * 1.001, name
        # The variance of a sample variance is at most 2 var^2 / n for these laws; six of its deviations.
        slack = 6 * math.sqrt(2 / max(values.numel(), 1)) * law.variance
        assert abs(float(values.var(correction=0)) - law.variance) <= slack + 1e-12, name


REFUSED = [
    (
        "gpt2",
        lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)),
        torch.ones(2, 4),
        "no residual branch",
    ),
    ("gpt2", lambda: Transformer(2), None, "no batch"),
    ("llama", lambda: Transformer(2), TOKENS, "no gated"),
    ("deepnorm", lambda: Transformer(2, norm="post"), TOKENS, "alpha"),
    ("deepnorm", lambda: Transformer(2), TOKENS, "alpha"),
    ("t-fixup", lambda: Transformer(2), TOKENS, "with normalization"),
    ("t-fixup", lambda: ResNet(2), IMAGE, "no attention"),
    ("fixup", lambda: Transformer(2), TOKENS, "with normalization"),
    ("delta-orthogonal", lambda: Transformer(2), TOKENS, "no convolution"),
    ("delta-orthogonal", lambda: nn.Sequential(nn.Conv2d(3, 2, 3)), IMAGE, "0.weight"),
    ("mup", lambda: Transformer(2), None, "no batch"),
]


@pytest.mark.parametrize(("recipe", "build", "x", "said"), REFUSED)
def test_a_recipe_refuses_what_it_does_not_apply_to(recipe, build, x, said):
    with pytest.raises(InvalidInput, match=f"(?s){recipe} does not apply.*{said}"):
        plan(build(), x, scheme=recipe)


def test_an_unknown_recipe_is_offered_the_nearest():
    with pytest.raises(UnknownName, match="fixup"):
        plan(nn.Linear(2, 2), scheme="fix-up")
