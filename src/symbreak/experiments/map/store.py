"""The store of a map: a folder that survives whatever ends the program, and is taken up where it was left.

    map.json                    schema, version, settings, digest of the data, tiles; at the end a table of the chunks
    chunks/<index>-<sha256>.parquet    one file for each finished chunk, named after its content

A chunk's name holds the checksum of its bytes, and a file appears under its name whole or not at all. So there is no
moment at which the store is wrong, and no index that could disagree with what is there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbreak.durable import REMAINS, write_whole
from symbreak.errors import InvalidData, InvalidInput
from symbreak.experiments.map import table
from symbreak.experiments.map.grid import Chunk, Grid
from symbreak.experiments.map.identity import Identity
from symbreak.experiments.map.records import Records
from symbreak.experiments.map.result import SCHEMA

_NAME = re.compile(r"([0-9]{6,})-([0-9a-f]{64})\.parquet")

Write = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class Store:
    """The folder of one map. Open it with `open_store`.

    Attributes:
        grid: how the map is cut; that of the store, if it was there before.
        facts: what `map.json` holds beside.
        write: puts bytes into a file, whole or not at all.
    """

    folder: Path
    identity: Identity
    grid: Grid
    facts: Mapping[str, Any]
    write: Write = write_whole

    def save(self, chunk: Chunk, records: Records) -> None:
        """Put a finished chunk on the disk; when this returns, nothing takes it away.

        Raises:
            InvalidInput: it cannot be written, as on a full disk; what was saved before stays.
        """
        content = table.encode(self.identity, chunk, records)
        name = f"{chunk.index:06d}-{hashlib.sha256(content).hexdigest()}.parquet"
        try:
            self.write(self.folder / "chunks" / name, content)
        except InvalidInput as error:
            raise InvalidInput(
                "a finished chunk cannot be stored",
                got=error.got,
                allowed="a disk with room, that can be written",
                hint="make room, and run the same command again: the chunks before are kept",
            ) from error

    def load(self, *, repair: bool = True) -> tuple[dict[int, Records], list[str]]:
        """Return the finished chunks, and what was wrong with the others; `repair` removes their files."""
        found, complaints = dict[int, Records](), list[str]()
        for path in sorted((self.folder / "chunks").glob("*.parquet")):
            try:
                index, records = self._read(path)
            except InvalidData as error:
                complaints.append(f"{path.name}: {error.got}; it is computed again")
                if repair:
                    path.unlink()
            else:
                found[index] = records
        return found, complaints

    def _read(self, path: Path) -> tuple[int, Records]:
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[1]) >= self.grid.count:
            raise _unreadable(path, "not the name of a chunk")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != match[2]:
            raise _unreadable(path, "damaged, its checksum is wrong")
        index = int(match[1])
        return index, table.decode(self.identity, self.grid.chunk(index), content)

    def describe(self, *, finished: bool) -> None:
        """Write `map.json`; once the run is over, with a table of the chunks that are there."""
        header = {
            "schema": SCHEMA,
            "version": self.identity.version,
            "command": self.identity.settings.command,
            "settings": self.identity.settings.to_json(),
            "data_sha256": self.identity.data,
            "shape": list(self.grid.shape),
            "tile": list(self.grid.tile),
            **self.facts,
        }
        chunks = self._listed() if finished else None
        text = json.dumps({**header, "chunks": chunks}, indent=1, allow_nan=False)
        self.write(self.folder / "map.json", text.encode())

    def _listed(self) -> list[dict[str, Any]]:
        names = [_NAME.fullmatch(path.name) for path in sorted((self.folder / "chunks").iterdir())]
        chunks = [(self.grid.chunk(int(match[1])), match) for match in names if match]
        return [
            {
                "file": f"chunks/{match[0]}",
                "sha256": match[2],
                "rows": [chunk.top, chunk.bottom],
                "columns": [chunk.left, chunk.right],
            }
            for chunk, match in chunks
        ]


def open_store(
    folder: Path,
    identity: Identity,
    grid: Grid,
    facts: Mapping[str, Any],
    *,
    resume: bool = True,
    write: Write = write_whole,
) -> Store:
    """Make a store, or open one that was made by the same settings. Hold `locked(folder)` while it is used.

    Raises:
        InvalidInput: the folder holds a map of other settings, data or version, or any if `resume` is off; or it
            cannot be written.
        InvalidData: its `map.json` cannot be read.
    """
    header = read_header(folder)
    if header is None:
        store = Store(folder, identity, grid, facts, write)
        _make(folder / "chunks")
        store.describe(finished=False)
        return store
    _check(folder, identity, header, resume)
    for remains in (*folder.glob(REMAINS), *(folder / "chunks").glob(REMAINS)):
        remains.unlink()
    _make(folder / "chunks")
    return Store(folder, identity, Grid(tuple(header["shape"]), tuple(header["tile"])), facts, write)


def read_header(folder: Path) -> dict[str, Any] | None:
    """Return what a store's `map.json` holds; None if there is no store.

    Raises `InvalidData` if it is not what a store wrote.
    """
    path = folder / "map.json"
    try:
        header = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise _unreadable(path, f"its schema is not {SCHEMA}")
    return header


def _check(folder: Path, identity: Identity, header: Mapping[str, Any], resume: bool) -> None:
    if not resume:
        raise InvalidInput(
            "the folder holds a map, and it was asked not to go on with it",
            got=str(folder),
            allowed="a folder without a map.json, or --resume",
            hint=f"--output {folder}-2, or remove the folder",
        )
    differences = identity.differences(header)
    if differences:
        raise InvalidInput(
            "the folder holds the map of other settings",
            got=f"{folder}: {'; '.join(differences)}",
            allowed="the same settings, to go on with it",
            hint=f"--output {folder}-2, or remove the folder",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            "the folder cannot be made",
            got=f"{str(folder)!r}: {error.strerror}",
            allowed="a place that can be written",
            hint="--output another-folder",
        ) from error


def _unreadable(path: Path, got: str) -> InvalidData:
    return InvalidData(
        f"{path} cannot be used", got=got, allowed="a file that the store wrote", hint="remove it, or another folder"
    )
