"""Everything is as it was after a check: bit for bit, object for object, whatever the model does, whatever raises."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

import symbreak
from symbreak.diagnosis.rules import non_finite
from symbreak.torch import guard


def bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist() if tensor.numel() else []


def hooks_of(module):
    return {name: dict(value) for name, value in vars(module).items() if name.endswith("hooks") and value is not None}


def attributes_of(module):
    def content(value):
        if isinstance(value, dict):
            return [(key, id(item), content(item)) for key, item in value.items()]
        return [(id(item), content(item)) for item in value] if isinstance(value, (list, tuple, set)) else None

    return {name: (id(value), content(value)) for name, value in vars(module).items()}


def loose_tensors(module):
    return {name: bits(value) for name, value in vars(module).items() if isinstance(value, torch.Tensor)}


def state(value):
    """Return the state of a generator."""
    if isinstance(value, torch.Generator):
        return bits(value.get_state())
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    return value.getstate() if isinstance(value, random.Random) else None


def of_tensor(tensor):
    gradient = tensor.grad
    return (
        id(tensor), bits(tensor), tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.requires_grad,
        id(gradient) if gradient is not None else None, bits(gradient) if gradient is not None else None,
        dict(tensor._backward_hooks or {}), tensor._post_accumulate_grad_hooks,
    )  # fmt: skip


def snapshot(model, *given):
    """Return all that a check must leave alone."""
    everywhere = torch.nn.modules.module
    return {
        "tensors": {n: of_tensor(t) for n, t in (*model.named_parameters(), *model.named_buffers())},
        "attributes": {n: attributes_of(m) for n, m in model.named_modules()},
        "loose": {n: loose_tensors(m) for n, m in model.named_modules()},
        "modes": {n: m.training for n, m in model.named_modules()},
        "hooks": {n: hooks_of(m) for n, m in model.named_modules()},
        "global hooks": {n: dict(v) for n, v in vars(everywhere).items() if n.startswith("_global") and v},
        "given": [of_tensor(t) for t in given if isinstance(t, torch.Tensor) and t.is_leaf],
        "random": (random.getstate(), bits(torch.get_rng_state()), np.random.get_state()[1].tolist()),
        "own": [state(value) for m in model.modules() for value in vars(m).values()],
        "position": np.random.get_state()[2:],
        "torch": (
            torch.is_grad_enabled(),
            torch.backends.mkldnn.enabled,
            torch.get_default_dtype(),
            torch.is_inference_mode_enabled(),
        ),
    }


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x)))


class Normalized(Base):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x):
        return self.head(self.norm(self.layer(x)))


class Counting(Base):
    """Buffers that are replaced, overwritten, added, and made nan on the way; attributes, lists, tensors."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("mean", torch.full((6,), -0.0))
        self.register_buffer("gap", torch.tensor([float("nan"), 1.0]))
        self.register_buffer("later", None)
        self.count, self.seen, self.cache, self.loose = 0, [], {}, torch.zeros(2)

    def forward(self, x):
        self.calls = self.calls + 1
        self.mean.mul_(0.9).add_(x.mean())
        self.gap.zero_()
        self.later = x.detach().clone()
        self.register_buffer("new", torch.ones(1))
        self.count += 1
        self.seen.append(x)
        self.cache["x"] = x
        self.loose += 1
        self.fresh = nn.Identity()
        self.layer.note = "seen"
        return super().forward(x)


class Zeroed(Base):
    """-0 and 0 are equal, and not the same bits."""

    def __init__(self):
        super().__init__()
        self.register_buffer("sign", torch.tensor([-0.0, 0.0]))

    def forward(self, x):
        self.sign.copy_(torch.tensor([0.0, -0.0]))
        return super().forward(x)


class Clamped(Base):
    """Writes to its parameters in every pass, as WGANs do."""

    def forward(self, x):
        self.layer.weight.data.clamp_(-0.1, 0.1)
        with torch.no_grad():
            torch._foreach_mul_([self.head.weight, self.head.bias], 0.5)
            torch.add(self.layer.bias, 1, out=self.layer.bias)
        return super().forward(x)


class Swapped(Base):
    def forward(self, x):
        self.layer.weight.data = torch.zeros_like(self.layer.weight)
        self.head.weight = nn.Parameter(torch.ones_like(self.head.weight))
        self.layer.bias.requires_grad_(False)
        return super().forward(x)


