"""How much memory a pass of a classifier takes per token, measured once and not guessed."""

from __future__ import annotations

from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from models.attribution.footprint import Footprint
from models.attribution.perturbed import PerturbedTexts
from models.classifier import PoolingClassifier

CELLS: Final = 128
SHORTEST: Final = 32
# By classifier and length; a classifier that is gone takes its entry along.
_MEASURED: WeakKeyDictionary[PoolingClassifier, dict[int, float]] = WeakKeyDictionary()
_LOCK: Final = Lock()


def bytes_per_cell(classifier: PoolingClassifier, longest: int) -> float:
    """Return the bytes that a pass over rows of at most ``longest`` ids holds at its fullest, per place (B · T).

    Measured on 128 places, or one text where that is longer: row after row of the vocabulary, as long as the next power
    of two, with as little in common as its words allow. What a pass holds grows at most in proportion to its rows, per
    place not with shorter rows, and is less where much is shared. The texts are the same whoever asks, and so is the
    number: it is kept for the life of the classifier, and no reading's chunks depend on what was read before.
    """
    length = max(SHORTEST, 1 << (longest - 1).bit_length())
    if length > classifier.max_tokens >= longest:
        length = classifier.max_tokens
    with _LOCK:
        known = _MEASURED.setdefault(classifier, {})
    if length not in known:
        ids = np.arange(max(1, CELLS // length) * length) % (len(classifier.vocabulary) - 1) + 1
        texts = PerturbedTexts(classifier)
        with Footprint(classifier.parameters()) as held:
            texts.read(list(ids.astype(np.intc).reshape(-1, length)))
        # Two threads that measure at once find the same.
        known[length] = held.peak / len(ids)
    return known[length]
