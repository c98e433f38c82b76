"""The clickable heatmap and the film player, registered once with Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages import _changes
from pages._state import Key
from viz.component import component_source

_SOURCE, _FILM = component_source(), component_source("movie")
_TOKENS = st.components.v2.component(
    "poolscope_tokens", html=_SOURCE.html, css=_SOURCE.css, js=_SOURCE.js
)

_PLAYER = st.components.v2.component(
    "poolscope_movie", html=_FILM.html, css=_FILM.css, js=_FILM.js
)


def tokens(payload: Mapping[str, Any]) -> None:
    """Draw a payload of ``viz.panels``; a click is kept by ``_state.word``."""
    _TOKENS(
        key=Key.tokens(),
        data=dict(payload),
        default={"selected": st.session_state[Key.WORD]},
        on_selected_change=_changes.touched,
    )


def pieces(payload: Mapping[str, Any], place: int) -> None:
    """Draw a payload over sub-words, which nobody can click; ``place`` counts them on a page."""
    _TOKENS(key=f"{Key.PIECEWISE}.{place}", data=dict(payload))


def film(payload: Mapping[str, Any]) -> None:
    """Play a payload of ``viz.movie``; which epoch is shown stays in the browser."""
    _PLAYER(key=Key.FILM, data=dict(payload))
