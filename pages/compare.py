"""Compare: one text, up to six readers, one scale; click a word and take it away."""

from __future__ import annotations

import streamlit as st

from models.records import Analysis, Removal
from models.runtime import software
from pages import (
    _baselines,
    _cache,
    _changes,
    _disagreement,
    _facts,
    _inside,
    _neighbours,
    _parts,
    _pieces,
    _state,
    _widgets,
    _words,
)  # fmt: skip
from pages._examples import task
from pages._state import Key
from viz import agreement, entities, export, markup, palette, tables, wording
from viz.rowtable import row_table

view = _state.take()
zoo = _cache.zoo()
cards = {card.spec.id: card for card in zoo.pick(view.readers)}
reading = _parts.read(zoo, view)
analyses = reading.analyses


@st.fragment
def words() -> None:
    """The text, the panels, and what is known about the chosen word; a click reruns only this."""
    index = _state.chosen(len(reading.longest.tokens))
    buttons(index)
    if tuple(st.session_state[Key.EDITS]) != view.edits or st.session_state[Key.TEXT] != view.text:
        st.rerun()
    _pieces.draw(view, analyses, index)
    _parts.how_to_read(
        "A row colours your text by one method: the stronger a word, the larger its share of all that the method "
        "hands out. Orange speaks for the class named above the rows, blue against it. One scale for all readers.",
        _words.SHARE,
    )
    if index is not None:
        chosen_word(index)
    _state.publish(view)


def buttons(index: int | None) -> None:
    """Take the chosen word away, or bring everything back; say what was done and what it changed."""
    done = {place: how for how, place in view.edits}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Delete", key=Key.DELETE, disabled=index is None or done.get(index) == "deleted",
            on_click=_changes.edit, args=("deleted",), help="Take the chosen word out and read again.",
        )  # fmt: skip
        st.button(
            "Mask", key=Key.MASK, disabled=index is None or done.get(index) == "masked",
            on_click=_changes.edit, args=("masked",), help="Read the unknown word in its place.",
        )  # fmt: skip
        st.button("Undo", key=Key.UNDO, disabled=not view.edits, on_click=_changes.undo)
        st.button("Restore", key=Key.RESTORE, disabled=not view.edits, on_click=_changes.restore)
        if task(view.task).marked:
            entity_buttons(index)
        st.text("Click a word to follow it, delete it or mask it." if index is None else f"chosen: {token(index)}")
    if view.edits:
        st.text(f"edited: {', '.join(f'{token(place)} {how}' for how, place in view.edits)}\n{changes()}")


def entity_buttons(index: int | None) -> None:
    """Make the chosen word one of the two that the task asks about."""
    tokens = reading.longest.tokens
    role = "t" if index is None else entities.roles(tokens)[index]
    for name, key in Key.ENTITIES.items():
        st.button(
            f"Mark {name}", key=key, disabled="t" in role or name[-1] in role, on_click=_changes.mark,
            args=() if index is None else (tokens[index].start, tokens[index].end, name),
            help="The relation is asked between e1 and e2.",
        )  # fmt: skip


def token(place: int) -> str:
    """A token in quotation marks, as it may be shown."""
    tokens = reading.longest.tokens
    return f"“{markup.visible(tokens[place].text)}”" if place < len(tokens) else "a word that is not there"


def changes() -> str:
    """What the edits changed, reader by reader."""
    told = []
    for now in analyses:
        before = _cache.analysis(cards[now.model.id], view.request((), edited=False))
        if isinstance(before, Analysis):
            mark = palette.mark(view.colours[now.model.id])
            told.append(f"{mark} {wording.shift(before.prediction, now.prediction, now.target)}")
    return "  ·  ".join(told)


def chosen_word(index: int) -> None:
    """Value, rank and prediction without the word, for every reader and method."""
    removals = {}
    for analysis in analyses:
        found = _cache.removal(cards[analysis.model.id], view.request(()), index, "deleted")
        if isinstance(found, Removal):
            removals[analysis.model.id] = found
    places = {analysis.model.title: view.colours[analysis.model.id] for analysis in analyses}
    st.subheader("The chosen word", anchor=False)
    without = tables.removal_rows(analyses, index, removals)
    st.html(row_table(without, ("reader", "class", "with it", "without it", "change", "now predicts"), places=places))
    _parts.how_to_read(
        "The probability of the class, and what it becomes once the word is deleted and all is read anew.",
        _words.WITHOUT,
    )
    rows = tables.word_rows(analyses, index, removals)
    st.html(row_table(rows, ("reader", "method", "value", "share", "rank", "note"), places=places))
    _parts.how_to_read("What each map gives this word.", _words.RANK, _words.SHARE)
    _neighbours.section(view, cards, analyses, index)


@st.fragment
def agreements() -> None:
    """Poolers × methods: how alike two maps of one reader order the words."""
    st.subheader("Do the maps agree?", anchor=False)
    metric, reference = _widgets.pick_agreement(analyses)
    st.html(agreement.agreement_grid(analyses, reference, metric, view.colours))
    _parts.how_to_read(
        "Each cell compares the order of the words in two maps of one reader; a dash has its reason below.", _words.TAU
    )


words()
agreements()
_disagreement.section(view, analyses)
_inside.section(analyses, view.colours)
_baselines.section(view, analyses[0].prediction.labels)
versions, colours, caution = software(), view.colours, task(view.task).caution
_parts.download(
    "compare",
    (
        _parts.File("html", "Heatmap, HTML", "text/html",
                    lambda: export.heatmap_html(analyses, view.scale, versions, colours, caution=caution)),
        _parts.File("png", "Heatmap, PNG", "image/png",
                    lambda: export.heatmap_png(analyses, view.scale, versions, colours, caution=caution)),
        _parts.File("csv", "All numbers, CSV", "text/csv", lambda: export.analyses_csv(analyses, versions, caution)),
        _parts.File("disagreement.csv", "Disagreement at k, CSV", "text/csv",
                    lambda: _facts.rows_csv(_disagreement.rows(analyses), {})),
        _parts.File("json", "All records, JSON", "application/json",
                    lambda: export.analyses_json(analyses, versions, view.scale, caution)),
    ),
)  # fmt: skip
