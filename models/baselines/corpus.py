"""A data set as sparse counts of words and pairs, and the choice of the features worth keeping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.baselines.features import Features, Reads, Vector
from models.data.dataset import Dataset
from models.text import WordTokenizer

Criterion = Literal["chi2", "frequency"]
MIN_TEXTS: Final = 2


@dataclass(frozen=True, slots=True)
class Selection:
    """How features are chosen: words with or without pairs, the ``limit`` best by a criterion.

    ``frequency``: the number of training texts that have it. ``chi2``: the χ² statistic between
    its presence and the class, on the training split.
    """

    pairs: bool
    by: Criterion
    limit: int


CRITERIA: Final[tuple[Criterion, ...]] = ("chi2", "frequency")
SELECTIONS: Final = tuple((pairs, by) for pairs in (True, False) for by in CRITERIA)


class Corpus:
    """The texts of one data set as look-up keys, and all candidate features counted in them.

    A candidate stands in two training texts or more.
    """

    def __init__(self, dataset: Dataset) -> None:
        """Cut every text once and count."""
        tokenizer = WordTokenizer()
        self.dataset = dataset
        self.keys = {name: [tokenizer.words(text) for text in split.texts] for name, split in dataset.splits.items()}
        self.labels = {name: np.array(split.labels) for name, split in dataset.splits.items()}
        texts = Counter(name for keys in self.keys["train"] for name in dict.fromkeys(_all(keys)))
        ranked = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
        kept = [(name, count) for name, count in ranked if count >= MIN_TEXTS]
        frequency = np.array([count for _, count in kept], dtype=np.int64)
        self.candidates = Features([name for name, _ in kept], frequency, len(self.keys["train"]))
        self._counts = {name: _matrix(self.candidates, self.keys[name]) for name in ("train", "validation")}
        self._chi2 = _chi2(self._counts["train"], self.labels["train"])

    def choose(self, selection: Selection) -> NDArray[np.int64]:
        """Return the chosen candidates, rising; ties go to the more frequent, then to the alphabet."""
        order = np.argsort(-self._chi2, kind="stable") if selection.by == "chi2" else np.arange(len(self.candidates))
        if not selection.pairs:
            order = order[[" " not in self.candidates.names[j] for j in order]]
        return np.sort(order[: selection.limit])

    def features(self, chosen: NDArray[np.int64]) -> Features:
        """Return the chosen candidates as features."""
        candidates = self.candidates
        return Features([candidates.names[j] for j in chosen], candidates.frequency[chosen], candidates.texts)

    def matrix(self, split: str, chosen: NDArray[np.int64], reads: Reads) -> Any:  # noqa: ANN401  # scipy's CSR
        """Return a split (N, F) of the chosen features, each row as :meth:`Features.vector` gives it."""
        matrix = self._counts[split][:, chosen].astype(np.float64)
        matrix.sort_indices()
        if reads == "presence":
            matrix.data[:] = 1
        elif reads == "tfidf":
            matrix.data = (1 + np.log(matrix.data)) * self.features(chosen).idf[matrix.indices]
            rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
            length = np.sqrt(np.bincount(rows, matrix.data**2, minlength=matrix.shape[0]))
            matrix.data /= length[rows]
        return matrix


def vectors(matrix: Any) -> Iterator[Vector]:  # noqa: ANN401  # scipy's CSR
    """Yield the rows of a sparse matrix."""
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        yield Vector(matrix.indices[start:end].astype(np.int64), matrix.data[start:end])


def _all(keys: Sequence[str]) -> Iterator[str]:
    yield from keys
    for first, second in zip(keys, keys[1:], strict=False):
        yield f"{first} {second}"


def _matrix(features: Features, texts: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401  # scipy's CSR
    from scipy.sparse import csr_matrix

    indices: list[int] = []
    data: list[int] = []
    starts = [0]
    for keys in texts:
        counted = Counter(feature for feature, _, _ in features.places(keys))
        indices += counted.keys()
        data += counted.values()
        starts.append(len(indices))
    parts = np.array(data, dtype=np.int32), np.array(indices, dtype=np.int64), np.array(starts, dtype=np.int64)
    return csr_matrix(parts, shape=(len(texts), len(features)))


def _chi2(counts: Any, labels: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ANN401  # scipy's CSR
    from sklearn.feature_selection import chi2

    present = counts.astype(np.float64)
    present.data[:] = 1
    return np.nan_to_num(np.asarray(chi2(present, labels)[0], dtype=np.float64))
