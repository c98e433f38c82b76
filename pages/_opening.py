"""From an address to a session: every key is set from a parameter that names something that exists.

What it names and is not there is told in one sentence and replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from models.records import SCALARS, THROUGH, MethodCall
from models.zoo.catalogue import Card
from pages import _address
from pages._address import Address
from pages._changes import first_readers, fresh, readers_changed, show, task_changed
from pages._examples import examples
from pages._state import FIRST_K, HIGHEST_P, LOWEST_P, MEASURES, MOST_READERS, SCALES, Key

FIRST_METHODS: Final = ("attention", "exact_share", "integrated_gradients", "leave_one_out")


def begin(cards: Sequence[Card]) -> None:
    """Read the address once per session; afterwards only drop what the zoo no longer has."""
    state = st.session_state
    if Key.OPEN not in state:
        address, notes = _address.parse(st.query_params.to_dict())
        state[Key.OPEN] = True
        state[Key.NOTES] = [*notes, *_open(address, cards)]
        return
    known = {card.spec.id for card in cards if card.spec.task == state[Key.TASK]}
    if not known:
        state[Key.TASK] = cards[0].spec.task
        task_changed(cards)
    elif any(reader not in known for reader in state[Key.READERS]):
        state[Key.READERS] = [reader for reader in state[Key.READERS] if reader in known]
        readers_changed()


def _open(address: Address, cards: Sequence[Card]) -> list[str]:
    """Set every key from ``address`` where it names something that exists; say where it does not."""
    state, notes = st.session_state, []
    tasks = list(dict.fromkeys(card.spec.task for card in cards))
    state[Key.TASK] = "sst2" if "sst2" in tasks else tasks[0]
    if address.task in tasks:
        state[Key.TASK] = address.task
    elif address.task:
        notes.append(f"There is no task “{address.task}” here; {state[Key.TASK]} is shown instead.")
    task = state[Key.TASK]
    state[Key.PLACES], sentences = _places(address.readers or (), task, cards)
    state[Key.READERS] = list(state[Key.PLACES])
    notes += sentences
    state[Key.METHODS] = list(address.methods) if address.methods else [MethodCall(name) for name in FIRST_METHODS]
    state[Key.TARGET] = ""
    labels = next(card.spec.labels for card in cards if card.spec.task == task)
    if address.target in labels:
        state[Key.TARGET] = address.target
    elif address.target:
        notes.append(f"There is no class “{address.target}”; the predicted class is explained instead.")
    state[Key.VERSUS], state[Key.SCALAR] = "", SCALARS[0]
    if address.versus in labels:
        state[Key.VERSUS] = address.versus
    elif address.versus:
        notes.append(f"There is no class “{address.versus}” to compare with; the class is explained alone.")
    if address.scalar in SCALARS:
        state[Key.SCALAR] = address.scalar
    elif address.scalar:
        notes.append(f"A map cannot explain “{address.scalar}” of a class; its {SCALARS[0]} is explained instead.")
    state[Key.SCALE] = address.scale if address.scale in SCALES else SCALES[0]
    if address.scale and address.scale != state[Key.SCALE]:
        notes.append(f"There is no colour scale “{address.scale}”; {state[Key.SCALE]} is used instead.")
    known = examples(task)
    if address.example and address.example not in known:
        notes.append(f"There is no example “{address.example}”; another one is read instead.")
    if address.text and address.example not in known:
        state[Key.EXAMPLE] = None
        fresh(address.text)
        state[Key.SHARED] = True
    else:
        show(address.example if address.example in known else next(iter(known)))
    if address.text or address.example in known:
        state[Key.EDITS], state[Key.WORD] = address.edits or (), address.word
    # The pages that own these check them against what they offer.
    state[Key.READER] = f"{task}/{address.reader}" if address.reader else None
    state[Key.NORM_READER] = f"{task}/{address.norm}" if address.norm else None
    state[Key.AGAINST] = address.against
    state[Key.SENTENCE], state[Key.SECTION] = address.sentence, address.section
    state[Key.EXPERIMENT], state[Key.NUMBER] = address.experiment, address.number
    state[Key.SETTING], state[Key.LAB], state[Key.PANEL] = address.setting, address.lab, address.twins
    if address.twins and address.strength is not None:
        state[Key.strength(address.twins)] = f"{address.strength:g}"
    state[Key.WEIGHTS], state[Key.SHOWN], state[Key.LEARNED_BY] = address.weights, address.classes, address.variant
    state[Key.FREEZE] = address.frozen == "1"
    state[Key.SWAP_READER] = f"{task}/{address.swap}" if address.swap else None
    state[Key.THROUGH] = address.through if address.through in THROUGH else THROUGH[0]
    if address.through and address.through != state[Key.THROUGH]:
        notes.append(f"A gradient cannot take the attention “{address.through}”; {THROUGH[0]} is shown instead.")
    state[Key.P] = None if address.p is None else min(max(address.p, LOWEST_P), HIGHEST_P)
    state[Key.PIECES] = address.pieces == "1"
    state[Key.TOP] = address.k or FIRST_K
    state[Key.MEASURE] = address.measure if address.measure in MEASURES else MEASURES[0]
    if address.measure and address.measure != state[Key.MEASURE]:
        notes.append(f"There is no measure “{address.measure}” of agreement; {state[Key.MEASURE]} is shown instead.")
    if state[Key.P] != address.p:
        notes.append(f"The dial runs from {LOWEST_P:g} to {HIGHEST_P:g}; the link's p = {address.p:g} lies outside.")
    return notes


def _places(wanted: Sequence[str | None], task: str, cards: Sequence[Card]) -> tuple[dict[str, int], list[str]]:
    """Give every known reader of the address its place; defaults where none is left."""
    known = {card.spec.id for card in cards if card.spec.task == task}
    notes = [f"There is no reader “{tail}” for this task, so it is left out."
             for tail in wanted if tail and f"{task}/{tail}" not in known]  # fmt: skip
    if len(wanted) > MOST_READERS:
        notes.append(f"At most {MOST_READERS} readers fit side by side; the others are left out.")
    places: dict[str, int] = {}
    for place, tail in enumerate(wanted[:MOST_READERS]):
        if tail and f"{task}/{tail}" in known:
            places.setdefault(f"{task}/{tail}", place)
    if not places:
        places = {reader: place for place, reader in enumerate(first_readers(task, cards, ()))}
    return places, notes
