"""What the two linear baselines share: one weight per feature and class, on tf-idf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Self

import numpy as np

from models.baselines.features import Floats, Vector
from models.baselines.kinds.base import Baseline, Parts

STEPS: Final = 127


class LinearBaseline(Baseline):
    """value_c = b_c + Σ_j W_cj x_j; x is the tf-idf vector of Euclidean length 1.

    With two classes scikit-learn learns one row and d = b + Σ_j w_j x_j; here d is written as the
    two values −d/2 and +d/2, whose difference is d and whose softmax is the sigmoid of d. The
    length by which x was divided is held at its value for this text when d is taken apart.
    """

    reads = "tfidf"
    start = "the intercept"

    def prepare(self) -> None:
        """Write two classes as two rows; double precision."""
        weights, intercept = self.arrays["weights"].astype(np.float64), self.arrays["intercept"].astype(np.float64)
        if "scale" in self.arrays:
            weights = weights * self.arrays["scale"].astype(np.float64)
        if len(weights) == 1:
            weights, intercept = np.vstack((-weights, weights)) / 2, np.concatenate((-intercept, intercept)) / 2
        self._weights, self._intercept = weights, intercept

    def shape(self) -> tuple[int, int]:
        """Return the shape of W."""
        if self._weights.shape[:1] != self._intercept.shape:
            raise ValueError(f"{len(self._intercept)} intercepts for {len(self._weights)} rows of weights")
        return self._weights.shape[0], self._weights.shape[1]

    def decide(self, vector: Vector) -> Floats:
        """Return W x + b."""
        return np.asarray(self._weights[:, vector.ids] @ vector.values + self._intercept)

    def parts(self, vector: Vector, target: int) -> Parts:
        """Return b_c and W_cj x_j."""
        return Parts(float(self._intercept[target]), self._weights[target, vector.ids] * vector.values)

    def stored(self) -> Iterator[tuple[str, Self]]:
        """Yield 8 bits (a row is scale · whole numbers from −127 to 127), 16 bits, and the 32 bits of training."""
        weights = self.arrays["weights"]
        scale = (np.abs(weights).max(1, keepdims=True) / STEPS).astype(np.float32)
        steps = np.rint(weights / np.where(scale > 0, scale, 1)).astype(np.int8)
        yield "8 bits", type(self)({**self.arrays, "weights": steps, "scale": scale})
        yield "16 bits", type(self)({**self.arrays, "weights": weights.astype(np.float16)})
        yield "32 bits", self

    @classmethod
    def _learned(cls, model: Any) -> Self:  # noqa: ANN401  # any linear model of scikit-learn
        return cls({"weights": np.asarray(model.coef_, np.float32), "intercept": np.asarray(model.intercept_)})
