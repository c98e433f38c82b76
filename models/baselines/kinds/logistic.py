"""Logistic regression on tf-idf."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.baselines.kinds.base import Setting
from models.baselines.kinds.linear import LinearBaseline


class Logistic(LinearBaseline):
    """Multinomial logistic regression with an L2 penalty: P(c | x) = softmax(W x + b)_c."""

    name = "logistic"
    title = "Logistic regression"
    formula = r"\mathrm{logit}_c = b_c + \sum_j W_{cj}\,\mathrm{tfidf}_j"
    source = "scikit-learn LogisticRegression (lbfgs)"
    note = "One weight per word and class; the most used reference for text."
    grid = tuple({"C": C} for C in (1.0, 3.0, 10.0, 30.0))

    @classmethod
    def fit(cls, matrix: Any, labels: NDArray[np.int64], setting: Setting) -> Self:  # noqa: ANN401  # scipy's CSR
        """Train until the gradient is small; the start at zero makes it deterministic."""
        from sklearn.linear_model import LogisticRegression

        return cls._learned(LogisticRegression(C=setting["C"], max_iter=1000).fit(matrix, labels))
