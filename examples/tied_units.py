"""A model whose hidden units are one unit: `symbreak check examples.tied_units:build_model` proves it.

Run as a script, it repairs a copy and checks again.
"""

import torch
from torch import nn

import symbreak


def build_model() -> nn.Module:
    """Return a classifier in which someone has put a constant where random weights belong."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    for layer in (model[2], model[4]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    return model


if __name__ == "__main__":
    x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))
    report = symbreak.check(build_model(), x, y, nn.functional.cross_entropy)
    repaired, again = report.fix_()
    print(report.findings[0].says)
    print("sound" if again.ok else "still not sound")
