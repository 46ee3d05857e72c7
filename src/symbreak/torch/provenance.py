"""What a model started from: written down as a manifest, and found again in a model, whole or in shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn

from symbreak.errors import InvalidInput
from symbreak.initializers import Initializer
from symbreak.initializers.digest import combined, digest
from symbreak.initializers.initializer import Seed
from symbreak.initializers.manifest import Manifest, Row
from symbreak.initializers.stacks import get
from symbreak.initializers.tree import Laws, laws_by_name
from symbreak.random import ALGORITHM_VERSION
from symbreak.torch.comparing import AS_INITIALIZED, CHANGED, Comparison, same_bits
from symbreak.torch.filling import DTYPES, Array, Whole, as_array, require_fillable
from symbreak.torch.sharded import require_supported
from symbreak.torch.shards import Piece, held_tensor, is_sharded, pieces_of
from symbreak.torch.starting.names import tensors
from symbreak.torch.starting.table import Plan

MISSING = "missing"
UNLISTED = "not in the manifest"
NOT_HELD = "not held here"


@dataclass(frozen=True)
class Verdict:
    """What became of one tensor's start.

    Attributes:
        name: of the tensor.
        status: "as initialized", "trained since", "other law", "changed" (a start that has no spread, or no law, cannot
            tell by what), "missing" (from the model, or of another shape or type), "not in the manifest", or "not held
            here".
        because: what was seen.
    """

    name: str
    status: str
    because: str


@dataclass(frozen=True)
class Verification:
    """What `verify` found: one verdict for each tensor of the manifest and of the model."""

    verdicts: tuple[Verdict, ...]

    @property
    def proved(self) -> bool:
        """Whether all that this process holds is as it was initialized."""
        return all(verdict.status in (AS_INITIALIZED, NOT_HELD) for verdict in self.verdicts)

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict on a tensor."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)

    def __str__(self) -> str:
        widths = [max(len(getattr(v, field)) for v in self.verdicts) for field in ("name", "status")]
        return "\n".join(
            f"{v.name.ljust(widths[0])}  {v.status.ljust(widths[1])}  {v.because}".rstrip() for v in self.verdicts
        )


def manifest(model: nn.Module, laws: Plan | Laws, *, seed: Seed) -> Manifest:
    """Return what the model starts from: for each parameter its law, its seed and a digest of its values.

    The values are made again and compared, so that a manifest says what is. Of a sharded model the digests cover what
    this process holds (of copies, the first); `symbreak.initializers.manifest.merged` adds up those of all processes.

    Args:
        model: as `init_` left it, before training.
        laws: the plan, one law, or laws by patterns of names.
        seed: as given to `init_`.

    Raises:
        InvalidInput: a parameter does not have the values of its law and seed, or could not have been filled.

    >>> layer = nn.Linear(3, 2)
    >>> from symbreak.torch.starting import init_
    >>> start = manifest(layer, init_(layer, seed=0), seed=0)
    >>> print(verify(layer, start))
    weight  as initialized
    bias    as initialized
    """
    require_supported(model)
    own = tensors(model)
    in_shards = any(is_sharded(tensor) for tensor in own.values())
    return Manifest(
        tuple(_row(name, own[name], law, seed, in_shards=in_shards) for name, law in _laws(laws, own).items())
    )


def verify(model: nn.Module, start: Manifest) -> Verification:
    """Tell of each tensor whether it still has the values of its start, was trained from them, or is another's.

    The start's values are made anew from law, seed and name: in blocks, of what this process holds only. A whole tensor
    is held to the manifest's digest as well.

    Raises:
        InvalidInput: the manifest was made by another version of the random numbers, or a digest contradicts its law.
    """
    if start.algorithm != ALGORITHM_VERSION:
        raise InvalidInput(
            "a start can be made again by the version of the random numbers that made it",
            got=f"version {start.algorithm}",
            allowed=f"version {ALGORITHM_VERSION}",
            hint="the release of symbreak that wrote the manifest",
        )
    require_supported(model)
    own = tensors(model)
    known = [_verdict(row, own.get(row.name)) for row in start.rows]
    listed = {row.name for row in start.rows}
    return Verification((*known, *(Verdict(name, UNLISTED, "") for name in own if name not in listed)))


def _laws(laws: Plan | Laws, own: dict[str, Tensor]) -> dict[str, Initializer | None]:
    if not isinstance(laws, Plan):
        return dict(laws_by_name(own, laws))
    planned = {entry.parameter: entry.applied for entry in laws.entries}
    return {name: get(law) if (law := planned.get(name)) is not None else None for name in own}


def _row(name: str, tensor: Tensor, law: Initializer | None, seed: Seed, *, in_shards: bool) -> Row:
    require_fillable(tensor, name)
    shape, held = tuple(tensor.shape), held_tensor(tensor).cpu()
    if law is not None:
        for _, values, made in _both(name, tensor, law, seed):
            _require_equal(values, made, name, law, seed)
    counted = pieces_of(tensor) if _counts(tensor, in_shards=in_shards) else ()
    total = combined(digest(as_array(held[piece.held]), shape, piece.whole) for piece in counted)
    elements = sum(piece.size for piece in counted)
    text = None if law is None else str(law)
    return Row(name, shape, DTYPES[tensor.dtype].name, text, seed, f"{total:032x}", elements)


def _require_equal(values: Array, made: Array, name: str, law: Initializer, seed: Seed) -> None:
    if not same_bits(values, made):
        raise InvalidInput(
            "a manifest says what a model starts from, so it must be as its laws made it",
            got=f"{name}, which differs from {law} with seed {seed!r}",
            allowed="a model as init_ left it, with the same plan and seed",
            hint="start = manifest(model, init_(model, seed=0), seed=0), before training",
        )


def _both(name: str, tensor: Tensor, law: Initializer, seed: Seed) -> Iterator[tuple[Piece, Array, Array]]:
    """Yield each block that this process holds: where it lies, its values, and those of the law."""
    whole, held = Whole(tuple(tensor.shape), law, seed, name), held_tensor(tensor)
    for piece in pieces_of(tensor):
        for block in whole.cut(piece) if piece.size else ():
            yield block, as_array(held[block.held].cpu()), whole.part(block.whole, DTYPES[tensor.dtype])


def _counts(tensor: Tensor, *, in_shards: bool) -> bool:
    """Tell whether this process counts what it holds: of processes with the same elements only the first does."""
    if not is_sharded(tensor):
        return not in_shards or dist.get_rank() == 0
    sharded: Any = tensor
    mesh, places = sharded.device_mesh, sharded.device_mesh.get_coordinate() or ()
    copies = [place for place, cut in zip(places, sharded.placements, strict=False) if cut.is_replicate()]
    return bool((mesh.mesh == 0).any()) and not any(copies)


def _verdict(row: Row, tensor: Tensor | None) -> Verdict:
    if tensor is None:
        return Verdict(row.name, MISSING, "no such parameter")
    require_fillable(tensor, row.name)
    found = (tuple(tensor.shape), DTYPES[tensor.dtype].name)
    if found != (row.shape, row.dtype):
        return Verdict(row.name, MISSING, f"{found[1]} of shape {found[0]} instead of {row.dtype} of {row.shape}")
    if not held_tensor(tensor).numel() and 0 not in row.shape:
        return Verdict(row.name, NOT_HELD, "")
    return _verdict_by_digest(row, tensor) if row.law is None else _verdict_by_law(row, tensor, get(row.law))


def _verdict_by_digest(row: Row, tensor: Tensor) -> Verdict:
    """Judge a tensor that no law made: only all of its values can be held to the digest."""
    if is_sharded(tensor) or not row.whole:
        return Verdict(row.name, NOT_HELD, "kept from before, and judged as a whole only")
    same = digest(as_array(held_tensor(tensor).cpu()), row.shape) == int(row.digest, 16)
    return Verdict(row.name, AS_INITIALIZED if same else CHANGED, "kept from before")


def _verdict_by_law(row: Row, tensor: Tensor, law: Initializer) -> Verdict:
    comparison = Comparison()
    total = 0
    for block, values, made in _both(row.name, tensor, law, row.seed):
        comparison.add(values, made)
        total = combined([total, digest(made, row.shape, block.whole)])
    if not is_sharded(tensor) and row.whole and total != int(row.digest, 16):
        raise InvalidInput(
            "a manifest's digest is that of its law",
            got=f"{row.name}: {row.law} with seed {row.seed!r} has digest {total:032x}, not {row.digest}",
            allowed="a manifest that manifest() wrote",
            hint="the release of symbreak that wrote it",
        )
    return Verdict(row.name, *comparison.judged())
