"""A tensor that holds several weights side by side (gates of an LSTM, fused query, key and value), each with its law.

The text form is that of the parts, joined by bars: "orthogonal(1) | orthogonal(1)" cuts the first axis into equal
parts, "axis 1: 512 normal(0.02) | 64 normal(0.04)" cuts the second one into parts of these sizes.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import notation
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.initializers import catalogue, parts
from symbreak.initializers import law as laws
from symbreak.initializers.initializer import Initializer, Weight
from symbreak.initializers.law import Law
from symbreak.initializers.mirrored import mirrored

Shape = tuple[int, ...]
_AXIS = re.compile(r"axis\s+(\d+)\s*:\s*(.*)", re.DOTALL)
_PART = re.compile(r"(?:(\d+)\s+)?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Stack:
    """Parts of a tensor along one axis; part number i is drawn under the name `name[i]`, as a tensor of its own.

    Attributes:
        parts: what fills each.
        sizes: their lengths along the axis; None for equal ones.
        axis: which is cut.
    """

    parts: tuple[Initializer, ...]
    sizes: tuple[int, ...] | None = None
    axis: int = 0

    @property
    def by_element(self) -> bool:
        """Whether a part of it costs what its elements cost."""
        return all(part.by_element for part in self.parts)

    @property
    def formula(self) -> str:
        """The parts' laws in symbols."""
        return " | ".join(part.formula for part in self.parts)

    def law(self, shape: Shape) -> Law:
        """Return the law of an entry at a random position."""
        shapes = self._shapes(shape)
        whole = max(sum(s[self.axis] for s in shapes), 1)
        known = [(part.law(s), s[self.axis] / whole) for part, s in zip(self.parts, shapes, strict=True)]
        mean = sum(law.mean * share for law, share in known)
        variance = sum((law.variance + (law.mean - mean) ** 2) * share for law, share in known)
        low, high = min(law.low for law, _ in known), max(law.high for law, _ in known)
        return laws.Law("stack", mean, variance, low, high, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        """Draw each part under its own name; of an index, the entries that lie in it."""
        flat = parts.flat(weight.shape, weight.index)
        places = np.array(np.unravel_index(flat, weight.shape)) if flat.size else np.zeros((len(weight.shape), 0))
        values, start = np.empty(flat.shape, weight.dtype), 0
        for number, (part, shape) in enumerate(zip(self.parts, self._shapes(weight.shape), strict=True)):
            inside = (places[self.axis] >= start) & (places[self.axis] < start + shape[self.axis])
            own = places[:, inside]
            own[self.axis] -= start
            start += shape[self.axis]
            if own.size:
                index = np.ravel_multi_index(tuple(own), shape)
                address = replace(weight, shape=shape, name=f"{weight.name}[{number}]", index=index, out=None)
                values[inside] = part.rule.draw(address)
        return values

    def _shapes(self, shape: Shape) -> list[Shape]:
        length = shape[self.axis] if self.axis < len(shape) else -1
        sizes = self.sizes or (length // len(self.parts),) * len(self.parts)
        if sum(sizes) != length:
            raise InvalidShape(
                "the parts of a stack must fill its axis",
                got=f"{len(self.parts)} parts along axis {self.axis} of shape {shape}",
                allowed="sizes that add up to the axis, or equal parts that divide it",
                hint="zeros | ones",
            )
        return [(*shape[: self.axis], size, *shape[self.axis + 1 :]) for size in sizes]


def stack(texts: tuple[str, ...], *, sizes: tuple[int, ...] | None = None, axis: int = 0) -> str:
    """Write the text of a stack; the parts' own text where they are one elementwise law, which needs no cutting.

    >>> stack(("zeros", "ones")), stack(("normal(1)", "normal(1)"))
    ('zeros | ones', 'normal(1)')
    """
    if len(set(texts)) == 1 and not texts[0].startswith(("orthogonal", "identity", "sparse")):
        return texts[0]
    inside = [f"{size} {text}" for size, text in zip(sizes, texts, strict=True)] if sizes else list(texts)
    return f"axis {axis}: {' | '.join(inside)}" if axis else " | ".join(inside)


def get(text: str | Initializer) -> Initializer:
    """Return the initializer that a text such as "he", "normal(0.01)" or "zeros | ones" stands for.

    One of the catalogue's, pairs of opposite sign ("mirrored(1, out)"), or a stack of them: whatever a plan says.
    `str(get(text))` reads back as the same initializer.

    Raises:
        UnknownName: no initializer has this name.
        InvalidInput: arguments that do not fit, or a stack that mixes parts with and without a size.

    >>> values = get("zeros | ones")((4,), seed=0, name="bias")
    >>> values.tolist(), str(get("axis 1: 3 zeros | 1 ones"))
    ([0.0, 0.0, 1.0, 1.0], 'axis 1: 3 zeros | 1 ones')
    """
    if not isinstance(text, str) or "|" not in text:
        return _one(text)
    found = _AXIS.fullmatch(text.strip())
    axis, inside = (int(found[1]), found[2]) if found else (0, text)
    matches = [match for part in inside.split("|") if (match := _PART.fullmatch(part.strip())) is not None]
    made = tuple(_one(match[2]) for match in matches)
    given = [int(match[1]) for match in matches if match[1] is not None]
    if given and len(given) != len(made):
        raise InvalidInput(
            "either every part of a stack has a size, or none",
            got=repr(text),
            allowed="'zeros | ones' or '3 zeros | 1 ones'",
            hint="3 zeros | 1 ones",
        )
    sizes = tuple(given) or None
    written = " | ".join(
        f"{size} {part}" if size is not None else str(part) for size, part in itertools.zip_longest(given, made)
    )
    return Initializer(f"axis {axis}: {written}" if axis else written, Stack(made, sizes, axis))


def _one(text: str | Initializer) -> Initializer:
    if isinstance(text, str) and text.strip().startswith("mirrored"):
        return notation.build("initializer", text, {"mirrored": mirrored})
    return catalogue.get(text)
