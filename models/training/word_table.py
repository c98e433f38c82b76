"""The word table that a task's classifiers share: skip-gram vectors trained on training texts.

Sharing keeps the zoo small and makes poolers comparable: all of them read the same words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.errors import PoolScopeError
from models.text import Vocabulary, WordTokenizer
from models.training.rounding import rounded
from models.vectors import StaticVectors, read_vectors

# Coordinates' standard deviation after scaling; word2vec's own depend on frequency and length.
SPREAD = 0.3


@dataclass(frozen=True, slots=True)
class WordTable:
    """A vocabulary with its vectors (V, E), and the share of its words that had one in a file."""

    vocabulary: Vocabulary
    weights: torch.Tensor
    found: float | None = None

    @classmethod
    def lay(cls, vectors: StaticVectors, vocabulary: Vocabulary, seed: int = 1, bits: int = 16) -> WordTable:
        """Lay static vectors over ``vocabulary``, rounded as they will be shipped."""
        weights, found = vectors.table(vocabulary, seed)
        return cls(vocabulary, rounded(weights, bits), found)

    @classmethod
    def from_file(cls, file: str, vocabulary: Vocabulary, seed: int = 1) -> WordTable:
        """Read from a file of static vectors what ``vocabulary`` needs, rounded as it will be shipped.

        Raises:
            PoolScopeError: the file cannot be read, or has none of the words.
        """
        table = cls.lay(read_vectors(file, vocabulary), vocabulary, seed)
        if not table.found:
            raise PoolScopeError(
                f"{Path(file).name} has none of the {len(vocabulary) - 2:,} words of the training texts; "
                "expected vectors of their language: name another file"
            )
        return table


def skip_gram(
    texts: Sequence[str], *, size: int = 100, window: int = 5, epochs: int = 5, seed: int = 1
) -> StaticVectors:
    """Train word2vec by gensim: skip-gram, 5 negative samples, words seen twice or more.

    One worker only: several race, and the same texts would not give the same vectors twice.

    Raises:
        PoolScopeError: gensim is not installed, or no word occurs twice.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError:
        raise PoolScopeError(
            "word vectors are trained by gensim, which is missing; install requirements-train.txt"
        ) from None
    tokenizer = WordTokenizer()
    sentences = [tokenizer.words(text) for text in texts]
    if max(Counter(word for sentence in sentences for word in sentence).values(), default=0) < 2:
        raise PoolScopeError(f"no word occurs twice in {len(texts):,} texts; expected more text to learn vectors from")
    model = Word2Vec(
        sentences, vector_size=size, window=window, min_count=2, sg=1, negative=5, sample=1e-4,
        epochs=epochs, seed=seed, workers=1,
    )  # fmt: skip
    vectors = np.asarray(model.wv.vectors, dtype=np.float32)
    return StaticVectors(tuple(model.wv.index_to_key), vectors * np.float32(SPREAD / vectors.std()))
