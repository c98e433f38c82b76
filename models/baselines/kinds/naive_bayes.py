"""Multinomial naive Bayes on counts."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models.baselines.features import Floats, Vector, smallest
from models.baselines.kinds.base import Baseline, Parts, Setting

BYTE: Final = 255


class NaiveBayes(Baseline):
    """Multinomial naive Bayes: log P(c, x) = log P(c) + Σ_j n_j log P(j | c), with additive smoothing α.

    Every log P(j | c) is negative, so words are compared with the mean over the classes: the value
    of class c is log P(c, x) − mean_k log P(c_k, x). With two classes the difference of the two
    values is the log-odds, with any number the softmax is unchanged. What is stored are the
    counts themselves, so nothing is rounded: a byte each, and the few that need more listed apart.
    """

    name = "naive_bayes"
    title = "Naive Bayes"
    formula = r"\log P(c) + \sum_j n_j \log P(j \mid c) \;-\; \mathrm{mean\ over\ classes}"
    source = "scikit-learn MultinomialNB"
    note = "How much more often each word stands in texts of one class than of the others."
    start = "the log prior, relative to the mean over the classes"
    reads = "counts"
    grid = tuple({"alpha": alpha} for alpha in (1.0, 0.3, 0.1, 0.03))

    @classmethod
    def fit(cls, matrix: Any, labels: NDArray[np.int64], setting: Setting) -> Self:  # noqa: ANN401  # scipy's CSR
        """Count."""
        from sklearn.naive_bayes import MultinomialNB

        model = MultinomialNB(alpha=setting["alpha"]).fit(matrix, labels)
        counts, rows = (np.rint(values).astype(np.int64) for values in (model.feature_count_, model.class_count_))
        more = np.flatnonzero(counts > BYTE)
        return cls(
            {
                "counts": np.minimum(counts, BYTE).astype(np.uint8),
                "more_at": smallest(more),
                "more": smallest(counts.ravel()[more] - BYTE),
                "rows": smallest(rows),
                "alpha": np.array([setting["alpha"]]),
            }
        )

    def prepare(self) -> None:
        """Compute log P(c) and log P(j | c) = log (n_cj + α) − log Σ_j (n_cj + α)."""
        counts = self.arrays["counts"].astype(np.float64)
        counts.ravel()[self.arrays["more_at"]] += self.arrays["more"]
        smoothed = counts + float(self.arrays["alpha"][0])
        rows = self.arrays["rows"].astype(np.float64)
        self._words: Floats = np.log(smoothed) - np.log(smoothed.sum(1, keepdims=True))
        self._prior: Floats = np.log(rows) - np.log(rows.sum())
        self._words_mean, self._prior_mean = self._words.mean(0), float(self._prior.mean())

    def shape(self) -> tuple[int, int]:
        """Return the shape of the counts."""
        if self._prior.shape != self._words.shape[:1]:
            raise ValueError(f"{len(self._prior)} priors for {len(self._words)} rows of counts")
        return self._words.shape[0], self._words.shape[1]

    def joint(self, vector: Vector) -> Floats:
        """Return log P(c, x) (C,), but for the multinomial coefficient, which all classes share."""
        return np.asarray(self._words[:, vector.ids] @ vector.values + self._prior)

    def decide(self, vector: Vector) -> Floats:
        """Return log P(c, x) − mean_k log P(c_k, x)."""
        joint = self.joint(vector)
        return np.asarray(joint - joint.mean())

    def parts(self, vector: Vector, target: int) -> Parts:
        """Return n_j (log P(j | c) − mean_k log P(j | c_k))."""
        words = self._words[target, vector.ids] - self._words_mean[vector.ids]
        return Parts(float(self._prior[target]) - self._prior_mean, words * vector.values)
