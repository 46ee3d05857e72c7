"""Models and batches of every form: each is judged, or refused in one clear sentence."""

from __future__ import annotations

import collections
import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.rnn import pack_padded_sequence

import symbreak
from symbreak.diagnosis.reach import MOST_PROBES
from symbreak.errors import InvalidInput
from symbreak.torch.observe import observe


class Make(nn.Module):
    """A forward pass as a function of the parts and the input."""

    def __init__(self, run, *parts):
        super().__init__()
        self.run, self.parts = run, nn.ModuleList(parts)

    def forward(self, *args, **kwargs):
        return self.run(self.parts, *args, **kwargs)


def mlp():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def batch():
    torch.manual_seed(0)
    return torch.randn(16, 8), torch.arange(16) % 3


@dataclasses.dataclass
class Answer:
    logits: torch.Tensor
    extra: dict


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(8, 3, dtype=torch.cfloat))

    def forward(self, x):
        return (x.to(torch.cfloat) @ self.w).abs()


class Odd(nn.Module):
    """Parameters without an axis and without an entry."""

    def __init__(self):
        super().__init__()
        self.layer, self.scale = mlp(), nn.Parameter(torch.tensor(1.0))
        self.empty, self.thin = nn.Parameter(torch.zeros(0)), nn.Parameter(torch.zeros(3, 0))

    def forward(self, x):
        return self.layer(x) * self.scale


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class NotALeaf(nn.Module):
    """A tensor that was computed from a parameter once; training goes through it."""

    def __init__(self):
        super().__init__()
        self.source = nn.Parameter(torch.randn(3, 8) / 4)
        self.weight = self.source * 2

    def forward(self, x):
        return F.linear(x, self.weight)


class Itself:
    """An object that holds itself."""

    def __init__(self, logits):
        self.logits, self.me = logits, self


def no_gradient_for_the_first(parts, x):
    with torch.no_grad():
        hidden = parts[0](x)
    return parts[1](hidden)


def mixed(parts, x):
    with torch.autocast("cpu", torch.bfloat16):
        return parts[0](x)


def gradient_inside(parts, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(parts[0](x).square().sum(), x, create_graph=True)[0]


def packed(parts, x):
    return parts[1](parts[0](pack_padded_sequence(x, torch.tensor([4] * 16), batch_first=True))[1][0])


def shared():
    layer = nn.Linear(8, 8)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), layer, nn.Linear(8, 3))


def pair(x, y):
    return {"a": x, "b": x}, y


def plain(x, y):
    return x, y


def sequences(x, y):
    return torch.randn(16, 4, 8), y


def words(x, y):
    return torch.randint(10, (16, 5)), y


