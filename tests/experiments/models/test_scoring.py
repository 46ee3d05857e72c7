"""Base rates of a user's batches: the cost of the best constant answer, found another way; what cannot be known."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional


class Constant(nn.Module):
    """Knows nothing of its input but its length: what it costs at its best is the base rate."""

    def __init__(self, shape):
        super().__init__()
        self.answer, self.weight = nn.Parameter(torch.zeros(shape)), nn.Linear(6, 1)

    def forward(self, x):
        return self.answer.expand(len(x), *self.answer.shape) + 0 * self.weight(x).sum()


def best_constant(shape, batches, loss_fn):
    model = Constant(shape)
    optimizer = torch.optim.LBFGS([model.answer], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = sum(loss_fn(model(x), y) * len(x) for x, y in batches) / sum(len(x) for x, _ in batches)
        loss.backward()
        return loss

    return float(optimizer.step(closure) and closure().detach())


def draw(kind, size, generator):
    x = torch.randn(size, 6, generator=generator)
    y = {
        "classes": torch.randint(0, 3, (size,), generator=generator),
        "coins": (torch.rand(size, 2, generator=generator) < 0.3).float(),
        "numbers": torch.randn(size, 2, generator=generator) * torch.tensor([1.0, 3.0]),
    }[kind]
    return x, y


@pytest.mark.parametrize(
    ("kind", "outputs", "loss_fn", "score"),
    [
        ("classes", 3, functional.cross_entropy, "accuracy"),
        ("coins", 2, functional.binary_cross_entropy_with_logits, "accuracy"),
        ("numbers", 2, functional.mse_loss, "r2"),
    ],
)
def test_a_base_rate_is_the_cost_of_the_best_constant(quick, kind, outputs, loss_fn, score):
    generator = torch.Generator().manual_seed(1)
    batches = [draw(kind, size, generator) for size in (40, 24)]
    result = quick(lambda: nn.Linear(6, outputs), batches, loss_fn=loss_fn, steps=2, seeds=1)
    assert (result.data.base, result.data.score) == ("base-rate", score)
    assert result.data.base_rate_cost == pytest.approx(best_constant((outputs,), batches, loss_fn), rel=1e-4)
    assert result.data.training_samples == 64


def test_scores_are_the_usual_ones(quick):
    generator = torch.Generator().manual_seed(2)
    x, y = draw("numbers", 50, generator)
    found = quick(lambda: nn.Linear(6, 2), [(x, y)], steps=200, seeds=1, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    design = torch.cat([x, torch.ones(50, 1)], dim=1)
    residual = y - design @ torch.linalg.lstsq(design, y).solution
    r2 = 1 - residual.square().sum() / (y - y.mean(0)).square().sum()
    assert found.rows[0].runs[0].accuracy == pytest.approx(float(r2), abs=1e-3)


def test_language_models_are_scored_position_by_position(quick):
    class Bigram(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(5, 8)
            self.head = nn.Linear(8, 5)

        def forward(self, tokens):
            return self.head(self.table(tokens))

    tokens = torch.randint(0, 5, (4, 12), generator=torch.Generator().manual_seed(0))
    result = quick(Bigram, [(tokens, (tokens + 1) % 5)], steps=80, seeds=1)
    counts = torch.bincount(tokens.flatten()) / tokens.numel()
    assert result.data.base_rate_cost == pytest.approx(float(-(counts * counts.log()).sum()), rel=1e-6)
    assert result.rows[0].runs[0].accuracy == 1.0


def smoothed(output, y):
    return functional.cross_entropy(output, y, label_smoothing=0.2)


def test_a_loss_whose_base_rate_is_not_known_is_held_to_its_start(quick, batch):
    result = quick(loss_fn=smoothed, inits=["as-built", "zeros"], steps=60)
    assert (result.data.base, result.data.score) == ("starting", "cost")
    assert result.data.base_rate_cost == min(run.cost[0][1] for each in result.rows for run in each.runs[:1])
    words = " ".join(each.verdict for each in result.rows)
    assert "starting cost" in words
    assert "base rate" not in words
    assert "base-rate" not in words


def test_a_model_with_a_loss_of_its_own_takes_dicts(quick, batch):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(6, 3)

        def forward(self, inputs, labels):
            logits = self.body(inputs)
            return {"loss": functional.cross_entropy(logits, labels), "logits": logits}

    result = quick(Own, [{"inputs": batch[0], "labels": batch[1]}], steps=40)
    assert (result.data.base, result.data.score) == ("base-rate", "cost")
    assert result.rows[0].verdict.startswith("learns")
