"""The lines under `fix` run, and mend what can be mended by giving weights new values."""

from __future__ import annotations

import pytest
import torch
from check.nets import fill, mlp, normal
from check.suites import BAD
from check.tasks import blobs, tokens
from torch import nn
from torch.nn import functional

from symbreak import check
from symbreak.errors import InvalidInput

# What new weights cannot mend: the loss, the data, the wiring, a pass that makes nan by itself.
MENDED = {
    "symmetric-units",
    "stuck-parameters",
    "cloned-layers",
    "uninitialized-memory",
    "saturated-units",
    "plateau",
}


def found(report, case) -> bool:
    return any(f.rule in case.expect and f.severity != "info" for f in report.findings)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_every_fix_runs(case):
    check(*case.build()).fix_()


def test_most_faults_of_the_weights_are_gone_afterwards():
    cases = [case for case in BAD if case.expect & MENDED]
    mended = [case for case in cases if not found(check(*case.build()).fix_()[1], case)]
    assert len(cases) >= 40
    assert len(mended) >= 0.75 * len(cases), sorted({c.name for c in cases} - {c.name for c in mended})


class Tower(nn.Module):
    """Residual branches without a normalization."""

    def __init__(self, blocks: int = 24, width: int = 32) -> None:
        super().__init__()
        self.read, self.head = nn.Linear(8, width), nn.Linear(width, 4)
        self.blocks = nn.ModuleList(mlp(width, width, width) for _ in range(blocks))
        for weight in self.blocks.parameters():
            if weight.dim() > 1:
                nn.init.normal_(weight, std=0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.read(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def pixels() -> nn.Module:
    """Read inputs of size 150 by one layer."""
    return nn.Sequential(nn.Linear(8, 1))


def twenty_layers() -> nn.Module:
    """A signal that explodes, and with it the output."""
    return fill(mlp(8, *[64] * 20, 4), normal(0.5))


def tied() -> nn.Module:
    """A head tied to embeddings of N(0, 1)."""

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.norm = nn.Embedding(64, 64), nn.LayerNorm(64)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return functional.linear(self.norm(self.table(tokens)), self.table.weight).transpose(1, 2)

    return Tied()


def even(count: int) -> torch.Tensor:
    """Return as many zeros as ones, one after the other."""
    return (torch.arange(count) % 2).float()[:, None]


REPAIRED = {
    "branches": (Tower, blobs, functional.cross_entropy),
    "the output of an exploded signal": (twenty_layers, blobs, functional.cross_entropy),
    "raw pixels": (pixels, lambda: (150 + 50 * torch.randn(64, 8), even(64)), nn.BCEWithLogitsLoss()),
    "a tied head": (tied, tokens, functional.cross_entropy),
}


@pytest.mark.parametrize(("build", "data", "loss"), REPAIRED.values(), ids=REPAIRED)
def test_a_repair_goes_on_until_what_it_uncovered_is_mended(build, data, loss):
    torch.manual_seed(0)
    report = check(build(), *data(), loss)
    assert not report.ok
    assert report.fix_()[1].ok


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_a_scripted_model_is_refused_with_what_to_do():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4))
    nn.init.normal_(model[0].weight, std=5.0)
    report = check(torch.jit.script(model), *blobs(), functional.cross_entropy)
    assert not report.ok
    with pytest.raises(InvalidInput, match=r"before torch\.jit\.script"):
        report.fix_()
