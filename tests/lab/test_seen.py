"""What the page is told: lemmas and what broke them, the X-ray, the dial, merging, the map, runs, commands, tables."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import shlex

import numpy as np
import pytest

from symbreak import experiments, steps_to_separate
from symbreak.cli import run as command_line
from symbreak.experiments import Settings, measures
from symbreak.lab import data, dial, frames, lemmas, mapping, player, presets, proofs, runs, xray
from symbreak.lab.race import Race, start
from symbreak.lab.state import Entrant, State
from symbreak.lesson.catalogue import CLAIMS
from symbreak.network import Network, backward, forward

TIED = "constant(0.5)"
ULP = 2.0**-53
PROBLEM = experiments.prepare(Settings(inits=("zeros",)))[0]


def made(*entrants: Entrant, **how) -> Race:
    return Race(State(**{"layers": (3,), "networks": entrants, **how}), PROBLEM)


def proof(race: Race, index: int = 0) -> list[tuple[bool, int | None, str]]:
    drawn = frames.drawn(race)[index]
    return [(lemma["holds"], lemma["broken_at"], lemma["names"]) for lemma in drawn["lemmas"]]


def test_lemmas_hold_while_nothing_breaks_them():
    race = made(Entrant("zeros"), Entrant(TIED), Entrant("he"))
    race.advance(50)
    assert proof(race, 0) == proof(race, 1) == [(True, None, "")] * 4
    assert proof(race, 2) == []


def test_an_edit_is_named_from_its_step_on():
    race = made(Entrant(TIED))
    race.advance(30)
    race.edit(0, ("W2", 0, 1), 0.25)
    name = "W2[0, 1] was set to 0.25 at step 30"
    assert proof(race) == [(True, None, ""), (True, None, ""), (False, 30, name), (False, 30, name)]
    race.advance(5)
    assert proof(race) == [(False, 31, name), (False, 31, name), (False, 30, name), (False, 30, name)]
    race.seek(0)
    race.advance(29)
    assert proof(race) == [(True, None, "")] * 4


@pytest.mark.parametrize(
    ("entrant", "name"),
    [
        (Entrant(TIED, dropout=0.5), "dropout"),
        (Entrant(TIED, arithmetic="blas"), "BLAS arithmetic"),
        (Entrant(TIED, epsilon=ULP, at=("W1", 1, 0)), "W1[1, 0] was changed by 1.11e-16 at the start"),
        (Entrant(TIED, edits=((0, "b1", 2, 0, 1.0),)), "b1[2, 0] was set to 1 at step 0"),
    ],
)
def test_what_breaks_a_lemma_is_named(entrant, name):
    race = made(entrant)
    race.advance(40)
    assert all(names == name and broken is not None for _, broken, names in proof(race))


def test_an_edit_that_concerns_no_tie_breaks_nothing():
    race = made(Entrant(TIED, edits=((3, "b2", 0, 0, 1.0),)))
    race.advance(40)
    assert proof(race) == [(True, None, "")] * 4


def test_a_break_that_no_frame_was_drawn_of_is_dated():
    race = made(Entrant(TIED, edits=((7, "b1", 0, 0, 1.0),)))
    race.advance(20)
    assert [broken for _, broken, _ in proof(race)] == [7] * 4


def test_units_are_those_that_measures_count():
    race = made(Entrant("zeros"), Entrant(TIED), Entrant("he"), Entrant("normal(100)"))
    race.advance(25)
    for lane, drawn in zip(race.moment.lanes, frames.drawn(race), strict=True):
        passed = forward(lane.network, PROBLEM.train.X, arithmetic="unitwise")
        gradient = backward(lane.network, passed, PROBLEM.train.Y, arithmetic="unitwise")
        counted = measures.effective_units(lane.network, passed, gradient)[0].tolist()
        assert [len(set(classes)) for classes in drawn["units"]] == drawn["effective"] == counted


def test_the_merged_network_is_drawn_beside_and_its_parting_named():
    race = made(Entrant("zeros"), Entrant(TIED, merged=0))
    race.advance(30)
    assert frames.drawn(race)[0]["merged"] is None
    large = frames.drawn(race)[1]
    small = large["merged"]
    assert (small["sizes"], small["groups"], small["apart_at"]) == ([2, 1, 1], [[[0, 1, 2]]], None)
    assert small["boundary"]["shades"] == large["boundary"]["shades"]
    assert small["weights"][0] == [pytest.approx(large["weights"][0][0], rel=1e-12)]
    assert small["cost"] == pytest.approx(large["cost"], rel=1e-12)
    race.edit(1, ("W1", 0, 0), 3.0)
    small = frames.drawn(race)[1]["merged"]
    assert (small["apart_at"], small["names"]) == (30, "W1[0, 0] was set to 3 at step 30")
    race.advance(10)
    large = frames.drawn(race)[1]
    assert large["merged"]["apart_at"] == 30
    assert large["merged"]["boundary"]["shades"] != large["boundary"]["shades"]
    race.seek(0)
    race.advance(29)
    assert frames.drawn(race)[1]["merged"]["apart_at"] is None


def test_all_zero_units_are_one_ring():
    (told,) = frames.drawn(made(Entrant("zeros", merged=0), layers=(3, 2)))
    assert told["merged"]["groups"] == [[[0, 1, 2]], [[0, 1]]]
    (told,) = frames.drawn(made(Entrant("he", merged=0), layers=(3, 2)))
    assert told["merged"]["groups"] == [[[0], [1], [2]], [[0], [1]]]


def test_the_curves_of_merged_networks_are_told(with_page):
    async def story(page):
        tied = [{"init": "zeros"}, {"init": TIED}]
        await page.answer("set", "state", state={"layers": [2], "networks": tied})
        await page.say("step", n=5)
        await page.at(5)
        told = await page.answer("merge", "state", network=1, on=True)
        place = len(page.told)
        await page.say("step", n=4)
        await page.at(9, place)
        return told["curves"], [m["curves"] for m in page.told[place:] if m["is"] == "frame"]

    known, after = with_page(story)
    assert known["merged"][0] is None
    assert known["merged"][1][:5] == [None] * 5
    assert known["merged"][1][5] == pytest.approx(known["cost"][1][5], rel=1e-12)
    later = [cost for curves in after for cost in curves["merged"][1]]
    assert later == pytest.approx([cost for curves in after for cost in curves["cost"][1]], rel=1e-12)
    assert len(later) == 4


def test_dead_centre_and_dead_edges_are_told_apart():
    race = made(Entrant("zeros"), Entrant("normal(1000)"), Entrant("he"))
    kinds = [xray.xray(race, index, 1)["kind"] for index in range(3)]
    assert kinds == ["dead centre", "dead edges", "alive"]
    found = xray.xray(race, 0, 1)
    assert [factor["name"] for factor in found["factors"]] == ["W2^T", "dZ2", "g'(Z1)", "X"]
    assert [factor["zero_share"] for factor in found["factors"]] == [1, 0, 0, 0]
    assert found["product"]["zero_share"] == 1
    assert [factor["name"] for factor in xray.xray(race, 0, 2)["factors"]] == ["dZ2", "A1"]
    assert xray.xray(race, 0, 2)["kind"] == "no input"


def test_the_factors_make_the_product():
    race = made(Entrant("he"), layers=(3, 2))
    found = xray.xray(race, 0, 1)
    above, delta, slope, below = (np.array(factor["values"]) for factor in found["factors"])
    network = race.moment.lanes[0].network
    passed, gradient = frames.whole_passes(race.track, 0, network)
    kept = np.unique(np.linspace(0, 399, 32).astype(int))
    assert (below == passed.activations[0][:, kept]).all()
    assert np.allclose((above @ delta) * slope, gradient.deltas[0][:, kept], rtol=1e-13)


def test_slopes_that_are_missing_too_are_not_called_innocent():
    words = {name: xray.xray(made(Entrant("zeros"), activation=name), 0, 1)["words"] for name in ("tanh", "relu")}
    assert words["tanh"].endswith("The slopes are not the cause: g'(Z1) is 1 at its largest.")
    assert words["relu"].endswith("And g'(Z1) is 0 for every unit and example, too.")


def test_an_error_that_a_saturated_output_hides_is_told():
    state = State(
        loss="squared-error(sigmoid)", networks=tuple(map(Entrant, ("normal(100)", "normal(1e6)", "normal(1)")))
    )
    race = Race(state, data.problem(state, None))
    nearly, wholly, plain = (xray.xray(race, index, 2)["words"] for index in range(3))
    assert nearly == f"dZ2 is nearly 0 on 100% of examples: {xray.SILENT}."
    assert wholly == f"dZ2 is zero: {xray.SILENT}."
    assert plain == "dZ2 and A1 are not zero."


def test_dead_relu_units_are_told():
    race = made(Entrant("zeros", edits=((0, "W2", 0, 0, 1.0),)), activation="relu")
    assert xray.xray(race, 0, 1)["kind"] == "dead units"


@pytest.mark.parametrize("epsilon", [ULP, 1e-9, 1e-3, 1.0])
def test_the_dial_is_steps_to_separate(epsilon):
    network = Network.initialize((2, 2, 1), TIED, seed=0)
    X, Y = PROBLEM.train.X[:, ::25], PROBLEM.train.Y[:, ::25]
    where = dial.default_place(network, "gd")
    found = dial.dial(network, X, Y, where, epsilon, rate=3.0, optimizer="gd", steps=150)
    told = steps_to_separate(network, X, Y, epsilon, learning_rate=3.0, steps=150)
    assert told.weight == "{}[{}, {}]".format(*where)
    assert (found["measured"], found["predicted"]) == (told.measured, told.predicted)
    assert found["threshold"] == told.tolerance


def test_an_epsilon_that_changes_nothing_parts_nothing():
    network = Network.initialize((2, 2, 1), TIED, seed=0)
    found = dial.dial(network, PROBLEM.train.X, PROBLEM.train.Y, ("W1", 1, 0), 1e-18, rate=3.0, optimizer="gd", steps=5)
    assert found["predicted"] is found["measured"] is None
    assert found["note"] == "W1[1, 0] stays as it is: 1e-18 is less than half of its last bit"


def test_the_tour_parts_units_within_the_dials_reach():
    (stop,) = (stop for stop in presets.TOUR if any(message["do"] == "epsilon" for message in stop.do))
    (moved,) = (message for message in stop.do if message["do"] == "epsilon")
    race = Race(stop.state, data.problem(stop.state, None))
    entrant, train = stop.state.networks[moved["network"]], race.track.problem.train
    assert (list(entrant.at), entrant.epsilon) == (moved["at"], moved["value"])
    fresh = start(stop.state, race.track.problem, moved["network"])
    asked = {"rate": stop.state.rate, "optimizer": stop.state.optimizer}
    found = dial.dial(fresh, train.X, train.Y, entrant.at, entrant.epsilon, **asked)
    assert found["predicted"] == pytest.approx(found["measured"], rel=0.1)
    race.advance(2 * found["measured"])
    tied, parted = frames.drawn(race)
    assert (tied["effective"], parted["effective"]) == ([1], [2])
    assert parted["cost"] < 0.9 * tied["cost"]


def said(*entrants: Entrant, **how) -> list[str]:
    return [told["says"] for told in proofs.proofs(made(*entrants, **how))]


def test_for_ever_is_said_of_what_the_theorem_is_about():
    for_ever = "3 units are one, for ever (proved)."
    assert said(Entrant("zeros"), Entrant(TIED), Entrant("he")) == [f"{for_ever} Only b2 moves.", for_ever, ""]
    assert said(
        Entrant(TIED, epsilon=ULP, at=("W1", 1, 0)),
        Entrant(TIED, dropout=0.5),
        Entrant(TIED, arithmetic="blas"),
        Entrant(TIED, edits=((9, "W1", 1, 0, 1.0),)),
    ) == ["", "", "", ""]
    assert said(Entrant(TIED), layers=(3, 1)) == ["3 units of layer 1 are one, for ever (proved)."]
    assert said(Entrant(TIED), layers=(64, 64)) == [""]


def test_an_edit_takes_for_ever_back(with_page):
    async def story(page):
        state = await page.answer("set", "state", state={"networks": [{"init": TIED}]})
        return state, await page.answer("edit", "state", network=0, at=["W1", 0, 0], value=1.0)

    before, after = with_page(story)
    assert "for ever" in before["proofs"][0]["says"]
    assert after["proofs"][0]["says"] == ""


def shades(drawn) -> np.ndarray:
    return np.frombuffer(base64.b64decode(drawn["boundary"]["shades"]), np.uint8).reshape(frames.GRID, frames.GRID)


def test_a_border_is_sharp_however_near_to_one_half_all_answers_are():
    race = made(Entrant("zeros"), Entrant("normal(0.01)"), Entrant("he"))
    flat, faint, clear = frames.drawn(race)
    assert (flat["boundary"]["same"], flat["boundary"]["span"], set(shades(flat).ravel())) == (True, 0.0, {128})
    assert not faint["boundary"]["same"]
    assert faint["boundary"]["span"] < 1e-3 < clear["boundary"]["span"] <= 0.5
    network = race.moment.lanes[1].network
    low, high = frames.ranges(PROBLEM.train)
    axes = np.meshgrid(*(np.linspace(low[i], high[i], frames.GRID) for i in (0, 1)))
    answer = forward(network, np.stack([axis.ravel() for axis in axes]), arithmetic="blas").answer[0] - 0.5
    told = (shades(faint).ravel() - 128.0) / 127 * faint["boundary"]["span"]
    # A shade is rounded to a half of a step.
    assert np.abs(told - answer).max() <= 0.5001 / 127 * faint["boundary"]["span"]
    assert set(np.unique(shades(faint))) >= {1} or set(np.unique(shades(faint))) >= {255}


def compared(text: str) -> list[float | None]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert command_line([*shlex.split(text)[1:], "--json", "-"]) == 0
    return [run["final_cost"] for run in json.loads(printed.getvalue())["rows"][0]["runs"]]


@pytest.mark.parametrize(
    ("entrant", "how"),
    [
        (Entrant("normal(0.5)"), {"seed": 3, "layers": (3, 2), "optimizer": "adam", "rate": 0.05}),
        (Entrant("he", arithmetic="blas"), {"activation": "relu", "loss": "squared-error", "rate": 0.1}),
        (Entrant("xavier"), {"data": "iris", "rate": 0.3}),
    ],
)
def test_the_command_makes_the_network_again(entrant, how):
    state = State(networks=(entrant,), **how)
    race = Race(state, data.problem(state, None))
    race.advance(37)
    text, kind = runs.command(race, 0)
    assert kind == "shell"
    assert compared(text)[-1] == race.costs[0]


def test_the_program_makes_the_network_again():
    race = made(Entrant("he"), Entrant(TIED, dropout=0.2, edits=((4, "W1", 0, 0, 2.0),)))
    race.advance(12)
    text, kind = runs.command(race, 1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "command", "exec"), {})
    assert kind == "python"
    assert float(printed.getvalue()) == race.costs[1]


TABLE = "height,<b>species</b>\n" + "".join(
    f"{n % 7},{'<script>alert(1)</script>' if n % 2 else 'a&b'}\n" for n in range(40)
)


def test_a_dropped_table_is_text(with_page):
    async def story(page):
        return await page.answer("csv", "state", text=TABLE, target="<b>species</b>")

    told = with_page(story)
    assert told["data"]["labels"] == ["<script>alert(1)</script>", "a&b"]
    assert told["state"]["data"] == "own"


def test_a_loss_that_a_regression_asked_for_ends_with_it(with_page):
    numbers = "a,b,price\n" + "".join(f"{n % 7},{n % 5},{1.5 * n}\n" for n in range(40))

    async def story(page):
        await page.answer("set", "state", state={"loss": "squared-error(sigmoid)"})
        chosen = await page.answer("points", "state", X=[[0.0, 1.0], [1.0, 0.0]], Y=[0, 1])
        regression = await page.answer("csv", "state", text=numbers, target="price")
        classes = await page.answer("csv", "state", text=TABLE, target="<b>species</b>")
        return [told["state"].get("loss", "cross-entropy") for told in (chosen, regression, classes)]

    assert with_page(story) == ["squared-error(sigmoid)", "squared-error", "cross-entropy"]


WIDE = "\n".join(
    [",".join(f"x{i}" for i in range(200)), *(",".join(str(row + i) for i in range(200)) for row in range(9))]
)


@pytest.mark.parametrize(
    ("text", "target", "rule"),
    [
        ("", None, "empty"),
        ("a,b\n1,2", "c", "no such target"),
        ("a,b\n" + "1,2\n2,1\n" * 1001, "b", "at most 2000 samples"),
        (WIDE, "x1", "at most 128 features"),
        ("a,b\n1e300,1\n2,0", "b", "usual size"),
        ("a,b\n1,\x00", "b", "UTF-8"),
        (7, None, "a text"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text, target, rule, with_page):
    async def story(page):
        before = await page.answer("set", "state", state={"layers": [2]})
        told = await page.answer("csv", "state", text=text, target=target)
        after = await page.answer("save", "run")
        return before, told, after

    before, told, after = with_page(story)
    assert told["is"] == "error"
    assert rule in told["rule"]
    assert "symbreak-lab-" not in json.dumps(told)
    assert after["run"]["state"] == before["state"]


def test_a_saved_run_is_the_same_run(with_page):
    X = [[0.0, 1.0, 0.5, 0.1], [1.0, 0.25, 1 / 3, 0.7]]

    async def story(page):
        await page.answer("points", "state", X=X, Y=[0, 1, 1, 0])
        place = len(page.told)
        await page.say("step", n=70)
        frame = await page.at(70, place)
        run = (await page.answer("save", "run"))["run"]
        await page.answer("set", "state", state={"layers": [1]})
        place = len(page.told)
        loaded = await page.answer("load", "state", run=json.loads(json.dumps(run)))
        return frame, loaded, await page.at(70, place)

    frame, loaded, again = with_page(story)
    assert loaded["data"]["X"] == X
    assert frame["networks"] == again["networks"]


def test_frames_wait_for_the_page_and_steps_do_not(with_page):
    async def story(page):
        await page.answer("set", "state", state={"layers": [2]})
        await page.say("play", speed="max")
        await asyncio.sleep(0.5)
        await page.say("pause")
        await page.answer("save", "run")
        shown = [m for m in page.told if m["is"] == "frame"]
        await page.seen(shown[-1]["frame"])
        last = await page.until(lambda m: m["is"] == "frame" and m["frame"] == 2)
        return shown, last

    shown, last = with_page(story, slow=True)
    assert len(shown) == 1
    assert last["t"] > shown[0]["t"]
    assert not last["playing"]


def test_rewinding_gives_the_same_frame(with_page):
    async def story(page):
        await page.answer("set", "state", state={"networks": [{"init": "zeros"}, {"init": "he"}], "layers": [2]})
        first = await page.at(0)
        await page.say("play", speed="max")
        await page.until(lambda m: m["is"] == "frame" and m["t"] > 100)
        await page.say("pause")
        place = len(page.told)
        await page.say("seek", t=0)
        return first, await page.at(0, place)

    first, again = with_page(story)
    assert first["networks"] == again["networks"]


def test_the_asked_speed_is_kept(with_page):
    async def story(page):
        await page.answer("set", "state", state={"layers": [1], "networks": [{"init": "he"}]})
        await page.say("play", speed=50)
        start = asyncio.get_running_loop().time()
        frame = await page.until(lambda m: m["is"] == "frame" and m["t"] >= 40)
        return frame["t"] / (asyncio.get_running_loop().time() - start)

    # What a busy machine cannot keep it does not make up for.
    assert with_page(story) <= 55


def test_the_dial_begins_again_from_the_moved_start(with_page):
    async def story(page):
        await page.answer("set", "state", state={"layers": [2], "networks": [{"init": TIED}], "rate": 3.0})
        return await page.answer("epsilon", "state", network=0, value=0.125), await page.until(
            lambda m: m["is"] == "dial"
        )

    state, told = with_page(story)
    assert state["state"]["networks"] == [{"init": TIED, "epsilon": 0.125, "at": ["W1", 1, 0]}]
    assert told["predicted"] is not None
    assert told["measured"] is not None


def test_the_map_comes_coarse_first_and_stops_at_once(with_page, monkeypatch):
    monkeypatch.setattr(mapping, "LEVELS", (2, 3))
    monkeypatch.setattr(mapping, "ITERATIONS", 20)

    async def story(page):
        await page.answer("set", "state", state={"layers": [2]})
        await page.say("map", on=True)
        await page.until(lambda m: m["is"] == "map" and m["last"])
        rows = [m for m in page.told if m["is"] == "map"]
        monkeypatch.setattr(mapping, "LEVELS", (64,))
        await page.say("map", on=True)
        await page.until(lambda m: m["is"] == "map" and m["size"] == 64)
        await page.say("map", on=False)
        await page.answer("save", "run")
        place = len(page.told)
        await asyncio.sleep(0.5)
        return rows, page.told[place:]

    rows, after = with_page(story)
    assert [(m["size"], m["row"]) for m in rows] == [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    assert not [m for m in after if m["is"] == "map"]
    one = rows[2]["networks"][1]
    race = made(Entrant(one["init"]), layers=(2,), rate=one["rate"])
    race.advance(20)
    assert race.costs[0] == rows[2]["cost"][1]


def test_a_map_goes_on_while_its_networks_are_raced(with_page, monkeypatch):
    monkeypatch.setattr(mapping, "LEVELS", (24,))

    async def story(page):
        await page.answer("set", "state", state={"layers": [2]})
        await page.say("map", on=True)
        await page.until(lambda m: m["is"] == "map")
        raced = await page.answer("set", "state", state={"layers": [2], "rate": 0.5, "networks": [{"init": "he"}]})
        await page.until(lambda m: m["is"] == "map" and m["last"])
        await page.say("map", on=True)
        other = await page.answer("set", "state", state={"layers": [3]})
        place = len(page.told)
        await asyncio.sleep(0.5)
        return raced, other, page.told[place:]

    raced, other, after = with_page(story)
    assert (raced["mapped"], other["mapped"]) == (True, False)
    assert not [m for m in after if m["is"] == "map"]


def test_what_takes_long_is_told(with_page, monkeypatch):
    monkeypatch.setattr(player, "LONG", 0.0)

    async def story(page):
        await page.answer("set", "state", state={"layers": [2]})
        await page.say("step", n=500)
        await page.at(500)
        return [m["says"] for m in page.told if m["is"] == "busy"]

    told = with_page(story)
    assert told[:2] == [player.AT_WORK, ""]
    assert told[-1] == ""


def test_every_preset_and_every_stop_is_a_state():
    told = json.loads(json.dumps(presets.to_json()))
    assert len(told["tour"]) == 8
    for shown in told["presets"] + told["tour"]:
        state = State.from_json(shown["state"])
        race = Race(state, data.problem(state, None))
        race.advance(1)
        if shown["xray"]:
            xray.xray(race, shown["xray"]["network"], shown["xray"]["layer"])
    assert {claim for shown in told["presets"] for claim in shown["figure"]} <= set(CLAIMS)


def test_a_state_is_the_same_after_a_link():
    state = State(
        seed=2**63 - 1,
        layers=(64, 1),
        speed=None,
        networks=(Entrant("normal(0.1)", epsilon=5e-324, edits=((0, "W1", 0, 0, -0.1),), merged=3), Entrant()),
    )
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert State().to_json() == {"v": 1}


def test_lemmas_of_mirrored_units():
    network = Network.from_arrays([[[0.5, 1.0], [-0.5, -1.0]], [[0.25, -0.25]]], activation="tanh")
    assert lemmas.ties(network) == (0, ~0)
    assert lemmas.ties(Network.from_arrays(network.weights, activation="sigmoid")) == (0, 1)
