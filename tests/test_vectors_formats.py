"""Every format of vectors against its own writer: gensim's, and real GloVe vectors where they are."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch

from models.text import PAD, UNK, Vocabulary, lookup_key
from models.vectors import StaticVectors, fasttext, read_vectors

gensim = pytest.importorskip("gensim", reason="gensim writes the files that are read here")
from gensim.models import FastText  # noqa: E402
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model  # noqa: E402
from gensim.models.keyedvectors import KeyedVectors  # noqa: E402

WORDS = ["the", "film", "n't", "café", "电影", "0.5", "u.s.", *(f"rare{i}" for i in range(2_500))]
VECTORS = (np.random.default_rng(5).standard_normal((len(WORDS), 7)) * 0.3).astype(np.float32)
VOCABULARY = Vocabulary(["film", "zebra", "café", "电影", "rare9", "rare2400"])
FORMATS = ("word2vec.txt", "word2vec.bin", "glove.txt", "c.bin", "v.npz", "packed.npz", "columns.npz")


def keyed(words=WORDS, vectors=VECTORS):
    made = KeyedVectors(vectors.shape[1])
    made.add_vectors(list(words), vectors)
    return made


def written(folder, name, words=WORDS, vectors=VECTORS):
    """Write vectors as the named format, by gensim or numpy."""
    path = folder / name
    if name == "v.npz":
        np.savez(path, words=np.array(words), vectors=vectors)
    elif name == "packed.npz":
        np.savez_compressed(path, words=np.array(words), vectors=vectors)
    elif name == "columns.npz":
        np.savez(path, words=np.array(words), vectors=np.asfortranarray(vectors))
    elif name == "c.bin":
        # The original tool puts a line feed behind every vector.
        rows = (w.encode() + b" " + v.tobytes() + b"\n" for w, v in zip(words, vectors, strict=True))
        path.write_bytes(b"%d %d\n" % vectors.shape + b"".join(rows))
    else:
        keyed(words, vectors).save_word2vec_format(
            str(path), binary=name.endswith("bin"), write_header=not name.startswith("glove"), sort_attr="none"
        )
    return path


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_what_gensim_wrote_is_read_to_the_bit(tmp_path, name, packed):
    path = written(tmp_path, name)
    if packed and path.suffix != ".npz":
        path = tmp_path / "unnamed"
        path.write_bytes(gzip.compress((tmp_path / name).read_bytes(), 1))
    read = read_vectors(path)
    assert list(read.words) == WORDS
    np.testing.assert_array_equal(read.vectors, VECTORS)


@pytest.mark.parametrize("name", FORMATS)
def test_some_rows_make_the_same_table_as_all(tmp_path, name):
    path = written(tmp_path, name)
    some = read_vectors(path, VOCABULARY)
    assert sorted(some.words) == ["café", "film", "rare2400", "rare9", "电影"]
    assert some.whole.count == len(WORDS)
    (table, share), (expected, all_share) = some.table(VOCABULARY, 3), read_vectors(path).table(VOCABULARY, 3)
    assert share == all_share == 5 / 6
    torch.testing.assert_close(table, expected, rtol=0, atol=1e-7)
    # And by numpy alone.
    np.testing.assert_allclose(table[UNK], VECTORS[len(WORDS) // 2 :].mean(0), atol=1e-7)
    np.testing.assert_array_equal(table[2], VECTORS[1])
    np.testing.assert_allclose(some.whole.spread, VECTORS.std(), rtol=1e-6)
    assert table[PAD].tolist() == [0] * 7


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin", "glove.txt"])
def test_an_odd_number_of_rows_and_a_single_one(tmp_path, name):
    for count in (1, 3, 1_024, 1_025):
        path = written(tmp_path, name, WORDS[:count], VECTORS[:count])
        whole = read_vectors(path, VOCABULARY).whole
        np.testing.assert_allclose(whole.rare, VECTORS[count // 2 : count].mean(0), atol=1e-7)


def test_words_with_spaces_as_glove_840b_has_them(tmp_path):
    lines = ["the 0.1 -0.2", ". . . 1e-3 2", "at name@domain.com 3 4", "1/2 5 6", "0 1/2 7 8"]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = read_vectors(tmp_path / "glove.txt")
    assert read.words == ("the", ". . .", "at name@domain.com", "1/2", "0 1/2")
    np.testing.assert_array_equal(read.vectors[1:, 1], np.float32([2, 4, 6, 8]))


def test_a_first_word_that_is_a_number_or_holds_a_space(tmp_path):
    for first, word in (("7 1 2", "7"), (". . 1 2", ". ."), ("\ufefffilm 1 2", "film")):
        (tmp_path / "v.txt").write_text(f"{first}\nplot 3 4\n", encoding="utf-8")
        assert read_vectors(tmp_path / "v.txt").words == (word, "plot")


def test_a_word_that_stands_there_twice_counts_once_and_the_first_time(tmp_path):
    words = ["film", "Film", "film", "plot"]
    for name in ("c.bin", "v.npz"):
        some = read_vectors(written(tmp_path, name, words, VECTORS[:4]), Vocabulary(["film", "plot"]))
        assert some.words == ("film", "plot")
        np.testing.assert_array_equal(some.vectors, VECTORS[[0, 3]])


SYLLABLES = ["ka", "ré", "电", "mo", "x", "ßa"]
LEARNED = [a + b for a in SYLLABLES for b in SYLLABLES] + ["a", "film"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A fastText binary written by gensim, and gensim's own reading of it."""
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    draw = np.random.default_rng(2)
    made = FastText(
        [[str(word) for word in draw.choice(LEARNED, 9)] for _ in range(60)],
        vector_size=6, min_count=1, epochs=1, bucket=90, min_n=1, max_n=4, workers=1, seed=1,
    )  # fmt: skip
    save_facebook_model(made, str(path))
    return path, load_facebook_vectors(str(path))


