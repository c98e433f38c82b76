"""Compare: one text, up to six readers, one scale; click a word and take it away."""

from __future__ import annotations

import streamlit as st

from models.records import Analysis, Removal
from pages import _cache, _component, _methods, _parts, _state, _words
from pages._state import Key
from viz import agreement, export, markup, tables, wording
from viz.panels import panels

view = _state.current()
zoo = _cache.zoo()
cards = {card.spec.id: card for card in zoo.pick(view.readers)}
reading = _parts.read(zoo, view)
analyses = reading.analyses


@st.fragment
def words() -> None:
    """The text, the panels, and what is known about the chosen word; a click reruns only this."""
    index = _state.chosen(len(reading.longest.tokens))
    buttons(index)
    if tuple(st.session_state[Key.EDITS]) != view.edits:
        st.rerun()
    _component.tokens(panels(analyses, view.colours, index, cards=_methods.cards()))
    _parts.how_to_read(
        "A row colours your text by one method: the stronger a word, the larger its share of all that the method "
        "hands out. Orange speaks for the class named above the rows, blue against it. One scale for all readers.",
        _words.SHARE,
    )
    if index is not None:
        chosen_word(index)
    _state.publish(view)


def buttons(index: int | None) -> None:
    """Take the chosen word away, or bring everything back."""
    name = "" if index is None else f" “{markup.visible(reading.longest.tokens[index].text)}”"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Delete", key=Key.DELETE, disabled=index is None, on_click=_state.edit, args=("deleted",),
                  help="Take the chosen word out and read again.")  # fmt: skip
        st.button("Mask", key=Key.MASK, disabled=index is None, on_click=_state.edit, args=("masked",),
                  help="Put the unknown word in its place and read again.")  # fmt: skip
        st.button("Undo", key=Key.UNDO, disabled=not view.edits, on_click=_state.undo)
        st.button("Restore", key=Key.RESTORE, disabled=not view.edits, on_click=_state.restore)
        made = ", ".join(f"“{token(place)}” {how}" for how, place in view.edits if token(place))
        st.text(f"edited: {made}" if made else f"chosen:{name}" if name else "Click a word, then delete or mask it.")


def token(place: int) -> str:
    """A token as it may be shown; nothing for a place that the text does not have."""
    tokens = reading.longest.tokens
    return markup.visible(tokens[place].text) if place < len(tokens) else ""


def changes() -> None:
    """What the edits changed, reader by reader."""
    columns = st.columns(len(analyses))
    for column, now in zip(columns, analyses, strict=True):
        before = _cache.analysis(cards[now.model.id], view.request((), edited=False))
        if isinstance(before, Analysis):
            label = now.prediction.labels[now.target]
            old, new = before.prediction.probabilities[now.target], now.prediction.probabilities[now.target]
            column.metric(
                f"{now.model.title}: “{label}”", wording.probability(new), f"{wording.change(new - old)} by the edits",
                delta_color="off", delta_arrow="off",
            )  # fmt: skip


def chosen_word(index: int) -> None:
    """Value, rank and prediction without the word, for every reader and method."""
    removals = {}
    for analysis in analyses:
        found = _cache.removal(cards[analysis.model.id], view.request(()), index, "deleted")
        if isinstance(found, Removal):
            removals[analysis.model.id] = found
    st.subheader("The chosen word", anchor=False)
    st.dataframe(tables.removal_rows(analyses, index, removals), hide_index=True)
    st.dataframe(tables.word_rows(analyses, index, removals), hide_index=True)


if view.edits:
    changes()
words()
st.subheader("Do the maps agree?", anchor=False)
st.html(agreement.agreement_grid(analyses, None, colours=view.colours))
_parts.how_to_read("Each number compares the order of the words in two maps of one reader.", _words.TAU)
versions = _parts.versions()
_parts.download(
    "compare",
    (
        _parts.File("html", "Heatmap, HTML", "text/html", lambda: export.heatmap_html(analyses, "share", versions, view.colours)),
        _parts.File("png", "Heatmap, PNG", "image/png", lambda: export.heatmap_png(analyses, "share", versions, view.colours)),
        _parts.File("csv", "All numbers, CSV", "text/csv", lambda: export.analyses_csv(analyses, versions)),
        _parts.File("json", "All records, JSON", "application/json", lambda: export.analyses_json(analyses, versions)),
    ),
)
_parts.go_on(reading)
