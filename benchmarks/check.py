"""What a check costs: GPT-2 small over one forward and backward pass, and a file of 10^8 weights over reading it.

Every ratio is the median over rounds in which both sides ran one after the other, in time of the process and of the
wall clock. Peak memory is that of a fresh process each, the check's over that of the forward and backward pass alone.
Run alone on the machine; needs transformers, and builds the model from its configuration:

    python benchmarks/check.py                    # 3 GB of memory, a minute or two
    python benchmarks/check.py --rounds 3 --layers 2 --values 10000000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BATCH, LENGTH, VOCABULARY = 2, 128, 50257
TIME_BOUND, MEMORY_BOUND, READ_BOUND = 2.5, 1.3, 1.5
MEGABYTE = 2**20


def gpt2(layers: int) -> tuple[object, dict[str, object]]:
    """Return GPT-2 small (at 12 layers) from its configuration, and a batch."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=layers)).train()
    tokens = torch.randint(VOCABULARY, (BATCH, LENGTH))
    return model, {"input_ids": tokens, "labels": tokens}


def forward_and_backward(model, batch) -> None:
    model(**batch).loss.backward()
    model.zero_grad(set_to_none=True)


def keep_gradients(model, batch) -> None:
    """What training holds at its peak: all gradients."""
    model(**batch).loss.backward()


def check(model, batch) -> None:
    import symbreak

    symbreak.check(model, batch)


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Return the time of the process and of the wall clock."""
    process, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - process, time.perf_counter() - wall


def compare(name: str, run: Callable[[], object], beside: Callable[[], object], *, rounds: int, bound: float) -> None:
    """Print the median of the ratios of interleaved rounds."""
    run(), beside()
    pairs = [(seconds(run), seconds(beside)) for _ in range(rounds)]
    process, wall = (statistics.median(ours[i] / theirs[i] for ours, theirs in pairs) for i in (0, 1))
    ours, theirs = (statistics.median(pair[side][1] for pair in pairs) for side in (0, 1))
    print(f"{name}:")
    print(f"  {process:.2f} in time of the process, {wall:.2f} by the wall clock ({ours:.2f} s over {theirs:.2f} s)")
    print(f"  wanted: at most {bound}: {'kept' if max(process, wall) <= bound else 'MISSED'}")


def passes(layers: int, rounds: int) -> None:
    """The whole check over one forward and backward pass."""
    model, batch = gpt2(layers)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    name = f"GPT-2 of {size:.0f} M parameters, {BATCH} x {LENGTH} tokens, checked, over a forward and backward pass"
    compare(
        name, lambda: check(model, batch), lambda: forward_and_backward(model, batch), rounds=rounds, bound=TIME_BOUND
    )


def peak(what: str, layers: int) -> float:
    """Return the peak memory of a fresh process, in MB."""
    command = [sys.executable, __file__, "--measure", what, "--layers", str(layers)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def measure(what: str, layers: int) -> None:
    """Run one side once, and print the peak memory of this process from then on, in MB.

    Building the model takes more than either side; so the peak is set back before (Linux, proc(5)), after a pass of a
    small model has loaded what both sides use.
    """
    run = {"check": check, "pass": keep_gradients, "model": lambda *_: None}[what]
    check(*gpt2(1))
    model, batch = gpt2(layers)
    Path("/proc/self/clear_refs").write_text("5")
    run(model, batch)
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)


def memory(layers: int) -> None:
    ours, theirs, idle = (peak(what, layers) for what in ("check", "pass", "model"))
    print("peak memory of a check over that of a forward and backward pass:")
    print(f"  {ours / theirs:.2f} ({ours:.0f} MB over {theirs:.0f} MB; {idle:.0f} MB with the model alone)")
    print(f"  wanted: at most {MEMORY_BOUND}: {'kept' if ours <= MEMORY_BOUND * theirs else 'MISSED'}")


def values(count: int, rounds: int) -> None:
    """A file of weights: its check over reading it and adding it up."""
    import torch
    from safetensors.torch import load_file, save_file

    import symbreak

    layers, width = 10, int((count / 10) ** 0.5)
    generator = torch.Generator().manual_seed(0)
    tensors = {f"layers.{i}.weight": torch.randn(width, width, generator=generator) for i in range(layers)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_file(tensors, path)
        del tensors

        def read() -> None:
            """Into memory, and once through it."""
            for tensor in load_file(path).values():
                tensor.clone().sum()

        name = f"a file of {layers * width**2:.3g} weights ({path.stat().st_size / MEGABYTE:.0f} MB) over reading it"
        compare(name, lambda: symbreak.check(path), read, rounds=rounds, bound=READ_BOUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--values", type=int, default=10**8)
    parser.add_argument("--threads", type=int, default=0, help="PyTorch's threads; 0 leaves them")
    parser.add_argument("--measure", choices=("check", "pass", "model"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.layers)
        return
    import torch

    torch.set_num_threads(options.threads or torch.get_num_threads())
    passes(options.layers, options.rounds)
    memory(options.layers)
    values(options.values, options.rounds)


if __name__ == "__main__":
    main()
