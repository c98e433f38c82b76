"""Inside the pooler: its hops and heads row by row, its tiers as nested heatmaps.

A hop or head is a map that sums to 1 over the text. Tiers nest: a part holds sentences, a sentence
holds words, and every weight is one among its like in the same box; so each tier is coloured by
itself, and the number stands beside every box.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import groupby

from models.records import Analysis, Attribution, TraceMap
from viz import palette, wording
from viz.heatmap import map_html
from viz.markup import Markup, direction, join, style, tag
from viz.panels import flags, pieces

LONGEST = 600
CSS = """
.ps-in{display:grid;gap:.6rem;max-width:72rem}
.ps-in .soft{opacity:.7;font-size:.8125rem;margin:0}
.ps-in .map,.ps-in .s{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.85;unicode-bidi:isolate}
.ps-in .w{border-radius:.25em;padding:.1em .12em;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.ps-in .f-u{text-decoration:underline dotted;text-underline-offset:.28em}
.ps-in .f-d{text-decoration:line-through;opacity:.5}.ps-in .f-m{font-style:italic;opacity:.7}
.ps-in .part{border:1px solid color-mix(in srgb,currentColor 22%,transparent);border-radius:.5rem;padding:.5rem .6rem;
display:grid;gap:.35rem}
.ps-in .line{display:grid;grid-template-columns:4.2rem minmax(0,1fr);gap:.6rem;align-items:baseline}
.ps-in .n{border-radius:.3rem;padding:.05rem .35rem;text-align:right;font-size:.8125rem;
font-variant-numeric:tabular-nums}
"""


def has_inside(analysis: Analysis) -> bool:
    """Whether the pooler has more maps than its attention."""
    return bool(analysis.trace.maps)


def inside_html(analysis: Analysis) -> str:
    """The pooler's further maps: nested boxes for one that reads in tiers, else one row per map.

    Rows share one limit; texts longer than :data:`LONGEST` words are drawn up to there. Empty for a
    pooler without further maps.
    """
    trace = analysis.trace
    if not trace.maps:
        return ""
    body = _tiers(analysis) if trace.segments is not None else _rows(analysis)
    cut = len(analysis.tokens) - LONGEST
    note = (tag("p", f"Drawn: the first {LONGEST} words; {cut:,} more were read.", class_="soft"),) if cut > 0 else ()
    css = f"{CSS}.ps-in{{{palette.stylesheet()}}}"
    return join((style(css), tag("div", *body, *note, class_="ps-in")))


def _rows(analysis: Analysis) -> list[Markup]:
    maps = [_attribution(analysis, found) for found in analysis.trace.maps]
    head = dataclasses.replace(
        analysis, tokens=analysis.tokens[:LONGEST], attributions=(), agreements=(),
        trace=dataclasses.replace(
            analysis.trace, weights=None, effective=None, winners=None, maps=(), segments=None,
            shares=analysis.trace.shares[:LONGEST], state_norms=analysis.trace.state_norms[:LONGEST],
        ),
    )  # fmt: skip
    limit = max((max(_shares(a)) for a in maps), default=0.0) or 1.0
    return [tag("section", tag("b", a.title), map_html(head, a, limit)) for a in maps]


def _tiers(analysis: Analysis) -> list[Markup]:
    """Parts hold sentences, sentences hold words; without a third tier there is one box."""
    words, sentences, *above = analysis.trace.maps
    found = _sentences(analysis)
    tops = {name: max(values) or 1.0 for name, values in ((m.name, m.values) for m in analysis.trace.maps)}
    boxes = []
    part_of = (lambda box: above[0].values[box[0]]) if above else (lambda box: 0.0)
    # Sentences of one part carry one number; two parts side by side with equal ones are drawn as one.
    for value, group in groupby(found, key=part_of):
        lines = [_line(analysis, box, words, sentences, tops) for box in group]
        caption = (tag("p", f"{above[0].name}: {wording.percent(value)}", class_="soft"),) if above else ()
        boxes.append(tag("div", *caption, *lines, class_="part"))
    names = " · ".join(m.name for m in analysis.trace.maps)
    return [tag("p", f"Tiers: {names}. A word's weight is the product of its tiers.", class_="soft"), *boxes]


def _line(
    analysis: Analysis, box: Sequence[int], words: TraceMap, sentences: TraceMap, tops: dict[str, float]
) -> Markup:
    weight = sentences.values[_anchor(analysis, box)]
    number = tag(
        "span", wording.percent(weight), class_=f"n {palette.css_class(_step(weight, tops[sentences.name]), False)}",
        title=f"{sentences.name}: {wording.percent(weight)}",
    )  # fmt: skip
    source = analysis.request.text
    cut, _ = pieces(source, analysis.tokens)
    letters = flags(analysis.tokens)
    # Words are compared within their sentence: its strongest word has the strongest colour.
    top = max(words.values[i] for i in box) or 1.0
    parts: list[object] = []
    for place in box:
        gap, word = cut[place]
        marks = "".join(f" f-{f}" for f in letters[place])
        value = words.values[place]
        said = f"{words.name} {wording.percent(value)} · in all {wording.percent(_product(analysis, place))}"
        css = f"w {palette.css_class(_step(value, top), False)}{marks}"
        parts += [gap if parts else "", tag("span", word, class_=css, title=said)]
    return tag("div", number, tag("div", *parts, class_="s", dir=direction(source)), class_="line")


def _sentences(analysis: Analysis) -> list[list[int]]:
    """Places of the words of each sentence; a deleted word stays with the word before it."""
    boxes: list[list[int]] = []
    last = None
    for place, number in enumerate((analysis.trace.segments or ())[:LONGEST]):
        begins = analysis.tokens[place].state != "deleted" and number != last
        # Deleted words before the first that was read stand in its box.
        if not boxes or (begins and last is not None):
            boxes.append([])
        if begins:
            last = number
        boxes[-1].append(place)
    return boxes


def _anchor(analysis: Analysis, box: Sequence[int]) -> int:
    """A word of the sentence that was read: deleted ones carry no weight of it."""
    return next((place for place in box if analysis.tokens[place].state != "deleted"), box[0])


def _product(analysis: Analysis, place: int) -> float:
    return (analysis.trace.weights or analysis.trace.shares)[place]


def _attribution(analysis: Analysis, found: TraceMap) -> Attribution:
    return Attribution(
        method=found.name, title=found.name, target=analysis.target, scalar="logit", signed=False, complete=False,
        scores=found.values[:LONGEST],
    )  # fmt: skip


def _shares(a: Attribution) -> list[float]:
    total = sum(a.scores or ()) or 1.0
    return [value / total for value in a.scores or (0.0,)]


def _step(value: float, top: float) -> int:
    return round(palette.STEPS * min(1.0, max(0.0, value / top)))
