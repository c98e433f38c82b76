"""Words near a word, against scikit-learn's nearest neighbours; and what they would do in its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from tiny_classifiers import LABELS, TEXT, IdentityEncoder, fingerprint, same_fingerprint, tiny
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from models import neighbours as module
from models.analysis import analyse
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.neighbours import neighbours, substitutes
from models.poolers import POOLERS
from models.pretrained.pieces import PieceVocabulary
from models.records import ModelSpec, Neighbour, Neighbours, Request
from models.text import PAD, UNK, Vocabulary

WORDS = ("film", *(f"word{i}" for i in range(300)))


def lexicon(vocabulary=None, size=6, seed=3, encoder=None):
    """A classifier with a random table over ``vocabulary``."""
    vocabulary = vocabulary or Vocabulary(WORDS)
    torch.manual_seed(seed)
    encoder = encoder or IdentityEncoder(size)
    spec = ModelSpec("test/lexicon", "test", "identity", "mean", 1, "0" * 64, "test", LABELS)
    made = PoolingClassifier(spec, vocabulary, encoder, POOLERS["mean"](encoder.state_size), embedding_size=size)
    return made.eval().requires_grad_(False)


def expected(vectors, place, k):
    """Places and cosines of the ``k`` nearest rows, by scikit-learn."""
    found = NearestNeighbors(n_neighbors=k + 1, metric="cosine", algorithm="brute").fit(vectors)
    distances, places = found.kneighbors(vectors[place : place + 1])
    pairs = [(int(p), 1 - d) for p, d in zip(places[0], distances[0], strict=True) if p != place]
    return pairs[:k]


@pytest.mark.parametrize("word", ["film", "word7", "word299"])
@pytest.mark.parametrize("k", [1, 10])
def test_the_nearest_words_are_those_of_scikit_learn(word, k):
    classifier = lexicon()
    # Reserved rows as near as can be: they are no words.
    place = WORDS.index(word)
    classifier.table.weight[PAD] = classifier.table.weight[UNK] = classifier.table.weight[place + 2]
    vectors = classifier.table.weight[2:].double().numpy()
    found = neighbours(classifier, word.upper(), k)
    wanted = expected(vectors, place, k)
    assert [near.word for near in found.near] == [WORDS[p] for p, _ in wanted]
    np.testing.assert_allclose([near.cosine for near in found.near], [cosine for _, cosine in wanted], atol=1e-9)
    np.testing.assert_allclose([near.dot for near in found.near], [vectors[place] @ vectors[p] for p, _ in wanted])
    assert [near.rank for near in found.near] == [p + 1 for p, _ in wanted]
    assert (found.known, found.rank, found.size, found.reason) == (True, place + 1, len(WORDS), None)
    lengths = np.linalg.norm(vectors, axis=1)
    assert found.norm == pytest.approx(lengths[place])
    assert found.median_norm == pytest.approx(np.sort(lengths)[len(WORDS) // 2])


def test_states_of_a_context_free_encoder(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 7)
    classifier = tiny("embedding", "attention")
    words = classifier.vocabulary.words[2:]
    project = classifier.encoder.project
    states = np.tanh(classifier.table.weight[2:].numpy() @ project.weight.numpy().T + project.bias.numpy())
    place = words.index("bad")
    found = neighbours(classifier, "bad", 5, space="state")
    wanted = expected(states.astype(np.float64), place, 5)
    assert [near.word for near in found.near] == [words[p] for p, _ in wanted]
    np.testing.assert_allclose([near.cosine for near in found.near], [cosine for _, cosine in wanted], atol=1e-6)
    assert found.space == "state"
    assert [near.word for near in neighbours(classifier, "bad", 5).near] != [near.word for near in found.near]


def test_equal_words_stand_in_the_order_of_frequency():
    classifier = lexicon()
    rows = [20, 3, 250, 9, 101]
    for scale, row in enumerate(rows, start=1):
        classifier.table.weight[row] = scale * classifier.table.weight[2]
    found = neighbours(classifier, "film", 7).near
    assert [near.rank for near in found[:5]] == [row - 1 for row in sorted(rows)]
    assert [near.cosine for near in found[:5]] == [1.0] * 5
    assert found[5].cosine < 1


def test_small_differences_are_ordered_in_double_precision():
    """Half a hundred words whose similarity differs by less than single precision can say."""
    classifier = lexicon(size=2)
    classifier.table.weight[:] = torch.tensor([-1.0, 0.5])
    classifier.table.weight[2] = torch.tensor([1.0, 0.0])
    for step in range(50):
        classifier.table.weight[3 + step] = torch.tensor([1.0, 1e-5 * (50 - step)])
    for k in (5, 50):
        found = neighbours(classifier, "film", k).near
        assert [near.word for near in found] == [f"word{step}" for step in reversed(range(50))][:k]


def test_a_zero_vector_is_near_to_nothing():
    classifier = lexicon()
    classifier.table.weight[[5, 6]] = 0
    assert {"word2", "word3"}.isdisjoint(near.word for near in neighbours(classifier, "film", 300).near)
    zero = neighbours(classifier, "word2")
    assert (zero.known, zero.near, zero.norm) == (True, (), 0)
    assert zero.reason == "Its vector is zero or stands alone, so no word is near it."
    assert neighbours(lexicon(Vocabulary(["film"])), "film").near == ()


def test_more_neighbours_than_words_are_all_of_them():
    assert len(neighbours(lexicon(), "film", 10_000).near) == len(WORDS) - 1


@pytest.mark.parametrize("word", ["zebra", "<unk>", "<pad>", ""])
def test_an_unknown_word_says_so(word):
    found = neighbours(lexicon(), word)
    assert (found.known, found.near, found.rank, found.norm) == (False, (), None, None)
    assert found.reason == (
        f"“{word}” is not in the vocabulary: it is read as the unknown word, and so has no vector of its own."
    )


PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "film", "un", "##watch", "##able", "good", "watch", "[unused1]", "!",
          "##s")  # fmt: skip


@pytest.fixture
def pieces():
    """A vocabulary of word pieces, and a classifier on it."""
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(PIECES[:4]))
    return lexicon(PieceVocabulary(tokenizer, 64, 1, 1))


def test_of_pieces_only_whole_words_are_compared(pieces):
    found = neighbours(pieces, "Film", 50)
    assert sorted(near.word for near in found.near) == ["!", "good", "un", "watch"]
    assert (found.size, found.rank, {near.rank for near in found.near}) == (5, None, {None})
    rows = [4, 5, 8, 9, 11]
    wanted = expected(pieces.table.weight[rows].double().numpy(), 0, 4)
    assert [near.word for near in found.near] == [PIECES[rows[p]] for p, _ in wanted]


def test_a_word_of_several_pieces_has_no_vector_of_its_own(pieces):
    found = neighbours(pieces, "unwatchable")
    assert not found.known
    assert found.reason == "“unwatchable” is read in 3 pieces (un ##watch ##able), so it has no vector of its own."
    assert "not in the vocabulary" in neighbours(pieces, "zebra").reason


def test_a_word_of_several_pieces_is_replaced_as_one(pieces):
    made = substitutes(pieces, Request("a film unwatchable !"), 2, ("good", "watchs"))
    for found, text in zip(made, ("a film good !", "a film watchs !"), strict=True):
        assert found.prediction.logits == pytest.approx(analyse(pieces, Request(text)).prediction.logits, abs=1e-6)


@pytest.mark.parametrize("encoder", ["embedding", "cnn", "bilstm"])
@pytest.mark.parametrize("pooler", ["attention", "max", "apln"])
def test_substitutes_are_the_predictions_of_the_texts_written_anew(encoder, pooler):
    classifier = tiny(encoder, pooler)
    index, words = TEXT.split().index("bad"), ("good", "story", "quite", "never-seen")
    made = substitutes(classifier, Request(TEXT), index, words)
    assert [(found.index, found.word) for found in made] == [(index, word) for word in words]
    for found in made:
        again = analyse(classifier, Request(TEXT.replace("bad", found.word))).prediction
        assert found.prediction.logits == pytest.approx(again.logits, abs=1e-5)
        assert found.prediction.labels == again.labels
    assert len({found.prediction.logits for found in made}) == 4


def test_other_edits_stay_when_a_word_is_replaced():
    classifier = tiny("cnn", "attention")
    (made,) = substitutes(classifier, Request("The film is not bad", deleted=(1,), masked=(4,)), 4, ["good"])
    again = analyse(classifier, Request("The is not good"))
    assert made.prediction.logits == pytest.approx(again.prediction.logits, abs=1e-5)
    (first,) = substitutes(classifier, Request("film"), 0, ["good"])
    assert first.prediction.logits == pytest.approx(analyse(classifier, Request("good")).prediction.logits, abs=1e-5)


def test_nothing_to_put_in_is_no_prediction():
    assert substitutes(tiny(), Request(TEXT), 0, ()) == ()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda c: neighbours(c, "film", 0), "0 neighbours were asked for; expected 1 or more"),
        (lambda c: neighbours(c, "film", space="pooled"), "unknown space 'pooled'; choose one of: embedding, state"),
        (lambda c: neighbours(c, "film", space="state"), "The BiLSTM encoder reads a word with its neighbours, so a"),
        (lambda c: neighbours(c.train(), "film"), "The classifier is in training mode; call its eval() before"),
        (lambda c: substitutes(c, Request("a film"), 2, ["bad"]), "The text has tokens 0 to 1, got 2; choose one of"),
        (lambda c: substitutes(c, Request("a film"), -1, ["bad"]), "The text has tokens 0 to 1, got -1; choose one of"),
        (lambda c: substitutes(c, Request("a film", deleted=(1,)), 1, ["bad"]), "Token 2 is deleted and cannot be"),
        (lambda c: substitutes(c, Request(" "), 0, ["bad"]), "There is no word to read in this text"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(ask, sentence):
    with pytest.raises(PoolScopeError) as caught:
        ask(tiny())
    assert str(caught.value).startswith(sentence)


def test_the_classifier_is_left_as_it_was():
    for encoder in ("embedding", "bilstm"):
        classifier = tiny(encoder)
        before = fingerprint(classifier)
        neighbours(classifier, "film")
        if encoder == "embedding":
            neighbours(classifier, "film", space="state")
        substitutes(classifier, Request(TEXT), 1, ["bad"])
        assert same_fingerprint(before, fingerprint(classifier))


def test_the_record_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="no neighbours and no reason"):
        Neighbours("film", "embedding", known=True, size=3)
    near = (Neighbour("a", 0.1, 0.1, 1), Neighbour("b", 0.2, 0.2, 2))
    with pytest.raises(ValueError, match="nearest first"):
        Neighbours("film", "embedding", known=True, size=3, near=near)
