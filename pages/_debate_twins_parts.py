"""What the questions to twins share: the family on one text, the λ slider, numbers in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import streamlit as st

from models import twin_view
from models.records import Analysis, Prediction, Request
from models.twin_view import Family
from models.zoo.catalogue import Card
from pages import _cache, _changes, _parts
from pages._state import Key
from viz import debate, debate_twins, wording
from viz.debate_twins import Scored, Spot

Rows = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """The family, the text, what the base said of it, and how to draw."""

    family: Family
    request: Request
    analysis: Analysis
    place: int
    dark: bool
    scale: str = "share"

    def read(self, card: Card) -> Analysis:
        """What a twin says of the text."""
        return _parts.need(_cache.analysis(card, self.request))


def family(card: Card) -> Family:
    """A reader and its twins, out of all folders."""
    return twin_view.family(card, [twin for twin in _cache.twins() if (twin.twin or {}).get("of") == card.spec.id])


def seeds_apart(card: Card) -> str:
    """How far from a reader those are that differ by their seed alone, over the test texts; empty if none says so."""
    means = [twin_view.stated(twin) for twin in family(card).of("seed")]
    known = [mean.jsd for mean in means if mean.jsd is not None]
    if not known or not means[0].texts:
        return ""
    ends = " to ".join(dict.fromkeys(wording.number(end) for end in (min(known), max(known))))
    return (
        f"For comparison: trained anew from other random starts (seeds), this reader is on average JSD {ends} away "
        f"from itself, over the {means[0].texts:,} test texts."
    )


def pick_strength(panel: str, found: Sequence[Card], words: str) -> Card:
    """One of the twins of a kind, by its λ; one that none was trained with is told."""
    if len(found) == 1:
        st.caption(f"One such twin was trained, with λ = {strength(found[0])}: {words}.")
        return found[0]
    key = Key.strength(panel)
    by_strength = {strength(card): card for card in found}
    wanted = st.session_state.get(key)
    if wanted not in by_strength:
        st.session_state[key] = list(by_strength)[len(by_strength) // 2]
        if wanted is not None:
            st.warning(f"No such twin was trained with λ = {wanted}; λ = {st.session_state[key]} is shown.")
    chosen = st.select_slider(
        f"λ, {words}", list(by_strength), key=key, width=320, persist_state="session", on_change=_changes.touched
    )
    return by_strength[str(chosen)]


def seed_band(kin: Family) -> tuple[float, float] | None:
    """Lowest and highest test accuracy of the reader and its seeds."""
    known = [card.accuracy for card in (kin.base, *kin.of("seed")) if card.accuracy is not None]
    return (min(known), max(known)) if len(known) > 1 else None


def against_seeds(scene: Scene) -> str:
    """How far the seeds are on the same text, where there are any."""
    others = scene.family.of("seed")
    if not others:
        return "."
    cross = twin_view.crossed([scene.analysis, *(scene.read(card) for card in others)])
    return f"; other seeds reach at most {wording.number(cross.high)} on this text."


def accuracies(
    cards: Sequence[tuple[Card, str]], band: tuple[float, float] | None, scene: Scene, first: str = ""
) -> None:
    """The dots, where accuracies were measured."""
    marked = [
        Scored(name, card.accuracy, (card.twin or {}).get("weights") == first if first else card is scene.family.base)
        for card, name in cards if card.accuracy is not None
    ]  # fmt: skip
    if marked:
        _parts.chart(debate_twins.accuracy_chart(marked, band, scene.place, scene.dark))


def spots(cards: Sequence[Card], name: str) -> list[Spot]:
    """The test-set means of those whose cards state them."""
    found = [(card, twin_view.stated(card)) for card in cards]
    return [
        Spot(name.format(strength(card)), said.jsd, said.tvd)
        for card, said in found if said.jsd is not None and said.tvd is not None
    ]  # fmt: skip


def reader_row(card: Card, analysis: Analysis) -> dict[str, Any]:
    """One reader for the download."""
    return {
        "model": card.spec.id, "digest": card.spec.digest, "test_accuracy": card.accuracy,
        "predicted": analysis.prediction.label, "probabilities": analysis.prediction.probabilities,
        "weights": twin_view.weights(analysis),
    }  # fmt: skip


def shown(analysis: Analysis) -> Sequence[float]:
    """The numbers per token that a map is drawn with: attention, or shares where there is none."""
    trace = analysis.trace
    return trace.shares if trace.weights is None else trace.weights


def becomes(before: Analysis, after: Analysis) -> str:
    """Whether the answer of the base is also the twin's, and what became of its probability."""
    stays = before.prediction.predicted == after.prediction.predicted
    return f"The answer {'stays' if stays else 'changes'}: {debate.shift(before.prediction, after.prediction)}"


def said_of(prediction: Prediction) -> str:
    """The predicted class and its probability."""
    return f"{prediction.label} {wording.probability(prediction.probabilities[prediction.predicted])}"


def strength(card: Card) -> str:
    """λ, as it is written on a slider."""
    return f"{twin_view.stated(card).strength or 0.0:g}"


def share(value: float | None) -> str:
    """A part of all test texts, one decimal."""
    return wording.DASH if value is None else f"{value:.1%}".replace("%", f"{wording.THIN}%")


def accuracy(card: Card) -> str:
    """Test accuracy, where it was measured."""
    return share(card.accuracy)


def points(difference: float, *, plus: bool = True) -> str:
    """Percentage points, ``+0.3 points``."""
    size = f"{abs(100 * difference):.1f} points"
    return size if not plus or not difference else f"{'+' if difference > 0 else wording.MINUS}{size}"
