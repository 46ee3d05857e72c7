"""What a watch over the first steps costs, as a share of the step time; two trainings side by side in one run.

`python benchmarks/callbacks.py [layers] [width] [steps]`: a transformer's encoder on the processor, AdamW. Steps of
the watched and of the plain model alternate, so that both see the same machine, and processor time is counted, which
other work on the machine hardly changes. The ratio is that of the sums over the first steps, the watched ones among
them (0, 1, 4, 16, ...); beside it stands what the medians give.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

from symbreak.integrations.watch import Watch

BATCH, LENGTH, TOKENS = 8, 64, 1000


class Encoder(nn.Module):
    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, width)
        self.attention = nn.ModuleList(nn.MultiheadAttention(width, 8, batch_first=True) for _ in range(layers))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
            for _ in range(layers)
        )
        self.head = nn.Linear(width, TOKENS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        for attention, block in zip(self.attention, self.blocks, strict=True):
            x = x + attention(x, x, x, need_weights=False)[0]
            x = x + block(x)
        return self.head(x)


class Training:
    def __init__(self, layers: int, width: int, steps: int) -> None:
        torch.manual_seed(0)
        self.model = Encoder(layers, width)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.watch = Watch(self.model, steps)
        self.spent: list[float] = []

    def step(self, number: int, tokens: torch.Tensor) -> None:
        begun = time.process_time()
        self.watch.begin(number)
        self.optimizer.zero_grad()
        logits = self.model(tokens)
        nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()
        self.optimizer.step()
        self.watch.end()
        self.spent.append(time.process_time() - begun)


def main(layers: int = 6, width: int = 512, steps: int = 100) -> None:
    watched, plain = Training(layers, width, steps), Training(layers, width, 0)
    tokens = torch.randint(0, TOKENS, (steps, BATCH, LENGTH), generator=torch.Generator().manual_seed(0))
    for training in (watched, plain):  # memory is reserved in the first step, whoever takes it
        training.watch.steps, wanted = 0, training.watch.steps
        training.step(0, tokens[0])
        training.watch.steps = wanted
        training.spent.clear()
    for number in range(steps):
        for training in (watched, plain) if number % 2 else (plain, watched):
            training.step(number, tokens[number])
    seen = [each.step for each in watched.watch.watched.steps]
    per_step = sum(plain.spent) / steps
    # Medians leave out what the machine did meanwhile; the sum of what a watched step costs more is spread over all.
    more = sorted(watched.spent[n] - plain.spent[n] for n in seen)[len(seen) // 2]
    print(f"{sum(p.numel() for p in plain.model.parameters()):,} parameters; a step takes {1000 * per_step:.0f} ms")
    print(f"watched steps {seen}: {1000 * more:.1f} ms more each, in the median")
    print(f"over the first {steps} steps: {sum(watched.spent) / sum(plain.spent) - 1:+.2%} in one run")
    print(f"by the median of a watched step: {len(seen) * more / (steps * per_step):+.2%} of the step time")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
