"""Made-up input and targets: what the text asks for, from one seed, and by its law."""

from __future__ import annotations

import math

import pytest
import torch

from symbreak.errors import InvalidInput
from symbreak.torch.named_losses import LOSSES, MadeUpTargets, cross_entropy
from symbreak.torch.synthetic import Spec, made_up

SIGMAS = 6  # two-sided: 2e-9


def test_floats_are_standard_normal():
    x = made_up(["400,500"], seed=0)
    count = x.numel()
    assert abs(float(x.mean())) < SIGMAS / math.sqrt(count)
    assert abs(float(x.var()) - 1) < SIGMAS * math.sqrt(2 / count)


def test_whole_numbers_are_below_their_bound_and_reach_it():
    x = made_up(["2,2000:int:7"], seed=0)
    assert x.dtype is torch.int64
    assert set(x.unique().tolist()) == set(range(7))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "bool"])
def test_types_are_those_asked_for(name):
    assert made_up([f"3,2:{name}"], seed=0).dtype is getattr(torch, name)


def test_the_seed_decides():
    one, same, other = (made_up(["8,8"], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_several_inputs_are_arguments_by_position_or_by_name_and_differ():
    first, second = made_up(["4,4", "4,4"], seed=0)
    assert not torch.equal(first, second)
    assert list(made_up(["ids=2,8:int:5", "mask=2,8:bool"], seed=0)) == ["ids", "mask"]


@pytest.mark.parametrize(
    "texts",
    [
        [""],
        ["a,b"],
        ["2,-3"],
        ["2,0"],
        ["2,3:int"],
        ["2,3:float:5"],
        ["2,3:int:0"],
        ["2,3:complex64"],
        ["2;3"],
        ["=2,3"],
        ["1a=2,3"],
        ["99999999999,99999"],
        ["a=2,3", "4,4"],
        ["a=2,3", "a=4,4"],
        ["2,3\n"],
    ],
)
def test_other_texts_are_refused(texts):
    with pytest.raises(InvalidInput, match="try: "):
        made_up(texts, seed=0)


@pytest.mark.parametrize(
    ("shape", "classes", "wanted"),
    [
        ((6, 10), None, (6,)),
        ((6, 10), 10, (6,)),
        ((6, 5, 10), 10, (6, 5)),
        ((6, 10, 5), 10, (6, 5)),
        ((6, 10, 4, 4), 10, (6, 4, 4)),
        ((6, 4, 4, 4), 4, (6, 4, 4)),
        ((6, 4, 4, 10), 10, (6, 4, 4)),
    ],
)
def test_targets_fit_the_output_and_its_loss(shape, classes, wanted):
    output = torch.zeros(shape)
    y = MadeUpTargets("cross-entropy", classes, 0)(output)
    count = 10 if classes is None else classes
    assert tuple(y.shape) == wanted
    assert 0 <= int(y.min()) <= int(y.max()) < count
    assert float(cross_entropy(output, y)) == pytest.approx(math.log(count))


@pytest.mark.parametrize(("shape", "classes"), [((6,), None), ((6, 5, 4), None), ((6, 1), 10), ((6, 5, 4), 10)])
def test_an_output_without_such_classes_is_refused(shape, classes):
    with pytest.raises(InvalidInput, match="--classes"):
        MadeUpTargets("cross-entropy", classes, 0)(torch.zeros(shape))


@pytest.mark.parametrize("name", ["binary-cross-entropy", "squared-error"])
def test_targets_of_numbers_have_the_outputs_shape_and_their_law(name):
    y = MadeUpTargets(name, None, 0)(torch.zeros(100, 200))
    mean, var = (0.5, 0.25) if name == "binary-cross-entropy" else (0.0, 1.0)
    assert abs(float(y.mean()) - mean) < SIGMAS * math.sqrt(var / y.numel())
    assert abs(float(y.var()) - var) < SIGMAS * math.sqrt(2 / y.numel())
    assert torch.isfinite(LOSSES[name](torch.zeros(100, 200), y))


def test_a_language_models_loss_reads_the_last_axis():
    torch.manual_seed(0)
    logits, y = torch.randn(3, 4, 7), torch.randint(0, 7, (3, 4))
    told = torch.nn.functional.cross_entropy(logits.reshape(-1, 7), y.reshape(-1))
    assert torch.allclose(cross_entropy(logits, y), told, rtol=1e-6)


def test_the_text_is_read_whole():
    assert Spec.parse("x=3:int:2") == Spec((3,), "int", 2, "x")
