"""A parameter's role: all that a law may depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from symbreak.torch.starting.graph import Branch, Reading
from symbreak.torch.starting.pairs import Pairing


@dataclass(frozen=True)
class Role:
    """What a parameter does.

    Attributes:
        name, names: normalised first name, and all names in the model.
        tensor: the parameter itself.
        kind: "weight", "embedding", "recurrent", "bias", "norm gain", "norm shift", "scale", "table", "directions",
            "lengths" (of a weight norm), "computed", "unused", "unknown".
        layer: the module's class.
        path: of the module.
        fan_in, fan_out: true ones; (0, 0) where it has none.
        rows: of the matrix that maps inputs to outputs, for an orthogonal start; 0 where it is none.
        parts: how many weights lie side by side along `axis`.
        groups, transposed: of a convolution.
        share: of the taps of a convolution that do not fall on padding.
        uses: how many operations read it.
        reading: what it reads.
        functions: modules in which what it reads was computed.
        head: nothing with weights comes after it.
        branch: the residual branch that it is in; `closes` if it is read last there.
        stretch: how many weights follow one another around it without normalization or shortcut.
        tied_output: an embedding that is the output's weight as well.
        normed: a normalization reads what it gives.
        follower: the activation that reads what it gives.
        stretched: by which number what it gives is multiplied before that.
        padding: the row of an embedding that stands for padding.
        own_bias: a bias of an output or a gate that the model set to values of its own.
        coordinates: how many inputs the layer of a bias reads, if these are few and an activation follows; else 0.
        zero: the model starts it at zero, which is sound.
        attended: as what attention reads what it gives: "query", "key", "value".
        sharpness: the size of attention's logits, if it makes the query, and query and key have size 1.
        of_logits: rows of a table that are added to logits of attention.
        gated: what it gives is multiplied by the activated result of another weight.
        pairing: how it can take part in pairs of opposite sign.
        summed: how many embeddings are added to what it gives, itself included.
        rescaled: by which number what an embedding gives is multiplied, or, if it is tied, what the output reads.
    """

    name: str
    names: tuple[str, ...]
    tensor: Tensor
    kind: str
    layer: str = ""
    path: str = ""
    fan_in: int = 0
    fan_out: int = 0
    rows: int = 0
    parts: int = 1
    axis: int = 0
    groups: int = 1
    transposed: bool = False
    share: float = 1.0
    uses: int = 0
    reading: Reading | None = None
    functions: tuple[nn.Module, ...] = ()
    head: bool = False
    branch: Branch | None = None
    closes: bool = False
    stretch: int = 1
    tied_output: bool = False
    normed: bool = False
    follower: str = ""
    stretched: float = 1.0
    padding: int | None = None
    own_bias: bool = False
    coordinates: int = 0
    zero: bool = False
    attended: frozenset[str] = frozenset()
    sharpness: float = 1.0
    of_logits: bool = False
    gated: bool = False
    pairing: Pairing | None = None
    summed: int = 1
    rescaled: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self.tensor.shape)

    @property
    def part(self) -> str:
        """Its name in the module."""
        return self.names[0].rpartition(".")[2]


def constant_value(tensor: Tensor) -> float | None:
    """Return the one value that a tensor holds everywhere; None if it holds several, or none are in memory."""
    if tensor.is_meta or not tensor.numel() or not isinstance(tensor, Tensor):
        return None
    with torch.no_grad():
        first = tensor.detach().reshape(-1)[0]
        return float(first) if bool((tensor.detach() == first).all()) else None


def blocks(size: int, index: int) -> Iterator[int]:
    """Yield the sizes of the parts before, at and after an index that are not empty."""
    yield from (n for n in (index, 1, size - index - 1) if n)
