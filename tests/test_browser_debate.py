"""A real browser on the page Debate: the dial by keyboard, every experiment drawn, nothing scrolls sideways."""

from __future__ import annotations

import re

import pytest
from app_zoo import make_zoo
from test_browser import PATIENCE, browser, serve, visit

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NAMES = (
    "Correlation", "Permutation", "Adversarial attention", "Smallest edit", "Dial the attention", "Erasure", "Cone",
    "Sanity checks", "Faithfulness", "Scorecard",
)  # fmt: skip
WIDER = """() => document.querySelector('[data-testid="stMain"]').scrollWidth - window.innerWidth"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    zoo = make_zoo(tmp_path_factory.mktemp("zoo"))
    with serve(zoo, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


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
        page.get_by_role("radio", name=name, exact=True).click()
        one.settle()
        page.locator("h3, h2").first.wait_for()
        assert page.evaluate(WIDER) <= 0, name
        for canvas in page.locator('[data-testid="stVegaLiteChart"]').all():
            assert canvas.bounding_box()["width"] > 100, name
