"""How fast tensors are filled, against named peers, in one run: medians of interleaved rounds, printed as ratios.

    python benchmarks/fill.py [--rounds 7] [--exponent 25] [--threads N]

Peers: torch's own initializers, NumPy's Generator, jax.random on the processor. A peer that is not installed is left
out.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from random import shuffle
from typing import NamedTuple

import ml_dtypes
import numpy as np

from symbreak import random

COMPILE = """
import time, numpy as np
from symbreak import random
start = time.perf_counter()
random.normal(2**20, seed=0, threads=1)
print(time.perf_counter() - start)
"""


def ours(threads: int, size: int) -> dict:
    single, half = np.empty(size, np.float32), np.empty(size, ml_dtypes.bfloat16)
    words = np.empty(size, np.uint32)
    tasks = {
        "normal": lambda: random.normal(size, seed=0, out=single, threads=threads),
        "truncated": lambda: random.truncated_normal(size, seed=0, out=single, threads=threads),
        "bfloat16": lambda: random.normal(size, seed=0, out=half, dtype=half.dtype, threads=threads),
        "uniform": lambda: random.uniform(size, seed=0, out=single, threads=threads),
        "bits": lambda: random.bits(size, seed=0, out=words, threads=threads),
        "memory fill": lambda: single.fill(1.0),
    }
    for count in range(1, threads):
        tasks[f"normal, threads={count}"] = lambda count=count: random.normal(size, seed=0, out=single, threads=count)
    return tasks


def torch_peers(threads: int, size: int) -> dict:
    import torch

    torch.set_num_threads(threads)
    single, half = torch.empty(size), torch.empty(size, dtype=torch.bfloat16)
    init = torch.nn.init
    return {
        "torch normal_": lambda: init.normal_(single),
        "torch trunc_normal_(a=-2, b=2)": lambda: init.trunc_normal_(single, a=-2, b=2),
        "torch normal_, bfloat16": lambda: init.normal_(half),
        "torch uniform_": lambda: init.uniform_(single),
    }


def numpy_peers(size: int) -> dict:
    generator, single = np.random.default_rng(0), np.empty(size, np.float32)
    return {"NumPy Generator.standard_normal": lambda: generator.standard_normal(dtype=np.float32, out=single)}


def jax_peers(size: int) -> dict:
    import jax

    key = jax.random.key(0)
    draw = jax.jit(lambda k: jax.random.normal(k, (size,)))
    return {"jax.random.normal": lambda: draw(key).block_until_ready()}


RATIOS = [
    ("normal", "torch normal_", 4.5),
    ("normal", "NumPy Generator.standard_normal", 9),
    ("normal", "jax.random.normal", 15),
    ("truncated", "torch trunc_normal_(a=-2, b=2)", 45),
    ("bfloat16", "torch normal_, bfloat16", 4),
    ("uniform", "torch uniform_", None),
]


class Timing(NamedTuple):
    """Medians over rounds: seconds on the clock, and seconds of processors used."""

    clock: float
    processor: float


def medians(tasks: dict, rounds: int) -> dict[str, Timing]:
    """Time each task; the rounds go through all tasks in an order of their own, so that a disturbance meets everyone.

    The pause lets the threads of the task before go to sleep: some keep looking for work for a while.
    """
    order = list(tasks)
    for task in tasks.values():
        task()
    taken = {name: [] for name in tasks}
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            time.sleep(0.2)
            start = time.perf_counter(), time.process_time()
            tasks[name]()
            taken[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {name: Timing(*map(statistics.median, zip(*pairs, strict=True))) for name, pairs in taken.items()}


def first_calls() -> tuple[float, float]:
    """Seconds of a process's first large call: with an empty cache of compiled kernels, and with a full one."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        times = [subprocess.check_output([sys.executable, "-c", COMPILE], env=environment) for _ in range(2)]
    return float(times[0]), float(times[1])


def report(timings: dict[str, Timing], size: int, threads: int) -> None:
    print(f"{'':<36} G/s on the clock   G/s for each processor in use")
    for name, timing in timings.items():
        print(f"{name:<36} {size / timing.clock / 1e9:16.3f} {size / timing.processor / 1e9:31.3f}")
    print("\nratio                                                 on the clock   wanted   for each processor in use")
    for task, peer, wanted in RATIOS:
        if peer in timings:
            ours, theirs = timings[task], timings[peer]
            clock, processor = theirs.clock / ours.clock, theirs.processor / ours.processor
            print(f"{task:<10} / {peer:<40} {clock:11.1f} {wanted or '':>8} {processor:14.1f}")
    ours, fill = timings["normal"], timings["memory fill"]
    print(f"\nnormal: {fill.clock / ours.clock:.0%} of the rate of a plain memory fill (one thread)")
    for count in range(1, threads):
        fewer = timings[f"normal, threads={count}"]
        print(f"normal: {threads} threads / {count}: {fewer.clock / ours.clock:.2f} times")
    load, processors = os.getloadavg()[0], os.cpu_count()
    print(f"load of the machine (this benchmark makes one or two of it): {load:.1f} on {processors} processors")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--exponent", type=int, default=25)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    size, threads = 2**options.exponent, options.threads
    tasks = ours(threads, size)
    if importlib.util.find_spec("torch"):
        tasks |= torch_peers(threads, size)
    tasks |= numpy_peers(size)
    if importlib.util.find_spec("jax"):
        tasks |= jax_peers(size)
    print(f"2^{options.exponent} values, {threads} threads, medians of {options.rounds} interleaved rounds")
    report(medians(tasks, options.rounds), size, threads)
    cold, warm = first_calls()
    print(f"first call in a process: {cold:.1f} s with an empty kernel cache, {warm:.2f} s with a full one")


if __name__ == "__main__":
    main()
