"""Fill one huge tensor in slices, by several processes and by one: the digests must be equal.

    python benchmarks/billion.py [--size 1000000000] [--processes 4]

Each process draws its own quarter in pieces and keeps none of them; the digest of the whole is the digest of the
quarters' digests.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import sys
import time
from itertools import pairwise

from symbreak.random import normal

PIECE = 2**24


def digest(task: tuple[int, int, int]) -> bytes:
    """Digest of the elements start, ..., stop - 1 of a tensor."""
    size, start, stop = task
    found = hashlib.blake2b()
    for begin in range(start, stop, PIECE):
        index = range(begin, min(stop, begin + PIECE))
        found.update(normal(size, seed=0, name="billion", index=index, threads=1).tobytes())
    return found.digest()


def by_processes(size: int, processes: int) -> list[bytes]:
    edges = [size * i // processes for i in range(processes + 1)]
    tasks = [(size, *edge) for edge in pairwise(edges)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(digest, tasks[::-1], chunksize=1)[::-1]


def by_one(size: int, parts: int) -> list[bytes]:
    """The same quarters, cut from pieces of the whole whose edges are elsewhere."""
    edges = [size * (i + 1) // parts for i in range(parts)]
    quarters = [hashlib.blake2b() for _ in edges]
    for begin in range(0, size, PIECE + 12345):
        values = normal(size, seed=0, name="billion", index=range(begin, min(size, begin + PIECE + 12345)))
        for number, edge in enumerate(edges):
            low = 0 if number == 0 else edges[number - 1]
            quarters[number].update(values[max(0, low - begin) : max(0, edge - begin)].tobytes())
    return [quarter.digest() for quarter in quarters]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=10**9)
    parser.add_argument("--processes", type=int, default=4)
    options = parser.parse_args()
    start = time.perf_counter()
    sharded = by_processes(options.size, options.processes)
    middle = time.perf_counter()
    whole = by_one(options.size, options.processes)
    end = time.perf_counter()
    print(f"{options.size} elements: {options.processes} processes {middle - start:.1f} s, one {end - middle:.1f} s")
    print(hashlib.blake2b(b"".join(sharded), digest_size=16).hexdigest())
    print(hashlib.blake2b(b"".join(whole), digest_size=16).hexdigest())
    print("equal" if sharded == whole else "DIFFERENT")
    return 0 if sharded == whole else 1


if __name__ == "__main__":
    sys.exit(main())
