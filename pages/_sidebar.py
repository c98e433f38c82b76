"""The shared sidebar: what is read, by whom, and how it is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from models.records import SCALARS, MethodCall, Param
from models.zoo.tasks import display_labels
from pages import _cache, _changes, _methods, _picker, _state
from pages._examples import examples, ordered, task
from pages._opening import FIRST_METHODS
from pages._state import Key, View
from pages._widgets import setting
from viz import palette, wording
from viz.scale import SCALES

FEW: Final = 8  # choices that are found at a glance, without typing


def pick_task(zoo: _cache.Zoo) -> None:
    """Which task, listed by kind; the readers and the examples follow. Typing narrows the list."""
    tasks, chosen = ordered(card.spec.task for card in zoo.cards), task(st.session_state[Key.TASK])
    st.selectbox(
        "Task", tasks, key=Key.TASK, format_func=lambda name: task(name).name, on_change=_changes.task_changed,
        args=(zoo.cards,), filter_mode="contains" if len(tasks) > FEW else None,
        help="What the readers were trained to tell, and on which texts; About lists the sources.",
    )  # fmt: skip
    st.caption(chosen.asks)


def pick_readers(zoo: _cache.Zoo) -> None:
    """Up to six classifiers of the task; the letter is the one of the panels."""
    titles = {card.spec.id: card.spec.title for card in zoo.task(st.session_state[Key.TASK])}
    marks = {reader: f"{palette.mark(place)}  " for reader, place in st.session_state[Key.PLACES].items()}
    st.multiselect(
        "Readers", list(titles), key=Key.READERS, max_selections=_state.MOST_READERS, select_all=False,
        format_func=lambda name: f"{marks.get(name, '')}{titles.get(name, name)}",
        on_change=_changes.readers_changed, placeholder="Add a reader",
        help="Trained classifiers: an encoder, which gives every word a state, and a pooler, which makes one "
        "vector of all states. Up to six read side by side; each keeps its letter and colour on every page.",
    )  # fmt: skip


def pick_text() -> None:
    """Own text or one of the examples."""
    listed = examples(st.session_state[Key.TASK])
    st.selectbox(
        "Text", list(listed), key=Key.EXAMPLE, format_func=lambda name: listed[name].name if name in listed else "",
        on_change=_changes.example_changed, placeholder="your own",
        help="An example, read as soon as it is chosen, or your own text below.",
    )  # fmt: skip
    with st.form("text", border=False):
        st.text_area("Your text", key=Key.DRAFT, height=130, placeholder="Type or paste a text to read",
                     label_visibility="collapsed")  # fmt: skip
        st.form_submit_button("Read", key=Key.READ, type="primary", on_click=_changes.read, width="stretch")
    chosen = listed.get(st.session_state.get(Key.EXAMPLE) or "")
    if chosen:
        st.caption(chosen.hint)


def pick_methods() -> tuple[MethodCall, ...]:
    """Which maps to draw, and how."""
    state, offers = st.session_state, _methods.offers()
    if any(isinstance(call, MethodCall) for call in state[Key.METHODS]):
        # Fresh from the address: only now is the registry there to check them.
        keys, settings, notes = _methods.accept(state[Key.METHODS])
        state[Key.METHODS] = keys or list(FIRST_METHODS)
        state[Key.NOTES] = [*state[Key.NOTES], *notes]
        for (method, name), value in settings.items():
            state[Key.param(method, name)] = value
    chosen = st.multiselect(
        "Explain with", list(offers), key=Key.METHODS, format_func=lambda key: offers[key].title,
        on_change=_changes.touched, placeholder="Add a map", select_all=False,
        help="Each method gives every word a number: one row of colour per method and reader. "
        "The name of a row opens its card: question, formula, cost, source.",
    )  # fmt: skip
    _picker.button()
    adjustable = dict.fromkeys(offers[key].call.name for key in chosen if _methods.sliders(offers[key].call.name))
    with st.popover("Scale and settings", width="stretch"):
        st.radio(
            "Colour scale", list(SCALES), key=Key.SCALE, format_func=lambda name: SCALES[name].title,
            captions=[named.explanation.replace("|", "\\|") for named in SCALES.values()], on_change=_changes.touched,
        )  # fmt: skip
        for name in adjustable:
            _sliders(name)
    return _methods.calls(chosen, setting)


def labels(zoo: _cache.Zoo) -> tuple[str, ...]:
    """The classes of the task, as they were trained."""
    return zoo.task(st.session_state[Key.TASK])[0].spec.labels


def pick_target(labels: Sequence[str]) -> None:
    """The class that the maps speak about; the key is the trained name, which links hold."""
    names = dict(zip(labels, display_labels(st.session_state[Key.TASK], labels), strict=True))
    st.selectbox(
        "Class to explain", ["", *labels], key=Key.TARGET, on_change=_changes.touched,
        filter_mode="contains" if len(labels) > FEW else None,
        format_func=lambda label: names.get(label) or "what each reader predicts",
        help="Signed maps are for (+) or against (−) this class.",
    )  # fmt: skip
    logit = st.selectbox(
        "What of it is explained", SCALARS, key=Key.SCALAR, on_change=_changes.touched, filter_mode=None,
        format_func=wording.SCALAR_TITLES.__getitem__,
        help="The logit is the score before the softmax; the probability is what comes out of it, hardly moved where "
        "the reader is sure; the margin is the logit minus the largest other one, above 0 where it is predicted.",
    ) == SCALARS[0]  # fmt: skip
    st.selectbox(
        "Compared with", ["", *labels], key=Key.VERSUS, on_change=_changes.touched, disabled=not logit,
        filter_mode="contains" if len(labels) > FEW else None,
        format_func=lambda label: names.get(label) or "no other class",
        help="Why this class rather than that one: the difference of the two logits is explained. For logits only.",
    )  # fmt: skip


def share(view: View) -> None:
    """The address of this view; own text only when asked for."""
    state = st.session_state
    with st.popover("Share this view", icon=":material/link:", width="stretch"):
        own = state.get(Key.EXAMPLE) is None
        st.caption("This address opens the same readers, methods and choices.")
        if own and not state[Key.SHARED]:
            too_long = len(view.text) > _state.LONGEST_SHARED
            st.caption(
                f"Your text is not in it, and is too long to be ({len(view.text):,} characters; the most is "
                f"{_state.LONGEST_SHARED:,})." if too_long else "Your text is not in it unless you say so."
            )  # fmt: skip
            st.button("Share with text", key=Key.SHARE, on_click=_changes.share, disabled=too_long)
        elif own:
            st.caption("It contains your text.")
        st.code(_state.link(), language=None, wrap_lines=True)


def _sliders(method: str) -> None:
    """The bounded parameters of one method."""
    st.markdown(f"**{_methods.registry()[method].title}**")
    for field in _methods.sliders(method):
        facts, key = field.metadata, Key.param(method, field.name)
        kind = type(field.default)
        st.session_state.setdefault(key, field.default)
        st.slider(
            facts.get("title", field.name), kind(facts["min"]), kind(facts["max"]), step=kind(facts["step"]),
            key=key, help=facts.get("help"), on_change=_changes.touched, format=_precision(facts["step"]),
            persist_state="session",
        )  # fmt: skip


def _precision(step: Param) -> str:
    """As many decimals as one step has."""
    return f"%.{len(str(step).partition('.')[2])}f" if isinstance(step, float) else "%d"
