"""Starts a sharded model in forked processes that speak gloo, and holds every parameter to the single-device start.

It writes, as JSON, what differs: nothing, and something for each of three deliberately wrong ways to place shards.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings

import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from symbreak.torch import filling, shards
from symbreak.torch.buffers import reset_buffers_
from symbreak.torch.filling import as_array
from symbreak.torch.sharded import materialize_
from symbreak.torch.starting import init_, plan

WIDTH, HIDDEN, TOKENS = 6, 19, 11  # no number of processes divides all of them
LAWS = {"*.bias": "normal(1)", "*.up.weight": "he_normal", "*.down.weight": "orthogonal", "*.norm.*": "uniform(0, 1)"}


class Rope(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("angles", torch.empty(WIDTH), persistent=False)
        self.register_buffer("counts", torch.empty(2, dtype=torch.int64))
        self.reset_buffers()

    def reset_buffers(self):
        self.angles = torch.arange(WIDTH) ** 0.5
        self.counts.fill_(3)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.rope = nn.LayerNorm(WIDTH), Rope()
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(2)).to(torch.bfloat16)
        self.bn = nn.BatchNorm1d(WIDTH)
        self.head = nn.Linear(WIDTH, TOKENS, bias=False)
        self.head.weight = self.emb.weight


def by_columns(parameter):
    return Shard(1) if parameter.ndim == 2 and parameter.shape[1] % dist.get_world_size() == 0 else None


def fsdp(model, **options):
    for block in model.blocks:
        fully_shard(block, **options)
    fully_shard(model, **options)


def tensor_parallel(model, mesh):
    for block in model.blocks:
        parallelize_module(block, mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})


def both(model):
    size = dist.get_world_size()
    mesh = init_device_mesh("cpu", (-(-size // 2), min(2, size)), mesh_dim_names=("data", "tensor"))
    tensor_parallel(model, mesh["tensor"])
    fsdp(model, mesh=mesh["data"])


CUTS = {
    "fully_shard": fsdp,
    "by columns": lambda model: fsdp(model, shard_placement_fn=by_columns),
    "tensor parallel": lambda model: tensor_parallel(model, init_device_mesh("cpu", (dist.get_world_size(),))),
    "both": both,
    "copies of shards": lambda model: fsdp(model, mesh=copies()),
}


def copies():
    size = dist.get_world_size()
    return init_device_mesh("cpu", (min(2, size), -(-size // 2)), mesh_dim_names=("copy", "shard"))


def planned():
    """The plan of the model without memory, with laws of other kinds in it."""
    with torch.device("meta"):
        return plan(Model()).edited(LAWS)


def differences(cut, empty):
    """What of this process's model differs from the start on one device."""
    single = Model()
    init_(single, seed="run 1", plan=planned())
    with torch.device("meta"):
        model = Model()
    CUTS[cut](model)
    found = []
    if empty:
        model.to_empty(device="cpu")
        if cut == "tensor parallel":
            model.head.weight = model.emb.weight  # to_empty parts what is tied, but in models of fully_shard
        reset_buffers_(model)
    else:
        materialize_(model)
    made = watched()
    with CommDebugMode() as communication:
        init_(model, seed="run 1", plan=planned())
    if communication.get_total_counts():
        found.append(f"{communication.get_total_counts()} messages")
    if max(made) > max(p.to_local().numel() if hasattr(p, "to_local") else p.numel() for p in model.parameters()):
        found.append("more than a shard was made")
    mine = dict(model.named_parameters(remove_duplicate=False))
    for name, expected in single.named_parameters(remove_duplicate=False):
        whole = mine[name].full_tensor() if hasattr(mine[name], "full_tensor") else mine[name]
        if as_array(whole.detach()).tobytes() != as_array(expected.detach()).tobytes():
            found.append(name)
    if mine["head.weight"] is not mine["emb.weight"]:
        found.append("the tie")
    buffers = dict(model.named_buffers())
    found += [name for name, value in single.named_buffers() if not torch.equal(buffers[name], value)]
    return found


def watched():
    """Record how many elements each draw makes; orthogonal matrices are made by their columns, and not counted."""
    made = [0]
    draw = filling.Whole.part

    def part(self, *arguments, **options):
        values = draw(self, *arguments, **options)
        made.append(values.size)
        return values

    filling.Whole.part = part
    return made


def plain(runs, count, place):
    """A mutant: every chunk is the first."""
    return shards_chunk(runs, count, 0)


shards_chunk = shards._chunk


def without_strides(placement):
    return placement if not hasattr(placement, "split_factor") else Shard(placement.dim)


def mutate(mutant):
    cut = shards.pieces
    if mutant == "first chunk":
        shards._chunk = plain
    elif mutant == "no strides":
        shards.pieces = lambda shape, placements, *rest: cut(shape, [without_strides(p) for p in placements], *rest)
    elif mutant == "no offset":
        moved = lambda piece: shards.Piece(piece.held, piece.held)  # noqa: E731
        filling.pieces_of = lambda tensor: tuple(moved(piece) for piece in shards.pieces_of(tensor))


def process(rank, size, cut, empty, mutant, folder):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    mutate(mutant)
    store = dist.FileStore(f"{folder}/store", size)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=size)
    try:
        found = differences(cut, empty)
        dist.barrier()
        store.add("done", 1)
        while store.add("done", 0) < size:  # whoever leaves early would break the others' barrier
            time.sleep(0.01)
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"[:200]]
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump(found, file)
    os._exit(0)  # whoever waits for a process that failed is told that it is gone


def run(size, cut, empty, mutant):
    with tempfile.TemporaryDirectory() as folder:
        processes.start_processes(process, (size, cut, empty, mutant, folder), nprocs=size, start_method="fork")
        found = [json.load(open(f"{folder}/{rank}.json")) for rank in range(size)]  # noqa: SIM115
    return [[size, cut, empty, rank, *wrong] for rank, wrong in enumerate(found) if wrong]


def main():
    os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"
    cases = [(size, cut, empty) for size in (1, 2, 4) for cut in CUTS for empty in (False, True)[: 1 + (size == 2)]]
    found = {"no mutant": [wrong for case in cases for wrong in run(*case, None)]}
    found |= {mutant: run(4, "both", False, mutant) for mutant in ("first chunk", "no strides", "no offset")}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
