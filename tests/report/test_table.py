from __future__ import annotations

from dataclasses import replace

import pytest

from symbreak.report import html_table, table_rows


def column(result, name: str) -> list[str]:
    headers, rows = table_rows(result)
    return [row[headers.index(name)] for row in rows]


def test_one_row_for_each_initialization(any_result):
    headers, rows = table_rows(any_result)
    assert [row[0] for row in rows] == [row.init for row in any_result.rows]
    assert {len(row) for row in rows} == {len(headers)}


def test_the_lesson_reads_off_the_table(planar):
    assert column(planar, "effective units")[:3] == ["1 -> 1", "1 -> 1", "4 -> 4"]
    assert column(planar, "iterations to half base rate")[0] == "never"
    assert column(planar, "gradient norm at step 0")[0] == "0"


def test_layers_are_told_apart(deep):
    assert column(deep, "effective units")[:2] == ["1, 1 -> 1, 1", "16, 8 -> 16, 8"]


def test_the_header_says_which_score(planar, deep, regression):
    assert table_rows(planar)[0][3] == "training accuracy"
    assert table_rows(deep)[0][3] == "held-out accuracy"
    assert table_rows(regression)[0][3] == "held-out R2"
    assert column(regression, "held-out R2")[0] == "-0.250 [-1.50..0.100]"


def test_overflow_is_a_word(deep, all_lost):
    cost = column(deep, "final cost")[-1]
    assert cost.startswith("overflow [")
    assert cost.endswith("..overflow]")
    assert column(all_lost, "final cost") == ["overflow", "overflow"]


def test_overflowed_runs_are_counted_unless_the_verdict_does(deep):
    assert column(deep, "verdict")[-1] == "diverges (3 of 4 seeds overflowed)"
    said = replace(deep, rows=(replace(deep.rows[-1], verdict="3 runs overflow"),))
    assert column(said, "verdict") == ["3 runs overflow"]


def test_one_seed_has_no_range(single):
    assert not any("[" in cell for cell in table_rows(single)[1][0])


def test_no_number_is_spelled_as_a_float_that_is_none(any_result):
    cells = [cell for row in table_rows(any_result)[1] for cell in row[2:-1]]
    assert not [cell for cell in cells if "nan" in cell or "inf" in cell or "None" in cell]


@pytest.mark.parametrize("piece", ['scope="col"', 'scope="row"', "<caption>", 'role="table"'])
def test_a_screen_reader_finds_its_way(planar, piece):
    assert piece in html_table(planar)


def test_the_table_escapes(hostile):
    assert "<script" not in html_table(hostile)
    assert "<img" not in html_table(hostile)
