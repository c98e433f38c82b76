"""What is known about one thing: a few large numbers and a list of terms, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from viz import palette
from viz.markup import join, style, tag

CSS = f"""
.ps-facts{{font-size:.875rem;font-variant-numeric:tabular-nums;--soft:{palette.both(palette.MUTED)}}}
.ps-facts .big{{display:flex;flex-wrap:wrap;gap:.5rem 2rem;padding:0 0 .9rem;margin:0}}
.ps-facts .big b{{display:block;font-size:1.5rem;font-weight:600;line-height:1.25}}
.ps-facts .big span,.ps-facts dt{{color:var(--soft)}}
.ps-facts dl{{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1.1rem;margin:0}}
.ps-facts dl,.ps-facts dt,.ps-facts dd{{margin:0;padding:0}}.ps-facts dd{{overflow-wrap:anywhere}}
@media(max-width:40rem){{.ps-facts dl{{grid-template-columns:minmax(0,1fr);gap:0}}.ps-facts dd{{padding-bottom:.4rem}}}}
"""


def facts_html(numbers: Sequence[tuple[str, str]], facts: Sequence[tuple[str, str]]) -> str:
    """(name, number) pairs in large, then (term, words) pairs; empty ones are left out."""
    big = [tag("div", tag("b", value), tag("span", name)) for name, value in numbers if value]
    terms = [part for term, words in facts if words for part in (tag("dt", term), tag("dd", words))]
    return join((style(CSS), tag("div", tag("div", *big, class_="big"), tag("dl", *terms), class_="ps-facts")))
