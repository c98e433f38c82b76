"""Static word vectors: two kinds of file, laid over a vocabulary, and one sentence for every lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.errors import PoolScopeError
from models.text import PAD, UNK, Vocabulary
from models.vectors import MAX_DIMENSIONS, StaticVectors, read_vectors

WORDS = ("the", "film", "n't", "café", "rare")
NUMBERS = np.arange(10, dtype=np.float32).reshape(5, 2) - 4.5
LINES = [f"{word} {x:g} {y:g}" for word, (x, y) in zip(WORDS, NUMBERS, strict=True)]


def text_file(folder, lines, name="vectors.txt"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("header", [[], ["5 2"]])
@pytest.mark.parametrize("change", [lambda line: line, lambda line: line + " ", lambda line: line.replace(" ", "\t")])
def test_text_files_of_every_habit_read_alike(tmp_path, header, change):
    read = read_vectors(text_file(tmp_path, [*header, *map(change, LINES)]))
    assert (read.words, read.size) == (WORDS, 2)
    np.testing.assert_array_equal(read.vectors, NUMBERS)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_npz_reads_like_text(tmp_path, dtype):
    np.savez(tmp_path / "v.npz", words=np.array(WORDS), vectors=NUMBERS.astype(dtype))
    read = read_vectors(tmp_path / "v.npz")
    assert read.words == WORDS
    assert read.vectors.dtype == np.float32
    np.testing.assert_array_equal(read.vectors, NUMBERS)


def test_laid_over_a_vocabulary():
    vocabulary = Vocabulary(["film", "zebra", "café", "n't"])
    table, share = StaticVectors(("The", "FILM", "film", "N’T", "CAFE\u0301"), NUMBERS).table(vocabulary, seed=3)
    assert (table.shape, table.dtype, share) == ((6, 2), torch.float32, 0.75)
    assert table[PAD].tolist() == [0, 0]
    # The first of two spellings counts; accents and apostrophes are those of the look-up key.
    assert [table[row].tolist() for row in (2, 4, 5)] == [NUMBERS[i].tolist() for i in (1, 4, 3)]
    rare = NUMBERS[2:].mean(0)
    np.testing.assert_allclose(table[UNK].numpy(), rare)
    assert 0 < float((table[3] - torch.from_numpy(rare)).abs().max()) < NUMBERS.std()


def test_the_seed_decides_the_words_without_a_vector():
    vectors, vocabulary = StaticVectors(WORDS, NUMBERS), Vocabulary(["zebra", "the"])
    first, again, other = (vectors.table(vocabulary, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first[2], other[2])
    assert torch.equal(first[3], other[3])


def test_reserved_words_in_the_file_are_not_counted_as_found():
    vectors = StaticVectors(("<unk>", "<pad>", "film"), NUMBERS[:3])
    table, share = vectors.table(Vocabulary(["film", "zebra"]))
    assert share == 0.5
    assert table[UNK].tolist() == NUMBERS[0].tolist()
    assert table[PAD].tolist() == [0, 0]
    assert StaticVectors((), np.empty((0, 2), dtype=np.float32)).table(Vocabulary(["film"]))[1] == 0


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["6 2", *LINES], "vectors.txt: 5 vectors came; its first line promises 6"),
        (["4 2", *LINES], "vectors.txt: 5 vectors came; its first line promises 4"),
        (["5 3", *LINES], "vectors.txt, line 2: 2 numbers came; expected 3"),
        ([*LINES, "ragged 1 2 3"], "vectors.txt, line 6: 3 numbers came; expected 2"),
        ([*LINES, "ragged 1"], "vectors.txt, line 6: 1 numbers came; expected 2"),
        ([*LINES, "two words 1 2"], "vectors.txt, line 6: 'two words 1 2\\n' is not a word followed by numbers"),
        (["alone"], "vectors.txt, line 1: 'alone\\n' is not a word followed by numbers"),
        ([LINES[0], "", LINES[1]], "vectors.txt, line 2: '\\n' is not a word followed by numbers"),
        (["² ³"], "vectors.txt, line 1: '² ³\\n' is not a word followed by numbers"),
        (["0 2"], "vectors.txt: no vectors came; expected a word followed by numbers on each line"),
        (["wide" + " 1" * (MAX_DIMENSIONS + 1)], "vectors.txt, line 1: 4097 numbers came; expected 4096"),
        ([LINES[0], "film 1 nan"], "the vector of 'film' holds NaN or infinity; expected finite numbers"),
        ([LINES[0], "film 1 -inf"], "the vector of 'film' holds NaN or infinity; expected finite numbers"),
        ([LINES[0], "film 1 1e99"], "the vector of 'film' holds NaN or infinity; expected finite numbers"),
    ],
)
def test_text_that_lies_is_refused_in_one_sentence(tmp_path, lines, sentence):
    with pytest.raises(PoolScopeError) as caught:
        read_vectors(text_file(tmp_path, lines))
    assert str(caught.value) == sentence


def test_an_empty_and_a_missing_file(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(PoolScopeError, match="^empty.txt: no vectors came; expected a word"):
        read_vectors(tmp_path / "empty.txt")
    with pytest.raises(PoolScopeError, match="^no vector file at .*gone.txt; expected a .npz or a text file"):
        read_vectors(tmp_path / "gone.txt")
    with pytest.raises(PoolScopeError, match="^no vector file at"):
        read_vectors(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"words": np.array(WORDS)},
        {"vectors": NUMBERS},
        {"words": np.array(WORDS), "vectors": np.array(["a", "b", "c", "d", "e"])},
        {"words": np.array(WORDS), "vectors": NUMBERS.astype(complex)},
        {"words": np.array("the"), "vectors": NUMBERS[:1]},
        {"words": np.array(["the", None], dtype=object), "vectors": NUMBERS[:2]},
        {"words": np.array(WORDS), "vectors": NUMBERS[:4]},
        {"words": np.array(WORDS), "vectors": NUMBERS[:, 0]},
        {"words": np.array(WORDS), "vectors": NUMBERS * np.inf},
        {"words": np.array(WORDS), "vectors": NUMBERS.astype(np.float64) * 1e300},
    ],
)
def test_archives_that_lie_are_refused_in_one_sentence(tmp_path, arrays):
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(PoolScopeError, match="expected (a .npz with arrays|one row of numbers|finite)") as caught:
        read_vectors(tmp_path / "v.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [b"", b"not an archive", "half", "flipped", "npy"])
def test_damaged_archives_are_refused_in_one_sentence(tmp_path, damage):
    path = tmp_path / "v.npz"
    np.savez_compressed(path, words=np.array(WORDS * 200), vectors=np.tile(NUMBERS, (200, 1)))
    whole = path.read_bytes()
    if damage == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        path.write_bytes(whole[:100] + bytes(b ^ 255 for b in whole[100:140]) + whole[140:])
    elif damage == "npy":
        with path.open("wb") as file:
            np.save(file, NUMBERS)
    else:
        path.write_bytes(damage)
    with pytest.raises(PoolScopeError, match="^v.npz could not be read as vectors .*; expected a .npz with arrays"):
        read_vectors(path)
