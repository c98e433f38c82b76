"""Max-sensitivity: how much a map changes when the word vectors move a little."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod
from models.attribution.integrated_gradients import IntegratedGradients
from models.attribution.reading import Reading
from models.attribution.starts import start
from models.attribution.target import Target
from models.classifier import PoolingClassifier
from models.experiments.gauss import integrated

SHAKES: Final = 5
# The half width of the cube that vectors move in, in standard deviations of their entries.
RADIUS: Final = 0.05
# Methods that read nothing but this text; others would read words whose vectors nobody moved.
OWN_TEXT: Final = frozenset({"attention", "exact", "gradient", "path"})


def shakes(reading: Reading, seed: int) -> list[Reading]:
    """Read the text with its vectors moved, δ uniform in a cube: the same draws for every method."""
    generator = torch.Generator().manual_seed(seed)
    radius = RADIUS * reading.embeddings.std()
    owners = [-1] * len(reading)
    for word, unit in enumerate(reading.units):
        for place in unit:
            owners[place] = word
    found = []
    for _ in range(SHAKES):
        noise = 2 * torch.rand(reading.embeddings.shape, generator=generator).to(reading.embeddings) - 1
        there = moved(reading.classifier, reading.embeddings + radius * noise)
        found.append(Reading(there, reading.ids[0].tolist(), owners))
    return found


def sensitivity(
    method: AttributionMethod, reading: Reading, target: Target, shaken: Sequence[Reading]
) -> float | None:
    """Return max over draws of ‖φ(e + δ) − φ(e)‖ / ‖φ(e)‖ (Yeh et al. 2019), ``shaken`` by :func:`shakes`.

    Integrated gradients come from one rule for all copies (:func:`~models.experiments.gauss.integrated`): refined for
    each alone, up to the error that a map may have, they would differ by their errors as much as by δ. ``None`` for
    maps that read other texts, and for a map of zeros.
    """
    if method.family not in OWN_TEXT:
        return None
    if isinstance(method, IntegratedGradients):
        own, *found = integrated([reading, *shaken], target, start(reading, method.params.baseline))
    else:
        own, *found = (_map(method, one, target) for one in (reading, *shaken))
    if own is None or not bool(own.norm() > 0):
        return None
    return max((float((one - own).norm() / own.norm()) for one in found if one is not None), default=0.0)


def moved(classifier: PoolingClassifier, embeddings: Tensor) -> PoolingClassifier:
    """Return a classifier that shares all with ``classifier`` and embeds any text as ``embeddings`` (1, T, E)."""
    other = copy.copy(classifier)
    # A name of the copy alone: the shared classifier goes on looking its words up.
    object.__setattr__(other, "embed", lambda ids: embeddings)
    return other


def _map(method: AttributionMethod, reading: Reading, target: Target) -> Tensor | None:
    values = method(reading, target).values
    return None if values is None else torch.tensor(values, dtype=torch.float64)
