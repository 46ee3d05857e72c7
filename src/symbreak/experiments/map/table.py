"""A chunk's records as the bytes of a Parquet file, and back."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from symbreak.errors import InvalidData
from symbreak.experiments.map.grid import Chunk
from symbreak.experiments.map.identity import Identity
from symbreak.experiments.map.records import COLUMNS, Records

# Keys of the file's metadata: whose chunk this is, and which.
IDENTITY, PLACE = b"symbreak.identity", b"symbreak.chunk"
POSITIONS = ("row", "column", "x", "y")
"""The columns before those of `COLUMNS`: where a network is, and its values of the axes."""


def encode(identity: Identity, chunk: Chunk, records: Records) -> bytes:
    """Return the Parquet file of a chunk: one line for each network, row after row of the tile."""
    rows, columns = np.mgrid[chunk.top : chunk.bottom, chunk.left : chunk.right]
    where = {"row": rows, "column": columns, "x": identity.settings.xs[columns], "y": identity.settings.ys[rows]}
    what = {name: getattr(records, name) for name in COLUMNS}
    table = pa.table({name: np.ravel(values) for name, values in {**where, **what}.items()})
    table = table.replace_schema_metadata({IDENTITY: identity.digest.encode(), PLACE: _place(chunk)})
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def decode(identity: Identity, chunk: Chunk, content: bytes) -> Records:
    """Return the records in a file that `encode` made.

    Raises:
        InvalidData: it is no such file, or that of other settings or of another chunk.
    """
    try:
        table = pq.read_table(io.BytesIO(content))
        metadata = table.schema.metadata or {}
        found = {name: table.column(name).to_numpy() for name in COLUMNS}
    except (pa.ArrowException, KeyError, OSError) as error:
        raise _damaged(chunk, str(error).splitlines()[0]) from error
    if metadata.get(IDENTITY) != identity.digest.encode() or metadata.get(PLACE) != _place(chunk):
        raise _damaged(chunk, "made by other settings, from other data or for another place")
    if table.num_rows != chunk.shape[0] * chunk.shape[1]:
        raise _damaged(chunk, f"{table.num_rows} networks")
    return Records(**{name: found[name].astype(kind).reshape(chunk.shape) for name, kind in COLUMNS.items()})


def _place(chunk: Chunk) -> bytes:
    return f"{chunk.index}: rows {chunk.top}-{chunk.bottom}, columns {chunk.left}-{chunk.right}".encode()


def _damaged(chunk: Chunk, got: str) -> InvalidData:
    return InvalidData(
        f"chunk {chunk.index} of the map cannot be used",
        got=got,
        allowed="a Parquet file as the store wrote it",
        hint="run the same command again: it is computed anew",
    )
