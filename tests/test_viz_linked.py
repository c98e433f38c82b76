"""Linked pictures of a test set: a valid specification whose drawn numbers are NumPy's, with and without a brush."""

from __future__ import annotations

import copy
import html
import re

import altair as alt
import numpy as np
import pytest
import vl_convert

from models.debate.rows import METHODS
from models.experiment_records import Measured
from viz.linked import (
    COLUMNS,
    ORDERS,
    PICTURES,
    SECTIONS,
    commonest,
    count_words,
    linked,
    pictures,
    rows_of,
    table_html,
    table_rows,
)

LABELS = ("no", "yes", "<b>maybe</b>")


def measured(n=240, without=(), seed=3, labels=LABELS):
    random = np.random.default_rng(seed)
    words = random.integers(1, 30, n)
    flips = {name: np.where(random.random(n) < 0.7, random.integers(1, 10, n) / 10, np.nan) for name in ORDERS}
    numbers = {name: np.abs(random.normal(0.2, 0.2, n)).clip(0, 0.69) for name in METHODS} | flips
    kept = tuple(
        (name, tuple(None if np.isnan(v) or name in without else float(v) for v in values))
        for name, values in numbers.items()
    )
    predicted, right = random.choice(3, n, p=[0.5, 0.3, 0.2]), random.random(n) < 0.8
    return Measured(
        "toy", "test", 1000, labels, tuple(range(n)), tuple(words.tolist()),
        tuple((predicted % len(labels)).tolist()), tuple(right.tolist()), tuple(random.random(n).tolist()), kept,
    )  # fmt: skip


def texts_in(spec):
    """Every text of the drawn picture."""
    svg = vl_convert.vegalite_to_svg({**spec, "$schema": "https://vega.github.io/schema/vega-lite/v6.json"})
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def brushed(spec, name, value):
    """The specification as it stands after a brush."""
    changed = copy.deepcopy(spec)
    (param,) = [param for param in changed["params"] if param["name"] == f"by_{name}"]
    param["value"] = value
    return changed


def array(found, name):
    return np.array([np.nan if v is None else v for v in dict(found.numbers)[name]])


def test_every_picture_has_a_question_a_claim_and_a_limit():
    for picture in PICTURES:
        assert picture.number in METHODS
        assert picture.question.endswith("?")
        assert len(picture.question) <= 40, "a longer question is cut off on a narrow screen"
        assert picture.shows.endswith(".")
        assert picture.shows_not.endswith(".")


def test_the_specification_is_valid_but_for_its_columns():
    spec = linked(measured(), (0, 1))
    assert spec["vconcat"][1]["columns"] == {"signal": COLUMNS}
    spec["vconcat"][1]["columns"] = 3
    alt.VConcatChart.from_dict(spec)


def test_drawn_numbers_are_numpys():
    found = measured()
    drawn, predicted = texts_in(linked(found, (0, 1))), np.array(found.predicted)
    own = np.isin(predicted, (0, 1))
    share = f"{np.array(found.right)[own].mean() * 100:.0f}% of them read rightly"
    assert f"{own.sum()} texts chosen, {share}" in drawn
    assert f"of {own.sum()} texts, {share}" in drawn
    for name in ("tau_weights_gradient", "tau_weights_removal", "tau_gradient_removal"):
        for one in (0, 1):
            values = array(found, name)[predicted == one]
            assert f"median {np.median(values):.2f}, n = {len(values)}" in drawn
    assert [drawn.count(f"predicted {label}") for label in LABELS] == [6, 6, 0]
    for one in (0, 1):
        sections = (4 * np.array(found.largest)[predicted == one]).astype(int)
        for section in range(len(SECTIONS)):
            assert f"n = {(sections == section).sum()}" in drawn


@pytest.mark.parametrize(("name", "value"), [
    ("tau_weights_gradient", {"x": [0.1, 0.3]}), ("adversary", {"x": [0.2, 0.6], "y": [0.1, 0.4]}),
    ("permutation", [{"s": SECTIONS[2]}, {"s": SECTIONS[3]}]),
])  # fmt: skip
def test_a_brush_in_one_picture_is_the_same_texts_in_the_others(name, value):
    found = measured()
    own, values, largest = np.isin(found.predicted, (0, 1)), array(found, name), np.array(found.largest)
    chosen = {
        "tau_weights_gradient": (values >= 0.1) & (values <= 0.3),
        "adversary": (largest >= 0.2) & (largest <= 0.6) & (values >= 0.1) & (values <= 0.4),
        "permutation": largest >= 0.5,
    }[name] & own
    assert 0 < chosen.sum() < own.sum()
    drawn = texts_in(brushed(linked(found, (0, 1)), name, value))
    assert any(text.startswith(f"{chosen.sum()} texts chosen") for text in drawn)
    other = array(found, "tau_gradient_removal")
    for one in (0, 1):
        there = chosen & (np.array(found.predicted) == one)
        assert f"median {np.median(other[there]):.2f}, n = {there.sum()}" in drawn


def test_flip_curves_count_texts_that_never_flip():
    found = measured()
    spec = linked(found, (0,))
    *curves, _ = spec["vconcat"][1]["concat"][-1]["vconcat"][0]["layer"]
    # The last points of the lines in words, as Vega works them out.
    end = {"filter": "datum.gone == 1"}
    shown = {
        **{key: spec[key] for key in ("$schema", "data", "params")},
        "vconcat": [
            spec["vconcat"][0],
            *spec["vconcat"][1]["concat"][:5],
            {"layer": [{
                "transform": [*layer["transform"], end,
                              {"calculate": "'end ' + datum.said + format(datum.flipped, '.4f')", "as": "told"}],
                "mark": "text", "encoding": {"text": {"field": "told"}},
            } for layer in curves]},
        ],
    }  # fmt: skip
    drawn = texts_in(shown)
    own = (np.array(found.predicted) == 0) & (np.array(found.words) > 1)
    for order, said in ORDERS.items():
        flipped = (~np.isnan(array(found, order)[own])).mean()
        assert f"end {said}{flipped:.4f}" in drawn
    (row,) = table_rows(found, (0,))
    assert row["never flips, heaviest first"].startswith(f"{np.isnan(array(found, 'erasure')[own]).mean() * 100:.0f}")


def test_what_a_reader_has_no_numbers_for_is_not_drawn():
    found = measured(without=("adversary", "permutation"))
    assert [picture.number for picture in pictures(found)] == [
        "tau_weights_gradient", "tau_weights_removal", "tau_gradient_removal", "erasure",
    ]  # fmt: skip
    assert "JSD (nats)" not in texts_in(linked(found, (0, 1)))


def test_commonest_classes_stand_in_the_order_of_the_data():
    found = measured()
    assert commonest(found) == [0, 1]
    assert commonest(found, 1) == [0]
    assert commonest(found, 9) == [0, 1, 2]


def test_the_reader_keeps_its_colour_in_both_themes():
    colours = {str(linked(measured(), (0,), place, dark)).count("#23377d") for place in (0, 1) for dark in (0, 1)}
    assert len(colours) == 2
    assert str(linked(measured(), (0,), 0, False)).count("#23377d") > 5


def test_rows_and_tables_hold_every_text_and_escape_labels():
    found = measured()
    rows = rows_of(found)
    assert len(rows) == 240
    assert rows[7]["adversary"] == dict(found.numbers)["adversary"][7]
    assert rows[7]["predicts"] == LABELS[found.predicted[7]]
    assert "&lt;b&gt;maybe" in table_html(found, (0, 2))
    assert count_words(found) == "240 test texts of toy, drawn by chance from its 1,000"
