"""The panels of the page Compare: words that can be clicked, or what readers with sub-words really read."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from models.records import Analysis
from pages import _changes, _component, _methods
from pages._state import Key, View
from viz import subwords
from viz.panels import panels


def draw(view: View, analyses: Sequence[Analysis], index: int | None) -> None:
    """All panels on one scale; pieces stand apart from words, in one group per way to cut."""
    cut = [analysis for analysis in analyses if subwords.has_pieces(analysis)]
    shown = bool(cut) and st.toggle(
        "Sub-word pieces", key=Key.PIECES, on_change=_changes.pieces_turned, persist_state="session",
        help="What these readers really read: words cut into pieces, and the encoder's own tokens, which stand at no "
        "word and are drawn as ◦. Words have the sum of their pieces.",
    )  # fmt: skip
    if not shown:
        _component.tokens(panels(analyses, view.colours, index, view.scale, _methods.cards()))
        return
    whole = [analysis for analysis in analyses if not subwords.has_pieces(analysis)]
    pieces = [subwords.by_piece(analysis) for analysis in cut]
    if whole:
        payload = panels(whole, view.colours, index, view.scale, _methods.cards(), among=pieces)
        _component.tokens(payload)
    st.caption("Words are clicked, deleted and masked as wholes: for that, show words again.")
    groups: dict[tuple[tuple[int, int], ...], list[Analysis]] = {}
    for analysis in cut:
        groups.setdefault(tuple((piece.start, piece.end) for piece in analysis.pieces), []).append(analysis)
    for place, group in enumerate(groups.values()):
        drawn = panels(
            group, view.colours, None, view.scale, _methods.cards(), pieces=True, among=[*whole, *pieces]
        )
        _component.pieces(drawn, place)
