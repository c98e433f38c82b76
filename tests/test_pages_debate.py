"""The Debate page: every experiment says its question, its number and both sentences; the dial dials and undoes."""

from __future__ import annotations

import pytest
from app_zoo import charts, make_zoo, open_app, read, said

from models.debate import reference as shipped
from models.debate.columns import columns, save
from models.experiment_records import ExperimentCall
from models.experiments import EXPERIMENTS
from models.experiments.base import perform
from models.records import Request
from models.zoo.store import load_classifier
from pages._state import Key


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def show(app, name):
    app.session_state[Key.EXPERIMENT] = name
    app.run()
    assert not app.exception
    return app


def html(app) -> str:
    return "\n".join(element.value for element in app.get("html"))


def finding(zoo, app, name, model="sst2/bilstm/attention", **params):
    request = Request(app.session_state[Key.TEXT])
    call = ExperimentCall(name, tuple(params.items()))
    return perform(load_classifier(model, zoo), request, call, EXPERIMENTS).finding


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_asks_its_question_and_says_what_it_shows_and_what_not(name):
    app = show(open_app("debate"), name)
    experiment, told = EXPERIMENTS[name], said(app)
    assert all(words in told for fact, words in experiment.facts().items() if fact not in ("name", "title"))
    assert app.query_params["experiment"] == name


def test_correlation_draws_three_maps_and_their_taus(zoo):
    app = show(open_app("debate"), "correlation")
    found = finding(zoo, app, "correlation")
    assert html(app).count('class="map"') == 3
    assert f"τ = {found.gradient_removal.value:.2f}".replace("-", "−") in html(app)
    assert "no distribution is shipped" in html(app)


def test_a_shipped_distribution_stands_beside_the_number(tmp_path, monkeypatch, zoo):
    spec = load_classifier("sst2/bilstm/attention", zoo).spec
    rows = [{"text": 2 * i + c, "words": 9, "label": 0, "predicted": c, "largest": 0.5, "method": "permutation",
             "value": i / 40, "p_value": None} for i in range(40) for c in (0, 1)]  # fmt: skip
    key = {"digest": spec.digest, "data": "sst2", "split": "test", "of": 80}
    save(columns(key, rows, spec.labels), tmp_path / "sst2" / "bilstm-attention.npz")
    monkeypatch.setattr(shipped.reference, "__defaults__", (tmp_path,))
    app = show(open_app("debate"), "permutation")
    median = finding(zoo, app, "permutation").median
    below = sum(i / 40 < median for i in range(40)) / 40
    assert f"higher than on {below:.0%} of the 40 test texts".replace("%", "\u202f%") in html(app)


def test_the_slider_of_epsilon_is_what_the_adversary_may_use(zoo):
    app = show(open_app("debate"), "adversary")
    app.slider(key=Key.param("experiment.adversary", "epsilon")).set_value(0.2).run()
    assert not app.exception
    assert f"JSD {finding(zoo, app, 'adversary', epsilon=0.2).distance:.3f}" in html(app)
    assert "Solved exactly" in said(app)


def test_where_the_adversary_is_searched_the_page_says_so():
    app = show(open_app("debate", {"reader": "bilstm.apln"}), "adversary")
    assert "No twin with another seed says what distance chance alone makes." in said(app)
    assert "Found by search" in said(app)
    assert "JSD at least" in html(app)


def test_a_reader_without_weights_says_why_not():
    app = open_app("debate", {"reader": "cnn.max", "experiment": "adversary"})
    assert "has no weights that could be set otherwise" in said(app).replace("\\", "")


def test_the_dial_sets_a_word_and_the_others_give_way(zoo):
    app = show(open_app("debate"), "dial")
    own = finding(zoo, app, "dial").own
    app.selectbox(key=Key.DIAL_WORD).select(3).run()
    app.slider(key=Key.DIAL_WEIGHT).set_value(60.0).run()
    assert not app.exception
    now = app.session_state[Key.DIALLED].history[-1]
    assert now[3] == pytest.approx(0.6)
    assert sum(now) == pytest.approx(1)
    assert now[0] / now[5] == pytest.approx(own[0] / own[5])
    assert "weights changed by 0." in said(app)


