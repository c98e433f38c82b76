"""The tasks in words and the example sentences: enough of them, told apart, and none of them from a dataset."""

from __future__ import annotations

import pytest

from models.text import WordTokenizer
from models.zoo import tasks
from models.zoo.catalogue import catalogue
from models.zoo.probes import PROBES
from models.zoo.recipes import PLANS
from pages._examples import examples, ordered, task
from viz import entities

TASKS = tuple(plan.task for plan in PLANS)
MANY = ("sst2", "ag_news")
CAUTIOUS = {
    "convote_party": ("not people", "may not be used", "private person"),
    "covid_fake_news": ("fact checker", "style", "true"),
    "liar": ("fact checker", "style", "true"),
    "weibo_rumor": ("fact checker", "style", "true"),
    "tweet_sentiment": ("texts", "not the people"),
    "tweet_emotion": ("texts", "not the people"),
    "weibo_covid_emotion": ("posts", "not the people"),
}
HAN = range(0x4E00, 0xA000)


def chinese(text):
    return sum(ord(character) in HAN for character in text) > len(text) / 3


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_its_examples(name):
    found = examples(name)
    assert len(found) >= (12 if name in MANY else 6)
    assert found.keys() != examples("a task of nobody").keys()
    assert len({example.name for example in found.values()}) == len(found)
    assert len({example.text for example in found.values()}) == len(found)
    assert all(key == example.id for key, example in found.items())


@pytest.mark.parametrize("name", TASKS)
def test_every_example_says_why_it_is_interesting(name):
    for example in examples(name).values():
        assert 10 < len(example.hint) < 140
        assert len(example.name) < 30
        assert example.text == example.text.strip()


def test_every_id_stands_in_the_file_once():
    from pages._examples import _file

    ids = [(item["task"], item["id"]) for item in _file()["examples"]]
    assert len(set(ids)) == len(ids)
    assert {name for name, _ in ids} == set(TASKS) == set(_file()["tasks"])


def test_every_shipped_task_has_words_and_a_kind():
    shipped = {card.spec.task for card in catalogue()}
    assert shipped <= set(TASKS)
    for name in TASKS:
        described = task(name)
        assert described.title != name
        assert described.asks.endswith("?")
        assert described.kind in described.name.lower()
        assert described.language == tasks.facts()[name].language


def test_titles_tell_tasks_apart():
    assert len({task(name).title for name in TASKS}) == len(TASKS)
    assert len({task(name).data for name in TASKS}) == len(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_judges_people_or_truth_says_what_it_is_not(name):
    caution = task(name).caution
    assert bool(caution) == (name in CAUTIOUS)
    for words in CAUTIOUS.get(name, ()):
        assert words in caution


@pytest.mark.parametrize("name", TASKS)
def test_examples_and_probes_are_in_the_language_of_their_task(name):
    for text in (*(example.text for example in examples(name).values()), *PROBES[name]):
        assert chinese(text) == (task(name).language == "Chinese")


def test_only_a_relation_marks_two_words():
    for name in TASKS:
        for text in (*(example.text for example in examples(name).values()), *PROBES[name]):
            assert entities.missing(text) == ([] if task(name).marked else ["e1", "e2"])


def test_tasks_are_listed_by_kind_then_title_and_own_ones_last():
    listed = ordered(["tickets", *reversed(TASKS)])
    assert listed[-1] == "tickets"
    kinds = [task(name).kind for name in listed]
    assert kinds[0] == "sentiment"
    assert len(list(dict.fromkeys(kinds))) == sum(a != b for a, b in zip(kinds, kinds[1:], strict=False)) + 1
    films = [task(name).title for name in listed if task(name).kind == "sentiment"]
    assert films == sorted(films)


def test_reviews_are_longer_than_sentences():
    tokens = WordTokenizer()
    assert min(len(tokens(example.text)) for example in examples("imdb").values()) > 50
    assert max(len(tokens(example.text)) for example in examples("sst2").values()) < 30


def test_a_task_of_the_users_own_is_not_empty():
    assert task("tickets").title == task("tickets").name == "tickets"
    assert not task("tickets").marked
    assert len(examples("tickets")) >= 1


@pytest.mark.data
@pytest.mark.parametrize("name", TASKS)
def test_no_example_stands_in_a_dataset(name, data_folder):
    from models.data import load

    dataset = load(name)
    known = {" ".join(text.split()).lower() for split in dataset.splits.values() for text in split.texts}
    assert len(known) > 1000
    for text in (*(example.text for example in examples(name).values()), *PROBES[name]):
        assert " ".join(text.split()).lower() not in known
