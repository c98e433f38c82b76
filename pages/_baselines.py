"""What a bag of words says: the reference rows under the readers of the page Compare, drawn once opened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from models.baselines import catalogue
from models.records import Analysis
from models.zoo.catalogue import Card
from pages import _cache, _parts, _words
from pages._state import Key, View
from viz import references, wording

WHAT = (
    "Each of these only knows which words, and for some which pairs of neighbours, stand in the text: no order, no "
    "context, no attention. Every word's part is exact, so the parts and the start sum to the value. A pair gives half "
    "to either of its words."
)


@st.fragment
def section(view: View, labels: Sequence[str]) -> None:
    """The expander with the reference rows on the text of ``view``; nothing where the task has none."""
    card = catalogue.find_card(view.task)
    if card is None or list(card["labels"]) != list(labels):
        return
    box = st.expander("What a bag of words says", key=Key.BAGS, on_change="rerun")
    if not box.open:
        return
    with box:
        st.markdown(f"{WHAT} {_best(view.task)}")
        found = [_cache.reference(view.task, name, view.request(())) for name in card["baselines"]]
        for refusal in (one for one in found if isinstance(one, _cache.Refusal)):
            st.warning(_parts.plain(f"{refusal.title}: {refusal.sentence}"))
        analyses = [one for one in found if isinstance(one, Analysis)]
        st.html(references.references_html(analyses, _notes(view.task, analyses)))
        _parts.how_to_read(
            "Orange speaks for the class named under a row, blue against it; one scale for these rows. A tree also "
            "decides by words that are not there: their part stands beside the start.",
            _words.BASELINE, _words.SHARE,
        )  # fmt: skip


def below(card: Card) -> bool:
    """Whether a reader does worse on the official test set than the best bag of words of its task and classes."""
    reference = catalogue.find_card(card.spec.task)
    same = reference is not None and tuple(reference["labels"]) == card.spec.labels
    return same and catalogue.below_baseline(card.spec.task, card.accuracy)


def _best(task: str) -> str:
    best = catalogue.best_baseline(task)
    return "" if best is None else f"The best of them reads {best.accuracy:.1%} of the official test set correctly."


def _notes(task: str, analyses: Sequence[Analysis]) -> dict[str, str]:
    """What each baseline is in one sentence, and its test score."""
    # Numpy comes with it, so it waits until the section is opened.
    from models.baselines.kinds import BASELINES

    tested = catalogue.scores(task)
    return {
        analysis.model.id: f"Test accuracy {wording.probability(tested[analysis.model.pooler][0])}. "
        f"{BASELINES[analysis.model.pooler].note}"
        for analysis in analyses
    }
