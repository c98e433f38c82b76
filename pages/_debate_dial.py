"""Dial the attention: set any word's weight and watch the answer, with undo."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import streamlit as st

from models.experiment_records import Imposed, Trial
from models.experiments.imposed import dealt, turned
from models.records import Analysis, Request
from models.zoo.catalogue import Card
from pages import _cache, _parts, _state, _words
from pages._address import WHOLE
from pages._state import Dialled, Key, View
from viz import debate, debate_charts, wording

MOST_UNDO = 50


def own_weights(analysis: Analysis, trial: Trial) -> tuple[float, ...]:
    """The reader's weights of the words that are read."""
    weights = analysis.trace.weights or ()
    return tuple(weights[place] for place in trial.kept)


@st.fragment
def dial(
    card: Card, request: Request, analysis: Analysis, trial: Trial, others: Sequence[Analysis], view: View, dark: bool,
) -> None:
    """The controls and what they do; turning them reruns only this."""
    own, place, scale = own_weights(analysis, trial), view.colours[card.spec.id], view.scale
    history = _history(card, request.text, trial, own)
    now = history[-1]
    _word_and_weight(trial, now)
    _buttons(trial, own, now, others)
    found = _parts.need(_cache.imposed(card, request, now))
    _say(found)
    st.html(debate.maps_html(analysis, trial, (("Its own attention", found.own), ("Yours", found.weights)), scale))
    _parts.chart(debate_charts.weight_chart(trial, found.own, found.weights, ("its own", "yours"), place, dark))
    _parts.how_to_read(
        "Raise a word and the others give way in proportion. The token states stay as they are; only the weights "
        "change.",
        _words.JSD, _words.TVD,
    )  # fmt: skip
    _state.publish(view)


def _say(found: Imposed) -> None:
    """The answer under these weights, and how far they are."""
    flipped = " The answer changed." if found.flipped else ""
    st.text(
        f"{debate.shift(found.before, found.after)}.{flipped}\n"
        f"Output changed by {wording.number(found.change)} (TVD); weights changed by {wording.number(found.distance)} "
        f"(JSD, at most {wording.number(found.most)})."
    )


def _history(card: Card, text: str, trial: Trial, own: tuple[float, ...]) -> list[tuple[float, ...]]:
    """The weights set so far for this reader and text, its own first; at first those of a link."""
    state = st.session_state
    fresh = Dialled(card.spec.id, card.spec.digest, text, trial.kept, [own])
    found: Dialled | None = state.get(Key.DIALLED)
    if found is None or dataclasses.replace(found, history=[own]) != fresh:
        state[Key.DIALLED] = found = fresh
        state.pop(Key.DIAL_WORD, None)
        asked = state.pop(Key.WEIGHTS, None)
        if asked is not None and len(asked) == len(own):
            found.history.append(tuple(math.fsum(own) * part / WHOLE for part in asked))
        elif asked is not None:
            st.warning(
                f"The link dials {wording.count(len(asked), 'word')}, but {len(own)} are read here; the reader's own "
                "weights are shown."
            )
    return found.history


def _word_and_weight(trial: Trial, now: tuple[float, ...]) -> None:
    """Which word, and its weight; the clicked word of the other pages stands first."""
    state = st.session_state
    if state.get(Key.DIAL_WORD) not in range(len(now)):
        clicked = _state.chosen(len(trial.tokens))
        heaviest = max(range(len(now)), key=now.__getitem__)
        state[Key.DIAL_WORD] = trial.kept.index(clicked) if clicked in trial.kept else heaviest
    state[Key.DIAL_WEIGHT] = round(100 * now[state[Key.DIAL_WORD]], 1)
    first, second = st.columns(2)
    first.selectbox(
        "Word", range(len(now)), key=Key.DIAL_WORD, filter_mode="contains",
        # The browser answers with a label, so labels stay the same while weights change.
        format_func=lambda i: f"{trial.kept[i] + 1}  {debate.word(trial, i)}",
    )  # fmt: skip
    second.slider(
        "Its weight", 0.0, 100.0, key=Key.DIAL_WEIGHT, step=0.1, format="%.1f %%", on_change=_turned, args=(now,),
        help="Arrow keys move it in small steps, Page Up and Page Down in large ones.",
    )  # fmt: skip


def _buttons(
    trial: Trial, own: tuple[float, ...], now: tuple[float, ...], others: Sequence[Analysis]
) -> None:
    """Undo, back, equal, permuted, and another reader's weights."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        history = st.session_state[Key.DIALLED].history
        st.button("Undo", key=Key.DIAL_UNDO, on_click=_undo, disabled=len(history) < 2)
        st.button("Its own", key=Key.DIAL_OWN, on_click=_set, args=(own,), disabled=now == own)
        st.button("All equal", key=Key.DIAL_EQUAL, on_click=_set, args=((1 / len(own),) * len(own),))
        st.button("Permute", key=Key.DIAL_PERMUTE, on_click=_set, args=(dealt(now, len(history)),),
                  help="Deal the weights to other words.")  # fmt: skip
        for other in others:
            weights = own_weights(other, trial)
            st.button(
                f"Take {other.model.title}'s", key=Key.dial_from(other.model.id), on_click=_set, args=(weights,),
                disabled=not any(weights), help="Transplant: this reader's states under the other one's weights.",
            )  # fmt: skip


def _turned(now: tuple[float, ...]) -> None:
    """Give the word its weight and scale the others to what is left."""
    state = st.session_state
    set_to = turned(now, state[Key.DIAL_WORD], state[Key.DIAL_WEIGHT] / 100)
    if any(set_to):
        _set(set_to)


def _set(weights: tuple[float, ...]) -> None:
    history = st.session_state[Key.DIALLED].history
    history.append(weights)
    # The reader's own stay at the bottom.
    del history[1 : max(1, len(history) - MOST_UNDO)]


def _undo() -> None:
    history = st.session_state[Key.DIALLED].history
    if len(history) > 1:
        history.pop()
