"""The first page: a first visit, own text, a clicked word, edits, and the address that follows."""

from __future__ import annotations

import pytest
from app_zoo import choose, make_zoo, open_app, payload, read, said
from streamlit.testing.v1 import AppTest

from models.records import MethodCall, Request
from models.zoo.store import load_classifier
from pages._state import Key
from viz import wording


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def readers(app: AppTest) -> list[str]:
    return [reader["id"] for reader in payload(app)["readers"]]


def words(app: AppTest) -> list[str]:
    return [word for _, word, _ in payload(app)["text"]]


def grid(app: AppTest) -> str:
    return next(html.value for html in app.get("html") if "ps-agree" in html.value)


def test_the_first_screen_is_an_example_read_by_three_readers():
    app = open_app()
    assert words(app)[:5] == ["The", "film", "is", "not", "bad"]
    assert readers(app) == ["sst2/bilstm/attention", "sst2/bilstm/apln", "sst2/cnn/max"]
    assert all(reader["rows"] for reader in payload(app)["readers"])
    assert app.query_params["example"] == "never-quite"
    assert "“never quite” takes it back" in said(app)


def test_the_numbers_on_the_page_are_those_of_analyse(zoo):
    from models.analysis import analyse

    app = open_app()
    shown = payload(app)["readers"][0]
    call = MethodCall("exact_share")
    found = analyse(load_classifier("sst2/bilstm/attention", zoo), Request(app.session_state[Key.TEXT], (call,)))
    row = next(row for row in shown["rows"] if row["key"] == "exact_share")
    assert row["v"] == pytest.approx(found.attributions[0].scores, rel=1e-3)
    assert [bar[1] for bar in shown["bars"]] == pytest.approx(found.prediction.probabilities, abs=1e-4)


def test_own_text_is_read_and_stays_out_of_the_address():
    app = read(open_app(), "A good film, at last!")
    assert words(app) == ["A", "good", "film", ",", "at", "last", "!"]
    assert "text" not in app.query_params
    assert "example" not in app.query_params
    assert app.session_state[Key.EXAMPLE] is None


def test_own_text_gets_into_the_address_only_when_asked_and_only_that_text():
    app = read(open_app(), "A good film, at last!")
    app.button(key=Key.SHARE).click().run()
    assert not app.exception
    assert app.query_params["text"] == "A good film, at last!"
    read(app, "A bad film, alas!")
    assert "text" not in app.query_params


def test_an_example_is_read_as_soon_as_it_is_chosen():
    app = open_app()
    app.selectbox(key=Key.EXAMPLE).select("irony").run()
    assert not app.exception
    assert words(app)[:2] == ["Great", ","]
    assert app.text_area(key=Key.DRAFT).value.startswith("Great, another")
    assert app.query_params["example"] == "irony"


def test_typing_an_example_counts_as_that_example():
    app = open_app()
    text = app.session_state[Key.TEXT]
    app.selectbox(key=Key.EXAMPLE).select("irony").run()
    read(app, text)
    assert app.query_params["example"] == "never-quite"


def test_a_clicked_word_is_marked_and_explained_for_every_reader():
    app = choose(open_app(), 3)
    assert payload(app)["selected"] == 3
    assert app.query_params["word"] == "3"
    assert "chosen: “not”" in said(app)
    tables = [html.value for html in app.get("html") if "ps-rows" in html.value and "furthest apart" not in html.value]
    assert len(tables) == 3
    for title in ("BiLSTM · Attention", "BiLSTM · APLN", "CNN · Max"):
        assert all(title in table for table in tables)
    assert "without it" in tables[0]
    assert "rank" in tables[1]
    assert "similarity" in tables[2]


def test_without_it_is_what_deleting_it_predicts(zoo):
    from models.analysis import analyse, remove

    app = choose(open_app(), 3)
    request = Request(app.session_state[Key.TEXT])
    removal = remove(load_classifier("sst2/cnn/max", zoo), request, 3, "deleted")
    before = analyse(load_classifier("sst2/cnn/max", zoo), request)
    told = removal.prediction.probabilities[before.target]
    table = next(html.value for html in app.get("html") if "without it" in html.value)
    row = table[table.index("CNN · Max") :]
    assert f'data-name="without it">{wording.probability(told)}<' in row
    app.button(key=Key.DELETE).click().run()
    assert not app.exception
    bars = payload(app)["readers"][2]["bars"]
    assert [bar[1] for bar in bars] == pytest.approx(removal.prediction.probabilities, abs=1e-4)