@pytest.mark.parametrize("packed", [False, True])
def test_fasttext_binaries_read_as_gensim_reads_them(model, tmp_path, packed):
    path, theirs = model
    if packed:
        path = tmp_path / "model.bin.gz"
        path.write_bytes(gzip.compress(model[0].read_bytes()))
    ours = read_vectors(path)
    assert list(ours.words) == theirs.index_to_key
    np.testing.assert_allclose(ours.vectors, [theirs[word] for word in ours.words], atol=1e-6)
    assert ours.inferred == frozenset()


def test_fasttext_builds_what_it_never_saw_and_does_not_call_it_found(model):
    path, theirs = model
    vocabulary = Vocabulary(["film", "filmka", "电x电", "q", "réka"])
    some = read_vectors(path, vocabulary)
    assert some.inferred == {"filmka", "电x电", "q"}
    for word, vector in zip(some.words, some.vectors, strict=True):
        np.testing.assert_allclose(vector, theirs[word], atol=1e-6)
    assert some.table(vocabulary)[1] == 2 / 5


def test_fasttext_samples_the_rarer_half(model, monkeypatch):
    path, theirs = model
    rare = np.array([theirs[word] for word in theirs.index_to_key[len(theirs) // 2 :]])
    whole = read_vectors(path, VOCABULARY).whole
    np.testing.assert_allclose(whole.rare, rare.mean(0), atol=1e-6)
    np.testing.assert_allclose(whole.spread, rare.std(), rtol=1e-5)
    monkeypatch.setattr(fasttext, "SAMPLE", 5)
    step = -(-len(rare) // 5)
    np.testing.assert_allclose(read_vectors(path, VOCABULARY).whole.rare, rare[::step].mean(0), atol=1e-6)


def test_a_matrix_larger_than_one_chunk(model, monkeypatch):
    path, _ = model
    expected = read_vectors(path).vectors
    monkeypatch.setattr(fasttext, "CHUNK", 100)
    np.testing.assert_allclose(read_vectors(path).vectors, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["glove_6b_50d_5k", "glove_twitter_25d_12k"])
def test_real_glove_vectors_survive_every_format(vectors_folder, tmp_path, name):
    real = read_vectors(vectors_folder / f"{name}.npz")
    vocabulary = Vocabulary(["good", "great", "actor", "film", "qqqq"])
    expected, share = real.table(vocabulary)
    assert share == 0.8
    good, great, film = (expected[row] for row in (2, 3, 5))
    assert torch.cosine_similarity(good, great, dim=0) > 0.75 > torch.cosine_similarity(good, film, dim=0)
    for kind in FORMATS:
        table, _ = read_vectors(written(tmp_path, kind, real.words, real.vectors), vocabulary).table(vocabulary)
        torch.testing.assert_close(table, expected, rtol=0, atol=1e-6)


def test_memory_follows_the_vocabulary_and_not_the_file(tmp_path):
    """The numbers that are kept are those of the vocabulary, however long the file is."""
    import tracemalloc

    vectors = np.tile(VECTORS, (8, 40))
    words = [f"w{i}" for i in range(len(vectors))]
    # The look-up keys of 100,000 words are kept between calls, whoever asks.
    assert len({lookup_key(word) for word in words}) == len(words)
    sizes = {}
    for count in (len(vectors) // 8, len(vectors)):
        path = written(tmp_path, "word2vec.bin", words[:count], vectors[:count])
        tracemalloc.start()
        read_vectors(path, VOCABULARY)
        sizes[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    small, large = sizes.values()
    assert large < small + 500_000 < vectors.nbytes / 2, sizes


def test_a_record_can_still_be_made_by_hand():
    made = StaticVectors(("film",), VECTORS[:1])
    assert (made.whole, made.inferred, made.size) == (None, frozenset(), 7)
