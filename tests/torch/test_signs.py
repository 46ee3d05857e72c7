"""Renamings with signs: units that are opposite or zero, proved in any model, against training and by brute force."""

from __future__ import annotations

import copy
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from check.mirrors import BROKEN, MIRRORED, ZERO
from check.rounding import drop_rounding

import symbreak
from symbreak.diagnosis.invariance import Member
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.diagnosis.renaming import OPTIMIZERS, table
from symbreak.torch import rules_of_signs as rules
from symbreak.torch.following import signs_of
from symbreak.torch.marks import Marked
from symbreak.torch.observe import observe
from symbreak.torch.trace import Record

_spec = importlib.util.spec_from_file_location("models_with_spaces", Path(__file__).with_name("test_spaces.py"))
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

STEPS, RATE = 100, 0.001
# Rounding parts what algebra ties by 1e-14 in so many steps; what is free differs by 1e-3.
SAME = 1e-9
TRIES, FEW = 40, 6
STARTS = {**MIRRORED, **{f"zero {name}": start for name, start in ZERO.items()}}


def ready(name, starts=STARTS):
    torch.manual_seed(5)
    model, inputs = starts[name][0](), starts[name][1]
    return model, inputs()


def trained(model, x, optimizer):
    torch.manual_seed(3)
    twin = copy.deepcopy(model).double().train()
    x = x.double() if x.is_floating_point() else x
    target = torch.randn_like(twin(x))
    descent = {"adamw": torch.optim.AdamW, "adam_l2": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer]
    more = {"weight_decay": 0.1} if optimizer == "adam_l2" else {"momentum": 0.9} if optimizer == "sgd" else {}
    descent = descent(twin.parameters(), lr=RATE, **more)
    for _ in range(STEPS):
        descent.zero_grad()
        ((twin(x) - target) ** 2).mean().backward()
        drop_rounding(twin, 1e-13)
        descent.step()
    return twin, x


def denied(certificate, twin, x):
    """Which of the slices that are said to be equal, opposite or zero training has parted."""
    seen = observe(twin, x)
    following = {u: v for g in certificate.groups for u, v in zip(g, (*g[1:], g[0]), strict=True)}
    for member in certificate.members:
        values = table(seen, member, certificate.size)
        for unit in {*following, *member.negated}:
            sign = -1 if unit in member.negated else 1
            if abs(values[:, unit] - sign * values[:, following.get(unit, unit)]).max() > SAME:
                yield member.parameter, unit


@pytest.mark.parametrize("name", STARTS)
def test_what_is_opposite_or_zero_is_proved_and_stays_so(name):
    model, x = ready(name)
    found = symbreak.symmetry(model, x)
    signed = [c for c in found.certificates if c.theorem == "signed renaming"]
    relation = "zero" if name.startswith("zero") else "mirrored"
    proved = {
        m.module: {t.units for t in m.ties if (t.relation, t.status) == (relation, "proved")} for m in found.modules
    }
    assert signed
    assert {module: proved[module] for module in STARTS[name][2]} == STARTS[name][2]
    assert all(t.status == "proved" for m in found.modules for t in m.ties)
    for optimizer in ("adamw", "adam_l2", "sgd"):
        twin, given = trained(model, x, optimizer)
        assert not [part for certificate in signed for part in denied(certificate, twin, given)]


@pytest.mark.parametrize("name", BROKEN)
def test_signs_that_do_not_get_through_are_not_proved(name):
    model, x = ready(name, BROKEN)
    found = symbreak.symmetry(model, x)
    assert not [c for c in found.certificates if c.theorem == "signed renaming"]
    assert not [t for m in found.modules for t in m.ties if t.status == "proved" and t.relation != "zero"]


def test_check_says_so_without_a_deeper_look():
    model, x = ready("values and outputs")
    finding = symbreak.check(model, x, select=["symmetric-units"]).findings[0]
    assert (finding.status, finding.severity) == ("proved", "error")
    assert finding.says.endswith("are one for ever, up to their signs")


# --- certificates


@pytest.mark.parametrize("name", STARTS)
def test_a_certificate_stands_survives_json_and_falls_with_its_numbers(name):
    model, x = ready(name)
    certificate = next(c for c in symbreak.symmetry(model, x).certificates if c.theorem == "signed renaming")
    assert certificate.optimizers == OPTIMIZERS
    assert all(operator.condition for operator in certificate.operators)
    again = ModelCertificate.from_json(json.dumps(certificate.to_json()))
    assert again == certificate
    assert again.verify(observe(model, x)).failures == ()
    member = next(m for m in certificate.members if m.negated)
    unit = member.start + member.negated[0] * member.after
    with torch.no_grad():
        model.get_parameter(member.parameter).select(member.axis, unit).view(-1)[0] += 0.25
    assert not certificate.verify(observe(model, x))


def test_signs_cannot_be_left_out_or_turned():
    model, x = ready("values and outputs")
    certificate = next(c for c in symbreak.symmetry(model, x).certificates if c.theorem == "signed renaming")
    seen = observe(model, x)
    for place, member in enumerate(certificate.members):
        for negated in {(), (0,), (1,), (0, 1), (1, 0)} - {member.negated}:
            members = list(certificate.members)
            members[place] = replace(member, negated=negated)
            assert not replace(certificate, members=tuple(members)).verify(seen), (member, negated)
    flipped = tuple(
        (module, tuple(tuple(-s for s in group) for group in groups)) for module, groups in certificate.signs
    )
    assert not replace(certificate, signs=flipped).verify(seen)
    assert not replace(certificate, theorem="renaming").verify(seen)


