"""Words and pairs of neighbouring words as features, found in a text at known places.

A feature is a word's look-up key (``bad``) or two neighbouring ones (``not bad``), as
:class:`models.text.WordTokenizer` cuts them. Only numpy is needed to read a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import PoolScopeError

Reads = Literal["tfidf", "counts", "presence"]
Floats = NDArray[np.float64]
ALONE: Final = 65_535


@dataclass(frozen=True, slots=True)
class Vector:
    """One text as a sparse vector: ``ids`` (F,) of the features it has, rising, and their ``values`` (F,)."""

    ids: NDArray[np.int64]
    values: Floats


class Features:
    """The features of one task with their document frequencies.

    ``names[j]`` is the word, or the two words with a space between; ``frequency[j]`` the number
    of the ``texts`` training texts that have it.
    """

    def __init__(self, names: Sequence[str], frequency: NDArray[np.integer], texts: int) -> None:
        """Take the features in id order; names must differ and each needs a frequency."""
        self.names = tuple(names)
        self.frequency = np.asarray(frequency, dtype=np.int64)
        self.texts = texts
        self._ids = {name: index for index, name in enumerate(self.names)}
        if len(self._ids) != len(self.names) or self.frequency.shape != (len(self.names),):
            raise PoolScopeError(f"{len(self.names)} feature names came, with repeats or without a frequency each")
        self.idf: Floats = np.log((1 + texts) / (1 + self.frequency)) + 1

    def __len__(self) -> int:
        """Count the features."""
        return len(self.names)

    def known(self, key: str) -> bool:
        """Say whether a word is a feature by itself."""
        return key in self._ids

    def places(self, keys: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield (feature, first place, last place) for all that is found; an empty key matches nothing."""
        ids, last = self._ids, len(keys) - 1
        for place, key in enumerate(keys):
            found = ids.get(key)
            if found is not None:
                yield found, place, place
            if place < last:
                found = ids.get(f"{key} {keys[place + 1]}")
                if found is not None:
                    yield found, place, place + 1

    def vector(self, keys: Sequence[str], reads: Reads) -> Vector:
        """Return the text as ``reads`` weighs it.

        ``counts``: n_j, how often feature j stands there. ``presence``: 1. ``tfidf``:
        (1 + ln n_j)(1 + ln((1 + N) / (1 + df_j))), divided by the Euclidean length of the vector.
        A text without any known feature is the zero vector.
        """
        counted = Counter(feature for feature, _, _ in self.places(keys))
        ids = np.fromiter(sorted(counted), dtype=np.int64, count=len(counted))
        counts = np.array([counted[j] for j in ids.tolist()], dtype=np.float64)
        if reads == "presence":
            return Vector(ids, np.ones_like(counts))
        if reads == "counts":
            return Vector(ids, counts)
        values = (1 + np.log(counts)) * self.idf[ids]
        return Vector(ids, values / (np.linalg.norm(values) or 1.0))

    def spread(self, keys: Sequence[str], parts: Mapping[int, float]) -> list[float]:
        """Give the parts of features to the words (T,): Σ words = Σ parts of features that are there.

        A part is divided equally among the places where its feature stands; at each place a pair
        gives half to either of its two words.
        """
        found = list(self.places(keys))
        often = Counter(feature for feature, _, _ in found)
        words = [0.0] * len(keys)
        for feature, first, last in found:
            part = parts.get(feature, 0.0) / often[feature]
            words[first] += part / 2
            words[last] += part / 2
        return words

    def packed(self) -> tuple[list[str], dict[str, NDArray[np.generic]]]:
        """Return the list of words, and per feature its one or two words as places in that list.

        ``second`` is :data:`ALONE` for a feature of one word. Pairs stored this way take four bytes.
        """
        words = sorted({word for name in self.names for word in name.split(" ")})
        if len(words) >= ALONE:
            raise PoolScopeError(f"{len(words)} different words came; at most {ALONE - 1} can be stored")
        place = {word: index for index, word in enumerate(words)}
        pairs = [(*name.split(" "), None)[:2] for name in self.names]
        return words, {
            "first": np.array([place[str(first)] for first, _ in pairs], dtype=np.uint16),
            "second": np.array([ALONE if second is None else place[second] for _, second in pairs], dtype=np.uint16),
            "frequency": smallest(self.frequency),
        }

    @classmethod
    def unpacked(cls, words: Sequence[str], arrays: Mapping[str, NDArray[np.generic]], texts: int) -> Features:
        """Undo :meth:`packed`.

        Raises:
            IndexError, KeyError, PoolScopeError: the arrays do not fit the words.
        """
        pairs = zip(arrays["first"].tolist(), arrays["second"].tolist(), strict=True)
        names = [words[a] if b == ALONE else f"{words[a]} {words[b]}" for a, b in pairs]
        return cls(names, arrays["frequency"].astype(np.int64), texts)


def smallest(counts: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return whole numbers ≥ 0 in the smallest unsigned type that holds them all."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
