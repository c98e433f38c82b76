"""``python -m models vectors``: word2vec on one's own texts, in files that gensim reads too."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from toy_data import PLAIN, TELLING, toy

from models.__main__ import main
from models.vectors import read_vectors
from models.zoo.catalogue import catalogue

pytest.importorskip("gensim", reason="gensim trains the word vectors; it is in requirements-train.txt")
from gensim.models.keyedvectors import KeyedVectors  # noqa: E402

SMALL = ["--size", "6", "--epochs", "2", "--window", "3"]


@pytest.fixture
def own_file(tmp_path):
    """The toy as a CSV; the words of its training texts that occur once or more."""
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["body", "stars"])
        for split in toy(train=160).splits.values():
            writer.writerows(zip(split.texts, (("bad", "good")[label] for label in split.labels), strict=True))
    return path


def command(path, out, *more):
    columns = ["--text-column", "body", "--label-column", "stars"]
    return ["vectors", "--dataset", str(path), *columns, "--out", str(out), *SMALL, *more]


@pytest.mark.parametrize("name", ["own.npz", "own.vec", "own.txt", "own.bin"])
def test_vectors_are_trained_and_written_as_others_read_them(own_file, tmp_path, capsys, name):
    out = tmp_path / "made" / name
    assert main(command(own_file, out)) == 0
    assert f"wrote {out}: 14 words of" in capsys.readouterr().out
    read = read_vectors(out)
    assert set(read.words) == {*PLAIN, *TELLING[0], *TELLING[1]}
    assert read.size == 6
    assert read.vectors.std() == pytest.approx(0.3, rel=1e-5)
    if name != "own.npz":
        theirs = KeyedVectors.load_word2vec_format(str(out), binary=name.endswith("bin"))
        assert theirs.index_to_key == list(read.words)
        np.testing.assert_array_equal(theirs.vectors, read.vectors)


def test_every_format_holds_the_same_numbers_and_the_seed_decides_them(own_file, tmp_path):
    for name in ("a.npz", "a.vec", "a.bin"):
        assert main(command(own_file, tmp_path / name)) == 0
    assert main(command(own_file, tmp_path / "b.npz", "--seed", "2")) == 0
    a, *same = (read_vectors(tmp_path / name) for name in ("a.npz", "a.vec", "a.bin"))
    for other in same:
        assert other.words == a.words
        np.testing.assert_array_equal(other.vectors, a.vectors)
    assert not np.allclose(read_vectors(tmp_path / "b.npz").vectors, a.vectors)


def test_only_training_texts_are_read(own_file, tmp_path, monkeypatch):
    from models.data import load
    from models.training import word_table

    seen = []
    original = word_table.skip_gram

    def watched(texts, **options):
        seen.extend(texts)
        return original(texts, **options)

    monkeypatch.setattr(word_table, "skip_gram", watched)
    assert main(command(own_file, tmp_path / "v.npz", "--dataset", str(own_file))) == 0
    texts = load(str(own_file), source="file", text="body", label="stars").splits["train"].texts
    assert Counter(seen) == Counter([*texts, *texts])


def test_from_texts_to_vectors_to_a_classifier(own_file, tmp_path, capsys):
    assert main(command(own_file, tmp_path / "own.bin")) == 0
    columns = ["--text-column", "body", "--label-column", "stars", "--out", str(tmp_path / "runs")]
    small = ["--encoder", "embedding", "--pooler", "mean", "--epochs", "1", "--device", "cpu"]
    assert main(["train", "--dataset", str(own_file), *columns, *small, "--vectors", str(tmp_path / "own.bin")]) == 0
    assert "vectors     100.0% of 14 words found in own.bin" in capsys.readouterr().out
    (card,) = catalogue(tmp_path / "runs")
    assert card.record["embedding_size"] == 6


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--out", "v.model"], "vectors were to go to v.model; expected a name ending in .npz, .vec, .txt, .bin"),
        (["--size", "0"], "--size came as 0; expected 1 or more"),
        (["--epochs", "-1"], "--epochs came as -1; expected 1 or more"),
        (["--dataset", "gone.csv"], "gone.csv"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_two(own_file, tmp_path, capsys, more, sentence):
    assert main(command(own_file, tmp_path / "v.npz", *more)) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert sentence in said
    assert "\n" not in said


def test_texts_without_a_repeated_word_and_places_that_cannot_be_written(own_file, tmp_path, capsys):
    once = tmp_path / "once.csv"
    rows = [f"{chr(97 + i) * 3} {chr(65 + i) * 4},{i % 2}" for i in range(20)]
    once.write_text("\n".join(["body,stars", *rows]) + "\n", encoding="utf-8")
    assert main(command(once, tmp_path / "v.npz")) == 2
    assert "no word occurs twice in" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(command(own_file, tmp_path / "file" / "v.npz")) == 2
    assert "could not be written" in capsys.readouterr().err
