"""Plain texts for language models: data sets to documents of word ids, documents to rows of bounded length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.data.dataset import Dataset
from models.errors import PoolScopeError
from models.sentences import sentence_ends
from models.text import PAD, PAD_WORD, UNK, UNK_WORD, Vocabulary, WordTokenizer

# As far as the longest texts that a shipped classifier reads.
MAX_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Document:
    """One text: word ids (N,) and, for each sentence, the index behind its last word."""

    ids: np.ndarray
    ends: tuple[int, ...]

    def __len__(self) -> int:
        """Count the words."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Row:
    """What a model reads at once: ids (T,), and the place of the first one in its text.

    ``second`` is where the second of two passages begins, ``follows`` whether it did follow the first
    in its text; both ``None`` where there is one passage only.
    """

    ids: np.ndarray
    start: int = 0
    second: int | None = None
    follows: bool | None = None

    def __len__(self) -> int:
        """Count the words."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A word list, the documents to learn from, the held-out ones by data set, and where all came from."""

    vocabulary: Vocabulary
    train: tuple[Document, ...]
    held_out: Mapping[str, tuple[Document, ...]]
    facts: Mapping[str, Any]

    def counts(self) -> Tensor:
        """Return how often each word occurs in the training texts: (V,)."""
        counts = np.zeros(len(self.vocabulary), dtype=np.int64)
        for document in self.train:
            counts += np.bincount(document.ids, minlength=len(counts))
        return torch.from_numpy(counts)


def read_corpus(
    datasets: Sequence[tuple[Dataset, int | None]], *, max_words: int, held_out: int = 500, seed: int = 1
) -> Corpus:
    """Read the training texts, labels unseen, of each data set (at most so many rows) into one corpus.

    The vocabulary is that of the texts learned from. Held out are up to ``held_out`` rows of each
    validation split. Both are the first rows of a seeded shuffle; texts are cut at 400 words.

    Raises:
        PoolScopeError: no data set came.
    """
    if not datasets:
        raise PoolScopeError("no data set came to learn from; name one or more")
    tokenizer, learn, hold, parts = WordTokenizer(), [], {}, []
    for dataset, limit in datasets:
        train, dev = dataset.splits["train"].texts, dataset.splits["validation"].texts
        found = [tokenizer.words(text)[:MAX_TOKENS] for text in _picked(train, limit, seed)]
        hold[dataset.name] = [tokenizer.words(text)[:MAX_TOKENS] for text in _picked(dev, held_out, seed)]
        parts.append({"name": dataset.name, "digest": dataset.digest, "rows": len(found),
                      "words": sum(map(len, found)), "language": dataset.language})  # fmt: skip
        learn += found
    vocabulary = _vocabulary(learn, max_words)
    train_documents = tuple(_document(words, vocabulary) for words in learn if words)
    unknown = sum(int((d.ids == UNK).sum()) for d in train_documents) / sum(map(len, train_documents))
    held = {name: tuple(_document(words, vocabulary) for words in rows if words) for name, rows in hold.items()}
    facts = {"parts": parts, "words": len(vocabulary), "unknown": round(unknown, 5), "max_tokens": MAX_TOKENS}
    return Corpus(vocabulary, train_documents, held, facts)


def chunks(documents: Sequence[Document], length: int) -> list[Row]:
    """Cut documents into rows of at most ``length`` words that know their place in the text.

    A row of one word has nothing to predict and is left out.
    """
    return [
        Row(document.ids[at : at + length], at)
        for document in documents
        for at in range(0, len(document), length)
        if len(document) - at > 1
    ]


def word_batches(rows: Sequence[Row], words: int, seed: int) -> list[list[int]]:
    """Group rows of like length into batches of at most ``words`` places, padding counted, in seeded order."""
    random = np.random.default_rng(seed)
    lengths = np.array([len(row) for row in rows])
    # Noise on the length: batches of one length only would always meet the same rows.
    order = np.argsort(lengths * random.uniform(0.9, 1.1, len(rows)), kind="stable")
    batches: list[list[int]] = [[]]
    longest = 0
    for index in order.tolist():
        longest = max(longest, int(lengths[index]))
        if batches[-1] and longest * (len(batches[-1]) + 1) > words:
            batches.append([])
            longest = int(lengths[index])
        batches[-1].append(index)
    random.shuffle(batches)
    return [batch for batch in batches if batch]


def stack(rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids (B, T), mask (B, T) and first places (B,) of rows."""
    ids = torch.full((len(rows), max(map(len, rows))), PAD, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.from_numpy(row.ids)
    mask = torch.arange(ids.shape[1]) < torch.tensor([len(row) for row in rows]).unsqueeze(1)
    return ids, mask, torch.tensor([row.start for row in rows])


def _picked(texts: Sequence[str], limit: int | None, seed: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(len(texts))[:limit]
    return [texts[i] for i in order.tolist()]


def _vocabulary(texts: Sequence[Sequence[str]], max_words: int) -> Vocabulary:
    counts = Counter(word for words in texts for word in words)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return Vocabulary([word for word in ranked if word not in {PAD_WORD, UNK_WORD}][: max_words - 2])


def _document(words: Sequence[str], vocabulary: Vocabulary) -> Document:
    return Document(np.array(vocabulary.encode_keys(words), dtype=np.int64), sentence_ends(words))
