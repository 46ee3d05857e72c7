"""What was found, for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbreak.diagnosis.symmetry import classes as names
from symbreak.diagnosis.symmetry.classes import Layer, UnitClass, listed

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry.symmetry import Symmetry

# More classes than this are counted, not listed.
MOST_CLASSES = 12


def described(found: Symmetry) -> str:
    """Return the whole finding as text."""
    lines = [
        f"{found.network!r} under {found.optimizer.text}, "
        f"for {promised(found)} data, loss and learning rate{decaying(found)}, in exact arithmetic"
    ]
    if not found.layers:
        lines.append("no hidden layer: no units that could be one")
    for layer in found.layers:
        lines += layer_lines(layer)
    lines += [str(parting) for parting in found.partings]
    lines.append(f"moving: {moves(found)}")
    return "\n".join(lines)


def promised(found: Symmetry) -> str:
    """Return "any", or what was promised of the inputs."""
    low, high = found.input_range
    if low is None and high is None:
        return "any"
    return f"any inputs in [{'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'}], other"


def decaying(found: Symmetry) -> str:
    """Return the condition on the rate under which a weight decay shrinks weights and turns none around."""
    return " (times weight decay below 1)" if found.family.decays else ""


def moves(found: Symmetry) -> str:
    """Return the arrays that move, and whether others shrink."""
    decay = "; all others only shrink with the weight decay" if found.family.decays else ""
    count = 2 * len(found.network.weights)
    still = "" if len(found.moving) == count else f"; every other gradient is 0 for ever{decay}"
    return f"{', '.join(found.moving)}{still}"


def layer_lines(layer: Layer) -> list[str]:
    """Return a line for the layer and one for each class that says more than that a unit is alone."""
    n, k = layer.units, layer.effective_units
    work = "no two proved to be one" if n == k else f"doing the work of {k}"
    lines = [f"hidden layer {layer.index}: {n} units, {work}" if n > 1 else f"hidden layer {layer.index}: 1 unit"]
    telling = [c for c in layer.classes if c.tier or c.frozen]
    lines += [f"  {class_line(c)}" for c in telling[:MOST_CLASSES]]
    if len(telling) > MOST_CLASSES:
        lines.append(f"  and {len(telling) - MOST_CLASSES} classes more")
    return lines


def class_line(c: UnitClass) -> str:
    """Return what is known of a class in one line."""
    relation = "" if c.relation == names.SINGLE else f"{c.relation}, {c.status}"
    if c.relation == names.MIRRORED:
        mirrored = tuple(u for u, sign in zip(c.units, c.signs, strict=True) if sign < 0)
        relation += f", {listed(mirrored)} with the sign turned"
    if c.relation == names.COLLINEAR:
        relation += f", factors {', '.join(f'{float(factor):.6g}' for factor in c.factors)}"
    frozen = f"frozen under this update, because {c.frozen} is 0" if c.frozen else ""
    condition = ", with rate times decay below 1" if c.dead else ""
    kept = f"({c.tier}: kept by {', '.join(c.optimizers)}{condition})" if c.tier else ""
    parts = "; ".join(part for part in (relation, frozen) if part)
    return f"{listed(c.units)}: {parts}" + (f" {kept}" if kept else "")
