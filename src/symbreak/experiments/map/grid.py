"""A map cut into chunks: tiles of networks of one architecture, each trained and stored on its own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from symbreak.experiments.map.axes import Axis
from symbreak.experiments.map.settings import MapSettings
from symbreak.network.training import check_count

# Operations of one chunk, a few seconds of one core: little is lost with it, and writing it costs little beside.
CHUNK_WORK = 2**33
# What a unit's activation costs on one example, in multiplications of a weight: as the engine counts.
UNIT_WORK = 20
# Fewer would leave cores without work, and the time left untold.
LEAST_CHUNKS = 64
# A store of more files is slow to list and to read.
MOST_CHUNKS = 2**14
# Numbers that the parameters of one chunk may fill: with gradients and means, 2 GiB.
CHUNK_NUMBERS = 2**26
# Axes along which the architecture changes: a tile is one step wide along them.
ARCHITECTURE = ("depth", "width")


@dataclass(frozen=True)
class Chunk:
    """Rows [top, bottom) and columns [left, right) of a map."""

    index: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def networks(self) -> int:
        """How many networks it holds."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Grid:
    """Tiles of `tile` = (rows, columns) over a map of `shape` = (rows, columns), row after row."""

    shape: tuple[int, int]
    tile: tuple[int, int]

    @property
    def across(self) -> int:
        """Tiles in one row of tiles."""
        return -(-self.shape[1] // self.tile[1])

    @property
    def count(self) -> int:
        """Tiles in all."""
        return -(-self.shape[0] // self.tile[0]) * self.across

    def chunk(self, index: int) -> Chunk:
        """Return tile `index`; those at the last row and column may be smaller."""
        row, column = divmod(index, self.across)
        top, left = row * self.tile[0], column * self.tile[1]
        bottom, right = min(top + self.tile[0], self.shape[0]), min(left + self.tile[1], self.shape[1])
        return Chunk(index, top, bottom, left, right)

    def scattered(self) -> Iterator[int]:
        """Yield all tiles in an order in which any first part is spread over the whole map.

        Networks of one region may cost ten times those of another, where they diverge at once: so the time left that
        is told from the first part is true of the rest. Steps of a golden part of the circle spread best.

        >>> sorted(Grid((4, 4), (1, 1)).scattered()) == list(range(16))
        True
        """
        step = max(1, round(self.count * (math.sqrt(5) - 1) / 2))
        while math.gcd(step, self.count) > 1:
            step += 1
        return (i * step % self.count for i in range(self.count))


def grid(settings: MapSettings, examples: int, ends: tuple[int, int], networks: int | None = None) -> Grid:
    """Cut a map into chunks.

    Args:
        settings: of the map.
        examples: of one update.
        ends: (n_x, n_y), the sizes of the input and the output.
        networks: the most in one chunk; about as many as keep a core busy for some seconds if None.
    """
    shape = len(settings.ys), len(settings.xs)
    if networks is None:
        numbers, work = _largest(settings, ends)
        least, most = (-(-shape[0] * shape[1] // chunks) for chunks in (MOST_CHUNKS, LEAST_CHUNKS))
        networks = min(CHUNK_WORK // (work * examples * settings.iterations), CHUNK_NUMBERS // numbers, most)
        networks = max(1, networks, least)
    check_count("the networks of a chunk", networks, least=1)
    return Grid(shape, _tile(networks, (_side(settings.y, shape[0]), _side(settings.x, shape[1]))))


def _side(axis: Axis, count: int) -> int:
    return 1 if axis.quantity in ARCHITECTURE else count


def _tile(networks: int, most: tuple[int, int]) -> tuple[int, int]:
    """Return the sides of a tile, near a square: networks of one column or row share what they are made of."""
    rows = min(most[0], math.isqrt(networks))
    columns = min(most[1], networks // rows)
    return min(most[0], networks // columns), columns


def _largest(settings: MapSettings, ends: tuple[int, int]) -> tuple[int, int]:
    """Return parameters and operations of one example's update for the largest network of the map."""
    layers = settings.cell(settings.x.high, settings.y.high).layers
    sizes = (ends[0], *layers, ends[1])
    weights = sum(n_out * (n_in + 1) for n_in, n_out in itertools.pairwise(sizes))
    return weights, 3 * weights + UNIT_WORK * sum(sizes[1:])
