"""The heatmap as one standalone HTML page: inline CSS, light and dark, nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.records import Analysis, Attribution
from viz import entities, palette, provenance, scale, wording
from viz.markup import Markup, direction, document, join, tag
from viz.panels import bars, flags, learned, pieces
from viz.trace import with_trace

CSS = """
:root{color-scheme:light dark}
body{margin:0 auto;max-width:72rem;padding:2rem 1.5rem;background:light-dark(#fff,#14171c);
color:light-dark(#1c2128,#e7eaee);font:1rem/1.5 system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:0}h3{font-size:.8125rem;margin:0}
.soft,dt,footer,th{color:light-dark(#5c6370,#a0a4b0)}.soft,footer,table{font-size:.8125rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:1rem;margin:1rem 0}
article{border:1px solid light-dark(#dfe2e7,#343a43);border-radius:.625rem;padding:1rem 1.15rem;min-width:0}
section{border-top:1px solid light-dark(#e6e8ec,#2d323a);margin-top:.7rem;padding-top:.6rem}
.badge{display:inline-block;width:1.5rem;text-align:center;border-radius:.375rem;font-weight:700;margin-right:.5rem}
.map{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.85;unicode-bidi:isolate}
.w{border-radius:.25em;padding:.1em .12em;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.f-u{text-decoration:underline dotted;text-underline-offset:.28em}
.f-d{text-decoration:line-through;opacity:.5}
.f-m{font-style:italic;opacity:.7}
.f-t{font-size:.72em}
.f-1,.f-2{border-bottom:2px solid;border-end-start-radius:0;border-end-end-radius:0}.f-2{border-bottom:4px double}
.f-e::after{display:inline-block;font-size:.65em;font-weight:600;line-height:0;vertical-align:super;margin-inline-start:.15em}
.f-e.f-1::after{content:"e1"}.f-e.f-2::after{content:"e2"}.f-e.f-1.f-2::after{content:"e1 e2"}
.key{display:inline-block;width:7rem;height:.6rem;border-radius:1rem;margin:0 .4rem;
border:1px solid light-dark(#dfe2e7,#343a43)}
.row{display:flex;gap:.75rem;align-items:baseline;flex-wrap:wrap}
table{border-collapse:collapse;margin-top:.75rem}td,th{padding:.15rem .6rem;text-align:left}
td.n{text-align:right;
font-variant-numeric:tabular-nums}footer{overflow-wrap:anywhere}footer p{margin:.2rem 0}
"""


def heatmap_html(
    analyses: Sequence[Analysis],
    scale_name: str = "share",
    versions: Mapping[str, str] | None = None,
    colours: Mapping[str, int] | None = None,
    trace: bool = True,
    caution: str = "",
) -> str:
    """A complete page with every map of ``analyses`` on one scale, its numbers and its provenance.

    Hovering a word shows its value, share and rank; the same numbers stand in a table below. ``caution`` is what
    the task's predictions may not be taken for.
    """
    shown = [with_trace(a) for a in analyses] if trace else list(analyses)
    limits = scale.limits(shown, scale_name)
    css = CSS + palette.stylesheet()
    css += f".unsigned{{background:{palette.gradient(False)}}}.signed{{background:{palette.gradient(True)}}}"
    places = colours or {}
    articles = [_article(a, places.get(a.model.id, place), limits, scale_name) for place, a in enumerate(shown)]
    chosen = scale.SCALES[scale_name]
    body = (
        tag("h1", "How pooled classifiers read this text"),
        tag("p", f"Colour: {chosen.title}. {chosen.explanation}", class_="soft"),
        _legend(limits, scale_name),
        tag("main", *articles, class_="grid"),
        tag("details", tag("summary", "All numbers"), _table(shown)),
        tag("footer", *(tag("p", words) for words in provenance.said(analyses, versions or {}, caution))),
    )
    return document("PoolScope heatmap", css, *body)


def map_html(analysis: Analysis, a: Attribution, limit: float, scale_name: str = "share") -> Markup:
    """One map: the user's own text with a coloured span per token, or the sentence in its place."""
    painted = scale.paint(a, limit, scale_name)
    if painted is None:
        return tag("p", a.reason, class_="soft")
    source, ranked = analysis.request.text, scale.ranks(a.scores or ())
    found, _ = pieces(source, analysis.tokens)
    letters = flags(analysis.tokens)
    parts: list[object] = []
    for i, (gap, word) in enumerate(found):
        marks = "".join(f" f-{f}" for f in letters[i])
        number = wording.number((a.scores or ())[i])
        words = f"{number} · {wording.percent(painted.shares[i])} · rank {ranked[i]}"
        words += entities.said(letters[i], " · ")
        css = f"w {palette.css_class(painted.steps[i], a.signed)}{marks}"
        parts += [gap, tag("span", word, class_=css, title=words)]
    drawn = tag("div", *parts, class_="map", dir=direction(source))
    says = [tag("p", words, class_="soft") for words in {painted.note, a.warning} - {None}]
    return join((drawn, *says))


def _article(analysis: Analysis, place: int, limits: Mapping[str, float], scale_name: str) -> Markup:
    light, dark = palette.reader(place), palette.reader(place, True)
    ink = palette.both((palette.text_on(light), palette.text_on(dark)))
    badge = tag(
        "span",
        palette.mark(place),
        class_="badge",
        style=f"background:{palette.both((light, dark))};color:{ink}",
    )
    p = learned(analysis.trace.parameters)
    target = wording.asked(analysis)
    rows = [
        tag(
            "section",
            tag(
                "div",
                tag("h3", a.title),
                tag("span", wording.badge(a) or "", class_="soft"),
                tag("span", _kind(a, target), class_="soft"),
                class_="row",
            ),
            map_html(analysis, a, limits[a.method], scale_name),
        )
        for a in analysis.attributions
    ]
    says = ", ".join(f"{label} {words}" for label, _, words, _ in bars(analysis))
    return tag(
        "article",
        tag("h2", badge, analysis.model.title + (f"  {p}" if p else "")),
        tag("p", f"Predicts {says}", class_="soft"),
        *rows,
    )


def _kind(a: Attribution, target: str) -> str:
    """How the row's colours are to be read."""
    if a.scores is None:
        return ""
    return f"against ◁ 0 ▷ for “{target}”" if a.signed else "how much"


def _legend(limits: Mapping[str, float], scale_name: str) -> Markup:
    """The two scales with their ends, where all maps share one limit."""
    if scale.SCALES[scale_name].per_method:
        words = ", ".join(f"{m}: {wording.number(v)}" for m, v in limits.items())
        return tag("p", f"Strongest colour at: {words}", class_="soft")
    limit = max(limits.values(), default=0.0)
    parts: list[object] = []
    for signed, css in ((False, "unsigned"), (True, "signed")):
        low, high = scale.ends(limit, signed, scale_name)
        before = "against " if signed else ""
        after = f"{high} for" if signed else high
        parts.append(tag("span", f"{before}{low}", tag("span", class_=f"key {css}"), after))
    said = scale.hint(limit, scale_name)
    return tag("p", *parts, tag("span", said or ""), class_="soft row")


def _table(analyses: Sequence[Analysis]) -> Markup:
    head = tag(
        "tr",
        *(tag("th", name, scope="col") for name in ("Reader", "Method", "Word", "Value", "Share", "Rank")),
    )
    rows = [
        tag(
            "tr",
            tag("td", analysis.model.title),
            tag("td", a.title),
            tag("td", token.text + entities.said(role, ", ")),
            tag("td", wording.number(value), class_="n"),
            tag("td", wording.percent(share), class_="n"),
            tag("td", str(rank), class_="n"),
        )
        for analysis in analyses
        for a in analysis.attributions
        if a.scores is not None
        for token, role, value, share, rank in zip(
            analysis.tokens,
            entities.roles(analysis.tokens),
            a.scores,
            scale.shares(a.scores),
            scale.ranks(a.scores),
            strict=True,
        )
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows))
