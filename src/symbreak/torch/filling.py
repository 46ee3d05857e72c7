"""Write an initializer's values into a torch tensor, or into the shard of it that this process holds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.parameter import is_lazy

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers import Initializer
from symbreak.initializers.initializer import Seed
from symbreak.random.arguments import checked_reach
from symbreak.torch.shards import Cut, Piece, blocks, held_tensor, is_sharded, pieces_of

Array = NDArray[Any]

DTYPES: dict[torch.dtype, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: np.dtype(ml_dtypes.bfloat16),
}
BLOCK = 2**22
"""Elements that are made at a time: 16 MB where they cannot be made in place, little beside a shard, and enough work to
keep many threads busy."""


def fill_(tensor: Tensor, init: Initializer | str, *, seed: Seed, name: str, layout: str = "out_in") -> Tensor:
    """Fill a tensor in place with `init(shape, seed=seed, name=name, layout=layout)` and return it.

    Of a `DTensor` only this process's shard is filled, with the bits that it has in the whole; nothing is sent, and
    where entries are independent no more than the shard is made. Values are written into the tensor's own memory
    (through a block of 2^22 elements where it is not contiguous or not on the processor). PyTorch's random state,
    gradients and graph are left alone; autograd is told that the tensor changed. An empty tensor stays as it is.

    Args:
        tensor: of dtype float32, float64, float16 or bfloat16.
        init: an initializer, or its text form such as "he_normal" or "normal(0.02)".
        seed: an int of any size, or a string.
        name: the address of the values, and what an error calls the tensor; as it is, also with a wrapper's prefix.
        layout: "out_in", PyTorch's own order, or "in_out".

    Raises:
        InvalidInput: a tensor that cannot be filled (lazy, quantised, complex, integer, float8, sparse, on the meta
            device, with elements that share memory), an initializer that has no values for this shape or dtype.
            Nothing was changed then.

    >>> weight = torch.empty(2, 3, dtype=torch.bfloat16)
    >>> fill_(weight, "he_normal", seed=0, name="fc.weight").shape
    torch.Size([2, 3])
    """
    chosen = initializers.get(init)
    require_fillable(tensor, name)
    if tensor.numel() == 0:
        return tensor
    try:
        _require_reach(tensor, chosen, layout)
        with torch.no_grad():
            for piece in pieces_of(tensor):
                _fill_piece(held_tensor(tensor), piece, Whole(tuple(tensor.shape), chosen, seed, name, layout))
    except InvalidInput as error:
        raise named(error, name) from error
    _tell_autograd(tensor)
    return tensor


@dataclass(frozen=True)
class Whole:
    """A tensor that an initializer makes, of which parts are wanted."""

    shape: tuple[int, ...]
    init: Initializer
    seed: Seed
    name: str
    layout: str = "out_in"

    def part(self, cut: Cut, dtype: np.dtype[Any], out: Array | None = None) -> Array:
        """Return the values of a part; in `out`, if given."""
        return self.init(
            self.shape, seed=self.seed, name=self.name, layout=self.layout, dtype=dtype, index=cut, out=out
        )

    def cut(self, piece: Piece) -> Iterable[Piece]:
        """Cut a piece into blocks, unless each of them would cost as much as all."""
        return blocks(piece, BLOCK) if self.init.by_element else (piece,)


def require_fillable(tensor: Tensor, name: str) -> None:
    """Refuse, by name, a tensor that `fill_` could not fill.

    Raises:
        InvalidInput: it says what the tensor is and what helps.
    """
    fault = _fault(tensor)
    if fault is not None:
        got, hint = fault
        raise InvalidInput(
            f"{name or 'this tensor'} cannot be filled with initial values",
            got=got,
            allowed="dense float32, float64, float16 or bfloat16 tensors, each element with memory of its own",
            hint=hint,
        )


def named(error: InvalidInput, name: str) -> InvalidInput:
    """Return the same error, with the name of the tensor in front."""
    rule = f"{name}: {error.rule}" if name else error.rule
    return type(error)(rule, got=error.got, allowed=error.allowed, hint=error.hint)


def as_array(tensor: Tensor) -> Array:
    """Return an ordinary tensor of the processor as an array on the same memory."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def _fill_piece(held: Tensor, piece: Piece, whole: Whole) -> None:
    """Write the values of one piece into the tensor that this process holds."""
    dtype = DTYPES[held.dtype]
    for block in whole.cut(piece):
        target = held[block.held]
        if target.is_contiguous() and target.device.type == "cpu" and not target.is_neg():
            whole.part(block.whole, dtype, out=as_array(target))
        else:
            target.copy_(_as_tensor(whole.part(block.whole, dtype)))


def _as_tensor(values: Array) -> Tensor:
    if values.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


def _require_reach(tensor: Tensor, init: Initializer, layout: str) -> None:
    """Refuse values that the dtype cannot hold before the first is written."""
    law = init.law(tuple(tensor.shape), layout=layout)
    farthest = max(abs(law.low), abs(law.high))
    checked_reach(DTYPES[tensor.dtype], farthest if math.isfinite(farthest) else 0.0)


def _tell_autograd(tensor: Tensor) -> None:
    """Count the change, so that a graph that needs the old values says so."""
    for one in (tensor, held_tensor(tensor)):
        if not one.is_inference():
            torch.autograd.graph.increment_version(one)


def _fault(tensor: object) -> tuple[str, str] | None:
    """Return what is wrong with the tensor, and what helps; None if it can be filled."""
    if not isinstance(tensor, Tensor):
        return f"a {type(tensor).__name__}", "a torch.Tensor"
    if is_lazy(tensor):
        return "a lazy parameter without a shape", "run the model on one batch first: model(x)"
    held = held_tensor(tensor) if is_sharded(tensor) else tensor
    found = f"{type(held).__name__} of shape {tuple(tensor.shape)}, {tensor.dtype}, on {tensor.device}"
    if type(held).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return f"{found}: its numbers are kept in a form of its own", "initialize before quantizing or wrapping it"
    if tensor.is_complex():
        return found, "torch.view_as_real(tensor)"
    if held.layout is not torch.strided:
        return f"{found}, {held.layout}", "initialize the dense tensor first"
    if tensor.dtype not in DTYPES or tensor.is_quantized:
        return found, "initialize in bfloat16 and convert afterwards"
    if tensor.numel() == 0:
        return None
    if held.is_meta:
        return found, 'model.to_empty(device="cpu") first'
    return _fault_of_memory(held, found)


def _fault_of_memory(held: Tensor, found: str) -> tuple[str, str] | None:
    axes = sorted((stride, size) for stride, size in zip(held.stride(), held.shape, strict=True) if size > 1)
    reach = 0
    for stride, size in axes:
        if stride <= reach:
            return (
                f"{found}, strides {tuple(held.stride())}: elements share memory",
                "tensor.clone() or tensor.contiguous()",
            )
        reach += stride * (size - 1)
    if held.numel() and held.untyped_storage().nbytes() < (held.storage_offset() + reach + 1) * held.element_size():
        return f"{found}: its memory was given back", "model.reshard(), for a model of fully_shard"
    return None
