"""What is measured on each text of a test set: one row per text and method."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import pyarrow as pa

# What each method measures; τ_b without a unit, TVD of probabilities, JSD in nats, mean cosine, share of the
# weight, share of the words.
METHODS: Final = {
    "tau_weights_gradient": "τ(attention, gradient)",
    "tau_weights_removal": "τ(attention, leave-one-out)",
    "tau_gradient_removal": "τ(gradient, leave-one-out)",
    "permutation": "median output change under 100 permutations",
    "adversary": "JSD to the furthest attention with the same answer",
    "conicity": "conicity of the token states",
    "smallest_edit": "attention that must move to turn the answer",
    "erasure": "words out, heaviest first, until the answer flips",
    "erasure_gradient": "words out, steepest gradient first, until it flips",
    "erasure_product": "words out, largest weight × gradient first, until it flips",
    "erasure_random": "words out by chance, median of ten orders, until it flips",
}
TAUS: Final = ("tau_weights_gradient", "tau_weights_removal", "tau_gradient_removal")
ERASURES: Final = ("erasure", "erasure_gradient", "erasure_product", "erasure_random")
_KINDS: Final = {"int": pa.int32(), "float": pa.float64(), "str": pa.string(), "bool": pa.bool_()}


@dataclass(frozen=True, slots=True)
class DebateRow:
    """One method on one text; ``value`` is ``None`` with a ``reason``.

    ``text`` is the row of the data set, ``label`` its class there, ``predicted`` the reader's, with its
    ``probability``; ``largest`` is the largest weight (or share) of a word.
    """

    text: int
    words: int
    label: int
    predicted: int
    probability: float
    largest: float
    method: str
    value: float | None
    p_value: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FaithfulnessRow:
    """The faithfulness of one map on one text; numbers as in ``FaithRow``, ``None`` with a ``reason``.

    ``method`` is a map's name, or that of a floor (``random``, ``reversed``) or of the ``oracle``. ``soft_…_sd`` is
    the spread over draws, ``lowest`` and ``highest`` comprehensiveness over the four ways of taking words out.
    ``above_random`` and ``random_high`` say how comprehensiveness stands to the middle 90 % of random maps.
    """

    text: int
    words: int
    label: int
    predicted: int
    probability: float
    method: str
    kind: str
    comprehensiveness: float | None = None
    sufficiency: float | None = None
    comprehensiveness_printed: float | None = None
    sufficiency_printed: float | None = None
    log_odds: float | None = None
    flip: float | None = None
    soft_comprehensiveness: float | None = None
    soft_comprehensiveness_sd: float | None = None
    soft_sufficiency: float | None = None
    soft_sufficiency_sd: float | None = None
    soft_comprehensiveness_normalised: float | None = None
    soft_sufficiency_normalised: float | None = None
    infidelity: float | None = None
    sensitivity: float | None = None
    lowest: float | None = None
    highest: float | None = None
    above_random: bool | None = None
    random_high: float | None = None
    reason: str | None = None


def _schema(row: type) -> pa.Schema:
    return pa.schema([(field.name, _KINDS[str(field.type).removesuffix(" | None")]) for field in fields(row)])


SCHEMA: Final = _schema(DebateRow)
FAITHFULNESS: Final = _schema(FaithfulnessRow)
