"""One press of Play shows why zero fails, and what the page shows is what the server counted."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from symbreak.lab.state import State

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "lab.py"


def effective(table) -> list[str]:
    return table.page.locator(".effective").all_text_contents()


def of_link(address: str) -> State:
    text = urlsplit(address).fragment
    return State.from_json(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def test_it_loads_in_peace(lab, address):
    assert lab.complaints == []
    assert lab.dialogs == []
    assert {urlsplit(one).netloc for one in lab.requests} == {urlsplit(address).netloc}
    assert "token" not in lab.page.url


def test_zeros_stay_tied_and_random_units_part(lab):
    frame = lab.play_to(150)
    zeros, normal = frame["networks"]
    assert zeros["units"] == [[0, 0, 0, 0]]
    assert normal["units"] == [[0, 1, 2, 3]]
    assert effective(lab) == ["1 of 4", "4 of 4"]
    assert normal["cost"] < 0.8 * zeros["cost"]
    assert lab.page.locator(".card").first.locator(".lemmas [data-state=ok]").count() == 4
    expect(lab.page.locator(".foot .why").first).to_have_text("4 units are one, for ever (proved). Only b2 moves.")
    expect(lab.page.locator(".plane").first).to_have_attribute("aria-label", "Weights of the units: 4 units at 0, 0")
    assert lab.complaints == []


def test_play_that_is_pressed_before_anything_is_there_is_not_lost(new_table, address):
    waiting = []
    early = new_table()
    early.page.route_web_socket("**/ws", lambda socket: held(socket, waiting))
    early.page.goto(address)
    early.page.click("#play")
    expect(early.page.locator("#play")).to_have_text("Starting…")
    expect(early.page.locator("#waiting")).to_be_visible()
    early.until(lambda: waiting, "the first state")
    waiting.pop()()
    early.until(lambda: early.t >= 5, "step 5")
    expect(early.page.locator("#waiting")).to_have_count(0)
    assert early.complaints == []


def test_play_that_is_pressed_before_the_page_knows_its_choices_is_not_lost(new_table, address):
    early, asked = new_table(), []
    early.page.route("**/choices.json", lambda route: asked.append(route))
    early.page.goto(address)
    early.page.click("#play")
    expect(early.page.locator("#play")).to_have_text("Starting…")
    early.until(lambda: asked, "the question for choices")
    asked.pop().continue_()
    early.until(lambda: early.t >= 5, "step 5")
    assert early.complaints == []


def held(socket, waiting) -> None:
    """Keep the server's first message back until what is put on the list is called."""
    server, kept = socket.connect_to_server(), []

    def release() -> None:
        for text in kept:
            socket.send(text)
        kept.clear()
        server.on_message(socket.send)

    def keep(text: str) -> None:
        kept.append(text)
        waiting.append(release)

    server.on_message(keep)


def test_the_curves_are_in_sight_on_a_projector(lab):
    lab.play_to(20)
    seen = "window.innerHeight - document.getElementById('chart').getBoundingClientRect().bottom"
    assert lab.page.evaluate(seen) >= 0
    lab.page.click("#tour-start")
    expect(lab.page.locator("#tour h2")).to_contain_text("Step 1 of 8")
    lab.until(lambda: lab.t >= 20, "step 20")
    assert lab.page.evaluate(seen) >= 0


def test_the_tour_shows_what_it_tells(lab):
    lab.page.click("#tour-start")
    following = lab.page.locator("#tour .next")
    for _ in range(5):
        following.click()
    expect(lab.page.locator("#dial .epsilon")).to_contain_text("2^-53")
    lab.until(lambda: lab.last("dial"), "the dial")
    told = lab.last("dial")
    expect(lab.page.locator("#dial .verdict")).to_contain_text(
        f"predicted step {told['predicted']}, measured step {told['measured']}"
    )
    following.click()
    expect(lab.page.locator("#xray-network")).to_have_value("3")
    lab.until(lambda: lab.t >= 20, "step 20")
    expect(lab.page.locator("#xray .verdict")).to_contain_text("Dead edges")


def test_every_step_is_counted(lab):
    for _ in range(3):
        lab.page.click("#step")
    assert lab.until_drawn(3)["t"] == lab.t == 3
    frame = lab.play_to(30)
    assert frame["t"] == lab.t
    assert lab.page.locator("#scrub").input_value() == str(frame["t"])


