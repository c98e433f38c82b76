"""The example sentences: enough of them, told apart, and none of them from a dataset."""

from __future__ import annotations

import pytest

from models.text import WordTokenizer
from pages._examples import examples, task

TASKS = ("sst2", "ag_news", "imdb")


@pytest.mark.parametrize(("name", "least"), [("sst2", 12), ("ag_news", 12), ("imdb", 4)])
def test_every_task_has_its_examples(name, least):
    found = examples(name)
    assert len(found) >= least
    assert len({example.name for example in found.values()}) == len(found)
    assert len({example.text for example in found.values()}) == len(found)
    assert all(key == example.id for key, example in found.items())


@pytest.mark.parametrize("name", TASKS)
def test_every_example_says_why_it_is_interesting(name):
    for example in examples(name).values():
        assert 10 < len(example.hint) < 140
        assert len(example.name) < 30
        assert example.text == example.text.strip()


def test_reviews_are_longer_than_sentences():
    tokens = WordTokenizer()
    assert min(len(tokens(example.text)) for example in examples("imdb").values()) > 50
    assert max(len(tokens(example.text)) for example in examples("sst2").values()) < 30


def test_a_task_of_the_users_own_is_not_empty():
    assert task("tickets").title == "tickets"
    assert len(examples("tickets")) >= 1


@pytest.mark.data
@pytest.mark.parametrize("name", TASKS)
def test_no_example_stands_in_a_dataset(name, data_folder):
    from models.data import load

    dataset = load(name)
    known = {" ".join(text.split()).lower() for split in dataset.splits.values() for text in split.texts}
    assert len(known) > 1000
    for example in examples(name).values():
        assert " ".join(example.text.split()).lower() not in known
