"""Twins on the Debate page: six questions, their numbers as the models say them, and readers without twins."""

from __future__ import annotations

import json

import pytest
from app_zoo import charts, make_zoo, open_app, read, said
from twin_zoo import ADVERSARY, BASE, FORBIDDEN, TWINS, make_twin_zoo

from models import twin_view
from models.analysis import analyse
from models.experiment_records import ExperimentCall
from models.experiments import EXPERIMENTS
from models.experiments.base import perform
from models.experiments.imposed import impose
from models.records import Request
from models.twin_panels import PANELS
from models.zoo.store import load_classifier
from pages._state import Key
from viz import wording


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_twin_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _twin_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def show(app, panel):
    app.session_state[Key.EXPERIMENT] = "twins"
    app.session_state[Key.PANEL] = panel
    app.run()
    assert not app.exception
    return app


def html(app) -> str:
    return "\n".join(element.value for element in app.get("html"))


def asked(app, zoo, model_id, **edits):
    return analyse(load_classifier(model_id, zoo), Request(app.session_state[Key.TEXT], **edits))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
def test_every_question_stands_above_its_picture_with_both_sentences(panel):
    told = said(show(open_app("debate"), panel.name))
    for words in (panel.question, panel.claim, panel.ends, panel.shows, panel.shows_not, panel.protocol, panel.source):
        assert words in told


def test_seeds_are_rows_of_one_text_with_the_distance_of_every_two(zoo):
    app = show(open_app("debate"), "seeds")
    ids = (BASE, f"{BASE}@2", f"{BASE}@3")
    read_by = [asked(app, zoo, model_id) for model_id in ids]
    cross = twin_view.crossed(read_by)
    drawn = html(app)
    assert drawn.count('class="map"') == 3
    for i in range(3):
        assert f"{read_by[i].prediction.label} {max(read_by[i].prediction.probabilities):.2f}" in drawn
        for j in range(i):
            assert drawn.count(f">{wording.number(cross.jsd[i][j])}<") >= 2
            assert f">{wording.tau(cross.tau[i][j])}<" in drawn
    ends = f"JSD {wording.number(cross.low)} to {wording.number(cross.high)} (median {wording.number(cross.middle)})"
    assert f"{ends}, of at most 0.693" in said(app)
    assert "this reader is on average JSD 0.040 to 0.050 away from itself, over the 1,234 test texts." in said(app)


def test_what_attention_bought_stands_beside_what_the_seed_makes(zoo):
    app = show(open_app("debate"), "uniform")
    assert "Attention bought +1.0 points of test accuracy. The seed alone makes a difference of 3.0 points" in said(app)
    assert "so this is no more than chance" in said(app)
    ((_, rows),) = charts(app)
    assert {row["accuracy"] for row in rows if row.get("name")} == {0.81, 0.8}
    ((low, high),) = [(row["low"], row["high"]) for row in rows if row.get("low")]
    assert (low, high) == (0.79, 0.82)
    gap = twin_view.apart(asked(app, zoo, BASE), asked(app, zoo, "sst2/bilstm/uniform"))
    assert f"The answer {'changes' if gap.flipped else 'stays'}" in said(app)
    assert f"JSD {wording.number(gap.jsd)} from uniform" in said(app)


@pytest.mark.parametrize("strength", ["0.001", "0.1"])
def test_the_slider_of_lambda_moves_the_point_and_the_map(zoo, strength):
    app = show(open_app("debate"), "adversarial")
    before = html(app)
    app.select_slider(key=Key.strength("adversarial")).set_value(strength).run()
    assert not app.exception
    assert html(app) != before
    gap = twin_view.apart(asked(app, zoo, BASE), asked(app, zoo, f"sst2/bilstm/adversarial_{strength}"))
    ((_, rows),) = charts(app)
    (here,) = [row for row in rows if row["kind"] == "here"]
    assert (here["jsd"], here["tvd"]) == pytest.approx((gap.jsd, gap.tvd))
    means = {row["name"]: (row["jsd"], row["tvd"], row["now"]) for row in rows if row["kind"] == "mean"}
    assert means == {
        f"λ {said['lambda']:g}": (said["jsd"], said["tvd"], f"{said['lambda']:g}" == strength)
        for kind, *_, said, _ in TWINS if kind == "adversarial"
    }  # fmt: skip
    assert len([row for row in rows if row["kind"] == "seed"]) == 2
    assert f"The answer {'changes' if gap.flipped else 'stays'}: " in said(app)
    assert f"JSD {wording.number(gap.jsd)} of at most 0.693; other seeds reach at most" in said(app)


