"""All session keys, and what they mean together: the visitor's :class:`View`.

Widgets write their keys, callbacks keep the keys consistent, :func:`view` reads them as one typed
value, :func:`publish` writes them into the address bar. Own text gets there only when asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

import streamlit as st

from models.records import MethodCall, Request
from models.zoo.catalogue import Card
from pages import _address, _frame
from pages._address import Address, Edit
from pages._examples import examples

MOST_READERS: Final = 6
LONGEST: Final = 40_000  # characters kept of a pasted text: far beyond what any reader reads
LONGEST_SHARED: Final = _address.LONGEST_TEXT
FIRST_READERS: Final = ("bilstm/attention", "bilstm/apln", "cnn/max")
FIRST_METHODS: Final = ("attention", "exact_share", "integrated_gradients", "leave_one_out")
LOWEST_P, HIGHEST_P = 0.1, 50.0


class Key:
    """Names in ``st.session_state``; those in lower case without a dot belong to one widget each."""

    TASK, READERS, DRAFT, EXAMPLE = "task", "readers", "draft", "example"
    METHODS, TARGET, READ, SHARE = "methods", "target", "read", "share"
    DELETE, MASK, UNDO, RESTORE = "delete", "mask", "undo", "restore"
    READER, AGAINST, NORM_READER, DIAL, LEARNED = "reader", "against", "norm_reader", "dial", "learned"
    METRIC, REFERENCE = "metric", "reference"
    # Not widgets:
    OPEN, TEXT, PLACES, EDITS, SHARED = "state.open", "state.text", "state.places", "state.edits", "state.shared"
    NOTES, ROUND, WORD, VIEW, P = "state.notes", "state.round", "state.word", "state.view", "state.p"

    @staticmethod
    def tokens() -> str:
        """The token component of the text now shown: a new text gets a new one, without a choice."""
        return f"tokens.{st.session_state[Key.ROUND]}"

    @staticmethod
    def param(method: str, name: str) -> str:
        """The widget of one parameter of one method."""
        return f"param.{method}.{name}"

    @staticmethod
    def download(page: str, kind: str) -> str:
        """A page's button for one kind of file."""
        return f"download.{page}.{kind}"


@dataclass(frozen=True, slots=True)
class View:
    """Everything a page needs to know about the visitor's choices.

    ``readers`` are model ids in the order of their colours, ``places`` gives each id its colour.
    """

    task: str
    readers: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    text: str
    methods: tuple[MethodCall, ...]
    target: int | None
    edits: tuple[Edit, ...]

    @property
    def colours(self) -> dict[str, int]:
        """Place in the reader palette by model id."""
        return dict(self.places)

    def request(self, methods: Sequence[MethodCall] | None = None, *, edited: bool = True) -> Request:
        """The request these choices make, with other methods or before the edits if asked."""
        edits = self.edits if edited else ()
        return Request(
            text=self.text,
            methods=self.methods if methods is None else tuple(methods),
            target=self.target,
            deleted=tuple(index for how, index in edits if how == "deleted"),
            masked=tuple(index for how, index in edits if how == "masked"),
        )


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


def settle(methods: Sequence[MethodCall], labels: Sequence[str]) -> View:
    """Take the visitor's choices together; the page that runs next finds them in :func:`current`."""
    state = st.session_state
    target = state.get(Key.TARGET)
    places = sorted(state[Key.PLACES].items(), key=lambda item: item[1])
    state[Key.VIEW] = View(
        task=state[Key.TASK],
        readers=tuple(reader for reader, _ in places),
        places=tuple(places),
        text=state[Key.TEXT],
        methods=tuple(methods),
        target=list(labels).index(target) if target in labels else None,
        edits=tuple(state[Key.EDITS]),
    )
    return current()


def current() -> View:
    """The choices that ``app.py`` took together in this run."""
    if Key.VIEW not in st.session_state:
        _frame.ensure()
    found: View = st.session_state[Key.VIEW]
    return found


