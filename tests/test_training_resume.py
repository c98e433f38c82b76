"""A killed run goes on where it stopped, and ends with the same bits as one that was never killed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, repeat

import pytest
import torch
from safetensors import safe_open
from toy_data import recipe, toy

from models.data import Dataset, Split
from models.text import Vocabulary
from models.training import trainer
from models.training.trainer import train
from models.training.word_table import WordTable

DATA = toy()
VECTORS = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
TABLE = WordTable(Vocabulary(["dull", "bad", "great", "fine"]), VECTORS)
SETTINGS = {
    "tuned": (recipe("bilstm", "apln", epochs=4), None),
    "frozen": (recipe("cnn", "learned_norm", epochs=4, tune_vectors=False), TABLE),
}


class KilledError(Exception):
    """Stands in for a kill."""


def kill_in(epoch, batch=2):
    """Progress that dies in the middle of an epoch."""

    def progress(now, done, *_):
        if (now, done) == (epoch, batch):
            raise KilledError

    return progress


def told(trained):
    """Everything a run tells, but for how long it took."""
    history = [{k: v for k, v in record.items() if k != "seconds"} for record in trained.history]
    return history, trained.metrics, trained.best_epoch


def assert_same_run(left, right):
    assert told(left) == told(right)
    pairs = zip(left.classifier.state_dict().items(), right.classifier.state_dict().items(), strict=True)
    assert all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def epochs_run(folder, setting="tuned", data=DATA, **changes):
    """Train to the end and say which epochs were computed for it."""
    run, table = SETTINGS[setting]
    computed = []

    def note(record):
        computed.append(record["epoch"])

    return train(replace(run, **changes), data, table=table, folder=folder, epoch_done=note), computed


def start_and_kill(folder, epoch, setting="tuned"):
    run, table = SETTINGS[setting]
    with pytest.raises(KilledError):
        train(run, DATA, table=table, folder=folder, progress=kill_in(epoch))


@pytest.fixture(scope="module")
def uninterrupted():
    return {name: train(run, DATA, table=table) for name, (run, table) in SETTINGS.items()}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_killed_and_resumed_is_uninterrupted_to_the_bit(tmp_path, uninterrupted, setting, epoch):
    start_and_kill(tmp_path, epoch, setting)
    resumed, computed = epochs_run(tmp_path, setting)
    assert computed == list(range(epoch, 5)), "finished epochs were computed again"
    assert_same_run(resumed, uninterrupted[setting])


def test_killed_twice(tmp_path, uninterrupted):
    start_and_kill(tmp_path, 2)
    start_and_kill(tmp_path, 4)
    resumed, computed = epochs_run(tmp_path)
    assert computed == [4]
    assert_same_run(resumed, uninterrupted["tuned"])
    # What a card calls the run's time is that of all its parts.
    assert resumed.seconds >= sum(record["seconds"] for record in resumed.history)


def test_the_best_epoch_is_kept_through_a_kill(tmp_path, monkeypatch):
    dev = chain([0.5, 0.9, 0.4, 0.3, 0.2], repeat(0.0))
    monkeypatch.setattr(trainer, "scores", lambda *_: {"accuracy": next(dev)})
    start_and_kill(tmp_path, 4)
    resumed, computed = epochs_run(tmp_path)
    assert (computed, resumed.best_epoch) == ([4], 2)
    dev = chain([0.5, 0.9], repeat(0.0))
    second = train(replace(SETTINGS["tuned"][0], epochs=2), DATA).classifier
    assert all(torch.equal(v, second.state_dict()[n]) for n, v in resumed.classifier.state_dict().items())


def test_a_finished_run_is_not_run_again(tmp_path, uninterrupted):
    assert epochs_run(tmp_path)[1] == [1, 2, 3, 4]
    again, computed = epochs_run(tmp_path)
    assert computed == []
    assert_same_run(again, uninterrupted["tuned"])


def test_a_kill_between_the_two_files_starts_over(tmp_path, uninterrupted):
    start_and_kill(tmp_path, 3)
    early = (tmp_path / "progress.json").read_bytes()
    start_and_kill(tmp_path, 4)
    # The weights are of epoch 3, the progress is of epoch 2.
    (tmp_path / "progress.json").write_bytes(early)
    resumed, computed = epochs_run(tmp_path)
    assert computed == [1, 2, 3, 4]
    assert_same_run(resumed, uninterrupted["tuned"])


@pytest.mark.parametrize("name", ["state.safetensors", "progress.json"])
@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"[1]", None])
def test_damaged_files_start_over(tmp_path, uninterrupted, name, damage):
    start_and_kill(tmp_path, 3)
    file = tmp_path / name
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    resumed, computed = epochs_run(tmp_path)
    assert computed == [1, 2, 3, 4]
    assert_same_run(resumed, uninterrupted["tuned"])


def test_another_recipe_starts_over(tmp_path):
    start_and_kill(tmp_path, 3)
    assert epochs_run(tmp_path, lr=0.01)[1] == [1, 2, 3, 4]


def test_other_rows_start_over(tmp_path):
    start_and_kill(tmp_path, 3)
    # The same texts, hence the same words, but the classes are exchanged.
    train_rows = DATA.splits["train"]
    swapped = {**DATA.splits, "train": Split(train_rows.texts, tuple(1 - label for label in train_rows.labels))}
    other = Dataset(name="toy", task="toy", language="en", labels=DATA.labels, splits=swapped, card={})
    trained, computed = epochs_run(tmp_path, data=other)
    assert computed == [1, 2, 3, 4]
    assert_same_run(trained, train(SETTINGS["tuned"][0], other))


def test_another_word_table_starts_over(tmp_path):
    start_and_kill(tmp_path, 3, "frozen")
    run, _ = SETTINGS["frozen"]
    other = WordTable(TABLE.vocabulary, TABLE.weights + 0.5)
    trained = train(run, DATA, table=other, folder=tmp_path)
    assert_same_run(trained, train(run, DATA, table=other))


def test_what_is_kept_holds_no_pickle_and_no_frozen_table(tmp_path):
    start_and_kill(tmp_path, 2, "frozen")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["progress.json", "state.safetensors"]
    assert json.loads((tmp_path / "progress.json").read_text())["epoch"] == 1
    with safe_open(tmp_path / "state.safetensors", framework="pt") as file:
        names = set(file.keys())
        assert file.metadata() == {"epoch": "1"}
    assert not [name for name in names if "table" in name]
    assert {"now.pooler.p.rho", "best.pooler.p.initial", "optimizer.0.exp_avg"} <= names
