"""The words near the chosen one: one table for all readers that share their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Literal

import streamlit as st

from models.records import Analysis, Neighbours
from models.zoo.catalogue import Card
from pages import _cache, _parts, _words
from pages._state import Key, View
from viz import markup, neighbours
from viz.rowtable import row_table

Space = Literal["embedding", "state"]
SPACES: Mapping[Space, str] = {"embedding": "word vectors", "state": "states"}
CONTEXT = "{}: these read a word with its neighbours, so by itself it has no state in them."
GONE = "The word is deleted: restore it to see what other words would do in its place."


def section(view: View, cards: Mapping[str, Card], analyses: Sequence[Analysis], index: int) -> None:
    """Tables of the nearest words with what each would change, one per word table."""
    st.subheader("Words near it", anchor=False)
    present = [analysis for analysis in analyses if index < len(analysis.tokens)]
    space = _pick_space([cards[analysis.model.id] for analysis in present])
    slot, started = st.empty(), perf_counter()
    asked = [one for one in present if space == "embedding" or _context_free(cards[one.model.id])]
    for count, group in enumerate(_groups(asked, cards, space), start=1):
        if perf_counter() - started > 0.3:
            slot.caption(f"Putting other words in its place: table {count} …")
        _table(view, cards, group, index, space)
    slot.empty()
    if len(asked) < len(present):
        st.caption(_parts.plain(CONTEXT.format(", ".join(one.model.title for one in present if one not in asked))))
    if present and present[0].tokens[index].state == "deleted":
        st.caption(GONE)
    _parts.how_to_read(
        "Similarity is 1 for words that the vectors cannot tell apart. In a reader's column: the probability of its "
        "class with that word in place of the chosen one, and the change.",
        _words.NEAR,
    )


def _pick_space(cards: Sequence[Card]) -> Space:
    """Word vectors or states; states stand still only where an encoder reads no neighbours."""
    if not any(map(_context_free, cards)):
        return "embedding"
    chosen = st.segmented_control(
        "Near in", list(SPACES), key=Key.NEAR, format_func=lambda space: SPACES[space], default="embedding",
        required=True, persist_state="session",
    )  # fmt: skip
    return "state" if chosen == "state" else "embedding"


def _groups(analyses: Sequence[Analysis], cards: Mapping[str, Card], space: Space) -> Iterable[list[Analysis]]:
    """Readers of one word table together; states are every reader's own."""
    groups: dict[tuple[str, ...], list[Analysis]] = {}
    for analysis in analyses:
        card = cards[analysis.model.id]
        table = card.record["table"]
        shared = (str(table["sha256"]), str(table["words_sha256"]))
        groups.setdefault(shared if space == "embedding" else (card.spec.digest,), []).append(analysis)
    return groups.values()


def _table(view: View, cards: Mapping[str, Card], group: Sequence[Analysis], index: int, space: Space) -> None:
    """One table, or the sentence in its place."""
    titles = {analysis.model.id: analysis.model.title for analysis in group}
    token = group[0].tokens[index]
    found = _cache.neighbours(cards[group[0].model.id], token.text, space)
    reason = found.reason if isinstance(found, Neighbours) else found.sentence
    if reason or not isinstance(found, Neighbours):
        st.caption(_parts.plain(f"{', '.join(titles.values())}: {markup.visible(reason or '')}"))
        return
    words = tuple(near.word for near in found.near)
    places = []
    for analysis in group:
        made = _cache.substitutes(cards[analysis.model.id], view.request(()), index, words)
        told = made if isinstance(made, tuple) and token.state != "deleted" else ()
        places.append(neighbours.Place(analysis, view.colours[analysis.model.id], told))
    rows, columns = neighbours.neighbour_rows(found, places), neighbours.columns(found, places)
    st.html(row_table(rows, columns, neighbours.caption(found, places, titles)))


def _context_free(card: Card) -> bool:
    from models.encoders import ENCODERS

    return card.spec.encoder in ENCODERS and not ENCODERS[card.spec.encoder].contextual
