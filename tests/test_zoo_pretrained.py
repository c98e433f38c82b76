"""Readers over one tuned encoder: what is trained on states is what is shipped."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil

import pytest
import torch
from safetensors.torch import load, save
from tiny_bert import save_bert
from toy_data import toy

from models.analysis import analyse
from models.records import Request
from models.training.batches import encode_splits, predict
from models.training.recipe import Recipe
from models.training.scores import scores
from models.zoo.catalogue import find
from models.zoo.errors import ZooError
from models.zoo.pretrained import TunedEncoder, train_on
from models.zoo.probes import PROBES
from models.zoo.store import load_classifier


def recipe(folder, pooler="mean", **fields):
    return Recipe(
        "toy", "pretrained", pooler, encoder_options={"base": folder, "tune": "biases"}, tune_vectors=False,
        max_tokens=20, train_limit=50, **{"epochs": 2, "lr": 5e-3, **fields},
    )  # fmt: skip


SENTENCES = ("the film was great", "a dull plot")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROBES, "toy", SENTENCES)
        yield _built(tmp_path_factory.mktemp("zoo"))


def _built(home):
    folder = str(save_bert(home / "bert"))
    encoder = TunedEncoder(recipe(folder, label="encoder"), toy(), home, home / "work")
    told = []
    entry = encoder.entry(told.append)
    for pooler in ("max", "apln"):
        train_on(encoder, recipe(folder, pooler), entry, told.append)
    return home, folder, encoder, entry, told


@pytest.mark.parametrize("pooler", ["max", "apln"])
def test_films_show_the_whole_reader_epoch_by_epoch(built, pooler):
    home = built[0]
    shipped, card = load_classifier(f"toy/pretrained/{pooler}", home), find(f"toy/pretrained/{pooler}", home)
    history = card.record["history"]
    assert [len(epoch["probes"]) for epoch in history] == [2, 2]
    assert history[0]["probes"] != history[1]["probes"]
    kept = history[card.record["best_epoch"] - 1]["probes"]
    for text, shot in zip(SENTENCES, kept, strict=True):
        # The epoch that was kept is what the classifier says now, but for the rounding of weights and of films.
        found = analyse(shipped, Request(text))
        trace = found.trace
        shown = trace.shares if pooler == "max" else trace.weights
        special = trace.special_share if pooler == "max" else trace.special_weight
        assert shot["attention"] == pytest.approx(list(shown), abs=2e-3)
        assert shot["special"] == pytest.approx(special, abs=2e-3)
        assert sum(shot["attention"]) + shot["special"] == pytest.approx(1, abs=1e-3)
        assert shot["probabilities"] == pytest.approx(list(found.prediction.probabilities), abs=2e-3)


def test_scores_on_states_are_those_of_the_whole_classifier_read_from_disk(built):
    home, *_ = built
    for name in ("toy/pretrained/max", "toy/pretrained/apln"):
        shipped, card = load_classifier(name, home), find(name, home)
        rows = encode_splits(shipped, toy())
        for split in ("validation", "test"):
            found = scores(predict(shipped, rows[split]), toy().splits[split].labels)
            assert found == pytest.approx(card.record["metrics"][split])


def test_states_are_computed_by_what_is_shipped(built):
    home, _, encoder, *_ = built
    shipped = load_classifier("toy/pretrained/max", home)
    text = toy().splits["test"].texts[3]
    ids = torch.tensor([shipped.read(text).ids])
    with torch.no_grad():
        hidden = shipped.encode(shipped.embed(ids), ids > -1)[0]
    states = encoder.states(encoder.recipe)
    torch.testing.assert_close(states.table[states.rows["test"][3]], hidden, rtol=1e-5, atol=1e-6)


def test_only_the_rows_of_the_recipe_are_read(built):
    encoder = built[2]
    states = encoder.states(encoder.recipe)
    assert sum(map(bool, states.rows["train"])) == 50
    assert len(states.rows["train"]) == len(toy().splits["train"])


def test_tuning_moved_the_biases_once_for_all_poolers(built):
    home, _, encoder, *_ = built
    one, other = (load_classifier(f"toy/pretrained/{pooler}", home) for pooler in ("max", "apln"))
    start = encoder.classifier(encoder.recipe).encoder.state_dict()
    for name, value in one.encoder.state_dict().items():
        assert torch.equal(value, other.encoder.state_dict()[name]), name
        assert torch.equal(value, start[name]), name


def test_a_second_call_tunes_nothing_and_another_recipe_does(built):
    home, folder, encoder, entry, _ = built
    told = []
    again = TunedEncoder(encoder.recipe, toy(), home, home / "work")
    assert again.entry(told.append) == entry
    assert not told
    other = TunedEncoder(dataclasses.replace(encoder.recipe, seed=7), toy(), home / "other", home / "work")
    assert other.entry(told.append)["tuned"] != entry["tuned"]
    assert told


def test_what_tuning_moved_is_stored_once_and_checked(built, tmp_path):
    home = built[0]
    copy = tmp_path / "zoo"
    shutil.copytree(home, copy)
    card, shared = find("toy/pretrained/max", copy), copy / "toy" / "encoder-tuned.safetensors"
    assert card.record["weights"]["encoder"]["sha256"] == hashlib.sha256(shared.read_bytes()).hexdigest()
    own = load((copy / "toy" / card.record["weights"]["file"]).read_bytes())
    assert set(own) == {"head.weight", "head.bias"}
    load_classifier("toy/pretrained/max", copy)
    whole = shared.read_bytes()
    shared.write_bytes(whole[:-2] + b"\1\1")
    with pytest.raises(ZooError, match="damaged or foreign"):
        load_classifier("toy/pretrained/max", copy)
    shared.unlink()
    with pytest.raises(ZooError, match="encoder-tuned.safetensors is missing"):
        load_classifier("toy/pretrained/max", copy)
    # Another encoder under its own digest is another classifier.
    moved = {name: value + 1 for name, value in load(whole).items()}
    shared.write_bytes(save(moved))
    text = card.path.read_text()
    before = card.record["weights"]["encoder"]["sha256"]
    card.path.write_text(text.replace(before, hashlib.sha256(shared.read_bytes()).hexdigest()))
    with pytest.raises(ZooError, match="the card was changed"):
        load_classifier("toy/pretrained/max", copy)
