"""Write docs/randomness-vectors.json: known values of every part of the specification, for implementations in other
languages.

python tools/make_randomness_vectors.py
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import ml_dtypes
import numpy as np

from symbreak.random import (
    ALGORITHM_VERSION,
    bits,
    element,
    keys,
    normal,
    orthogonal,
    philox,
    truncated_normal,
    uniform,
)

TARGET = Path(__file__).parent.parent / "docs" / "randomness-vectors.json"

KEYS = [
    (0, ""),
    (7, ""),
    ("7", ""),
    (-1, "layer1.weight"),
    (127, "a"),
    (128, "a"),
    (-128, "a"),
    (2**64, "b"),
    ("Ωμέγα", "\ud800"),
]
WHOLE = (2**20, 2**20)
INDICES = [*range(8), 2**32 - 1, 2**32, 2**34 - 1, 2**34, 2**34 + 1, 2**40 - 1]
INTERVALS = [
    (-2.0, 2.0),
    (0.0, math.inf),
    (-math.inf, 1.0),
    (-8.0, 8.0),
    (5.0, 6.0),
    (-6.0, -5.0),
    (40.0, math.inf),
    (0.5, 0.501),
    (0.0, 1e-12),
]
PHILOX = [
    ((0, 0, 0, 0), (0, 0)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)),
]


def float_bits(values) -> list[str]:
    return [f"{word:08x}" for word in np.asarray(values, np.float32).view(np.uint32).reshape(-1)]


def philox_case(counter, key) -> dict:
    words = philox.philox(tuple(np.array([word], np.uint64) for word in counter), key)[0]
    return {
        "counter": [f"{c:08x}" for c in counter],
        "key": [f"{k:08x}" for k in key],
        "words": [f"{w:08x}" for w in words],
    }


def element_case(seed, name) -> dict:
    at = {"seed": seed, "name": name, "index": np.array(INDICES)}
    return {
        "seed": str(seed),
        "seed_type": type(seed).__name__,
        "name_utf8": name.encode("utf-8", "surrogatepass").hex(),
        "key": [f"{word:08x}" for word in keys.key_of(seed, name)],
        "index": INDICES,
        "words": [f"{word:08x}" for word in bits(WHOLE, **at)],
        "normal": float_bits(normal(WHOLE, **at)),
        "normal_mean_0.5_scale_0.02": float_bits(normal(WHOLE, mean=0.5, scale=0.02, **at)),
        "normal_bfloat16": [f"{w:04x}" for w in normal(WHOLE, dtype=ml_dtypes.bfloat16, **at).view(np.uint16)],
        "uniform": float_bits(uniform(WHOLE, **at)),
        "uniform_-0.1_0.3": float_bits(uniform(WHOLE, low=-0.1, high=0.3, **at)),
    }


def truncated_case(low, high) -> dict:
    at = {"seed": 7, "name": "truncated", "low": low, "high": high, "index": np.array(INDICES)}
    return {
        "low": str(low),
        "high": str(high),
        "values": float_bits(truncated_normal(WHOLE, **at)),
        "values_corrected_scale_0.02": float_bits(truncated_normal(WHOLE, scale=0.02, correct_variance=True, **at)),
    }


def extreme_case() -> dict:
    """Elements of seed 0 whose first word lies in the tail, so that the second one counts."""
    values = normal(2**22, seed=0)
    found = [int(i) for i in np.flatnonzero(np.abs(values) > 3.3)[:16]] + [int(np.abs(values).argmax())]
    return {"seed": 0, "name": "", "index": found, "normal": float_bits([element(0, "", i) for i in found])}


def orthogonal_case() -> dict:
    doubles = [struct.pack(">d", value).hex() for value in orthogonal(4, 3, seed=7, name="q").reshape(-1)]
    return {"rows": 4, "columns": 3, "seed": 7, "name": "q", "values_float64": doubles}


def vectors() -> dict:
    return {
        "schema": "symbreak/randomness/1",
        "algorithm_version": ALGORITHM_VERSION,
        "philox": [philox_case(*case) for case in PHILOX],
        "elements": [element_case(*case) for case in KEYS],
        "truncated": {
            "seed": 7,
            "name": "truncated",
            "index": INDICES,
            "intervals": [truncated_case(*i) for i in INTERVALS],
        },
        "extreme": extreme_case(),
        "orthogonal": orthogonal_case(),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="ascii")
    print(f"wrote {TARGET.name}")
