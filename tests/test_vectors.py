"""Static word vectors: text and archives, laid over a vocabulary, and one sentence for every lie."""

from __future__ import annotations

import zipfile

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


AGAIN = "get it again"
NO_ROW = "is not a word followed by numbers; expected GloVe, word2vec or fastText vectors: name such a file or take the"
RAGGED = "expected 2, as in the rest of the file: get it again or take the line out"
NOT_FINITE = "the vector of 'film' holds NaN or infinity; expected finite numbers: get the file again or take the word"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["6 2", *LINES], "vectors.txt: 5 vectors came; its first line promises 6: get the whole file, or correct"),
        (["4 2", *LINES], "vectors.txt: 5 vectors came; its first line promises 4: get the whole file, or correct"),
        ([f"{10**12} 2", *LINES], f"vectors.txt: 5 vectors came; its first line promises {10**12}: get the whole file"),
        ([f"5 {10**8}", *LINES], f"vectors.txt promises vectors of {10**8} numbers; expected 1 to 4096: {AGAIN}"),
        (["5 0", *LINES], f"vectors.txt promises vectors of 0 numbers; expected 1 to 4096: {AGAIN}"),
        (["5 3", *LINES], "vectors.txt, line 2: 2 numbers came; expected 3, as in the rest of the file: get it again"),
        ([*LINES, "ragged 1 2 3"], f"vectors.txt, line 6: 3 numbers came; {RAGGED}"),
        ([*LINES, "ragged 1"], f"vectors.txt, line 6: 1 numbers came; {RAGGED}"),
        ([*LINES, "1 2"], f"vectors.txt, line 6: 1 numbers came; {RAGGED}"),
        ([*LINES, "glued 1 2-3"], f"vectors.txt, line 6: 'glued 1 2-3\\n' {NO_ROW} line out"),
        ([*LINES, "score 1_0 2_0"], f"vectors.txt, line 6: 'score 1_0 2_0\\n' {NO_ROW} line out"),
        (["alone"], f"vectors.txt, line 1: 'alone\\n' {NO_ROW} line out"),
        ([LINES[0], "", LINES[1]], f"vectors.txt, line 2: '\\n' {NO_ROW} line out"),
        (["² ³"], f"vectors.txt, line 1: '² ³\\n' {NO_ROW} line out"),
        (["0 2"], "vectors.txt: no vectors came; expected a word followed by numbers on each line: get it again"),
        (["wide" + " 1" * (MAX_DIMENSIONS + 1)], "vectors.txt, line 1: 4097 numbers came; expected 1 to 4096: get"),
        (["x" * 200_000], "vectors.txt, line 1 does not end within 141072 bytes; expected a word followed by numbers"),
        ([LINES[0], "film 1 nan"], NOT_FINITE),
        ([LINES[0], "film 1 -inf"], NOT_FINITE),
        ([LINES[0], "film 1 1e99"], NOT_FINITE),
        ([LINES[0], "film 1 -7e4"], "the vector of 'film' holds -70000; expected numbers within ±65504, which is"),
    ],
)
@pytest.mark.parametrize("vocabulary", [None, Vocabulary(["film"])], ids=["all", "some"])
def test_text_that_lies_is_refused_in_one_sentence(tmp_path, lines, sentence, vocabulary):
    with pytest.raises(PoolScopeError) as caught:
        read_vectors(text_file(tmp_path, lines), vocabulary)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_an_empty_and_a_missing_file(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(PoolScopeError, match="^empty.txt: no vectors came; expected a word"):
        read_vectors(tmp_path / "empty.txt")
    with pytest.raises(PoolScopeError, match="^no vector file at .*gone.txt; expected a .npz or GloVe, word2vec or"):
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
        {"words": np.array(WORDS[:0]), "vectors": NUMBERS[:0]},
    ],
)
@pytest.mark.parametrize("vocabulary", [None, Vocabulary(["film"])], ids=["all", "some"])
def test_archives_that_lie_are_refused_in_one_sentence(tmp_path, arrays, vocabulary):
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(PoolScopeError, match="expected (a .npz|one row of numbers|finite)") as caught:
        read_vectors(tmp_path / "v.npz", vocabulary)
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


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize(("rows", "reason"), [(3, "it goes on after its last row"), (10**12, "the end came too early")])
def test_an_archive_whose_header_lies_is_refused_before_memory_is_taken(tmp_path, rows, reason, by_columns):
    """The reader of numpy asks for 8 TB here."""
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
        for name, array in (("words", np.array(WORDS)), ("vectors", NUMBERS)):
            with archive.open(f"{name}.npy", "w") as member:
                header = np.lib.format.header_data_from_array_1_0(array)
                np.lib.format.write_array_header_1_0(member, {
                    **header, "shape": (rows, *array.shape[1:]), "fortran_order": by_columns,
                })
                member.write(array.tobytes())
    reason = "its header promises another size" if by_columns else reason
    for vocabulary in (None, Vocabulary(["film"])):
        with pytest.raises(PoolScopeError, match=f"^v.npz could not be read as vectors .{reason}.; expected a .npz"):
            read_vectors(tmp_path / "v.npz", vocabulary)
