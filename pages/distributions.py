"""Distributions: how the debate's numbers fall over whole test sets, reader by reader and class by class."""

from __future__ import annotations

import streamlit as st

from pages import _cache, _facts, _parts, _state, _widgets, _words
from viz import distributions
from viz.distributions import NUMBERS, Fallen

HOW = "python -m models debate --model {} --out rows.parquet"

view = _state.take()
zoo = _cache.zoo()
cards = zoo.pick(view.readers)
_parts.guard(bool(cards), _parts.NO_READER)
name = _widgets.pick_number({key: number.title for key, number in NUMBERS.items()})
number = NUMBERS[name]
st.subheader(number.question, anchor=False)
st.caption(f"{number.axis}: {number.measures}.")
found, missing = [], []
for card in cards:
    asked = (_cache.distribution(card, name, place) for place in range(len(card.spec.labels)))
    classes = tuple(one for one in asked if one is not None)
    if classes:
        found.append(Fallen(card.spec.title, view.colours[card.spec.id], classes))
    else:
        missing.append(card)
for fallen in found:
    st.markdown(f"**{_parts.plain(distributions.heading(fallen))}**")
    _parts.chart(distributions.curves(fallen, number, _parts.dark()))
if found:
    _parts.how_to_read(
        "Read a line upwards: at 50 % stands the median, marked by a dot. A steep line means that the texts are alike. "
        "Classes apart from each other mean that one number for all texts would hide something.", _words.TAU,
        _words.JSD, _words.TVD, _words.CONE,
    )  # fmt: skip
    first = found[0].classes[0]
    st.html(distributions.table_html(found))
    st.caption(
        f"Texts: the {_parts.plain(first.split)} split of {_parts.plain(first.data)}, by the class that the reader "
        "predicts. Measured with the shipped weights; what your own text gives stands among these on the page Debate."
    )
for card in missing:
    st.info(_parts.plain(
        f"{card.spec.title} has no such distribution: none was measured, or the number means nothing for its "
        f"pooler. To measure: {HOW.format(card.spec.id)}"
    ))  # fmt: skip
_parts.download("distributions", (
    _parts.File("csv", f"{number.title}, CSV", "text/csv",
                lambda: _facts.rows_csv(distributions.rows_of(found), {})),
))  # fmt: skip
_state.publish(view)
