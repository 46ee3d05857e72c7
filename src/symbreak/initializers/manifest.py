"""What a run started from, as data: for each tensor its law, its seed and a digest of its values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

from symbreak.errors import InvalidData, InvalidInput
from symbreak.initializers.digest import combined
from symbreak.initializers.initializer import Seed
from symbreak.random import ALGORITHM_VERSION

SCHEMA = "symbreak/manifest/1"


@dataclass(frozen=True)
class Row:
    """One tensor.

    Attributes:
        name: the address of its values.
        shape: in logical layout (out, in, *spatial).
        dtype: such as "bfloat16".
        law: an initializer's text; None for a tensor that no law made.
        seed: an int or a string.
        digest: of its values, or of the part of them that was counted (see `symbreak.initializers.digest`); 32
            hexadecimal digits.
        elements: how many values the digest covers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    law: str | None
    seed: Seed
    digest: str
    elements: int

    @property
    def whole(self) -> bool:
        """Whether the digest covers the tensor."""
        return self.elements == prod(self.shape)


@dataclass(frozen=True)
class Manifest:
    """The start of a run.

    Attributes:
        rows: one for each tensor.
        algorithm: version of the random numbers' specification.
    """

    rows: tuple[Row, ...]
    algorithm: int = ALGORITHM_VERSION

    def __getitem__(self, name: str) -> Row:
        """Return the row of a tensor."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    @property
    def whole(self) -> bool:
        """Whether every digest covers its tensor."""
        return all(row.whole for row in self.rows)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content: to be written down elsewhere, it also tells a manifest that was forged."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as plain data (schema symbreak/manifest/1), with its fingerprint."""
        return {**self._content(), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> Manifest:
        """Read what `to_json` gave, or its text.

        Raises:
            InvalidData: this is no manifest, or its content does not have the fingerprint that it gives.

        >>> manifest = Manifest((Row("fc.bias", (4,), "float32", "zeros", 0, "0" * 32, 4),))
        >>> Manifest.from_json(json.dumps(manifest.to_json())) == manifest
        True
        """
        try:
            given = json.loads(data) if isinstance(data, str) else data
            if given["schema"] != SCHEMA:
                raise ValueError(f"schema {given['schema']!r}")
            read = cls(tuple(_row(row) for row in given["rows"]), _whole_number(given["algorithm"]))
            told = given["fingerprint"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _foreign(f"{type(error).__name__}: {error}") from error
        if dict(given) != read.to_json():
            raise _foreign(f"content of fingerprint {read.fingerprint[:12]}..., which says {str(told)[:12]}...")
        return read

    def _content(self) -> dict[str, Any]:
        rows = [{**asdict(row), "shape": list(row.shape)} for row in self.rows]
        return {"schema": SCHEMA, "algorithm": self.algorithm, "rows": rows}


def merged(parts: Iterable[Manifest]) -> Manifest:
    """Return one manifest from those that the processes of a sharded run made of their shards.

    Raises:
        InvalidInput: there are none, they are of other tensors, laws, seeds or versions, or they cover an element
            twice.

    >>> row = Row("w", (4,), "float32", "he", 0, f"{5:032x}", 2)
    >>> merged([Manifest((row,)), Manifest((row,))])["w"].digest[-2:]
    '0a'
    """
    given = tuple(parts)
    if not given:
        raise _unlike("none")
    first, *others = given
    for other in others:
        if other.algorithm != first.algorithm or [_claim(row) for row in other.rows] != [
            _claim(row) for row in first.rows
        ]:
            raise _unlike("manifests of other models, laws or seeds")
    rows = tuple(_sum(rows) for rows in zip(*(part.rows for part in (first, *others)), strict=True))
    return replace(first, rows=rows)


def _claim(row: Row) -> Row:
    return replace(row, digest="", elements=0)


def _sum(rows: tuple[Row, ...]) -> Row:
    elements = sum(row.elements for row in rows)
    if elements > prod(rows[0].shape):
        raise _unlike(f"{elements} elements of {rows[0].name}, which has {prod(rows[0].shape)}")
    return replace(rows[0], digest=f"{combined(int(row.digest, 16) for row in rows):032x}", elements=elements)


def _unlike(got: str) -> InvalidInput:
    return InvalidInput(
        "manifests are merged if they are of the shards of one start, each once",
        got=got,
        allowed="one manifest of each process",
        hint="manifest(model, plan, seed=0) in every process",
    )


def _row(data: Mapping[str, Any]) -> Row:
    row = Row(**{**data, "shape": tuple(_whole_number(size) for size in data["shape"])})
    if not isinstance(row.seed, str):
        _whole_number(row.seed)
    if not all(isinstance(text, str) for text in (row.name, row.dtype, row.law or "", row.digest)):
        raise ValueError(f"a row with fields of other types: {data}")
    if len(row.digest) != 32 or not int(row.digest, 16) >= 0 or not 0 <= _whole_number(row.elements) <= prod(row.shape):
        raise ValueError(f"digest {row.digest!r} of {row.elements} elements")
    return row


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _foreign(got: str) -> InvalidData:
    return InvalidData(
        "a manifest is read from what Manifest.to_json() gave, unchanged",
        got=got,
        allowed=f"schema {SCHEMA}",
        hint="json.dumps(manifest.to_json())",
    )
