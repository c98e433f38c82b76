"""Reference rows: what bags of words predict and which words made them, as plain HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from models.records import Analysis
from viz import markup, palette, scale, wording
from viz.heatmap import map_html
from viz.markup import Markup, join, style, tag
from viz.panels import bars

# Four maps of a very long text would make a heavy page; a reader stops somewhere too.
LONGEST = 400
CSS = """
.ps-ref{display:grid;gap:.9rem;max-width:72rem}
.ps-ref .row{display:flex;gap:.15rem 1rem;align-items:baseline;flex-wrap:wrap}
.ps-ref b{font-weight:600}.ps-ref .soft{opacity:.7;font-size:.8125rem;margin:0}
.ps-ref section{border-top:1px solid color-mix(in srgb,currentColor 14%,transparent);padding-top:.6rem}
.ps-ref .map{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.85;unicode-bidi:isolate}
.ps-ref .w{border-radius:.25em;padding:.1em .12em;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.ps-ref .f-u{text-decoration:underline dotted;text-underline-offset:.28em}
.ps-ref .f-d{text-decoration:line-through;opacity:.5}.ps-ref .f-m{font-style:italic;opacity:.7}
.ps-ref .key{display:inline-block;width:7rem;height:.6rem;border-radius:1rem;margin:0 .4rem;
border:1px solid color-mix(in srgb,currentColor 14%,transparent)}
"""


def references_html(
    analyses: Sequence[Analysis], notes: Mapping[str, str] | None = None, scale_name: str = "root"
) -> str:
    """One row per baseline: prediction, its note, the text coloured by exact parts, and where the sum starts.

    ``notes`` maps model ids to a few words of their own, such as a test score. All rows share
    one limit; a tree may give all to one word, so colour follows the square root unless
    ``scale_name`` says otherwise. Texts longer than :data:`LONGEST` tokens are drawn up to there.
    """
    if not analyses:
        return ""
    shown = [_head(analysis) for analysis in analyses]
    limits = scale.limits(shown, scale_name)
    rows = [_row(analysis, limits, scale_name, (notes or {}).get(analysis.model.id, "")) for analysis in shown]
    # Nested, so that the short names of colour steps stay inside these rows.
    css = f"{CSS}.ps-ref{{{palette.stylesheet()}.signed{{background:{palette.gradient(True)}}}}}"
    return join((style(css), tag("div", _legend(limits, scale_name), *rows, class_="ps-ref")))


def reference_rows(analyses: Sequence[Analysis]) -> list[dict[str, str | float | None]]:
    """The same numbers as plain rows, one per word and baseline."""
    return [
        {
            "baseline": analysis.model.title,
            "predicts": analysis.prediction.label,
            "class": analysis.prediction.labels[a.target],
            "word": markup.visible(token.text),
            "part": score,
            "starts at": a.baseline,
        }
        for analysis in analyses
        for a in analysis.attributions
        for token, score in zip(analysis.tokens, a.scores or (), strict=True)
    ]


def _head(analysis: Analysis) -> Analysis:
    """The analysis of the first :data:`LONGEST` tokens, the others counted as cut."""
    rest = len(analysis.tokens) - LONGEST
    if rest <= 0:
        return analysis
    maps = tuple(
        dataclasses.replace(a, scores=None if a.scores is None else a.scores[:LONGEST]) for a in analysis.attributions
    )
    trace = dataclasses.replace(
        analysis.trace, shares=analysis.trace.shares[:LONGEST], state_norms=analysis.trace.state_norms[:LONGEST]
    )
    return dataclasses.replace(
        analysis, tokens=analysis.tokens[:LONGEST], cut=rest, attributions=maps, trace=trace
    )


def _row(analysis: Analysis, limits: Mapping[str, float], scale_name: str, note: str) -> Markup:
    says = ", ".join(f"{label} {words}" for label, _, words, _ in bars(analysis))
    parts: list[object] = [
        tag("div", tag("b", analysis.model.title), tag("span", says), tag("span", note, class_="soft"), class_="row")
    ]
    for a in analysis.attributions:
        target = analysis.prediction.labels[a.target]
        badge = wording.badge(a) or ""
        begins = f"For “{target}”, {a.scalar}. Starts at {a.baseline}. {badge}"
        parts += [map_html(analysis, a, limits[a.method], scale_name), tag("p", begins, class_="soft")]
    if analysis.cut:
        parts.append(tag("p", f"Drawn: the first {LONGEST} tokens; {analysis.cut:,} more were read.", class_="soft"))
    return tag("section", *parts)


def _legend(limits: Mapping[str, float], scale_name: str) -> Markup:
    limit = max(limits.values(), default=0.0)
    low, high = scale.ends(limit, True, scale_name)
    hint = scale.hint(limit, scale_name)
    end = f"{high} for" + (f"; {hint}" if hint else "")
    return tag("p", f"against {low}", tag("span", class_="key signed"), end, class_="soft")
