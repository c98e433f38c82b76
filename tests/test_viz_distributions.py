"""Cumulative curves pass through what was kept, class by class, and the table says the same."""

from __future__ import annotations

import numpy as np
import pytest

from models.debate.rows import METHODS
from models.experiment_records import Reference
from viz import wording
from viz.distributions import NUMBERS, Fallen, curves, heading, rows_of, table_html

VALUES = np.sort(np.random.default_rng(1).normal(0.2, 0.2, 400).clip(-1, 1))


def reference(label="negative", values=VALUES, **changes):
    said = dict(
        method="tau_weights_gradient", data="sst2", split="test", label=label, n=len(values),
        mean=float(values.mean()), sd=float(values.std(ddof=1)), significant=0.25, undefined=3,
        values=tuple(map(float, values)),
    )  # fmt: skip
    return Reference(**said | changes)


def fallen(*classes, place=0):
    return Fallen("BiLSTM · Attention", place, classes or (reference(), reference("positive", VALUES / 2)))


def spec_of(found, dark=False):
    return curves(found, NUMBERS["tau_weights_gradient"], dark).to_dict()


def points(spec):
    return spec["datasets"][spec["data"]["name"]]


def test_every_number_of_the_debate_has_a_question_and_a_range():
    assert set(NUMBERS) == set(METHODS)
    for number in NUMBERS.values():
        assert number.question.endswith("?")
        assert number.low < number.high
        assert f"{number.low:g}".replace("-", "−") in number.measures
        assert len(number.axis) < 20, "a long title is cut off on a narrow screen"


def test_the_curve_is_the_empirical_one_at_every_point():
    rows = points(spec_of(fallen(reference())))
    assert len(rows) == 51
    for row in rows:
        at_most = float((row["value"] >= VALUES).mean())
        assert row["part"] == pytest.approx(at_most, abs=1 / 400 + 1e-9)
    assert [row["part"] for row in rows] == sorted(row["part"] for row in rows)


def test_classes_are_told_apart_by_dashes_on_one_axis():
    spec = spec_of(fallen())
    line, median = spec["layer"]
    dash = line["encoding"]["strokeDash"]["scale"]
    assert dash["domain"] == ["negative", "positive"]
    assert dash["range"][0] != dash["range"][1]
    assert line["encoding"]["x"]["scale"]["domain"] == [-1, 1]
    assert line["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert median["transform"] == [{"filter": "datum.part == 0.5"}]
    assert sum(row["part"] == 0.5 for row in points(spec)) == 2
    assert heading(fallen(place=1)) == "B · BiLSTM · Attention"


def test_a_reader_keeps_its_colour():
    first, second = (spec_of(fallen(place=place))["layer"][0]["mark"]["color"] for place in (0, 1))
    assert first != second
    assert first != spec_of(fallen(), dark=True)["layer"][0]["mark"]["color"]


def test_the_rows_are_the_distribution_in_numbers():
    first, second = rows_of([fallen()])
    assert first["median"] == pytest.approx(float(np.median(VALUES)), abs=1e-9)
    assert first["10 %"] == pytest.approx(float(np.quantile(VALUES, 0.1)), abs=1e-9)
    assert (first["texts"], first["without a value"], first["p ≤ .05"]) == (400, 3, 0.25)
    assert (first["predicts"], second["predicts"]) == ("negative", "positive")


def test_the_table_leaves_out_what_no_row_has_and_escapes_labels():
    html = table_html([fallen(reference("<b>x</b>", significant=None, undefined=0))])
    assert "p ≤ .05" not in html
    assert "without a value" not in html
    assert "<b>x</b>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "without a value" in table_html([fallen()])
    assert f"{wording.number(VALUES.mean())} ± " in table_html([fallen()])
    assert f"{wording.number(VALUES.mean())} ± " not in table_html([fallen(reference(sd=None))])