def publish(view: View) -> None:
    """Write the choices into the address bar, so that a copied link opens this view."""
    state = st.session_state
    example, shared = state.get(Key.EXAMPLE), state[Key.SHARED]
    readable = example is not None or shared
    by_place = {place: reader for reader, place in view.places}
    address = Address(
        task=view.task,
        readers=tuple(_tail(by_place.get(place)) for place in range(MOST_READERS)),
        methods=view.methods,
        target=state.get(Key.TARGET),
        example=example,
        text=view.text if shared and example is None else None,
        # Places of words mean nothing without the text they count in.
        edits=view.edits if readable else None,
        word=word() if readable else None,
        reader=_tail(state.get(Key.READER)),
        norm=_tail(state.get(Key.NORM_READER)),
        against=state.get(Key.AGAINST),
        p=state.get(Key.P),
    )
    params = _address.build(address)
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def link() -> str:
    """The address that opens this view."""
    return f"{st.context.url}?{urlencode(st.query_params.to_dict())}"


def word() -> int | None:
    """Index of the clicked token, as the component last told it."""
    found = st.session_state.get(Key.tokens())
    value = found.get("selected") if isinstance(found, Mapping) else st.session_state[Key.WORD]
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def chosen(count: int) -> int | None:
    """The clicked token of a text of ``count`` tokens."""
    index = word()
    return index if index is not None and index < count else None


# ---- what happens when a widget changes -------------------------------------------------------


def touched() -> None:
    """Any choice: what was said about the link has been seen."""
    st.session_state[Key.NOTES] = []


def task_changed(cards: Sequence[Card]) -> None:
    """Keep the readers' make-up where the new task has it, and the visitor's own text."""
    state = st.session_state
    touched()
    wanted = [str(_tail(reader)) for reader in state[Key.READERS]]
    state[Key.READERS] = _first_readers(state[Key.TASK], cards, wanted)
    state[Key.PLACES] = {reader: place for place, reader in enumerate(state[Key.READERS])}
    for key in (Key.TARGET, Key.READER, Key.NORM_READER):
        state.pop(key, None)
    if state.get(Key.EXAMPLE) is not None or not state[Key.TEXT]:
        _show(next(iter(examples(state[Key.TASK]))))
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


def example_changed() -> None:
    """Read the example at once; without one the text stays as it is."""
    touched()
    if st.session_state[Key.EXAMPLE] is not None:
        _show(st.session_state[Key.EXAMPLE])


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


def dial_back() -> None:
    """Let the dial follow the learned value again."""
    st.session_state[Key.P] = None


def share() -> None:
    """Put the text into the link, this text only."""
    st.session_state[Key.SHARED] = True


# ---- from an address to a session ---------------------------------------------------------------


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
    labels = next(card.spec.labels for card in cards if card.spec.task == task)
    if address.target in labels:
        state[Key.TARGET] = address.target
    elif address.target:
        notes.append(f"There is no class “{address.target}”; the predicted class is explained instead.")
    known = examples(task)
    if address.example and address.example not in known:
        notes.append(f"There is no example “{address.example}”; another one is read instead.")
    if address.text and address.example not in known:
        state[Key.EXAMPLE] = None
        fresh(address.text)
        state[Key.SHARED] = True
    else:
        _show(address.example if address.example in known else next(iter(known)))
    if address.text or address.example in known:
        state[Key.EDITS], state[Key.WORD] = address.edits or (), address.word
    # The pages that own these check them against what they offer.
    state[Key.READER] = f"{task}/{address.reader}" if address.reader else None
    state[Key.NORM_READER] = f"{task}/{address.norm}" if address.norm else None
    state[Key.AGAINST] = address.against
    state[Key.P] = None if address.p is None else min(max(address.p, LOWEST_P), HIGHEST_P)
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
        places = {reader: place for place, reader in enumerate(_first_readers(task, cards, ()))}
    return places, notes


def _first_readers(task: str, cards: Sequence[Card], wanted: Sequence[str]) -> list[str]:
    """Readers of ``task``: those wanted that exist, else a telling few, else the first ones."""
    known = [card.spec.id for card in cards if card.spec.task == task]
    found = [f"{task}/{tail}" for tail in wanted if f"{task}/{tail}" in known]
    preferred = [f"{task}/{tail}" for tail in FIRST_READERS if f"{task}/{tail}" in known]
    return found or list(dict.fromkeys((*preferred, *known)))[:3]


def _show(example: str) -> None:
    st.session_state[Key.EXAMPLE] = example
    fresh(examples(st.session_state[Key.TASK])[example].text)


def _tail(model_id: Any) -> str | None:  # noqa: ANN401  # whatever a session holds
    """``encoder/pooler`` of a model id."""
    return str(model_id).split("/", 1)[1] if model_id and "/" in str(model_id) else None
