"""Going from task to task: the grouped picker, Chinese and marked texts, class names, cautions, About."""

from __future__ import annotations

import pytest
from app_zoo import charts, choose, make_zoo, open_app, payload, read, said

from models.zoo.tasks import facts
from pages._examples import examples, task
from pages._state import Key

RELATION, CHINESE, PROFILE = "semeval2010_task8", "chnsenticorp", "convote_party"
TASKS = {name: tuple(facts()[name].labels) for name in (RELATION, "sst2", CHINESE, PROFILE)} | {
    "tickets": ("bug", "wish")
}
PAGES = ("compare", "gradient", "norms", "about")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"), TASKS)


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def go(app, name):
    app.selectbox(key=Key.TASK).set_value(name).run()
    assert not app.exception
    return app


def press(app, name):
    app.button(key=Key.ENTITIES[name]).click().run()
    assert not app.exception
    return app


def test_the_picker_lists_tasks_by_kind_and_begins_with_sst2():
    app = open_app()
    picker = app.selectbox(key=Key.TASK)
    assert picker.value == "sst2"
    assert picker.options == [
        "Sentiment · Film, one sentence", "Sentiment · Hotel reviews, Chinese",
        "Relation · Two marked words", "User profiling · Floor speeches", "tickets",
    ]  # fmt: skip
    assert task("sst2").asks in said(app)


def test_a_chinese_task_reads_chinese_character_by_character():
    app = go(open_app(), CHINESE)
    first = next(iter(examples(CHINESE).values()))
    assert app.text_area(key=Key.DRAFT).value == first.text
    words = [text for _, text, _ in payload(app)["text"]]
    assert "".join(words) == first.text
    assert words[:3] == list(first.text[:3])
    assert {reader["id"].split("/")[0] for reader in payload(app)["readers"]} == {CHINESE}


def test_a_relation_shows_its_entities_and_says_classes_as_people_do():
    app = go(open_app(), RELATION)
    shown = {text: letters for _, text, letters in payload(app)["text"]}
    assert "t" in shown["<e1>"]
    assert shown["flood"].endswith("1e")
    assert shown["dam"].endswith("2e")
    names = set(facts()[RELATION].labels.values())
    for reader in payload(app)["readers"]:
        assert len(reader["bars"]) == 5
        assert {bar[0] for bar in reader["bars"]} < names
    assert set(app.selectbox(key=Key.TARGET).options) - names == {"what each reader predicts"}
    assert "not marked" not in said(app)


def test_a_link_holds_the_trained_name_and_the_page_the_one_for_people():
    app = open_app(params={"task": RELATION, "target": "Cause-Effect(e2,e1)"})
    assert {reader["target"] for reader in payload(app)["readers"]} == {"e2 causes e1"}
    assert app.query_params["target"] == "Cause-Effect(e2,e1)"
    assert "Cause" not in said(app)


def test_a_text_without_marks_is_read_and_told_how_to_mark():
    app = read(go(open_app(), RELATION), "the football club sold its stadium to a bank")
    told = said(app).replace("\\", "")
    assert "e1 and e2 are not marked" in told
    assert "<e1> word </e1>" in told
    assert len(payload(app)["text"]) == 9
    choose(app, 1)
    press(app, "e1")
    assert app.session_state[Key.TEXT].startswith("the <e1> football </e1> club")
    assert "e2 is not marked" in said(app)
    choose(app, 11 - 1)
    press(app, "e2")
    assert app.session_state[Key.TEXT].endswith("to a <e2> bank </e2>")
    assert "not marked" not in said(app)
    assert app.session_state[Key.EXAMPLE] is None


def test_marks_themselves_cannot_be_marked_and_other_tasks_have_no_such_buttons():
    app = go(open_app(), RELATION)
    letters = [letters for _, _, letters in payload(app)["text"]]
    for place, enabled in ((letters.index("ut"), (False, False)), (0, (True, True))):
        choose(app, place)
        assert tuple(not app.button(key=key).disabled for key in Key.ENTITIES.values()) == enabled
    app = go(app, "sst2")
    assert not {Key.ENTITIES["e1"], Key.ENTITIES["e2"]} & {button.key for button in app.button}


@pytest.mark.parametrize("page", PAGES)
def test_the_caution_stands_on_every_page(page):
    app = open_app(page, {"task": PROFILE})
    (line,) = [info.value for info in app.info if task(PROFILE).caution in info.value]
    assert "may not be used" in line
    assert not [info for info in open_app(page).info if task(PROFILE).caution in info.value]


def test_about_tells_source_licence_classes_and_caution_of_every_task():
    app = open_app("about")
    labels = [expander.label for expander in app.expander]
    for name in TASKS:
        assert any(label.startswith(f"**{task(name).name}** · {task(name).data}") for label in labels)
    told = said(app)
    for name in (RELATION, CHINESE, PROFILE):
        known = facts()[name]
        for words in (known.citation, known.licence, known.source, f"{known.rows['train']:,} train", known.language):
            assert words in told
    assert "For research only" in told
    assert "3 of these allow research only" in told
    assert "e2 causes e1 (`Cause-Effect(e2,e1)`)" in told
    assert task(PROFILE).caution in told


def test_nineteen_classes_stay_readable_on_the_norms_page():
    app = open_app("norms", {"task": RELATION})
    (told,) = [element.value for element in app.text if element.value.startswith("At p =")]
    assert all(line.count(",") == 4 for line in told.splitlines())
    assert charts(app)
