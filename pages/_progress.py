"""Waiting for maps: a moment in silence, then with a bar and a button that stops them."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _cache
from pages._state import Key
from viz import wording

if TYPE_CHECKING:
    from models.desk import Status

# Work that takes longer shows what is there, and the rest as it comes.
PATIENCE = 1.0
SILENCE: Final = 0.3
TICK: Final = 0.1
POLL: Final = 0.5


def wait(slot: DeltaGenerator, started: float) -> None:
    """Wait until all maps are there, at most until :data:`PATIENCE` seconds after ``started``."""
    desk = _cache.desk()
    while not desk.wait(TICK):
        passed = perf_counter() - started
        if passed > PATIENCE:
            return
        if passed > SILENCE:
            slot.caption(words(desk.status()))


def words(status: Status) -> str:
    """What is being computed and how far it is: ``Shapley sampling (CNN · Max): 120 of at most 305 texts``."""
    maps = f"{status.done} of {wording.count(status.wanted, 'map')} done"
    if not status.title:
        return f"{maps} …"
    counted = f": {status.step.begun:,} of at most {status.step.most:,} texts read" if status.step.most else ""
    return f"{maps} · {status.title} ({status.reader}){counted} …"


@st.fragment(run_every=POLL)
def watch(seen: int) -> None:
    """The bar and the button; draws the page anew as soon as there is more than at revision ``seen``."""
    status = _cache.desk().status()
    if status.revision != seen:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(status.step.part, text=words(status))
        st.button("Cancel", key=Key.CANCEL, icon=":material/stop_circle:", on_click=_cache.desk().cancel,
                  help="Stop computing. Maps that are finished stay.")  # fmt: skip


def stopped(status: Status) -> None:
    """Say what was stopped, and offer it again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Compute the rest", key=Key.RESUME, icon=":material/play_circle:", on_click=_cache.desk().resume)
        st.caption(f"{wording.count(status.stopped, 'map')} of {status.wanted} stopped before they were finished.")
