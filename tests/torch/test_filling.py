"""Tensors and shards are filled in place with the bits of the initializer, or refused by name."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard
from torch.testing._internal.distributed.fake_pg import FakeStore

from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.torch import filling, shards
from symbreak.torch.filling import DTYPES, as_array, fill_
from symbreak.torch.shards import pieces

LAWS = ["he", "uniform(-1, 1)", "truncated_normal(0.02)", "constant(0.5)", "orthogonal", "sparse", "identity"]


def expected(text, shape, dtype=torch.float32, layout="out_in"):
    return initializers.get(text)(shape, seed=7, name="w", layout=layout, dtype=DTYPES[dtype])


def filled(tensor, text="he", **options):
    return fill_(tensor, text, seed=7, name="w", **options)


def same(tensor, array):
    return as_array(tensor.detach()).tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("text", LAWS)
def test_the_values_are_the_initializers(text, dtype):
    tensor = torch.full((6, 5), math.nan, dtype=dtype)
    assert filled(tensor, text) is tensor
    assert same(tensor, expected(text, (6, 5), dtype))


VIEWS = {
    "transposed": lambda: torch.zeros(5, 6).T,
    "every second": lambda: torch.zeros(12, 10)[::2, 1::2],
    "a column": lambda: torch.zeros(6, 5, 4)[..., 2],
    "channels last": lambda: torch.zeros(6, 5, 4, 3).to(memory_format=torch.channels_last),
    "a parameter's view": lambda: nn.Parameter(torch.zeros(12, 5))[3:9],
    "negated": lambda: torch.imag(torch.conj(torch.zeros(6, 5, dtype=torch.complex64))),
}


@pytest.mark.parametrize("block", [1, 7, 2**20])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", ["he", "orthogonal"])
def test_any_strides_are_filled_block_by_block(view, text, block, monkeypatch):
    monkeypatch.setattr(filling, "BLOCK", block)
    tensor = VIEWS[view]()
    pointer = tensor.data_ptr()
    with torch.no_grad():
        filled(tensor, text)
    assert tensor.data_ptr() == pointer
    assert np.array_equal(tensor.detach().resolve_neg().numpy(), expected(text, tuple(tensor.shape)))


def test_elements_between_those_of_a_view_stay():
    whole = torch.full((12, 10), 9.0)
    filled(whole[::2, 1::2])
    whole[::2, 1::2] = 9.0
    assert (whole == 9.0).all()


def test_another_layout_is_the_same_matrix_permuted():
    tensor = filled(torch.zeros(3, 5, 6), layout="in_out")
    assert same(tensor, expected("he", (3, 5, 6), layout="in_out"))
    assert np.array_equal(tensor.permute(2, 1, 0).numpy(), expected("he", (6, 5, 3)))


def test_the_shape_scalar_and_vector_and_empty():
    assert same(filled(torch.zeros(()), "normal(1)"), expected("normal(1)", ()))
    assert same(filled(torch.zeros(9), "normal(1)"), expected("normal(1)", (9,)))
    assert filled(torch.zeros(0, 5)).shape == (0, 5)


def test_parameters_keep_their_gradient_their_place_and_the_random_state():
    layer = nn.Linear(5, 6)
    layer.weight.grad = torch.ones(6, 5)
    pointer, state = layer.weight.data_ptr(), torch.get_rng_state()
    filled(layer.weight)
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf
    assert (layer.weight.grad == 1).all()
    assert layer.weight.data_ptr() == pointer
    assert torch.equal(torch.get_rng_state(), state)


def test_a_graph_that_needs_the_old_values_says_so():
    weight = nn.Parameter(torch.ones(6, 5))
    loss = (weight * weight).sum()
    filled(weight)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_an_inference_tensor_is_filled():
    with torch.inference_mode():
        tensor = torch.zeros(6, 5)
    assert same(filled(tensor), expected("he", (6, 5)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_memory_of_the_processor_is_written_directly(dtype, monkeypatch):
    tensor = torch.zeros(64, 64, dtype=dtype)
    outs = []
    draw = initializers.Initializer.__call__
    monkeypatch.setattr(
        initializers.Initializer, "__call__", lambda self, *a, **o: outs.append(o.get("out")) or draw(self, *a, **o)
    )
    filled(tensor)
    assert [out.ctypes.data for out in outs] == [tensor.data_ptr()]


def quantized():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.ones(3, 3), 0.1, 0, torch.qint8)


def sparse():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.eye(3).to_sparse()


class Wrapped(torch.Tensor):
    """Numbers in a form of their own, as quantization libraries keep them."""

    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (3, 3), dtype=torch.bfloat16)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError("nothing is asked of it")


def given_back():
    tensor = torch.zeros(3, 3)
    tensor.untyped_storage().resize_(0)
    return tensor


UNUSABLE = {
    "lazy": (nn.UninitializedParameter, "model(x)"),
    "quantized": (quantized, "convert afterwards"),
    "float8": (lambda: torch.zeros(3, 3, dtype=torch.float8_e4m3fn), "convert afterwards"),
    "integer": (lambda: torch.zeros(3, 3, dtype=torch.int64), "convert afterwards"),
    "truth values": (lambda: torch.zeros(3, 3, dtype=torch.bool), "convert afterwards"),
    "complex": (lambda: torch.zeros(3, 3, dtype=torch.complex64), "view_as_real"),
    "sparse": (sparse, "dense tensor"),
    "meta": (lambda: torch.zeros(3, 3, device="meta"), "to_empty"),
    "expanded": (lambda: torch.zeros(1, 3).expand(3, 3), "contiguous"),
    "overlapping": (lambda: torch.zeros(9).as_strided((3, 3), (2, 1)), "contiguous"),
    "a library's own form": (Wrapped, "before quantizing"),
    "given back": (given_back, "reshard"),
    "no tensor": (lambda: np.zeros((3, 3)), "torch.Tensor"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_filled_is_refused_by_name(kind):
    make, hint = UNUSABLE[kind]
    with pytest.raises(InvalidInput, match=r"layers\.3\.weight cannot be filled") as caught:
        fill_(make(), "normal(0.1)", seed=0, name="layers.3.weight")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "shape", "dtype", "kind", "words"),
    [
        ("he", (3,), torch.float32, InvalidShape, "w: fans need a weight"),
        ("constant(1e6)", (3, 3), torch.float16, InvalidInput, "w: values this large overflow float16"),
        ("orthogonal(1e6)", (3, 3), torch.float16, InvalidInput, "w: values this large overflow float16"),
        ("normal(1e5)", (3, 3), torch.float16, InvalidInput, "w: values this large overflow float16"),
    ],
)
def test_a_law_that_does_not_fit_is_refused_by_name_before_anything_is_written(text, shape, dtype, kind, words):
    tensor = torch.full(shape, 9.0, dtype=dtype)
    with pytest.raises(kind, match=words):
        filled(tensor, text)
    assert (tensor == 9.0).all()


# Shards.

PLACEMENTS = [
    (Shard(0),),
    (Shard(1),),
    (Replicate(),),
    (_StridedShard(0, split_factor=2),),
    (_StridedShard(0, split_factor=3),),
    (Shard(0), Shard(0)),
    (Shard(0), Shard(1)),
    (Replicate(), Shard(1)),
    (_StridedShard(0, split_factor=2), Shard(0)),
    (_StridedShard(1, split_factor=2), Shard(1)),
    (Shard(0), _StridedShard(0, split_factor=3)),
    (_StridedShard(0, split_factor=4), _StridedShard(0, split_factor=2), Shard(0)),
    (Shard(1), Replicate(), _StridedShard(1, split_factor=2)),
]
MESHES = {1: [(1,), (2,), (3,), (5,)], 2: [(2, 2), (3, 2), (2, 4)], 3: [(2, 3, 2)]}
SHAPES = [(8, 6), (7, 5), (1, 3), (13, 4)]


def by_torch(whole, placements, mesh, coordinate):
    """The shard that PyTorch's own placements cut out, one dimension of the mesh after the other."""
    for placement, count, place in zip(placements, mesh, coordinate, strict=True):
        if not isinstance(placement, Replicate):
            cut, _ = placement._split_tensor(whole, count, with_padding=False)
            whole = cut[place]
    return whole


