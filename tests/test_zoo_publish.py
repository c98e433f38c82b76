"""A classifier is published whole or not at all, with the scores of the very weights that are shipped."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from toy_data import recipe, toy

from models.training.batches import encode_texts, predict
from models.training.trainer import train
from models.zoo import publish as publishing
from models.zoo.catalogue import catalogue
from models.zoo.publish import publish
from models.zoo.store import load_classifier

DATA = toy(train=32)
RECIPE = recipe(encoder_options={"state_size": 48}, embedding_size=24, epochs=1)


@pytest.fixture(scope="module")
def trained():
    return train(RECIPE, DATA)


def test_the_card_holds_the_scores_of_the_weights_beside_it(trained, tmp_path):
    card = publish(tmp_path, RECIPE, DATA, trained)
    assert catalogue(tmp_path) == (card,)
    assert json.loads(card.path.read_text()) == card.record
    shipped = load_classifier(card.spec.id, tmp_path)
    weights = shipped.encoder.state_dict(), trained.classifier.encoder.state_dict()
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[1]), "nothing was rounded"
    for name, values in card.record["metrics"].items():
        split = DATA.splits[name]
        chosen = predict(shipped, encode_texts(shipped, split.texts)).argmax(1).numpy()
        assert values["accuracy"] == pytest.approx(np.mean(chosen == np.array(split.labels)), abs=1e-12)
    moved = [abs(card.record["metrics"][n]["accuracy"] - trained.metrics[n]["accuracy"]) for n in trained.metrics]
    assert card.record["rounding"] == max(moved)


def test_what_cannot_be_scored_leaves_the_folder_as_it_was(trained, tmp_path, monkeypatch):
    before = publish(tmp_path, RECIPE, DATA, trained)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "scores", killed)
    other = train(RECIPE, toy(seed=4, train=32))
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, RECIPE, DATA, other, table=before.record["table"])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "empty", RECIPE, DATA, other)
    assert catalogue(tmp_path / "empty") == ()


def test_card_and_weights_are_written_once(trained, tmp_path, monkeypatch):
    written = []
    put = publishing.put
    monkeypatch.setattr(publishing, "put", lambda card, data: written.append(card) or put(card, data))
    publish(tmp_path, RECIPE, DATA, trained)
    (card,) = written
    assert set(card.record["metrics"]) == {"validation", "test"}
