"""Four experts that are copies of one, under a router of zeros: `symbreak check --deep` proves that they stay one.

Starting experts from one trained layer and the router from zero looks harmless. It is not: experts that are equal and
weighted equally get equal gradients, for ever, and the router's gradient is zero.
"""

import torch
from torch import nn

import symbreak


class Experts(nn.Module):
    """A mixture of experts: the router weighs what each of them gives."""

    def __init__(self, width: int, inner: int, experts: int) -> None:
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width)) for _ in range(experts)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.router(x).softmax(-1)
        return x + sum(weights[:, i, None] * expert(x) for i, expert in enumerate(self.experts))


def build_model() -> nn.Module:
    torch.manual_seed(0)
    layer = Experts(width=8, inner=16, experts=4)
    nn.init.zeros_(layer.router.weight)
    for expert in layer.experts[1:]:
        expert.load_state_dict(layer.experts[0].state_dict())
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), layer, nn.Linear(8, 3))


if __name__ == "__main__":
    found = symbreak.symmetry(build_model(), torch.randn(64, 6, generator=torch.Generator().manual_seed(0)))
    for certificate in found.certificates:
        print(certificate)
    print(found.suggestion)
