"""The record that every reader of vector files ends in, and the word table made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.text import PAD, UNK, Vocabulary, lookup_key

MAX_DIMENSIONS = 4_096
# A word table is stored in float16; a larger number would come back from there as infinity.
LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Whole:
    """What must be known of a whole file when only some of its rows are kept.

    ``count`` is its number of words, ``rare`` (E,) the mean of the rarer half of its vectors,
    ``spread`` the standard deviation of its numbers.
    """

    count: int
    rare: np.ndarray
    spread: float

    @classmethod
    def of(cls, vectors: np.ndarray) -> Whole:
        """Sum up all vectors (N, E) of a file, listed by falling frequency."""
        if not len(vectors):
            return cls(0, np.zeros(vectors.shape[1], dtype=np.float32), 0.1)
        return cls(len(vectors), vectors[len(vectors) // 2 :].mean(0), float(vectors.std()))


@dataclass(frozen=True, slots=True)
class StaticVectors:
    """Words and their vectors (N, E) in float32.

    ``whole`` sums up the file where these are not all of its words. ``inferred`` are words that
    the file does not list and whose vectors were put together from parts of words.
    """

    words: tuple[str, ...]
    vectors: np.ndarray
    whole: Whole | None = None
    inferred: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse counts that differ and numbers that no word table can hold."""
        if self.vectors.ndim != 2 or len(self.words) != len(self.vectors):
            raise PoolScopeError(
                f"the vectors came with {len(self.words)} words and an array {self.vectors.shape}; "
                "expected one row of numbers per word: save both from the same list"
            )
        check_numbers(self.words, self.vectors)

    @property
    def size(self) -> int:
        """Number of dimensions E."""
        return int(self.vectors.shape[1])

    def table(self, vocabulary: Vocabulary, seed: int = 0) -> tuple[Tensor, float]:
        """Return a word table (V, E) for ``vocabulary`` and the share of its words that were found.

        The unknown word is the mean of the rarer half of the vectors (files list words by falling
        frequency): what is not in the vocabulary is most like a rare word. Words without a vector
        start there too, with a little seeded noise so that training can tell them apart; the
        padding row is zero. Of two spellings of one word the first counts.
        """
        position: dict[str, int] = {}
        for index, word in enumerate(self.words):
            position.setdefault(lookup_key(word), index)
        whole = self.whole or Whole.of(self.vectors)
        generator = torch.Generator().manual_seed(seed)
        rare = torch.from_numpy(whole.rare)
        table = rare + 0.1 * whole.spread * torch.randn(len(vocabulary), self.size, generator=generator)
        table[UNK] = rare
        found = [(row, position[word]) for row, word in enumerate(vocabulary.words) if word in position]
        if found:
            rows, sources = map(list, zip(*found, strict=True))
            table[rows] = torch.from_numpy(self.vectors[sources].astype(np.float32))
        table[PAD] = 0
        # A file may list "<unk>" itself: that row is used, but it is no word of the vocabulary.
        words = sum(row > UNK and self.words[source] not in self.inferred for row, source in found)
        return table, words / max(1, len(vocabulary) - 2)


def check_numbers(words: tuple[str, ...] | list[str], vectors: np.ndarray) -> None:
    """Refuse NaN, infinity and what float16 cannot hold, by the first word that has it.

    Raises:
        PoolScopeError: such a number came.
    """
    # NaN compares as False, so it is caught as well.
    good = (np.abs(vectors) <= LARGEST).all(1)
    if good.all():
        return
    bad = int(np.argmin(good))
    row = vectors[bad]
    if not np.isfinite(row).all():
        raise PoolScopeError(
            f"the vector of {words[bad]!r} holds NaN or infinity; expected finite numbers: "
            "get the file again or take the word out"
        )
    raise PoolScopeError(
        f"the vector of {words[bad]!r} holds {row[np.abs(row).argmax()]:g}; expected numbers within ±{LARGEST:g}, "
        "which is what a word table can store: scale the vectors down"
    )