def test_undo_equal_permute_and_another_readers_weights():
    app = show(open_app("debate"), "dial")
    start = app.session_state[Key.DIALLED].history[0]
    app.button(key=Key.DIAL_EQUAL).click().run()
    equal = app.session_state[Key.DIALLED].history[-1]
    assert len(set(equal)) == 1
    app.button(key=Key.dial_from("sst2/bilstm/apln")).click().run()
    assert app.session_state[Key.DIALLED].history[-1] not in (start, equal)
    app.button(key=Key.DIAL_UNDO).click().run()
    app.button(key=Key.DIAL_UNDO).click().run()
    assert app.session_state[Key.DIALLED].history == [start]
    app.button(key=Key.DIAL_PERMUTE).click().run()
    now = app.session_state[Key.DIALLED].history[-1]
    assert now != start
    assert sorted(now) == sorted(start)
    app.button(key=Key.DIAL_OWN).click().run()
    assert app.session_state[Key.DIALLED].history[-1] == start
    assert not app.exception


def test_another_text_begins_at_its_own_weights():
    app = show(open_app("debate"), "dial")
    app.button(key=Key.DIAL_EQUAL).click().run()
    app = read(app, "a great story")
    assert len(app.session_state[Key.DIALLED].history) == 1
    assert len(app.session_state[Key.DIALLED].history[0]) == 3


def test_dialled_weights_stand_in_the_address_and_a_link_sets_them(zoo):
    app = show(open_app("debate"), "dial")
    assert "weights" not in app.query_params
    app.selectbox(key=Key.DIAL_WORD).select(3).run()
    app.slider(key=Key.DIAL_WEIGHT).set_value(60.0).run()
    now = app.session_state[Key.DIALLED].history[-1]
    parts = app.query_params["weights"].split(".")
    assert [int(part) / 10_000 for part in parts] == pytest.approx(now, abs=1e-4)
    assert parts[3] == "6000"
    link = {name: app.query_params[name] for name in ("experiment", "weights", "example", "readers", "reader")}
    app = open_app("debate", link)
    again = app.session_state[Key.DIALLED].history
    assert again[-1] == pytest.approx(now, abs=1e-4)
    assert again[0] == pytest.approx(finding(zoo, app, "dial").own)
    assert app.query_params["weights"] == link["weights"]
    app.button(key=Key.DIAL_UNDO).click().run()
    assert "weights" not in app.query_params
    # Weights count words, so they go with the text and with the experiment.
    app.button(key=Key.DIAL_EQUAL).click().run()
    assert "weights" in app.query_params
    assert "weights" not in read(app, "a great story").query_params


@pytest.mark.parametrize(("asked", "told"), [
    ("5000.5000", "The link dials 2 words, but"), ("a.b", "could not be read"), ("0.0.0", "could not be read"),
])  # fmt: skip
def test_weights_of_a_link_that_do_not_fit_the_text_are_told(asked, told):
    app = open_app("debate", {"experiment": "dial", "weights": asked})
    assert not app.exception
    assert told in said(app).replace("\\", "")
    assert len(app.session_state[Key.DIALLED].history) == 1
    assert "weights" not in app.query_params


def test_erasure_and_shuffles_and_the_cone_are_charts(zoo):
    app = show(open_app("debate"), "erasure")
    ((_, rows),) = charts(app)
    curve = finding(zoo, app, "erasure").curves[0]
    drawn = [row["p"] for row in rows if row.get("order") == curve.title]
    assert drawn[: len(curve.probabilities)] == pytest.approx(list(curve.probabilities))
    ((_, rows),) = charts(show(app, "permutation"))
    assert sum(row.get("shuffles") or 0 for row in rows) == 100
    ((_, rows),) = charts(show(app, "conicity"))
    assert len([row for row in rows if row.get("word")]) == len(finding(zoo, app, "conicity").points)


def test_a_map_that_does_not_notice_is_flagged():
    assert html(show(open_app("debate"), "sanity")).count(">unchanged<") == 1


def test_the_scorecard_gathers_rows_and_no_verdict():
    app = show(open_app("debate"), "scorecard")
    assert html(app).count("<tr") > 8
    assert "There is no sum of these rows" in said(app)
    app = show(open_app("debate", {"reader": "cnn.max"}), "scorecard")
    assert "no weights that could be set otherwise" in html(app)


