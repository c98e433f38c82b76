"""The word table that a task's classifiers share: skip-gram vectors, then one supervised pass.

Sharing keeps the zoo small and makes poolers comparable: all of them read the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from models.errors import PoolScopeError
from models.text import Vocabulary, WordTokenizer
from models.training.trainer import WordTable
from models.vectors import StaticVectors


def skip_gram(
    texts: Iterable[str], vocabulary: Vocabulary, *, size: int = 100, epochs: int = 5, seed: int = 1,
    workers: int = 2, window: int = 5,
) -> WordTable:  # fmt: skip
    """Train word2vec (skip-gram, 5 negative samples) by gensim and scale it to unit-variance rows.

    With more than one worker the vectors differ in the last digits from run to run, since the
    threads race; the table's digest on the cards says which one was used.

    Raises:
        PoolScopeError: gensim is not installed.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError:
        raise PoolScopeError(
            "word vectors are trained by gensim, which is missing; install requirements-train.txt"
        ) from None
    tokenizer = WordTokenizer()
    sentences = [tokenizer.words(text) for text in texts]
    model = Word2Vec(
        sentences, vector_size=size, window=window, min_count=2, sg=1, negative=5, sample=1e-4,
        epochs=epochs, seed=seed, workers=workers,
    )  # fmt: skip
    vectors = np.asarray(model.wv.vectors, dtype=np.float32)
    # Small vectors learn slowly under a common rate; 0.3 per coordinate suits the encoders' widths.
    vectors *= 0.3 / vectors.std()
    table, _ = StaticVectors(tuple(model.wv.index_to_key), vectors).table(vocabulary, seed)
    return WordTable(vocabulary, table)


def concatenate(corpora: Sequence[Sequence[str]]) -> list[str]:
    """Return the texts of all corpora, one after the other."""
    return [text for corpus in corpora for text in corpus]


def half_precision(table: WordTable) -> WordTable:
    """Round to float16 and back: what will be shipped is what classifiers are trained on."""
    return WordTable(table.vocabulary, table.weights.to(torch.float16).to(torch.float32))
