"""Facts of the shipped tasks, and the class names that people see."""

from __future__ import annotations

import json
import re

import pytest
import torch
from app_zoo import make_zoo

from models.analysis import analyse
from models.commands.explain import parse_target
from models.records import Request
from models.zoo.catalogue import catalogue
from models.zoo.recipes import PLANS
from models.zoo.store import load_classifier
from models.zoo.tasks import FILE, display_labels, facts

PLANNED = {plan.task: plan for plan in PLANS}
# What only a file would call a class: no brackets, dots or underscores, no hyphen for a space.
FILE_NAME = re.compile(r"[()_.]|\w-\w|^\d+$")
ARGUMENTS = re.compile(r"\((e\d),(e\d)\)$")


def test_every_planned_task_has_facts_of_the_data_it_is_trained_on():
    assert set(facts()) == set(PLANNED)
    for task, known in facts().items():
        assert known.name == PLANNED[task].dataset
        assert known.language in ("English", "Chinese")
        assert all((known.source, known.citation, known.licence, known.notes))
        assert set(known.rows) == {"train", "validation", "test"}
        assert all(count > 300 for count in known.rows.values())


@pytest.mark.parametrize("task", sorted(PLANNED))
def test_every_class_has_one_name_for_people(task):
    names = list(facts()[task].labels.values())
    assert len(names) >= 2
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not FILE_NAME.search(name)
        assert 3 <= len(name) < 25
        assert name == name.strip()


def test_the_order_of_names_is_that_of_the_shipped_classifiers():
    cards = catalogue()
    assert cards
    for card in cards:
        known = facts()[card.spec.task]
        assert card.spec.labels == tuple(known.labels)
        assert display_labels(card.spec.task, card.spec.labels) == tuple(known.labels.values())


def test_the_two_directions_of_a_relation_are_one_sentence_each_way():
    labels = facts()["semeval2010_task8"].labels
    pairs = {name: ARGUMENTS.sub("", name) for name in labels if ARGUMENTS.search(name)}
    assert len(pairs) == 18
    for stem in set(pairs.values()):
        forth, back = labels[f"{stem}(e1,e2)"], labels[f"{stem}(e2,e1)"]
        assert back == forth.replace("e1", "x").replace("e2", "e1").replace("x", "e2")


def test_licences_for_research_are_told_as_such():
    assert not facts()["semeval2010_task8"].research_only
    assert [task for task, known in facts().items() if not known.research_only] == ["semeval2010_task8"]


def test_classes_that_are_not_the_data_sets_keep_their_names():
    assert display_labels("trec", ("entity", "human")) == ("thing", "person")
    assert display_labels("trec", ("entity", "robot")) == ("entity", "robot")
    assert display_labels("tickets", ("0", "1")) == ("0", "1")


def test_records_say_the_names_for_people_and_the_identity_stays(tmp_path):
    zoo = make_zoo(tmp_path, {"trec": tuple(facts()["trec"].labels)})
    card = json.loads((zoo / "trec" / "bilstm-mean.json").read_text(encoding="utf-8"))
    assert card["labels"] == list(facts()["trec"].labels)
    classifier = load_classifier("trec/bilstm/mean", zoo)
    assert classifier.spec.labels == tuple(facts()["trec"].labels)
    analysis = analyse(classifier, Request("Who is it ?"))
    assert analysis.prediction.labels == tuple(facts()["trec"].labels.values())
    assert analysis.model.labels == classifier.spec.labels
    assert torch.tensor(analysis.prediction.logits).argmax() == analysis.prediction.predicted


def test_a_class_is_found_by_either_name_and_by_number():
    shown, trained = ("thing", "person"), ("entity", "human")
    assert [parse_target(name, shown, trained) for name in ("Person", "human", "1")] == [1, 1, 1]


@pytest.mark.data
@pytest.mark.parametrize("task", sorted(PLANNED))
def test_facts_are_those_of_the_data(task, data_folder):
    card = json.loads((data_folder / facts()[task].name / "card.json").read_text(encoding="utf-8"))
    known = facts()[task]
    assert list(known.labels) == card["labels"]
    assert (known.citation, known.licence) == (card["citation"], card["licence"])
    assert {split: said["rows"] for split, said in card["splits"].items()} == dict(known.rows)
    assert {"en": "English", "zh": "Chinese"}[card["language"]] == known.language


def test_the_file_holds_no_text_of_the_data():
    assert FILE.stat().st_size < 20_000
