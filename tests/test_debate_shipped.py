"""The shipped distributions belong to shipped weights, hold no text, stay small, and say what the reader says."""

from __future__ import annotations

import time

import numpy as np
import pytest

from models.debate import run as debate
from models.debate.alone import Options
from models.debate.columns import load
from models.debate.reference import SHIPPED, reference
from models.debate.rows import METHODS
from models.debate.suite import suite
from models.zoo.catalogue import catalogue

FILES = sorted(SHIPPED.glob("*/*.npz"))
CARDS = {card.spec.id: card for card in catalogue()}


def test_there_are_some_for_readers_that_attend_and_all_are_small():
    assert any("attention" in file.stem for file in FILES)
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*")) < 700_000


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_distribution_belongs_to_its_weights_and_is_read_back(file):
    started = time.process_time()
    columns = load(file)
    assert time.process_time() - started < 0.05
    card, found = columns.card, columns.measured()
    spec = CARDS[card["model"]].spec
    assert card["digest"] == spec.digest
    assert file.parent.name == spec.task
    assert file.stem == f"{spec.encoder}-{spec.id.rsplit('/', 1)[1]}"
    assert (card["split"], card["epsilon"], card["seed"]) == ("test", 0.01, 1)
    assert len(found.texts) == (card["limit"] or found.of)
    assert all(0 <= value <= 1 for value in found.largest)
    assert len(set(found.texts)) == len(found.texts)
    for method, numbers in found.numbers:
        assert method in METHODS
        known = [value for value in numbers if value is not None]
        low, high = (-1, 1) if method.startswith("tau") else (0, 1)
        assert low - 0.005 <= min(known) <= max(known) <= high + 0.005
        parts = [reference(spec, method, place) for place in range(len(spec.labels))]
        assert sum(part.n + part.undefined for part in parts if part) <= len(found.texts)
        assert sum(part.n for part in parts if part) == len(known)


def test_what_is_shipped_is_what_the_reader_says_today(data_folder):
    from models.data import load as load_data
    from models.zoo.store import load_classifier

    classifier = load_classifier("sst2/bilstm/attention")
    items = debate.items_of(classifier, load_data("sst2", source="folder"), "test")[:6]
    found = load(SHIPPED / "sst2" / "bilstm-attention.npz")
    assert found.values["text"][:6].tolist() == [item.text for item in items]
    for place, item in enumerate(items):
        for row in suite(classifier, [item], Options()):
            shipped = found.values[row.method][place] if row.method in found.values else np.nan
            assert shipped == pytest.approx(np.nan if row.value is None else row.value, abs=2.6e-3, nan_ok=True)