def wrong_shards(placements):
    """The cases in which our boxes hold other elements than PyTorch's cut."""
    found = []
    for shape, mesh in itertools.product(SHAPES, MESHES[len(placements)]):
        whole = torch.arange(math.prod(shape)).reshape(shape)
        for coordinate in itertools.product(*map(range, mesh)):
            theirs = by_torch(whole, placements, mesh, coordinate)
            ours = torch.full_like(theirs, -1)
            try:
                for piece in pieces(shape, placements, mesh, coordinate):
                    ours[piece.held] = whole[piece.whole]
            except RuntimeError:
                found.append((shape, mesh, coordinate))
            if not torch.equal(ours, theirs):
                found.append((shape, mesh, coordinate))
    return found


@pytest.mark.parametrize("placements", PLACEMENTS, ids=str)
def test_shards_lie_where_pytorch_cuts_them(placements):
    assert wrong_shards(placements) == []


def rounded_down(runs, count, place):
    flat = [i for start, stop in runs for i in range(start, stop)]
    size = len(flat) // count
    return [(i, i + 1) for i in flat[place * size : (place + 1) * size]]


def evenly(runs, count, place):
    flat = [i for start, stop in runs for i in range(start, stop)]
    return [(int(i), int(i) + 1) for i in np.array_split(flat, count)[place]]


