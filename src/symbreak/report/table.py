"""The table of a comparison, one row per initialization: as plain strings, and as HTML."""

from __future__ import annotations

from collections.abc import Callable

from symbreak.experiments.result import CompareResult, DataSummary, Row
from symbreak.report.format import MOST_LAYERS, Cell, count, ends, number, percent, plural, spread
from symbreak.report.html import Html, element
from symbreak.report.style import swatch


def table_rows(result: CompareResult) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return (headers, rows) of plain strings, ready for a terminal or a Markdown table.

    Medians over seeds with [min..max]; per hidden layer where a layer has a number, from start to end ("1 -> 1").
    """
    return headers(result), tuple(tuple(map(str, cells(row, result.data))) for row in result.rows)


def headers(result: CompareResult) -> tuple[str, ...]:
    """Return the names of the columns; the fourth says which score it is, and on which data, if there is one."""
    return (
        "initialization",
        "law",
        "final cost",
        *([score_name(result.data)] if scored(result.data) else []),
        half_name(result.data),
        "gradient norm at step 0",
        "effective units",
        "saturated",
        "dead",
        "verdict",
    )


def cells(row: Row, data: DataSummary) -> tuple[Cell, ...]:
    """Return the cells of one row, in the order of `headers`."""
    return (
        Cell(row.init),
        Cell(row.law),
        spread(row.final_cost),
        *([spread(row.accuracy, score_form(data))] if scored(data) else []),
        spread(row.iterations_to_half_base_rate, count),
        spread(row.gradient_norm),
        ends(row.effective_units),
        ends(row.saturated, percent),
        ends(row.dead, percent),
        Cell(verdict(row)),
    )


def verdict(row: Row) -> str:
    """Return the row's verdict, and how many of its runs overflowed unless it says so itself."""
    if not row.overflowed or "overflow" in row.verdict:
        return row.verdict
    return f"{row.verdict} ({row.overflowed} of {plural(len(row.runs), 'seed')} overflowed)"


def score_name(data: DataSummary) -> str:
    """Return what `accuracy` holds, in words: "held-out accuracy", "training R2", "final training cost"."""
    if not scored(data):
        return "final training cost"
    where = "held-out" if data.held_out_samples else "training"
    return f"{where} {'R2' if data.score == 'r2' else data.score}"


def scored(data: DataSummary) -> bool:
    """Whether there is a score beside the cost."""
    return data.score != "cost"


def half_name(data: DataSummary) -> str:
    """Return what the iterations are counted to."""
    return f"iterations to half {base_name(data)}"


def base_name(data: DataSummary) -> str:
    """Return what a model without inputs comes to, or what stands for it, in two words."""
    return "base rate" if data.base == "base-rate" else "starting cost"


def score_form(data: DataSummary) -> Callable[[float | None], str]:
    """Return how a score is written: an accuracy in percent, any other as a number."""
    return percent if data.score == "accuracy" else number


def html_table(result: CompareResult) -> Html:
    """Return the table as HTML: the verdict stands beside the name; narrow screens show every row as a card."""
    names = headers(result)
    order = (len(names) - 1, *range(2, len(names) - 1))
    head = element("tr", *_head(names[:1] + tuple(names[i] for i in order)), role="row")
    body = [_html_row(index, row, result, order) for index, row in enumerate(result.rows)]
    table = element(
        "table",
        element("caption", _caption(result)),
        element("thead", head, role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        # Cards are made by `display: block`, which takes a table's meaning away unless roles state it.
        role="table",
        class_="results",
    )
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Table of results")


def _caption(result: CompareResult) -> str:
    spread_over = f"Median over {result.network.seeds} seeds, [smallest..largest] below. " if many_seeds(result) else ""
    return f"{spread_over}An arrow leads from before the first step to after the last, {_per_layer(result)}."


def _per_layer(result: CompareResult) -> str:
    if len(result.network.hidden) <= MOST_LAYERS:
        return "one number per hidden layer"
    return f"units added up over {len(result.network.hidden)} hidden layers, shares of the worst of them"


def many_seeds(result: CompareResult) -> bool:
    """Whether there is anything to take a median of."""
    return any(len(row.runs) > 1 for row in result.rows)


def _head(names: tuple[str, ...]) -> list[Html]:
    return [element("th", name, scope="col", role="columnheader") for name in names]


def _html_row(index: int, row: Row, result: CompareResult, order: tuple[int, ...]) -> Html:
    names, values = headers(result), cells(row, result.data)
    name = element("th", _name(index, row), scope="row", role="rowheader")
    return element("tr", name, *(_html_cell(names[i], values[i]) for i in order), role="row")


def _name(index: int, row: Row) -> Html:
    return element(
        "span", swatch(index), element("code", row.init), Html(" "), element("small", row.law), class_="name"
    )


def _html_cell(name: str, cell: Cell) -> Html:
    detail = Html(f" {element('small', cell.range)}") if cell.range else None
    value = element("span", cell.value.replace(" -> ", " → ") if name != "verdict" else cell.value)
    kind = "verdict" if name == "verdict" else "number"
    return element("td", element("span", value, detail), class_=kind, data_label=name, role="cell")
