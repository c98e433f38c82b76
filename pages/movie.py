"""Movie: what the chosen readers attended to, epoch by epoch, while they were trained."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from pages import _cache, _component, _facts, _films, _parts, _state, _widgets, _words
from viz.film import Film, film_rows
from viz.movie import movie

view = _state.take()
zoo = _cache.zoo()
cards = zoo.pick(view.readers)
texts = _films.sentences(view.task)
_parts.guard(bool(cards), _parts.NO_READER)
_parts.guard(
    bool(texts), "No sentence was followed while the classifiers of this task were trained: choose another task."
)
index = _widgets.pick_sentence(texts)
found = [_films.film(card, index) for card in cards]
films = [film for film in found if isinstance(film, Film)]
for refusal in found:
    if isinstance(refusal, _cache.Refusal):
        st.info(_parts.plain(f"{refusal.title}: {refusal.sentence}"))
if films:
    _component.film(movie(films, view.colours))
    _parts.how_to_read(
        "One column is one epoch, in the heatmap and in the curves under it; the stronger its colour, the more weight "
        "a word had then. All readers share the colours and the scales. ★ is the epoch whose weights were kept.",
        _words.FILM, _words.JSD, _words.TAU, _words.NORM,
    )  # fmt: skip
    _parts.download("movie", (
        _parts.File("csv", "The film, CSV", "text/csv", lambda: _facts.rows_csv(film_rows(films), {})),
        _parts.File("json", "The film, JSON", "application/json",
                    lambda: _facts.rows_json([asdict(film) for film in films], {})),
    ))  # fmt: skip
_state.publish(view)
