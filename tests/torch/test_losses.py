"""Which loss it is, its mean, its targets and the operation that gives its prediction; whoever writes it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from symbreak.torch import losses, written_losses
from symbreak.torch.observe import observe

ROWS, CLASSES = 12, 4


def world():
    torch.manual_seed(0)
    y = torch.arange(ROWS) % CLASSES
    return SimpleNamespace(
        model=nn.Linear(5, CLASSES),
        x=torch.randn(ROWS, 5),
        classes=y,
        shares=torch.softmax(torch.randn(ROWS, CLASSES), 1),
        numbers=torch.randn(ROWS, CLASSES),
        coins=(torch.rand(ROWS, CLASSES) > 0.5).float(),
    )


def log_softmax(scores):
    return F.log_softmax(scores, 1)


def gathered(scores, y):
    return log_softmax(scores).gather(1, y[:, None])


def focal(scores, y):
    picked = gathered(scores, y)
    return -((1 - picked.exp()) ** 2 * picked).mean()


def halved(scores, y):
    return 0.5 * (scores - y).pow(2).sum()


def times_itself(scores, y):
    difference = y - scores
    return (difference * difference).sum(1).mean()


CE, BCE, MSE, OTHER = "cross-entropy", "binary-cross-entropy", "squared-error", "other"
ABS, COUNTS = "absolute-error", "poisson"
WEIGHTS = torch.tensor([1.0, 2.0, 3.0, 4.0])
# name: (loss, which targets, kind)
TABLE = {
    "indices": (F.cross_entropy, "classes", CE),
    "weights": (lambda o, y: F.cross_entropy(o, y, weight=WEIGHTS), "classes", CE),
    "smoothing": (lambda o, y: F.cross_entropy(o, y, label_smoothing=0.1), "classes", CE),
    "sum": (lambda o, y: F.cross_entropy(o, y, reduction="sum"), "classes", CE),
    "none": (lambda o, y: F.cross_entropy(o, y, reduction="none"), "classes", CE),
    "module": (nn.CrossEntropyLoss(), "classes", CE),
    "soft": (F.cross_entropy, "shares", CE),
    "nll": (lambda o, y: F.nll_loss(log_softmax(o), y), "classes", CE),
    "penalty": (lambda o, y: F.cross_entropy(o, y) + 0.01 * o.square().mean(), "classes", CE),
    "gather": (lambda o, y: -gathered(o, y).mean(), "classes", CE),
    "gather, sum": (lambda o, y: -gathered(o, y).squeeze(1).sum(), "classes", CE),
    "index": (lambda o, y: -log_softmax(o)[torch.arange(ROWS), y].mean(), "classes", CE),
    "index of the negative": (lambda o, y: (-log_softmax(o))[range(ROWS), y].mean(), "classes", CE),
    "log of softmax": (lambda o, y: -torch.log(o.softmax(1)).gather(1, y[:, None]).mean(), "classes", CE),
    "one-hot": (lambda o, y: -(F.one_hot(y, CLASSES) * log_softmax(o)).sum(1).mean(), "classes", CE),
    "product with shares": (lambda o, y: -(y * log_softmax(o)).sum(1).mean(), "shares", CE),
    "product with shares, sum": (lambda o, y: -(log_softmax(o) * y).sum(), "shares", CE),
    "divergence": (lambda o, y: F.kl_div(log_softmax(o), y, reduction="batchmean"), "shares", OTHER),
    "focal": (focal, "classes", OTHER),
    "mse": (F.mse_loss, "numbers", MSE),
    "mse, sum": (lambda o, y: F.mse_loss(o, y, reduction="sum"), "numbers", MSE),
    "square": (lambda o, y: ((o - y) ** 2).mean(), "numbers", MSE),
    "square of the negative": (lambda o, y: (y - o).square().mean(), "numbers", MSE),
    "square, sum": (lambda o, y: ((o - y) ** 2).sum(), "numbers", MSE),
    "half a square, sum": (halved, "numbers", MSE),
    "difference times itself": (times_itself, "numbers", MSE),
    "weighted square": (lambda o, y: ((o - y) ** 2 * WEIGHTS).mean(), "numbers", OTHER),
    "root of the square": (lambda o, y: ((o - y) ** 2).mean().sqrt(), "numbers", MSE),
    "fourth power": (lambda o, y: ((o - y) ** 4).mean(), "numbers", OTHER),
    "l1": (F.l1_loss, "numbers", ABS),
    "written l1": (lambda o, y: (o - y).abs().mean(), "numbers", ABS),
    "l1, sum": (lambda o, y: F.l1_loss(o, y, reduction="sum"), "numbers", ABS),
    "weighted l1": (lambda o, y: ((o - y).abs() * WEIGHTS).mean(), "numbers", OTHER),
    "huber": (F.huber_loss, "numbers", ABS),
    "smooth l1": (F.smooth_l1_loss, "numbers", ABS),
    "poisson": (F.poisson_nll_loss, "coins", COUNTS),
    "poisson, written": (lambda o, y: (o.exp() - o * y).mean(), "coins", COUNTS),
    "poisson of rates": (lambda o, y: F.poisson_nll_loss(o.exp(), y, log_input=False), "coins", OTHER),
    "rates of others": (lambda o, y: ((0.5 * o).exp() - o * y).mean(), "coins", OTHER),
    "bce": (lambda o, y: F.binary_cross_entropy(o.sigmoid(), y), "coins", BCE),
    "bce with logits": (F.binary_cross_entropy_with_logits, "coins", BCE),
    "bce, pos_weight": (lambda o, y: F.binary_cross_entropy_with_logits(o, y, pos_weight=WEIGHTS), "coins", BCE),
    "bce, sum": (lambda o, y: F.binary_cross_entropy_with_logits(o, y, reduction="sum"), "coins", BCE),
    "the usual one for classes": (None, "classes", CE),
    "the usual one for numbers": (None, "numbers", MSE),
}


PLAIN = {MSE: F.mse_loss, ABS: F.l1_loss, BCE: F.binary_cross_entropy_with_logits, COUNTS: F.poisson_nll_loss}


def reference(here, targets, kind):
    """The plain mean, by PyTorch's own functions."""
    with torch.no_grad():
        scores, y = here.model(here.x), getattr(here, targets)
        if targets in ("classes", "shares"):
            return float(F.cross_entropy(scores, y))
        return float(PLAIN[kind](scores, y))


