"""The user's own files: every kind read alike, and one sentence for every way to be wrong."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import DataError, load
from models.data.dataset import Split
from models.data.files import read_columns
from models.data.own import load_file
from models.data.rows import draw

TEXTS = [f"{word}, she said, number {i}" for i in range(15) for word in ("good", "bad")]
LABELS = ["pos", "neg"] * 15


def write(path: Path, texts=TEXTS, labels=LABELS, text="text", label="label") -> Path:
    frame = pd.DataFrame({text: texts, "extra": range(len(texts)), label: labels})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".tsv":
        frame.to_csv(path, index=False, sep="\t")
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.fixture
def three(tmp_path):
    """Paths of three files, one per split, so that nothing is drawn."""

    def make(suffix: str, texts=TEXTS, labels=LABELS) -> dict[str, Path]:
        return {
            split: write(tmp_path / f"{split}{suffix}", texts, labels)
            for split in ("train", "validation", "test")
        }

    return make


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".CSV"])
def test_every_kind_gives_the_same_rows(three, suffix):
    files = three(suffix if suffix.islower() else ".csv")
    if not suffix.islower():
        files["train"] = files["train"].rename(files["train"].with_suffix(suffix))
    loaded = load(files["train"], source="file", validation=files["validation"], test=files["test"])

    assert loaded.labels == ("neg", "pos")
    for rows in loaded.splits.values():
        assert list(rows.texts) == TEXTS
        assert [loaded.labels[label] for label in rows.labels] == LABELS
    assert loaded.card["processing"] == []


AWKWARD = [
    "NA",
    "null",
    "007",
    '"begins quoted',
    'a "b" c',
    "1.50",
    "emoji 🙂",
    "نص عربي",
    "中文，句子",
    "True",
    "x,y;z",
]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_awkward_texts_stay_what_they_are(three, suffix):
    files = three(suffix, AWKWARD, ["NA", "b"] * 5 + ["b"])
    loaded = load_file(files["train"], validation=files["validation"], test=files["test"])
    assert list(loaded.splits["train"].texts) == AWKWARD
    assert loaded.labels == ("NA", "b")


def test_a_tsv_with_bare_quotes_loses_no_row(tmp_path):
    path = tmp_path / "raw.tsv"
    path.write_text('text\tlabel\n"never closed\ta\nfine\tb\n' + "x\ta\ny\tb\n" * 3)
    loaded = load_file(path, validation=path, test=path)
    assert loaded.splits["train"].texts[:2] == ('"never closed', "fine")
    assert len(loaded.splits["train"]) == 8


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([10, 2, 10, 2], ("2", "10")),
        ([1, 0, 1, 0], ("0", "1")),
        ([2.0, 1.0, 2.0, 1.0], None),
        ([-1, 1, -1, 1], ("-1", "1")),
        (["b", "a ", "b", "a"], ("a", "b")),
        ([True, False, True, False], None),
    ],
)
def test_labels_of_each_type_are_named_and_ordered(three, suffix, labels, expected):
    # In a CSV a label is the text that stands there.
    as_written = {float: ("1.0", "2.0"), bool: ("False", "True")}
    as_values = {float: ("1", "2"), bool: ("false", "true")}
    expected = expected or (as_written if suffix == ".csv" else as_values)[type(labels[0])]
    files = three(suffix, ["w", "x", "y", "z"], labels)
    loaded = load_file(files["train"], validation=files["validation"], test=files["test"])
    assert loaded.labels == expected
    assert len(set(loaded.splits["train"].labels)) == 2


def test_columns_can_be_named(tmp_path):
    path = write(tmp_path / "reviews.csv", text="Review", label="stars")
    loaded = load_file(path, text="Review", label="stars", name="mine", task="sentiment", language="zh")
    assert (loaded.name, loaded.task, loaded.language) == ("mine", "sentiment", "zh")
    assert loaded.card["columns"] == {"text": "Review", "label": "stars"}


def test_missing_splits_are_drawn_once_and_for_all(tmp_path):
    path = write(tmp_path / "mine.csv")
    loaded, again = load_file(path), load_file(path)
    other = load_file(path, seed=14)

    assert {name: len(rows) for name, rows in loaded.splits.items()} == {
        "train": 24,
        "validation": 3,
        "test": 3,
    }
    assert loaded.digest == again.digest != other.digest
    drawn = Counter(text for rows in loaded.splits.values() for text in rows.texts)
    assert drawn == Counter(TEXTS)
    for rows in loaded.splits.values():
        assert [TEXTS.index(text) for text in rows.texts] == sorted(TEXTS.index(text) for text in rows.texts)
        assert all(
            LABELS[TEXTS.index(t)] == loaded.labels[i] for t, i in zip(rows.texts, rows.labels, strict=True)
        )
    assert loaded.card["split_seed"] == 13
    assert loaded.card["processing"] == [
        "validation: drawn from mine.csv, stratified by label",
        "test: drawn from mine.csv, stratified by label",
    ]


def test_a_given_test_file_is_kept_whole(tmp_path):
    path = write(tmp_path / "mine.csv")
    test = write(tmp_path / "held.jsonl", ["one", "two"], ["neg", "neg"])
    loaded = load_file(path, test=test)
    assert loaded.splits["test"] == Split(("one", "two"), (0, 0))
    assert {name: len(rows) for name, rows in loaded.splits.items()} == {
        "train": 27,
        "validation": 3,
        "test": 2,
    }


def test_the_card_counts_classes_and_repeats_and_hides_the_path(tmp_path):
    path = write(tmp_path / "train.csv")
    test = write(tmp_path / "test.csv", [TEXTS[0], "unseen"], ["pos", "neg"])
    card = load_file(path, validation=path, test=test).card
    assert card["splits"]["test"] == {"rows": 2, "class_counts": [1, 1]}
    assert card["checks"]["train_rows_also_in_test"] == 1
    assert card["checks"]["train_rows_also_in_validation"] == len(TEXTS)
    assert str(tmp_path) not in json.dumps(dict(card))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(3, 40), min_size=2, max_size=8), st.integers(0, 3))
def test_every_class_keeps_a_training_row(counts, seed):
    labels = tuple(label for label, count in enumerate(counts) for _ in range(count))
    split = Split(tuple(f"text {row}" for row in range(len(labels))), labels)
    drawn = draw(split, ["validation", "test"], [str(i) for i in range(len(counts))], "mine", seed)
    assert set(drawn["train"].labels) == set(labels)
    assert sorted(text for rows in drawn.values() for text in rows.texts) == sorted(split.texts)
    assert min(len(drawn["validation"]), len(drawn["test"])) >= len(counts)


BOTH = "text,label\n" + "good,pos\nbad,neg\n" * 5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.xlsx",
            b"PK",
            r"'a\.xlsx' is of an unknown kind; .* \.csv, \.tsv, \.jsonl, \.parquet",
        ),
        ("noend", b"", "'noend' is of an unknown kind"),
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.tsv", b"\n\n", r"a\.tsv is empty"),
        ("a.csv", b"text,label\n", r"a\.csv holds no rows"),
        ("a.jsonl", b"\n \n", r"a\.jsonl holds no rows"),
        (
            "a.csv",
            b"review,stars\nfine,1\n",
            r"has no column 'text', 'label'; it has 'review', 'stars'",
        ),
        ("a.csv", b"text,stars\nfine,1\n", r"a\.csv has no column 'label'; it has 'text', 'stars'"),
        ("a.csv", (BOTH + "one, two,pos\n").encode(), r"a\.csv cannot be read as CSV .*line 12.*quotes"),
        ("a.csv", b"text,label\none, two,pos\n", r"a\.csv cannot be read as CSV .*line 2"),
        ("a.csv", (BOTH + ",pos\n").encode(), r"row 11 of a\.csv holds an empty text"),
        ("a.csv", (BOTH + "fine,\n").encode(), r"row 11 of a\.csv has no label"),
        ("a.csv", (BOTH + "fine\n").encode(), r"row 11 of a\.csv has no label"),
        ("a.csv", b"text,label\ngood,pos\nbad,pos\n", r"a\.csv shows only one class .*'pos'"),
        (
            "a.csv",
            (BOTH + "so,mid\n").encode(),
            r"class 'mid' of a\.csv has 1 row, but .*validation and test",
        ),
        ("a.csv", BOTH.encode("utf-16"), r"a\.csv is not UTF-8"),
        ("a.csv", b"text,label\n\xe9t\xe9,pos\n", r"a\.csv is not UTF-8"),
        ("a.jsonl", b'{"text": "a", "label": 1}\n{"text"\n', r"a\.jsonl cannot be read as JSONL \(line 2"),
        ("a.jsonl", b"[" * 100_000, r"a\.jsonl cannot be read as JSONL \(line 1"),
        ("a.jsonl", b'["a", 1]\n', r"line 1 of a\.jsonl is not a JSON object"),
        (
            "a.jsonl",
            b'{"text": "a", "label": 1}\n{"text": "b"}\n',
            r"line 2 of a\.jsonl has no column",
        ),
        ("a.jsonl", b'{"text": "a", "label": null}\n', r"row 1 of a\.jsonl has no label"),
        ("a.jsonl", b'{"text": "a", "label": NaN}\n', r"row 1 of a\.jsonl has no label"),
        (
            "a.jsonl",
            b'{"text": "a", "label": 0.5}\n',
            r"row 1 .*carries label 0\.5; expected text or",
        ),
        ("a.jsonl", b'{"text": "a", "label": [1]}\n', r"row 1 of a\.jsonl carries label \[1\]"),
        ("a.jsonl", b'{"text": null, "label": 1}\n', r"row 1 of a\.jsonl holds an empty text"),
        ("a.jsonl", b'{"text": 7, "label": 1}\n', r"row 1 of a\.jsonl holds 7 instead of a text"),
        ("a.parquet", b"PAR1 no more", r"a\.parquet cannot be read as PARQUET"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_file(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_parquet_file_without_the_column_lists_its_columns(tmp_path):
    path = write(tmp_path / "a.parquet", text="review")
    with pytest.raises(DataError, match=r"no column 'text'; it has 'review', 'extra', 'label'"):
        load_file(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="there is no file '.*gone.csv'"):
        load_file(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="there is no file '.*folder.csv'"):
        load_file(tmp_path / "folder.csv")


def test_a_label_that_training_never_saw(tmp_path):
    path = write(tmp_path / "train.csv")
    test = write(tmp_path / "test.csv", ["a", "b"], ["pos", "mixed"])
    with pytest.raises(
        DataError, match=r"row 2 of test\.csv .*'mixed', which no training row has \(neg, pos\)"
    ):
        load_file(path, test=test)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path, suffix):
    path = write(tmp_path / f"windows{suffix}")
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_file(path).labels == ("neg", "pos")


def test_the_middle_of_a_long_csv_is_read_like_its_beginning(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("text,label\n" + "007,01\n008,02\n" * 200_000)
    texts, labels = read_columns(path, "text", "label")
    assert set(texts) == {"007", "008"}
    assert set(labels) == {"01", "02"}
