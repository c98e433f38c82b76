"""Long methods: the page shows what is there, tells how far the rest is, and stops it when asked."""

from __future__ import annotations

import threading

import pytest
from app_zoo import make_zoo, open_app, payload, read, said
from streamlit.runtime.caching.cache_resource_api import clear_session_cache

from models import desk as desks
from models.attribution.progress import STOPPED
from models.desk import WAITING
from pages import _cache, _progress
from pages._state import Key

PATIENCE = 30.0
LAST = "integrated_gradients"  # reads the most of the first methods, so it comes last


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


class Hold:
    """Holds the readers' last maps before their first chunk until it is opened."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()
        self.desk, self.original = None, desks.attribution

    def made(self):
        """The desk of the visitor, whom the fixture makes it for."""
        self.desk = desks.Desk()
        return self.desk

    def __call__(self, method, reading, text, target):
        if method.name == LAST:
            follow = reading.ledger.between

            def between(coming):
                self.reached.set()
                assert self.opened.wait(PATIENCE)
                follow(coming)

            reading.ledger.between = between
        return self.original(method, reading, text, target)


@pytest.fixture
def hold(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))
    monkeypatch.setattr(_progress, "PATIENCE", 0.7)
    made = Hold()
    monkeypatch.setattr(desks, "attribution", made)
    monkeypatch.setattr(_cache, "desk", lambda: made.desk or made.made())
    yield made
    made.opened.set()


def rows(app, reader=0):
    return {row["key"]: row for row in payload(app)["readers"][reader]["rows"]}


def open_waiting(hold, page="compare", params=None):
    """Open the app and run it until the cheap maps are there and the long one has begun."""
    app = open_app(page, params)
    assert hold.reached.wait(PATIENCE)
    return app.run()


def test_cheap_maps_are_shown_while_a_long_one_is_computed(hold):
    app = open_waiting(hold)
    assert not app.exception
    for reader in range(3):
        found = rows(app, reader)
        assert found["leave_one_out"]["v"]
        assert found[LAST]["reason"] == WAITING
    assert app.button(key=Key.CANCEL)
    (bar,) = app.get("progress")
    told = "9 of 12 maps done · Integrated gradients (BiLSTM · Attention): 0 of at most 513"
    assert bar.proto.text.startswith(told)
    assert "no ranking" not in said(app)
    hold.opened.set()
    assert hold.desk.wait(PATIENCE)
    app.run()
    assert all(rows(app, reader)[LAST]["v"] for reader in range(3))
    assert not app.get("progress")
    assert "forward passes for the explanations" in said(app)


def test_cancel_stops_and_keeps_what_is_there_and_the_rest_can_be_asked_for(hold):
    app = open_waiting(hold)
    app.button(key=Key.CANCEL).click().run()
    assert not app.exception
    assert rows(app)[LAST]["reason"] == STOPPED
    assert rows(app)["leave_one_out"]["v"]
    assert not app.get("progress")
    assert "3 maps of 12 stopped" in said(app)
    hold.opened.set()
    app.run()
    assert rows(app)[LAST]["reason"] == STOPPED
    app.button(key=Key.RESUME).click().run()
    assert hold.desk.wait(PATIENCE)
    app.run()
    assert rows(app)[LAST]["v"]
    assert "stopped" not in said(app)


def test_another_text_ends_the_work_on_the_last_one(hold, monkeypatch):
    app = open_waiting(hold)
    app.multiselect(key=Key.METHODS).set_value(["attention", "saliency[norm=l1]"])
    # A chunk that is under way is finished first.
    monkeypatch.setattr(_progress, "PATIENCE", PATIENCE)
    opening = threading.Timer(0.3, hold.opened.set)
    opening.start()
    read(app, "good film")
    opening.join()
    assert all(row["reason"] != WAITING for reader in range(3) for row in rows(app, reader).values())
    assert rows(app)["saliency[norm=l1]"]["v"]
    assert not app.get("progress")
    assert LAST not in {key for _, key in hold.desk._maps}


def test_the_gradient_page_says_that_its_map_is_still_to_come(hold):
    app = open_waiting(hold, "gradient", {"against": LAST})
    assert not app.exception
    assert WAITING.split(":")[0] in said(app)
    assert app.button(key=Key.CANCEL)
    assert app.get("html")
    hold.opened.set()
    assert hold.desk.wait(PATIENCE)
    app.run()
    assert WAITING.split(":")[0] not in said(app)
    assert len(app.get("vega_lite_chart")) == 2


def test_the_work_ends_with_the_session(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))
    closed = []
    monkeypatch.setattr(desks.Desk, "close", lambda self: closed.append(self))
    open_app()
    closed.clear()
    clear_session_cache("test session id")
    assert len(closed) == 1
