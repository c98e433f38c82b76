"""The section "Where do they disagree?": reader, measure and k, the last two in the address."""

from __future__ import annotations

import pytest
from app_zoo import make_zoo, open_app, read, said

from pages._state import Key


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def matrix(app) -> str:
    return next(html.value for html in app.get("html") if "ps-grid" in html.value)


def test_k_and_measure_come_from_the_address_and_go_back_into_it():
    app = open_app(params={"k": "3", "measure": "rank_agreement"})
    assert "Ranks at k = 3" in matrix(app)
    assert (app.query_params["k"], app.query_params["measure"]) == ("3", "rank_agreement")
    app.slider(key=Key.K).set_value(5).run()
    app.button_group(key=Key.MEASURE).set_value("feature_agreement").run()
    assert not app.exception
    assert "Words at k = 5" in matrix(app)
    assert "k" not in app.query_params
    assert "measure" not in app.query_params
    app.button_group(key=Key.MEASURE).set_value("spearman").run()
    assert app.query_params["measure"] == "spearman"


@pytest.mark.parametrize(("name", "value", "told"), [
    ("k", "0", "from 1 on"), ("k", "many", "could not be read"), ("measure", "luck", "no measure “luck”"),
])  # fmt: skip
def test_what_makes_no_sense_is_told(name, value, told):
    app = open_app(params={name: value})
    assert told in "\n".join(warning.value.replace("\\", "") for warning in app.warning)
    assert "Words at k = 5" in matrix(app)


def test_a_short_text_lowers_k_and_a_long_one_has_the_old_wish_again():
    app = read(open_app(params={"k": "9"}), "good film , bad story")
    assert app.slider(key=Key.K).value == app.slider(key=Key.K).max == 4
    assert app.query_params["k"] == "9"
    read(app, "the film is not bad , but it never quite comes alive . good story")
    assert app.slider(key=Key.K).value == 9
    read(app, "good")
    assert "Two words or more are needed" in said(app)


def test_another_reader_has_another_matrix_and_leaves_with_its_reader():
    app = open_app()
    first = matrix(app)
    app.selectbox(key=Key.DISAGREE).select("sst2/cnn/max").run()
    assert matrix(app) != first
    assert "has no attention weights" in matrix(app)
    app.multiselect(key=Key.READERS).set_value(["sst2/bilstm/attention"]).run()
    assert not app.exception
    assert matrix(app) == first


def test_one_map_is_a_sentence():
    app = open_app()
    app.multiselect(key=Key.METHODS).set_value(["attention"]).run()
    assert not app.exception
    assert "Two maps or more are needed" in said(app)
