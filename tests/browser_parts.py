"""What the laboratories' browser tests share: a server on a zoo of their own, choosing, and seeing what is drawn."""

from __future__ import annotations

import pytest
from test_browser import PATIENCE, serve

WIDER = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return main.scrollWidth - main.clientWidth;
}"""


def server_of(make):
    """Return the fixture of a server on the zoo that ``make`` writes, one for a file of tests."""

    @pytest.fixture(scope="module")
    def server(tmp_path_factory):
        zoo = make(tmp_path_factory.mktemp("zoo"))
        with serve(zoo, tmp_path_factory.mktemp("log") / "server.log") as address:
            yield address

    return server


def choose(one, name):
    """Press one of a row of buttons, and wait until the page says that it is pressed and has been drawn."""
    from playwright.sync_api import expect

    button = one.page.get_by_role("radio", name=name, exact=True)
    button.click()
    expect(button).to_be_checked(timeout=PATIENCE)
    one.settle()


def drawn(one, charts):
    """Every chart there must be is drawn, and nothing is wider than the screen."""
    from playwright.sync_api import expect

    pictures = one.page.locator('[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg')
    expect(pictures).to_have_count(charts, timeout=PATIENCE)
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        assert picture.bounding_box()["width"] > 100
    assert one.page.evaluate(WIDER) <= 0
