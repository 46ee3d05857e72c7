"""Which start trains my model? `symbreak compare examples.which_start_for_my_model:build_model --batches
examples.which_start_for_my_model:batches --init as-built --init plan` tells; so does this script.

The model is one that many have written by hand: a deep stack of tanh layers with weights of one small size.
"""

from collections.abc import Iterator

import torch
from torch import nn

import symbreak


def build_model() -> nn.Module:
    """Return a classifier whose author gave every weight the same small spread."""
    layers = [layer for _ in range(6) for layer in (nn.Linear(16, 16), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(16, 3))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.02)
    return model


def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield batches for as long as someone asks."""
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(16, 3, generator=generator)
    while True:
        x = torch.randn(64, 16, generator=generator)
        yield x, (x @ direction).argmax(dim=1)


if __name__ == "__main__":
    comparison = symbreak.compare(
        build_model, batches, inits=["as-built", "zeros", "plan"], steps=60, seeds=2,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    )  # fmt: skip
    print(comparison)
