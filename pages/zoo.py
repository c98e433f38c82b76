"""Zoo: every trained classifier, how well it reads and what it learned; the study of APLN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from models.zoo.catalogue import Card
from pages import _cache, _catalogue, _changes, _facts, _parts, _state, _study, _widgets, _words
from pages._state import Key
from viz import curves, norm_grid, overview
from viz.facts import facts_html

DECIMALS = st.column_config.NumberColumn(format="%.3f")
COLUMNS = {
    "task id": None,
    "id": None,
    "weights": None,
    "reader": None,
    "task": st.column_config.TextColumn(pinned=True),
    "accuracy": st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0),
    "against the best bag of words": st.column_config.TextColumn(width="large"),
    "parameters": st.column_config.NumberColumn(format="localized"),
    **dict.fromkeys(("sd", "macro-F1", "sd of F1", "learned p"), DECIMALS),
}
FEW = 400  # pixels of table before it scrolls

view = _state.take()
zoo = _cache.zoo()


def classifiers() -> None:
    """The table, its overview, and the card of the classifier chosen in it."""
    cards = _widgets.pick_cards(zoo)
    _parts.guard(bool(cards), "No classifier passes all three filters: take one of them away.")
    several = any(len(cell.cards) > 1 for cell in _catalogue.cells(cards))
    runs = several and _widgets.pick_runs()
    rows = _catalogue.table_rows(cards, runs=runs)
    st.markdown(_catalogue.summary(rows))
    st.html(overview.overview(_catalogue.groups(cards)))
    _parts.how_to_read(
        "A dot is a classifier, the upright bar the best bag of words of the task; a hollow dot stays below it.",
        _words.SCORES, _words.BASELINE,
    )  # fmt: skip
    unused = {name for name in ("sd", "sd of F1", "seeds") if not several}
    unused |= {name for name in rows[0] if all(row[name] in (None, "") for row in rows)}
    event = st.dataframe(
        rows, hide_index=True, on_select="rerun", selection_mode="single-row", key=Key.TABLE, column_config=COLUMNS,
        placeholder="–",
        column_order=[name for name in rows[0] if name not in unused and COLUMNS.get(name, "") is not None],
        height=min(FEW, 36 * (len(rows) + 1)),
    )  # fmt: skip
    _parts.how_to_read("Click a row for its card, a heading to sort, the lens to search.", _words.SCORES)
    by_id = {card.spec.id: card for card in cards}
    picked = [rows[place]["id"] for place in event["selection"]["rows"] if place < len(rows)]
    show_card(_widgets.pick_card(by_id, str(picked[0]) if picked else None))
    source: Mapping[str, object] = {}
    _parts.download("zoo", (
        _parts.File("csv", "The table, CSV", "text/csv", lambda: _facts.rows_csv(rows, source)),
        _parts.File("json", "The table, JSON", "application/json", lambda: _facts.rows_json(rows, source)),
        _parts.File("cards.json", "All cards, JSON", "application/json", lambda: _facts.cards_json(zoo)),
    ))  # fmt: skip


def show_card(card: Card) -> None:
    """One classifier: recipe, data, digests, training."""
    with st.container(border=True):
        facts, figure = st.columns((3, 2), gap="large")
        with facts:
            st.subheader(_parts.plain(_catalogue.name(card)), anchor=False)
            st.html(facts_html(_catalogue.numbers(card), _catalogue.card_facts(card)))
            with st.container(horizontal=True):
                # The button's callback has chosen the reader before Compare opens.
                if st.button("Read with it on Compare", key=Key.COMPARE, type="primary",
                             on_click=_changes.read_with, args=(card.spec.id, zoo.cards)):  # fmt: skip
                    st.switch_page("pages/compare.py")
                with st.popover("Recipe"):
                    st.json(card.record["recipe"])
                st.download_button(
                    "Card, JSON", lambda: _catalogue.card_json(card), on_click="ignore", key=Key.CARD_FILE,
                    file_name=f"{card.spec.id.replace('/', '-')}.json", mime="application/json",
                )  # fmt: skip
        with figure:
            if card.record.get("history"):
                courses = _catalogue.courses([card], _catalogue.places([card.spec.id], view.colours))
                for name in curves.quantities(courses)[:3]:
                    _parts.chart(curves.curve(courses, name, _parts.dark(), height=110))
                _parts.how_to_read("Left to right is training.", _words.TRAINING)
            else:
                st.info("This card carries no history of its training.")


def norms() -> None:
    """The p that every cell learned."""
    cells = _catalogue.norm_cells(_widgets.pick_cards(zoo))
    _parts.guard(bool(cells), "None of these classifiers has a norm to learn: APLN, GeM and the learned norm have.")
    st.html(norm_grid.norm_grid(cells))
    _parts.how_to_read(
        "Orange listens more to the large states than an average does, blue more to the small ones; the deeper, the "
        "further from 1. The small line is the range over dimensions, where each has a p of its own.", _words.NORM,
    )  # fmt: skip
    rows = [norm_grid.norm_row(cell) for cell in cells]
    _parts.download("zoo", (_parts.File("p.csv", "Learned p, CSV", "text/csv", lambda: _facts.rows_csv(rows, {})),))


def training() -> None:
    """How chosen classifiers got there, over each other."""
    cards, colours = _widgets.pick_courses(zoo, view.readers, view.colours)
    _parts.guard(bool(cards), "Choose a classifier to see how it was trained.")
    courses = _catalogue.courses(cards, colours)
    halves = st.columns(2)
    for place, name in enumerate(curves.quantities(courses)):
        with halves[place % 2]:
            _parts.chart(curves.curve(courses, name, _parts.dark()))
    _parts.how_to_read(
        "Left to right is training; the letter at the end of a line is the classifier's above, and readers chosen in "
        "the sidebar keep theirs. Losses of tasks with different numbers of classes cannot be compared.",
        _words.TRAINING, _words.NORM, _words.TAU,
    )  # fmt: skip
    rows: Sequence[Mapping[str, object]] = [
        {"classifier": course.title, **row} for course in courses for row in course.rows
    ]
    _parts.download("zoo", (
        _parts.File("training.csv", "Training, CSV", "text/csv", lambda: _facts.rows_csv(rows, {})),
        _parts.File("training.json", "Training, JSON", "application/json", lambda: _facts.rows_json(rows, {})),
    ))  # fmt: skip


SECTIONS: Mapping[str, tuple[str, Callable[[], None]]] = {
    "classifiers": ("Classifiers", classifiers),
    "norms": ("Learned p", norms),
    "training": ("Training", training),
    "study": ("The study of APLN", _study.study),
}
section = _widgets.pick_section({name: title for name, (title, _) in SECTIONS.items()})
_state.publish(view)
SECTIONS[section][1]()
