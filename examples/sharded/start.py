"""Start a sharded model with the bits of a single device: each process fills its own shard.

torchrun --standalone --nproc-per-node 2 examples/sharded/start.py
"""

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from symbreak.initializers.manifest import merged
from symbreak.torch.provenance import manifest, verify
from symbreak.torch.sharded import materialize_
from symbreak.torch.starting import init_, plan


def build_model():
    blocks = [nn.Sequential(nn.Linear(64, 200), nn.ReLU(), nn.Linear(200, 64)) for _ in range(3)]
    return nn.Sequential(nn.Embedding(1000, 64), *blocks, nn.LayerNorm(64), nn.Linear(64, 1000))


def shard(model):
    """Tensor parallel within pairs of processes, and the optimizer's shards across pairs."""
    size = dist.get_world_size()
    pair = 2 - size % 2
    mesh = init_device_mesh("cpu", (size // pair, pair), mesh_dim_names=("data", "tensor"))
    for block in model[1:4]:
        parallelize_module(block, mesh["tensor"], {"0": ColwiseParallel(), "2": RowwiseParallel()})
        fully_shard(block, mesh=mesh["data"])
    fully_shard(model, mesh=mesh["data"])


def main():
    dist.init_process_group("gloo")
    with torch.device("meta"):
        model = build_model()  # shapes, without memory
    laws = plan(model, torch.arange(16).reshape(2, 8))  # the wiring seen on a batch, before the model is cut
    shard(model)
    materialize_(model)  # memory for this process's shards
    init_(model, seed=0, plan=laws)  # written by each process for itself, nothing is sent

    parts = [None] * dist.get_world_size()
    dist.all_gather_object(parts, manifest(model, laws, seed=0))  # some hundred bytes for each parameter
    if dist.get_rank() == 0:
        alone = build_model()
        init_(alone, seed=0, plan=laws)
        print(f"{dist.get_world_size()} processes; single device: {verify(alone, merged(parts)).proved}")
    dist.monitored_barrier()  # with no thread's help: PyTorch aborts if Python ends while one puts a message away
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