sum_of_two = lambda parts, a, b: parts[0](a + b)  # noqa: E731
JUDGED = {
    "plain": (mlp, plain),
    "bfloat16": (lambda: mlp().bfloat16(), lambda x, y: (x.bfloat16(), y)),
    "float16": (lambda: mlp().half(), lambda x, y: (x.half(), y)),
    "float64": (lambda: mlp().double(), lambda x, y: (x.double(), y)),
    "compiled": (lambda: torch.compile(mlp(), backend="eager"), plain),
    "a compiled part": (lambda: nn.Sequential(torch.compile(nn.Linear(8, 8), backend="eager"), nn.Linear(8, 3)), plain),
    "data parallel": (lambda: nn.DataParallel(mlp()), plain),
    "traced by fx": (lambda: torch.fx.symbolic_trace(mlp()), plain),
    "a part without gradients": (lambda: Make(no_gradient_for_the_first, nn.Linear(8, 16), nn.Linear(16, 3)), plain),
    "a number": (lambda: Make(lambda parts, x: parts[0](x).square().mean(), mlp()), lambda x, y: (x, None)),
    "nested": (lambda: Make(lambda parts, x: {"a": {"b": [parts[0](x)]}}, mlp()), plain),
    "dataclass": (lambda: Make(lambda parts, x: Answer(parts[0](x), {}), mlp()), plain),
    "tuple": (lambda: Make(lambda parts, x: (parts[0](x), x), mlp()), plain),
    "an object that holds itself": (lambda: Make(lambda parts, x: Itself(parts[0](x)), mlp()), plain),
    "loss first": (
        lambda: Make(lambda parts, x, y: (F.cross_entropy(parts[0](x), y), parts[0](x)), mlp()),
        lambda x, y: ((x, y), None),
    ),
    "dict": (lambda: Make(sum_of_two, mlp()), pair),
    "UserDict": (lambda: Make(sum_of_two, mlp()), lambda x, y: (collections.UserDict(a=x, b=x), y)),
    "list": (lambda: Make(sum_of_two, mlp()), lambda x, y: ([x, x], y)),
    "text beside": (lambda: Make(lambda parts, x, mode: parts[0](x), mlp()), lambda x, y: ({"x": x, "mode": "a"}, y)),
    "shared layers": (shared, plain),
    "unused parts": (lambda: Make(lambda parts, x: parts[0](x), mlp(), nn.Linear(4, 4)), plain),
    "complex parameters": (Complex, plain),
    "sparse gradients": (
        lambda: Make(lambda p, x: p[1](p[0](x).mean(1)), nn.Embedding(10, 8, sparse=True), nn.Linear(8, 3)),
        words,
    ),
    "odd shapes": (Odd, plain),
    "nan": (mlp, lambda x, y: (x.index_fill(0, torch.tensor(0), float("nan")), y)),
    "inf": (mlp, lambda x, y: (x.index_fill(0, torch.tensor(0), float("inf")), y)),
    "one sample": (mlp, lambda x, y: (x[:1], y[:1])),
    "no batch": (mlp, lambda x, y: (x[0], y[0])),
    "no axis": (lambda: Make(lambda p, x: p[0](x.reshape(1, 1)), nn.Linear(1, 3)), lambda x, y: (x[0, 0], y[:1])),
    "own autograd function": (
        lambda: Make(lambda p, x: p[1](Doubled.apply(p[0](x))), nn.Linear(8, 8), nn.Linear(8, 3)), plain,
    ),
    "noise": (lambda: Make(lambda p, x: p[0](x + torch.randn_like(x)), mlp()), plain),
    "not a leaf": (NotALeaf, plain),
    "losses of samples": (mlp, plain),
    "mixed precision": (lambda: Make(mixed, mlp()), plain),
    "vmap": (lambda: Make(lambda p, x: torch.vmap(lambda row: p[0](row))(x), mlp()), plain),
    "gradient inside": (
        lambda: Make(gradient_inside, nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))),
        lambda x, y: (x, None),
    ),
    "packed sequences": (lambda: Make(packed, nn.GRU(8, 6, batch_first=True), nn.Linear(6, 3)), sequences),
    "booleans": (lambda: Make(lambda p, x: p[0](x.float()), mlp()), lambda x, y: (x > 0, y)),
    "sparse input": (lambda: Make(lambda p, x: p[0](x.to_dense()), mlp()), lambda x, y: (x.to_sparse(), y)),
    "an input with a gradient": (mlp, lambda x, y: (x.requires_grad_(), y)),
    "the same output twice": (lambda: Make(lambda p, x: (lambda o: (o, [o]))(p[0](x)), mlp()), plain),
    "no input": (lambda: Make(lambda p: p[0](torch.ones(4, 8)), mlp()), lambda x, y: ((), None)),
    "numbers only": (lambda: Make(lambda p, n: p[0](torch.ones(n, 8)), mlp()), lambda x, y: ((4,), None)),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_it_is_judged(name):
    make, given = JUDGED[name]
    x, y = given(*batch())
    loss_fn = (lambda o, y: F.cross_entropy(o, y, reduction="none")) if name == "losses of samples" else None
    torch.manual_seed(1)
    model = make()
    report = symbreak.check(model, x, y, loss_fn)
    assert {outcome.rule for outcome in report.outcomes if not outcome.skipped} >= {
        "symmetric-units",
        "stuck-parameters",
    } or (name in ("no input", "numbers only"))
    found = {finding.rule for finding in report.findings if finding.severity == "error"}
    assert found == ({"non-finite"} if name in ("nan", "inf") else set())


def test_every_parameter_that_is_used_has_its_gradient():
    """Also through tensors that hold other tensors, and past parts without one."""
    x, y = batch()
    for name in (
        "dict",
        "UserDict",
        "nested",
        "data parallel",
        "shared layers",
        "complex parameters",
        "mixed precision",
    ):
        make, given = JUDGED[name]
        seen = observe(make(), *given(x, y))
        assert all(p.gradient is not None and p.gradient.rms > 0 for p in seen.parameters if p.trainable), name
        assert seen.unused == ()
    seen = observe(JUDGED["a part without gradients"][0](), x, y)
    assert set(seen.unused) == {"parts.0.weight", "parts.0.bias"}


def on_meta():
    with torch.device("meta"):
        return mlp()


def in_inference_mode(parts, x):
    with torch.inference_mode():
        return parts[0](x)


def made_in_inference_mode():
    with torch.inference_mode():
        return mlp()


def frozen():
    return mlp().requires_grad_(False)


