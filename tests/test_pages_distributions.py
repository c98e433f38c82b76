"""Distributions: curves for readers that have some, a sentence and a command for those that have none."""

from __future__ import annotations

import json

import pytest
from app_zoo import make_zoo, open_app, said
from test_viz_distributions import reference
from test_viz_linked import measured

from pages import _cache
from pages._state import Key
from viz.distributions import NUMBERS
from viz.linked import PICTURES


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _measured(zoo, monkeypatch):
    """The first reader was measured, others were not."""
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))

    def found(card, method, predicted):
        measured = card.spec.encoder == "bilstm" and card.spec.id.endswith("attention")
        return reference(card.spec.labels[predicted], method=method) if measured and method != "erasure" else None

    def everything(card):
        if card.spec.id.endswith("bilstm/attention"):
            return measured(labels=card.spec.labels)
        return _cache.Refusal(card.spec.title, "x.npz is damaged.") if card.spec.encoder == "cnn" else None

    monkeypatch.setattr(_cache, "distribution", found)
    monkeypatch.setattr(_cache, "measured", everything)


def test_readers_that_were_measured_are_drawn_and_others_named_with_the_command():
    app = open_app("distributions")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 2
    assert next(iter(NUMBERS.values())).question in said(app)
    told = said(app).replace("\\", "")
    assert "python -m models debate --model sst2/cnn/max --out rows.parquet" in told
    assert "sst2/bilstm/attention --out" not in told
    assert "the test split of sst2" in told


def test_another_number_is_a_choice_and_stands_in_the_address():
    app = open_app("distributions")
    app.segmented_control(key=Key.NUMBER).set_value("adversary").run()
    assert NUMBERS["adversary"].question in said(app)
    assert app.query_params["number"] == "adversary"
    again = open_app("distributions", {"number": "conicity"})
    assert NUMBERS["conicity"].question in said(again)


def test_a_number_that_does_not_exist_is_said_and_the_first_is_shown():
    app = open_app("distributions", {"number": "luck"})
    assert not app.exception
    assert "There is no number “luck”; the first one is shown." in said(app).replace("\\", "")
    assert next(iter(NUMBERS.values())).question in said(app)


def test_where_nobody_was_measured_no_picture_pretends():
    app = open_app("distributions", {"number": "erasure"})
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1, "the linked pictures alone"
    assert said(app).count("has no such distribution") == 3


def spec_of(app):
    return json.loads(app.get("vega_lite_chart")[0].proto.spec)


def test_the_linked_pictures_are_those_of_the_chosen_reader_and_both_classes():
    app = open_app("distributions")
    told = said(app).replace("\\", "")
    for picture in PICTURES:
        assert picture.question in told
        assert picture.shows_not in told
    assert "240 test texts of toy, drawn by chance from its 1,000" in told
    assert "predicted negative" in json.dumps(spec_of(app))
    assert "predicted positive" in json.dumps(spec_of(app))
    assert all(one.key != f"{Key.CLASSES}.toy" for one in app.multiselect), "two classes leave nothing to choose"


def test_of_many_classes_two_are_shown_and_others_are_a_choice():
    app = open_app("distributions", {"task": "ag_news"})
    shown = app.multiselect(key=f"{Key.CLASSES}.toy")
    assert len(shown.value) == 2
    assert "predicted Sci/Tech" not in json.dumps(spec_of(app))
    rest = next(place for place in range(4) if place not in shown.value)
    shown.set_value([rest]).run()
    assert not app.exception
    label = ("World", "Sports", "Business", "Sci/Tech")[rest]
    assert json.dumps(spec_of(app)).count(f"predicted {label}") == len(PICTURES)


def test_chosen_classes_stand_in_the_address_and_a_link_chooses_them():
    app = open_app("distributions", {"task": "ag_news"})
    assert "classes" not in app.query_params
    first = app.multiselect(key=f"{Key.CLASSES}.toy").value
    rest = next(place for place in range(4) if place not in first)
    app.multiselect(key=f"{Key.CLASSES}.toy").set_value([rest]).run()
    assert app.query_params["classes"] == str(rest)
    app = open_app("distributions", {"task": "ag_news", "classes": str(rest)})
    assert app.multiselect(key=f"{Key.CLASSES}.toy").value == [rest]
    assert app.query_params["classes"] == str(rest)
    assert "Not every class" not in said(app)


@pytest.mark.parametrize("asked", ["0,9", "9", "0,1,2,3"])
def test_classes_of_a_link_that_cannot_be_drawn_are_told(asked):
    app = open_app("distributions", {"task": "ag_news", "classes": asked})
    assert not app.exception
    assert "Not every class of the link can be drawn; up to 3" in said(app).replace("\\", "")
    assert 1 <= len(app.multiselect(key=f"{Key.CLASSES}.toy").value) <= 3
    # Where two classes leave nothing to choose, nothing is said of it.
    app = open_app("distributions", {"classes": asked})
    assert not app.exception
    assert "classes" not in app.query_params


def test_a_reader_without_a_measured_test_set_or_with_a_damaged_one_is_one_sentence():
    app = open_app("distributions", {"reader": "bilstm/apln"})
    told = said(app).replace("\\", "")
    assert "was not measured on a test set. To measure: python -m models debate --model sst2/bilstm/apln" in told
    app = open_app("distributions", {"reader": "cnn/max"})
    assert "x.npz is damaged." in said(app).replace("\\", "")
    assert not app.exception
