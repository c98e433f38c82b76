"""A zoo of three untrained classifiers over one word table, in a folder of the test's own."""

from __future__ import annotations

import json

import pytest
import torch
from tiny_classifiers import TEXT
from toy_data import SMALL

from models.assemble import assemble
from models.text import Vocabulary
from models.training.recipe import Recipe
from models.zoo.catalogue import catalogue
from models.zoo.errors import ZooError
from models.zoo.store import load_classifier, write
from models.zoo.word_tables import write_table

LABELS = ("against", "for")
WORDS = Vocabulary([*TEXT.lower().split()[:-1], "l'été", "电影"])
APLN = "toy/cnn/apln"
OTHERS = ["toy/cnn/learned_norm", "toy/cnn/mean"]


def make(pooler, encoder="cnn", **options):
    """A recipe and its classifier, every parameter of the pooler away from its start."""
    recipe = Recipe("toy", encoder, pooler, encoder_options=SMALL[encoder], pooler_options=options, embedding_size=4)
    torch.manual_seed(len(pooler))
    classifier = assemble(recipe, LABELS, WORDS)
    with torch.no_grad():
        for parameter in classifier.pooler.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return recipe, classifier


def build_zoo(folder):
    entry = write_table(folder / "toy", "words", WORDS, make("mean")[1].table.weight.detach())
    for pooler, options in (("mean", {}), ("apln", {"reading": "B", "limit": "sigmoid"}), ("learned_norm", {})):
        recipe, classifier = make(pooler, **options)
        write(folder / "toy", classifier, recipe, {**entry, "shared": True}, {"metrics": {"test": {"accuracy": 0.5}}})
    return folder


def alter(zoo, **changes):
    """Change fields of the APLN's card (``None`` takes a field out); its digests stay as they are."""
    path = zoo / "toy" / "cnn-apln.json"
    record = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in record.items() if v is not None}), encoding="utf-8")


def assert_refused(zoo, *parts):
    """The APLN is refused in one sentence with these parts; the other two read as ever."""
    with pytest.raises(ZooError) as caught:
        load_classifier(APLN, zoo)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence
    assert [card.spec.id for card in catalogue(zoo) if card.spec.id != APLN] == OTHERS
    for model_id in OTHERS:
        assert load_classifier(model_id, zoo).spec.id == model_id
