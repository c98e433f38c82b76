"""All session keys, and what they mean together: the visitor's :class:`View`.

``_opening`` sets the keys from the address, widgets write them, ``_changes`` keeps them consistent,
:func:`settle` reads them as one typed value and :func:`publish` writes them into the address bar.
Own text gets there only when asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from models.records import SCALARS, THROUGH, MethodCall, Request, Scalar
from pages import _address, _frame
from pages._address import Address, Edit
from viz import disagreement, scale

MOST_READERS: Final = 6
LONGEST_SHARED: Final = _address.LONGEST_TEXT
SCALES: Final = tuple(scale.SCALES)
LOWEST_P, HIGHEST_P = 0.1, 50.0
FIRST_K: Final = 5
MEASURES: Final = tuple(disagreement.NAMES)
TWINS: Final = "twins"  # the debate's last experiment but one, whose pictures are of other readers


class Key:
    """Names in ``st.session_state``; those in lower case without a dot belong to one widget each."""

    TASK, READERS, DRAFT, EXAMPLE = "task", "readers", "draft", "example"
    METHODS, TARGET, SCALE, READ, SHARE = "methods", "target", "scale", "read", "share"
    SCALAR, VERSUS = "scalar", "versus"
    DELETE, MASK, UNDO, RESTORE = "delete", "mask", "undo", "restore"
    ENTITIES = {"e1": "mark_e1", "e2": "mark_e2"}
    READER, AGAINST, NORM_READER, DIAL, LEARNED = "reader", "against", "norm_reader", "dial", "learned"
    METRIC, REFERENCE, TRAINED, BAGS, NEAR = "metric", "reference", "trained", "bags", "near"
    SENTENCE, SECTION, TABLE, COMPARE, FILM = "sentence", "section", "table", "compare", "film"
    TASKS, ENCODERS, POOLERS, RUNS, CURVES = "tasks", "encoders", "poolers", "runs", "curves"
    CARD, CARD_FILE, VARIANT, OVER = "card", "card_file", "variant", "over"
    PICKER, DRAW, CANCEL, RESUME = "picker", "draw", "cancel", "resume"
    K, MEASURE, DISAGREE, ALL_PAIRS, PIECES = "k", "measure", "disagree", "all_pairs", "pieces"
    PIECEWISE = "tokens.pieces"
    EXPERIMENT, NUMBER, DIAL_WORD, DIAL_WEIGHT = "experiment", "number", "dial_word", "dial_weight"
    DIAL_UNDO, DIAL_OWN, DIAL_EQUAL, DIAL_PERMUTE = "dial_undo", "dial_own", "dial_equal", "dial_permute"
    PANEL, THROUGH = "twins_panel", "through"
    CLASSES, LINKED = "classes", "linked"
    LAB, FREEZE, SWAP_READER, LEARNED_BY = "norm_lab", "norm_freeze", "norm_swap", "norm_variant"
    # Not widgets:
    OPEN, TEXT, PLACES, EDITS, SHARED = "state.open", "state.text", "state.places", "state.edits", "state.shared"
    NOTES, ROUND, WORD, VIEW, P = "state.notes", "state.round", "state.word", "state.view", "state.p"
    CLICKED, PICKING, PICKED, TOP = "state.clicked", "state.picking", "state.picked", "state.top"
    ALL_ASKED, DIALLED, SETTING = "state.all_asked", "state.dialled", "state.setting"
    WEIGHTS, SHOWN = "state.weights", "state.shown"

    @staticmethod
    def tokens() -> str:
        """The token component of the text now shown: a new text gets a new one, without a choice."""
        return f"tokens.{st.session_state[Key.ROUND]}"

    @staticmethod
    def marked(kept: Sequence[int]) -> str:
        """The words that a visitor marked as evidence in the text now shown, while these of its words are read."""
        return f"marked.{st.session_state[Key.ROUND]}.{hash(tuple(kept))}"

    @staticmethod
    def dial_from(model_id: str) -> str:
        """The button that takes another reader's weights."""
        return f"dial_from.{model_id}"

    @staticmethod
    def param(method: str, name: str) -> str:
        """The widget of one parameter of one method."""
        return f"param.{method}.{name}"

    @staticmethod
    def strength(panel: str) -> str:
        """The slider over λ of one question to a reader's twins."""
        return f"twins_strength.{panel}"

    @staticmethod
    def pick(offer: str) -> str:
        """The tick of one offer in the list of all methods."""
        return f"pick.{offer}"

    @staticmethod
    def download(page: str, kind: str) -> str:
        """A page's button for one kind of file."""
        return f"download.{page}.{kind}"


