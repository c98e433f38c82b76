"""Figures of the twins: numbers in every cell, colours by size, scales that hold all points, names that stay text."""

from __future__ import annotations

import re

import pytest

from viz import debate_twins
from viz.debate_twins import Scored, Spot


def layers(chart, kind):
    return [layer for layer in chart.to_dict()["layer"] if layer["mark"]["type"] == kind]


def test_two_matrices_hold_every_number_and_leave_the_diagonal_out():
    drawn = debate_twins.crossed_html(
        ("one", "<b>two"), ((0.0, 0.69), (0.69, 0.0)), ((None, -0.5), (-0.5, None))
    )
    assert drawn.count(">0.690<") == 2
    assert drawn.count(">−0.50<") == 2
    assert drawn.count(">·<") == 4
    assert "<b>two" not in drawn
    assert drawn.count("&lt;b&gt;two") == 4


def test_colour_grows_with_the_distance_up_to_ln_2_and_tau_is_signed():
    drawn = debate_twins.crossed_html("abc", ((0, 0.01, 0.693147), (0.01, 0, 0.3), (0.693147, 0.3, 0)),
                                      ((None, 1.0, -1.0), (1.0, None, None), (-1.0, None, None)))  # fmt: skip
    steps = {words: int(step) for step, words in re.findall(r'class="u(\d+)">([\d.]+)<', drawn)}
    assert steps["0.693"] == 16
    assert steps["0.010"] < steps["0.300"] < 16
    assert drawn.count('class="p16">1.00<') == 2
    assert drawn.count('class="n16">−1.00<') == 2
    assert drawn.count('class="z">–<') == 2


def test_the_curve_holds_the_means_in_their_order_and_every_point_is_inside():
    means = [Spot("λ 0.1", 0.6, 0.02), Spot("λ 1", 0.2, 0.3)]
    chart = debate_twins.curve_chart(means, [Spot("another seed", 0.04, 0.06)], Spot("this text", 0.69, 0.5), "λ 1")
    (line,) = layers(chart, "line")
    assert line["encoding"]["order"]["field"] == "order"
    assert line["encoding"]["y"]["scale"]["domain"][1] > 0.5
    assert line["encoding"]["x"]["scale"]["domain"][1] > 0.693147
    rows = [row for data in chart.to_dict()["datasets"].values() for row in data]
    assert [row["now"] for row in rows if row.get("order") == 1][0] is True
    assert [row["now"] for row in rows if row.get("order") == 0][0] is False


def test_points_of_a_crowd_share_one_label_and_lose_no_name():
    known = (("λ 0.001", 0.03, 0.04), ("λ 0.007", 0.5, 0.06), ("λ 0.01", 0.52, 0.06), ("λ 0.1", 0.68, 0.09))
    means = [Spot(*one) for one in known]
    chart = debate_twins.curve_chart(means, [], Spot("this text", 0.3, 0.1), "λ 0.01")
    rows = [row for data in chart.to_dict()["datasets"].values() for row in data if row.get("kind") == "mean"]
    assert [row["label"] for row in rows] == ["λ 0.001", "λ 0.007, 0.01", "", "λ 0.1"]
    assert [row["name"] for row in rows] == [spot.name for spot in means]


def test_without_seeds_there_are_no_crosses():
    chart = debate_twins.curve_chart([Spot("λ 1", 0.2, 0.3)], [], Spot("this text", 0.1, 0.1), "λ 1")
    assert {layer["mark"]["shape"] for layer in layers(chart, "point")} == {"diamond"}


@pytest.mark.parametrize("band", [None, (0.7, 0.9)])
def test_the_axis_of_accuracies_holds_the_band_and_does_not_begin_at_0(band):
    chart = debate_twins.accuracy_chart([Scored("a", 0.8, True), Scored("b", 0.81)], band)
    low, high = layers(chart, "circle")[0]["encoding"]["x"]["scale"]["domain"]
    assert 0.5 < low < min(0.8, *(band or ()), 1)
    assert high > max(0.81, *(band or ()), 0)
    assert len(layers(chart, "rect")) == (band is not None)
    for layer in layers(chart, "rect"):
        assert layer["encoding"]["x"]["scale"]["zero"] is False


def test_an_axis_never_leaves_the_accuracies_there_are():
    chart = debate_twins.accuracy_chart([Scored("a", 0.0), Scored("b", 1.0)], None)
    assert layers(chart, "circle")[0]["encoding"]["x"]["scale"]["domain"] == [0.0, 1.0]
