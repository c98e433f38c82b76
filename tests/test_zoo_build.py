"""Rebuilding the zoo: what is up to date is left alone, what is stale or damaged is made again."""

import json
import random
import shutil

import pytest

from models.data import Dataset, Split
from models.zoo import word_tables
from models.zoo.build import build, up_to_date
from models.zoo.catalogue import catalogue, find
from models.zoo.recipes import WIDTHS, TaskPlan, recipes, tuning
from models.zoo.store import load_classifier

pytest.importorskip("gensim", reason="gensim trains the word vectors; it is in requirements-train.txt")

PLAN = TaskPlan(
    "toy", "toy", ("toy",), ("embedding", "cnn"), ("mean", "apln"),
    changes=(("epochs", 1), ("patience", 1), ("batch_size", 16)),
)  # fmt: skip


def toy() -> Dataset:
    draw = random.Random(3)
    plain = ["film", "plot", "actor", "scene", "the", "a", "with"]

    def rows(count: int) -> Split:
        labels = tuple(draw.randrange(2) for _ in range(count))
        texts = tuple(
            " ".join([*draw.choices(plain, k=5), draw.choice([["dull", "bad"], ["great", "fine"]][label])])
            for label in labels
        )
        return Split(texts, labels)

    splits = {"train": rows(160), "validation": rows(40), "test": rows(40)}
    return Dataset(name="toy", task="toy", language="en", labels=("bad", "good"), splits=splits, card={})


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    data = toy()
    lines: list[str] = []
    build(PLAN, lambda _: data, folder=folder / "weights", work=folder / "work", say=lines.append)
    return folder, data, lines


def again(zoo, **changes):
    folder, data, _ = zoo
    lines: list[str] = []
    build(PLAN, lambda _: data, folder=folder / "weights", work=folder / "work", say=lines.append, **changes)
    return lines


def test_builds_every_recipe_and_each_loads(zoo):
    folder, _, _ = zoo
    ids = [card.spec.id for card in catalogue(folder / "weights")]
    assert sorted(ids) == sorted(recipe.id for recipe in recipes(PLAN))
    for model_id in ids:
        assert load_classifier(model_id, folder / "weights").labels == ("bad", "good")


def test_context_free_encoders_read_the_tuned_table_and_others_the_plain_one(zoo):
    folder, _, _ = zoo
    tables = {c.spec.encoder: c.record["table"]["sha256"] for c in catalogue(folder / "weights")}
    assert tables["embedding"] != tables["cnn"]
    tuned = json.loads((folder / "weights" / "toy.tuned.json").read_text())
    assert tuned["from"] == tables["cnn"]
    assert tuned["recipe"] == tuning(PLAN).to_dict()


def test_second_build_trains_nothing(zoo):
    assert all(line.endswith("up to date") for line in again(zoo))


def test_weights_of_another_width_are_rounded_anew_and_not_trained_again(zoo, monkeypatch):
    card = find("toy/cnn/mean", zoo[0] / "weights")
    monkeypatch.setitem(WIDTHS, "cnn", 8)
    lines = again(zoo)
    assert sum(line.endswith("up to date") for line in lines) == 2
    assert not [line for line in lines if " epoch 1: " in line]
    packed = find("toy/cnn/mean", zoo[0] / "weights")
    assert packed.record["weights"]["bits"] == 8
    assert packed.record["history"] == card.record["history"]
    monkeypatch.undo()
    assert sum(line.endswith("up to date") for line in again(zoo)) == 2


def test_damaged_weights_are_built_again(zoo):
    folder, data, _ = zoo
    file = folder / "weights" / "toy" / "cnn-mean.safetensors"
    before = file.read_bytes()
    file.write_bytes(before[:-4] + b"\0\0\0\1")
    recipe = next(r for r in recipes(PLAN) if r.id == "toy/cnn/mean")
    card = find(recipe.id, folder / "weights")
    assert not up_to_date(folder / "weights", recipe, data, card.record["table"])
    # Without the finished run at hand, the weights can only come from training again.
    shutil.rmtree(folder / "work" / "zoo")
    lines = again(zoo)
    assert [line for line in lines if "test accuracy" in line][0].startswith("toy/cnn/mean")
    assert sum(line.endswith("up to date") for line in lines) == 3
    # The same recipe, data and seed give the same weights, bit for bit.
    assert file.read_bytes() == before


def test_damaged_word_table_is_built_again(zoo):
    folder, _, _ = zoo
    file = folder / "weights" / "toy" / "words.safetensors"
    before = file.read_bytes()
    file.write_bytes(before[:-2] + b"\1\1")
    word_tables._table.cache_clear()  # another process would not have the sound table in memory
    again(zoo)
    assert file.read_bytes() == before


def test_other_data_make_every_card_stale(zoo):
    folder, data, _ = zoo
    fewer = Split(data.splits["train"].texts[:-1], data.splits["train"].labels[:-1])
    other = Dataset(
        name="toy", task="toy", language="en", labels=data.labels,
        splits={**data.splits, "train": fewer}, card={},
    )  # fmt: skip
    for recipe in recipes(PLAN):
        entry = find(recipe.id, folder / "weights").record["table"]
        assert up_to_date(folder / "weights", recipe, data, entry)
        assert not up_to_date(folder / "weights", recipe, other, entry)


def test_a_table_that_only_the_tuning_read_is_not_kept(tmp_path):
    plan = TaskPlan("toy", "toy", ("toy",), ("embedding",), ("mean",), changes=PLAN.changes)
    data = toy()

    def run():
        lines: list[str] = []
        build(plan, lambda _: data, folder=tmp_path / "weights", work=tmp_path / "work", say=lines.append)
        return lines

    run()
    kept = {path.name for path in (tmp_path / "weights" / "toy").iterdir()}
    words = {"words-tuned.safetensors", "words-tuned.txt.gz"}
    assert kept == {*words, "embedding-mean.json", "embedding-mean.safetensors"}
    assert run() == ["toy/embedding/mean: up to date"]
    # A damaged tuned table is tuned again, from a plain one that is laid again.
    file = tmp_path / "weights" / "toy" / "words-tuned.safetensors"
    before = file.read_bytes()
    file.write_bytes(before[:-2] + b"\1\1")
    word_tables._table.cache_clear()
    assert "toy: tuning the word vectors …" in run()
    assert file.read_bytes() == before
    assert {path.name for path in (tmp_path / "weights" / "toy").iterdir()} == kept