def test_a_link_opens_the_question_with_its_lambda_and_follows_both():
    app = open_app("debate", {"experiment": "twins", "twins": "adversarial", "strength": "0.1"})
    assert app.select_slider(key=Key.strength("adversarial")).value == "0.1"
    assert "The adversary with λ 0.1" in html(app)
    assert not app.warning
    app.select_slider(key=Key.strength("adversarial")).set_value("0.001").run()
    assert (app.query_params["twins"], app.query_params["strength"]) == ("adversarial", "0.001")
    app.segmented_control(key=Key.PANEL).set_value("seeds").run()
    assert app.query_params["twins"] == "seeds"
    assert "strength" not in app.query_params
    app.segmented_control(key=Key.EXPERIMENT).set_value("erasure").run()
    assert not app.exception
    assert {"twins", "strength"}.isdisjoint(app.query_params)


def test_a_link_to_a_question_or_lambda_that_is_not_there_is_told():
    app = open_app("debate", {"experiment": "twins", "twins": "nope", "strength": "0.1"})
    assert "no question to these twins “nope”" in said(app)
    assert PANELS[0].question in said(app)
    app = open_app("debate", {"experiment": "twins", "twins": "adversarial", "strength": "0.3"})
    assert "No such twin was trained with λ = 0.3; λ = 0.01 is shown." in said(app)
    assert app.query_params["strength"] == "0.01"


def test_forbidden_words_have_their_weight_and_what_is_lost_without_them(zoo):
    app = show(open_app("debate"), "deceptive")
    base, twin = (asked(app, zoo, model_id) for model_id in (BASE, "sst2/bilstm/deceptive_1"))
    places = twin_view.forbidden_places(base, FORBIDDEN)
    assert len(places) == 2
    for place in places:
        for one, model_id in ((base, BASE), (twin, "sst2/bilstm/deceptive_1")):
            without = asked(app, zoo, model_id, deleted=(place,))
            lost = one.prediction.probabilities[one.prediction.predicted]
            lost -= without.prediction.probabilities[one.prediction.predicted]
            assert f">{wording.number(lost)}<" in html(app)
            assert f">{wording.percent(twin_view.weights(one)[place])}<" in html(app)
    gone = asked(app, zoo, "sst2/bilstm/deceptive_1", deleted=places)
    lost = twin_view.lost(twin.prediction, gone.prediction)
    assert f"the deceiver {wording.number(lost)}." in said(app)
    assert "these hold 41\u202f% of the reader's weight and 0.2\u202f% of the deceiver's" in said(app)
    assert ", ".join(FORBIDDEN) in said(app)


def test_a_text_without_forbidden_words_says_so_and_names_some():
    app = show(read(open_app("debate"), "a good story and cast"), "deceptive")
    assert "None of the forbidden words is in this text" in said(app).replace("\\", "")
    assert "“never”, “bad”, “great”" in said(app)


def test_a_text_of_forbidden_words_alone_leaves_nothing_to_read():
    app = show(read(open_app("debate"), "bad"), "deceptive")
    assert "nothing is left to read" in html(app)


