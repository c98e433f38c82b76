"""Pickers of the pages, drawn from the zoo and the registries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from models.records import Analysis, MethodCall, Param
from models.zoo.catalogue import Card
from pages import _cache, _changes, _methods, _parts
from pages._examples import task
from pages._state import Key
from viz import agreement, markup, wording


def pick_one(
    label: str, key: str, options: Sequence[str], title: Callable[[str], str], first: str | None = None,
    known: Sequence[str] | None = None, unknown: str = "",
) -> str:  # fmt: skip
    """One of ``options``; what is not even ``known`` came from a link and is told."""
    wanted = st.session_state.get(key)
    if wanted not in options:
        if wanted is not None and wanted not in (known or options):
            st.warning(_parts.plain(unknown.format(wanted)))
        st.session_state[key] = first if first in options else options[0]
    return str(st.selectbox(
        label, options, key=key, format_func=title, persist_state="session", filter_mode=None,
        on_change=_changes.touched, width=320,
    ))  # fmt: skip


def pick_reader(key: str, offered: Sequence[Card], zoo: _cache.Zoo) -> Card:
    """One classifier of those offered, by its title."""
    by_id = {card.spec.id: card for card in offered}
    chosen = pick_one(
        "Reader", key, list(by_id), lambda name: by_id[name].spec.title, known=[card.spec.id for card in zoo.cards],
        unknown="There is no reader “{}”; another one is shown.",
    )  # fmt: skip
    return by_id[chosen]


def pick_against() -> MethodCall:
    """The method that attention is compared with, with the settings made in the sidebar."""
    offers = {key: offer for key, offer in _methods.offers().items() if offer.call.name != "attention"}
    chosen = pick_one(
        "Compare attention with", Key.AGAINST, list(offers), lambda key: offers[key].title, first="input_gradient",
        unknown="There is no method “{}”; another one is shown.",
    )  # fmt: skip
    return _methods.calls([chosen], setting)[0]


def pick_agreement(analyses: Sequence[Analysis]) -> tuple[str, str | None]:
    """Which metric, and one map to compare all others with (or ``None`` for all pairs)."""
    titles = {a.key: a.title for analysis in analyses for a in analysis.attributions}
    if st.session_state.get(Key.REFERENCE) not in titles:
        st.session_state[Key.REFERENCE] = ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.segmented_control(
            "Agreement", list(agreement.NAMES), key=Key.METRIC, format_func=lambda name: agreement.NAMES[name],
            default="kendall_tau", required=True, persist_state="session",
        )  # fmt: skip
        reference = st.selectbox(
            "Compare", ["", *titles], key=Key.REFERENCE, persist_state="session", filter_mode=None, width=260,
            format_func=lambda key: f"all maps with {titles[key]}" if key in titles else "all pairs of maps",
        )  # fmt: skip
    return str(metric), reference or None


def pick_trained(zoo: _cache.Zoo) -> Card | None:
    """A classifier whose training was recorded."""
    recorded = {card.spec.id: card for card in zoo.cards if card.record.get("history")}
    if not recorded:
        return None
    followed = st.session_state.get(Key.NORM_READER)
    chosen = pick_one(
        "Classifier", Key.TRAINED, list(recorded), lambda name: f"{task(recorded[name].spec.task).data}: "
        f"{recorded[name].spec.title}", first=followed,
    )  # fmt: skip
    return recorded[chosen]


def pick_sentence(texts: Sequence[str]) -> int:
    """One of the sentences that a task's classifiers were followed on, by its place."""
    wanted = st.session_state.get(Key.SENTENCE)
    if wanted is None or wanted >= len(texts):
        if wanted is not None:
            st.warning(f"There is no sentence {wanted} to follow in this task; the first one is shown.")
        st.session_state[Key.SENTENCE] = 0
    return int(st.selectbox(
        "Sentence", range(len(texts)), key=Key.SENTENCE, format_func=lambda place: markup.visible(texts[place]),
        persist_state="session", filter_mode=None, on_change=_changes.touched,
        help="Written for this purpose and fixed before training: after every epoch each classifier read them anew.",
    ))  # fmt: skip


def pick_p(learned: float, marks: Sequence[float]) -> float:
    """The dial over p: logarithmic marks, the learned value among them."""
    state = st.session_state
    wanted = learned if state[Key.P] is None else state[Key.P]
    state[Key.DIAL] = min(marks, key=lambda mark: abs(mark - wanted))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        p = st.select_slider(
            "Norm p: 1 is an average, ∞ a maximum", marks, key=Key.DIAL, on_change=_changes.dial_moved, args=(learned,),
            format_func=lambda mark: f"{wording.exponent(mark)}{' (learned)' if mark == learned else ''}",
        )  # fmt: skip
        st.button("Back to learned", key=Key.LEARNED, on_click=_changes.dial_back, disabled=p == learned)
    return float(p)


def setting(method: str, name: str) -> Param | None:
    """Where a method's slider stands, if it was ever drawn."""
    value: Param | None = st.session_state.get(Key.param(method, name))
    return value
