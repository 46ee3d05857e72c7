"""The check of renamings: it lets through what the search finds, nothing that changes an output, and it is no copy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from symbreak.diagnosis.invariance import Member
from symbreak.torch import rules_of_turning as rules
from symbreak.torch.following import turn_of
from symbreak.torch.observe import observe

_spec = importlib.util.spec_from_file_location("models_with_spaces", Path(__file__).with_name("test_spaces.py"))
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)
MODELS, main, ready = models.MODELS, models.main, models.ready

# Renamings of one to three random axes that are tried on each model, nearly all of them wrong.
TRIES = 60


def seen(name):
    model, x = ready(name)
    target = torch.randn_like(main(model(x)))
    return model, x, observe(model, x, target, lambda output, y: ((main(output) - y) ** 2).mean())


def turned(model, members, size, groups):
    """Rename in place, as the definition of a member has it."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for member in members:
            tensor = tensors[member.parameter]
            order = torch.from_numpy(turn_of(member, size, groups, tensor.shape[member.axis]))
            tensor.copy_(tensor.index_select(member.axis, order))


def changes_output(name, model, x, members, size, groups):
    state = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        before = main(model(x))
        model.load_state_dict(state)  # running statistics
        turned(model, members, size, groups)
        after = main(model(x))
        model.load_state_dict(state)
    bound = models.ROUNDING_OF_FLOAT32 if name in models.IN_FLOAT32 else models.ROUNDING
    return float((after - before).abs().max()) > bound * float(before.abs().max())


@pytest.mark.parametrize("name", MODELS)
def test_what_the_search_finds_is_let_through_and_less_is_not(name):
    _, _, found = seen(name)
    for space in found.spaces:
        groups = (tuple(range(space.size)),)
        assert space.follow(space.members, space.size, groups) is not None, space.members
        for member in space.members:
            rest = tuple(other for other in space.members if other != member)
            if rest:
                assert space.follow(rest, space.size, groups) is None, member


def attempts(found, name):
    """Random renamings: a pair of places of one to three axes of equal length."""
    generator = torch.Generator().manual_seed(len(name))

    def pick(upper):
        return int(torch.randint(upper, (1,), generator=generator))

    axes = {}
    for p in found.parameters:
        for axis, size in enumerate(p.shape):
            if size > 1:
                axes.setdefault(size, []).append((p.name, axis))
    lengths = sorted(axes)
    for _ in range(TRIES):
        size = lengths[pick(len(lengths))]
        first = pick(size)
        chosen = {axes[size][pick(len(axes[size]))] for _ in range(1 + pick(3))}
        yield tuple(Member(*place) for place in sorted(chosen)), size, ((first, (first + 1 + pick(size - 1)) % size),)


def wrongly_kept(name):
    """Whether a renaming is let through that changes the output."""
    model, x, found = seen(name)
    if not found.spaces:
        return False
    follow = found.spaces[0].follow
    tries = [*attempts(found, name), *((s.members, s.size, ((0, s.size - 1),)) for s in found.spaces)]
    partial = [((*s.members[:i], *s.members[i + 1 :]), s.size, ((0, 1),)) for s in found.spaces
               for i in range(len(s.members))]  # fmt: skip
    return any(follow(*t) is not None and changes_output(name, model, x, *t) for t in [*tries, *partial])


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_let_through_that_changes_an_output(name):
    assert not wrongly_kept(name)


def test_places_of_blocks_parts_and_pieces():
    heads = Member("qkv.weight", 0, before=3, after=2)
    assert turn_of(heads, 2, ((0, 1),), 12).tolist() == [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9]
    assert turn_of(Member("w", 0, start=4), 3, ((0, 1, 2),), 8).tolist() == [0, 1, 2, 3, 5, 6, 4, 7]


# --- what goes beyond the search


class Grouped(nn.Module):
    def __init__(self, groups=2):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 1)
        self.two, self.head = nn.Conv2d(8, 8, 3, groups=groups), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.two(torch.tanh(self.one(x)))).mean((2, 3)))


OUT = (Member("two.weight", 0), Member("two.bias", 0), Member("head.weight", 1))


@pytest.mark.parametrize(
    ("members", "pair", "kept"),
    [
        (OUT, (0, 1), True),  # two filters of one group
        (OUT, (0, 4), False),  # of two groups: they read other channels
        ((Member("one.weight", 0), Member("one.bias", 0)), (0, 1), False),  # channels, not read alike
    ],
)
def test_grouped_convolutions(members, pair, kept):
    torch.manual_seed(0)
    model, x = Grouped().double(), torch.randn(4, 3, 6, 6, dtype=torch.float64)
    found = observe(model, x).spaces[0].follow(members, 8, (pair,))
    assert (found is not None) == kept == (not changes_output("grouped", model, x, members, 8, (pair,)))


def test_the_passages_name_what_is_passed():
    torch.manual_seed(0)
    model, x = Grouped().double(), torch.randn(4, 3, 6, 6, dtype=torch.float64)
    found = observe(model, x).spaces[0].follow(OUT, 8, ((0, 1),))
    steps = [(p.module, p.kind, p.name, p.reads) for p in found.passages]
    assert steps == [
        ("two", "grouped conv", "convolution", ("two.weight", "two.bias")),
        ("", "activation", "tanh", ()),
        ("", "unit by unit", "mean", ()),
        ("head", "linear columns", "addmm", ("head.weight",)),
    ]
    assert found.units == (("two", ((0, 1),)),)


# --- mutants: rules that let too much through


def careless(given):
    """A wrong rule: what comes out has the places of the first operand, whatever the others have."""
    return "entry", [next(iter(given.named.values()))] if given.named else [given.listed[0]]


def forgetful(given):
    """A wrong rule: what comes out has its places, whatever went in."""
    return "entry", [(None,) * len(shape) for shape in given.record.shapes]


MUTANTS = [
    ("addmm", forgetful, "mlp"),
    ("convolution", forgetful, "resnet, batch norm"),
    ("native_layer_norm", careless, "block"),
    ("add", careless, "gpt"),
    ("mul", careless, "gated mlp"),
    ("view", forgetful, "attention"),
    ("split", forgetful, "gate"),
    ("cat", forgetful, "u-net"),
    ("_prelu_kernel", careless, "between, prelu"),
    ("clamp", careless, "between, clamp"),
    ("_scaled_dot_product_flash_attention_for_cpu", forgetful, "attention"),
    ("embedding", forgetful, "gpt, tied"),
]


@pytest.mark.parametrize(("operation", "rule", "name"), MUTANTS, ids=[m[0] for m in MUTANTS])
def test_a_wrong_rule_is_caught(operation, rule, name, monkeypatch):
    monkeypatch.setitem(rules.RULES, operation, rule)
    assert wrongly_kept(name)
