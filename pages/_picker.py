"""All methods by family, each with its card, in a dialog; the list in the sidebar stays what is drawn."""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages import _changes, _facts, _methods
from pages._state import Key
from viz import wording

LEFT: Final = ("attention", "gradient", "path")  # the longest family has as many lines as these three


def button() -> None:
    """Open the dialog; it stays open, whatever is drawn behind it, until it is closed."""
    st.button("All methods by family", key=Key.PICKER, icon=":material/category:", width="stretch",
              on_click=_changes.picker_opened)  # fmt: skip
    if st.session_state.get(Key.PICKING):
        _dialog()


@st.dialog("All methods by family", width="large", on_dismiss=_changes.picker_closed)
def _dialog() -> None:
    chosen = st.session_state[Key.PICKED]
    st.caption("Tick what is to be drawn. Each method answers a question of its own; "
               "its card says which, by which formula, from which start, and at what cost.")  # fmt: skip
    halves = st.columns(2)
    for name, methods in _methods.grouped().items():
        family = _methods.families()[name]
        with halves[name not in LEFT].container(border=True, gap="xsmall"):
            st.markdown(f"**{family.title}**")
            st.caption(family.means)
            for method, offers in methods.items():
                _method(method, offers, chosen)
    if st.button(f"Draw {wording.count(len(chosen), 'map')}", key=Key.DRAW, type="primary",
                 on_click=_changes.picker_closed):  # fmt: skip
        st.rerun()


def _method(name: str, offers: tuple[_methods.Offer, ...], chosen: list[str]) -> None:
    """One line: the offers of a method to tick, its question, and its card."""
    card = _methods.cards()[name]
    st.space("xxsmall")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if len(offers) > 1:
            st.markdown(card.title)
        for offer in offers:
            key = offer.call.key
            st.session_state[Key.pick(key)] = key in chosen
            st.checkbox(offer.choice if len(offers) > 1 else card.title, key=Key.pick(key),
                        on_change=_changes.method_ticked, args=(key,))  # fmt: skip
        if card.ceiling:
            st.badge("ceiling", help=card.note, color="gray")
        with st.popover("Card", type="tertiary"):
            st.markdown(f"**{card.title}** · {card.question}")
            st.latex(card.formula)
            st.markdown(_facts.method_facts(card))
    st.caption(card.question)