class Renormed(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(9, 4, max_norm=0.5), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.table(x.abs().long().clamp(0, 8)).mean(1))


class Spectral(Base):
    def __init__(self):
        super().__init__()
        parametrizations.spectral_norm(self.layer)
        parametrizations.weight_norm(self.head)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.LSTM(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.layer(x)[0])


class Random(Base):
    """Draws from every generator, its own among them."""

    def __init__(self):
        super().__init__()
        self.own, self.numpy, self.python = torch.Generator(), np.random.default_rng(0), random.Random(0)

    def forward(self, x):
        factor = random.random() + np.random.rand() + self.numpy.random() + self.python.random()
        return super().forward(x + torch.randn(4) + torch.randn(4, generator=self.own)) * factor


def take_a_step(parameter):
    """What optimizers do that run inside the backward pass."""
    parameter.data.sub_(parameter.grad)


class Hooked(Base):
    def __init__(self):
        super().__init__()
        self.layer.register_forward_hook(lambda module, args, output: output * 2)
        self.head.register_full_backward_hook(lambda module, into, out: None)
        self.head.weight.register_hook(lambda gradient: gradient * 0)
        self.head.weight.register_post_accumulate_grad_hook(take_a_step)
        self.handles = []

    def forward(self, x):
        self.handles.append(self.head.register_forward_hook(lambda module, args, output: output))
        return super().forward(x)


class HookedOnTheWay(Base):
    """Adds hooks to parameters in every pass: to one that has some, and to one that has none."""

    def __init__(self):
        super().__init__()
        self.head.weight.register_hook(lambda gradient: gradient)

    def forward(self, x):
        self.head.weight.register_hook(lambda gradient: gradient * 0)
        self.head.bias.register_hook(lambda gradient: gradient * 0)
        return super().forward(x)


class Learning(Base):
    """Takes a step of its own on the way, so that a parameter is the result of an operation on data."""

    def forward(self, x):
        with torch.no_grad():
            self.head.weight += 0.01 * (self.layer(x).T @ x).mean()
        return super().forward(x)


class Nested(Base):
    """Keeps what it has seen in containers inside of containers."""

    def __init__(self):
        super().__init__()
        self.cache = {"seen": [[], {"steps": 0}]}

    def forward(self, x):
        self.cache["seen"][0].append(1)
        self.cache["seen"][1]["steps"] += 1
        return super().forward(x)


class Careless(Base):
    """Leaves global settings changed."""

    def forward(self, x):
        out = super().forward(x)
        torch.set_default_dtype(torch.float64)
        self.train(False)
        self.zero_grad()
        torch.manual_seed(77)
        return out


class Overwriting(Base):
    def forward(self, x):
        return super().forward(x.mul_(2).relu_())


class Checkpointed(Base):
    def __init__(self, reentrant):
        super().__init__()
        self.reentrant, self.drop = reentrant, nn.Dropout(0.5)

    def forward(self, x):
        run = lambda each: self.drop(torch.relu(self.layer(each)))  # noqa: E731
        return self.head(checkpoint(run, x.requires_grad_(True), use_reentrant=self.reentrant))


class Merging(Base):
    """LoRA's old way: train() and eval() add a product to the weight and take it off."""

    def train(self, mode=True):
        if mode != self.training:
            self.layer.weight.data.add_(0.1 if not mode else -0.1)
        return super().train(mode)


MODELS = {
    "plain": Base,
    "batch norm": Normalized,
    "buffers and attributes": Counting,
    "signs of zero": Zeroed,
    "clamped": Clamped,
    "swapped": Swapped,
    "max_norm": Renormed,
    "parametrized": Spectral,
    "random": Random,
    "recurrent": Recurrent,
    "hooks": Hooked,
    "hooked on the way": HookedOnTheWay,
    "learning": Learning,
    "nested": Nested,
    "careless": Careless,
    "input overwritten": Overwriting,
    "checkpointed": lambda: Checkpointed(False),
    "checkpointed, reentrant": lambda: Checkpointed(True),
    "merging": Merging,
    "data parallel": lambda: nn.DataParallel(Normalized()),
    "compiled": lambda: torch.compile(Normalized(), backend="eager"),
    "loss of its own state": Base,
}


