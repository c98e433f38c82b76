"""Linear support vector machine on tf-idf."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.baselines.kinds.base import Setting
from models.baselines.kinds.linear import LinearBaseline


class LinearSVM(LinearBaseline):
    """Linear SVM, squared hinge loss, one class against the rest: the largest w_c·x + b_c wins.

    Its values are distances, not log-odds: the probabilities shown are their softmax and are not
    calibrated.
    """

    name = "linear_svm"
    title = "Linear SVM"
    formula = r"f_c = b_c + \sum_j W_{cj}\,\mathrm{tfidf}_j"
    source = "scikit-learn LinearSVC (liblinear)"
    note = "One weight per word and class, learned by margin; its probabilities are a softmax, not calibrated."
    grid = tuple({"C": C} for C in (0.03, 0.1, 0.3, 1.0))

    @classmethod
    def fit(cls, matrix: Any, labels: NDArray[np.int64], setting: Setting) -> Self:  # noqa: ANN401  # scipy's CSR
        """Train with a fixed seed."""
        from sklearn.svm import LinearSVC

        return cls._learned(LinearSVC(C=setting["C"], random_state=1, max_iter=5000).fit(matrix, labels))
