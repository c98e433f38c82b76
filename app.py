"""The frame of PoolScope: page config, navigation, shared sidebar, ``page.run()``.

What is cheap is drawn first; torch and its friends are loaded meanwhile in the background.
"""

from __future__ import annotations

import streamlit as st

from pages import _cache, _frame, _opening, _parts, _sidebar, _state
from viz.frame import ICON

# A Material icon as page icon would be fetched from outside this machine.
st.set_page_config(page_title="PoolScope", page_icon=ICON, layout="wide")
page = _frame.navigate()
zoo = _cache.zoo()
_parts.heading(page.title, _frame.QUESTIONS[page.title])
_parts.guard(bool(zoo.cards), _parts.EMPTY_ZOO)
_opening.begin(zoo.cards)

with st.sidebar:
    _sidebar.pick_task(zoo)
    _sidebar.pick_readers(zoo)
    _sidebar.pick_text()
_parts.wake(figures=page.title in _frame.FIGURES)
with st.sidebar:
    labels = _sidebar.labels(zoo)
    methods = _sidebar.pick_methods()
    _sidebar.pick_target(labels)
    view = _state.settle(methods, labels)
    _state.publish(view)
    _sidebar.share(view)

_parts.notes(zoo)
_parts.caution(view)
page.run()
