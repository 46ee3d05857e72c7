"""A start is written down, and told from training, other laws and other models; from shards too."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers.digest import digest
from symbreak.initializers.manifest import Manifest, merged
from symbreak.torch import comparing, provenance
from symbreak.torch.filling import as_array, fill_
from symbreak.torch.provenance import manifest, verify
from symbreak.torch.starting import init_

LAWS = {"*.bias": "zeros", "0.*": "he_normal", "*": "uniform(-0.1, 0.1)"}


def built(dtype=torch.float32):
    return nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10), nn.LayerNorm(10)).to(dtype)


def started(dtype=torch.float32, seed=0, laws=LAWS):
    model = built(dtype)
    for name, law in initializers.tree.laws_by_name(dict(model.named_parameters()), laws).items():
        fill_(model.get_parameter(name), law, seed=seed, name=name)
    return model


def statuses(model, start):
    return {verdict.name: verdict.status for verdict in verify(model, start).verdicts}


def trained(model, steps=20, rate=0.05):
    x, y = torch.randn(64, 20, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 10
    x = x.to(model[0].weight.dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x).float(), y).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_start_of_a_model_is_found_again(dtype):
    model = started(dtype)
    start = Manifest.from_json(json.dumps(manifest(model, LAWS, seed=0).to_json()))
    result = verify(copy.deepcopy(model), start)
    assert result.proved
    assert {verdict.status for verdict in result.verdicts} == {"as initialized"}
    assert start["0.weight"].digest == f"{digest(as_array(model[0].weight.detach()), (30, 20)):032x}"
    assert (start["0.weight"].law, start["0.weight"].dtype) == ("he_normal", str(dtype).removeprefix("torch."))
    assert "0.weight  as initialized" in str(result).replace("   ", "  ")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("steps", "rate"), [(1, 1e-4), (3, 0.01), (50, 0.01)])
def test_training_is_told(dtype, steps, rate):
    model = started(dtype)
    start = manifest(model, LAWS, seed=0)
    before = copy.deepcopy(model)
    trained(model, steps, rate)
    for name, status in statuses(model, start).items():
        moved = not torch.equal(model.get_parameter(name), before.get_parameter(name))
        few = math.prod(start[name].shape) < comparing.FEWEST or start[name].law == "zeros"
        expected = {"changed", "trained since"} if few else {"trained since"}
        assert status in (expected if moved else {"as initialized"}), name
    assert not verify(model, start).proved


OTHERS = {
    "another seed": lambda: started(seed=1),
    "another scale": lambda: started(laws={**LAWS, "0.*": "normal(0.5)", "*": "uniform(-0.2, 0.2)"}),
    "another family": lambda: started(laws={**LAWS, "0.*": "uniform(-1, 1)", "*": "truncated_normal(0.05)"}),
    "torch's default": built,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("other", OTHERS)
def test_other_laws_are_told(other, dtype):
    start = manifest(started(dtype), LAWS, seed=0)
    torch.manual_seed(0)
    found = statuses(OTHERS[other]().to(dtype), start)
    assert (found["0.weight"], found["2.weight"]) == ("other law", "other law")


def test_missing_and_unlisted_tensors_are_told():
    start = manifest(started(), LAWS, seed=0)
    model = started()
    model[2] = nn.Linear(30, 11)
    model.append(nn.Linear(10, 2, bias=False))
    found = statuses(model.double(), start)
    assert found["4.weight"] == "not in the manifest"
    assert found["0.weight"] == "missing"
    found = statuses(nn.Sequential(started()[0]), start)
    assert (found["0.weight"], found["2.weight"], found["3.bias"]) == ("as initialized", "missing", "missing")


def test_a_plan_is_written_down_and_what_it_keeps_is_held_to_its_digest():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    start = manifest(model, init_(model, seed="run 1"), seed="run 1")
    assert start["0.weight"].law is None
    assert verify(model, start).proved
    with torch.no_grad():
        model[0].weight[0, 0] += 1
    assert verify(model, start)["0.weight"].status == "changed"


def test_wrappers_and_ties_change_no_name():
    model = started()
    model.append(nn.Linear(10, 10))
    model[4].weight = nn.Parameter(torch.zeros(10, 10))
    model.append(nn.Linear(10, 10, bias=False))
    model[5].weight = model[4].weight
    fill_(model[4].weight, "uniform(-0.1, 0.1)", seed=0, name="4.weight")
    fill_(model[4].bias, "zeros", seed=0, name="4.bias")
    start = manifest(model, LAWS, seed=0)
    assert [row.name for row in start.rows][-2:] == ["4.weight", "4.bias"]
    assert verify(torch.compile(nn.DataParallel(model), backend="eager"), start).proved


def test_a_manifest_of_another_start_is_refused_by_name():
    model = started()
    with pytest.raises(InvalidInput, match=r"0\.weight, which differs from he_normal with seed 1"):
        manifest(model, LAWS, seed=1)
    with torch.no_grad():
        model[3].bias[-1] = torch.finfo(torch.float32).tiny
    with pytest.raises(InvalidInput, match=r"3\.bias, which differs"):
        manifest(model, LAWS, seed=0)


def test_another_version_or_a_digest_that_is_not_its_laws_is_refused():
    start = manifest(started(), LAWS, seed=0)
    with pytest.raises(InvalidInput, match="version 0"):
        verify(started(), Manifest(start.rows, algorithm=0))
    rows = [provenance.Row(**{**vars(start.rows[0]), "digest": "0" * 32}), *start.rows[1:]]
    with pytest.raises(InvalidInput, match="digest is that of its law"):
        verify(started(), Manifest(tuple(rows)))


MUTANTS = {
    "everything is as initialized": (comparing, "same_bits", lambda one, other: True, OTHERS["another seed"]),
    "order is not looked at": (comparing.Comparison, "_in_order", lambda self: False, OTHERS["another scale"]),
    "any correlation will do": (comparing, "SIGMAS", 0.0, OTHERS["another seed"]),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_wrong_comparisons_are_noticed(mutant, monkeypatch):
    place, name, broken, other = MUTANTS[mutant]
    start = manifest(started(), LAWS, seed=0)
    monkeypatch.setattr(place, name, broken)
    assert statuses(other(), start)["0.weight"] != "other law"


@pytest.fixture
def places():
    """Run a function at each place of two meshes of four processes, without the other three."""
    dist.init_process_group("fake", rank=0, world_size=4, store=FakeStore())
    yield lambda shape: [DeviceMesh("cpu", torch.arange(4).roll(place).reshape(shape)) for place in range(4)]
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("shape", "placements"), [((4,), [Shard(0)]), ((2, 2), [Shard(1), Shard(0)]), ((2, 2), [Replicate(), Shard(0)])]
)
def test_manifests_of_shards_add_up_to_that_of_the_whole(shape, placements, places):
    single = started()
    start, parts = manifest(single, LAWS, seed=0), []
    for mesh in places(shape):
        model = copy.deepcopy(single)
        for module in model.modules():
            for name, own in module._parameters.items():
                if own is not None:
                    cut = [Shard(0) if own.ndim == 1 and isinstance(p, Shard) and p.dim == 1 else p for p in placements]
                    whole = distribute_tensor(own.detach(), mesh, cut, src_data_rank=None)
                    module._parameters[name] = nn.Parameter(whole)
        parts.append(manifest(model, LAWS, seed=0))
        assert {verdict.status for verdict in verify(model, start).verdicts} <= {"as initialized", "not held here"}
        with torch.no_grad():
            model[0].weight._local_tensor.add_(
                torch.linspace(0, 0.3, 30)[: model[0].weight._local_tensor.shape[0], None]
            )
        assert verify(model, start)["0.weight"].status == "trained since"
    together = merged(parts)
    assert together.whole
    assert together == start
    if not any(isinstance(p, Replicate) for p in placements):
        assert not parts[0].whole
    with pytest.raises(InvalidInput, match="manifests are merged"):
        merged([*parts, parts[0]])


def test_one_ulp_is_told_as_what_it_is():
    model = built()
    start = manifest(model, init_(model, seed=0), seed=0)
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nextafter(model[0].weight[0, 0], torch.tensor(9.0))
    verdict = verify(model, start)["0.weight"]
    assert verdict.status == "trained since"
    assert 0 < float(verdict.because.split()[1]) < 1e-6
