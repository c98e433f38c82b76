"""Attention against gradient: for one reader, where does looking part from mattering?"""

from __future__ import annotations

import streamlit as st

from models.records import Analysis, Attribution, MethodCall
from models.runtime import software
from pages import _cache, _facts, _parts, _state, _widgets, _words
from pages._examples import task
from pages._state import Key
from viz import charts, export, trace
from viz.ladder import ladder_html, ladder_rows
from viz.scatter import scatter
from viz.slope import slope

LOOK, REMOVE = MethodCall("attention"), MethodCall("leave_one_out")


def looking(analysis: Analysis) -> Attribution:
    """The attention map, or for a pooler without one each word's share of the pooled vector."""
    attention = analysis.attributions[0]
    return trace.pooled_share(analysis) if attention.scores is None else attention


view = _state.take()
zoo = _cache.zoo()
chosen = zoo.pick(view.readers)
_parts.edited(view)
_parts.guard(bool(chosen), _parts.NO_READER)
with st.container(horizontal=True):
    card = _widgets.pick_reader(Key.READER, chosen, zoo)
    against = _widgets.pick_against()
(analysis,) = _parts.read(zoo, view, tuple(dict.fromkeys((LOOK, against, REMOVE))), [card]).analyses
maps = {a.key: a for a in analysis.attributions}
left, right, removed = looking(analysis), maps[against.key], maps[REMOVE.key]
place, dark, index = view.colours[card.spec.id], _parts.dark(), _state.chosen(len(analysis.tokens))
label = analysis.prediction.labels[analysis.target]
_parts.unread(analysis)

if left.method != LOOK.name:
    st.caption(f"{card.spec.title} has no attention weights; its words are placed by their share of the pooled vector.")
missing = charts.undefined(left, right)
if missing:
    st.info(_parts.plain(missing))
else:
    first, second = st.columns(2)
    with first:
        _parts.chart(scatter(analysis, left, right, removed, index, place, dark))
        _parts.how_to_read(
            "Right is looked at, far from zero moves the prediction, large is missed when it is gone.", _words.SCATTER
        )
    with second:
        _parts.chart(slope(analysis, left, right, selected=index, place=place, dark=dark))
        _parts.how_to_read("Level lines agree, steep ones do not; 1 is the strongest word.", _words.SLOPE)

st.subheader("Where does the order break?", anchor=False)
through = _widgets.pick_through(analysis.trace.weights is not None)
climb = _parts.need(_cache.ladder(card, view.request(()), through))
st.html(ladder_html(climb, analysis.tokens))
_parts.how_to_read(
    f"Each rung orders the words of this text for “{label}” and adds one thing; τ compares it with the rung above.",
    _words.LADDER,
    _words.TAU,
)
versions, caution = software(), task(view.task).caution
_parts.download(
    "gradient",
    (
        _parts.File("csv", "Maps, CSV", "text/csv", lambda: export.analyses_csv([analysis], versions, caution)),
        _parts.File("json", "Maps, JSON", "application/json",
                    lambda: export.analyses_json([analysis], versions, caution=caution)),
        _parts.File("html", "Heatmap, HTML", "text/html",
                    lambda: export.heatmap_html([analysis], versions=versions, caution=caution)),
        _parts.File("png", "Heatmap, PNG", "image/png",
                    lambda: export.heatmap_png([analysis], versions=versions, caution=caution)),
        _parts.File("ladder.csv", "Ladder, CSV", "text/csv",
                    lambda: _facts.rows_csv(ladder_rows(climb), _facts.source(analysis))),
    ),
)  # fmt: skip
