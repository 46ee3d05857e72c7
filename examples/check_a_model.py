"""Find what is wrong with a model's start, and repair it, before the first step."""

import torch
from torch import nn

import symbreak

torch.manual_seed(0)
x, y = torch.randn(64, 8), torch.arange(64) % 3
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
nn.init.constant_(model[0].weight, 0.1)
nn.init.constant_(model[0].bias, 0.0)
nn.init.constant_(model[2].weight, 0.1)

report = symbreak.check(model, x, y, nn.functional.cross_entropy)
report.print()

repaired, after = report.fix_()
print(f"\nrepaired: {'sound' if after.ok else after}")
