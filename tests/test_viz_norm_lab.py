"""Figures of the norm laboratory say what the records hold."""

from __future__ import annotations

import dataclasses
import math

import pytest
from tiny_classifiers import TEXT, tiny

from models.normlab.readings import norm_readings
from models.records import Request
from viz import norm_lab


@pytest.fixture(scope="module")
def readings():
    return norm_readings(tiny("bilstm", "apln", labels=("against", "for")), Request(TEXT), 3.0)


def test_a_broken_identity_is_said_in_words(readings):
    broken = tuple(
        dataclasses.replace(one, residual=math.nan if n == 0 else 0.5) if n < 2 else one
        for n, one in enumerate(readings.identities)
    )
    page = norm_lab.identity_html(dataclasses.replace(readings, identities=broken))
    assert page.count("does not hold") == 2
    assert "not a number" in page
    assert page.count(">holds<") == len(broken) - 2
    assert [row["holds"] for row in norm_lab.identity_rows(readings)] == [True] * len(broken)


def test_a_and_c_differ_by_one_number(readings):
    a, _, c = readings.points
    assert [y / x for x, y in zip(a.pooled, c.pooled, strict=True)] == pytest.approx(
        [readings.factor] * len(a.pooled), rel=1e-9
    )
    assert f"{readings.factor:.3f}" in norm_lab.factor_words(readings)
    assert "C is A itself" in norm_lab.factor_words(dataclasses.replace(readings, factor=1.0))


def test_user_words_are_shown_and_not_obeyed():
    found = norm_readings(tiny("bilstm", "apln"), Request("<b>film</b> \x00"), 2.0)
    (rows,) = norm_lab.share_chart(found).to_dict()["datasets"].values()
    names = [row["name"] for row in rows]
    assert any("film" in name for name in names)
    assert not any("\x00" in name for name in names)
    rows = norm_lab.reading_rows(found)
    assert [row["reading"][0] for row in rows] == ["A", "B", "C"]
    assert "as trained" in rows[0]["reading"]