def prepared(name):
    """A model in an unusual state: eval mode, one part training, gradients, one frozen layer."""
    torch.manual_seed(3)
    model = MODELS[name]()
    if name in ("max_norm", "merging"):
        model.eval()
    else:
        for place, module in enumerate(model.modules()):
            module.training = place % 2 == 0 or isinstance(module, nn.BatchNorm1d)
    for place, parameter in enumerate(model.parameters()):
        if place % 2:
            parameter.grad = torch.full_like(parameter, 7.0)
    next(model.parameters()).requires_grad_(name in ("checkpointed, reentrant", "swapped"))
    return model


def batch():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, 4, generator=generator)
    x.grad = torch.ones_like(x)
    return x, torch.arange(8) % 3


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, output, y):
        self.steps += 1
        return functional.cross_entropy(output * self.temperature, y)


class Stop(BaseException):
    """Neither an error nor an exit; stands for KeyboardInterrupt, which would stop the tests."""


def unchanged(model, x, y, loss_fn, raises=None):
    before = snapshot(model, x, y, *(loss_fn.parameters() if isinstance(loss_fn, nn.Module) else ()))
    try:
        report = symbreak.check(model, x, y, loss_fn)
    except (symbreak.errors.InvalidInput, Stop, ZeroDivisionError) as error:
        report = None
        if raises is None or not isinstance(error, raises):
            raise
    else:
        assert raises is None
    after = snapshot(model, x, y, *(loss_fn.parameters() if isinstance(loss_fn, nn.Module) else ()))
    changed = [key for key in before if before[key] != after[key]]
    if changed:
        raise AssertionError(f"changed: {changed}")
    return report


@pytest.mark.parametrize("name", MODELS)
def test_nothing_changes(name):
    loss_fn = Stateful() if name == "loss of its own state" else functional.cross_entropy
    assert unchanged(prepared(name), *batch(), loss_fn) is not None


