"""What the pooler itself did, as maps that can stand beside the attributions."""

from __future__ import annotations

import dataclasses

from models.records import Analysis, Attribution
from viz.cards import TRACE_CARDS


def trace_maps(analysis: Analysis) -> tuple[Attribution, ...]:
    """Effective attention softmax(p·s) and the winner shares of max pooling, where they exist.

    Winners are divided by their sum, so both are shares of 1.
    """
    trace = analysis.trace
    winners = trace.winners
    if winners is not None:
        total = sum(winners) or 1.0
        winners = tuple(w / total for w in winners)
    return tuple(
        Attribution(
            method=name,
            title=TRACE_CARDS[name].title,
            target=analysis.target,
            scalar="logit",
            signed=False,
            complete=False,
            scores=scores,
        )
        for name, scores in (("effective_attention", trace.effective), ("winners", winners))
        if scores is not None
    )


def pooled_share(analysis: Analysis) -> Attribution:
    """Each token's share of the pooled vector, mean over dimensions: defined for every pooler."""
    return Attribution(
        method="pooled_share",
        title=TRACE_CARDS["pooled_share"].title,
        target=analysis.target,
        scalar="logit",
        signed=False,
        complete=False,
        scores=analysis.trace.shares,
    )


def with_trace(analysis: Analysis) -> Analysis:
    """The analysis with its trace maps after the attention map, or unchanged without one."""
    methods = [a.method for a in analysis.attributions]
    if "attention" not in methods or {"effective_attention", "winners"} & set(methods):
        return analysis
    place = methods.index("attention") + 1
    maps = analysis.attributions
    return dataclasses.replace(analysis, attributions=(*maps[:place], *trace_maps(analysis), *maps[place:]))