def test_conicity_and_shuffles_are_those_of_the_experiments(zoo):
    app = show(open_app("debate"), "diverse")
    request = Request(app.session_state[Key.TEXT])
    for model_id, cone in ((BASE, 0.66), ("sst2/bilstm/diversity_0.5", 0.13), ("sst2/orthogonal_lstm/attention", 0.25)):
        classifier = load_classifier(model_id, zoo)
        found = [perform(classifier, request, ExperimentCall(name), EXPERIMENTS).finding
                 for name in ("conicity", "permutation")]  # fmt: skip
        for value in (found[0].conicity, found[1].median, cone):
            assert f">{wording.number(value)}<" in html(app)
    assert "the argument expects" in said(app)


def test_borrowed_weights_are_imposed_on_the_model_without_context(zoo):
    app = show(open_app("debate"), "guided")
    request = Request(app.session_state[Key.TEXT])
    for label, guide in (("base", BASE), ("adversary", ADVERSARY)):
        weights = twin_view.weights(asked(app, zoo, guide))
        after = impose(load_classifier(f"sst2/embedding/guided_{label}", zoo), request, weights).after
        assert f">{after.label} {max(after.probabilities):.2f}<" in html(app)
    assert "bring the model without context +2.5 points over uniform ones" in said(app)
    ((_, rows),) = charts(app)
    assert [row["accuracy"] for row in rows] == [0.75, 0.76, 0.775, 0.6]
    assert [row["name"] for row in rows if row["first"]] == ["The reader's"]


def test_a_reader_without_twins_names_one_that_has_some():
    app = open_app("debate", {"reader": "cnn.max", "experiment": "twins"})
    told = said(app).replace("\\", "")
    assert "has no twins yet. These have some: " in told
    assert "BiLSTM · Attention" in told


def test_a_zoo_without_any_twins_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path)))
    app = open_app("debate", {"experiment": "twins"})
    assert "No reader of this zoo has any" in said(app).replace("\\", "")
    app = open_app("debate", {"experiment": "scorecard"})
    assert "no twin with another seed was trained for this reader" in html(app)


def test_kinds_that_were_not_trained_are_named(tmp_path, monkeypatch):
    few = [twin for twin in TWINS if twin[0] in ("seed", "deceptive")]
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_twin_zoo(tmp_path, few)))
    app = show(open_app("debate"), "adversarial")
    told = said(app)
    missing = "uniform attention, adversaries, diverse states, borrowed weights"
    assert f"Not trained for this reader: {missing}." in told
    assert PANELS[0].question in told


def test_the_scorecard_has_the_seeds_distance(zoo):
    app = open_app("debate", {"experiment": "scorecard"})
    cross = twin_view.crossed([asked(app, zoo, model_id) for model_id in (BASE, f"{BASE}@2", f"{BASE}@3")])
    assert f"between 3 seeds (median {wording.number(cross.middle)}), of at most 0.693" in html(app)
    assert "seed stability" in html(app)


def test_the_adversary_is_measured_by_what_seeds_differ_by(zoo):
    app = open_app("debate", {"experiment": "adversary"})
    assert "this reader is on average JSD 0.040 to 0.050 away from itself" in said(app)


@pytest.mark.parametrize("panel", [panel.name for panel in PANELS])
def test_every_download_can_be_written(panel, monkeypatch):
    from pages import _facts

    written = []
    own = _facts.rows_json
    monkeypatch.setattr(_facts, "rows_json", lambda rows, source: written.append(own(rows, source)) or written[-1])
    from pages import _parts

    monkeypatch.setattr(_parts, "download", lambda page, files: [file.make() for file in files])
    show(open_app("debate"), panel)
    assert json.loads(written[-1])["rows"]


@pytest.mark.parametrize("text", ["good", "<script>alert(1)</script> & <b> bad", "电影 很 好 🎬🎬", "bad the " * 1000])
def test_hard_texts_end_in_pictures_or_a_sentence(text):
    app = read(open_app("debate"), text)
    for panel in PANELS:
        show(app, panel.name)
        assert panel.question in said(app)
        assert "<script>" not in html(app)