@dataclass(frozen=True, slots=True)
class Dialled:
    """The weights that were set by hand for the words ``kept`` of a text, the reader's own first, the last ones now."""

    reader: str
    digest: str
    text: str
    kept: tuple[int, ...]
    history: list[tuple[float, ...]]


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
    scale: str
    edits: tuple[Edit, ...]
    scalar: Scalar = "logit"
    against: int | None = None

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
            scalar=self.scalar,
            against=self.against,
        )


def settle(methods: Sequence[MethodCall], labels: Sequence[str]) -> View:
    """Take the visitor's choices together; the page that runs next finds them with :func:`take`."""
    state = st.session_state
    target, versus, scalar = (state.get(key) for key in (Key.TARGET, Key.VERSUS, Key.SCALAR))
    places = sorted(state[Key.PLACES].items(), key=lambda item: item[1])
    state[Key.VIEW] = view = View(
        task=state[Key.TASK],
        readers=tuple(reader for reader, _ in places),
        places=tuple(places),
        text=state[Key.TEXT],
        methods=tuple(methods),
        target=list(labels).index(target) if target in labels else None,
        scale=state[Key.SCALE],
        edits=tuple(state[Key.EDITS]),
        scalar=scalar if scalar in SCALARS else SCALARS[0],
        against=list(labels).index(versus) if versus in labels and scalar == SCALARS[0] else None,
    )
    return view


def take() -> View:
    """The choices that ``app.py`` took together in this very run; a page without it starts it."""
    if Key.VIEW not in st.session_state:
        _frame.ensure()
    found: View = st.session_state.pop(Key.VIEW)
    return found


def publish(view: View) -> None:
    """Write the choices into the address bar, so that a copied link opens this view."""
    state = st.session_state
    example, shared = state.get(Key.EXAMPLE), state[Key.SHARED]
    readable = example is not None or shared
    by_place = {place: reader for reader, place in view.places}
    experiment = state.get(Key.EXPERIMENT)
    panel = state.get(Key.PANEL) if experiment == TWINS else None
    lab = state.get(Key.LAB)
    address = Address(
        task=view.task,
        readers=tuple(tail(by_place.get(place)) for place in range(MOST_READERS)),
        methods=view.methods,
        target=state.get(Key.TARGET),
        scale=view.scale if view.scale != SCALES[0] else None,
        scalar=view.scalar if view.scalar != SCALARS[0] else None,
        versus=None if view.against is None else state.get(Key.VERSUS),
        example=example,
        text=view.text if shared and example is None else None,
        # Places of words mean nothing without the text they count in.
        edits=view.edits if readable else None,
        word=word() if readable else None,
        reader=tail(state.get(Key.READER)),
        norm=tail(state.get(Key.NORM_READER)),
        against=state.get(Key.AGAINST),
        p=state.get(Key.P),
        sentence=state.get(Key.SENTENCE),
        section=state.get(Key.SECTION),
        pieces="1" if state.get(Key.PIECES) else None,
        k=state[Key.TOP] if state[Key.TOP] != FIRST_K else None,
        measure=state.get(Key.MEASURE) if state.get(Key.MEASURE) != MEASURES[0] else None,
        experiment=experiment,
        number=state.get(Key.NUMBER),
        through=state.get(Key.THROUGH) if state.get(Key.THROUGH) != THROUGH[0] else None,
        setting=setting(experiment),
        twins=panel,
        strength=strength(panel),
        lab=lab,
        weights=dialled(view, experiment) if readable else None,
        frozen="1" if state.get(Key.FREEZE) else None,
        swap=tail(state.get(Key.SWAP_READER)) if lab == "swap" else None,
        variant=state.get(Key.LEARNED_BY) if lab == "learned" else None,
        classes=state.get(Key.SHOWN),
    )
    params = _address.build(address)
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def setting(experiment: object) -> MethodCall | None:
    """What the sliders of the experiment shown say, where they do not say what is usual."""
    found: MethodCall | None = st.session_state.get(Key.SETTING)
    return found if found is not None and found.name == experiment and found.params else None


def dialled(view: View, experiment: object) -> tuple[int, ...] | None:
    """The weights set by hand for the reader and the text shown, where they are not its own and fit in a link."""
    found: Dialled | None = st.session_state.get(Key.DIALLED)
    if found is None or experiment != "dial" or (found.reader, found.text) != (st.session_state[Key.READER], view.text):
        return None
    own, now = found.history[0], found.history[-1]
    if now == own or len(now) > _address.MOST_WEIGHTS:
        return None
    return tuple(round(_address.WHOLE * weight / math.fsum(own)) for weight in now)


def strength(panel: object) -> float | None:
    """λ of the twin that is shown beside its reader."""
    found = st.session_state.get(Key.strength(str(panel)))
    return None if panel is None or found is None else float(found)


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


def tail(model_id: Any) -> str | None:  # noqa: ANN401  # whatever a session holds
    """``encoder/pooler`` of a model id."""
    return str(model_id).split("/", 1)[1] if model_id and "/" in str(model_id) else None
