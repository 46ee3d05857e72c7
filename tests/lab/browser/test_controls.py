"""Each control does what it says; what came from strangers is text."""

from __future__ import annotations

import base64
import json

import pytest
from playwright.sync_api import expect

HOSTILE = "<img src=x onerror=alert(1)>"
TABLE = f"height,<b>width</b>,{HOSTILE}\n" + "".join(
    f"{k % 7},{k % 5},{HOSTILE if k % 2 else '<script>alert(2)</script>'}\n" for k in range(40)
)


# Elements that only a name taken as markup can make.
MARKUP = "document.querySelectorAll('img, main b:not(.lemmas b), body script').length"
# The page's way to put text into an element, and a careless one.
CAREFUL = "made.append(...children.filter((child) => child !== null && child !== undefined));"
CARELESS = (
    "children.forEach((c) => (typeof c === 'string' ? made.insertAdjacentHTML('beforeend', c) : c && made.append(c)));"
)


def opened(lab, panel: str):
    lab.page.locator(f"#{panel} > summary").click()
    return lab.page.locator(f"#{panel}")


def give(lab, table: str) -> None:
    """Pick a table, as from a disk."""
    opened(lab, "own")
    lab.page.set_input_files("#csv-file", {"name": "own.csv", "mimeType": "text/csv", "buffer": table.encode()})
    lab.until(lambda: lab.last("state")["state"].get("data") == "own", "the table")


def test_the_xray_names_the_factor_that_is_zero(lab):
    panel = opened(lab, "xray")
    expect(panel.locator(".verdict")).to_contain_text("Dead centre")
    assert panel.locator("[data-zero='all zero'] figcaption").all_text_contents() == ["W2^T", "dW1"]
    lab.page.select_option("#xray-network", "1")
    expect(panel.locator(".verdict")).to_contain_text("No factor is missing")


def test_the_dial_changes_one_weight_and_tells_when_units_part(lab):
    panel = opened(lab, "dial")
    lab.page.locator("#dial-epsilon").press("ArrowRight")
    expect(panel.locator(".epsilon")).to_contain_text("2^-53")
    lab.until(lambda: lab.last("dial"), "the dial")
    dial = lab.last("dial")
    assert dial["epsilon"] == 2.0**-53
    words = f"predicted step {dial['predicted']}, measured step {dial['measured']}"
    expect(panel.locator(".verdict")).to_contain_text(words)
    expect(lab.page.locator(".foot .why").first).to_contain_text("was changed by 1.11e-16")
    expect(lab.page.locator("#dial-weight")).to_have_value(json.dumps(dial["at"], separators=(",", ":")))
    lab.page.select_option("#dial-weight", label="W1[1, 1]")
    lab.until(lambda: lab.last("dial")["at"] == ["W1", 1, 1], "another weight")
    expect(panel.locator(".verdict")).to_contain_text("was added to W1[1, 1]")


def test_an_edited_weight_breaks_the_proof_by_name(lab):
    lab.play_to(20)
    t = lab.t
    opened(lab, "weights")
    field = lab.page.get_by_role("spinbutton", name="W1[2, 1]")
    field.fill("0.25")
    field.press("Enter")
    expect(lab.page.locator(".foot .why").first).to_have_text(
        f"Broken at step {t}: W1[2, 1] was set to 0.25 at step {t}."
    )
    assert lab.page.locator(".effective").first.text_content() == "2 of 4"


def test_a_field_says_what_it_does_not_take(lab):
    wishes = len(lab.does("set"))
    for field, text in (("layers", "abc"), ("layers", ""), ("layers", "2.5"), ("layers", "1 2 3 4 5"), ("seed", "-1")):
        box = lab.page.locator(f"#set-{field}")
        box.fill(text)
        box.press("Enter")
        assert box.evaluate("field => field.validationMessage") != ""
    assert len(lab.does("set")) == wishes
    lab.page.locator("#set-layers").fill(" 3,  2 ")
    lab.page.locator("#set-layers").press("Enter")
    lab.until(lambda: lab.last("state")["sizes"] == [2, 3, 2, 1], "two layers")
    assert lab.complaints == []


