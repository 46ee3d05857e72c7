"""After a calibration every weight gives what was wanted, measured apart from the code that fitted it."""

from __future__ import annotations

import math

import pytest
import torch
from calibrating.models import (
    ACTIVATIONS,
    Recurrent,
    Residual,
    Transformer,
    convolutions,
    images,
    mlp,
    scaled,
    tokens,
)
from torch import nn

from symbreak.torch.calibrating import calibrate, calibrate_, fitting, passes
from symbreak.torch.calibrating.graph import Graph, Stream
from symbreak.torch.starting import gains

TOL = 0.05


def spreads(model, x):
    """Measure, by hooks, the spread of what each plain layer gives."""
    found = {}

    def note(name):
        def hook(module, args, output):
            axis = 1 if output.dim() == 4 else output.dim() - 1
            table = output.detach().double().movedim(axis, -1).flatten(0, -2)
            found[name] = float(((table - table.mean(dim=0)) ** 2).mean().sqrt())

        return hook

    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd))
    }
    handles = [module.register_forward_hook(note(name)) for name, module in layers.items()]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return found


def off(model, x, target=1.0):
    """Return the hidden layers whose spread is not what a calibration aims at, and heads that are too large."""
    found = spreads(model, x)
    *hidden, head = found
    wrong = [name for name in hidden if abs(found[name] / target - 1) > TOL * 1.001]
    return wrong + ([head] if found[head] > target * fitting.HEADS[1] * (1 + TOL) else [])


