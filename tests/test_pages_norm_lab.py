"""The laboratory under the dial: every part answers on the visitor's text, at the dial's p."""

from __future__ import annotations

import html

import pytest
from app_zoo import charts, make_zoo, open_app, read, said

from models.classifier import PoolingClassifier
from models.normlab.forms import norm_forms
from models.normlab.readings import norm_readings
from models.normlab.scale_limits import scale_limits
from models.normlab.swap import swap
from models.normlab.variance import p_variance, with_p
from models.records import Request
from models.study.read import SHIPPED, load_study
from models.zoo.store import load_classifier
from pages._state import Key
from viz import wording


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def markup(app) -> str:
    return html.unescape("\n".join(element.proto.body for element in app.get("html")))


def rows_with(app, field):
    return [row for _, rows in charts(app) for row in rows if field in row]


def part(app, name):
    """Open one part of the laboratory."""
    app.segmented_control(key=Key.LAB).set_value(name).run()
    assert not app.exception
    return app


def test_the_readings_follow_the_dial(zoo):
    app = open_app("norms", {"p": "3.162"})
    p = app.select_slider(key=Key.DIAL).value
    found = norm_readings(load_classifier("sst2/bilstm/apln", zoo), Request(app.session_state[Key.TEXT]), p)
    assert [row["A and C"] for row in rows_with(app, "A and C")] == pytest.approx(found.points[0].shares)
    assert [row["B"] for row in rows_with(app, "A and C")] == pytest.approx(found.points[1].shares)
    vectors = [row for row in rows_with(app, "reading") if row["reading"] == "C"]
    by_dimension = {row["dimension"]: row["r"] for row in vectors}
    assert [by_dimension[d + 1] for d in range(len(by_dimension))] == pytest.approx(found.points[2].pooled)
    page = markup(app)
    assert "as trained" in page
    assert page.count(">holds<") == len(found.identities)
    assert "does not hold" not in page


def test_every_text_goes_through_an_encoder_once_whatever_is_opened_and_turned(zoo, monkeypatch):
    passes, encode = [], PoolingClassifier.encode

    def watched(self, embeddings, mask):
        passes.append((self.encoder_digest, embeddings.numpy(force=True).tobytes()))
        return encode(self, embeddings, mask)

    monkeypatch.setattr(PoolingClassifier, "encode", watched)
    app = open_app("norms", {"p": "3.162"})
    for name in ("limits", "forms", "swap", "readings"):
        part(app, name)
    read_before = set(passes)
    app.select_slider(key=Key.DIAL).set_value(50.0).run()
    part(app, "swap")
    assert not app.exception
    assert len(passes) == len(set(passes)) > 1
    assert set(passes) == read_before


def test_a_reader_without_attention_says_what_its_readings_are():
    app = open_app("norms")
    assert "This reader has no attention" not in said(app)
    app.selectbox(key=Key.NORM_READER).select("sst2/embedding/learned_norm").run()
    assert not app.exception
    assert "This reader has no attention: every token weighs 1/N" in said(app)


def test_odd_texts_have_readings_too():
    for text in ("good", "🙂 <script>alert(1)</script>", "电影 不错"):
        app = read(open_app("norms"), text)
        assert "does not hold" not in markup(app)
        assert "<script>" not in "".join(element.proto.body for element in app.get("html"))


def test_the_scaling_is_frozen_by_a_switch(zoo):
    app = part(open_app("norms", {"p": "3.162"}), "limits")
    p = app.select_slider(key=Key.DIAL).value
    found = scale_limits(load_classifier("sst2/bilstm/apln", zoo), Request(app.session_state[Key.TEXT]), p)
    row = next(row for row in found.rows if row.limit == "minmax_token")
    anew, frozen = (wording.number(side[0], plus=True) for side in (row.rescaled, row.frozen))
    assert anew != frozen
    assert f">{anew}</span><small>{frozen}</small>" in markup(app)
    app.toggle(key=Key.FREEZE).set_value(True).run()
    assert not app.exception
    assert f">{frozen}</span><small>{anew}</small>" in markup(app)


def test_a_reader_without_limits_says_so():
    app = open_app("norms")
    app.selectbox(key=Key.NORM_READER).select("sst2/embedding/learned_norm").run()
    assert "Learned norm pooling limits no scale" in said(part(app, "limits")).replace("\\", "")


def test_losses_of_both_forms_are_counted_over_the_dial(zoo):
    app = part(open_app("norms", {"p": "50"}), "forms")
    marks = tuple(sorted({row["p"] for row in rows_with(app, "lost")}))
    assert marks[0] == 0.1
    assert marks[-1] == 50
    text = Request(app.session_state[Key.TEXT])
    found = norm_forms(load_classifier("sst2/bilstm/apln", zoo), text, (50.0,)).counts
    lost = {row["form"]: row["lost"] for row in rows_with(app, "lost") if row["p"] == 50}
    assert lost == {"log form": found[0].gradients, "pow form": found[1].gradients}
    assert found[1].gradients > 0


