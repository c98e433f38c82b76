"""Inside the poolers: hops, heads and tiers of the readers that have them, on the page Compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from models.records import Analysis
from pages import _parts, _words
from viz import inside, palette, wording


def section(analyses: Sequence[Analysis], colours: Mapping[str, int]) -> None:
    """One box per reader whose pooler or encoder has more to show than one map; nothing without any."""
    shown = [
        analysis for analysis in analyses
        if inside.has_inside(analysis) or analysis.trace.special_share > 0 or wording.layers(analysis.trace.parameters)
    ]  # fmt: skip
    if not shown:
        return
    with st.expander("Inside the poolers"):
        for analysis in shown:
            mark = palette.mark(colours[analysis.model.id])
            st.markdown(_parts.plain(f"{mark}  {analysis.model.title}"))
            mix = wording.layers(analysis.trace.parameters)
            if mix:
                st.caption(f"A token's state mixes the layers of the encoder by learned shares: {mix}.")
            if analysis.trace.special_share > 0:
                st.caption(
                    f"The encoder's own tokens ([CLS], [SEP]) hold {wording.percent(analysis.trace.special_share)} of "
                    "the pooled vector; they stand at no word of your text and are in no row."
                )
            if inside.has_inside(analysis):
                st.html(inside.inside_html(analysis))
        _parts.how_to_read(
            "Hops and heads are maps of their own, each summing to 1, on one scale per reader. In tiers the number is "
            "the weight of the sentence, and words are coloured within their sentence: its strongest word is darkest.",
            _words.TIERS,
        )  # fmt: skip
