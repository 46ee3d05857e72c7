"""The exact rules of spaces by brute force: rename the units of a space at random, and the output must not change."""

from __future__ import annotations

import math

import pytest
import torch
from check.families import FAMILIES, built
from torch import nn

from symbreak.torch import rules_of_axes as rules
from symbreak.torch.observe import observe

# Another order of the same terms: 1e-16 times the number of terms, and what norms of small vectors make of it.
ROUNDING, ROUNDING_OF_FLOAT32 = 1e-9, 1e-5


def transformer(name):
    def build():
        import transformers

        wide = {"hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2}
        common = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12}
        texts = {"vocab_size": 24, "max_position_embeddings": 32, **common}
        quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        makers = {
            "bert": lambda: transformers.BertModel(transformers.BertConfig(**texts, **quiet)),
            "gpt2": lambda: transformers.GPT2LMHeadModel(
                transformers.GPT2Config(
                    vocab_size=24, n_embd=8, n_layer=1, n_head=2, n_positions=32, resid_pdrop=0.0, embd_pdrop=0.0,
                    attn_pdrop=0.0, use_cache=False,
                )
            ),
            "llama": lambda: transformers.LlamaForCausalLM(
                transformers.LlamaConfig(**texts, num_key_value_heads=1, use_cache=False)
            ),
            "llama, shared keys": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**(texts | wide))),
            "distilbert": lambda: transformers.DistilBertModel(
                transformers.DistilBertConfig(
                    vocab_size=24, dim=8, n_layers=1, n_heads=2, hidden_dim=12, dropout=0.0, attention_dropout=0.0
                )
            ),
            "t5": lambda: transformers.T5EncoderModel(
                transformers.T5Config(
                    vocab_size=24, d_model=8, d_kv=4, d_ff=12, num_layers=1, num_heads=2, dropout_rate=0
                )
            ),
        }  # fmt: skip
        return makers[name]()

    return build


class Cut(nn.Module):
    """Half of the units, then two pieces that are not of equal length."""

    def __init__(self):
        super().__init__()
        self.wide, self.out = nn.Linear(6, 8), nn.Linear(7, 3)

    def forward(self, x):
        z = torch.tanh(self.wide(x))
        return self.out(torch.cat([z[:, :4], z[:, 5:]], 1))


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).flatten(1))


class Grouped(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=2), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.two(torch.relu(self.one(x)))).mean((2, 3)))


class Gate(nn.Module):
    """One projection, cut into value and gate."""

    def __init__(self):
        super().__init__()
        self.both, self.out = nn.Linear(6, 16), nn.Linear(8, 3)

    def forward(self, x):
        value, gate = self.both(x).chunk(2, -1)
        return self.out(value * torch.sigmoid(gate))


class Softmaxed(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside, self.out = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.inside(x).softmax(-1))


class Summed(nn.Module):
    """A running sum along the units: no renaming is possible, and no rule knows it."""

    def __init__(self):
        super().__init__()
        self.inside, self.out = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.inside(x)).cumsum(-1))


class Between(nn.Module):
    """Two layers with something in between that has numbers of its own for each unit, or halves, or reads a unit."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.inside, self.own = nn.Linear(6, 8), nn.Parameter(torch.ones(8))
        self.prelu, self.out = nn.PReLU(8), nn.Linear(4 if way == "glu" else 8, 3)

    def forward(self, x):
        z = self.inside(x)
        if self.way == "one unit's number" and float(z.detach()[0, 1]) > 0:
            z = -z
        z = {
            "prelu": lambda: self.prelu(z),
            "clamp": lambda: torch.clamp(z, max=self.own),
            "glu": lambda: nn.functional.glu(z),
            "returned": lambda: torch.tanh(z),
            "one unit's number": lambda: torch.tanh(z),
        }[self.way]()
        return (self.out(z), self.inside.bias) if self.way == "returned" else self.out(z)


class BiasedHeads(nn.Module):
    """Attention whose scores get an addend for each head, as relative positions have."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(6, 24), nn.Linear(8, 3)
        self.register_buffer("scores", torch.randn(2, 5, 5))  # without a gradient, for the kernel that takes masks

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=self.scores[None])
        return self.out(mixed.transpose(1, 2).flatten(2))


