"""Models built on the meta device and sharded start with the bits of a single device; buffers, ties, memory."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import DTensor, Shard
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import LlamaConfig, LlamaForCausalLM

from symbreak.errors import InvalidInput
from symbreak.torch.buffers import reset_buffers_
from symbreak.torch.filling import BLOCK, fill_
from symbreak.torch.sharded import materialize_, require_supported
from symbreak.torch.starting import init_, plan

WORKER = Path(__file__).parent / "sharded_worker.py"
ROOT = WORKER.parents[2]
SECONDS = 400  # of a busy machine


def test_sharded_models_start_with_the_bits_of_one_device_and_wrong_shards_are_noticed():
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, str(WORKER)], capture_output=True, text=True, timeout=SECONDS, env=environment
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found.pop("no mutant") == []
    assert len(found) == 3
    assert all(found.values())


def built(make):
    with torch.device("meta"):
        return make()


class Angles(nn.Module):
    """A buffer that only the constructor computes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("angles", torch.arange(4.0), persistent=False)


class Features(Angles):
    """A buffer of random numbers."""

    def reset_parameters(self):
        self.angles.normal_()


class Half(Angles):
    """Code that leaves a part as it was."""

    def reset_parameters(self):
        self.angles[:2] = 1.0


class FromWeights(Angles):
    """A buffer that follows from a parameter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def reset_parameters(self):
        self.angles.copy_(self.weight)


@pytest.mark.parametrize("make", [Angles, Features, Half, FromWeights])
def test_a_buffer_that_no_code_computes_is_refused_by_name(make):
    model = built(lambda: nn.Sequential(nn.Linear(2, 2), make()))
    with pytest.raises(InvalidInput, match=r"1\.angles of") as caught:
        materialize_(model)
    assert "reset_buffers" in caught.value.hint
    assert model[0].weight.is_meta
    emptied = nn.Sequential(nn.BatchNorm1d(3), make())
    with pytest.raises(InvalidInput, match=r"1\.angles of"):
        reset_buffers_(emptied)


def test_buffers_of_normalizations_and_of_transformers_are_those_of_the_built_model():
    config = LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    for make in (lambda: LlamaForCausalLM(config), lambda: nn.Sequential(nn.BatchNorm2d(3), nn.InstanceNorm1d(3))):
        expected, model = make(), built(make)
        state = torch.get_rng_state()
        materialize_(model)
        assert torch.equal(torch.get_rng_state(), state)
        buffers = dict(model.named_buffers())
        assert all(torch.equal(buffers[name], value) for name, value in expected.named_buffers())
    model = materialize_(built(lambda: LlamaForCausalLM(config)))
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_what_has_values_keeps_them():
    model = nn.Sequential(nn.Linear(2, 3), built(lambda: nn.Linear(3, 3)), nn.BatchNorm1d(3))
    model[2].running_mean.fill_(7)
    kept = model[0].weight
    values = kept.detach().clone()
    materialize_(model)
    assert model[0].weight is kept
    assert torch.equal(kept, values)
    assert (model[2].running_mean == 7).all()
    assert not model[1].weight.is_meta


def test_parameters_are_out_of_reach_of_the_code_of_buffers():
    norm = nn.BatchNorm1d(3)
    with torch.no_grad():
        norm.weight.fill_(5)
    weight = norm.weight
    reset_buffers_(norm)
    assert norm.weight is weight
    assert (weight == 5).all()


def test_the_older_sharding_is_refused():
    dist.init_process_group("fake", rank=0, world_size=1, store=FakeStore())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = FullyShardedDataParallel(nn.Linear(2, 2), device_id=torch.device("cpu"))
        with pytest.raises(InvalidInput, match="the model in FullyShardedDataParallel"):
            materialize_(model)
    finally:
        dist.destroy_process_group()


def test_a_model_that_holds_its_whole_parameters_goes_back_to_shards():
    dist.init_process_group("fake", rank=0, world_size=1, store=FakeStore())
    try:
        model = nn.Linear(2, 3)
        fully_shard(model, mesh=DeviceMesh("cpu", [0]))
        model.unshard()
        assert not isinstance(model.weight, DTensor)
        require_supported(model)
        fill_(model.weight, "he", seed=0, name="weight")
        assert isinstance(model.weight, DTensor)
    finally:
        dist.destroy_process_group()


def test_a_plan_is_made_of_the_whole_model():
    dist.init_process_group("fake", rank=0, world_size=1, store=FakeStore())
    try:
        model = nn.Linear(2, 3)
        made = plan(model)
        fully_shard(model, mesh=DeviceMesh("cpu", [0]))
        model.unshard()
        with pytest.raises(InvalidInput, match="weight in shards"):
            init_(model, seed=0)
        assert init_(model, seed=0, plan=made) == made
    finally:
        dist.destroy_process_group()


def test_memory_beside_the_shard_is_a_block():
    dist.init_process_group("fake", rank=0, world_size=4, store=FakeStore())
    try:
        mesh = DeviceMesh("cpu", torch.arange(4))
        local = torch.zeros(2 * BLOCK // 1024, 1024).T.contiguous().T  # no memory to write into directly
        shape = (4 * local.shape[0], 1024)
        tensor = DTensor.from_local(local, mesh, [Shard(0)], run_check=False, shape=shape, stride=(1, shape[0]))
        fill_(tensor[:0], "he", seed=0, name="w")
        tracemalloc.start()
        try:
            fill_(tensor, "he", seed=0, name="w")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    finally:
        dist.destroy_process_group()
    # A block of float32 values, and the positions of its rows; the shard has two blocks, the whole has eight.
    assert BLOCK * 4 <= peak < 2 * BLOCK * 4


def test_the_command_of_the_documentation_runs_as_written():
    text = (ROOT / "docs" / "sharded.md").read_text()
    command = re.search(r"^    (torchrun .*)$", text, re.MULTILINE)[1]
    promised = re.search(r"```\n(.*?)```", text, re.DOTALL)[1]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        shlex.split(command), cwd=ROOT, env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout == promised
    assert command in (ROOT / "examples" / "sharded" / "start.py").read_text()