def drawn(lab, name: str) -> str:
    """What is on a canvas of the first card."""
    return lab.page.locator(f".{name} canvas").first.evaluate("canvas => canvas.toDataURL()")


def test_a_merged_network_is_seen_beside_the_large_one_until_they_part(lab):
    lab.page.locator("#init-0").fill("constant(0.5)")
    lab.page.locator("#init-0").press("Enter")
    lab.until(lambda: "constant" in json.dumps(lab.last("state")), "the other start")
    small = lab.page.locator(".small-boundary").first
    expect(small).to_be_hidden()
    more = lab.page.get_by_text("Break or merge it").first
    more.press("Enter")
    lab.page.get_by_label("Merge tied units").first.press("Space")
    expect(small).to_be_visible()
    lab.play_to(30)
    card = lab.page.locator(".card").first
    expect(card.locator(".merged")).to_contain_text("✓ 2–1–1 beside 2–4–1")
    expect(card.locator(".twin-sign")).to_have_text("=")
    large, merged = card.locator(".twin-head").all_text_contents()
    assert large.removeprefix("Large: 2–4–1") == merged.removeprefix("Merged: 2–1–1")
    assert drawn(lab, "large-boundary") == drawn(lab, "small-boundary")
    assert drawn(lab, "large-graph") != drawn(lab, "small-graph")
    lab.until(
        lambda: "are one" in card.locator(".large-graph canvas").get_attribute("aria-label"), "words for the rings"
    )
    expect(lab.page.locator("#legend li").first).to_contain_text("rings: merged")
    t = lab.t
    opened(lab, "weights")
    field = lab.page.get_by_role("spinbutton", name="W1[2, 1]")
    field.fill("-3")
    field.press("Enter")
    expect(card.locator(".merged")).to_contain_text(f"✗ Apart since step {t}: W1[2, 1] was set to -3 at step {t}")
    expect(card.locator(".twin-sign")).to_have_text("≠")
    assert drawn(lab, "large-boundary") != drawn(lab, "small-boundary")
    lab.until(
        lambda: "are different now" in card.locator(".large-graph canvas").get_attribute("aria-label"), "the words"
    )
    lab.page.get_by_label("Merge tied units").first.uncheck()
    expect(small).to_be_hidden()
    assert lab.complaints == []


def test_a_merged_network_that_overflowed_is_not_called_the_same(open_lab):
    tied = {"init": "constant(0.5)", "merged": 0}
    state = {"v": 1, "t": 300, "rate": 1000.0, "loss": "squared-error", "activation": "relu", "networks": [tied]}
    lab = open_lab("#" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode())
    lab.until_drawn(300)
    assert lab.last("frame")["networks"][0]["merged"]["difference"] is None
    expect(lab.page.locator(".twin-sign")).to_have_text("≠")
    expect(lab.page.locator(".merged")).to_contain_text("overflowed")


def test_the_map_is_drawn_and_a_cell_becomes_a_column(lab):
    opened(lab, "map")
    lab.until(lambda: lab.last("map"), "a row of the map")
    lab.page.locator("#map-canvas").press("ArrowDown")
    lab.until(lambda: len([one for one in lab.told if one["is"] == "map"]) >= 8, "a whole level")
    lab.page.locator("#map-canvas").press("ArrowUp")
    lab.page.locator("#map-canvas").press("Enter")
    lab.until(lambda: len(lab.last("frame")["networks"]) == 3, "a third network")
    frame = lab.until_drawn(500)
    state = lab.last("state")["state"]
    cells = [(net, one["cost"][k]) for one in lab.told if one["is"] == "map" for k, net in enumerate(one["networks"])]
    wanted = {"init": state["networks"][2]["init"], "rate": state.get("rate", 1.2)}
    costs = [cost for net, cost in cells if net == wanted]
    assert costs
    assert frame["networks"][2]["cost"] == pytest.approx(costs[0], rel=1e-9)


