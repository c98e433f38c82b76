"""A real browser on Twins, the scorecard and the norm laboratory: drawn at any width, kept by the address."""

from __future__ import annotations

import re

import pytest
from browser_parts import WIDER, choose, drawn, server_of
from test_browser import PATIENCE, browser, visit
from twin_zoo import make_twin_zoo

from models.twin_panels import PANELS
from pages._norm_lab import PARTS

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
server = server_of(make_twin_zoo)


@pytest.mark.parametrize("width", [1440, 420])
def test_every_question_to_the_twins_is_drawn_and_a_link_opens_the_last_one(server, visit, width):
    from playwright.sync_api import expect

    one = visit(width=width).open(f"{server}/debate?experiment=twins")
    charts = {"seeds": 0, "uniform": 1, "adversarial": 1, "deceptive": 0, "diverse": 0, "guided": 1}
    assert set(charts) == {panel.name for panel in PANELS}
    for panel in PANELS:
        choose(one, panel.title)
        expect(one.page.get_by_role("heading", name=panel.question)).to_be_visible(timeout=PATIENCE)
        drawn(one, charts[panel.name])
    one.page.wait_for_url(re.compile(r"twins=guided"))
    choose(one, "Adversaries")
    slider = one.page.get_by_role("slider", name=re.compile("^λ"))
    slider.focus()
    one.page.keyboard.press("ArrowRight")
    one.page.wait_for_url(re.compile(r"strength=0\.1(&|$)"))
    one.settle()
    other = visit(width=width).open(one.page.url)
    expect(other.page.get_by_text("The adversary with λ 0.1")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("width", [1440, 420])
def test_the_scorecard_asks_every_experiment_in_one_table(server, visit, width):
    from playwright.sync_api import expect

    one = visit(width=width).open(f"{server}/debate?experiment=scorecard")
    rows = one.page.locator("table.ps-rows tbody tr")
    expect(rows).to_have_count(11, timeout=PATIENCE)
    table = one.page.locator("table.ps-rows")
    for words in ("median change", "JSD", "conicity", "random maps reach", "between 3 seeds"):
        expect(table).to_contain_text(words, timeout=PATIENCE)
    expect(one.page.get_by_text("There is no sum of these rows")).to_be_visible()
    drawn(one, 0)


@pytest.mark.parametrize("width", [1440, 420])
def test_every_part_of_the_norm_laboratory_is_drawn_and_stands_in_the_address(server, visit, width):
    from playwright.sync_api import expect

    one = visit(width=width).open(f"{server}/norms")
    asked = {
        "readings": "Which of its readings does the formula stand for", "limits": "What does each way of making",
        "forms": "Does it matter how the power is computed", "swap": "What breaks when the pooler is exchanged",
        "learned": "Who decides which p is learned",
    }  # fmt: skip
    assert set(asked) == set(PARTS)
    for name, question in asked.items():
        choose(one, PARTS[name][0])
        expect(one.page.get_by_text(re.compile(question))).to_be_visible(timeout=PATIENCE)
        one.page.wait_for_url(re.compile(f"lab={name}"))
        assert one.page.evaluate(WIDER) <= 0, name
    other = visit(width=width).open(f"{server}/norms?lab=forms")
    expect(other.page.get_by_text(re.compile(asked["forms"]))).to_be_visible(timeout=PATIENCE)
