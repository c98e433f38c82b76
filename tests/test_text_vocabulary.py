"""The vocabulary: order, limits, unknown words and the two reserved ones."""

from __future__ import annotations

from collections import Counter

import pytest

from models.errors import PoolScopeError
from models.text import PAD, PAD_WORD, UNK, UNK_WORD, Vocabulary, WordTokenizer

TEXTS = ["the film , the cast", "The film and the end", "zebra and apple"]


def build(**options):
    return Vocabulary.build(TEXTS, WordTokenizer(), **options)


def test_words_stand_by_falling_frequency_then_by_spelling():
    assert build().words == (PAD_WORD, UNK_WORD, "the", "and", "film", ",", "apple", "cast", "end", "zebra")
    assert (build().words[PAD], build().words[UNK]) == ("<pad>", "<unk>")
    assert Vocabulary.build(reversed(TEXTS), WordTokenizer()).words == build().words


def test_rare_words_and_words_beyond_the_limit_are_left_out():
    assert build(min_count=2).words[2:] == ("the", "and", "film")
    counts = Counter(word for text in TEXTS for word in text.lower().split())
    assert all(counts[word] >= 2 for word in build(min_count=2).words[2:])
    for size in range(2, 9):
        assert build(max_size=size).words == build().words[:size]
    assert build(max_size=1).words == (PAD_WORD, UNK_WORD)


def test_any_case_and_apostrophe_finds_its_word():
    vocabulary = Vocabulary(["do", "n't", '"', "http", "café"])
    assert vocabulary.encode(["Do", "N’T", "“", "https://x.y", "CAFE\u0301", "dog"]) == [2, 3, 4, 5, 6, UNK]
    assert [vocabulary.known(word) for word in ("DO", "n’t", "dog")] == [True, True, False]
    assert len(vocabulary) == 7


def test_encoding_keys_is_encoding_tokens():
    tokenizer, vocabulary = WordTokenizer(), build()
    text = "The zebra isn’t the END of http://film.org"
    by_token = vocabulary.encode(token.text for token in tokenizer(text))
    assert vocabulary.encode_keys(tokenizer.words(text)) == by_token
    assert by_token[:2] == [2, 9]


@pytest.mark.parametrize("typed", ["<pad>", "<unk>"])
def test_the_reserved_words_cannot_be_typed(typed):
    vocabulary = build()
    assert vocabulary.encode([typed]) == [UNK]
    assert not vocabulary.known(typed)
    assert vocabulary.encode_keys([typed]) == [UNK]
    assert PAD not in vocabulary.encode(token.text for token in WordTokenizer()(f"{typed} the {typed}"))


@pytest.mark.parametrize("words", [["film", "film"], ["<pad>"], ["film", "<unk>"]])
def test_a_word_listed_twice_is_refused(words):
    with pytest.raises(PoolScopeError, match="the vocabulary lists a word twice; every word must stand in it once"):
        Vocabulary(words)
