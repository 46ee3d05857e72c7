"""Malformed and hostile messages: each is refused in a sentence, none disturbs this session or another."""

from __future__ import annotations

import asyncio
import json
import logging
import random

import pytest

from symbreak.errors import InvalidInput
from symbreak.lab import protocol, reading
from symbreak.lab.protocol import WISHES

NORMAL, MANY = 10_000, 100_000
# Values at the edges of what anyone thought of.
ODD = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**400, 1e308, -1e308, 5e-324, 0.5, "", "W1", "b1",
    "W6", "W01", "max", "own", "planar", "zeros", "he", "normal(1e999)", "normal(nan)", "normal(-1)", "normal(" * 20,
    "constant(1e308)", "\x00", "\ud800", "<img src=x onerror=alert(1)>", "../../etc/passwd", "__class__", "a" * 200,
    "𝕎1", [], {}, [[]], [None], ["W1", 0, 0], ["W1", -1, 0], ["W1", 0.5, 0], ["b1", 0, 0], ["W1", 0], [[0, 1], [0, 1]],
    [[1e999, 0]], {"v": 1}, {"v": 2}, {"v": True}, {"networks": []}, {"networks": [{}] * 5}, {"layers": [0]},
    {"layers": [65]}, {"layers": [True]}, {"rate": 0}, {"rate": -1}, {"rate": 1e-320}, {"t": -1}, {"speed": 0},
    {"networks": [{"edits": [[1, "W1", 0, 0, 1], [0, "W1", 0, 0, 1]]}]}, {"networks": [{"at": ["W9", 0, 0]}]},
    {"networks": [{"init": "orthogonal"}]}, {"networks": [{"init": "identity"}]}, {"networks": [{"init": "sparse(1)"}]},
    {"networks": [{"init": "constant(1e200)"}], "layers": [1]}, {"data": "own"}, {"data": "/etc/passwd"}, {"x": 1},
    {"schema": "symbreak/lab/1", "state": {"layers": [2]}}, {"schema": "symbreak/lab/1", "data": {}},
]  # fmt: skip
SMALL = {"layers": [2], "networks": [{"init": "zeros"}, {"init": "he", "dropout": 0.5}]}
RAW = [
    "", " ", "null", "[]", "{", "}", '"', "NaN", "Infinity", '{"do": NaN}', '{"do": 1e999}', "[" * 100_000,
    '{"a":' * 50_000, "1" * 10_000, '{"do": "pause", "do": "play"}', "\ufeff{}", "\x00", '{"do": "\\ud800"}',
    '{"do": "set", "state": {"seed": ' + "9" * 5000 + "}}", '{"do": "set", "state": ' + "[" * 500 + "]" * 500 + "}",
    '{"do":"seek","t":-0.0}', '{"do": "csv", "text": "a,b\\n1,2"}', '{"do": "csv", "text": ""}',
    '{"do": "csv", "text": "a,b\\n\\"1,2", "target": "b"}', '{"do": "csv", "text": "\\ud800", "target": "b"}',
    '{"do": "csv", "text": "a,b\\n1,x\\n2,y\\n3,x", "target": "<script>"}',
]  # fmt: skip


FIT = {
    "at": ["W1", 0, 1], "value": 0.5, "network": 1, "layer": 1, "on": True, "t": 20, "n": 1, "speed": 500, "frame": 1,
    "x": "scale", "y": "learning-rate", "X": [[0, 1, 2], [1, 0, 2]], "Y": [0, 1, 1], "state": SMALL, "target": "b",
    "text": "a,b\n1,x\n2,y\n3,x", "run": {"schema": "symbreak/lab/1", "state": SMALL},
}  # fmt: skip


def message(chance: random.Random) -> str:
    """Return one message: a valid one with something wrong, or no message at all."""
    if chance.random() < 0.1:
        return chance.choice(RAW)
    do = chance.choice(list(WISHES))
    fields = {name: FIT[name] for name in WISHES[do] if chance.random() < 0.95}
    for name in fields:
        if chance.random() < 0.4:
            fields[name] = chance.choice(ODD)
    if "state" in fields and chance.random() < 0.5:
        fields["state"] = chance.choice(ODD)
    elif "state" in fields and chance.random() < 0.3:
        fields["state"] = {
            **SMALL,
            chance.choice(["rate", "seed", "t", "networks", "loss", "data"]): chance.choice(ODD),
        }
    if chance.random() < 0.05:
        fields[chance.choice(["x", "__proto__", "do"])] = chance.choice(ODD)
    text = json.dumps({"do": do, **fields})
    if chance.random() < 0.1:
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(['"', "\\", "\x00", "9", "{", ""]) + text[place + 1 :]
    return text


def storm(with_page, count: int, seed: int, caplog) -> tuple[list[str], dict, dict]:
    """Send so many messages to one page; return what failed, and the last state of it and of another page."""
    chance = random.Random(seed)

    async def story(page):
        other = type(page)()
        await other.say("set", state=SMALL)
        for sent in range(count):
            await page.session.receive(message(chance))
            if sent % 500 == 0:
                # What a page would be told is of no use here, and there is much of it.
                del page.told[:]
                await other.say("step", n=1)
                await asyncio.sleep(0)
        await page.say("set", state=SMALL)
        state = await page.until(lambda m: m["is"] == "state" and m["state"] == {"v": 1, **SMALL})
        frame = await other.at(-(-count // 500))
        await other.leave()
        return state, frame

    with caplog.at_level(logging.ERROR):
        state, frame = with_page(story)
    return [record.getMessage() for record in caplog.records], state, frame


def test_a_storm_of_messages(with_page, caplog):
    failures, state, frame = storm(with_page, NORMAL, 0, caplog)
    assert failures == []
    assert state["sizes"] == [2, 2, 1]
    assert frame["networks"][0]["effective"] == [1]


@pytest.mark.slow
def test_a_long_storm(with_page, caplog):
    assert storm(with_page, MANY, 1, caplog)[0] == []


def outcome(text: str) -> str:
    """Return what is told of a message: nothing, or a refusal that can be sent."""
    try:
        protocol.read(text)
    except InvalidInput as error:
        return protocol.written(protocol.error(error))
    return ""


def test_every_message_is_read_or_refused():
    chance = random.Random(2)
    told = [outcome(message(chance)) for _ in range(5000)]
    assert max(map(len, told)) < 2000
    assert min(told.count(""), 5000 - told.count("")) > 200


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (reading, "whole", lambda value, *_: value),
        (reading, "real", lambda value, *_: value),
        (reading, "mapping", lambda value, *_: value),
        (protocol, "RecursionError", KeyError),
    ],
)
def test_a_reader_that_lets_things_through_is_noticed(module, name, broken, monkeypatch, with_page, caplog):
    monkeypatch.setattr(module, name, broken, raising=False)
    try:
        failures, *_ = storm(with_page, 3000, 0, caplog)
    except (Exception, RecursionError):
        return
    assert failures
