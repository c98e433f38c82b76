"""A real browser on the page Debate: the dial by keyboard, every experiment drawn, nothing scrolls sideways."""

from __future__ import annotations

import re

import pytest
from app_zoo import make_zoo
from browser_parts import WIDER, choose, server_of
from test_browser import PATIENCE, browser, visit

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NAMES = (
    "Correlation", "Permutation", "Adversarial attention", "Smallest edit", "Dial the attention", "Erasure", "Cone",
    "Sanity checks", "Faithfulness", "Scorecard",
)  # fmt: skip
server = server_of(make_zoo)


def test_the_dial_turns_by_keyboard_and_undoes(server, visit):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    one = visit().open(f"{server}/debate?experiment=dial")
    page = one.page
    slider = page.get_by_role("slider", name="Its weight")
    slider.wait_for()
    one.settle()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    before = float(slider.input_value())
    slider.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    one.settle()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    after = float(page.get_by_role("slider", name="Its weight").input_value())
    assert after > before
    page.get_by_text(re.compile(r"weights changed by 0?\.?\d")).wait_for()
    while page.get_by_role("button", name="Undo").is_enabled():
        page.get_by_role("button", name="Undo").click()
        one.settle()
    expect(page.get_by_text("weights changed by 0 (JSD")).to_be_visible()
    assert float(page.get_by_role("slider", name="Its weight").input_value()) == before


@pytest.mark.parametrize("width", [1440, 420])
def test_every_experiment_is_drawn_at_this_width(server, visit, width):
    one = visit(width=width).open(f"{server}/debate")
    page = one.page
    for name in NAMES:
        choose(one, name)
        page.locator("h3, h2").first.wait_for()
        assert page.evaluate(WIDER) <= 0, name
        for canvas in page.locator('[data-testid="stVegaLiteChart"]').all():
            assert canvas.bounding_box()["width"] > 100, name


def test_the_ladder_turns_from_attached_to_detached_gradients_and_a_link_keeps_it(server, visit):
    from playwright.sync_api import expect

    one = visit(width=420).open(f"{server}/gradient?readers=bilstm.attention")
    expect(one.page.get_by_text("Shown attached:")).to_be_visible(timeout=PATIENCE)
    choose(one, "Detached: weights held constant")
    expect(one.page.get_by_text("Shown detached:")).to_be_visible(timeout=PATIENCE)
    expect(one.page.get_by_text("Shown attached:")).to_have_count(0)
    one.page.wait_for_url(re.compile("through=detached"))
    assert one.page.evaluate(WIDER) <= 0
    other = visit().open(one.page.url)
    expect(other.page.get_by_text("Shown detached:")).to_be_visible(timeout=PATIENCE)
