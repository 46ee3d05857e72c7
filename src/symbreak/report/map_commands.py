"""The commands of a map's networks, in parts: a page puts them together for the one that is asked for.

Of a large map all commands would be longer than the map. They differ in a few options, of which some follow from the
column and some from the row; so the commands of one row and of one column say how to write all others.
"""

from __future__ import annotations

import random
import shlex
from dataclasses import dataclass

from symbreak.experiments.map.result import MapResult

Options = dict[str, str]
# So many networks are asked for their own command, to see that the parts give it.
TRIED = 64


@dataclass(frozen=True)
class Parts:
    """Options in the order in which they are written, and what columns and rows set.

    Attributes:
        head: what every command begins with.
        order: names of all options.
        columns, rows: for each column and row the options that are its own; an empty text leaves an option out.
        rest: options that all share.
    """

    head: str
    order: tuple[str, ...]
    columns: tuple[Options, ...]
    rows: tuple[Options, ...]
    rest: Options

    def command(self, i: int, j: int) -> str:
        """Return the command of row i, column j."""
        options = {**self.rest, **self.columns[j], **self.rows[i]}
        return " ".join([self.head, *(options[name] for name in self.order if options.get(name))])


def parts(result: MapResult) -> Parts | None:
    """Return the commands in parts; None if they cannot be told from rows and columns."""
    rows, columns = result.shape
    by_column = [_read(result.command(0, j)) for j in range(columns)]
    by_row = [_read(result.command(i, 0)) for i in range(rows)]
    every = [found for found in (*by_column, *by_row) if found is not None]
    if len(every) < rows + columns or len({head for head, _ in every}) > 1:
        return None
    of_columns, of_rows = _own([found[1] for found in by_column if found]), _own([f[1] for f in by_row if f])
    made = Parts(every[0][0], _order([options for _, options in every]), of_columns, of_rows, every[0][1])
    return made if _right(made, result) else None


def _read(command: str) -> tuple[str, Options] | None:
    """Return what a command begins with, and its options, each as it is written; None if it is no such command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    starts = [k for k, word in enumerate(words) if word.startswith("--")]
    if words[:1] != ["symbreak"] or not starts:
        return None
    pieces = [words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True)]
    options = {piece[0]: shlex.join(piece) for piece in pieces}
    head = shlex.join(words[: starts[0]])
    # An option that comes twice, or words that are quoted in another way, are left to the other form.
    return (head, options) if " ".join([head, *options.values()]) == command else None


def _own(commands: list[Options]) -> tuple[Options, ...]:
    """Return for each command the options in which they differ."""
    names = {name for options in commands for name in options}
    different = {name for name in names if len({options.get(name) for options in commands}) > 1}
    return tuple({name: options.get(name, "") for name in sorted(different)} for options in commands)


def _order(commands: list[Options]) -> tuple[str, ...]:
    """Return all options in an order that is that of every command, as far as there is one."""
    order: list[str] = []
    for options in commands:
        place = 0
        for name in options:
            if name not in order:
                order.insert(place, name)
            place = order.index(name) + 1
    return tuple(order)


def _right(made: Parts, result: MapResult) -> bool:
    rows, columns = result.shape
    chosen = random.Random(0)
    places = [(chosen.randrange(rows), chosen.randrange(columns)) for _ in range(TRIED)]
    places += [(i, j) for i in (0, rows - 1) for j in (0, columns - 1)]
    return all(made.command(i, j) == result.command(i, j) for i, j in places)


def of_a_point(result: MapResult) -> tuple[str, ...]:
    """Return what stands around x and y in the command that trains any one network of the map."""
    command = result.settings.command
    if result.settings.in_memory:
        return f"{command[:-1]}, at=(", ", ", "))"
    return f"{command} --at ", ",", ""


def of_a_window(result: MapResult) -> tuple[str, ...]:
    """Return what stands around x0, x1, y0 and y1 in the command that draws a window of the map."""
    settings = result.settings
    if not settings.in_memory:
        return f"{settings.command} --zoom ", ":", ",", ":", ""
    command = settings.command
    for side, axis in (("x", settings.x), ("y", settings.y)):
        command = command.replace(f", {side}={axis.text!r}", "", 1)
    x, y = settings.x, settings.y
    return f"{command[:-1]}, x='{x.name}:", ":", f":{x.spacing}', y='{y.name}:", ":", f":{y.spacing}')"
