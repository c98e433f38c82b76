"""Norms: the dial follows, the learned value is marked, every shipped exponent is drawn."""

from __future__ import annotations

import pytest
from app_zoo import TASKS, charts, make_zoo, open_app, read, said

from models.norms import norm_sweep
from models.records import Request
from models.zoo.store import load_classifier
from pages._state import Key


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def formulas(app) -> str:
    return "\n".join(latex.value for latex in app.latex)


def test_the_dial_starts_at_the_learned_value(zoo):
    app = open_app("norms")
    learned = norm_sweep(load_classifier("sst2/bilstm/apln", zoo), Request("good"), (1.0,)).learned
    assert app.select_slider(key=Key.DIAL).value == pytest.approx(learned)
    assert "p" not in app.query_params
    assert app.button(key=Key.LEARNED).disabled


def test_turning_the_dial_moves_formula_figures_and_address(zoo):
    app = open_app("norms")
    dial = app.select_slider(key=Key.DIAL)
    high = max(dial.options, key=lambda option: float(option.split()[0]))
    assert float(high) == 50
    before = charts(app)[1][1]
    dial.set_value(50.0).run()
    assert not app.exception
    assert "50" in formulas(app)
    assert app.query_params["p"] == "50"
    after = charts(app)[1][1]
    sweep = norm_sweep(load_classifier("sst2/bilstm/apln", zoo), Request(app.session_state[Key.TEXT]), (50.0,))
    assert [row["now"] for row in after] == pytest.approx(sweep.points[0].shares, rel=1e-4)
    assert [row["learned"] for row in after] == [row["learned"] for row in before]
    app.button(key=Key.LEARNED).click().run()
    assert not app.exception
    assert charts(app)[1][1] == before
    assert "p" not in app.query_params


def test_a_link_puts_the_dial_near_its_value():
    app = open_app("norms", {"p": "3.1"})
    assert app.select_slider(key=Key.DIAL).value == pytest.approx(3.162, abs=0.01)


def test_one_p_per_dimension_is_said_in_words():
    app = open_app("norms")
    app.selectbox(key=Key.NORM_READER).select("sst2/embedding/learned_norm").run()
    assert not app.exception
    assert app.query_params["norm"] == "embedding.learned_norm"
    assert r"|h_{id} - c_d|" in formulas(app)


def test_every_learned_exponent_is_in_the_dot_plot(zoo):
    app = open_app("norms")
    (dots,) = [rows for _, rows in charts(app) if rows and "initial" in rows[0]]
    assert len(dots) == 2 * len(TASKS)
    assert {row["initial"] for row in dots} == {1.0, 2.0}


def test_the_training_history_is_drawn_for_the_classifier_chosen():
    app = open_app("norms")
    spec, rows = charts(app)[-1]
    assert len(spec["vconcat"]) == 4
    assert [row["dev"] for row in rows if row["dev"] is not None] == pytest.approx([0.7, 0.8, 0.9])
    app.selectbox(key=Key.TRAINED).select("sst2/cnn/max").run()
    assert not app.exception
    assert app.selectbox(key=Key.TRAINED).value == "sst2/cnn/max"


def test_one_word_and_emoji_turn_too():
    for text in ("good", "🙂 🙂"):
        app = read(open_app("norms"), text)
        assert len(charts(app)) >= 5


def test_a_task_without_norms_says_what_to_train(tmp_path, monkeypatch):
    import app_zoo

    monkeypatch.setattr(app_zoo, "READERS", (("bilstm", "mean"), ("cnn", "max")))
    monkeypatch.setenv("POOLSCOPE_ZOO", str(make_zoo(tmp_path / "plain")))
    app = open_app("norms")
    assert "has a norm to turn; train one" in said(app)
    assert "No classifier with a learned norm" in said(app)


def test_gem_turns_and_a_learned_alpha_is_drawn_by_its_name(tmp_path, monkeypatch):
    import app_zoo

    monkeypatch.setattr(app_zoo, "READERS", (("embedding", "gem"), ("embedding", "entmax")))
    folder = make_zoo(tmp_path / "both")
    monkeypatch.setenv("POOLSCOPE_ZOO", str(folder))
    app = open_app("norms")
    assert r"\max(h_{id}, \epsilon)^{3.00}" in formulas(app)
    app.select_slider(key=Key.DIAL).set_value(50.0).run()
    assert not app.exception
    sweep = norm_sweep(load_classifier("sst2/embedding/gem", folder), Request(app.session_state[Key.TEXT]), (50.0,))
    assert [row["now"] for row in charts(app)[0][1]] == pytest.approx(sweep.points[0].shares, rel=1e-4)
    app.selectbox(key=Key.TRAINED).select("sst2/embedding/entmax").run()
    assert not app.exception
    spec, rows = charts(app)[-1]
    assert spec["vconcat"][0]["encoding"]["y"]["title"] == "learned α"
    assert [row["α"] for row in rows][:2] == [1.5, 1.1]
    assert all(row["p"] is None for row in rows)
