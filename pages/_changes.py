"""What happens when a widget changes: callbacks that keep the session's keys consistent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import streamlit as st

from models.zoo.catalogue import Card
from pages import _address
from pages._examples import examples
from pages._state import MOST_READERS, Key, tail, word
from viz import entities

LONGEST: Final = 40_000  # characters kept of a pasted text: far beyond what any reader reads
FIRST_READERS: Final = ("bilstm/attention", "bilstm/apln", "cnn/max")


def touched() -> None:
    """Any choice: what was said about the link has been seen."""
    st.session_state[Key.NOTES] = []


def task_changed(cards: Sequence[Card]) -> None:
    """Keep the readers' make-up where the new task has it, and the visitor's own text."""
    state = st.session_state
    touched()
    wanted = [str(tail(reader)) for reader in state[Key.READERS]]
    state[Key.READERS] = first_readers(state[Key.TASK], cards, wanted)
    state[Key.PLACES] = {reader: place for place, reader in enumerate(state[Key.READERS])}
    state[Key.TARGET] = state[Key.VERSUS] = ""
    for key in (Key.READER, Key.NORM_READER, Key.SWAP_READER, Key.SHOWN):
        state.pop(key, None)
    if state.get(Key.EXAMPLE) is not None or not state[Key.TEXT]:
        show(next(iter(examples(state[Key.TASK]))))
    else:
        fresh(state[Key.TEXT])


def readers_changed() -> None:
    """Who stays keeps the colour, who comes gets the first free one."""
    state = st.session_state
    touched()
    places = {reader: place for reader, place in state[Key.PLACES].items() if reader in state[Key.READERS]}
    for reader in state[Key.READERS]:
        if reader not in places:
            places[reader] = min(set(range(MOST_READERS)) - set(places.values()))
    state[Key.PLACES] = places


def read_with(reader: str, cards: Sequence[Card]) -> None:
    """Take a classifier of any task among the readers; where all places are taken, the last one goes."""
    state, task = st.session_state, reader.partition("/")[0]
    if state[Key.TASK] != task:
        state[Key.TASK] = task
        task_changed(cards)
    if reader not in state[Key.READERS]:
        state[Key.READERS] = [*state[Key.READERS][: MOST_READERS - 1], reader]
        readers_changed()
    # st.switch_page, unlike a link, forgets what widgets hold unless it was set by hand.
    choices = (Key.METHODS, Key.TARGET, Key.VERSUS, Key.SCALAR, Key.SCALE)
    for key in (Key.TASK, Key.READERS, Key.EXAMPLE, Key.DRAFT, *choices):
        state[key] = state[key]


def example_changed() -> None:
    """Read the example at once; without one the text stays as it is."""
    touched()
    if st.session_state[Key.EXAMPLE] is not None:
        show(st.session_state[Key.EXAMPLE])


def read() -> None:
    """Take the draft over as the text to read."""
    state = st.session_state
    touched()
    draft = _address.clean(state.get(Key.DRAFT) or "")
    if len(draft) > LONGEST:
        state[Key.NOTES] = [f"The text has {len(draft):,} characters; the first {LONGEST:,} were kept."]
        draft = draft[:LONGEST]
    if draft == state[Key.TEXT]:
        return
    same = [example.id for example in examples(state[Key.TASK]).values() if example.text == draft.strip()]
    state[Key.EXAMPLE] = same[0] if same else None
    fresh(draft)


def fresh(text: str) -> None:
    """Start on ``text``: nothing edited, no word chosen, nothing shared."""
    state = st.session_state
    state[Key.TEXT] = state[Key.DRAFT] = text
    state[Key.EDITS], state[Key.SHARED], state[Key.WORD] = (), False, None
    state[Key.ROUND] = state.get(Key.ROUND, 0) + 1


def edit(how: Literal["deleted", "masked"]) -> None:
    """Delete or mask the chosen word; doing the other thing to it replaces what was done."""
    index = word()
    if index is not None:
        kept = tuple(made for made in st.session_state[Key.EDITS] if made[1] != index)
        st.session_state[Key.EDITS] = (*kept, (how, index))


def mark(start: int, end: int, name: str) -> None:
    """Mark the chosen word as one of the two that a relation task asks about; the text becomes the visitor's own."""
    state = st.session_state
    touched()
    state[Key.EXAMPLE] = None
    fresh(entities.marked(state[Key.TEXT], start, end, name))


def picker_opened() -> None:
    """Show all methods, those that are drawn ticked."""
    state = st.session_state
    state[Key.PICKING], state[Key.PICKED] = True, list(state[Key.METHODS])


def method_ticked(offer: str) -> None:
    """Note a method, after those already there, or leave it out; the window tells the sidebar when it closes."""
    # The browser still holds the sidebar's own list and would send it back if it were changed under it.
    picked = st.session_state[Key.PICKED]
    kept = [key for key in picked if key != offer]
    st.session_state[Key.PICKED] = kept if offer in picked else [*kept, offer]


def picker_closed() -> None:
    """Draw what was ticked."""
    state = st.session_state
    touched()
    state[Key.PICKING] = False
    if state[Key.PICKED] != state[Key.METHODS]:
        state[Key.METHODS] = state[Key.PICKED]


def undo() -> None:
    """Take back the last edit."""
    st.session_state[Key.EDITS] = st.session_state[Key.EDITS][:-1]


def restore() -> None:
    """Take back all edits."""
    st.session_state[Key.EDITS] = ()


def dial_moved(learned: float) -> None:
    """Remember where the dial stands; the learned value is remembered as itself, whatever it is."""
    touched()
    p = st.session_state[Key.DIAL]
    st.session_state[Key.P] = None if p == learned else p


def pieces_turned() -> None:
    """Show pieces or words; the chosen word stays chosen."""
    touched()
    st.session_state[Key.WORD] = word()


def reference_chosen() -> None:
    """Remember that all pairs of maps were asked for, however many they are."""
    st.session_state[Key.ALL_ASKED] = st.session_state[Key.REFERENCE] == ""


def k_moved() -> None:
    """Remember how many words are to be compared, also for texts that have fewer."""
    touched()
    st.session_state[Key.TOP] = st.session_state[Key.K]


def dial_back() -> None:
    """Let the dial follow the learned value again."""
    st.session_state[Key.P] = None


def share() -> None:
    """Put the text into the link, this text only."""
    st.session_state[Key.SHARED] = True


def show(example: str) -> None:
    """Read an example of the task."""
    st.session_state[Key.EXAMPLE] = example
    fresh(examples(st.session_state[Key.TASK])[example].text)


def first_readers(task: str, cards: Sequence[Card], wanted: Sequence[str]) -> list[str]:
    """Readers of ``task``: those wanted that exist, else a telling few, else the first ones."""
    known = [card.spec.id for card in cards if card.spec.task == task]
    found = [f"{task}/{tail}" for tail in wanted if f"{task}/{tail}" in known]
    preferred = [f"{task}/{tail}" for tail in FIRST_READERS if f"{task}/{tail}" in known]
    return found or list(dict.fromkeys((*preferred, *known)))[:3]
