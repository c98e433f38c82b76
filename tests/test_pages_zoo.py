"""Zoo: every classifier in the table, filters, cards, learned p, curves, and the study where it is there."""

from __future__ import annotations

import json

import pytest
from app_zoo import READERS, TASKS, charts, open_app, said
from film_zoo import make_film_zoo
from toy_study import toy_study

from models.study import read
from models.study.table import write_table
from pages import _cache
from pages._state import Key


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_film_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _film_zoo(zoo, monkeypatch, tmp_path):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))
    monkeypatch.setattr(read, "SHIPPED", tmp_path / "none.parquet")
    monkeypatch.setattr(_cache, "baseline", {"sst2": ("Linear SVM", 0.82)}.get)


def table(app):
    (frame,) = app.dataframe
    return frame.value


def markup(app):
    return "\n".join(element.proto.body for element in app.get("html"))


def test_every_cell_is_a_row_with_mean_and_deviation_over_its_seeds():
    app = open_app("zoo")
    rows = table(app)
    assert len(rows) == len(READERS) * len(TASKS)
    mean = rows[rows["id"] == "sst2/bilstm/mean"].iloc[0]
    assert mean["accuracy"] == pytest.approx(0.83)
    assert mean["sd"] == pytest.approx(0.02 * 2**0.5)
    assert mean["seeds"] == 2
    assert rows[rows["id"] == "sst2/cnn/max"].iloc[0]["sd"] != pytest.approx(0)
    assert f"{len(READERS) * len(TASKS) + 1} trained classifiers of 2 tasks" in said(app)


def test_below_the_best_bag_of_words_is_said_in_words():
    app = open_app("zoo")
    rows = table(app)
    column = "against the best bag of words"
    assert rows[rows["id"] == "sst2/cnn/max"].iloc[0][column] == "BELOW Linear SVM (0.820) by 1.0 points"
    assert rows[rows["id"] == "sst2/bilstm/mean"].iloc[0][column] == "1.0 points above Linear SVM (0.820)"
    assert rows[rows["task id"] == "ag_news"][column].isna().all()
    assert f"{len(READERS) - 1} of {len(READERS)} stay below" in said(app)
    assert 'class="d below"' in markup(app)


def test_all_runs_are_listed_on_demand():
    app = open_app("zoo")
    app.toggle(key=Key.RUNS).set_value(True).run()
    assert not app.exception
    rows = table(app)
    assert len(rows) == len(READERS) * len(TASKS) + 1
    assert {0.81, 0.85} <= set(rows["accuracy"])


def test_filters_narrow_the_table_and_an_empty_result_is_a_sentence():
    app = open_app("zoo")
    app.multiselect(key=Key.TASKS).select("ag_news").run()
    app.multiselect(key=Key.ENCODERS).select("cnn").run()
    assert not app.exception
    assert set(table(app)["id"]) == {"ag_news/cnn/max", "ag_news/cnn/scaled_dot"}
    app.multiselect(key=Key.POOLERS).select("apln").run()
    assert not app.exception
    assert "No classifier passes all three filters" in said(app)


def test_a_card_tells_recipe_data_digest_and_history():
    app = open_app("zoo")
    app.selectbox(key=Key.CARD).select("sst2/bilstm/apln").run()
    assert not app.exception
    source = markup(app)
    for words in ("3 epochs, number 2 kept", "1,234", "0.810", "BELOW Linear SVM"):
        assert words in source
    card = next(card for card in _cache.zoo().cards if card.spec.id == "sst2/bilstm/apln")
    assert card.spec.digest in source
    assert [spec["title"] for spec, _ in charts(app)] == ["training loss (nats)", "dev accuracy", "learned p"]
    app.selectbox(key=Key.CARD).select("sst2/cnn/max").run()
    assert "no history" in said(app)
    assert not charts(app)