def constant(model):
    """Tied units let the check look at further points."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.25)
    return model


@pytest.mark.parametrize("name", ["plain", "batch norm", "buffers and attributes", "clamped", "swapped", "random"])
def test_nothing_changes_where_further_points_are_tried(name):
    assert unchanged(constant(prepared(name)), *batch(), functional.cross_entropy) is not None


def where_it_raises(place, error, monkeypatch):
    """Return a loss, and break one place of the check."""

    def failing(*_):
        raise error

    if place == "loss":
        return failing
    if place == "rule":
        monkeypatch.setattr(non_finite, "_is_mask", failing)
        monkeypatch.setattr(non_finite, "_stored", failing)
    if place == "backward":

        class Break(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.clone()

            @staticmethod
            def backward(ctx, gradient):
                raise error

        return lambda output, y: functional.cross_entropy(Break.apply(output), y)
    return functional.cross_entropy


@pytest.mark.parametrize("place", ["forward", "loss", "backward"])
@pytest.mark.parametrize("error", [ZeroDivisionError("x"), Stop()], ids=["error", "stop"])
@pytest.mark.parametrize("name", ["buffers and attributes", "clamped", "random", "careless", "hooks"])
def test_nothing_changes_when_something_raises(place, error, name, monkeypatch):
    model = prepared(name)
    if place == "forward":
        # The head fails after the model did what it does.
        model.head = _Failing(error)
    raises = Stop if isinstance(error, Stop) else (symbreak.errors.InvalidInput, ZeroDivisionError)
    unchanged(model, *batch(), where_it_raises(place, error, monkeypatch), raises=raises)


class _Failing(nn.Linear):
    def __init__(self, error):
        super().__init__(6, 3)
        self.error = error

    def forward(self, x):
        raise self.error


def test_nothing_changes_when_a_rule_raises(monkeypatch):
    model = prepared("buffers and attributes")
    unchanged(model, *batch(), where_it_raises("rule", Stop(), monkeypatch), raises=Stop)


def test_a_caller_without_gradients_keeps_that():
    with torch.no_grad():
        assert unchanged(prepared("plain"), *batch(), functional.cross_entropy) is not None
        assert not torch.is_grad_enabled()


def test_parts_of_a_model_in_training_that_are_not_stay_so():
    """A frozen batch norm is judged as it will be used."""
    model = Normalized().train()
    model.norm.eval()
    seen = []
    model.norm.register_forward_hook(lambda module, args, output: seen.append(module.training))
    symbreak.check(model, *batch(), functional.cross_entropy)
    model.eval()
    symbreak.check(model, *batch(), functional.cross_entropy)
    assert seen == [False, True]


# --- the same with one part of the guard left out ----------------------------------------------------------------


@contextmanager
def _idle(*_):
    yield


@contextmanager
def _unfused_for_ever():
    torch.backends.mkldnn.enabled = False
    yield


def nothing(self):
    return None


def no_hooks(self):
    self.tensor.requires_grad_(self._trained)
    self.tensor.grad = self._gradient


def no_gradient(self):
    self.tensor.requires_grad_(self._trained)
    self.tensor._post_accumulate_grad_hooks = self._steps


def not_trained(self):
    no_gradient(self)
    self.tensor.requires_grad_(self.tensor.is_floating_point())
    self.tensor.grad = self._gradient


def visible(self):
    return None


def only_attributes(kept, held, small, written):
    for each in held:
        each.put_back()


def without_small(kept, held, small, written):
    original_put_back(kept, held, [], written)


def without_written(kept, held, small, written):
    written.copies.clear()
    original_put_back(kept, held, small, written)


original_put_back = guard._put_back


def no_containers(self):
    self._own.clear()
    self._own.update(self.values)


def no_own(self):
    for container, content in self._inside:
        container.clear()
        container.extend(content) if isinstance(container, list) else container.update(content)


def no_inner(values):
    return [value for value in values.values() if type(value) in guard.CONTAINERS]


def equal_is_enough(a, b):
    return bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))


MUTANTS = {
    "gradients and hooks not hidden": (guard._Kept, "hide", visible, "hooks"),
    "memory, gradients, hooks not put back": (guard._Kept, "put_back", nothing, "plain"),
    "hooks put back, gradients not": (guard._Kept, "put_back", no_gradient, "plain"),
    "gradients put back, hooks not": (guard._Kept, "put_back", no_hooks, "hooks"),
    "training not put back": (guard._Kept, "put_back", not_trained, "plain"),
    "memory not put back": (guard, "_place", lambda tensor: None, "swapped"),
    "attributes not put back": (guard._Attributes, "put_back", nothing, "buffers and attributes"),
    "inner containers not put back": (guard, "_containers", no_inner, "nested"),
    "hooks on the way not put back": (guard._Kept, "_put_hooks_back", nothing, "hooked on the way"),
    "own hooks not put back": (guard._Kept, "_put_hooks_back", nothing, "learning"),
    "containers not put back": (guard._Attributes, "put_back", no_containers, "buffers and attributes"),
    "own attributes not put back": (guard._Attributes, "put_back", no_own, "buffers and attributes"),
    "buffers not put back": (guard, "_put_back", without_small, "batch norm"),
    "written parameters not put back": (guard, "_put_back", without_written, "clamped"),
    "writes not seen": (guard._Written, "_about_to_write", lambda self, value: None, "clamped"),
    "input not looked after": (guard._Written, "_about_to_write", lambda self, value: None, "input overwritten"),
    "equal bits not asked for": (guard, "_same_bits", equal_is_enough, "signs of zero"),
    "default type kept": (guard, "_default_dtype", _idle, "careless"),
    "random states kept": (guard, "_random_states", _idle, "random"),
    "fused kernels allowed again": (guard, "_unfused", lambda modules: _unfused_for_ever(), "recurrent"),
    "own generators kept": (guard._Generators, "put_back", nothing, "random"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_part_of_the_guard_is_needed(mutant, monkeypatch):
    place, name, broken, model = MUTANTS[mutant]
    monkeypatch.setattr(place, name, broken)
    with everything_restored(), pytest.raises((AssertionError, KeyError)):
        unchanged(prepared(model), *batch(), functional.cross_entropy)


@contextmanager
def everything_restored():
    """A broken guard must not break the tests that follow."""
    python, legacy, pytorch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    with ExitStack() as stack:
        stack.callback(random.setstate, python)
        stack.callback(np.random.set_state, legacy)
        stack.callback(torch.set_rng_state, pytorch)
        stack.callback(setattr, torch.backends.mkldnn, "enabled", torch.backends.mkldnn.enabled)
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        yield
