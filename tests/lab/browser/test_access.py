"""For everyone: by keyboard alone, read aloud, in both themes, on a projector and on a phone."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

SIZES = {"projector": (1280, 720), "phone": (390, 844), "desk": (1920, 1080)}
AXE = "axe-core@4.10.3"
# Four networks, tied and not, of layers as long as the page draws unit by unit.
TIED = [{"init": name, "merged": 0} for name in ("zeros", "ones")]
FULL = {"v": 1, "layers": [16, 16], "networks": [*TIED, {"init": "he"}, {"init": "normal(100)"}]}
FULLEST = "#" + base64.urlsafe_b64encode(json.dumps(FULL).encode()).decode()
AUDIT = """axe.run().then(({violations}) =>
    violations.map(({id, impact, nodes}) => [impact, id, nodes.map((node) => node.html)]))"""
PANELS = ("xray", "dial", "map", "weights", "own")


def bring_npm() -> None:
    """Install npm on Debian as root, as Chromium is, so that `pytest` alone is enough."""
    if shutil.which("npm") is None and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"check": True, "capture_output": True, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update"], **quiet)
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "npm"], **quiet)
    if shutil.which("npm") is None:
        pytest.fail(f"the audit is {AXE} of npm: install npm, or put axe.min.js where this test looks for it")


@pytest.fixture(scope="session")
def axe() -> str:
    """The audit's program, fetched once for all runs."""
    folder = Path(tempfile.gettempdir()) / f"symbreak-{AXE.replace('@', '-')}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "axe.min.js").exists():
            bring_npm()
            subprocess.run(["npm", "pack", AXE, "--silent"], cwd=folder, check=True, capture_output=True)
            with tarfile.open(next(folder.glob("*.tgz"))) as packed:
                found = packed.extractfile("package/axe.min.js")
                assert found is not None
                (folder / "axe.min.js").write_bytes(found.read())
    return (folder / "axe.min.js").read_text(encoding="utf-8")


def open_panels(lab) -> None:
    for panel in PANELS:
        lab.page.locator(f"#{panel} > summary").click()


def tab_to(lab, wanted: str, most: int = 40) -> None:
    for _ in range(most):
        if lab.page.evaluate("document.activeElement.id") == wanted:
            return
        lab.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {wanted}")


def test_the_race_by_keyboard_alone(lab):
    tab_to(lab, "play")
    outline = lab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    lab.page.keyboard.press("Enter")
    lab.until(lambda: lab.t >= 20, "step 20")
    lab.page.keyboard.press("Enter")
    frame = lab.until_drawn()
    lab.page.evaluate("document.activeElement.blur()")
    lab.page.keyboard.press("ArrowRight")
    lab.until_drawn(frame["t"] + 1)
    lab.page.keyboard.press("Home")
    lab.until_drawn(0)
    lab.page.keyboard.press("Space")
    lab.until(lambda: lab.t >= 5, "step 5")
    lab.page.keyboard.press("Space")
    lab.until_drawn()
    lab.page.keyboard.press("?")
    expect(lab.page.locator("#help-dialog")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(lab.page.locator("#help-dialog")).to_be_hidden()
    tab_to(lab, "init-1", 60)
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("he")
    lab.page.keyboard.press("Enter")
    lab.until(lambda: lab.last("state")["state"] == {"v": 1}, "zeros against he")


def test_what_happens_is_told_but_not_every_frame(lab):
    lab.page.evaluate(
        """() => { window.spoken = [];
           const changed = new MutationObserver(() => spoken.push(live.textContent));
           changed.observe(live, {childList: true, characterData: true, subtree: true}); }"""
    )
    lab.play_to(100)
    expect(lab.page.locator("#live")).to_contain_text(f"Step {lab.t}. zeros: 4 units, 1 really different")
    drawn = [one for one in lab.told if one["is"] == "frame"]
    assert 1 <= len(lab.page.evaluate("spoken")) < max(5, len(drawn) / 2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_its_window(open_lab, theme):
    lab = open_lab(FULLEST)
    lab.page.emulate_media(color_scheme=theme)
    open_panels(lab)
    for name, (width, height) in SIZES.items():
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.until(lambda: not lab.is_wide(), f"{name} fits")


def test_the_theme_can_be_chosen(lab):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = lab.page.evaluate(paper)
    lab.page.click("#theme")
    assert lab.page.evaluate(paper) != light
    lab.told.clear()
    lab.page.reload()
    lab.until_drawn()
    assert lab.page.evaluate(paper) != light
    expect(lab.page.locator("#theme")).to_have_attribute("aria-pressed", "true")


def serious(page, axe) -> list[object]:
    page.evaluate(axe)
    return [one for one in page.evaluate(AUDIT) if one[0] in ("serious", "critical")]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_nothing_serious(lab, axe, theme):
    lab.page.emulate_media(color_scheme=theme)
    open_panels(lab)
    lab.play_to(20)
    assert serious(lab.page, axe) == []
    lab.page.click("#tour-start")
    lab.page.locator("#tour .next").click()
    lab.page.get_by_text("Dead centre").wait_for()
    assert serious(lab.page, axe) == []
    for _ in range(3):
        lab.page.locator("#tour .next").click()
    expect(lab.page.locator(".small-boundary")).to_be_visible()
    expect(lab.page.locator(".merged")).to_contain_text("2–1–1 beside 2–4–1")
    assert serious(lab.page, axe) == []
    lab.page.click("#command")
    lab.page.locator("#command-dialog").wait_for()
    assert serious(lab.page, axe) == []


def test_an_audit_finds_nothing_serious_before_the_first_frame(new_table, address, axe):
    table = new_table()

    def without_frames(socket):
        server = socket.connect_to_server()
        server.on_message(lambda text: None if json.loads(text)["is"] == "frame" else socket.send(text))

    table.page.route_web_socket("**/ws", without_frames)
    table.page.goto(address)
    table.page.locator(".card").nth(1).wait_for()
    assert serious(table.page, axe) == []
