"""A real browser on the pages Zoo and Movie: what AppTest cannot see."""

from __future__ import annotations

import re

import pytest
from film_zoo import make_film_zoo
from test_browser import PATIENCE, browser, serve, visit

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
SPY = """() => {
  const send = WebSocket.prototype.send;
  window.told = 0;
  WebSocket.prototype.send = function (...what) { window.told += 1; return send.apply(this, what); };
}"""
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(make_film_zoo(tmp_path_factory.mktemp("zoo")), tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


def test_the_film_plays_without_asking_the_server(server, visit):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    one = visit().open(f"{server}/movie?readers=bilstm.attention,bilstm.apln")
    page = one.page
    page.locator(".panel").nth(1).wait_for()
    one.settle()
    expect(page.locator(".epoch")).to_have_text("epoch 1 of 3")
    told = []
    page.on("websocket", lambda socket: told.append(socket.url))
    page.evaluate(SPY)
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".epoch")).to_have_text("epoch 3 of 3")
    page.get_by_role("button", name="Play again").wait_for()
    assert page.evaluate("window.told") == 0
    assert told == []
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".epoch")).to_have_text("epoch 2 of 3")
    # Another sentence is another film, from its first epoch on.
    one.choose("Sentence", lambda page: page.get_by_role("option").nth(2))
    expect(page.locator(".words").first).to_contain_text("for ten minutes")
    expect(page.locator(".epoch")).to_have_text("epoch 1 of 3")
    page.wait_for_url(re.compile("sentence=2"))


def test_a_card_opens_its_classifier_on_compare(server, visit):
    one = visit().open(f"{server}/zoo?task=ag_news&methods=attention,exact_share&scale=root")
    page = one.page
    page.locator(".ps-track").wait_for()
    one.settle()
    one.choose("Card", lambda page: page.get_by_role("option", name="SST-2: Embedding · Attention"))
    page.locator(".ps-facts", has_text="SST-2").wait_for()
    one.settle()
    page.get_by_role("button", name="Read with it on Compare").click()
    page.get_by_role("heading", name="Compare", exact=True).wait_for()
    page.locator(".panel", has_text="Embedding · Attention").wait_for()
    page.wait_for_url(re.compile("task=sst2"))
    # Nothing else that was chosen is lost on the way.
    page.wait_for_url(re.compile("scale=root"))
    assert page.locator(".panel").first.locator(".row").count() == 3


def test_nothing_scrolls_sideways_on_a_narrow_screen(server, visit):
    one = visit(width=420, height=900)
    for path, there in (("zoo", ".ps-track"), ("zoo?section=norms", ".ps-grid"), ("movie", ".panel")):
        one.open(f"{server}/{path}")
        one.page.locator(there).first.wait_for()
        one.settle()
        wide, narrow = one.page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]'); "
            "return [Math.max(main.scrollWidth, document.documentElement.scrollWidth), innerWidth]; }"
        )
        assert wide <= narrow, path
