"""What construction is seen to do: every way to reserve, write, copy, replace and share a parameter."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import symbreak
from symbreak.diagnosis.checking import diagnose
from symbreak.errors import InvalidInput
from symbreak.torch import askers, builder, writes
from symbreak.torch.observe import observe_values


class Raw(nn.Module):
    def __init__(self, tensor):
        super().__init__()
        self.w = nn.Parameter(tensor)


def linear():
    return nn.Linear(3, 4)


def then(tensor, write):
    """A parameter made of a tensor, and what is done to it afterwards."""

    def build():
        model = Raw(tensor())
        with torch.no_grad():
            write(model.w)
        return model

    return build


def reserved():
    return torch.empty(3, 4)


def rows(w):
    for row in w:
        nn.init.normal_(row)


def assign(w, value):
    w.data = value


def past_pytorch(w):
    w.detach().numpy()[:] = 17.0


def replaced(value):
    def build():
        layer = linear()
        layer.weight = nn.Parameter(value())
        return layer

    return build


def layers():
    return nn.Sequential(
        linear(), nn.BatchNorm1d(4), nn.LayerNorm(4), nn.Embedding(4, 4), nn.LSTM(4, 4), nn.GRU(4, 4),
        nn.Conv2d(3, 3, 3),
        nn.ConvTranspose2d(3, 3, 3), nn.MultiheadAttention(4, 2), nn.PReLU(), nn.Bilinear(2, 2, 2), nn.GroupNorm(2, 4),
        nn.Transformer(4, 2, 1, 1, 8, batch_first=True), nn.RMSNorm(4), nn.EmbeddingBag(3, 3),
    )  # fmt: skip


def deep_copied():
    layer = linear()
    return nn.Sequential(layer, copy.deepcopy(layer))


def deep_copied_garbage():
    layer = Raw(reserved())
    return nn.Sequential(layer, copy.deepcopy(layer))


def tied():
    table, head = nn.Embedding(4, 3), nn.Linear(3, 4, bias=False)
    head.weight = table.weight
    return nn.Sequential(table, head)


def loaded(*, assign):
    def build():
        state = copy.deepcopy(linear().state_dict())
        with torch.device("meta" if assign else "cpu"):
            layer = linear()
        layer.load_state_dict(state, assign=assign)
        return layer

    return build


def materialized(*, init):
    def build():
        with torch.device("meta"):
            layer = linear()
        layer = layer.to_empty(device="cpu")
        if init:
            layer.reset_parameters()
        return layer

    return build


def on_the_default_device():
    with torch.device("cpu"):
        return linear()


def by_initializers():
    layer = nn.Linear(4, 4)
    for init in (nn.init.orthogonal_, nn.init.trunc_normal_, nn.init.eye_, nn.init.xavier_normal_, nn.init.ones_):
        init(layer.weight)
    nn.init.sparse_(layer.weight, 0.5)
    return layer


def parametrized(wrap):
    return lambda: wrap(linear())


def memory_used_before():
    """The addresses of freed tensors are given out again."""
    kept = []
    for _ in range(20):
        scratch = torch.zeros(3, 4)
        del scratch
        kept.append(torch.randn(3, 4))
    return nn.ModuleList(Raw(value) for value in kept)


def memory_used_before_and_reserved_again():
    scratch = torch.zeros(3, 4)
    place = scratch.data_ptr()
    del scratch
    found = [torch.empty(3, 4) for _ in range(50)]
    assert len({value.data_ptr() for value in found} | {place}) > 1
    return nn.ModuleList(Raw(value) for value in found)


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    )


WRITTEN = {
    "layers of PyTorch": layers,
    "normal_": then(reserved, nn.init.normal_),
    "data.fill_": then(reserved, lambda w: w.data.fill_(1.0)),
    "copy_": then(reserved, lambda w: w.copy_(torch.randn(3, 4))),
    "item assignment": then(reserved, lambda w: w.__setitem__(slice(None), 1.0)),
    "row by row": then(reserved, rows),
    "data assigned": then(reserved, lambda w: assign(w, torch.randn(3, 4))),
    "foreach": then(reserved, lambda w: torch._foreach_copy_([w], [torch.ones(3, 4)])),
    "out": then(reserved, lambda w: torch.add(torch.ones(3, 4), 1, out=w)),
    "by NumPy, behind PyTorch's back": then(reserved, past_pytorch),
    "from NumPy": lambda: Raw(torch.from_numpy(np.ones((3, 4), np.float32))),
    "uniform_ before": lambda: Raw(reserved().uniform_()),
    "zeros_like of reserved": lambda: Raw(torch.zeros_like(reserved())),
    "randn": replaced(lambda: torch.randn(4, 3) * 0.02),
    "deepcopy": deep_copied,
    "tied": tied,
    "state dict": loaded(assign=False),
    "state dict, assigned": loaded(assign=True),
    "to_empty, reset": materialized(init=True),
    "default device": on_the_default_device,
    "initializers": by_initializers,
    "half": lambda: linear().half(),
    "other type": lambda: nn.Linear(3, 4, dtype=torch.bfloat16),
    "weight norm": parametrized(nn.utils.parametrizations.weight_norm),
    "spectral norm": parametrized(nn.utils.parametrizations.spectral_norm),
    "orthogonal": parametrized(nn.utils.parametrizations.orthogonal),
    "no entries": lambda: Raw(torch.empty(0)),
    "addresses given out again": memory_used_before,
    "GPT-2 of transformers": gpt2,
}
UNWRITTEN = {
    "empty": lambda: Raw(reserved()),
    "Tensor(n, m)": lambda: Raw(torch.Tensor(3, 4)),
    "FloatTensor": lambda: Raw(torch.FloatTensor(3, 4)),
    "empty_like": lambda: Raw(torch.empty_like(torch.ones(3, 4))),
    "new_empty": lambda: Raw(torch.ones(1).new_empty(3, 4)),
    "looked at": then(reserved, lambda w: w.data.t().reshape(-1)),
    "scaled": lambda: Raw(reserved() * 0.02),
    "scaled in place": then(reserved, lambda w: w.mul_(0.02)),
    "converted": lambda: Raw(reserved()).double(),
    "data assigned": then(lambda: torch.randn(3, 4), lambda w: assign(w, reserved())),
    "copied from reserved": then(lambda: torch.randn(3, 4), lambda w: w.copy_(reserved())),
    "a layer's weight replaced": replaced(lambda: torch.empty(4, 3)),
    "deepcopy": deep_copied_garbage,
    "to_empty": materialized(init=False),
    "skip_init": lambda: nn.utils.skip_init(nn.Linear, 3, 4),
    "addresses given out again": memory_used_before_and_reserved_again,
}


def everything(build):
    model, events = builder.built(build)
    outcomes = diagnose(observe_values(model, events=events), select=["overwritten-init"])
    return model, [finding for outcome in outcomes for finding in outcome.findings]


def findings(build):
    """What is wrong; what was merely written twice is left out."""
    model, found = everything(build)
    return model, [finding for finding in found if finding.severity != "info"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_is_no_finding(name):
    assert findings(WRITTEN[name])[1] == []


@pytest.mark.parametrize("name", UNWRITTEN)
def test_what_nothing_wrote_is_found(name):
    model, found = findings(UNWRITTEN[name])
    assert {finding.severity for finding in found} == {"error"}
    named = {finding.where.parameters[0] for finding in found}
    kept = {"bias"} if name == "a layer's weight replaced" else set()
    assert named == {parameter for parameter, _ in model.named_parameters()} - kept


def sweep(model):
    for module in model:
        nn.init.zeros_(module.bias)
    return model


def special(model):
    model[2].bias.data.fill_(-4.6)
    return model


def three():
    return nn.Sequential(linear(), nn.Linear(4, 2), nn.Linear(2, 2))


def by_apply(model):
    return model.apply(lambda m: nn.init.normal_(m.weight) if isinstance(m, nn.Linear) else None)


def zero_head(model):
    nn.init.zeros_(model[2].weight)
    return model


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: sweep(special(three())), ["2.bias"]),
        (lambda: special(sweep(three())), []),
        (lambda: by_apply(zero_head(three())), ["2.weight"]),
        (lambda: zero_head(by_apply(three())), []),
        (lambda: sweep(three()), []),
    ],
)
def test_a_special_start_before_a_sweep_is_found(build, named):
    found = findings(build)[1]
    assert [finding.where.parameters[0] for finding in found] == named
    assert all("test_builder.py:" in finding.evidence["special"] for finding in found)


def test_events_tell_the_line_and_whose_it_is():
    _, events = builder.built(lambda: special(three()))
    last = [event for event in events if event.parameter == "2.bias"]
    assert [event.operation for event in last] == ["empty", "uniform_", "fill_"]
    assert [event.own for event in last] == [True, True, False]
    line = special.__code__.co_firstlineno + 1
    assert last[-1].where == f"{__file__}:{line}"


def test_random_states_are_as_before_so_that_the_next_model_is_the_same():
    def build():
        random.random(), np.random.rand()
        return linear()

    torch.manual_seed(5)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    model, _ = builder.built(build)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states
    assert torch.equal(model.weight, build().weight)


def test_a_model_that_is_built_under_another_mode_is_watched_too():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        seen = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            Counting.seen += 1
            return func(*args, **(kwargs or {}))

    def build():
        with Counting():
            return Raw(reserved())

    assert [finding.severity for finding in findings(build)[1]] == ["error"]
    assert Counting.seen


@pytest.mark.parametrize(
    ("build", "said"), [(lambda: 3, "int"), (lambda: 1 / 0, "ZeroDivisionError: division by zero")]
)
def test_a_builder_that_gives_no_model_is_refused(build, said):
    with pytest.raises(InvalidInput, match=said):
        symbreak.check(build)


MUTANTS = {
    "nothing is reserved": ("RESERVING", frozenset(), "empty_like"),
    "copies of garbage are written": ("FRESH", frozenset(("mul",)), "scaled"),
    "updates are writes": ("UPDATING", frozenset(), "scaled in place"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_rejected(mutant, monkeypatch):
    name, broken, case = MUTANTS[mutant]
    monkeypatch.setattr(writes, name, broken)
    with pytest.raises(AssertionError):
        test_what_nothing_wrote_is_found(case)


def test_without_a_memory_of_reserved_bytes_numpy_s_writes_are_missed(monkeypatch):
    monkeypatch.setattr(writes, "sample", lambda tensor: b"")
    monkeypatch.setattr(builder, "sample", lambda tensor: b"")
    with pytest.raises(AssertionError):
        test_what_was_written_is_no_finding("by NumPy, behind PyTorch's back")


def test_what_an_installed_library_overwrites_is_its_own_affair(monkeypatch):
    def build():
        return sweep(special(three()))

    assert len(findings(build)[1]) == 1
    monkeypatch.setattr(askers, "LIBRARIES", (str(Path(__file__).parent),))
    assert findings(build)[1] == []


class Head(nn.Module):
    """A model that starts its head in a way of its own, before or after its sweep."""

    def __init__(self, start=None, *, first=True):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.head = nn.Linear(4, 2)
        if start is not None and first:
            start(self)
        self.apply(self.sweep)
        if start is not None and not first:
            start(self)

    def sweep(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)


def prior_in_place(model):
    nn.init.constant_(model.head.bias, -4.6)


def prior_as_data(model):
    model.head.bias.data = torch.full((2,), -4.6)


def prior_as_parameter(model):
    model.head.bias = nn.Parameter(torch.tensor([-4.6, -4.6]))


def prior_from_numpy(model):
    model.head.bias = nn.Parameter(torch.from_numpy(np.full(2, -4.6, np.float32)))


def prior_of_one_class(model):
    with torch.no_grad():
        model.head.bias[0] = -4.6


PRIORS = (prior_in_place, prior_as_data, prior_as_parameter, prior_from_numpy, prior_of_one_class)


@pytest.mark.parametrize("start", PRIORS)
def test_a_prior_that_the_sweep_replaces_is_told_however_it_was_set(start):
    assert [f.where.parameters for f in findings(lambda: Head(start))[1]] == [("head.bias",)]
    assert findings(lambda: Head(start, first=False))[1] == []


@pytest.mark.parametrize("move", [copy.deepcopy, lambda m: m.to(torch.bfloat16), lambda m: m.double()])
def test_a_copy_has_the_history_of_its_original(move):
    def build(special=special):
        model = move(special(three()))
        return sweep(model)

    assert [f.where.parameters for f in findings(build)[1]] == [("2.bias",)]
    assert findings(lambda: build(lambda model: model))[1] == []


class Block(nn.Module):
    """A residual block whose last layer starts at zero."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
        nn.init.zeros_(self.last.weight)


