"""What is explained: pickers for the number and for the class to compare with, and the address that keeps them."""

from __future__ import annotations

import re

import pytest
from app_zoo import make_zoo, open_app, payload, read, said

from models.analysis import analyse
from models.records import SCALARS, MethodCall, Request
from models.zoo.store import load_classifier
from pages._state import Key
from viz import wording

COST = re.compile(r"(?P<forwards>\d+) forward passes for the explanations(, (?P<reused>\d+) reused)?")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def rows(app):
    return {row["key"]: row for row in payload(app)["readers"][0]["rows"]}


def test_at_first_the_logit_of_one_class_is_explained_and_the_address_says_nothing():
    app = open_app()
    assert app.selectbox(key=Key.SCALAR).value == "logit"
    assert app.selectbox(key=Key.VERSUS).value == ""
    assert not {"scalar", "versus"} & set(app.query_params)
    assert app.selectbox(key=Key.SCALAR).options == [wording.SCALAR_TITLES[scalar] for scalar in SCALARS]


def test_a_probability_is_explained_where_it_can_be(zoo):
    app = open_app()
    app.selectbox(key=Key.SCALAR).select("probability").run()
    assert not app.exception
    assert app.query_params["scalar"] == "probability"
    reader = payload(app)["readers"][0]
    request = Request(app.session_state[Key.TEXT], (MethodCall("integrated_gradients"),), scalar="probability")
    found = analyse(load_classifier(reader["id"], zoo), request)
    assert rows(app)["integrated_gradients"]["v"] == pytest.approx(found.attributions[0].scores, rel=1e-3, abs=1e-6)
    assert rows(app)["integrated_gradients"]["unit"].startswith("part of the probability of")
    assert rows(app)["exact_share"]["reason"].startswith("Exact share divides logits")
    assert reader["of"] == "its probability"
    assert app.selectbox(key=Key.VERSUS).disabled


def test_another_question_about_the_same_words_reads_nothing_again():
    app = open_app()
    app.multiselect(key=Key.METHODS).set_value(["leave_one_out"]).run()
    first = COST.search(said(app))
    assert int(first["forwards"]) > 20
    assert first["reused"] is None
    app.selectbox(key=Key.SCALAR).select("probability").run()
    again = COST.search(said(app))
    assert (again["forwards"], again["reused"]) == ("0", first["forwards"])
    read(app, f"{app.session_state[Key.TEXT]} Never!")
    anew = COST.search(said(app))
    assert int(anew["forwards"]) > int(first["forwards"])


def test_two_classes_are_compared_by_their_logits():
    app = open_app()
    target, other = (label for label in app.selectbox(key=Key.TARGET).options[1:3])
    app.selectbox(key=Key.TARGET).select(target).run()
    app.selectbox(key=Key.VERSUS).select(other).run()
    assert not app.exception
    assert app.query_params["versus"] == other
    assert payload(app)["readers"][0]["target"] == f"{target} over {other}"
    assert not payload(app)["readers"][0]["predicted"]
    assert rows(app)["exact_share"]["unit"] == f"part of the logit of “{target}” over “{other}”"
    app.selectbox(key=Key.SCALAR).select("margin").run()
    assert not app.exception
    assert "versus" not in app.query_params
    assert rows(app)["leave_one_out"]["unit"] == f"part of the margin of “{target}” over the next class"


def test_an_address_brings_both_back():
    app = open_app(params={"target": "positive", "versus": "negative", "methods": "input_gradient"})
    assert app.selectbox(key=Key.VERSUS).value == "negative"
    assert payload(app)["readers"][0]["target"] == "positive over negative"
    app = open_app(params={"scalar": "margin", "methods": "input_gradient"})
    assert app.selectbox(key=Key.SCALAR).value == "margin"
    assert "margin" in rows(app)["input_gradient"]["unit"]


def test_a_class_over_itself_is_a_sentence_in_its_row():
    app = open_app(params={"target": "positive", "versus": "positive", "methods": "attention,input_gradient"})
    assert not app.exception
    assert rows(app)["input_gradient"]["reason"].startswith("The class to explain is the one it is compared with")
    assert not rows(app)["attention"].get("reason")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"versus": "nope"}, "There is no class “nope” to compare with; the class is explained alone."),
        ({"scalar": "odds"}, "A map cannot explain “odds” of a class; its logit is explained instead."),
    ],
)
def test_what_a_link_cannot_mean_is_told(params, sentence):
    app = open_app(params=params)
    assert sentence in "\n".join(warning.value.replace("\\", "") for warning in app.warning)
    assert payload(app)["readers"][0]["of"] == ""


def test_another_task_forgets_the_class_and_keeps_the_number():
    app = open_app(params={"target": "positive", "versus": "negative"})
    app.selectbox(key=Key.TASK).select("ag_news").run()
    assert not app.exception
    assert app.selectbox(key=Key.VERSUS).value == ""
    assert "versus" not in app.query_params


@pytest.mark.parametrize("scalar", ["probability", "margin"])
def test_the_gradient_page_follows(scalar):
    app = open_app("gradient", params={"scalar": scalar})
    assert not app.exception
    assert app.query_params["scalar"] == scalar
