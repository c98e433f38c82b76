"""The families of attribution methods, from looking to changing: the order in which a person meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """Methods that answer by the same means: ``name`` is what a method's ``family`` says."""

    name: str
    title: str
    means: str


_LISTED: Final = (
    Family("attention", "Attention", "What the pooler's own weights say, alone or with the states that they weigh."),
    Family("gradient", "Gradients", "What a small move of a word's vector would do; one or a few backward passes."),
    Family("path", "Paths", "What the change from an empty or a random text to this one consists of."),
    Family("perturbation", "Perturbations", "What happens when words are really taken out and the rest is read again."),
    Family("transformer", "Transformers", "Where weights lead through the layers of an encoder with self-attention."),
    Family(
        "floor", "Floors", "Maps that know nothing of the prediction, so that no method should do worse. Their "
        "counterpart, the ceiling for single words, is leave-one-out.",
    ),
)  # fmt: skip
FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.name: family for family in _LISTED})