class Own(nn.Module):
    """A layer with the usual start of its own: what `reset_parameters` gives is nothing special."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(4, 4)), nn.Parameter(torch.empty(4))
        self.table, self.gain = nn.Parameter(torch.zeros(4, 4)), nn.Parameter(torch.ones(4))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight)
        nn.init.zeros_(self.bias)


def over_all(model):
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.02)
    return model


def test_a_block_s_zero_is_special_and_a_layer_s_usual_start_is_not():
    lost = findings(lambda: over_all(nn.Sequential(Block(), Block(), nn.Linear(4, 4))))[1]
    assert [f.where.parameters[0] for f in lost] == ["0.last.weight", "1.last.weight"]
    assert findings(lambda: over_all(nn.Sequential(Own(), Own(), nn.Linear(4, 4))))[1] == []


def norms_to_one(model):
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight), nn.init.zeros_(module.bias)
    return model


def test_a_gain_of_zero_is_special_also_where_the_norm_is_made_in_the_same_line():
    def residual():
        nn.init.zeros_((norm := nn.LayerNorm(4)).weight)
        return nn.Sequential(nn.Linear(4, 4), norm)

    lost = findings(lambda: norms_to_one(residual()))[1]
    assert [f.where.parameters for f in lost] == [("1.weight",)]


def kept_by_a_file():
    model = special(three())
    model.load_state_dict({name: torch.randn_like(value) for name, value in model.state_dict().items()})
    return model


def rescaled():
    model = special(three())
    for parameter in model.parameters():
        parameter.data.mul_(0.5)
    return model


def swept_to_the_same():
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)))
    nn.init.constant_(model[2].bias, 0.25)
    for layer in model:
        nn.init.constant_(layer.bias, 0.25)
    return model


@pytest.mark.parametrize("build", [kept_by_a_file, rescaled, swept_to_the_same])
def test_what_replaces_nothing_special_is_silent(build):
    assert findings(build)[1] == []


def test_what_is_written_in_part_is_found():
    def build():
        model = Raw(reserved())
        with torch.no_grad():
            model.w[:2].normal_()
        return model

    (finding,) = findings(build)[1]
    assert finding.severity == "error"
    assert finding.measured == {"written": 8, "size": 12}


def test_two_sweeps_over_the_same_weights_are_explained():
    def build():
        layers = nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)))
        for layer in layers:
            nn.init.normal_(layer.weight)
        for layer in layers:
            nn.init.orthogonal_(layer.weight)
        return layers

    (finding,) = everything(build)[1]
    assert finding.severity == "info"
    assert finding.where.parameters == ("0.weight", "1.weight", "2.weight")


@pytest.mark.parametrize(
    ("start", "restored"),
    [
        (prior_in_place, lambda model: bool((model.head.bias == torch.tensor(-4.6)).all())),
        (prior_as_parameter, lambda model: bool((model.head.bias == torch.tensor(-4.6)).all())),
        (lambda m: nn.init.orthogonal_(m.head.weight, gain=2.0), lambda m: bool(m.head.weight.norm() > 2.8)),
    ],
)
def test_the_fix_gives_the_special_start_back(start, restored):
    report = symbreak.check(lambda: Head(start), select=["overwritten-init"])
    model, _ = report.fix_()
    assert restored(model)


def test_a_model_that_is_lazy_is_refused_in_one_sentence():
    with pytest.raises(InvalidInput, match="lazy"):
        symbreak.check(lambda: nn.LazyLinear(4))


def test_memory_that_is_gone_is_forgotten(monkeypatch):
    monkeypatch.setattr(writes, "SWEPT_EVERY", 64)
    watch = writes.Watch("test")
    with watch:
        for _ in range(1000):
            torch.zeros(3)
    assert len(watch._histories) <= 64