def observed(name):
    here = world()
    loss_fn, targets, kind = TABLE[name]
    y = getattr(here, targets)
    return here, targets, kind, observe(here.model, here.x, y, loss_fn)


def check_loss(name):
    here, targets, kind, seen = observed(name)
    loss = seen.loss
    assert loss.kind == kind
    if kind == OTHER:
        assert loss.targets is None
        return
    assert math.isclose(loss.value, reference(here, targets, kind), rel_tol=1e-5)
    y = getattr(here, targets).numpy()
    one_hot = name == "one-hot"
    assert np.array_equal(loss.targets.argmax(1) if one_hot else loss.targets.reshape(y.shape), y)
    assert loss.classes == (CLASSES if kind == CE else None)
    prediction = seen.operations[loss.output]
    assert prediction.weight.parameter == "weight" if name != "bce" else prediction.name == "sigmoid"
    assert loss.normalized == ("probabilities" if name == "bce" else "")


@pytest.mark.parametrize("name", TABLE)
def test_kind_value_targets_and_output(name):
    check_loss(name)


@pytest.mark.parametrize(
    ("loss_fn", "said"),
    [
        (lambda o, y: F.nll_loss(o, y), "raw scores"),
        (lambda o, y: F.cross_entropy(o.softmax(1), y), "probabilities"),
        (lambda o, y: F.cross_entropy(o.sigmoid(), y), "probabilities"),
        (lambda o, y: F.cross_entropy(log_softmax(o), y), "log-probabilities"),
        (F.cross_entropy, ""),
    ],
)
def test_what_the_loss_is_given(loss_fn, said):
    here = world()
    assert observe(here.model, here.x, here.classes, loss_fn).loss.normalized == said


