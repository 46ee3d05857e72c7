"""`init_`: the same values whatever surrounds a parameter, all or nothing, and nothing else changed."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch
from starting.models import Block, Transformer, plain
from torch import nn
from torch.nn.utils import parametrizations

from symbreak.errors import InvalidInput
from symbreak.initializers import fill
from symbreak.torch.calibrating import calibrate_
from symbreak.torch.filling import fill_
from symbreak.torch.provenance import manifest
from symbreak.torch.sharded import materialize_
from symbreak.torch.starting import Entry, Plan, init_, plan


def values(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def test_values_depend_on_seed_name_shape_and_law_only():
    model = net()
    done = init_(model, seed=7)
    alone = fill_(torch.empty(2, 8), done["2.weight"].law, seed=7, name="2.weight")
    assert torch.equal(model[2].weight.detach(), alone)
    torch.manual_seed(99)
    again = net()
    init_(again, seed=7)
    assert same(values(model), values(again))
    init_(again, seed=8)
    assert not same(values(model), values(again))


def test_wrappers_change_no_value():
    model, wrapped = net(), nn.DataParallel(net())
    init_(model, seed=0)
    done = init_(wrapped, seed=0)
    assert same(values(model), values(wrapped.module))
    assert done.entries[0].parameter == "0.weight"


def test_random_states_gradients_modes_and_hooks_stay():
    model = net().eval()
    model(torch.ones(2, 4)).sum().backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    init_(model, torch.ones(2, 4), seed=0)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()
    assert random.getstate() == states[2]
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert not model.training
    assert len(model._forward_hooks) == 1
    assert all(p.requires_grad for p in model.parameters())


def test_only_new_parameters():
    model = net()
    before = values(model)
    init_(model, seed=0, only="2.*")
    after = values(model)
    assert torch.equal(before["0.weight"], after["0.weight"])
    assert not torch.equal(before["2.weight"], after["2.weight"])


def test_frozen_parameters_stay_unless_named():
    model = net()
    model[0].requires_grad_(False)
    before = values(model)
    done = init_(model, seed=0)
    assert torch.equal(before["0.weight"], model[0].weight)
    assert "frozen" in str(done)
    init_(model, seed=0, only="*.weight")
    assert torch.equal(before["0.weight"], model[0].weight)
    init_(model, seed=0, only="0.weight")
    assert not torch.equal(before["0.weight"], model[0].weight)
    assert torch.equal(before["0.bias"], model[0].bias)


def test_tied_parameters_go_by_their_first_name():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    done = init_(model, seed=0)
    assert [entry.parameter for entry in done.entries] == ["0.weight"]
    assert "1.weight" in done["0.weight"].reason
    assert torch.equal(first.weight, fill_(torch.empty(4, 4), done["0.weight"].law, seed=0, name="0.weight"))


def test_empty_tensors_are_told():
    model = nn.Sequential(nn.Linear(4, 2))
    model.register_parameter("nothing", nn.Parameter(torch.empty(0, 4)))
    assert "empty" in init_(model, seed=0)["nothing"].reason


@pytest.mark.parametrize("x", [None, torch.ones(8, 4)], ids=["no batch", "a batch"])
@pytest.mark.parametrize("scheme", ["auto", "torch-default"])
def test_a_layer_without_units_is_left_and_its_reader_has_a_bias(x, scheme):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own: there is nothing to initialize
        model = nn.Sequential(nn.Linear(4, 0), nn.Linear(0, 2))
    laws = {entry.parameter: entry.law for entry in init_(model, x, seed=0, plan=plan(model, x, scheme=scheme)).entries}
    assert laws == {"0.weight": None, "0.bias": None, "1.weight": None, "1.bias": "zeros"}


def test_a_weight_norm_starts_with_the_length_that_the_law_has():
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), parametrizations.weight_norm(nn.Linear(32, 8)))
    init_(model, torch.randn(16, 64, generator=torch.Generator().manual_seed(0)), seed=0)
    lengths = model[2].weight.detach().norm(dim=1)
    assert torch.allclose(lengths, torch.full((8,), 2**0.5), rtol=1e-3)


def test_other_parametrizations_are_left_alone_and_told():
    model = nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 4)))
    before = values(model)
    done = init_(model, seed=0)
    assert torch.equal(
        before["0.parametrizations.weight.original"], values(model)["0.parametrizations.weight.original"]
    )
    assert "_SpectralNorm" in done["0.parametrizations.weight.original"].reason


class LoRA(nn.Module):
    """A frozen layer with a trained branch of low rank that starts at zero, as peft builds it."""

    def __init__(self):
        super().__init__()
        self.base_layer = nn.Linear(8, 8).requires_grad_(False)
        self.lora_A, self.lora_B = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x):
        return self.base_layer(x) + self.lora_B(self.lora_A(x))


def test_a_low_rank_branch_still_starts_at_zero():
    model = nn.Sequential(LoRA(), nn.ReLU(), nn.Linear(8, 2))
    base = model[0].base_layer.weight.detach().clone()
    init_(model, torch.randn(16, 8, generator=torch.Generator().manual_seed(0)), seed=0)
    assert not model[0].lora_B.weight.any()
    assert model[0].lora_A.weight.any()
    assert torch.equal(base, model[0].base_layer.weight)


def test_a_meta_model_can_be_planned_and_filled_later():
    with torch.device("meta"):
        model = net()
    found = plan(model)
    with pytest.raises(InvalidInput, match="weight"):
        init_(model, seed=0, plan=found)
    model.to_empty(device="cpu")
    init_(model, seed=0, plan=found)
    other = net()
    init_(other, seed=0)
    assert same(values(model), values(other))


def complex_(model):
    model[2].weight = nn.Parameter(torch.zeros(2, 8, dtype=torch.complex64))


def lazy(model):
    model[2] = nn.LazyLinear(2)


def sparse(model):
    model[2].weight = nn.Parameter(torch.eye(2, 8).to_sparse())


def shared(model):
    memory = torch.zeros(40)
    model[0].weight, model[2].weight = nn.Parameter(memory[:32].view(8, 4)), nn.Parameter(memory[24:].view(2, 8))


@pytest.mark.parametrize(("harm", "named"), [(complex_, "2.weight"), (lazy, "2.weight"), (sparse, "2.weight"),
                                             (shared, "weight and")])  # fmt: skip
def test_what_cannot_be_filled_is_named_and_nothing_is_changed(harm, named):
    model = net()
    harm(model)
    before = {name: p.detach().clone() for name, p in model.named_parameters() if not nn.parameter.is_lazy(p)}
    with pytest.raises(InvalidInput, match=named):
        init_(model, seed=0)
    for name, old in before.items():
        now = dict(model.named_parameters())[name].detach()
        assert torch.equal(now.to_dense() if now.is_sparse else now, old.to_dense() if old.is_sparse else old), name


def rows(*entries):
    return Plan(tuple(Entry(name, shape, law, "") for name, shape, law in entries))


WHOLE = ("0.weight", (8, 4), "normal(1)")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (rows(), "empty plan"),
        (rows(WHOLE, ("9.weight", (2, 8), "normal(1)")), "9.weight"),
        (rows(WHOLE, ("2.weight", (3, 8), "normal(1)")), "2.weight"),
        (rows(WHOLE, ("2.weight", (2, 8), "delta_orthogonal(1)")), "2.weight"),
        (rows(WHOLE, ("2.weight", (2, 8), "zeros | ones | zeros")), "2.weight"),
        (rows(WHOLE, ("2.weight", (2, 8), "constant(1e39)")), "finite"),
    ],
)
def test_a_plan_that_does_not_fit_changes_nothing(given, named):
    model = net()
    before = values(model)
    with pytest.raises(InvalidInput, match=named):
        init_(model, seed=0, plan=given)
    assert same(before, values(model))


@pytest.mark.parametrize("law", ["constant(1e6)", "normal(1e6)", "orthogonal(1e6)"])
def test_values_that_the_dtype_cannot_hold_change_nothing(law):
    model = net().half()
    before = values(model)
    with pytest.raises(InvalidInput, match=r"2\.weight"):
        init_(model, seed=0, plan=rows(WHOLE, ("2.weight", (2, 8), law)))
    assert same(before, values(model))


@pytest.mark.parametrize("only", ["nothing.*", [], ["0.weight", "9.*"]])
def test_only_must_name_something(only):
    model = net()
    before = values(model)
    with pytest.raises(InvalidInput, match="only"):
        init_(model, seed=0, only=only)
    assert same(before, values(model))


def test_a_parametrized_weight_is_not_filled_by_name():
    model = nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 4)))
    asked = plan(model).edited({"*.original": "normal(1)"})
    with pytest.raises(InvalidInput, match=r"parametrizations\.weight\.original"):
        init_(model, seed=0, plan=asked)


def test_overrides_win_and_must_name_something():
    model = net()
    assert plan(model, overrides={"*.weight": "normal(0.5)", "2.*": "keep"})["0.weight"].law == "normal(0.5)"
    with pytest.raises(InvalidInput, match="nowhere"):
        plan(model, overrides={"nowhere.*": "normal(1)"})
    complex_(model)
    assert plan(model, overrides={"2.weight": "keep"})["2.weight"].law is None


def test_a_plan_is_made_without_a_change():
    model, tokens = Transformer(2), torch.arange(16).reshape(2, 8)
    before = values(model)
    plan(model, tokens)
    assert same(before, values(model))


def test_quantized_models_are_refused():
    class Quantized(nn.Linear):
        pass

    Quantized.__module__ = "torch.ao.nn.quantized.modules.linear"
    with pytest.raises(InvalidInput, match=r"0, which is quantized"):
        plan(nn.Sequential(Quantized(2, 2)))


def test_a_block_without_normalization_closes_at_zero_and_a_plain_stretch_does_not():
    model = nn.Sequential(nn.Linear(8, 16), Block(16, norm=""), nn.Linear(16, 2))
    init_(model, torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0)), seed=0)
    assert not model[1].down.weight.any()
    deep = plain(5, 8, nn.ReLU)
    init_(deep, torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), seed=0)
    assert all(p.any() for name, p in deep.named_parameters() if name.endswith("weight"))


def test_a_plan_starts_the_twin_of_a_model_in_numpy():
    model = nn.Sequential(
        nn.Embedding(9, 8, padding_idx=2), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8)
    )
    recurrent = nn.LSTM(8, 8)
    for one, x in ((model, torch.arange(9)), (recurrent, torch.randn(5, 2, 8))):
        laws = plan(one, x)
        assert any("mirrored" in entry.law or "|" in entry.law for entry in laws.entries)
        init_(one, seed="twin", plan=laws)
        shapes = {entry.parameter: entry.shape for entry in laws.entries}
        arrays = fill(shapes, {entry.parameter: entry.law for entry in laws.entries}, seed="twin")
        assert all((arrays[name] == own.detach().numpy()).all() for name, own in one.named_parameters())


@pytest.mark.parametrize("call", [init_, plan, calibrate_, materialize_, manifest], ids=lambda call: call.__name__)
def test_what_is_no_model_is_refused(call):
    given = {init_: {"seed": 0}, calibrate_: {"x": torch.ones(2)}, manifest: {"laws": "he", "seed": 0}}.get(call, {})
    with pytest.raises(InvalidInput, match=r"torch\.nn\.Module"):
        call(3, **given)