WAYS = ("prelu", "clamp", "glu", "returned", "one unit's number")
MODELS = {
    **{f"between, {way}": (lambda way=way: Between(way), lambda: torch.randn(16, 6)) for way in WAYS},
    "heads with addends": (BiasedHeads, lambda: torch.randn(4, 5, 6)),
    **{name: (lambda name=name: built(name, None)[0], inputs) for name, (_, inputs, _) in FAMILIES.items()},
    **{
        name: (transformer(name), lambda: torch.arange(24).reshape(2, 12))
        for name in ("bert", "gpt2", "llama", "llama, shared keys", "distilbert", "t5")
    },
    "cut": (Cut, lambda: torch.randn(16, 6)),
    "flat": (Flat, lambda: torch.randn(8, 3, 8, 8)),
    "grouped": (Grouped, lambda: torch.randn(8, 3, 8, 8)),
    "gate": (Gate, lambda: torch.randn(16, 6)),
    "softmaxed": (Softmaxed, lambda: torch.randn(16, 6)),
    "summed": (Summed, lambda: torch.randn(16, 6)),
}
# Uneven pieces have no rule that lets them be renamed, running sums cannot be.
WITHOUT_SPACES = {"summed", "cut", "between, returned", "between, one unit's number"}
# Their norms compute in float32 whatever the parameters are.
IN_FLOAT32 = {"llama", "llama, shared keys", "t5"}


def main(output):
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, tuple):
        return torch.cat([part.flatten() for part in output])
    return output.logits if hasattr(output, "logits") else output.last_hidden_state


def ready(name):
    build, inputs = MODELS[name]
    torch.manual_seed(11)
    model = build().double().train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = inputs()
    return model, x.double() if x.is_floating_point() else x


def rename(model, space, generator):
    """Rename a space's units in all members; return whether anything moved."""
    order = torch.randperm(space.size, generator=generator)
    if bool((order == torch.arange(space.size)).all()):
        order = order.roll(1)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for member in space.members:
            tensor = tensors[member.parameter]
            shape = tensor.shape
            assert shape[member.axis] == member.before * space.size * member.after
            lead = math.prod(shape[: member.axis]) * member.before
            tensor.copy_(tensor.reshape(lead, space.size, -1)[:, order].reshape(shape))


def broken(name):
    """Return the members of a space whose renaming changes the output; None if there is none."""
    model, x = ready(name)
    target = torch.randn_like(main(model(x)))
    found = observe(model, x, target, lambda output, y: ((main(output) - y) ** 2).mean()).spaces
    generator = torch.Generator().manual_seed(5)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        before = main(model(x))
        for space in found:
            model.load_state_dict(state)
            rename(model, space, generator)
            after = main(model(x))
            bound = ROUNDING_OF_FLOAT32 if name in IN_FLOAT32 else ROUNDING
            if float((after - before).abs().max()) > bound * float(before.abs().max()):
                return space.members
    return None


@pytest.mark.parametrize("name", MODELS)
def test_renaming_the_units_of_a_space_changes_no_output(name):
    assert broken(name) is None


@pytest.mark.parametrize("name", sorted(MODELS.keys() - WITHOUT_SPACES))
def test_there_is_a_space_to_rename(name):
    model, x = ready(name)
    assert observe(model, x).spaces


def test_heads_that_share_a_key_are_renamed_with_it():
    """Though the model hands out its keys and values too, for the next call."""
    model, x = ready("llama, shared keys")
    found = {
        space.size: {m.parameter.split(".")[-2]: m.after for m in space.members} for space in observe(model, x).spaces
    }
    assert found[2] == {"q_proj": 8, "k_proj": 4, "v_proj": 4, "o_proj": 8}


def forgetful(tracer, record):
    """A wrong rule: what comes out has nothing to do with what goes in, and can be renamed freely."""
    return [tracer.fresh(shape, fixed=False) for shape in record.shapes]


def ungrouped(tracer, record):
    """A wrong rule for grouped convolution: as if every output channel read every input channel."""
    given = record.arguments
    x, w = tracer.axes(given["input"]), tracer.axes(given["weight"])
    tracer.fix((*x[2:], *w[2:]))
    bias = tracer.axes(given.get("bias"))
    if bias:
        tracer.factors.equate(w[0], bias[0])
    return [(x[0], w[0], *tracer.fresh(record.shape[2:], fixed=True))]


def unfixed_positions(tracer, record):
    """A wrong rule for slices: the axis is renamed as if nothing had been cut off."""
    axes = tracer.axes(record.arguments.get("self"))
    dim = int(record.arguments.get("dim", 0)) % len(axes)
    return [(*axes[:dim], tracer.factors.new(record.shape[dim]), *axes[dim + 1 :])]


MUTANTS = [
    ("cat", forgetful, ("u-net", "cut")),
    ("slice", unfixed_positions, ("cut",)),
    ("_softmax", forgetful, ("softmaxed",)),
    ("convolution", ungrouped, ("grouped", "depthwise")),
    ("view", forgetful, ("flat", "attention")),
    ("addmm", forgetful, ("mlp",)),
    ("cumsum", rules._same, ("summed",)),
    ("split", forgetful, ("gate",)),
]


@pytest.mark.parametrize(("operation", "rule", "models"), MUTANTS, ids=[m[0] for m in MUTANTS])
def test_a_wrong_rule_is_caught(operation, rule, models, monkeypatch):
    monkeypatch.setitem(rules.RULES, operation, rule)
    assert any(broken(name) is not None for name in models)


def test_the_models_are_thirty_or_more():
    assert len(MODELS) >= 30