def test_another_pooler_goes_under_any_chosen_reader(zoo):
    app = part(open_app("norms"), "swap")
    page = markup(app)
    assert "APLN, as trained" in page or "Attention, as trained" in page
    assert "example" in said(app)
    for reader in ("sst2/bilstm/attention", "sst2/cnn/max"):
        app.selectbox(key=Key.SWAP_READER).select(reader).run()
        assert not app.exception
        found = swap(load_classifier(reader, zoo), Request(app.session_state[Key.TEXT]), 1.0)
        mean = next(row for row in found.rows if row.name == "mean")
        assert f">{wording.number(mean.margin, plus=True)}<" in markup(app)
    assert "this reader has no attention of its own" in markup(app)
    assert "Without an exponent, so not in this list" in said(app)


def test_a_task_without_norms_can_still_exchange_poolers(tmp_path, monkeypatch):
    import app_zoo

    monkeypatch.setattr(app_zoo, "READERS", (("bilstm", "mean"), ("cnn", "max")))
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path / "plain")))
    app = open_app("norms")
    assert "has a norm to turn; train one" in said(app)
    assert ", as trained" in markup(app)


def test_learned_p_of_the_study_and_of_every_dimension(zoo):
    app = part(open_app("norms"), "learned")
    runs = with_p(load_study(SHIPPED).runs, app.selectbox(key=Key.LEARNED_BY).value)
    assert len(rows_with(app, "seed")) == len(runs)
    assert f"Over {p_variance(runs).runs} runs" in said(app)
    assert "one p for all its dimensions" in said(app)
    app.selectbox(key=Key.NORM_READER).select("sst2/embedding/learned_norm").run()
    assert not app.exception
    assert sum(row["dimensions"] for row in rows_with(app, "dimensions")) == 8
    assert "one p for all its dimensions" not in said(app)


def test_the_open_part_stands_in_the_address_and_a_link_opens_it():
    app = part(open_app("norms"), "forms")
    assert app.query_params["lab"] == "forms"
    app = open_app("norms", {"lab": "limits"})
    assert "What does each way of making the states non-negative do" in said(app)
    assert app.query_params["lab"] == "limits"
    app = open_app("norms", {"lab": "nope"})
    assert "no part of the laboratory “nope”" in said(app)
    assert "Which of its readings does the formula stand for" in said(app)


def test_a_link_restores_the_switch_and_the_pickers_of_the_laboratory():
    app = part(open_app("norms"), "limits")
    assert "frozen" not in app.query_params
    app.toggle(key=Key.FREEZE).set_value(True).run()
    assert app.query_params["frozen"] == "1"
    assert open_app("norms", {"lab": "limits", "frozen": "1"}).toggle(key=Key.FREEZE).value
    app = part(app, "swap")
    assert app.query_params["swap"] == "bilstm.attention"
    app.selectbox(key=Key.SWAP_READER).select("sst2/cnn/max").run()
    assert app.query_params["swap"] == "cnn.max"
    app = open_app("norms", {"lab": "swap", "swap": "cnn.max"})
    assert app.selectbox(key=Key.SWAP_READER).value == "sst2/cnn/max"
    app = part(app, "learned")
    assert "swap" not in app.query_params
    offered = app.selectbox(key=Key.LEARNED_BY)
    first, other = offered.value, app.query_params["variant"]
    assert first == other
    other = next(option for option in runs_with_p() if option != first)
    app = open_app("norms", {"lab": "learned", "variant": other})
    assert app.selectbox(key=Key.LEARNED_BY).value == other


def runs_with_p():
    runs = load_study(SHIPPED).runs
    return [name for name in dict.fromkeys(run.variant for run in runs) if with_p(runs, name)]


@pytest.mark.parametrize(("asked", "told"), [
    ({"lab": "swap", "swap": "cnn.nope"}, "There is no reader “sst2/cnn/nope”; another one is shown."),
    ({"lab": "learned", "variant": "luck"}, "There is no pooler “luck” with a learned p in the study"),
    ({"lab": "limits", "frozen": "maybe"}, ""),
])  # fmt: skip
def test_pickers_of_a_link_that_name_nothing_are_told(asked, told):
    app = open_app("norms", asked)
    assert not app.exception
    assert told in said(app).replace("\\", "")
    assert "nope" not in app.query_params.get("swap", "")
    assert app.query_params.get("variant") != "luck"
    assert "frozen" not in app.query_params
