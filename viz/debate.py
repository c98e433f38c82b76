"""What the debate's experiments share on the screen: maps over the text, and a number beside its distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from models.experiment_records import Reference, Trial
from models.records import Analysis, Attribution, Prediction
from viz import inside, markup, palette, scale, wording
from viz.heatmap import map_html
from viz.markup import Markup, join, style, tag

CSS = """
.ps-placed{display:grid;gap:.9rem;max-width:46rem}
.ps-placed .head{display:flex;flex-wrap:wrap;gap:.1rem .8rem;align-items:baseline;font-variant-numeric:tabular-nums}
.ps-placed .head b{font-weight:600}.ps-placed .soft{opacity:.72;font-size:.8125rem}
.ps-placed .track{position:relative;height:1.1rem;margin:.25rem 0 .1rem;border-radius:.3rem;
background:color-mix(in srgb,currentColor 6%,transparent)}
.ps-placed .track i{position:absolute;top:0;bottom:0;border-radius:.2rem}
.ps-placed .wide{background:color-mix(in srgb,currentColor 13%,transparent)}
.ps-placed .half{background:color-mix(in srgb,currentColor 22%,transparent)}
.ps-placed .mid{width:2px;margin-left:-1px;background:color-mix(in srgb,currentColor 60%,transparent)}
.ps-placed .here{width:.32rem;margin-left:-.16rem;top:-.2rem!important;bottom:-.2rem!important;
background:light-dark(#b8571a,#f0a562)}
.ps-placed .ends{display:flex;justify-content:space-between;opacity:.72;font-size:.75rem}
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A number of this text, its range, and how it falls over a test set, if that is known.

    ``value`` is ``None`` with a ``reason``; ``said`` is the number in words, ``ends`` are those of the range.
    """

    name: str
    value: float | None
    said: str
    low: float
    high: float
    ends: tuple[str, str]
    reference: Reference | None = None
    reason: str | None = None
    note: str = ""


def spread(trial: Trial, values: Sequence[float]) -> tuple[float, ...]:
    """Put one number per word that was read (n,) at the places of all tokens, 0 for deleted ones."""
    full = [0.0] * len(trial.tokens)
    for place, value in zip(trial.kept, values, strict=True):
        full[place] = value
    return tuple(full)


def word(trial: Trial, index: int) -> str:
    """The word at place ``index`` among those read, in quotation marks, as it may be shown."""
    return f"“{markup.visible(trial.tokens[trial.kept[index]].text) or '◦'}”"


def maps_html(
    analysis: Analysis, trial: Trial, rows: Sequence[tuple[str, Sequence[float]]], scale_name: str = "share"
) -> str:
    """The user's own text once per row, coloured by (title, numbers per word), shares on one scale over all rows.

    ``scale_name`` is one of ``viz.scale``; rows have one unit, so that of raw values is drawn as shares.
    """
    return texts_html(analysis, [(title, spread(trial, values)) for title, values in rows], scale_name)


def texts_html(analysis: Analysis, rows: Sequence[tuple[str, Sequence[float]]], scale_name: str = "share") -> str:
    """The same for rows of (title, numbers per token)."""
    scale_name = "share" if scale.SCALES[scale_name].per_method else scale_name
    maps = [_map(analysis, title, values) for title, values in rows]
    head = dataclasses.replace(
        analysis, tokens=analysis.tokens[: inside.LONGEST], attributions=(), agreements=(),
        trace=dataclasses.replace(
            analysis.trace, weights=None, effective=None, winners=None, maps=(), segments=None,
            shares=analysis.trace.shares[: inside.LONGEST], state_norms=analysis.trace.state_norms[: inside.LONGEST],
        ),
    )  # fmt: skip
    limit = max((max(_parts(a)) for a in maps), default=0.0) or 1.0
    body = [tag("section", tag("b", a.title), map_html(head, a, limit, scale_name)) for a in maps]
    cut = len(analysis.tokens) - inside.LONGEST
    if cut > 0:
        body.append(tag("p", f"Drawn: the first {inside.LONGEST} words; {cut:,} more were read.", class_="soft"))
    hint = scale.hint(limit, scale_name)
    said = f"Strongest colour: {wording.percent(limit)} of all that a row hands out{f', {hint}' if hint else ''}."
    body.append(tag("p", said, class_="soft"))
    css = f"{inside.CSS}.ps-in{{{palette.stylesheet()}}}"
    return join((style(css), tag("div", *body, class_="ps-in")))


def placed_html(rows: Sequence[Placed]) -> str:
    """Every number on its range: the marker is this text, the bars are a test set's middle half and middle 80 %."""
    return join((style(CSS), tag("div", *(_placed(row) for row in rows), class_="ps-placed")))


def beside(value: float, reference: Reference | None) -> str:
    """Where a number stands among those of the test set, in words."""
    if reference is None:
        return "no distribution is shipped for this reader"
    part = reference.below(value)
    texts = f"{reference.n:,} {reference.split} texts of {reference.data} that it predicts “{reference.label}”"
    rest = f"; {reference.undefined:,} more have no such number" if reference.undefined else ""
    return f"higher than on {part:.0%} of the {texts}{rest}".replace("%", f"{wording.THIN}%")


def shift(before: Prediction, after: Prediction) -> str:
    """``positive .70 → .71``, for the class predicted first, and the new one where it changed."""
    return wording.shift(before, after, before.predicted)


def _map(analysis: Analysis, title: str, scores: Sequence[float]) -> Attribution:
    return Attribution(
        method=title, title=title, target=analysis.target, scalar="logit", signed=False, complete=False,
        scores=tuple(scores[: inside.LONGEST]),
    )  # fmt: skip


def _parts(a: Attribution) -> list[float]:
    total = sum(map(abs, a.scores or ())) or 1.0
    return [abs(value) / total for value in a.scores or (0.0,)]


def _placed(row: Placed) -> Markup:
    if row.value is None:
        return tag("div", tag("div", tag("b", row.name), tag("span", str(row.reason), class_="soft"), class_="head"))
    where = f"{beside(row.value, row.reference)}{f'; {row.note}' if row.note else ''}"
    bars: list[Markup] = []
    if row.reference is not None:
        at = row.reference.at
        bars = [_bar(row, at(0.1), at(0.9), "wide"), _bar(row, at(0.25), at(0.75), "half"),
                tag("i", class_="mid", style=f"left:{_x(row, at(0.5)):.2f}%")]  # fmt: skip
    bars.append(tag("i", class_="here", style=f"left:{_x(row, row.value):.2f}%"))
    head = tag("div", tag("b", row.name), tag("span", row.said), tag("span", where, class_="soft"), class_="head")
    track = tag("div", *bars, class_="track", role="img", aria_label=f"{row.name}: {row.said}, {where}")
    return tag("div", head, track, tag("div", *(tag("span", end) for end in row.ends), class_="ends"))


def _bar(row: Placed, left: float, right: float, name: str) -> Markup:
    x = _x(row, left)
    return tag("i", class_=name, style=f"left:{x:.2f}%;width:{max(0.3, _x(row, right) - x):.2f}%")


def _x(row: Placed, value: float) -> float:
    return 100 * min(1.0, max(0.0, (value - row.low) / (row.high - row.low)))
