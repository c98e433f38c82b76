"""The card behind a method's name: what the map answers and what it may not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from viz.latex import segments

Words = str | list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MethodCard:
    """A method in words: the question it answers, its formula (LaTeX), cost and source."""

    name: str
    title: str
    question: str
    formula: str
    cost: str
    source: str
    signed: bool
    complete: bool
    baseline: str = ""
    family: str = ""

    def rows(self, baseline: str | None = None) -> tuple[tuple[str, Words], ...]:
        """(term, words) in reading order; the formula is a list of (kind, text) segments.

        ``baseline`` is the one a map really used, where it names one.
        """
        listed: tuple[tuple[str, Words], ...] = (
            ("Question", self.question),
            ("Formula", segments(self.formula)),
            ("Baseline", baseline or self.baseline or "none"),
            ("Complete", "yes: the values sum to F(x) − F(baseline)" if self.complete else "no"),
            ("Signed", "yes: for (+) and against (−)" if self.signed else "no: strength only"),
            ("Cost", self.cost),
            ("Source", self.source),
        )
        return tuple((term, words) for term, words in listed if words)


def card(facts: Mapping[str, str | bool]) -> MethodCard:
    """The card of a registered method from its ``facts()``; facts that are not shown are ignored."""
    words = {name: str(facts.get(name, "")) for name in ("name", "title", "question", "formula", "cost")}
    more = {name: str(facts.get(name, "")) for name in ("source", "baseline", "family")}
    return MethodCard(**words, **more, signed=bool(facts["signed"]), complete=bool(facts["complete"]))


TRACE_CARDS: Mapping[str, MethodCard] = {
    made.name: made
    for made in (
        MethodCard(
            name="effective_attention",
            title="Effective attention",
            question="Where does the pooler look once its norm has sharpened or flattened the attention?",
            formula=r"\mathrm{softmax}(p \cdot s)_i",
            cost="part of every prediction",
            source="identity of the normalised p-norm: one p is exponent and inverse temperature",
            signed=False,
            complete=False,
        ),
        MethodCard(
            name="winners",
            title="Winners",
            question="In which share of the dimensions is this token the largest?",
            formula=r"|\{d : i = \mathrm{argmax}_j\, h_{jd}\}| / D",
            cost="part of every prediction",
            source="definition of max pooling; ties are divided",
            signed=False,
            complete=False,
        ),
        MethodCard(
            name="pooled_share",
            title="Share of the pooled vector",
            question="How much of the pooled vector comes from this token, on average over dimensions?",
            formula=r"\frac{1}{D} \sum_d \mathrm{share}_{id}",
            cost="part of every prediction",
            source="exact decomposition at the pooler",
            signed=False,
            complete=False,
        ),
    )
}