HARD = ("good", "<script>alert(1)</script> & <b>", "电影 很 好 🎬🎬", "the " * 2000, "a\u202eb\x00c film")


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_end_in_pictures_or_a_sentence(text):
    app = read(open_app("debate"), text)
    for name in (*EXPERIMENTS, "scorecard"):
        show(app, name)
        assert "<script>" not in html(app)


def test_an_empty_text_ends_in_a_sentence():
    app = read(open_app("debate"), "   ")
    assert "no word to read" in said(app)


def test_a_link_to_an_experiment_that_is_not_there_is_told():
    app = open_app("debate", {"experiment": "nope"})
    assert "no experiment “nope”" in app.warning[0].value.replace("\\", "")


def test_faithfulness_draws_every_map_and_judges_marked_words(zoo):
    app = show(open_app("debate"), "faithfulness")
    found = finding(zoo, app, "faithfulness")
    ((_, rows),) = charts(app)
    drawn = {row["map"]: row["at"] for row in rows if row.get("map")}
    assert drawn == pytest.approx({row.title: row.comprehensiveness for row in found.rows})
    assert html(app).count("no better than chance") == sum(r.kind == "map" and not r.beyond for r in found.rows)
    assert "Mark at least one word" in html(app)
    (marks,) = [widget for widget in app.multiselect if widget.label.startswith("Words that are evidence")]
    marks.select(3).run()
    assert not app.exception
    assert "AUPRC" in html(app)
    # Marks belong to a text: another one of as many words has none.
    app = read(app, "A cast is not bad , but it never quite comes alive .")
    assert "Mark at least one word" in html(app)


def test_the_operator_changes_the_numbers(zoo):
    app = show(open_app("debate"), "faithfulness")
    app.selectbox(key=Key.param("experiment.faithfulness", "operator")).select("mask").run()
    value = finding(zoo, app, "faithfulness", operator="mask").rows[0].comprehensiveness
    drawn = {row["map"]: row["at"] for row in charts(app)[0][1] if row.get("map")}
    assert drawn["Attention"] == pytest.approx(value)


def test_sliders_stand_in_the_address_and_a_link_sets_them(zoo):
    app = show(open_app("debate"), "adversary")
    assert "setting" not in app.query_params
    app.slider(key=Key.param("experiment.adversary", "epsilon")).set_value(0.05).run()
    assert app.query_params["setting"] == "adversary:epsilon=0.05"
    assert "setting" not in show(app, "erasure").query_params
    app = open_app("debate", {"experiment": "adversary", "setting": "adversary:epsilon=0.05"})
    assert app.slider(key=Key.param("experiment.adversary", "epsilon")).value == 0.05
    assert f"JSD {finding(zoo, app, 'adversary', epsilon=0.05).distance:.3f}" in html(app)
    app = open_app("debate", {"experiment": "faithfulness", "setting": "faithfulness:operator=pad"})
    assert app.selectbox(key=Key.param("experiment.faithfulness", "operator")).value == "pad"
    assert app.query_params["setting"] == "faithfulness:operator=pad"


@pytest.mark.parametrize("asked", ["adversary:epsilon=7", "adversary:nope=1", "adversary:epsilon=much"])
def test_settings_of_a_link_that_are_none_are_told(asked):
    app = open_app("debate", {"experiment": "adversary", "setting": asked})
    assert "The link's settings were left out." in said(app).replace("\\", "")
    assert app.slider(key=Key.param("experiment.adversary", "epsilon")).value == 0.01
    assert "setting" not in app.query_params


def test_what_a_large_reader_leaves_out_is_told_and_can_be_asked_for(monkeypatch):
    monkeypatch.setattr("models.experiments.frozen.LARGE", 10)
    app = show(open_app("debate"), "faithfulness")
    assert "is left out: the maps that read the text many times" in said(app).replace("\\", "")
    app.selectbox(key=Key.param("experiment.faithfulness", "rounds")).select("everything").run()
    assert not app.exception
    assert "is left out: the maps that read the text many times" not in said(app).replace("\\", "")
    assert "Oracle reversed" in html(app)
    assert app.query_params["setting"] == "faithfulness:rounds=everything"
