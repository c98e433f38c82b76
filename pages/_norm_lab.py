"""The norm laboratory under the dial: each part answers one question and is worked out only when it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import streamlit as st

from models.zoo.catalogue import Card
from pages import _cache, _facts, _parts, _words
from pages._state import Key, View
from viz import norm_lab
from viz.rowtable import row_table


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part works on: the reader, the visitor's choices, where the dial stands, and how to draw."""

    card: Card
    view: View
    zoo: _cache.Zoo
    p: float
    place: int
    dark: bool


def readings(bench: Bench) -> None:
    """Only the formula is switched; the identities are checked on this text."""
    st.markdown("**Which of its readings does the formula stand for, and does it matter on this text?**")
    found = _cache.norm_readings(bench.card, bench.view.request(()), bench.p)
    if isinstance(found, _cache.Refusal):
        st.info(_parts.plain(found.sentence))
        return
    if not found.own:
        st.caption(
            "This reader has no attention: every token weighs 1/N here, so A and B are one, and C is longer or shorter."
        )
    rows = norm_lab.reading_rows(found)
    st.html(row_table(rows, list(rows[0])))
    words, vectors = st.columns(2)
    with words:
        _parts.chart(norm_lab.share_chart(found, bench.place, bench.dark))
        _parts.how_to_read(norm_lab.factor_words(found), _words.POOLED_SHARE)
    with vectors:
        _parts.chart(norm_lab.vector_chart(found, bench.dark))
        _parts.how_to_read("The same states, attention and p, pooled by three formulas; the head was trained on one.")
    st.markdown("**Do the equations of the theory hold on this text?**")
    st.html(norm_lab.identity_html(found))
    _parts.how_to_read(
        "Each row is computed by two roads in double precision; the residual is the largest difference over all "
        "dimensions. Ends of the dial are taken at p = 10⁶ and 10⁻⁶, where the proven distance is what may be left."
    )


PARTS: Final[Mapping[str, tuple[str, Callable[[Bench], None]]]] = MappingProxyType({
    "readings": ("Readings A, B, C", readings),
})  # fmt: skip


def laboratory(bench: Bench) -> None:
    """The parts to choose from, and the one that is chosen."""
    st.subheader("Laboratory", anchor=False)
    if st.session_state.get(Key.LAB) not in PARTS:
        st.session_state[Key.LAB] = next(iter(PARTS))
    name = str(st.segmented_control(
        "Part", list(PARTS), key=Key.LAB, format_func=lambda part: PARTS[part][0], required=True,
        label_visibility="collapsed", persist_state="session",
    ))  # fmt: skip
    PARTS[name][1](bench)


def files(bench: Bench) -> list[_parts.File]:
    """What can be downloaded of it."""

    def table() -> str:
        found = _cache.norm_readings(bench.card, bench.view.request(()), bench.p)
        rows = [] if isinstance(found, _cache.Refusal) else norm_lab.identity_rows(found)
        return _facts.rows_csv(rows, {"model": bench.card.spec.id, "digest": bench.card.spec.digest, "p": bench.p})

    return [_parts.File("identities.csv", "The identities at the learned p, CSV", "text/csv", table)]
