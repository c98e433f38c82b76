"""Movie: the films of the chosen readers, one sentence at a time, and a sentence where there is none."""

from __future__ import annotations

import json

import pytest
from app_zoo import make_zoo, open_app, said
from film_zoo import EPOCHS, make_film_zoo

from models.zoo.probes import PROBES
from pages._state import Key
from viz import markup


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_film_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _film_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def payload(app):
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


def text(shown):
    return "".join(before + piece for before, piece in shown["text"]) + shown["tail"]


def test_the_chosen_readers_play_side_by_side_in_their_colours():
    app = open_app("movie", {"readers": "bilstm.attention,bilstm.apln,bilstm.mean"})
    shown = payload(app)
    assert text(shown) == PROBES["sst2"][0]
    assert [(reader["mark"], reader["id"]) for reader in shown["readers"]] == [
        ("A", "sst2/bilstm/attention"), ("B", "sst2/bilstm/apln"), ("C", "sst2/bilstm/mean"),
    ]  # fmt: skip
    first, second, third = shown["readers"]
    assert shown["epochs"] == len(first["frames"]) == EPOCHS
    assert first["kept"] == first["settled"] == 2
    assert "settled after epoch 2" in first["story"]
    assert [frame["now"]["tau"] for frame in first["frames"]] == ["0.10", "0.20", "0.30"]
    assert third["meaning"].startswith("share")
    assert third["missing"]["tau"].startswith("undefined: this pooler has no attention")
    assert second["curves"]["p"][0] == [0.0, 1.0, 1.0, 1.0]
    assert second["frames"][1]["now"]["p"] == "0.70"
    assert first["curves"]["p"] == []


def test_another_sentence_is_a_choice_and_stands_in_the_address():
    app = open_app("movie")
    app.selectbox(key=Key.SENTENCE).select(2).run()
    assert not app.exception
    assert text(payload(app)) == PROBES["sst2"][2]
    assert app.query_params["sentence"] == "2"
    again = open_app("movie", {"sentence": "2"})
    assert text(payload(again)) == PROBES["sst2"][2]


def test_a_link_to_a_sentence_that_is_not_there_is_told():
    app = open_app("movie", {"sentence": "77"})
    assert "no sentence 77" in said(app)
    assert text(payload(app)) == PROBES["sst2"][0]


def test_a_reader_without_a_film_costs_itself_only():
    app = open_app("movie", {"readers": "cnn.max,bilstm.apln"})
    assert "CNN · Max" in said(app)
    assert "holds no film" in said(app)
    assert [reader["id"] for reader in payload(app)["readers"]] == ["sst2/bilstm/apln"]


def test_without_any_film_there_are_sentences_and_no_player():
    app = open_app("movie", {"task": "ag_news"})
    assert "holds no film" in said(app)
    assert not app.get("bidi_component")


def test_a_task_of_the_visitors_own_was_never_followed(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path / "own", {"mine": ("no", "yes")})))
    app = open_app("movie")
    assert "No sentence was followed" in said(app)


def test_a_damaged_history_is_one_sentence(tmp_path, monkeypatch):
    folder = make_film_zoo(tmp_path / "broken")
    path = folder / "sst2" / "bilstm-apln.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    for shot in card["history"][1]["probes"]:
        shot["attention"] = shot["attention"][:-1]
    path.write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setenv("POOLSCOPE_ZOO", str(folder))
    app = open_app("movie", {"readers": "bilstm.apln,bilstm.attention"})
    assert "BiLSTM" in said(app)
    assert "holds no film" in said(app)
    assert [reader["id"] for reader in payload(app)["readers"]] == ["sst2/bilstm/attention"]


def test_every_probe_sentence_can_be_offered():
    for sentences in PROBES.values():
        for sentence in sentences:
            assert markup.visible(sentence) == sentence
