"""Films of probe sentences, made from the histories that cards carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.metrics.divergence import jensen_shannon, settled
from models.text import WordTokenizer
from models.zoo.catalogue import Card
from models.zoo.probes import PROBES
from models.zoo.tasks import display_labels
from pages import _methods
from pages._cache import Refusal
from viz.film import CLOSE, Film, Frame


def sentences(task: str) -> tuple[str, ...]:
    """The sentences that the classifiers of ``task`` were followed on while they were trained."""
    return PROBES.get(task, ())


def film(card: Card, index: int) -> Film | Refusal:
    """What one classifier did with sentence ``index`` of its task, epoch by epoch, or why that is not known."""
    try:
        return _film(card, index)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        # Cards come from anywhere; a history of another make costs this reader only.
        return Refusal(card.spec.title, "its card holds no film of this sentence; training it again here records one.")


def _film(card: Card, index: int) -> Film:
    text, history = sentences(card.spec.task)[index], card.record["history"]
    shots = [record["probes"][index] for record in history]
    maps = [[float(weight) for weight in shot["attention"]] for shot in shots]
    # What [CLS] and its like hold belongs to the distribution, though it is no word.
    whole = [[*weights, float(shot.get("special", 0.0))] for weights, shot in zip(maps, shots, strict=True)]
    distances = [jensen_shannon(weights, whole[-1]) for weights in whole]
    rest = settled(distances, CLOSE)
    return Film(
        model=card.spec.id,
        digest=card.spec.digest,
        title=card.spec.title,
        labels=display_labels(card.spec.task, card.spec.labels),
        text=text,
        # What lies beyond the words a classifier reads was never weighed.
        tokens=WordTokenizer()(text)[: int(card.record["recipe"].get("max_tokens", len(text)))],
        attends=_attends(card.spec.pooler, shots),
        frames=tuple(
            Frame(int(record["epoch"]), tuple(weights), tuple(map(float, shot["probabilities"])), shot["tau"],
                  record.get("dev_accuracy"), record.get("loss"), distance)
            for record, shot, weights, distance in zip(history, shots, maps, distances, strict=True)
        ),
        kept=card.record.get("best_epoch"),
        settled=None if rest is None else int(history[rest]["epoch"]),
        road=road(card),
        special=whole[-1][-1],
    )  # fmt: skip


def road(card: Card) -> tuple[tuple[float, float, float, float], ...]:
    """(epochs done, lowest, median, highest p) along the training of a pooler with a learned norm."""
    started = sorted(p for quantity in card.learned if quantity.name == "p" for p in quantity.initial)
    # Training records other learned scalars (b, α) in the same place; they are no norm.
    history = card.record.get("history") or () if started else ()
    points = [point for record in history for point in record.get("p_trajectory") or ()]
    first = [(0.0, started[0], started[len(started) // 2], started[-1])] if started and points else []
    return (*first, *((float(at), float(p[0]), float(p[len(p) // 2]), float(p[-1])) for at, *p in points))


def _attends(pooler: str, shots: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the recorded weights are attention; a pooler that is not here any more shows it by its τ."""
    known = _methods.poolers().get(pooler)
    return bool(known.attends) if known else any(shot["tau"] is not None for shot in shots)
