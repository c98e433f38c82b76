"""The scorecard: the evidence of all experiments on this text in one table."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from models.experiment_records import (
    Adversary,
    Conicity,
    Correlation,
    Erasure,
    ExperimentCall,
    Faithfulness,
    Permutation,
    Reference,
    SmallestEdit,
    Trial,
)
from models.records import Request
from models.zoo.catalogue import Card
from pages import _cache, _debate_twins, _parts, _words
from viz import wording
from viz.debate_scorecard import NO_VERDICT, Evidence, scorecard_html

ASKED = ("correlation", "permutation", "adversary", "smallest_edit", "erasure", "conicity", "faithfulness")
COUNTER = "other weights"
TITLES = {
    "correlation": "Do the maps order the words alike?",
    "permutation": "Does it matter which word gets which weight?",
    "adversary": "How different could it have been with the same answer?",
    "smallest_edit": "How much must move before the answer changes?",
    "erasure": "How soon does the answer flip, heaviest words out first?",
    "faithfulness": "Does the answer need the words that the map names?",
    "conicity": "Do all states point the same way?",
}

def scorecard(card: Card, request: Request) -> list[Evidence]:
    """Ask every experiment and draw what it found; the rows, for a download."""
    rows = []
    with st.spinner("Asking every experiment …"):
        for name in ASKED:
            trial = _parts.need(_cache.trial(card, request, ExperimentCall(name)))
            rows += list(_rows(card, trial))
        rows.append(Evidence("Do other seeds attend alike?", *_debate_twins.seed_stability(card, request), None,
                             "seed stability"))  # fmt: skip
    st.html(scorecard_html(rows))
    _parts.how_to_read("A row is one experiment of this page: its number on this text, and where that stands among the "
                       "test texts for which the reader gives the same answer.", _words.TAU, _words.JSD)  # fmt: skip
    st.caption(NO_VERDICT)
    return rows


def _rows(card: Card, trial: Trial) -> Iterator[Evidence]:
    """The rows of one experiment."""
    found = trial.finding

    def reference(method: str) -> Reference | None:
        return _cache.distribution(card, method, trial.prediction.predicted)

    if isinstance(found, Correlation):
        for title, tau, method in (
            ("Do attention and gradient order the words alike?", found.weights_gradient, "tau_weights_gradient"),
            ("Do attention and removal order the words alike?", found.weights_removal, "tau_weights_removal"),
            ("Do gradient and removal, which need no attention?", found.gradient_removal, "tau_gradient_removal"),
        ):
            said = str(tau.reason)
            if tau.value is not None:
                said = f"τ = {wording.tau(tau.value)}, p {wording.p_value(tau.p_value)}"
            yield Evidence(title, said, tau.value, reference(method), "agreement")
    elif isinstance(found, Permutation):
        said = f"median change {wording.number(found.median)}"
        yield Evidence(TITLES["permutation"], said, found.median, reference("permutation"), "idle attention")
    elif isinstance(found, Adversary):
        bound = "" if found.exact else "≥ "
        said = f"JSD {bound}{wording.number(found.distance)} of at most {wording.number(found.most)}"
        yield Evidence(TITLES["adversary"], said, found.distance, reference("adversary"), COUNTER)
    elif isinstance(found, SmallestEdit):
        said = f"{wording.percent(found.moved)} of the attention"
        yield Evidence(TITLES["smallest_edit"], said, found.moved, reference("smallest_edit"), COUNTER)
    elif isinstance(found, Erasure):
        first, chance = found.curves[0], found.curves[-1]
        said = f"{first.title}: {_flip(first.flip)}; chance: {_flip(chance.flip)}"
        yield Evidence(TITLES["erasure"], said, first.flip, reference("erasure"), "erasure")
    elif isinstance(found, Conicity):
        said = f"conicity {wording.number(found.conicity)}"
        yield Evidence(TITLES["conicity"], said, found.conicity, reference("conicity"), "why weights may be idle")
    elif isinstance(found, Faithfulness):
        for row in (row for row in found.rows if row.name in ("attention", "exact_share")):
            low, high = (wording.number(end) for end in found.random_band)
            said = str(row.reason)
            if row.comprehensiveness is not None:
                said = f"{row.title}: {wording.number(row.comprehensiveness)} lost; random maps reach {low} to {high}"
            yield Evidence(TITLES["faithfulness"], said, None, None, "faithfulness")
    elif trial.reason:
        yield Evidence(TITLES[trial.call.name], trial.reason, None, None, "")


def _flip(part: float | None) -> str:
    return "never" if part is None else f"after {wording.percent(part)} of the words"
