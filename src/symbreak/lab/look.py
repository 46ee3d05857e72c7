"""What the page takes from other rooms: the reports' style, and what there is to choose from."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from symbreak import datasets, initializers
from symbreak.lab import state as states
from symbreak.network import losses, optimizers
from symbreak.network.arithmetic import CATALOGUE as ARITHMETICS
from symbreak.numerics import activations
from symbreak.report import style
from symbreak.report.frame import asset

# A theme that is chosen on the page wins over that of the system.
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}\s*\}")
# Starts that stand in the list of suggestions beside the catalogue's names; any text form can be written.
SUGGESTED = (
    "zeros", "constant(0.5)", "normal(0.01)", "normal(1)", "normal(10)", "he", "xavier", "lecun_normal", "he_uniform",
    "glorot_uniform", "truncated_normal(0.5)", "uniform(-0.5, 0.5)", "orthogonal", "ones",
)  # fmt: skip


def css() -> str:
    """Return the reports' style sheet, with themes that can be chosen and the colours of networks and classes.

    >>> "--look-1: #009e73" in css() and ':root[data-theme="dark"]' in css()
    True
    """
    sheets = "".join(map(asset, ("style.css", "check.css")))
    colours = [("look", k, "var(--ink)" if c == style.INK else c) for k, c in enumerate(style.COLOURS)]
    colours += [("class", k, c) for k, c in enumerate(style.CLASSES)]
    named = "".join(f"  --{kind}-{k}: {colour};\n" for kind, k, colour in colours)
    return f"{_DARK.sub(_chosen, sheets)}:root {{\n{named}}}\n"


def _chosen(dark: re.Match[str]) -> str:
    inside = dark.group(1)
    media = f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{{inside}}} }}'
    return f'{media}\n:root[data-theme="dark"] {{{inside}}}'


def choices() -> dict[str, Any]:
    """Return what a state may be made of, and what a key that is left out means.

    >>> choices()["network"]["at"], choices()["dashes"][0]
    (['W1', 0, 0], 'solid')
    """
    entrant, state = states.Entrant(), states.State()
    return {
        "state": {**_plain(state), "networks": [_plain(each) for each in state.networks]},
        "network": _plain(entrant),
        "data": list(datasets.names()),
        "inits": [*SUGGESTED, *(name for name in initializers.CATALOGUE if name not in SUGGESTED)],
        "activation": sorted(activations.CATALOGUE),
        "loss": list(losses.CATALOGUE),
        "optimizer": list(optimizers.CATALOGUE),
        "arithmetic": list(ARITHMETICS),
        "dashes": list(style.DASHES),
        "limits": {"networks": states.MOST_NETWORKS, "layers": states.MOST_LAYERS, "units": states.MOST_UNITS},
    }


def _plain(record: Any) -> dict[str, Any]:
    found = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