def test_delete_mask_undo_restore_say_what_was_edited_and_what_it_changed():
    app = choose(open_app(), 3)
    before = [bar[1] for bar in payload(app)["readers"][0]["bars"]]
    app.button(key=Key.DELETE).click().run()
    assert "edited: “not” deleted" in said(app)
    assert "→" in said(app)
    assert payload(app)["text"][3][2] == "d"
    assert app.query_params["edits"] == "d3"
    choose(app, 7)
    app.button(key=Key.MASK).click().run()
    assert "edited: “not” deleted, “it” masked" in said(app)
    assert app.query_params["edits"] == "d3,m7"
    app.button(key=Key.UNDO).click().run()
    assert "edited: “not” deleted\n" in said(app)
    app.button(key=Key.RESTORE).click().run()
    assert "edited" not in said(app)
    assert [bar[1] for bar in payload(app)["readers"][0]["bars"]] == before
    assert not app.exception


def test_masking_a_deleted_word_replaces_the_edit():
    app = choose(open_app(), 3)
    app.button(key=Key.DELETE).click().run()
    assert app.button(key=Key.DELETE).disabled
    app.button(key=Key.MASK).click().run()
    assert app.query_params["edits"] == "m3"


def test_deleting_every_word_ends_in_a_sentence_and_can_be_undone():
    app = read(open_app(), "good")
    choose(app, 0)
    app.button(key=Key.DELETE).click().run()
    assert not app.exception
    assert "nothing is left to read" in said(app)
    app.button(key=Key.RESTORE).click().run()
    assert words(app) == ["good"]


def test_a_copied_link_opens_the_same_view():
    params = {
        "task": "ag_news", "readers": "cnn.max,,bilstm.apln",
        "methods": "leave_one_out,input_gradient:attention=detached",
        "target": "Business", "example": "stadium", "edits": "d1,m2", "word": "4",
    }  # fmt: skip
    app = open_app(params=params)
    assert readers(app) == ["ag_news/cnn/max", "ag_news/bilstm/apln"]
    assert [reader["mark"] for reader in payload(app)["readers"]] == ["A", "C"]
    assert [row["key"] for row in payload(app)["readers"][1]["rows"]] == [
        "leave_one_out", "input_gradient[attention=detached]",
    ]  # fmt: skip
    assert payload(app)["readers"][0]["target"] == "Business"
    assert [flags[-1:] for _, _, flags in payload(app)["text"]][1:3] == ["d", "m"]
    assert payload(app)["selected"] == 4
    assert dict(app.query_params) == params


def test_a_shared_text_opens_with_its_edits():
    app = open_app(params={"text": "good film, bad story", "edits": "d1"})
    assert words(app) == ["good", "film", ",", "bad", "story"]
    assert "d" in payload(app)["text"][1][2]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"task": "nope"}, "no task “nope”"),
        ({"readers": "cnn.nope,cnn.max"}, "no reader “cnn/nope”"),
        ({"readers": ",".join(["cnn.max"] * 8)}, "At most 6 readers"),
        ({"methods": "nope,attention"}, "nope"),
        ({"methods": "integrated_gradients:max_steps=9999999"}, "from 16 to 2048"),
        ({"target": "nope"}, "no class “nope”"),
        ({"example": "nope"}, "no example “nope”"),
        ({"scale": "nope"}, "no colour scale “nope”"),
        ({"word": "x"}, "“word” could not be read"),
        ({"p": "99"}, "The dial runs from"),
    ],
)
def test_what_a_link_names_and_is_not_there_is_told_and_replaced(params, sentence):
    app = open_app(params=params)
    told = "\n".join(warning.value.replace("\\", "") for warning in app.warning)
    assert sentence in told
    assert payload(app)["readers"]
    assert payload(app)["readers"][0]["rows"]
    app.selectbox(key=Key.EXAMPLE).select("irony").run()
    assert not app.warning


def test_readers_keep_their_colours_when_others_leave_and_come():
    app = open_app()
    app.multiselect(key=Key.READERS).set_value(["sst2/bilstm/apln", "sst2/cnn/max"]).run()
    assert [reader["mark"] for reader in payload(app)["readers"]] == ["B", "C"]
    app.multiselect(key=Key.READERS).set_value(["sst2/bilstm/apln", "sst2/cnn/max", "sst2/bilstm/mean"]).run()
    assert dict(zip(readers(app), (r["mark"] for r in payload(app)["readers"]), strict=True)) == {
        "sst2/bilstm/mean": "A", "sst2/bilstm/apln": "B", "sst2/cnn/max": "C",
    }  # fmt: skip
    assert app.query_params["readers"] == "bilstm.mean,bilstm.apln,cnn.max"