# --- by brute force: what is let through changes no output, whatever the numbers are


def models_and_inputs(name):
    """A model in float64 with numbers of no pattern."""
    if name in models.MODELS:
        return models.ready(name)
    torch.manual_seed(5)
    start = {**STARTS, **BROKEN}[name]
    model, x = start[0]().double().train(), start[1]()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model, x.double() if x.is_floating_point() else x


def attempts(found, name):
    """Signs changed along axes of a space, or along random axes: some right, most of them wrong."""
    generator = torch.Generator().manual_seed(len(name))

    def pick(upper):
        return int(torch.randint(upper, (1,), generator=generator))

    axes = [(p.name, axis, size) for p in found.parameters for axis, size in enumerate(p.shape) if "float" in p.dtype]
    for _ in range(TRIES):
        name, axis, size = axes[pick(len(axes))]
        unit = pick(size)
        others = [(n, a) for n, a, length in axes if length == size]
        chosen = {(name, axis), *(others[pick(len(others))] for _ in range(pick(4)))}
        yield tuple(Member(n, a, negated=(unit,)) for n, a in sorted(chosen)), size
    for space in found.spaces:
        some = range(2 ** len(space.members)) if len(space.members) <= FEW else (pick(2**62) for _ in range(TRIES // 4))
        for chosen in some:
            members = [m for place, m in enumerate(space.members) if chosen >> place & 1]
            yield tuple(replace(m, negated=(1 % space.size,)) for m in members), space.size


def changes_output(model, x, members, size):
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    state = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        before = models.main(model(x))
        model.load_state_dict(state)
        for name, signs in signs_of(members, size, shapes).items():
            tensors[name].mul_(signs)
        after = models.main(model(x))
        model.load_state_dict(state)
    return float((after - before).abs().max()) > models.ROUNDING_OF_FLOAT32 * float(before.abs().max())


def let_through(name):
    """How many changes of signs are let through, and which of them change the output."""
    model, x = models_and_inputs(name)
    target = torch.randn_like(models.main(model(x)))
    found = observe(model, x, target, lambda output, y: ((models.main(output) - y) ** 2).mean())
    if not found.spaces:
        return 0, []
    follow = found.spaces[0].follow
    tried = [t for t in attempts(found, name) if t[0] and follow(*t, ()) is not None]
    return len(tried), [t for t in tried if changes_output(model, x, *t)]


EVERY = [*models.MODELS, *STARTS, *(name for name in BROKEN if name not in STARTS)]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_let_through_that_changes_an_output(name):
    assert not let_through(name)[1]


def test_something_is_let_through():
    assert sum(let_through(name)[0] for name in STARTS) > len(STARTS)


def test_a_mean_square_forgets_signs_and_a_scale_does_not():
    """The kernel that other devices have; on processors the same norm is made of single operations."""
    shape = (4, 3)
    record = Record(0, "_fused_rms_norm", "", {"normalized_shape": [3]}, (shape, (3,)), {}, shape, (shape,), True, True)
    x, weight = torch.tensor([[1, -1, 1]]), torch.tensor([1, -1, -1])
    _, (found,) = rules.RULES[record.target](Marked(record, {"input": x, "weight": weight}, (), 1))
    assert found.tolist() == [[1, 1, -1]]


# --- mutants: rules that let too much through


def first(given):
    """A wrong rule: the signs of the first operand come out."""
    return "odd function", [next(iter(given.named.values()))]


def forgotten(given):
    """A wrong rule: no sign comes out."""
    return "even function", [given.none()]


MUTANTS = [
    ("relu", first, "relu"),
    ("relu", forgotten, "relu"),
    ("gelu", first, "gelu"),
    ("tanh", forgotten, "mlp"),
    ("pow", first, "even"),
    ("cos", first, "even read as odd"),
    ("hardtanh", first, "clipped unevenly"),
    ("add", first, "shifted"),
    ("mul", first, "gated, opposite"),
    ("pow", forgotten, "cube"),
    ("addmm", forgotten, "mlp"),
    ("convolution", forgotten, "filters"),
    ("native_layer_norm", first, "layer norm"),
    ("native_group_norm", first, "group norm of others"),
    ("native_batch_norm", forgotten, "batch norm"),
    ("_scaled_dot_product_flash_attention_for_cpu", first, "queries"),
    ("_softmax", first, "softmaxed"),
    ("silu", first, "gated, opposite"),
    ("sigmoid", first, "sigmoid"),
    ("amax", forgotten, "largest"),
    ("embedding", forgotten, "tokens"),
]


@pytest.mark.parametrize(("operation", "rule", "name"), MUTANTS, ids=[f"{m[0]}-{m[1].__name__}" for m in MUTANTS])
def test_a_wrong_rule_is_caught(operation, rule, name, monkeypatch):
    monkeypatch.setitem(rules.RULES, operation, rule)
    assert let_through(name)[1]