@pytest.mark.parametrize("factor", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_plain_layers(name, factor):
    torch.manual_seed(0)
    model, x = scaled(mlp(8, 32, 32, 4, activation=ACTIVATIONS[name]), factor), torch.randn(64, 8)
    calibrate_(model, x)
    assert off(model, x) == []


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh"])
def test_convolutions(name):
    torch.manual_seed(1)
    model, x = convolutions(ACTIVATIONS[name]), images()
    assert off(model, x) != []
    calibrate_(model, x)
    depth = 7
    critical = gains.critical(name, depth)
    assert off(model, x, 1.0) == [] if critical.square == 1 else True
    wanted = math.sqrt(critical.square)
    assert all(abs(size / wanted - 1) < 0.4 for size in list(spreads(model, x).values())[:-1])


@pytest.mark.parametrize("target", [0.1, 0.5, 3.0])
def test_the_target_is_kept(target):
    torch.manual_seed(2)
    model, x = mlp(8, 64, 64, 4), torch.randn(64, 8)
    calibrate_(model, x, target=target)
    assert off(model, x, target) == []


def test_the_edge_of_chaos_of_many_tanh_layers():
    torch.manual_seed(3)
    model, x = mlp(8, *[64] * 30, 4, activation=nn.Tanh), torch.randn(64, 8)
    calibrate_(model, x)
    wanted = math.sqrt(gains.critical("tanh", 30).square)
    found = list(spreads(model, x).values())[:-1]
    assert wanted < 0.7
    assert all(abs(size / wanted - 1) <= TOL * 1.001 for size in found)


@pytest.mark.parametrize("depth", [2, 8, 32])
def test_a_stream_stays_bounded_whatever_its_depth(depth):
    torch.manual_seed(4)
    model, x = scaled(Residual(depth), 3.0), torch.randn(64, 8)
    calibrate_(model, x)
    first, last = (stage.detach().std(dim=0).square().mean().sqrt() for stage in (model.stem(x), model.stream(x)))
    # Branches that agree with the stream can add up to more than the root of their number: twice is the allowance.
    assert float(last / first) < 2 * math.sqrt(2)
    assert float(last / first) > 1.1


@pytest.mark.parametrize("fused", [False, True])
def test_attention_without_normalization(fused):
    torch.manual_seed(5)
    model, x = scaled(Transformer(fused=fused), 5.0), tokens()
    calibrate_(model, x)
    found = spreads(model, x)
    inner = [size for name, size in found.items() if name.split(".")[-1] not in ("out", "head") and "downs" not in name]
    assert all(abs(size - 1) <= TOL * 1.001 for size in inner)
    assert float(model.stream(x).detach().std()) < 2 * math.sqrt(2) * float(model.table(x).detach().std())


@pytest.mark.parametrize("factor", [0.05, 1.0, 20.0])
def test_the_logits_of_attention_are_about_one(factor):
    torch.manual_seed(5)
    model, x = Transformer(), tokens()
    for attention in model.attentions:
        scaled(attention.query, factor), scaled(attention.key, factor)
    calibrate_(model, x)
    with torch.no_grad():
        table, attention = model.table(x), model.attentions[0]
        q, k = (layer(table).unflatten(-1, (2, -1)).transpose(1, 2) for layer in (attention.query, attention.key))
        logits = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    # Query and key agree here and there by chance: 16 tokens and 16 features make a factor of 3/2.
    assert 1 / 1.5 < float(logits.std(dim=-1).square().mean().sqrt()) < 1.5


def test_a_tied_table_is_scaled_once():
    torch.manual_seed(6)
    model, x = Transformer(tied=True), tokens()
    before = model.table.weight.detach().clone()
    done = calibrate_(model, x)
    assert [change.parameter for change in done.changes].count("table.weight") == 1
    factors = model.table.weight.detach() / before
    assert model.head.weight is model.table.weight
    assert torch.allclose(factors, factors[0, 0].expand_as(factors), rtol=1e-5)
    assert 0.1 < float(model(x).detach().std(dim=(0, 1)).square().mean().sqrt()) < 1.5 * (1 + TOL)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers(kind):
    torch.manual_seed(7)
    model, x = Recurrent(kind), torch.randn(32, 10, 8)
    done = calibrate_(model, x)
    # The state's product is the other half of the sum that the gates read.
    assert done["memory.weight_ih_l0"].after == pytest.approx(math.sqrt(0.5), rel=TOL * 1.001)
    for layer in (0, 1):
        change = done[f"memory.weight_hh_l{layer}"]
        assert change.place == "recurrent"
        assert change.after == pytest.approx(change.wanted, rel=TOL * 1.1)


def test_weight_norm_by_its_gain():
    torch.manual_seed(8)
    model, x = mlp(8, 32, 32, 4), torch.randn(64, 8)
    for place in (0, 2):
        nn.utils.parametrizations.weight_norm(model[place])
    directions = model[0].parametrizations.weight.original1.detach().clone()
    calibrate_(model, x)
    assert off(model, x) == []
    assert torch.equal(model[0].parametrizations.weight.original1, directions)


def test_a_second_calibration_changes_nothing():
    torch.manual_seed(9)
    for model, x in ((mlp(8, 64, 64, 4), torch.randn(64, 8)), (Residual(6), torch.randn(64, 8)),
                     (Transformer(), tokens()), (Recurrent(), torch.randn(32, 10, 8))):  # fmt: skip
        calibrate_(model, x)
        assert calibrate_(model, x).changed == ()


def test_few_passes_however_deep():
    class Counted(nn.Sequential):
        calls = 0

        def forward(self, x):
            type(self).calls += 1
            return super().forward(x)

    torch.manual_seed(10)
    model = Counted(*mlp(8, *[16] * 60, 4))
    done = calibrate_(model, torch.randn(32, 8))
    assert Counted.calls == done.passes == 4


# --- broken calibrations, which the tests above must tell ---


def inverted(self, role, seen, size=1.0):
    factor = ORIGINAL_FACTOR(self, role, seen, size)
    return 1 / factor


ORIGINAL_FACTOR = fitting.Fitting.factor
ORIGINAL_MEASURE = passes.measure


def by_rms(result, axis, read=None):
    found = ORIGINAL_MEASURE(result, axis, read)
    return passes.Spread(found.square, found.square, found.offsets, found.read, found.rows)


def one_sample_only(result, axis, read=None):
    return ORIGINAL_MEASURE(result[:2], axis, read) if result.dim() == 2 else ORIGINAL_MEASURE(result, axis, read)


@pytest.mark.parametrize(
    ("place", "name", "broken"),
    [
        (fitting.Fitting, "factor", inverted),
        (passes, "measure", by_rms),
        (passes, "measure", one_sample_only),
        (fitting.Fitting, "factor", lambda self, role, seen, size=1.0: ORIGINAL_FACTOR(self, role, seen, size) ** 0.5),
        (fitting.Fitting, "factor", lambda self, role, seen, size=1.0: ORIGINAL_FACTOR(self, role, seen, size) ** 2),
    ],
    ids=["inverted", "rms for spread", "two samples", "root", "square"],
)  # fmt: skip
def test_a_wrong_factor_is_told(monkeypatch, place, name, broken):
    monkeypatch.setattr(place, name, broken)
    monkeypatch.setattr(calibrate, "_worse", lambda *_: "")
    torch.manual_seed(11)
    model, x = mlp(8, 32, 32, 32, 4), torch.randn(64, 8) + 1
    calibrate_(model, x)
    assert off(model, x) != []


@pytest.mark.parametrize("broken", ["no branches", "no depth"])
def test_a_swollen_stream_is_told(monkeypatch, broken):
    if broken == "no branches":
        monkeypatch.setattr(Graph, "exits", {})
    else:
        monkeypatch.setattr(
            Graph, "streams", property(lambda self: {i: Stream(s, 1) for i, (s, _) in self.skips.items()})
        )
    torch.manual_seed(4)
    model, x = scaled(Residual(32), 3.0), torch.randn(64, 8)
    calibrate_(model, x)
    first, last = (stage.detach().std(dim=0).square().mean().sqrt() for stage in (model.stem(x), model.stream(x)))
    assert float(last / first) > 2 * math.sqrt(2)


def test_a_loop_taken_for_a_layer_is_told(monkeypatch):
    from symbreak.torch.calibrating import roles

    monkeypatch.setattr(roles, "_reads_itself", lambda *_: False)
    torch.manual_seed(7)
    assert calibrate_(Recurrent(), torch.randn(32, 10, 8))["memory.weight_hh_l0"].place != "recurrent"


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Softplus, nn.LogSigmoid])
def test_a_second_calibration_finds_nothing_to_do(activation):
    """What biases were given to take away is not taken away again."""
    torch.manual_seed(0)
    model, x = mlp(16, *[64] * 9, 4, activation=activation), torch.randn(64, 16)
    first = calibrate_(model, x)
    assert any(change.bias for change in first.changes)
    assert calibrate_(model, x).changed == ()
    held = [change for change in first.changes if "no further" in change.reason]
    assert bool(held) == (activation is nn.Sigmoid)
    assert all(change.after < change.wanted for change in held)


class Sines(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 64)])
        self.head = nn.Linear(64, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.sin(30 * layer(x))
        return self.head(x)


def test_what_is_multiplied_before_its_activation_is_so_much_smaller():
    x = torch.rand(256, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    model = Sines()
    done = calibrate_(model, x)
    assert done["layers.0.weight"].place == "left"  # its frequencies are chosen
    for name in ("layers.1.weight", "layers.2.weight"):
        assert math.isclose(done[name].wanted, 1 / 30, rel_tol=1e-3)
        assert math.isclose(done[name].after, 1 / 30, rel_tol=0.05)  # calibrate_'s own tol
