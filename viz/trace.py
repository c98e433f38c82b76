"""What the pooler itself did, as maps that can stand beside the attributions."""

from __future__ import annotations

import dataclasses

from models.records import Analysis, Attribution
from viz.cards import TRACE_CARDS


def trace_map(analysis: Analysis) -> Attribution:
    """The map of what the pooler did beyond its attention weights; unsigned, sums to 1.

    Effective attention softmax(p·s) where a norm reshapes it, the winners of max pooling as
    shares of the dimensions, otherwise each token's share of the pooled vector.
    """
    trace = analysis.trace
    if trace.effective is not None:
        return _map(analysis, "effective_attention", trace.effective)
    if trace.winners is not None:
        total = sum(trace.winners) or 1.0
        return _map(analysis, "winners", tuple(w / total for w in trace.winners))
    return pooled_share(analysis)


def pooled_share(analysis: Analysis) -> Attribution:
    """Each token's share of the pooled vector, mean over dimensions: defined for every pooler."""
    return _map(analysis, "pooled_share", analysis.trace.shares)


def _map(analysis: Analysis, name: str, scores: tuple[float, ...]) -> Attribution:
    return Attribution(
        method=name,
        title=TRACE_CARDS[name].title,
        target=analysis.target,
        scalar="logit",
        signed=False,
        complete=False,
        scores=scores,
    )


def with_trace(analysis: Analysis) -> Analysis:
    """The analysis with its trace map after the attention map, or unchanged without one."""
    methods = [a.method for a in analysis.attributions]
    if "attention" not in methods or set(TRACE_CARDS) & set(methods):
        return analysis
    place = methods.index("attention") + 1
    maps = analysis.attributions
    return dataclasses.replace(analysis, attributions=(*maps[:place], trace_map(analysis), *maps[place:]))
