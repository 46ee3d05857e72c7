"""Where the elements that a process holds lie in the whole tensor; from the placements alone, without communication."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from torch.distributed.tensor import Placement

Run = tuple[int, int]
Cut = tuple[slice, ...]


@dataclass(frozen=True)
class Piece:
    """A box of elements: where it lies in the tensor that this process holds, and where in the whole."""

    held: Cut
    whole: Cut

    @property
    def shape(self) -> tuple[int, ...]:
        """The box's size along each axis."""
        return tuple(cut.stop - cut.start for cut in self.held)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)


def is_sharded(tensor: Tensor) -> bool:
    """Tell whether this is a DTensor, without loading the module of DTensors, which takes as long as half of torch."""
    module: Any = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def held_tensor(tensor: Any) -> Tensor:
    """Return the ordinary tensor that this process holds of a tensor, without its history."""
    held: Tensor = (tensor._local_tensor if is_sharded(tensor) else tensor).detach()
    return held


def pieces_of(tensor: Any) -> tuple[Piece, ...]:
    """Return the boxes that this process holds; one, the whole, of an ordinary tensor.

    Raises:
        InvalidInput: a placement that does not say where its elements lie, such as a partial sum.
    """
    if not is_sharded(tensor):
        return (_everything(tuple(tensor.shape)),)
    mesh = tensor.device_mesh
    coordinate = mesh.get_coordinate()
    if coordinate is None:  # this process takes no part in the mesh and holds nothing
        return ()
    found = pieces(tuple(tensor.shape), tensor.placements, tuple(mesh.shape), tuple(coordinate))
    if sum(piece.size for piece in found) != tensor._local_tensor.numel():
        raise InvalidInput(
            "a shard holds the elements that its placements give it",
            got=f"a local tensor of shape {tuple(tensor._local_tensor.shape)} for {tensor.placements} on {mesh}",
            allowed="the shapes that distribute_tensor, fully_shard and parallelize_module make",
            hint="distribute_tensor(whole, mesh, placements)",
        )
    return found


def pieces(
    shape: tuple[int, ...],
    placements: Sequence[Placement],
    mesh: tuple[int, ...],
    coordinate: tuple[int, ...],
) -> tuple[Piece, ...]:
    """Return the boxes of a tensor of this shape that the process at this place of the mesh holds.

    Placements are applied from the first dimension of the mesh to the last, as PyTorch defines them: `Shard` keeps one
    of so many chunks, the last of which may be short or empty; `_StridedShard`, which a tensor has that was cut by a
    later dimension of the mesh first, keeps that chunk of each of `split_factor` chunks.

    >>> from torch.distributed.tensor import Shard
    >>> [piece.whole for piece in pieces((8, 2), (Shard(0), Shard(0)), (2, 2), (1, 0))]
    [(slice(4, 6, None), slice(0, 2, None))]
    """
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor.placement_types import _StridedShard

    axes: list[list[Run]] = [[(0, size)] for size in shape]
    for placement, count, place in zip(placements, mesh, coordinate, strict=True):
        if isinstance(placement, _StridedShard):
            runs = axes[placement.dim]
            chunks = [_chunk(runs, int(placement.split_factor), i) for i in range(int(placement.split_factor))]
            axes[placement.dim] = [run for chunk in chunks for run in _chunk(chunk, count, place)]
        elif isinstance(placement, Shard):
            axes[placement.dim] = _chunk(axes[placement.dim], count, place)
        elif not isinstance(placement, Replicate):
            raise InvalidInput(
                "a shard can only be filled if each of its elements is one element of the whole",
                got=repr(placement),
                allowed="Shard, Replicate",
                hint="tensor.redistribute(placements=[Replicate()])",
            )
    return tuple(_boxes([_joined(runs) for runs in axes]))


def blocks(piece: Piece, limit: int) -> Iterator[Piece]:
    """Cut a piece into boxes of at most `limit` elements that follow each other in C order."""
    if piece.size <= limit:
        yield piece
        return
    axis = next(axis for axis, size in enumerate(piece.shape) if size > 1)
    step = max(1, limit // math.prod(piece.shape[axis + 1 :]))
    for start in range(0, piece.shape[axis], step):
        stop = min(start + step, piece.shape[axis])
        yield from blocks(Piece(_within(piece.held, axis, start, stop), _within(piece.whole, axis, start, stop)), limit)


def _everything(shape: tuple[int, ...]) -> Piece:
    cuts = tuple(slice(0, size) for size in shape)
    return Piece(cuts, cuts)


def _within(cuts: Cut, axis: int, start: int, stop: int) -> Cut:
    first = cuts[axis].start
    return (*cuts[:axis], slice(first + start, first + stop), *cuts[axis + 1 :])


def _chunk(runs: list[Run], count: int, place: int) -> list[Run]:
    """Return chunk `place` of `count`, as torch.chunk cuts; past the last one there is nothing."""
    size = -(-sum(stop - start for start, stop in runs) // count)
    begin, end, at = place * size, (place + 1) * size, 0
    found = []
    for start, stop in runs:
        first, last = max(begin - at, 0), min(end - at, stop - start)
        if first < last:
            found.append((start + first, start + last))
        at += stop - start
    return found


def _joined(runs: list[Run]) -> list[Run]:
    joined: list[Run] = []
    for start, stop in runs:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def _boxes(axes: list[list[Run]]) -> Iterator[Piece]:
    cuts = [list(_cuts(runs)) for runs in axes]
    for chosen in itertools.product(*cuts):
        yield Piece(tuple(held for held, _ in chosen), tuple(whole for _, whole in chosen))


def _cuts(runs: list[Run]) -> Iterator[tuple[slice, slice]]:
    at = 0
    for start, stop in runs:
        yield slice(at, at + stop - start), slice(start, stop)
        at += stop - start
