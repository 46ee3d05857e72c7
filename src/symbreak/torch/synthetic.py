"""Input made up from a line of text, for a model without data at hand."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symbreak.errors import InvalidInput

DTYPES = {
    "float": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "int": torch.int64,
    "bool": torch.bool,
}
_SPEC = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<shape>\d+(?:,\d+)*)(?::(?P<dtype>[a-z]+\d*))?(?::(?P<high>\d+))?")
# 2^33 numbers are 32 GiB: a typing error, not a batch.
MOST = 2**33


@dataclass(frozen=True)
class Spec:
    """One tensor: its shape, its kind of number, and the end of its range if they are whole."""

    shape: tuple[int, ...]
    dtype: str = "float"
    high: int | None = None
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read SHAPE, SHAPE:DTYPE or SHAPE:int:HIGH, with NAME= before it for a keyword argument.

        >>> Spec.parse("ids=2,128:int:50257")
        Spec(shape=(2, 128), dtype='int', high=50257, name='ids')

        Raises:
            InvalidInput: another text, or a shape without numbers.
        """
        found = _SPEC.fullmatch(text.replace(" ", ""))
        if found is None:
            raise _unreadable(text)
        shape = tuple(map(int, found["shape"].split(",")))
        dtype, high = found["dtype"] or "float", int(found["high"]) if found["high"] else None
        if dtype not in DTYPES or (dtype == "int") != (high is not None) or high == 0:
            raise _unreadable(text)
        if not 0 < math.prod(shape) <= MOST:
            raise _unreadable(text)
        return cls(shape, dtype, high, found["name"])

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return N(0, 1), whole numbers from 0 to high - 1, or fair coins."""
        if self.dtype == "int":
            return torch.randint(0, self.high or 1, self.shape, generator=generator)
        if self.dtype == "bool":
            return torch.randint(0, 2, self.shape, generator=generator).bool()
        return torch.randn(self.shape, generator=generator).to(DTYPES[self.dtype])


def made_up(texts: Sequence[str], *, seed: int) -> Any:
    """Return one tensor, a tuple of arguments, or a dict of keyword arguments.

    >>> {name: tuple(x.shape) for name, x in made_up(["ids=2,8:int:10", "mask=2,8:bool"], seed=0).items()}
    {'ids': (2, 8), 'mask': (2, 8)}

    Raises:
        InvalidInput: a text that is no spec, a name twice, or named and unnamed ones together.
    """
    specs = [Spec.parse(text) for text in texts]
    names = [spec.name for spec in specs]
    if any(names) and (None in names or len(set(names)) < len(names)):
        raise InvalidInput(
            "inputs are all by position, or all by name, each name once",
            got=" ".join(texts),
            allowed="--input 2,8 --input 2,3, or --input a=2,8 --input b=2,3",
            hint="NAME=SHAPE for each",
        )
    generator = torch.Generator().manual_seed(seed)
    drawn = [spec.draw(generator) for spec in specs]
    if any(names):
        return dict(zip(names, drawn, strict=True))
    return drawn[0] if len(drawn) == 1 else tuple(drawn)


def _unreadable(text: str) -> InvalidInput:
    return InvalidInput(
        "an input is told by its shape",
        got=text,
        allowed=f"SHAPE, SHAPE:DTYPE ({', '.join(name for name in DTYPES if name != 'int')}), SHAPE:int:HIGH, "
        f"each with NAME= before it, of at most {MOST} numbers",
        hint="--input 32,784, --input 2,128:int:50257, --input mask=2,128:bool",
    )
