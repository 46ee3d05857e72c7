"""Options of `check` that cannot be used are refused in one sentence, before the model is run."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import symbreak
from symbreak.errors import InvalidInput, UnknownName


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.runs = nn.Linear(4, 3), 0

    def forward(self, x):
        self.runs += 1
        return self.layer(x)


X, Y = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((None, Y), {}, "y or loss_fn without x"),
        ((None, None, functional.cross_entropy), {}, "y or loss_fn without x"),
        ((X, Y, "cross-entropy"), {}, "the loss is a function"),
        ((X,), {"seed": -1}, "a seed is a whole number"),
        ((X,), {"seed": 1.5}, "a seed is a whole number"),
        ((X,), {"seed": 2**64}, "a seed is a whole number"),
        ((X,), {"only": ["layer.*"]}, "a pattern of names"),
        ((X,), {"only": "head.*"}, "no parameter matches"),
        ((X,), {"select": []}, "a check needs a rule"),
        ((X,), {"select": ["plateau"], "ignore": ["plateau"]}, "a check needs a rule"),
        ((X[:0],), {}, "at least one sample"),
    ],
)
def test_it_is_refused_before_the_model_is_run(given, options, said):
    model = Counting()
    with pytest.raises(InvalidInput, match=said):
        symbreak.check(model, *given, **options)
    assert model.runs == 0


@pytest.mark.parametrize("y", [Y[:5], Y + 3, torch.randn(24)[:23]])
def test_targets_that_do_not_fit_are_refused(y):
    if y.is_floating_point():
        assert "skipped" in str(symbreak.check(Counting(), X, y))
        return
    with pytest.raises(InvalidInput, match=r"targets of shape|out of bounds"):
        symbreak.check(Counting(), X, y)


@pytest.mark.parametrize("select", ["dead-units, plateau", ["dead-units", "plateau"], iter(["dead-units,plateau"])])
def test_rules_are_selected_by_any_list(select):
    report = symbreak.check(Counting(), X, Y, select=select)
    assert [outcome.rule for outcome in report.outcomes] == ["dead-units", "plateau"]
    assert [outcome.rule for outcome in report.fix_()[1].outcomes] == ["dead-units", "plateau"]


def test_an_unknown_slug_gets_the_nearest():
    with pytest.raises(UnknownName, match="try: dead-units"):
        symbreak.check(Counting(), X, ignore="dead-unit")
