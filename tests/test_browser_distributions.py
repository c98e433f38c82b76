"""A real browser on the page Distributions: a drag in one picture is the same texts in all others."""

from __future__ import annotations

import re

import pytest
from test_browser import PATIENCE, browser, serve, visit
from test_browser_debate import WIDER

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    # The distributions belong to the shipped weights.
    with serve("shipped", tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def said(chart):
    """How many texts are chosen, and how many of them each histogram shows."""
    told = chart.locator("svg text").all_text_contents()
    (chosen,) = [text for text in told if "texts chosen" in text]
    shown = [int(re.search(r"n = (\d+)", text)[1]) for text in told if text.startswith("median ") and "n =" in text]
    return int(chosen.split()[0]), shown


@pytest.mark.parametrize(("width", "across"), [(1440, 3), (420, 1)])
def test_dragging_over_a_picture_chooses_the_same_texts_in_all(server, visit, width, across):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    one = visit(width=width)
    page = one.page
    # The first visit to a busy machine also waits for the imports.
    page.set_default_timeout(3 * PATIENCE)
    one.open(f"{server}/distributions?task=trec")
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.locator("svg text").filter(has_text="texts chosen").wait_for()
    assert page.evaluate(WIDER) <= 0
    questions = chart.locator("svg text").filter(has_text=re.compile(r"\?$")).all()
    lines = [round(question.bounding_box()["y"] / 20) for question in questions]
    assert (len(lines), max(map(lines.count, lines))) == (6, across)
    every, shown = said(chart)
    assert len(shown) == 6
    assert [sum(shown[:2]), sum(shown[2:4]), sum(shown[4:])] == [every] * 3
    bars = chart.locator('g[class*="tau_weights_gradient_"][class*="_marks"]').first
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(chart.locator("svg text").filter(has_text="texts chosen")).not_to_contain_text(f"{every} texts")
    chosen, shown = said(chart)
    assert 0 < chosen < every
    assert [sum(shown[:2]), sum(shown[2:4]), sum(shown[4:])] == [chosen] * 3
    one.check()
