"""The ladder from attention to leave-one-out: τ on every step, the weakest marked in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from models.records import Ladder, Rung, Token
from viz import markup, scale, wording
from viz.markup import Markup, join, style, tag

CSS = """
.ps-ladder{list-style:none!important;margin:0!important;padding:0!important;max-width:46rem}
.ps-ladder>li{margin:0!important;padding:0!important;list-style:none!important}
.ps-rung{display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;padding:.5rem .9rem;
border:1px solid color-mix(in srgb,currentColor 14%,transparent);border-radius:.6rem}
.ps-rung b{font-weight:600}.ps-rung .adds{opacity:.7;font-size:.875rem}
.ps-rung .top{margin-left:auto;font-size:.8125rem;opacity:.8}
.ps-step{display:grid;grid-template-columns:1.1rem 6.2rem minmax(4rem,14rem) auto;align-items:center;gap:.7rem;
padding:.3rem .9rem;font-size:.875rem;font-variant-numeric:tabular-nums}
.ps-step .rail{justify-self:center;width:2px;height:1.5rem;background:color-mix(in srgb,currentColor 30%,transparent)}
.ps-step .track{position:relative;height:.45rem;border-radius:1rem;
background:color-mix(in srgb,currentColor 8%,transparent)}
.ps-step .track i{position:absolute;top:0;bottom:0;border-radius:1rem;
background:color-mix(in srgb,currentColor 45%,transparent)}
.ps-step .zero{position:absolute;left:50%;top:-.2rem;bottom:-.2rem;width:1px;background:currentColor;opacity:.5}
.ps-step.weak{font-weight:600}
.ps-step.weak .track i{background:light-dark(#b8571a,#f0a562)}
.ps-step.weak .rail{background:light-dark(#b8571a,#f0a562)}
.ps-ladder-say{margin:.7rem 0 0}.ps-ladder-how{margin:0 0 .6rem;font-size:.875rem;opacity:.8}
@media(max-width:40rem){.ps-rung .top{margin-left:0;width:100%}.ps-step{grid-template-columns:1.1rem 5.5rem 1fr}
.ps-step .mark{grid-column:2/-1}}
"""

THROUGH: Final[Mapping[str, str]] = {
    "attached": "Shown attached: gradients also pass through the attention weights, so they are the slope of what the "
    "reader really computes.",
    "detached": "Shown detached: gradients hold the attention weights constant, as the published code of Jain & "
    "Wallace does.",
    "none": "This pooler has no attention weights, so there is nothing to hold constant: attached and detached are one "
    "and the same ladder.",
}


def ladder_html(ladder: Ladder, tokens: Sequence[Token], top: int = 3) -> str:
    """The rungs from top to bottom with their strongest words; between them τ_b with a bar.

    Which gradients they are made of stands first. The bar runs from -1 to 1 with 0 in its middle. The weakest step is
    marked by colour, weight and the words "weakest step"; the ladder's own sentence closes the figure.
    """
    items: list[Markup] = []
    for place, rung in enumerate(ladder.rungs):
        if place:
            items.append(_step(rung, place == ladder.weakest))
        items.append(_rung(rung, tokens, top))
    listed = tag("ol", *(tag("li", item) for item in items), class_="ps-ladder")
    shown = tag("p", THROUGH[ladder.through], class_="ps-ladder-how")
    return join((style(CSS), shown, listed, tag("p", ladder.sentence, class_="ps-ladder-say")))


def ladder_rows(ladder: Ladder) -> list[dict[str, str | float | int | None]]:
    """The steps as plain rows."""
    return [
        {
            "rung": rung.title,
            "adds": rung.adds,
            "tau with the rung above": None if rung.tau is None else rung.tau.value,
            "p_value": None if rung.tau is None else rung.tau.p_value,
            "n": None if rung.tau is None else rung.tau.n,
            "reason": None if rung.tau is None else rung.tau.reason,
            "weakest": place == ladder.weakest,
            "compared over the gap with": rung.over,
            "attention": ladder.through,
        }
        for place, rung in enumerate(ladder.rungs)
    ]


def _rung(rung: Rung, tokens: Sequence[Token], top: int) -> Markup:
    """Name, what it adds, and its strongest words."""
    words = "no map here"
    if rung.scores is not None and len(rung.scores) == len(tokens):
        part = scale.shares(rung.scores)
        order = sorted(range(len(part)), key=lambda i: -abs(part[i]))[:top]
        words = ", ".join(f"“{markup.visible(tokens[i].text)}” {wording.percent(part[i])}" for i in order if part[i])
    parts = [tag("b", rung.title), tag("span", rung.adds, class_="adds")]
    return tag("div", *parts, tag("span", words, class_="top"), class_="ps-rung")


def _step(rung: Rung, weakest: bool) -> Markup:
    """τ between a rung and the one above."""
    value = None if rung.tau is None else rung.tau.value
    told = "no comparison" if rung.tau is None else wording.agreement(rung.tau)
    track: list[Markup] = [tag("span", class_="zero")]
    if value is not None:
        left, width = min(50.0, 50 + 50 * value), abs(50 * value)
        track.insert(0, tag("i", style=f"left:{left:.1f}%;width:{width:.1f}%"))
    says = ", ".join(filter(None, ("weakest step" if weakest else "", f"from {rung.over}" if rung.over else "")))
    if value is None and rung.tau is not None:
        says = str(rung.tau.reason)
    return tag(
        "div",
        tag("span", class_="rail"),
        tag("span", f"τ = {wording.tau(value)}"),
        tag("span", *track, class_="track"),
        tag("span", says, class_="mark"),
        class_="ps-step weak" if weakest else "ps-step",
        title=told,
    )
