"""Where paths begin: the embeddings that stand for "no text" (baselines)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from models.attribution.reading import Reading
from models.text import PAD

KINDS: Final = ("zero", "pad", "mean", "unknown")
WORDS: Final = {
    "zero": "zero vectors, which is the padding word at every place",
    "pad": "the padding word's vector in place of every word",
    "mean": "the mean of all word vectors in place of every word",
    "unknown": "the unknown word in place of every word",
}


@torch.no_grad()
def start(reading: Reading, kind: str) -> Tensor:
    """Return the baseline (1, T, E) called ``kind``, one of :data:`KINDS`.

    Zeros stand everywhere; the others stand in place of words only, so that an encoder's own tokens
    ([CLS], [SEP]) stay what they are and get no part of the change.
    """
    if kind == "zero":
        return torch.zeros_like(reading.embeddings)
    classifier = reading.classifier
    words = torch.arange(len(classifier.vocabulary), device=reading.ids.device)
    if kind == "mean":
        vector = classifier.alone(words[words != PAD]).mean(0)
    else:
        vector = classifier.alone(words[[PAD if kind == "pad" else classifier.unknown]])[0]
    return torch.where(_words(reading), vector, reading.embeddings)


@torch.no_grad()
def random_texts(reading: Reading, count: int, seed: int) -> Tensor:
    """Return ``count`` texts (K, T, E) of words drawn evenly from the vocabulary, in place of the words.

    Every word of the table but the padding word may come, the same ones for the same seed and length.
    """
    classifier = reading.classifier
    source = torch.Generator().manual_seed(seed)
    ids = torch.randint(len(classifier.vocabulary) - 1, (count, len(reading)), generator=source)
    ids = (ids + (ids >= PAD)).to(reading.ids.device)
    return torch.where(_words(reading), classifier.embed(ids), reading.embeddings)


def _words(reading: Reading) -> Tensor:
    """Return (1, T, 1), True where an id belongs to a word."""
    places = [place for unit in reading.units for place in unit]
    owned = torch.zeros(1, len(reading), 1, dtype=torch.bool, device=reading.ids.device)
    owned[0, places] = True
    return owned
