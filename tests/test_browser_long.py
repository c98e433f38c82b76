"""A long method in a real browser: cheap maps first, Cancel within a second, other visitors served meanwhile."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from test_browser import browser, serve, visit

__all__ = ["browser", "visit"]  # fixtures

SENTENCE = "The plot of this film is not as bad as people say, and the cast does what it can, but it is never alive. "
QUERY = urlencode({
    "task": "imdb", "readers": "bilstm.attention,bilstm.apln",
    "methods": "attention,exact_share,leave_one_out,shapley_sampling:permutations=128", "text": (SENTENCE * 20)[:1990],
})  # fmt: skip
ROWS = "section.row"
PATIENCE = 30_000  # milliseconds, on a machine with other work
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app on the shipped classifiers: the long texts of this task take their time."""
    with serve("shipped", tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def test_a_long_method_can_be_stopped_and_blocks_nobody(server, visit):
    from playwright.sync_api import expect

    one = visit()
    page = one.page
    page.goto(f"{server}/?{QUERY}")
    cancel = page.get_by_role("button", name="Cancel")
    bar = page.get_by_test_id("stProgress")
    bar.get_by_text("Shapley sampling (BiLSTM · Attention)").wait_for()
    # What is cheap is there: three rows of words and the pooler's own for each reader, and a sentence for the last.
    expect(page.locator(f"{ROWS} .map:visible")).to_have_count(8, timeout=PATIENCE)
    waiting = page.locator(ROWS).filter(has_text="Shapley sampling").filter(has_text="Not computed yet")
    expect(waiting).to_have_count(2, timeout=PATIENCE)
    first = bar.inner_text()
    page.wait_for_function("told => document.querySelector('[data-testid=stProgress]').innerText !== told", arg=first)

    # A word can be clicked meanwhile.
    one.words.nth(5).click()
    page.get_by_text("chosen: “is”").wait_for()
    page.get_by_role("heading", name="The chosen word").wait_for()
    assert cancel.is_visible()

    # Another visitor is served in the usual time, and the first one's work goes on.
    two = visit().open(server)
    two.page.get_by_text("forward passes for the explanations").wait_for()
    expect(two.page.locator(".panel")).to_have_count(3, timeout=PATIENCE)
    assert cancel.is_visible()

    # Cancel stops it: the page says so, and the process has nothing left to do.
    page.bring_to_front()
    started = time.monotonic()
    cancel.click()
    page.get_by_role("button", name="Compute the rest").wait_for()
    # A second on a machine that has nothing else to do; the rest of the work would take minutes.
    assert time.monotonic() - started < 20
    expect(cancel).to_have_count(0, timeout=PATIENCE)
    stopped = page.locator(ROWS).filter(has_text="Shapley sampling").filter(has_text="Stopped before it was finished")
    expect(stopped).to_have_count(2, timeout=PATIENCE)
    expect(page.locator(f"{ROWS} .map:visible")).to_have_count(8, timeout=PATIENCE)

    # It can be taken up again, and another choice of methods drops it for good.
    page.get_by_role("button", name="Compute the rest").click()
    bar.wait_for()
    page.get_by_role("button", name="All methods by family").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Shapley sampling", exact=True).click()
    dialog.get_by_role("button", name="Draw 3 maps").wait_for()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_text("forward passes for the explanations").wait_for()
    expect(bar).to_have_count(0, timeout=PATIENCE)
    expect(page.locator(ROWS).filter(has_text="Shapley")).to_have_count(0, timeout=PATIENCE)
