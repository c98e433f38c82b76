"""How well a fitted model tells what it was fitted to."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LOW: Final = 0.5
OURS: Final = (
    f"R² below {LOW:.2f} is marked as a poor fit. That bound is ours, not the authors', who name none: above a half "
    "the words' values tell more of the logit than they leave untold."
)


def r_squared(
    values: NDArray[np.float64], told: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    """Weighted R² = 1 − Σ w (v − v̂)² / Σ w (v − v̄)², each (M,), v̄ the weighted mean.

    ``None`` where all values are equal, since then there is nothing to tell.
    """
    spread = float(weights @ (values - np.average(values, weights=weights)) ** 2)
    if spread <= 1e-12 * float(weights @ values**2):
        return None
    return 1.0 - float(weights @ (values - told) ** 2) / spread
