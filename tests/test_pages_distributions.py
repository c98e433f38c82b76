"""Distributions: curves for readers that have some, a sentence and a command for those that have none."""

from __future__ import annotations

import pytest
from app_zoo import make_zoo, open_app, said
from test_viz_distributions import reference

from pages import _cache
from pages._state import Key
from viz.distributions import NUMBERS


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

    monkeypatch.setattr(_cache, "distribution", found)


def test_readers_that_were_measured_are_drawn_and_others_named_with_the_command():
    app = open_app("distributions")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1
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
    assert not app.get("vega_lite_chart")
    assert said(app).count("has no such distribution") == 3
