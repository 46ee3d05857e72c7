"""How much memory and time a process takes to start its shard of a model.

    python benchmarks/sharded.py

Prints a row for each number of processes and each way to shard: the whole's size, what a process holds, by how much
its memory grew at most while the start was written (the shard's own pages are touched first then), and the seconds.
Linux counts the pages (VmHWM).
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from symbreak.torch.filling import BLOCK, fill_
from symbreak.torch.sharded import materialize_
from symbreak.torch.starting import init_, plan

WIDTH, LAYERS, MEGABYTE = 2048, 2, 2**20
SIZES = (1, 2, 4)


def rows(model: nn.Module) -> None:
    for block in model:
        fully_shard(block)
    fully_shard(model)


def both(model: nn.Module) -> None:
    size = dist.get_world_size()
    mesh = init_device_mesh("cpu", (max(1, size // 2), min(2, size)), mesh_dim_names=("data", "tensor"))
    for block in model:
        parallelize_module(block, mesh["tensor"], {"0": ColwiseParallel(), "2": RowwiseParallel()})
        fully_shard(block, mesh=mesh["data"])
    fully_shard(model, mesh=mesh["data"])


CUTS = {"fully_shard": (rows, torch.float32), "and tensor parallel": (both, torch.bfloat16)}


def memory(field: str) -> float:
    """A figure of this process's memory, in MB: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field))


def start(rank: int, size: int, cut: str, folder: str) -> None:
    """Start one process's shard and let the first process print what it took."""
    shard, dtype = CUTS[cut]
    warnings.simplefilter("ignore")
    dist.init_process_group("gloo", store=dist.FileStore(f"{folder}/store", size), rank=rank, world_size=size)
    with torch.device("meta"):
        model = nn.Sequential(
            *(nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Linear(4 * WIDTH, WIDTH)) for _ in range(LAYERS))
        ).to(dtype)
    laws = plan(model).edited({"*.weight": "he_normal"})
    shard(model)
    materialize_(model)
    fill_(torch.empty(2**20, dtype=dtype), "normal(1)", seed=0, name="")  # loads the kernels
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    before, began = memory("VmRSS"), time.perf_counter()
    init_(model, seed=0, plan=laws)
    seconds = time.perf_counter() - began
    grown = memory("VmHWM") - before
    held = sum(p.to_local().numel() * p.element_size() for p in model.parameters()) / MEGABYTE
    whole = sum(p.numel() * p.element_size() for p in model.parameters()) / MEGABYTE
    if rank == 0:
        kind = str(dtype).removeprefix("torch.")
        print(f"{size:>9}  {cut:<19}  {kind:<8}  {whole:8.0f}  {held:8.0f}  {grown:8.0f}  {seconds:7.2f}", flush=True)
    dist.monitored_barrier()  # with no thread's help, see examples/sharded/start.py
    dist.destroy_process_group()


def main() -> None:
    """Print the table."""
    print(f"a block has {BLOCK * 4 // MEGABYTE} MB of float32")
    print("processes  sharding             dtype     whole MB  shard MB  grown MB  seconds")
    for size in SIZES:
        for cut in CUTS:
            with tempfile.TemporaryDirectory() as folder:
                processes.start_processes(start, (size, cut, folder), nprocs=size, start_method="fork")


if __name__ == "__main__":
    main()
