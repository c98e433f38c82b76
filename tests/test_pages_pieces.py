"""The toggle for sub-word pieces: there for readers that cut words, kept in the address, one group per way to cut."""

from __future__ import annotations

import json

import pytest
from app_zoo import choose, make_zoo, open_app, payload

from models.pretrained.source import MINILM, PretrainedError, locate
from pages import _cache
from pages._state import Key

PARAMS = {"task": "sst2", "readers": "pretrained.attention,bilstm.attention", "methods": "attention,leave_one_out",
          "text": "An unforgettable film"}  # fmt: skip


@pytest.fixture
def _shipped(monkeypatch):
    try:
        locate(MINILM)
    except PretrainedError as error:
        pytest.skip(str(error))
    monkeypatch.delenv(_cache.ZOO, raising=False)


def drawn(app):
    return [json.loads(component.proto.json) for component in app.get("bidi_component")]


@pytest.mark.usefixtures("_shipped")
def test_pieces_replace_the_words_of_readers_that_cut_them_and_words_come_back():
    app = choose(open_app(params=PARAMS), 1)
    assert [reader["id"] for reader in payload(app)["readers"]] == [
        "sst2/pretrained/attention", "sst2/bilstm/attention",
    ]  # fmt: skip
    assert payload(app)["readers"][0]["rows"][0]["special"][0].startswith("own tokens")
    app.toggle(key=Key.PIECES).set_value(True).run()
    assert not app.exception
    assert app.query_params["pieces"] == "1"
    words, pieces = drawn(app)
    assert [reader["mark"] for reader in words["readers"]] == ["B"]
    assert [reader["mark"] for reader in pieces["readers"]] == ["A"]
    assert [text for _, text, _ in words["text"]] == ["An", "unforgettable", "film"]
    shown = [text for _, text, _ in pieces["text"]]
    assert shown[0] == shown[-1] == "◦"
    assert "".join(shown[1:-1]) == "Anunforgettablefilm"
    assert len(shown) > 5
    assert words["scale"]["unsigned"] == pieces["scale"]["unsigned"]
    assert words["selected"] == 1
    app.toggle(key=Key.PIECES).set_value(False).run()
    assert "pieces" not in app.query_params
    assert len(payload(app)["readers"]) == 2


@pytest.mark.usefixtures("_shipped")
def test_the_address_opens_the_pieces():
    app = open_app(params={**PARAMS, "readers": "pretrained.attention,pretrained.max", "pieces": "1"})
    (pieces,) = drawn(app)
    assert len(pieces["readers"]) == 2
    assert pieces["interactive"] is False


def test_readers_of_whole_words_have_no_toggle(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path)))
    app = open_app(params={"pieces": "1"})
    assert not [toggle for toggle in app.toggle if toggle.key == Key.PIECES]
    assert len(payload(app)["readers"]) == 3
