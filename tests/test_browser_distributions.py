"""A real browser on the page Distributions: a drag in one picture is the same texts in all others."""

from __future__ import annotations

import numpy as np
import pytest
from app_zoo import make_zoo
from test_browser import PATIENCE, browser, serve, visit
from test_browser_debate import WIDER

from models.debate.columns import columns, save
from models.debate.reference import file_of
from models.debate.rows import ERASURES, METHODS
from models.zoo.catalogue import catalogue

# The fixtures live where the other browser tests are.
__all__ = ["browser", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TEXTS = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    zoo, folder = make_zoo(tmp_path_factory.mktemp("zoo")), tmp_path_factory.mktemp("reference")
    spec = next(card.spec for card in catalogue(zoo) if card.spec.id == "sst2/bilstm/attention")
    random = np.random.default_rng(2)
    rows = [
        {"text": i, "words": 10, "label": i % 2, "predicted": i // 60, "largest": random.random(), "p_value": None,
         "method": method, "value": None if method in ERASURES and i % 3 else float(random.integers(1, 7) / 10)}
        for i in range(TEXTS) for method in METHODS
    ]  # fmt: skip
    key = {"model": spec.id, "digest": spec.digest, "data": "sst2", "split": "test", "of": TEXTS}
    save(columns(key, rows, spec.labels), file_of(spec.id, folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOLSCOPE_REFERENCE", str(folder))
        with serve(zoo, tmp_path_factory.mktemp("log") / "server.log") as address:
            yield address


def count(page):
    """How many texts the figure says are chosen."""
    return int(page.get_by_text("texts chosen").first.text_content().split()[0])


@pytest.mark.parametrize("width", [1440, 420])
def test_dragging_over_a_picture_chooses_texts_in_all(server, visit, width):
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    one = visit(width=width).open(f"{server}/distributions")
    page = one.page
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.locator("canvas, svg").first.wait_for()
    assert page.evaluate(WIDER) <= 0
    one.check()
