"""Where the maps disagree: a matrix of methods for one reader, and the words behind the worst pairs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from models.records import Analysis
from pages import _changes, _parts, _state, _words
from pages._state import Key, View
from viz import disagreement, palette

MOST_K = 30


@st.fragment
def section(view: View, analyses: Sequence[Analysis]) -> None:
    """The figure with its pickers; turning them reruns only this."""
    st.subheader("Where do they disagree?", anchor=False)
    words = len([token for token in analyses[0].tokens if token.state != "deleted" and not token.special])
    if words < 2 or len(analyses[0].attributions) < 2:
        few = "Two maps or more are needed to compare them."
        st.info("Two words or more are needed to compare how maps rank them." if words < 2 else few)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        analysis = _reader(view, analyses)
        measure = st.segmented_control(
            "Agreement of", list(disagreement.NAMES), key=Key.MEASURE, format_func=disagreement.NAMES.__getitem__,
            required=True, persist_state="session", on_change=_changes.touched,
        )  # fmt: skip
        k = _k(min(MOST_K, words - 1))
    from models.disagreement import disagreements

    found = disagreements(analysis, k)
    st.html(disagreement.matrix(analysis, found, str(measure)))
    _parts.how_to_read(
        "Words are ordered by the size of their score. Each cell compares the top of two maps. Below stand the pairs "
        "that agree least; of the words, rank in the first map → rank in the second (part of all squared differences).",
        _words.DISAGREE,
    )
    every = len(found) > disagreement.FEW and st.toggle(f"All {len(found)} pairs", key=Key.ALL_PAIRS)
    st.html(disagreement.pair_table(analysis, found, str(measure), every=every))
    _state.publish(view)


def rows(analyses: Sequence[Analysis]) -> list[dict[str, object]]:
    """Every number of all readers at the k that is set, for the download."""
    from models.disagreement import disagreements

    k = st.session_state[Key.TOP]
    return disagreement.disagreement_rows([(analysis, disagreements(analysis, k)) for analysis in analyses])


def _reader(view: View, analyses: Sequence[Analysis]) -> Analysis:
    """The reader whose maps are compared, by its letter."""
    by_id = {analysis.model.id: analysis for analysis in analyses}
    if len(by_id) == 1:
        return analyses[0]
    if st.session_state.get(Key.DISAGREE) not in by_id:
        st.session_state[Key.DISAGREE] = next(iter(by_id))
    chosen = st.selectbox(
        "Reader", list(by_id), key=Key.DISAGREE, persist_state="session", filter_mode=None, width=260,
        format_func=lambda name: f"{palette.mark(view.colours[name])}  {by_id[name].model.title}",
    )  # fmt: skip
    return by_id[chosen]


def _k(most: int) -> int:
    """How many words make the top; a text with fewer words has a lower end, and a longer one the old wish."""
    if most == 1:
        return 1
    st.session_state[Key.K] = min(st.session_state[Key.TOP], most)
    return int(st.slider("Strongest words, k", 1, most, key=Key.K, on_change=_changes.k_moved, width=260))
