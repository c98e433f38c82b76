"""The bags of words on the page Compare and in the table on About, on a toy zoo with toy baselines."""

from __future__ import annotations

import json

import pytest
from app_zoo import choose, make_zoo, open_app, read, said
from toy_bags import toy_bags

from models.baselines import catalogue, store
from models.baselines.build import build
from models.baselines.kinds import BASELINES
from models.baselines.reading import explain
from models.records import Request
from pages._state import Key
from viz import references, wording


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def bags(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    data = toy_bags(classes=2)
    data = data.__class__(**{name: getattr(data, name) for name in ("name", "task", "language", "splits", "card")},
                          labels=("negative", "positive"))  # fmt: skip
    build("sst2", ("sst2",), lambda _: data, folder=folder, limit=40, say=str)
    return folder


@pytest.fixture(autouse=True)
def _tiny(zoo, bags, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))
    for module in (catalogue, store):
        monkeypatch.setattr(module, "SHIPPED", bags)


def rows(app):
    return next((html.value for html in app.get("html") if "ps-ref" in html.value), None)


def opened(app):
    app.session_state[Key.BAGS] = True
    app.run()
    assert not app.exception
    return app


def test_nothing_is_computed_before_it_is_opened(monkeypatch):
    monkeypatch.setattr("models.baselines.store.load_baseline", lambda *_: pytest.fail("loaded"))
    app = open_app()
    assert [box.label for box in app.expander] == ["What a bag of words says"]
    assert rows(app) is None


def test_every_baseline_reads_the_same_text_with_its_test_score(bags):
    app = read(opened(open_app()), "a great film and a dull plot")
    drawn = rows(app)
    tested = catalogue.scores("sst2")
    for name, kind in BASELINES.items():
        found = explain(store.load_baseline("sst2", name, bags), Request("a great film and a dull plot"))
        assert f"· {kind.title}" in drawn
        assert kind.note in drawn
        share = wording.probability(found.prediction.probabilities[0])
        assert f"negative {share}" in drawn[drawn.index(kind.title) :]
        assert f"Test accuracy {wording.probability(tested[name][0])}" in drawn
    assert drawn.count(">great</span>") == len(BASELINES)
    assert "no order" in said(app)
    assert f"{catalogue.best_baseline('sst2').accuracy:.1%} of the official test set" in said(app)


def test_edits_and_the_class_asked_for_reach_the_bags():
    app = read(opened(open_app()), "a great film")
    assert "f-d" not in rows(app).partition("</style>")[2]
    choose(app, 1)
    app.button(key=Key.DELETE).click().run()
    assert not app.exception
    assert "f-d" in rows(app).partition("</style>")[2]
    app.selectbox(key=Key.TARGET).select("positive").run()
    assert not app.exception
    assert "For “positive”" in rows(app)
    assert "For “negative”" not in rows(app)


def test_a_task_without_baselines_or_with_other_classes_has_no_section(bags, tmp_path, monkeypatch):
    app = open_app()
    app.selectbox(key=Key.TASK).select("ag_news").run()
    assert not app.exception
    assert not app.expander
    card = json.loads((bags / "sst2" / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "sst2").mkdir()
    (tmp_path / "sst2" / "card.json").write_text(json.dumps({**card, "labels": ["no", "yes"]}), encoding="utf-8")
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path)
    assert not open_app().expander
    assert set(open_app("about").dataframe[0].value["remark"]) == {""}


def test_a_damaged_baseline_is_a_sentence_and_the_others_are_drawn(bags, tmp_path, monkeypatch):
    (tmp_path / "sst2").mkdir()
    for file in (bags / "sst2").iterdir():
        data = b"no" if file.name == "tree.safetensors" else file.read_bytes()
        (tmp_path / "sst2" / file.name).write_bytes(data)
    for module in (catalogue, store):
        monkeypatch.setattr(module, "SHIPPED", tmp_path)
    from pages import _cache

    _cache._bag.clear()
    app = opened(open_app())
    assert "its digest differs" in "\n".join(warning.value for warning in app.warning)
    assert "Naive Bayes" in rows(app)
    assert "Decision tree" not in rows(app)


@pytest.mark.parametrize(("best", "marked"), [(0.9, True), (0.81, False)])
def test_a_reader_below_the_best_bag_of_words_is_marked(bags, tmp_path, monkeypatch, best, marked):
    card = json.loads((bags / "sst2" / "card.json").read_text(encoding="utf-8"))
    for facts in card["baselines"].values():
        facts["metrics"]["test"]["accuracy"] = best
    (tmp_path / "sst2").mkdir()
    (tmp_path / "sst2" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path)
    table = open_app("about").dataframe[0].value
    remarks = table.set_index("id")["remark"]
    assert (remarks["sst2/bilstm/apln"] == "below the bag of words") is marked
    assert remarks["ag_news/bilstm/apln"] == ""


def test_user_text_is_escaped_and_a_long_text_is_cut_in_the_drawing(bags):
    bag = store.load_baseline("sst2", "tree", bags)
    drawn = references.references_html([explain(bag, Request("<script>alert(1)</script> great"))])
    assert "<script>" not in drawn
    assert "&lt;" in drawn
    found = explain(bag, Request("film plot " * 300))
    drawn = references.references_html([found], {bag.spec.id: "a note"})
    assert drawn.count('class="w ') == references.LONGEST
    assert f"{600 - references.LONGEST} more were read" in drawn
    assert "a note" in drawn
    assert "absent words" in drawn
    assert references.references_html([]) == ""


def test_rows_share_one_scale(bags):
    found = [explain(store.load_baseline("sst2", name, bags), Request("a great film")) for name in BASELINES]
    parts = [[abs(score) for score in one.attributions[0].scores] for one in found]
    top = max(max(part) / sum(part) for part in parts if sum(part))
    drawn = references.references_html(found)
    assert f"{wording.percent(top)} for" in drawn
    assert f"half the colour at {wording.percent(top / 4)}" in drawn