def test_ignored_targets_are_left_out():
    here = world()
    loss = observe(here.model, here.x, here.classes, lambda o, y: F.cross_entropy(o, y, ignore_index=2)).loss
    with torch.no_grad():
        assert math.isclose(
            loss.value, float(F.cross_entropy(here.model(here.x), here.classes, ignore_index=2)), rel_tol=1e-5
        )
    assert set(loss.targets.tolist()) == {0, 1, 3}


def test_all_targets_ignored_is_no_known_loss():
    here = world()
    y = torch.full_like(here.classes, -100)
    loss_fn = lambda o, y: F.cross_entropy(o, y, reduction="sum")  # noqa: E731
    assert observe(here.model, here.x, y, loss_fn).loss.kind == OTHER


def test_segmentation():
    torch.manual_seed(0)
    model, x, y = nn.Conv2d(3, CLASSES, 1), torch.randn(2, 3, 5, 5), torch.randint(CLASSES, (2, 5, 5))
    loss = observe(model, x, y, F.cross_entropy).loss
    assert (loss.kind, loss.classes, loss.wanted) == (CE, CLASSES, (2, 5, 5))
    assert math.isclose(loss.value, float(F.cross_entropy(model(x), y).detach()), rel_tol=1e-5)
    assert np.array_equal(np.sort(loss.targets), np.sort(y.flatten().numpy()))


def test_a_language_model_shifts_inside():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=1, n_head=2))
    tokens = torch.randint(50, (2, 9))
    loss = observe(model, {"input_ids": tokens, "labels": tokens}).loss
    assert (loss.kind, loss.classes) == (CE, 50)
    assert np.array_equal(loss.targets, tokens[:, 1:].flatten().numpy())
    assert math.isclose(loss.value, loss.total, rel_tol=1e-4)


def test_shapes_that_broadcast_are_seen_in_written_squares():
    torch.manual_seed(0)
    model, x, y = nn.Linear(5, 1), torch.randn(ROWS, 5), torch.randn(ROWS)
    loss = observe(model, x, y, lambda o, y: ((o - y) ** 2).mean()).loss
    assert (loss.kind, loss.predicted, loss.wanted) == (MSE, (ROWS, 1), (ROWS,))


def test_an_autoencoder_s_targets_are_its_input():
    class Reconstruct(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 5)

        def forward(self, x):
            return ((x - self.layer(x)) ** 2).mean()

    here = world()
    loss = observe(Reconstruct(), here.x).loss
    assert loss.kind == MSE
    assert np.allclose(loss.targets, here.x.numpy())


MUTANTS = {
    "totals not compared": (written_losses.Seen, "explains", lambda self, total: True, ("focal", "weighted square")),
    "no difference noted": (written_losses.Written, "_note_difference", lambda *_: None, ("square",)),
    "no gather seen": (written_losses.Written, "_gathered", lambda *_: None, ("gather",)),
    "no product seen": (written_losses.Written, "_shared", lambda *_: None, ("product with shares",)),
    "shares not checked": (written_losses.Written, "_is_given", lambda *_: True, ("square",)),
    "logits not followed": (losses, "_logits", lambda records, seen: records[seen.record], ("gather", "indices")),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_rejected(mutant, monkeypatch):
    place, name, broken, cases = MUTANTS[mutant]
    monkeypatch.setattr(place, name, broken)
    for case in cases:
        with pytest.raises((AssertionError, AttributeError)):
            check_loss(case)
