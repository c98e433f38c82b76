"""About: what pooling, attention, attribution and faithfulness mean, and how to read each number."""

from __future__ import annotations

import streamlit as st

from pages import _cache, _facts, _methods, _parts, _state, _words
from pages._examples import ordered, task

_state.take()
zoo = _cache.zoo()

for row in (_words.BASICS[:2], _words.BASICS[2:]):
    for column, definition in zip(st.columns(2), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{definition.title}**")
            st.markdown(definition.text)

st.subheader("The poolers", anchor=False)
for pooler in _methods.poolers().values():
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{pooler.title}**", width=110)
        st.markdown(f"${pooler.formula}$", width=400)
        st.caption(pooler.source, width="stretch")

st.subheader("The methods", anchor=False)
st.caption("Every method gives each word of a text one number. They answer different questions.")
for title, means, listed_cards in _facts.method_groups():
    st.markdown(f"**{title}**")
    st.caption(means)
    halves = st.columns(2)
    for count, method in enumerate(listed_cards):
        with halves[count % 2].expander(f"**{method.title}** · {method.question}"):
            st.latex(method.formula)
            st.markdown(_facts.method_facts(method))

st.subheader("How to read the numbers", anchor=False)
halves = st.columns(2)
for count, definition in enumerate((*_words.NUMBERS, *_words.FIGURES)):
    with halves[count % 2].expander(f"**{definition.title}**"):
        st.markdown(definition.text)

st.subheader("The tasks", anchor=False)
listed = [task(name) for name in ordered(card.spec.task for card in zoo.cards)]
st.caption(_facts.task_summary(listed))
halves = st.columns(2)
for count, described in enumerate(listed):
    hand = " :material/front_hand:" if described.caution else ""
    with halves[count % 2].expander(f"**{described.name}** · {described.data}{hand}"):
        st.markdown(_facts.task_facts(described))

st.subheader("The readers", anchor=False)
readers = _facts.reader_rows(zoo)
decimals = st.column_config.NumberColumn(format="%.3f")
st.dataframe(
    readers, hide_index=True,
    column_config=dict.fromkeys(("accuracy", "macro-F1", "initial p", "learned p"), decimals),
)  # fmt: skip
_parts.how_to_read(
    "Accuracy and macro-F1 (the mean over classes of F1) are those of the shipped weights on the official test set; "
    "p is the learned exponent where the pooler has one. “Below the bag of words”: on the same test set the best "
    "bag of words is right more often.", _words.NORM, _words.BASELINE,
)  # fmt: skip

first, second = st.columns(2)
first.subheader(_words.LIMITS.title, anchor=False)
first.markdown(_words.LIMITS.text)
second.subheader(_words.SOURCES.title, anchor=False)
second.markdown(_words.SOURCES.text)

_parts.download(
    "about",
    (
        _parts.File("csv", "The readers, CSV", "text/csv", lambda: _facts.rows_csv(readers, {})),
        _parts.File("json", "Their cards, JSON", "application/json", lambda: _facts.cards_json(zoo)),
    ),
)
