"""Distributions: how the debate's numbers fall over whole test sets, text by text and reader beside reader."""

from __future__ import annotations

import streamlit as st

from models.experiment_records import Measured
from models.zoo.catalogue import Card
from pages import _cache, _facts, _parts, _state, _widgets, _words
from pages._parts import File
from pages._state import Key
from viz import distributions, linked
from viz.distributions import NUMBERS, Fallen

HOW = "python -m models debate --model {} --out rows.parquet"


def whole(card: Card, found: Measured, place: int) -> None:
    """One reader's test set in linked pictures."""
    classes = _widgets.pick_classes(found, linked.commonest(found), linked.MOST_CLASSES)
    st.caption(_parts.plain(
        f"Here: {linked.count_words(found)}. Drag over a picture, or click a box, to choose texts: all other pictures "
        "show the same texts. Several choices add up; a double click takes one back."
    ))  # fmt: skip
    _parts.specification(linked.linked(found, classes, place, _parts.dark()), Key.LINKED)
    with st.expander("What each picture shows, and what it does not", expanded=True):
        for picture in linked.pictures(found):
            st.markdown(f"**{picture.question}** {picture.shows} *It does not show* {picture.shows_not}")
    st.html(linked.table_html(found, classes))


def beside(cards: tuple[Card, ...], colours: dict[str, int]) -> list[Fallen]:
    """One number for all readers, a curve per predicted class."""
    found, missing = [], []
    for card in cards:
        asked = (_cache.distribution(card, name, place) for place in range(len(card.spec.labels)))
        classes = tuple(one for one in asked if one is not None)
        if classes:
            found.append(Fallen(card.spec.title, colours[card.spec.id], classes))
        else:
            missing.append(card)
    for fallen in found:
        st.markdown(f"**{_parts.plain(distributions.heading(fallen))}**")
        _parts.chart(distributions.curves(fallen, number, _parts.dark()))
    if found:
        _parts.how_to_read(
            "Read a line upwards: at 50 % stands the median, marked by a dot. A steep line means that the texts are "
            "alike. Classes apart from each other mean that one number for all texts would hide something.",
            _words.TAU, _words.JSD, _words.TVD, _words.CONE,
        )  # fmt: skip
        first = found[0].classes[0]
        st.html(distributions.table_html(found))
        st.caption(
            f"Texts: the {_parts.plain(first.split)} split of {_parts.plain(first.data)}, by the class that the reader "
            "predicts. Measured with the shipped weights; what your own text gives stands among these on the page "
            "Debate."
        )
    for card in missing:
        st.info(_parts.plain(
            f"{card.spec.title} has no such distribution: none was measured, or the number means nothing for its "
            f"pooler. To measure: {HOW.format(card.spec.id)}"
        ))  # fmt: skip
    return found


view = _state.take()
zoo = _cache.zoo()
cards = zoo.pick(view.readers)
_parts.guard(bool(cards), _parts.NO_READER)
st.subheader("How do the texts of a whole test set fall?", anchor=False)
chosen = _widgets.pick_reader(Key.READER, cards, zoo)
found = _cache.measured(chosen)
if isinstance(found, Measured):
    whole(chosen, found, view.colours[chosen.spec.id])
elif found is None:
    st.info(_parts.plain(
        f"{chosen.spec.title} was not measured on a test set. To measure: {HOW.format(chosen.spec.id)}"
    ))  # fmt: skip
else:
    st.warning(_parts.plain(found.sentence))
st.subheader("How do the readers differ?", anchor=False)
name = _widgets.pick_number({key: number.title for key, number in NUMBERS.items()})
number = NUMBERS[name]
st.markdown(f"**{number.question}**")
st.caption(f"{number.axis}: {number.measures}.")
fallen = beside(cards, view.colours)
files = [File("csv", f"{number.title}, CSV", "text/csv", lambda: _facts.rows_csv(distributions.rows_of(fallen), {}))]
if isinstance(found, Measured):
    texts = found
    source = {"model": chosen.spec.id, "digest": chosen.spec.digest, "data": texts.data, "split": texts.split}
    files.append(
        File("csv", "Every text, CSV", "text/csv", lambda: _facts.rows_csv(linked.rows_of(texts), source))
    )
_parts.download("distributions", files)
_state.publish(view)
