"""Attention against gradient: the figures speak about the reader and the method chosen."""

from __future__ import annotations

import html

import pytest
from app_zoo import charts, make_zoo, open_app, read, said

from models.experiments.ladder import ladder
from models.records import Request
from models.zoo.store import load_classifier
from pages._state import Key


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def ladder_markup(app) -> str:
    return next(found.value for found in app.get("html") if "ps-ladder" in found.value)


def test_scatter_slope_and_ladder_are_there():
    app = open_app("gradient")
    (scatter, points), (slope, ends) = charts(app)
    titles = [layer["encoding"][axis]["title"] for layer in scatter["layer"][:1] for axis in ("x", "y")]
    assert titles[0].startswith("Attention")
    assert titles[1].startswith("Input × gradient")
    assert [point["word"] for point in points][:3] == ["The", "film", "is"]
    assert {end["side"] for end in ends} == {"Attention", "Input × gradient"}
    assert "Where does the order break?" in said(app)


def test_the_ladder_ends_in_the_sentence_of_the_experiment(zoo):
    app = open_app("gradient")
    climb = ladder(load_classifier("sst2/bilstm/attention", zoo), Request(app.session_state[Key.TEXT]))
    assert climb.sentence.split("(")[0].strip()[:40] in ladder_markup(app)
    assert ladder_markup(app).count('class="ps-rung"') == len(climb.rungs)


def test_the_ladder_shows_attached_gradients_unless_asked_and_a_link_keeps_the_choice(zoo):
    app = open_app("gradient")
    assert "Shown attached" in ladder_markup(app)
    assert "through" not in app.query_params
    app.segmented_control(key=Key.THROUGH).set_value("detached").run()
    assert not app.exception
    assert app.query_params["through"] == "detached"
    request = Request(app.session_state[Key.TEXT])
    climb = ladder(load_classifier("sst2/bilstm/attention", zoo), request, "detached")
    for page in (app, open_app("gradient", {"through": "detached"})):
        assert "Shown detached" in ladder_markup(page)
        drawn = html.unescape(ladder_markup(page))
        assert all(rung.adds in drawn and rung.title in drawn for rung in climb.rungs)
        assert climb.rungs[3].adds not in html.unescape(ladder_markup(open_app("gradient")))


def test_without_attention_there_is_nothing_to_hold():
    app = open_app("gradient", {"reader": "cnn.max", "through": "detached"})
    assert app.segmented_control(key=Key.THROUGH).disabled
    assert "attached and detached are one and the same ladder" in ladder_markup(app)


def test_a_link_with_another_kind_of_gradient_is_told():
    app = open_app("gradient", {"through": "sideways"})
    assert "cannot take the attention “sideways”" in said(app)
    assert "Shown attached" in ladder_markup(app)


def test_another_method_is_compared_and_stands_in_the_address():
    app = open_app("gradient")
    app.selectbox(key=Key.AGAINST).select("leave_one_out").run()
    assert not app.exception
    assert {end["side"] for end in charts(app)[1][1]} == {"Attention", "Leave-one-out"}
    assert app.query_params["against"] == "leave_one_out"


def test_another_reader_is_examined_and_stands_in_the_address():
    app = open_app("gradient")
    first = ladder_markup(app)
    app.selectbox(key=Key.READER).select("sst2/bilstm/apln").run()
    assert not app.exception
    assert app.query_params["reader"] == "bilstm.apln"
    assert ladder_markup(app) != first


def test_a_reader_without_attention_is_placed_by_its_shares():
    app = open_app("gradient")
    app.selectbox(key=Key.READER).select("sst2/cnn/max").run()
    assert not app.exception
    assert "has no attention weights" in said(app)
    assert len(charts(app)) == 2


def test_one_word_has_no_order_and_says_so():
    app = read(open_app("gradient"), "good")
    assert not charts(app)
    assert "type at least two" in said(app)


def test_a_link_opens_reader_and_method():
    app = open_app("gradient", {"reader": "cnn.max", "against": "saliency"})
    assert app.selectbox(key=Key.READER).value == "sst2/cnn/max"
    assert app.selectbox(key=Key.AGAINST).value == "saliency"


def test_a_link_to_what_is_not_there_is_told():
    app = open_app("gradient", {"reader": "cnn.nope", "against": "nope"})
    told = "\n".join(warning.value.replace("\\", "") for warning in app.warning)
    assert "no reader “sst2/cnn/nope”" in told
    assert "no method “nope”" in told
    assert len(charts(app)) == 2


def test_edits_of_the_other_page_are_not_forgotten():
    app = open_app("gradient", {"example": "never-quite", "edits": "d3"})
    assert "1 word of this text" in said(app)
    before = ladder_markup(app)
    app.button(key=Key.RESTORE).click().run()
    assert not app.exception
    assert "of this text deleted" not in said(app)
    assert ladder_markup(app) != before
