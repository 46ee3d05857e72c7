"""Colours that are seen on a projector too, and mean one thing."""

from __future__ import annotations

import re

import pytest

from symbreak.report import style
from symbreak.report.frame import asset

# WCAG 2.2, 1.4.11: what a drawing says stands out from its ground by this ratio.
ENOUGH = 3.0
# As many networks as the lab races.
RACED = 4


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((brightness(one), brightness(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_first_colours_stand_out_in_both_themes():
    papers = re.findall(r"--paper: (#\w{6})", asset("style.css"))
    assert len(papers) == 2
    first = [colour for colour in style.COLOURS[:RACED] if colour != style.INK]
    assert [colour for colour in first if min(contrast(colour, paper) for paper in papers) < ENOUGH] == []
    assert contrast("#e69f00", papers[0]) < ENOUGH


def test_a_network_does_not_look_like_a_class_of_the_data():
    assert not set(style.COLOURS[:RACED]) & set(style.CLASSES[:2])