def test_one_click_makes_a_classifier_of_another_task_a_reader():
    app = open_app("zoo")
    app.selectbox(key=Key.CARD).select("ag_news/cnn/scaled_dot").run()
    app.button(key=Key.COMPARE).click().run()
    assert not app.exception
    assert app.session_state[Key.TASK] == "ag_news"
    assert "ag_news/cnn/scaled_dot" in app.session_state[Key.READERS]


def test_a_seventh_reader_takes_the_last_ones_place():
    app = open_app(
        "zoo", {"readers": "bilstm.attention,bilstm.apln,bilstm.mean,cnn.max,cnn.scaled_dot,embedding.attention"}
    )
    app.selectbox(key=Key.CARD).select("sst2/embedding/learned_norm").run()
    app.button(key=Key.COMPARE).click().run()
    assert not app.exception
    chosen = app.session_state[Key.READERS]
    assert len(chosen) == 6
    assert "sst2/embedding/learned_norm" in chosen
    assert app.session_state[Key.PLACES]["sst2/embedding/learned_norm"] == 5


def test_learned_norms_stand_in_a_grid_and_the_section_in_the_address():
    app = open_app("zoo", {"section": "norms"})
    source = markup(app)
    assert source.count("<td") >= 2 * len(TASKS)
    assert "SST-2 · Embedding" in source
    assert app.query_params["section"] == "norms"
    app.multiselect(key=Key.POOLERS).select("mean").run()
    assert "has a norm to learn" in said(app)


def test_a_section_that_is_not_there_is_told():
    app = open_app("zoo", {"section": "nowhere"})
    assert "no section" in said(app)
    assert len(app.dataframe) == 1


def test_curves_start_with_the_readers_and_keep_their_letters():
    app = open_app("zoo", {"section": "training", "readers": "bilstm.attention,,bilstm.apln"})
    # Two columns, each from top to bottom.
    (loss, p, dev, _) = [rows for _, rows in charts(app)]
    assert {row["mark"] for row in loss} == {"A", "C"}
    assert [row["p"] for row in p][:3] == [1.0, 1.5, 1.4]
    assert [row["dev"] for row in dev][:3] == pytest.approx([0.71, 0.72, 0.73])
    app.multiselect(key=Key.CURVES).select("sst2/bilstm/mean@2").run()
    assert not app.exception
    assert {row["mark"] for row in charts(app)[0][1]} == {"A", "B", "C"}
    app.multiselect(key=Key.CURVES).set_value([]).run()
    assert "Choose a classifier" in said(app)


def test_without_a_study_one_sentence_says_so():
    app = open_app("zoo", {"section": "study"})
    assert "python -m models study" in said(app)
    assert "Does it beat attention?" not in said(app)


def test_the_study_is_drawn_with_its_sentences(tmp_path, monkeypatch):
    path = tmp_path / "runs.parquet"
    write_table(toy_study().runs, path)
    monkeypatch.setattr(read, "SHIPPED", path)
    app = open_app("zoo", {"section": "study"})
    for heading in ("Does it beat attention?", "Who is better usually?", "All cells", "What it costs"):
        assert heading in said(app)
    source = markup(app)
    assert source.count('class="d mean"') == 3
    assert "1 of 3 failed" in source
    assert "data sets" in said(app)
    app.selectbox(key=Key.VARIANT).select("APLN B").run()
    assert not app.exception
    assert "APLN B minus Attention" in markup(app)
    app.selectbox(key=Key.OVER).select("cnn").run()
    assert not app.exception


def test_a_damaged_study_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1 but not really")
    monkeypatch.setattr(read, "SHIPPED", path)
    app = open_app("zoo", {"section": "study"})
    assert len(app.info) == 1


def test_a_card_is_downloaded_as_it_lies_in_the_zoo(zoo):
    from pages import _catalogue

    card = next(card for card in _cache.zoo().cards if card.spec.id == "sst2/bilstm/apln")
    stored = json.loads((zoo / "sst2" / "bilstm-apln.json").read_text(encoding="utf-8"))
    assert json.loads(_catalogue.card_json(card)) == stored