def test_points_and_presets_and_the_tour(lab):
    opened(lab, "own")
    square = lab.page.locator("#points-canvas")
    square.click(position={"x": 40, "y": 40})
    lab.page.select_option("#point-class", "1")
    square.click(position={"x": 200, "y": 200})
    lab.page.click("#points-learn")
    lab.until(lambda: lab.last("state")["state"].get("data") == "own", "own points")
    lab.page.select_option("#preset", "one-number")
    lab.until(lambda: "constant(0.5)" in json.dumps(lab.last("state")), "the preset")
    expect(lab.page.locator("#story")).to_contain_text("Not zero")
    lab.page.click("#tour-start")
    tour = lab.page.locator("#tour")
    for step in range(1, 9):
        expect(tour).to_contain_text(f"Step {step} of 8")
        tour.locator(".next").click()
    expect(tour).to_be_hidden()
    assert lab.complaints == []


def test_a_hostile_table_is_text(lab):
    give(lab, TABLE)
    opened(lab, "weights")
    lab.until_drawn()
    assert HOSTILE in lab.page.locator("#classes").text_content()
    assert "<b>width</b>" in lab.page.locator("#weights thead").text_content()
    assert lab.page.evaluate(MARKUP) == 0
    lab.page.locator("#init-0").fill(HOSTILE)
    lab.page.locator("#init-0").press("Enter")
    expect(lab.page.locator("#errors")).to_contain_text("<img")
    assert lab.page.evaluate(MARKUP) == 0
    assert lab.dialogs == []
    assert lab.complaints == []


def test_a_table_that_is_no_utf8_is_refused_and_one_with_a_mark_is_read(lab):
    opened(lab, "own")
    table = "höhe,art\n" + "".join(f"{k % 7},{k % 2}\n" for k in range(40))
    for code in ("latin-1", "utf-16"):
        lab.page.set_input_files("#csv-file", {"name": "own.csv", "mimeType": "text/csv", "buffer": table.encode(code)})
        expect(lab.page.locator("#errors")).to_contain_text("own.csv could not be read: it is not UTF-8 text")
        lab.page.get_by_role("button", name="Close").click()
    assert lab.does("csv") == []
    lab.page.set_input_files(
        "#csv-file", {"name": "own.csv", "mimeType": "text/csv", "buffer": table.encode("utf-8-sig")}
    )
    expect(lab.page.locator("#classes")).to_contain_text("inputs höhe")


def test_that_would_notice_markup(open_lab):
    def careless(page):
        def answer(route):
            text = route.fetch().text()
            assert CAREFUL in text
            route.fulfill(body=text.replace(CAREFUL, CARELESS), content_type="text/javascript")

        page.route("**/dom.js", answer)

    lab = open_lab(before=careless)
    give(lab, TABLE)
    assert lab.page.evaluate(MARKUP) > 0


def test_a_saved_run_with_own_data_is_loaded_again(lab, tmp_path):
    give(lab, TABLE)
    there = lab.play_to(20)
    with lab.page.expect_download() as caught:
        lab.page.click("#save")
    path = tmp_path / "run.json"
    caught.value.save_as(path)
    assert json.loads(path.read_text())["schema"] == "symbreak/lab/1"
    lab.page.select_option("#preset", "one-number")
    lab.until(lambda: lab.last("state")["state"].get("data") is None, "the preset")
    lab.page.set_input_files("#load-file", path)
    lab.until(lambda: lab.last("state")["state"].get("data") == "own", "the run")
    assert lab.until_drawn(there["t"])["networks"] == there["networks"]


def test_pictures_and_commands_leave_the_page(lab):
    lab.page.click("#command")
    expect(lab.page.locator("#command-dialog pre")).to_contain_text("symbreak compare")
    lab.page.keyboard.press("Escape")
    with lab.page.expect_download() as caught:
        lab.page.click("#picture")
    assert caught.value.path().read_bytes().startswith(b"\x89PNG")