def quantized():
    return torch.ao.quantization.quantize_dynamic(mlp(), {nn.Linear})


def overwritten(parts, x):
    hidden = parts[0](x).exp()
    return parts[1](hidden.add_(1))


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.eye(8).to_sparse())

    def forward(self, x):
        return torch.sparse.mm(self.w, x.T).T


CE = F.cross_entropy
REFUSED = {
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(8)), plain, CE, "lazy layer has no weights"),
    "meta": (on_meta, plain, CE, "on the meta device"),
    "quantized": (quantized, plain, CE, "quantized model is not trained"),
    "sparse parameter": (Sparse, plain, CE, "dense tensors"),
    "made in inference mode": (made_in_inference_mode, plain, CE, "inference_mode"),
    "inference mode inside": (lambda: Make(in_inference_mode, mlp()), plain, CE, "without a gradient"),
    "frozen": (frozen, plain, CE, "without a gradient"),
    "frozen, no loss": (frozen, plain, None, "without a gradient"),
    "no parameters": (nn.ReLU, lambda x, y: (x, None), None, "must depend on the parameters"),
    "no output": (lambda: Make(lambda p, x: None, mlp()), plain, None, "must depend on the parameters"),
    "whole numbers": (lambda: Make(lambda p, x: p[0](x).argmax(-1), mlp()), plain, None, "must depend"),
    "empty output": (lambda: Make(lambda p, x: p[0](x)[:0], mlp()), lambda x, y: (x, None), None, "must depend"),
    "other types": (lambda: mlp().double(), plain, CE, "same dtype"),
    "array": (mlp, lambda x, y: (x.numpy(), y), CE, "must run on the input"),
    "no samples": (mlp, lambda x, y: (x[:0], y[:0]), CE, "at least one sample"),
    "wrong width": (mlp, lambda x, y: (x[:, :5], y), CE, "cannot be multiplied"),
    "raises": (lambda: Make(lambda p, x: {}["key"], mlp()), plain, CE, "KeyError: 'key'"),
    "raises nothing said": (lambda: Make(lambda p, x: next(iter(())), mlp()), plain, CE, "StopIteration"),
    "no backward pass": (
        lambda: Make(overwritten, nn.Linear(8, 8), nn.Linear(8, 3)),
        plain,
        CE,
        "backward pass must run",
    ),
    "loss detached": (mlp, plain, lambda o, y: CE(o, y).detach(), "without a gradient"),
    "loss a float": (mlp, plain, lambda o, y: CE(o, y).item(), "float without a gradient"),
    "no loss": (mlp, plain, lambda o, y: None, "NoneType without a gradient"),
    "loss raises": (mlp, plain, lambda o, y: 1 / 0, "ZeroDivisionError"),
    "target out of bounds": (mlp, lambda x, y: (x, y + 5), CE, "out of bounds"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Sparse", "ignore:.*quantized")
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence(name):
    make, given, loss_fn, said = REFUSED[name]
    x, y = given(*batch())
    with pytest.raises(InvalidInput, match=said) as refused:
        symbreak.check(make(), x, y, loss_fn)
    assert len(str(refused.value).splitlines()) == 4


@pytest.mark.parametrize("make", [on_meta, lambda: nn.LazyLinear(3)])
def test_values_alone_need_values(make):
    with pytest.raises(InvalidInput):
        symbreak.check(make())


def test_a_check_inside_a_default_device_uses_the_model_s():
    x, y = batch()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    with torch.device("meta"):
        assert symbreak.check(model, x, y, CE).ok == symbreak.check(model, x, y, CE).ok


class Counted(nn.Module):
    """Counts its passes outside of itself, as what is inside is put back."""

    def __init__(self, *, tied=False):
        super().__init__()
        self.layers = mlp()
        if tied:
            nn.init.constant_(self.layers[0].weight, 0.1)
            nn.init.constant_(self.layers[0].bias, 0.1)

    def forward(self, x):
        PASSES[0] += 1
        output = self.layers(x)
        if output.requires_grad:
            output.register_hook(lambda gradient: PASSES.__setitem__(1, PASSES[1] + 1))
        return output


PASSES = [0, 0]


@pytest.mark.parametrize(("tied", "most"), [(False, 1), (True, 1 + MOST_PROBES)])
def test_a_sound_model_is_run_once_and_one_with_ties_a_few_times(tied, most):
    x, y = batch()
    PASSES[:] = 0, 0
    symbreak.check(Counted(tied=tied), x, y, CE)
    assert PASSES[0] == PASSES[1]
    assert 1 <= PASSES[0] <= most
