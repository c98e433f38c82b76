"""Rows as a real table: escaped, with headings, and the small wordings that go with it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import Prediction
from viz import norms, wording
from viz.rowtable import row_table


class Table(HTMLParser):
    """The elements of a table and the text of its cells, as a browser would see them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data


ROWS = [
    {"reader": "A1", "method": "one", "value": "0.1"},
    {"reader": "A1", "method": "two", "value": None},
    {"reader": "B2", "method": "one", "value": "0.3"},
]


def test_columns_headings_and_empty_cells():
    table = Table(row_table(ROWS, ("reader", "method", "value"), caption="all"))
    assert table.cells == ["reader", "method", "value", "A1", "one", "0.1", "", "two", "", "B2", "one", "0.3"]
    assert table.tags.count("tr") == 4
    markup = row_table(ROWS, ("reader", "method", "value"), caption="all")
    assert markup.count('scope="row"') == 3
    assert markup.count('aria-label="A1"') == 1
    assert "<caption>all</caption>" in markup


def test_a_reader_has_its_letter_and_colour():
    markup = row_table(ROWS, ("reader", "method"), places={"A1": 0, "B2": 3})
    cells = Table(markup).cells
    assert "AA1" in cells
    assert "DB2" in cells
    assert markup.count('class="badge"') == 2


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_becomes_markup(heading, value):
    calm = Table(row_table([{"a": "x", "b": "y"}], ("a", "b"))).tags
    assert Table(row_table([{"a": heading, "b": value}], ("a", "b"))).tags == calm


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ((0.8, 0.2), (0.55, 0.45), "bad 0.80 → 0.55 (−0.25)"),
        ((0.8, 0.2), (0.3, 0.7), "bad 0.80 → 0.30 (−0.50, now good)"),
        ((0.2, 0.8), (0.2, 0.8), "bad 0.20 → 0.20 (0.00)"),
    ],
)
def test_a_shift_says_before_after_and_flip(before, now, words):
    made = [Prediction(("bad", "good"), (0.0, 0.0), p) for p in (before, now)]
    assert wording.shift(*made, 0) == words


def test_history_rows_follow_the_trainers_record():
    history = [
        {"epoch": 1, "loss": 0.5, "dev_accuracy": 0.7, "p_trajectory": [[0.5, 1.2], [1.0, 1.4]],
         "probes": [{"tau": 0.2}, {"tau": None}, {"tau": 0.4}]},
        {"epoch": 2, "loss": 0.4, "dev_accuracy": 0.8, "p_trajectory": [[2.0, 1.0, 1.5, 3.0]], "probes": []},
    ]  # fmt: skip
    rows = norms.history_rows(history, 1.0)
    assert [(row["epoch"], row["p"]) for row in rows if "p" in row] == [(0, 1.0), (0.5, 1.2), (1.0, 1.4), (2.0, 1.5)]
    assert [row["loss"] for row in rows if "loss" in row] == [0.5, 0.4]
    assert [row["tau"] for row in rows if "tau" in row] == [pytest.approx(0.3), None]
    chart = norms.trajectory(rows).to_dict()
    assert [part["encoding"]["y"]["field"] for part in chart["vconcat"]] == ["p", "loss", "dev", "tau"]
    assert chart["resolve"] == {"scale": {"x": "shared"}}


@pytest.mark.parametrize("symbol", ["p", "b", "α"])
def test_a_learned_scalar_is_drawn_under_its_own_name(symbol):
    history = [{"epoch": 1, "loss": 0.5, "dev_accuracy": 0.7, "p_trajectory": [[0.5, 1.2], [1.0, 1.4]]}]
    rows = norms.history_rows(history, 1.0, symbol)
    assert [row[symbol] for row in rows[:-1]] == [1.0, 1.2, 1.4]
    first = norms.trajectory(rows).to_dict()["vconcat"][0]
    assert (first["encoding"]["y"]["field"], first["encoding"]["y"]["title"]) == (symbol, f"learned {symbol}")


def test_a_history_without_exponent_has_no_panel_for_it():
    rows = norms.history_rows([{"epoch": 1, "loss": 0.5, "dev_accuracy": 0.7, "p": None, "p_trajectory": []}])
    assert [part["encoding"]["y"]["field"] for part in norms.trajectory(rows).to_dict()["vconcat"]] == ["loss", "dev"]
