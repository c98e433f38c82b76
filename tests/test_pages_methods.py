"""Pickers follow the registries: a new method, choice or bound appears by being there."""

from __future__ import annotations

import dataclasses

import pytest
from app_zoo import make_zoo, open_app, payload, said

from models.attribution import METHODS
from models.records import MethodCall
from pages import _methods
from pages._opening import FIRST_METHODS
from pages._state import Key


def test_every_method_is_offered_once_per_choice():
    offered = [offer.call.name for offer in _methods.offers().values()]
    for name, method in METHODS.items():
        choices = 1
        for field in dataclasses.fields(method.Params):
            choices *= len(field.metadata.get("choices", (None,)))
        assert offered.count(name) == choices
    titles = [offer.title for offer in _methods.offers().values()]
    assert len(set(titles)) == len(titles)


def test_every_offer_can_be_made_and_every_family_has_its_place():
    for key, offer in _methods.offers().items():
        assert METHODS[offer.call.name](**dict(offer.call.params)).heading == offer.title
        assert key == offer.call.key
    listed = [offer for family in _methods.grouped().values() for made in family.values() for offer in made]
    assert listed == list(_methods.offers().values())
    assert {method.family for method in METHODS.values()} == set(_methods.grouped())
    assert next(iter(_methods.offers())) == "attention"


def test_the_first_methods_exist():
    assert set(FIRST_METHODS) <= set(_methods.offers())


def test_bounded_parameters_become_sliders_with_all_they_need():
    found = [(name, field) for name in METHODS for field in _methods.sliders(name)]
    assert found
    for _, field in found:
        facts = field.metadata
        assert facts["min"] <= field.default <= facts["max"]
        assert facts["step"] > 0
        assert facts["title"]


def test_slider_positions_join_the_call_unless_they_are_the_defaults():
    (key,) = (key for key in _methods.offers() if key == "integrated_gradients")
    default = {field.name: field.default for field in _methods.sliders(key)}
    assert _methods.calls([key], lambda _, name: default[name]) == (MethodCall(key),)
    assert _methods.calls([key], lambda _, name: 64 if name == "max_steps" else None) == (
        MethodCall(key, (("max_steps", 64),)),
    )
    assert _methods.calls(["nobody"], lambda *_: None) == ()


def test_a_call_from_an_address_is_split_into_offer_and_sliders():
    wanted = [
        MethodCall("input_gradient", (("attention", "detached"),)),
        MethodCall("integrated_gradients", (("max_steps", 64),)),
        MethodCall("input_gradient", (("attention", "detached"),)),
    ]
    keys, settings, notes = _methods.accept(wanted)
    assert keys == ["input_gradient[attention=detached]", "integrated_gradients"]
    assert settings == {("integrated_gradients", "max_steps"): 64}
    assert notes == []


@pytest.mark.parametrize(
    "call",
    [MethodCall("nobody"), MethodCall("attention", (("x", 1),)), MethodCall("input_gradient", (("attention", "half"),)),
     MethodCall("integrated_gradients", (("max_steps", 3.5),))],
)  # fmt: skip
def test_a_call_nobody_can_make_is_told_in_one_sentence(call):
    keys, settings, (note,) = _methods.accept([call])
    assert keys == []
    assert settings == {}
    assert note[0].isupper()
    assert note.endswith(".")


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path)))
    return open_app()


def test_the_dialog_lists_every_method_with_its_card_and_ticks_what_is_drawn(app):
    assert not [box for box in app.checkbox if box.key.startswith("pick.")]
    app.button(key=Key.PICKER).click().run()
    assert not app.exception
    ticked = {box.key.removeprefix("pick."): box.value for box in app.checkbox if box.key.startswith("pick.")}
    assert ticked == {key: key in FIRST_METHODS for key in _methods.offers()}
    told = said(app)
    for method in METHODS.values():
        assert f"**{method.title}** · {method.question}" in told
        assert method.source in told
        assert method.note in told
    assert [latex.value.strip("$\n") for latex in app.latex] == [
        METHODS[name].formula for family in _methods.grouped().values() for name in family
    ]
    assert [family.title for family in _methods.families().values() if f"**{family.title}**" in told] == [
        "Attention", "Gradients", "Paths", "Perturbations", "Transformers", "Floors",
    ]  # fmt: skip


def test_what_was_ticked_is_drawn_once_the_window_is_left(app):
    app.button(key=Key.PICKER).click().run()
    app.checkbox(key=Key.pick("saliency")).check().run()
    app.checkbox(key=Key.pick("attention")).uncheck().run()
    assert app.multiselect(key=Key.METHODS).value == list(FIRST_METHODS)
    assert app.button(key=Key.DRAW).label == "Draw 4 maps"
    app.button(key=Key.DRAW).click().run()
    assert not app.exception
    wanted = [*FIRST_METHODS[1:], "saliency"]
    assert app.multiselect(key=Key.METHODS).value == wanted
    assert [row["key"] for row in payload(app)["readers"][0]["rows"]] == wanted
    assert app.query_params["methods"] == ",".join(wanted)
    assert not [box for box in app.checkbox if box.key.startswith("pick.")]