def test_as_fast_as_it_goes_frames_are_dropped_and_no_step_is():
    command = [sys.executable, str(BENCHMARK), "--browser", "--minutes", "0.02", "--units", "2", "--networks", "1"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.rstrip().endswith(": the same step")
    assert int(re.search(r"(\d+) steps$", told, re.MULTILINE)[1]) > 0
    assert float(re.search(r"frames drawn a second: +([\d.]+)", told)[1]) > 0


def test_the_address_is_not_changed_at_every_frame(lab):
    lab.page.evaluate(
        """() => { window.changes = 0; const own = history.replaceState.bind(history);
           history.replaceState = (...given) => { changes++; own(...given); }; }"""
    )
    begun = lab.page.evaluate("performance.now()")
    for _ in range(60):
        lab.page.keyboard.press("ArrowRight")
    lab.until_drawn(60)
    lab.link(60)
    seconds = (lab.page.evaluate("performance.now()") - begun) / 1000
    # A browser throws at more than a hundred in thirty seconds.
    assert 1 <= lab.page.evaluate("changes") <= 2 + seconds * 100 / 30


def test_rewound_it_runs_with_the_same_numbers(lab):
    before = lab.until_drawn(0)["networks"]
    there = lab.play_to(60)
    assert there["networks"] != before
    lab.page.click("#rewind")
    assert lab.until_drawn(0)["networks"] == before
    assert lab.go(there["t"])["networks"] == there["networks"]


def test_a_link_gives_the_same_state_in_another_window(lab, open_lab):
    lab.page.locator("#init-1").fill("uniform(-0.5, 0.5)")
    lab.page.locator("#init-1").press("Enter")
    lab.until(lambda: "uniform" in json.dumps(lab.last("state")), "the other start")
    lab.page.locator("#set-layers").fill("3 2")
    lab.page.locator("#set-layers").press("Enter")
    lab.until(lambda: lab.last("state")["sizes"] == [2, 3, 2, 1], "two layers")
    there = lab.play_to(40)
    shared = lab.link(there["t"])
    other = open_lab("#" + urlsplit(shared).fragment)
    frame = other.until_drawn(there["t"])
    assert frame["networks"] == there["networks"]
    assert other.link(there["t"]) == shared
    state = of_link(shared)
    assert (state.layers, state.t, state.networks[1].init) == ((3, 2), there["t"], "uniform(-0.5, 0.5)")


def test_a_link_on_another_site_leads_in_and_nothing_else_does(lab, new_table):
    lab.page.locator("#init-1").fill("he")
    lab.page.locator("#init-1").press("Enter")
    lab.until(lambda: lab.last("state")["state"] == {"v": 1}, "zeros against he")
    lab.page.click("#step")
    lab.until_drawn(1)
    shared = lab.link(1)
    elsewhere = new_table()
    body = f"<a href='{shared}'>look</a>"
    elsewhere.page.route("http://elsewhere.test/", lambda route: route.fulfill(body=body, content_type="text/html"))
    elsewhere.page.goto("http://elsewhere.test/")
    host = urlsplit(shared).netloc
    opened = f"""new Promise((done) => {{ const socket = new WebSocket("ws://{host}/ws");
        socket.onopen = () => done("open"); socket.onerror = () => done("refused"); }})"""
    assert elsewhere.page.evaluate(opened) == "refused"
    read = f"fetch('http://{host}/choices.json', {{credentials: 'include'}}).then(() => 'read', () => 'refused')"
    assert elsewhere.page.evaluate(read) == "refused"
    elsewhere.page.click("a")
    assert elsewhere.until_drawn(1)["networks"] == lab.last("frame")["networks"]


def test_a_broken_link_is_told_and_the_race_begins(open_lab):
    broken = open_lab("#%%%")
    expect(broken.page.locator("#errors")).to_contain_text("could not be read")
    foreign = open_lab("#" + base64.urlsafe_b64encode(b'{"v":1,"rate":-1}').decode())
    expect(foreign.page.locator("#errors")).to_contain_text("learning rate")
    assert foreign.t == 0
    assert len(effective(foreign)) == 2


def test_it_comes_back_where_it_was_when_the_connection_drops(open_lab):
    sockets = []

    def between(socket):
        sockets.append(socket)
        socket.connect_to_server()

    lab = open_lab(before=lambda page: page.route_web_socket("**/ws", between))
    there = lab.play_to(40)
    banner = lab.page.locator("#banner")
    expect(banner).to_be_hidden()
    sockets[0].close(code=1011)
    expect(banner).to_contain_text("connection")
    lab.until(lambda: len(sockets) == 2, "a second connection")
    expect(banner).to_be_hidden()
    assert lab.until_drawn(there["t"])["networks"] == there["networks"]
