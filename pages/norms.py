"""Norms: the exponent each reader learned, and a dial to try another one."""

from __future__ import annotations

import streamlit as st

from pages import _cache, _facts, _parts, _state, _widgets, _words
from pages._state import Key
from viz import dial, formula, norms, wording

# Twelve marks per factor of ten, 1 among them.
MARKS = tuple(float(f"{10 ** (step / 12):.4g}") for step in range(-12, 21)) + (_state.HIGHEST_P,)

view = _state.take()
zoo = _cache.zoo()
dark = _parts.dark()
offered = tuple(card for card in zoo.task(view.task) if _facts.exponents(card))
chosen = tuple(card for card in zoo.pick(view.readers) if _facts.exponents(card))


@st.fragment
def turn() -> None:
    """The dial for the current sentence."""
    pick, space = st.columns([1, 2])
    with pick:
        card = _widgets.pick_reader(Key.NORM_READER, (*chosen, *(c for c in offered if c not in chosen)), zoo)
    request = view.request(())
    learned = _parts.need(_cache.sweep(card, request, (1.0,))).learned
    marks = tuple(sorted({*MARKS, min(max(learned, _state.LOWEST_P), _state.HIGHEST_P)}))
    sweep = _parts.need(_cache.sweep(card, request, marks))
    with space:
        p = _widgets.pick_p(learned, marks)
    place = view.colours.get(card.spec.id, _state.MOST_READERS - 1)
    said = formula.pooler_formula(card.spec.pooler, p, sweep.reading, len(sweep.tokens))
    low, high = sweep.learned_range
    if low < high:
        st.caption(
            f"This reader learned one p per dimension, from {wording.exponent(low)} to {wording.exponent(high)}; "
            f"the dial gives all of them the same p and starts at their mean."
        )
    words, live = st.columns(2)
    with words:
        if sweep.points[0].effective is not None:
            _parts.chart(dial.dial_words(sweep, p, "effective", place, dark))
        _parts.chart(dial.dial_words(sweep, p, "share", place, dark))
        _parts.how_to_read(
            "Hollow is the learned p, filled the dial; the line between them is what the dial changes.",
            _words.NORM, _words.POOLED_SHARE,
        )  # fmt: skip
    with live:
        st.latex(said.symbolic)
        st.latex(said.numeric)
        st.caption(said.sentence)
        _parts.chart(dial.dial_curve(sweep, p, place, dark))
        _parts.how_to_read("The prediction at every p; the states stay as they are, only the pooler changes.")
        _parts.chart(dial.dial_strip(sweep, p, place, dark))
        _parts.how_to_read("One bar per dimension of the pooled vector; a tall bar over its line grew with this p.")
    _state.publish(view)


_parts.edited(view)
st.subheader("Turn the dial", anchor=False)
if offered:
    turn()
else:
    st.info("No classifier of this task has a norm to turn; train one with the pooler apln or learned_norm.")

st.subheader("What the readers learned", anchor=False)
learned = _facts.learned_norms(zoo.cards)
if learned:
    _parts.chart(norms.norm_dots(learned, dark))
    _parts.how_to_read(
        "Hollow is where p started, filled where training took it; the thin line spans the units of a reader that "
        "learned one p per dimension.", _words.NORM,
    )  # fmt: skip
else:
    st.info("No classifier with a learned norm is there yet.")

st.subheader("How they got there", anchor=False)
trained = _widgets.pick_trained(zoo)
if trained is None:
    st.info("No classifier here carries the history of its training.")
else:
    _parts.chart(norms.trajectory(_facts.training(trained), dark=dark))
    _parts.how_to_read(
        "Left to right is training; p moves while the loss falls, and τ says whether attention and gradient order the "
        "words of four fixed sentences alike.", _words.TRAINING, _words.TAU,
    )  # fmt: skip
