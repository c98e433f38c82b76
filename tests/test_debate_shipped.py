"""The shipped distributions belong to shipped weights, hold no text, and stay small."""

from __future__ import annotations

import json

import pytest

from models.debate.reference import SHIPPED, reference
from models.debate.rows import METHODS
from models.zoo.catalogue import catalogue

FILES = sorted(SHIPPED.glob("*/*.json"))
CARDS = {card.spec.id: card for card in catalogue()}


def test_there_are_some_for_readers_that_attend():
    assert any("attention" in file.stem for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_distribution_belongs_to_its_weights_and_is_read_back(file):
    found = json.loads(file.read_text(encoding="utf-8"))
    spec = CARDS[found["model"]].spec
    assert found["digest"] == spec.digest
    assert file.parent.name == spec.task
    assert file.stem == f"{spec.encoder}-{spec.id.rsplit('/', 1)[1]}"
    assert (found["split"], found["epsilon"], found["seed"]) == ("test", 0.01, 1)
    assert file.stat().st_size < 120_000
    groups = {name: group["texts"] for name, group in found["groups"].items()}
    assert sum(texts for name, texts in groups.items() if name != "all") == groups["all"]
    for name in groups.keys() - {"all"}:
        for method in found["groups"][name]["methods"]:
            assert method in METHODS
            said = reference(spec, method, int(name))
            assert list(said.quantiles) == sorted(said.quantiles)
            assert len(said.quantiles) == 51
            assert said.quantiles[0] <= said.mean <= said.quantiles[-1]
