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
    explains: str = ""
    reads: str = ""
    note: str = ""
    ceiling: bool = False

    def rows(self, baseline: str | None = None) -> tuple[tuple[str, Words], ...]:
        """(term, words) in reading order; the formula is a list of (kind, text) segments.

        ``baseline`` is the one a map really used, where it names one.
        """
        listed: tuple[tuple[str, Words], ...] = (
            ("Question", self.question),
            ("Formula", segments(self.formula)),
            ("Explains", self.explains),
            ("Baseline", baseline or self.baseline or "none"),
            ("Complete", "yes: the values sum to F(x) − F(baseline)" if self.complete else "no"),
            ("Signed", "yes: for (+) and against (−)" if self.signed else "no: strength only"),
            ("Cost", self.cost),
            ("Forwards at most", self.reads),
            ("Source", self.source),
            ("Note", self.note),
        )
        return tuple((term, words) for term, words in listed if words)


def card(facts: Mapping[str, str | bool]) -> MethodCard:
    """The card of a registered method from its ``facts()``; facts that are not shown are ignored."""
    def words(name: str) -> str:
        return str(facts.get(name, ""))

    return MethodCard(
        name=words("name"), title=words("title"), question=words("question"), formula=words("formula"),
        cost=words("cost"), source=words("source"), signed=bool(facts["signed"]), complete=bool(facts["complete"]),
        baseline=words("baseline"), family=words("family"), explains=_explains(facts), reads=words("reads"),
        note=words("note"), ceiling=bool(facts.get("ceiling")),
    )  # fmt: skip


def _explains(facts: Mapping[str, str | bool]) -> str:
    """What of a class a method can be asked about."""
    if facts.get("blind"):
        return "no class: one and the same map, whatever is asked"
    first, *others = str(facts.get("scalars", "")).split() or [""]
    if not first:
        return ""
    more = f"; or its {' or its '.join(others)}" if others else "; nothing else"
    return f"a class's {first}, alone or over that of another class{more}"


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
