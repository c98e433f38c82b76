"""How far two distributions over the same words are apart, and when a sequence of them has settled."""

from __future__ import annotations

import math
from collections.abc import Sequence


def jensen_shannon(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two distributions in nats.

    JSD(a, b) = ½ KL(a ‖ m) + ½ KL(b ‖ m) with m = (a + b) / 2 (Lin 1991): 0 for equal ones, ln 2
    where they share no word. Both are brought to sum 1 first, since stored weights are rounded.

    Raises:
        ValueError: different lengths, a negative weight, or no mass at all.
    """
    if len(left) != len(right):
        raise ValueError(
            f"distributions over {len(left)} and {len(right)} words cannot be compared; give equal lengths"
        )
    a, b = _normal(left), _normal(right)
    return max(0.0, (_to_middle(a, b) + _to_middle(b, a)) / 2)


def settled(distances: Sequence[float], limit: float) -> int | None:
    """Return the first place from which all ``distances`` to the last state stay within ``limit``.

    ``None`` where only the last one does, which every sequence does: nothing had settled yet.
    """
    place = len(distances)
    while place and distances[place - 1] <= limit:
        place -= 1
    return place if place < len(distances) - 1 else None


def _normal(weights: Sequence[float]) -> list[float]:
    mass = math.fsum(weights)
    if min(weights, default=0.0) < 0 or not 0 < mass < math.inf:
        raise ValueError("weights must be finite, none negative, and not all zero")
    return [weight / mass for weight in weights]


def _to_middle(a: Sequence[float], b: Sequence[float]) -> float:
    """KL(a ‖ (a + b) / 2) in nats, as Σ a (ln 2 + ln a / (a + b)): half of the smallest number would be 0."""
    return math.fsum(x * (math.log(2) + math.log(x / (x + y))) for x, y in zip(a, b, strict=True) if x > 0)
