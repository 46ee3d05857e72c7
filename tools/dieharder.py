"""Feed our words to dieharder and count its verdicts: a nightly job, not a part of the tests.

    apt-get install dieharder
    python tools/dieharder.py words            the words of one tensor, in order
    python tools/dieharder.py names            words of 128 neighbouring names, one from each in turn
    python tools/dieharder.py seeds            the same with 128 neighbouring seeds
    python tools/dieharder.py normals          standard normal values, taken back through the distribution function
    ... --tests 0,1,2,100      only these of dieharder's tests (default: all)

A few WEAK among a hundred p-values are what chance gives; FAILED (p < 1e-6) is a finding: exit code 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from threading import Thread

import numpy as np
from scipy.special import ndtr

from symbreak.random import bits, normal

PIECE = 2**20
STREAMS = 128
GENERATOR_STDIN = "200"


def words() -> Iterator[np.ndarray]:
    for piece in count():
        yield bits(2**60, seed=0, name="dieharder", index=range(piece * PIECE, (piece + 1) * PIECE), threads=1)


def interleaved(address) -> Iterator[np.ndarray]:
    for piece in count():
        index = range(piece * 2**13, (piece + 1) * 2**13)
        yield np.stack([bits(2**60, index=index, threads=1, **address(i)) for i in range(STREAMS)], axis=1)


def normals() -> Iterator[np.ndarray]:
    """A float32 normal value has 24 bits at best: two of them make a word, 16 bits each."""
    for piece in count():
        values = normal(2**60, seed=0, name="dieharder", index=range(piece * PIECE, (piece + 1) * PIECE), threads=1)
        halves = (ndtr(values.astype(np.float64)) * 2**16).astype(np.uint32).reshape(-1, 2)
        yield (halves[:, 0] << 16 | halves[:, 1]).astype(np.uint32)


KINDS = {
    "words": words,
    "names": lambda: interleaved(lambda i: {"seed": 0, "name": f"layer{i}.weight"}),
    "seeds": lambda: interleaved(lambda i: {"seed": i, "name": "weight"}),
    "normals": normals,
}


def run(kind: str, tests: list[str]) -> Counter:
    """Run dieharder on one endless stream; print its lines, count its verdicts."""
    command = ["dieharder", "-g", GENERATOR_STDIN, *tests]
    verdicts: Counter = Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        Thread(target=feed, args=(process.stdin, KINDS[kind]()), daemon=True).start()
        for line in process.stdout:
            text = line.decode().rstrip()
            verdict = text.split("|")[-1].strip()
            if verdict in ("PASSED", "WEAK", "FAILED"):
                print(f"{kind:<8}{text}", flush=True)
                verdicts[verdict] += 1
    return verdicts


def feed(pipe, pieces: Iterator[np.ndarray]) -> None:
    try:
        for piece in pieces:
            pipe.write(piece.tobytes())
    except BrokenPipeError:
        pass  # dieharder has seen enough


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--tests", help="numbers of dieharder's tests, separated by commas")
    options = parser.parse_args()
    chosen = [["-d", number] for number in options.tests.split(",")] if options.tests else [["-a"]]
    verdicts = sum((run(options.kind, tests) for tests in chosen), Counter())
    print(", ".join(f"{verdict} {number}" for verdict, number in sorted(verdicts.items())))
    return 1 if verdicts["FAILED"] or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
