"""Figures of the zoo: every classifier has its dot, every cell its number, every line its letter."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from viz import palette
from viz.curves import Course, curve, quantities
from viz.facts import facts_html
from viz.grid import Cell, grid
from viz.norm_grid import NormCell, norm_grid, norm_row
from viz.overview import Group, Scored, overview, spread, verdict
from viz.track import axis

NASTY = "<script>x</script>"


class Elements(HTMLParser):
    """Every element with its attributes, and the text inside each table cell."""

    def __init__(self, source) -> None:
        super().__init__()
        self.found, self.cells = [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data

    def of(self, name):
        return [attrs for tag, attrs in self.found if attrs.get("class", "").split()[:1] == [name] and tag == "i"]


def left(attrs):
    return float(re.search(r"left:([\d.]+)%", attrs["style"])[1])


def test_the_overview_places_dots_and_marks_those_below_the_baseline():
    groups = [
        Group("SST-2", (Scored("CNN · Mean", 0.80), Scored("BiLSTM · APLN", 0.90), Scored(NASTY, 0.84)), ("SVM", 0.82)),
        Group("TREC", (Scored("CNN · Max", 0.85),)),
        Group("empty", ()),
    ]
    source = overview(groups)
    seen = Elements(source)
    dots = seen.of("d")
    # The axis runs from .80 to .90.
    assert [(left(dot), dot["class"]) for dot in dots] == [
        (0, "d below"), (40, "d"), (100, "d best"), (50, "d best"),
    ]  # fmt: skip
    assert [left(mark) for mark in seen.of("m")] == [20]
    assert "0.900 BiLSTM · APLN · 1 of 3 below SVM (0.820)" in source
    assert "0.850 CNN · Max" in source
    assert "<script" not in source
    assert "empty" not in source


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        (0.85, "3.0 points above SVM (0.820)"), (0.80, "BELOW SVM (0.820) by 2.0 points"),
        (0.8201, "level with SVM (0.820)"),
    ],
)  # fmt: skip
def test_the_verdict_against_a_bag_of_words_is_said_in_words(accuracy, words):
    assert verdict(accuracy, ("SVM", 0.82)) == words
    assert verdict(accuracy, None) is None


def test_one_seed_has_no_deviation_in_words():
    assert spread(0.83111, 0.0042) == "0.831 ± 0.004\u202fsd"
    assert spread(0.83111, None) == "0.831"


@pytest.mark.parametrize("values", [(0.0,), (-3.2, 0.0, 41.0), (0.81, 0.812), (-0.0001, 0.0)])
def test_an_axis_holds_its_values_with_few_marks(values):
    on = axis(values, 0.5, str)
    assert on.low <= min(values)
    assert on.high >= max(values)
    assert on.low < on.high
    assert 2 <= len(on.ticks) <= 10
    assert on.at(on.low) == "0.00%"
    assert on.at(on.high + 9) == "100.00%"


def test_the_grid_of_norms_has_a_number_a_range_and_a_colour_in_each_cell():
    cells = [
        NormCell("SST-2 · CNN", "APLN", 0.5, 0.5, 0.5, 1.0),
        NormCell("SST-2 · CNN", "Learned norm", 2.0, 1.03, 4.44, 2.0, runs=3),
        NormCell("TREC · CNN", "APLN", 1.001, 1.001, 1.001),
    ]
    source = norm_grid(cells)
    seen = Elements(source)
    assert seen.cells == [
        "task · encoder", "APLN", "Learned norm", "SST-2 · CNN", "0.50", "2.001.03–4.44", "TREC · CNN", "1.00", "–",
    ]  # fmt: skip
    half, double = (palette.swatch(step, True).background for step in (-8, 8))
    assert f"background:light-dark({half}" in source
    assert f"background:light-dark({double}" in source
    assert [attrs.get("style") for tag, attrs in seen.found if tag == "td"][2] is None
    assert "mean of 3 seeds; it started at 2.00" in source
    assert norm_row(cells[1])["highest"] == 4.44


def test_a_grid_escapes_and_says_what_is_missing():
    source = grid("corner", [NASTY, "b"], [(NASTY, [Cell(NASTY, NASTY, title=NASTY), None])])
    assert "<script" not in source
    assert source.count("&lt;script&gt;") == 5
    assert 'title="b: not there"' in source


COURSES = [
    Course("SST-2: A", 2, ({"epoch": 0, "p": 1.0}, {"epoch": 1, "loss": 0.5, "p": 1.2, "tau": None},
                           {"epoch": 2, "loss": 0.4, "p": 1.1})),
    Course("TREC: B", 0, ({"epoch": 1, "loss": 0.9, "dev": 0.7}, {"epoch": 2, "loss": 0.6, "dev": 0.8})),
]  # fmt: skip


def rows(chart):
    spec = chart.to_dict()
    (values,) = spec["datasets"].values() if "datasets" in spec else [spec["data"]["values"]]
    return spec, values


def test_curves_have_the_readers_colours_and_a_letter_at_the_end():
    assert quantities(COURSES) == ["loss", "dev", "p"]
    spec, found = rows(curve(COURSES, "loss"))
    assert [(row["mark"], row["epoch"], row["loss"], row["end"]) for row in found] == [
        ("C", 1, 0.5, ""), ("C", 2, 0.4, "C"), ("A", 1, 0.9, ""), ("A", 2, 0.6, "A"),
    ]  # fmt: skip
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["C", "A"], "range": [palette.reader(2), palette.reader(0)]}
    assert spec["title"] == "training loss (nats)"


def test_a_quantity_draws_only_those_who_have_it():
    _, found = rows(curve(COURSES, "p", dark=True))
    assert {row["mark"] for row in found} == {"C"}
    assert [row["p"] for row in found] == [1.0, 1.2, 1.1]


def test_facts_leave_out_what_is_not_known_and_escape():
    source = facts_html([("accuracy", "0.81"), ("p", "")], [("Task", NASTY), ("Words", "")])
    assert "0.81" in source
    assert ">p<" not in source
    assert "Words" not in source
    assert "<script" not in source
