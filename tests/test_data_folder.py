"""Named datasets from a folder that the test writes, and the digest against an independent one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from models.data import DataError, Dataset, Split, available, load, load_dataset
from models.data.dataset import digest_of
from models.errors import PoolScopeError

ROWS = {
    "train": (["a fine film", "dull", "kein Wort 是的 🙂"], [1, 0, 1]),
    "validation": (["so so", "good"], [0, 1]),
    "test": (["bad"], [0]),
}


def write(root: Path, name: str = "films", **card) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for split, (texts, labels) in ROWS.items():
        pd.DataFrame({"text": texts, "label": pd.array(labels, "int8")}).to_parquet(
            folder / f"{split}.parquet"
        )
    card = {"name": name, "task": "sentiment", "language": "en", "labels": ["neg", "pos"]} | card
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def test_a_dataset_comes_back_as_it_was_written(tmp_path):
    write(tmp_path, language="de")
    loaded = load_dataset("films", tmp_path)

    assert (loaded.name, loaded.task, loaded.language) == ("films", "sentiment", "de")
    assert loaded.labels == ("neg", "pos")
    assert {name: (list(rows.texts), list(rows.labels)) for name, rows in loaded.splits.items()} == ROWS
    assert all(type(label) is int for label in loaded.splits["train"].labels)
    assert loaded.card["labels"] == ["neg", "pos"]


def test_the_folder_comes_from_the_environment_and_the_argument_wins(tmp_path, monkeypatch):
    write(tmp_path / "one", "first")
    write(tmp_path / "two", "second")
    monkeypatch.setenv("POOLSCOPE_DATA", str(tmp_path / "one"))

    assert available() == ("first",)
    assert available(tmp_path / "two") == ("second",)
    assert load("first").digest == load("second", root=tmp_path / "two").digest


def test_the_digest_is_the_sha256_of_what_the_docstring_says():
    splits = {"train": Split(("ab", "é"), (0, 1)), "test": Split(("c",), (1,))}
    plain = b"test\x001\x00" + b"1\x001\x00c" + b"train\x002\x00" + b"0\x002\x00ab" + b"1\x002\x00\xc3\xa9"
    assert digest_of(splits) == hashlib.sha256(plain).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        Split(("ab", "d"), (0, 1)),
        Split(("ab", "c"), (1, 0)),
        Split(("c", "ab"), (1, 0)),
        Split(("a", "bc"), (0, 1)),
        Split(("ab",), (0,)),
    ],
)
def test_the_digest_notices_every_change(other):
    assert digest_of({"train": other}) != digest_of({"train": Split(("ab", "c"), (0, 1))})


def test_the_digest_takes_what_utf8_cannot_hold():
    assert digest_of({"train": Split(("\ud800",), (0,))}) != digest_of({"train": Split(("\ud801",), (0,))})


def test_a_dataset_cannot_be_changed(tmp_path):
    write(tmp_path)
    loaded = load_dataset("films", tmp_path)
    with pytest.raises(TypeError):
        loaded.splits["train"] = Split((), ())
    with pytest.raises(TypeError):
        loaded.card["labels"] = []
    with pytest.raises(AttributeError):
        loaded.name = "other"


def test_no_folder_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("POOLSCOPE_DATA", raising=False)
    with pytest.raises(DataError, match="no data folder was named: set POOLSCOPE_DATA"):
        load_dataset("films")
    with pytest.raises(DataError, match="'.*nowhere' is not there: set POOLSCOPE_DATA"):
        load_dataset("films", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["movies", "", ".", "..", "../films", "films/../films"])
def test_an_unknown_name_lists_what_is_there(tmp_path, name):
    write(tmp_path)
    write(tmp_path, "news")
    with pytest.raises(DataError, match="it holds films, news: choose one of those"):
        load_dataset(name, tmp_path)


def test_an_empty_folder_says_what_it_should_hold(tmp_path):
    with pytest.raises(DataError, match="it holds no dataset"):
        load_dataset("films", tmp_path)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"labels": ["one"]}', '{"labels": ["a", "a"]}', '{"labels": 3}', "{}"]
)
def test_a_broken_card_is_one_sentence(tmp_path, content):
    (write(tmp_path) / "card.json").write_text(content)
    with pytest.raises(DataError, match=r"^card\.json of dataset 'films'"):
        load_dataset("films", tmp_path)


def damage_missing(folder: Path) -> None:
    (folder / "test.parquet").unlink()


def damage_truncated(folder: Path) -> None:
    whole = (folder / "test.parquet").read_bytes()
    (folder / "test.parquet").write_bytes(whole[: len(whole) // 2])


def damage_columns(folder: Path) -> None:
    pd.DataFrame({"sentence": ["bad"], "label": [0]}).to_parquet(folder / "test.parquet")


def damage_no_rows(folder: Path) -> None:
    pd.DataFrame({"text": pd.array([], "str"), "label": []}).to_parquet(folder / "test.parquet")


def damage_label_range(folder: Path) -> None:
    pd.DataFrame({"text": ["good", "bad"], "label": [0, 2]}).to_parquet(folder / "test.parquet")


def damage_label_type(folder: Path) -> None:
    pd.DataFrame({"text": ["bad"], "label": ["neg"]}).to_parquet(folder / "test.parquet")


def damage_label_null(folder: Path) -> None:
    pd.DataFrame({"text": ["good", "bad"], "label": [0.0, None]}).to_parquet(folder / "test.parquet")


def damage_empty_text(folder: Path) -> None:
    pd.DataFrame({"text": ["good", " \t"], "label": [0, 1]}).to_parquet(folder / "test.parquet")


def damage_null_text(folder: Path) -> None:
    pd.DataFrame({"text": ["good", None], "label": [0, 1]}).to_parquet(folder / "test.parquet")


def damage_one_class(folder: Path) -> None:
    pd.DataFrame({"text": ["good", "fine"], "label": [1, 1]}).to_parquet(folder / "train.parquet")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_missing, r"test\.parquet of dataset 'films' is missing"),
        (damage_truncated, "cannot be read as Parquet"),
        (damage_columns, "has no column 'text', only sentence, label"),
        (damage_no_rows, "'films' has no rows in test"),
        (
            damage_label_range,
            r"row 2 of the test split .*carries label 2; expected .* 0 to 1 \(neg, pos\)",
        ),
        (damage_label_type, "row 1 of the test split of 'films' carries label 'neg'"),
        (damage_label_null, "row 1 of the test split of 'films' carries label 0.0"),
        (damage_empty_text, "row 2 of the test split of 'films' holds an empty text"),
        (damage_null_text, "row 2 of the test split of 'films' holds an empty text"),
        (damage_one_class, "shows only one class in its training rows"),
    ],
)
def test_damaged_data_is_one_sentence(tmp_path, damage, message):
    damage(write(tmp_path))
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("films", tmp_path)
    assert isinstance(caught.value, PoolScopeError)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_unknown_source_lists_the_three():
    with pytest.raises(DataError, match="no source 'disk'; expected folder, hub, file"):
        load("films", source="disk")


def test_a_dataset_in_memory_is_checked_too():
    rows = Split(("a", "b"), (0, 1))
    with pytest.raises(DataError, match="has no rows in validation, test"):
        Dataset("mine", "own", "en", ("x", "y"), {"train": rows}, {})
    with pytest.raises(ValueError, match="2 texts but 1 labels"):
        Split(("a", "b"), (0,))


@pytest.mark.data
def test_every_real_dataset_agrees_with_its_card(data_folder):
    names = available(data_folder)
    assert {"sst2", "ag_news", "imdb"} <= set(names)
    for name in names:
        loaded = load_dataset(name, data_folder)
        for split, facts in loaded.card["splits"].items():
            rows = loaded.splits[split]
            assert len(rows) == facts["rows"], (name, split)
            counts = [rows.labels.count(label) for label in range(len(loaded.labels))]
            assert counts == facts["class_counts"], (name, split)