@pytest.mark.parametrize("mutant", [rounded_down, evenly])
def test_wrong_chunks_are_noticed(mutant, monkeypatch):
    monkeypatch.setattr(shards, "_chunk", mutant)
    assert wrong_shards((Shard(0),))


def test_a_strided_shard_is_no_plain_one():
    theirs = by_torch(torch.arange(8), (_StridedShard(0, split_factor=2),), (2,), (0,))
    assert [p.whole for p in pieces((8,), (_StridedShard(0, split_factor=2),), (2,), (0,))] == [
        (slice(0, 2),),
        (slice(4, 6),),
    ]
    assert theirs.tolist() == [0, 1, 4, 5]


def test_blocks_cover_a_piece_in_order():
    (piece,) = pieces((4, 3, 5), (Shard(0),), (2,), (1,))
    whole = torch.arange(60).reshape(4, 3, 5)
    for limit in (1, 2, 7, 16, 100):
        cut = list(shards.blocks(piece, limit))
        assert all(block.size <= limit for block in cut)
        assert torch.cat([whole[block.whole].flatten() for block in cut]).tolist() == list(range(30, 60))
        assert torch.cat([whole[2:][block.held].flatten() for block in cut]).tolist() == list(range(30, 60))


@pytest.fixture
def places():
    """Run a function at each place of a mesh of four processes, without the other three: no one would answer."""
    dist.init_process_group("fake", rank=0, world_size=4, store=FakeStore())

    def run(function, shape):
        for place in range(4):
            function(DeviceMesh("cpu", torch.arange(4).roll(place).reshape(shape)))

    yield run
    dist.destroy_process_group()


@pytest.mark.parametrize(
    "placements",
    [(Shard(0), Shard(1)), (Shard(0), Shard(0)), (Replicate(), Shard(0)), (_StridedShard(0, split_factor=2), Shard(0))],
    ids=str,
)
@pytest.mark.parametrize(
    ("text", "dtype"),
    [("he", torch.float32), ("he", torch.bfloat16), ("orthogonal", torch.float32), ("sparse", torch.float64)],
)
def test_a_shard_has_the_bits_of_the_whole(placements, text, dtype, places):
    whole = torch.zeros(7, 6, dtype=dtype)
    fill_(whole, text, seed=7, name="w")

    def check(mesh):
        local = by_torch(whole, placements, (2, 2), mesh.get_coordinate())
        empty = torch.full_like(local, math.nan, memory_format=torch.contiguous_format)
        tensor = DTensor.from_local(empty, mesh, placements, run_check=False, shape=(7, 6), stride=(6, 1))
        parameter = nn.Parameter(tensor)
        filled(parameter, text)
        assert torch.equal(parameter.detach()._local_tensor, local)

    places(check, (2, 2))


def test_a_shard_that_no_one_can_place_is_refused(places):
    def check(mesh):
        partial = DTensor.from_local(torch.zeros(3, 3), mesh, [Partial()], run_check=False)
        with pytest.raises(InvalidInput, match="w: a shard can only be filled"):
            filled(partial)
        foreign = DTensor.from_local(torch.zeros(5, 3), mesh, [Shard(0)], run_check=False, shape=(7, 3), stride=(3, 1))
        with pytest.raises(InvalidInput, match="w: a shard holds the elements"):
            filled(foreign)
        on_meta = distribute_tensor(torch.zeros(6, 3, device="meta"), mesh, [Shard(0)], src_data_rank=None)
        with pytest.raises(InvalidInput, match="w cannot be filled"):
            filled(on_meta)

    places(check, (4,))


def test_only_the_shard_is_made(places, monkeypatch):
    made = []
    draw = initializers.Initializer.__call__

    def counted(self, *arguments, **options):
        values = draw(self, *arguments, **options)
        made.append(values.size)
        return values

    monkeypatch.setattr(initializers.Initializer, "__call__", counted)

    def check(mesh):
        local = torch.zeros(16, 16)
        tensor = DTensor.from_local(local, mesh, [Shard(0)], run_check=False, shape=(64, 16), stride=(16, 1))
        filled(tensor)
        assert sum(made) == local.numel()
        made.clear()

    places(check, (4,))
