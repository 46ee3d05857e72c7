"""The wire: values arrive as they were sent, and no bytes at all do more than give a value or a refusal."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from symbreak.grade.sandbox import wire
from symbreak.grade.subject import Foreign

ROOM = 1 << 20


def through(value, room=ROOM):
    frame = wire.pack({}, {"value": value}, room=room)
    header, arrays = wire.lengths(frame[: wire.HEAD.size], room=room)
    middle = wire.HEAD.size + header
    assert len(frame) == middle + arrays
    return wire.unpack(frame[wire.HEAD.size : middle], frame[middle:])[1]["value"]


def same(a, b) -> bool:
    """Whether two values are the same: types, shapes and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return a.hex() == b.hex()
    return a == b


SENT = [
    None, True, False, 0, -1, 2**52, 2**53, -(2**200), 0.0, -0.0, 0.1, math.inf, -math.inf, math.nan, 1e-320, 1 - 2j,
    "", "text", "\ud800 ☃ \0", (), [], {}, (1, [2, (3.0,)]), {"W1": np.ones((2, 3)), 1: None, (1, 2): "t", None: 0},
    np.float32(0.1), np.int64(-3), np.bool_(True), np.complex64(1j),
    *(np.arange(6).reshape(2, 3).astype(dtype) for dtype in wire.DTYPES.values()),
    np.zeros((0, 5)), np.array(3.5), np.zeros((3, 0, 2), np.float32),
    np.array([0x7FF8DEAD00000001], np.uint64).view("f8"),
]  # fmt: skip


@pytest.mark.parametrize("value", SENT, ids=repr)
def test_values_arrive_as_they_were_sent(value):
    assert same(through(value), value)


def test_the_comparison_rejects_what_differs():
    pairs = [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        ([1], (1,)),
        (np.float32(1), np.float64(1)),
        (np.ones(1), np.ones((1, 1))),
    ]
    assert not any(same(a, b) for a, b in pairs)


class Subclass(np.ndarray):
    def tobytes(self, order="C"):
        return b""


def test_layout_and_byte_order_do_not_matter():
    array = np.arange(6.0).reshape(2, 3)
    for other in (np.asfortranarray(array), array.astype(">f8"), array[::-1][::-1], array.view(Subclass)):
        assert same(through(other), array)


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (np.array([None]), "ndarray of object"),
        (np.array(["a"]), "ndarray of str32"),
        (np.array([1], "M8[s]"), "ndarray of datetime64[s]"),
        (object(), "object"),
        (len, "builtin_function_or_method"),
        ({1, 2}, "set"),
        (Foreign("tensor"), "tensor"),
        (10**400, "int of many digits"),
    ],
)
def test_other_types_arrive_as_their_names(value, type_name):
    assert through(value) == Foreign(type_name)


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(ROOM // 8 + 1),
        [np.zeros(ROOM // 16 + 1)] * 2,
        np.broadcast_to(np.float64(0), (10**9, 10**9)),
        nested(wire.DEPTH + 2),
        ITSELF,
        [0] * (wire.NODES + 1),
        dict.fromkeys(range(wire.ENTRIES + 1)),
        "x" * (wire.HEADER_BYTES + 1),
    ],
    ids=["array", "arrays", "view", "depth", "itself", "nodes", "entries", "text"],
)
def test_what_is_too_large_is_refused(value):
    with pytest.raises(wire.TooLarge):
        wire.pack({}, {"value": value}, room=ROOM)


def test_the_largest_that_fits_arrives():
    assert same(through(np.zeros(ROOM // 8)), np.zeros(ROOM // 8))
    assert same(through(nested(wire.DEPTH)), nested(wire.DEPTH))


BAD_TREES = [
    [], ["?"], ["a"], ["a", "f8"], ["a", "O", [1]], ["a", "f8", [-1]], ["a", "f8", [1.0]], ["a", "f8", [True]],
    ["a", "f8", [2**70]], ["a", "f8", [0, 2**70]], ["a", "f8", [1] * 40], ["a", "f8", [3]], ["a", ["f8"], [1]],
    ["a", "f8", "1"], ["n", "V8", [1]], ["i", "zz"], ["i", 5], ["i", "1" * 2000], ["f", "x"], ["f", None],
    ["c", "0x1p0"],
    ["d", [[1]]], ["d", [[["l", []], 1]]], ["d", 3], ["d", [[1, 2]] * (wire.ENTRIES + 1)], ["l", 3], ["l", [[]]],
    ["l", [0] * (wire.NODES + 1)], ["x", 5], ["x"], {"a": 1}, 0.5, ["l", [1], 2], [["l"], []], ["l", [0.5]],
]  # fmt: skip


@pytest.mark.parametrize("tree", BAD_TREES, ids=lambda tree: json.dumps(tree)[:40])
def test_forged_trees_are_refused(tree):
    header = json.dumps({"fields": {}, "trees": {"value": tree}}).encode()
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"\0" * 8)


@pytest.mark.parametrize(
    "header",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"fields": {}}', b'{"fields": [], "trees": {}}',
        b'{"fields": {}, "trees": []}',
        b"\xff\xfe", b"[" * 500_000, b'{"fields": {"a": NaN}, "trees": {}}',
        b'{"fields": {"a": ' + b"9" * 9000 + b'}, "trees": {}}',
        b'{"fields": {}, "trees": {"a": Infinity}}',
    ],
    ids=lambda header: repr(header[:30]),
)  # fmt: skip
def test_forged_headers_are_refused(header):
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"")


def test_bytes_that_belong_to_nothing_are_refused():
    with pytest.raises(wire.WireError):
        wire.unpack(b'{"fields": {}, "trees": {"value": ["a", "f8", [1]]}}', b"\0" * 9)


@pytest.mark.parametrize("lengths", [(wire.HEADER_BYTES + 1, 0), (10, ROOM + 1), (10, 2**63)])
def test_lengths_are_refused_before_anything_is_read(lengths):
    with pytest.raises(wire.WireError):
        wire.lengths(wire.HEAD.pack(*lengths), room=ROOM)


def test_a_forged_bool_is_one():
    _, values = wire.unpack(b'{"fields": {}, "trees": {"value": ["a", "b1", [3]]}}', b"\0\1\7")
    assert values["value"].tobytes() == b"\0\1\1"


def test_keys_that_collide_cost_little():
    pairs = [[["i", hex((2**61 - 1) * i)], 0] for i in range(wire.ENTRIES)]
    header = json.dumps({"fields": {}, "trees": {"value": ["d", pairs]}}).encode()
    begun = time.monotonic()
    wire.unpack(header, b"")
    assert time.monotonic() - begun < 10


def test_no_bytes_do_more_than_give_a_value_or_a_refusal():
    rng = np.random.default_rng(0)
    frame = wire.pack({"nonce": "a"}, {"value": {"W1": np.ones((2, 2)), "b": [1, 2.5, ("x", None)]}}, room=ROOM)
    header = wire.lengths(frame[: wire.HEAD.size], room=ROOM)[0]
    outcomes = {"value": 0, "refusal": 0}
    for _ in range(5000):
        forged = bytearray(frame[wire.HEAD.size :])
        for _ in range(rng.integers(1, 4)):
            forged[rng.integers(len(forged))] = rng.integers(256)
        try:
            wire.unpack(bytes(forged[:header]), bytes(forged[header:]))
            outcomes["value"] += 1
        except wire.WireError:
            outcomes["refusal"] += 1
    assert min(outcomes.values()) > 100