def test_no_reader_is_a_sentence_not_a_picture():
    app = open_app()
    app.multiselect(key=Key.READERS).set_value([]).run()
    assert not app.exception
    assert "No reader is chosen" in said(app)
    assert not app.get("bidi_component")


def test_no_method_still_shows_the_predictions():
    app = open_app()
    app.multiselect(key=Key.METHODS).set_value([]).run()
    assert not app.exception
    assert all(reader["bars"] for reader in payload(app)["readers"])
    assert "Two maps or more" in grid(app)


def test_another_task_keeps_the_make_up_of_the_readers():
    app = open_app()
    app.selectbox(key=Key.TASK).select("ag_news").run()
    assert not app.exception
    assert readers(app) == ["ag_news/bilstm/attention", "ag_news/bilstm/apln", "ag_news/cnn/max"]
    assert app.query_params["example"] == "stadium"
    assert [bar[0] for bar in payload(app)["readers"][0]["bars"]] == ["World", "Sports", "Business", "Sci/Tech"]


def test_another_task_keeps_own_text():
    app = read(open_app(), "my own good story")
    app.selectbox(key=Key.TASK).select("ag_news").run()
    assert words(app) == ["my", "own", "good", "story"]


def test_one_class_can_be_explained_for_all_readers():
    app = open_app()
    app.selectbox(key=Key.TARGET).select("positive").run()
    assert {reader["target"] for reader in payload(app)["readers"]} == {"positive"}
    assert app.query_params["target"] == "positive"


def test_a_methods_slider_reaches_the_method():
    app = open_app()
    app.slider(key=Key.param("integrated_gradients", "max_steps")).set_value(64).run()
    assert not app.exception
    assert "integrated_gradients:max_steps=64" in app.query_params["methods"]
    assert any(row["key"] == "integrated_gradients[max_steps=64]" for row in payload(app)["readers"][0]["rows"])


def test_another_scale_colours_anew_and_stands_in_the_address():
    app = open_app()
    assert "scale" not in app.query_params
    before = [row["q"] for row in payload(app)["readers"][0]["rows"] if row.get("q")]
    app.radio(key=Key.SCALE).set_value("root").run()
    assert not app.exception
    assert [row["q"] for row in payload(app)["readers"][0]["rows"] if row.get("q")] != before
    assert app.query_params["scale"] == "root"


def test_the_grid_compares_with_the_metric_and_the_map_asked_for():
    app = open_app()
    assert "Attention ~ Exact share" in grid(app)
    app.selectbox(key=Key.REFERENCE).select("leave_one_out").run()
    assert "Kendall τ_b with Leave-one-out" in grid(app)
    assert "has no attention weights" in grid(app)
    app.button_group(key=Key.METRIC).set_value("spearman").run()
    assert not app.exception
    assert "Spearman ρ with Leave-one-out" in grid(app)


def test_many_maps_are_compared_with_one_of_them_unless_all_pairs_are_asked_for():
    methods = ["attention", "exact_share", "saliency", "input_gradient", "integrated_gradients", "leave_one_out"]
    app = open_app(params={"methods": ",".join(methods)})
    assert app.selectbox(key=Key.REFERENCE).value == ""
    assert grid(app).count("<tr") == 1 + 15
    app.multiselect(key=Key.METHODS).set_value([*app.multiselect(key=Key.METHODS).value, "uniform_map"]).run()
    assert app.selectbox(key=Key.REFERENCE).value == "attention"
    assert grid(app).count("<tr") == 1 + 6
    app.selectbox(key=Key.REFERENCE).select("").run()
    assert not app.exception
    assert grid(app).count("<tr") == 1 + 21
    app.selectbox(key=Key.EXAMPLE).select("irony").run()
    assert app.selectbox(key=Key.REFERENCE).value == ""


def test_two_visitors_do_not_see_each_others_text():
    first = read(open_app(), "my secret good film")
    second = AppTest.from_file(first._script_path, default_timeout=60).run()
    assert not second.exception
    assert words(second)[:2] == ["The", "film"]
