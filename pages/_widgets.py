"""Pickers of the pages, drawn from the zoo and the registries."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from models.experiment_records import Measured
from models.records import THROUGH, Analysis, MethodCall, Param, Through
from models.study_records import StudyRanking, StudySummary
from models.zoo.catalogue import Card
from pages import _cache, _catalogue, _changes, _methods, _parts
from pages._examples import ordered, task
from pages._state import Key
from viz import agreement, markup, palette, wording

FEW_MAPS: Final = 6  # fifteen pairs


def pick_one(
    label: str, key: str, options: Sequence[str], title: Callable[[str], str], first: str | None = None,
    known: Sequence[str] | None = None, unknown: str = "",
) -> str:  # fmt: skip
    """One of ``options``; what is not even ``known`` came from a link and is told."""
    wanted = st.session_state.get(key)
    if wanted not in options:
        if wanted is not None and wanted not in (known or options):
            st.warning(_parts.plain(unknown.format(wanted)))
        st.session_state[key] = first if first in options else options[0]
    return str(st.selectbox(
        label, options, key=key, format_func=title, persist_state="session", filter_mode=None,
        on_change=_changes.touched, width=320,
    ))  # fmt: skip


def pick_reader(key: str, offered: Sequence[Card], zoo: _cache.Zoo) -> Card:
    """One classifier of those offered, by its title."""
    by_id = {card.spec.id: card for card in offered}
    chosen = pick_one(
        "Reader", key, list(by_id), lambda name: by_id[name].spec.title, known=[card.spec.id for card in zoo.cards],
        unknown="There is no reader “{}”; another one is shown.",
    )  # fmt: skip
    return by_id[chosen]


def pick_against() -> MethodCall:
    """The method that attention is compared with, with the settings made in the sidebar."""
    offers = {key: offer for key, offer in _methods.offers().items() if offer.call.name != "attention"}
    chosen = pick_one(
        "Compare attention with", Key.AGAINST, list(offers), lambda key: offers[key].title, first="input_gradient",
        unknown="There is no method “{}”; another one is shown.",
    )  # fmt: skip
    return _methods.calls([chosen], setting)[0]


def pick_agreement(analyses: Sequence[Analysis]) -> tuple[str, str | None]:
    """Which metric, and one map to compare all others with (or ``None`` for all pairs)."""
    titles = {a.key: a.title for analysis in analyses for a in analysis.attributions}
    state = st.session_state
    if state.get(Key.REFERENCE) not in titles and not state.get(Key.ALL_ASKED):
        # All pairs of many maps are a long list: one map against all others is a short one.
        state[Key.REFERENCE] = "" if len(titles) <= FEW_MAPS else next(iter(titles))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.segmented_control(
            "Agreement", list(agreement.NAMES), key=Key.METRIC, format_func=lambda name: agreement.NAMES[name],
            default="kendall_tau", required=True, persist_state="session",
        )  # fmt: skip
        reference = st.selectbox(
            "Compare", ["", *titles], key=Key.REFERENCE, persist_state="session", filter_mode=None, width=260,
            on_change=_changes.reference_chosen,
            format_func=lambda key: f"all maps with {titles[key]}" if key in titles else "all pairs of maps",
        )  # fmt: skip
    return str(metric), reference or None


def pick_trained(zoo: _cache.Zoo) -> Card | None:
    """A classifier whose training was recorded."""
    recorded = {card.spec.id: card for card in zoo.cards if card.record.get("history")}
    if not recorded:
        return None
    followed = st.session_state.get(Key.NORM_READER)
    chosen = pick_one(
        "Classifier", Key.TRAINED, list(recorded), lambda name: f"{task(recorded[name].spec.task).data}: "
        f"{recorded[name].spec.title}", first=followed,
    )  # fmt: skip
    return recorded[chosen]


def pick_sentence(texts: Sequence[str]) -> int:
    """One of the sentences that a task's classifiers were followed on, by its place."""
    wanted = st.session_state.get(Key.SENTENCE)
    if wanted is None or wanted >= len(texts):
        if wanted is not None:
            st.warning(f"There is no sentence {wanted} to follow in this task; the first one is shown.")
        st.session_state[Key.SENTENCE] = 0
    return int(st.selectbox(
        "Sentence", range(len(texts)), key=Key.SENTENCE, format_func=lambda place: markup.visible(texts[place]),
        persist_state="session", filter_mode=None, on_change=_changes.touched,
        help="Written for this purpose and fixed before training: after every epoch each classifier read them anew.",
    ))  # fmt: skip


def pick_section(titles: Mapping[str, str]) -> str:
    """Which part of the zoo to see; only that one is worked out."""
    if st.session_state.get(Key.SECTION) not in titles:
        if st.session_state.get(Key.SECTION) is not None:
            st.warning(_parts.plain(f"There is no section “{st.session_state[Key.SECTION]}”; the first one is shown."))
        st.session_state[Key.SECTION] = next(iter(titles))
    return str(st.segmented_control(
        "Section", list(titles), key=Key.SECTION, format_func=titles.__getitem__, required=True,
        label_visibility="collapsed", persist_state="session", on_change=_changes.touched,
    ))  # fmt: skip


def pick_experiment(titles: Mapping[str, str]) -> str:
    """Which experiment of the debate to see; only that one is done."""
    return _pick_one("experiment", Key.EXPERIMENT, titles)


def pick_number(titles: Mapping[str, str]) -> str:
    """Which number of the debate to see over the test sets."""
    return _pick_one("number", Key.NUMBER, titles)


def pick_question(titles: Mapping[str, str]) -> str:
    """Which question to ask of a reader's twins."""
    return _pick_one("question to these twins", Key.PANEL, titles)


def pick_lab(titles: Mapping[str, str]) -> str:
    """Which part of the norm laboratory is open."""
    return _pick_one("part of the laboratory", Key.LAB, titles)


def pick_through(attends: bool) -> Through:
    """Whether the ladder's gradients pass through the attention weights; only where there are some."""
    titles = {"attached": "Attached: through the weights", "detached": "Detached: weights held constant"}
    found: Through = st.segmented_control(
        "Gradients in the ladder", THROUGH, key=Key.THROUGH, format_func=titles.__getitem__, required=True,
        persist_state="session", disabled=not attends, on_change=_changes.touched,
    )  # fmt: skip
    return found


def pick_classes(found: Measured, first: Sequence[int], most: int) -> list[int]:
    """Up to ``most`` predicted classes, where there are more to choose from; those of ``first`` to begin with."""
    there, state, key = sorted(set(found.predicted)), st.session_state, f"{Key.CLASSES}.{found.data}"
    asked, state[Key.SHOWN] = state.get(Key.SHOWN), None
    if len(there) <= len(first):
        return there
    if key not in state and asked is not None:
        state[key] = [place for place in asked if place in there][:most]
        if len(state[key]) < len(asked):
            st.warning(f"Not every class of the link can be drawn; up to {most} that this reader predicts can.")
    if not state.get(key):
        state[key] = list(first)
    chosen = st.multiselect(
        "Predicted classes", there, key=key, format_func=lambda place: found.labels[place], max_selections=most,
        persist_state="session", help=f"Up to {most} beside each other; at first those predicted most often.",
    )  # fmt: skip
    shown = sorted(place for place in chosen if place in there) or list(first)
    state[Key.SHOWN] = None if shown == sorted(first) else tuple(shown)
    return shown


def _pick_one(what: str, key: str, titles: Mapping[str, str]) -> str:
    """One of several in a row of buttons, the first one unless the address says otherwise."""
    wanted = st.session_state.get(key)
    if wanted not in titles:
        if wanted is not None:
            st.warning(_parts.plain(f"There is no {what} “{wanted}”; the first one is shown."))
        st.session_state[key] = next(iter(titles))
    return str(st.segmented_control(
        what.capitalize(), list(titles), key=key, format_func=titles.__getitem__, required=True,
        label_visibility="collapsed", persist_state="session", on_change=_changes.touched,
    ))  # fmt: skip


def slide(owner: str, field: dataclasses.Field[Any]) -> Param:
    """One parameter: a slider or a list of choices, from the field's own facts."""
    facts, kind, key = field.metadata, type(field.default), Key.param(owner, field.name)
    st.session_state.setdefault(key, field.default)
    if "choices" in facts:
        return str(st.selectbox(
            facts["title"], facts["choices"], key=key, help=facts["help"], width=320, filter_mode=None,
            format_func=lambda name: facts.get("words", {}).get(name, name), persist_state="session",
        ))  # fmt: skip
    decimals = len(str(facts["step"]).partition(".")[2])
    value: Param = st.slider(
        facts["title"], kind(facts["min"]), kind(facts["max"]), step=kind(facts["step"]), key=key, help=facts["help"],
        format="%d" if kind is int else f"%.{decimals}f", persist_state="session", width=320,
    )  # fmt: skip
    return value


def pick_cards(zoo: _cache.Zoo) -> tuple[Card, ...]:
    """The classifiers that pass three filters; nothing chosen lets everything through."""
    columns = st.columns(3)
    tasks = {name: task(name).name for name in ordered(card.spec.task for card in zoo.cards)}
    encoders = {card.spec.encoder: _catalogue.encoder(card) for card in zoo.cards}
    poolers = {card.spec.pooler: card.spec.title.partition(" · ")[2] or card.spec.pooler for card in zoo.cards}
    chosen = [
        column.multiselect(
            label, list(titles), key=key, format_func=lambda name, titles=titles: titles.get(name, name),
            placeholder="all", persist_state="session", select_all=False,
        )  # fmt: skip
        for column, label, key, titles in (
            (columns[0], "Task", Key.TASKS, tasks),
            (columns[1], "Encoder", Key.ENCODERS, encoders),
            (columns[2], "Pooler", Key.POOLERS, poolers),
        )
    ]
    return _catalogue.narrowed(zoo.cards, *chosen)


def pick_runs() -> bool:
    """Whether to list every run, where several seeds of one cell are there."""
    return bool(st.toggle("Every run on a row of its own", key=Key.RUNS, persist_state="session"))


def pick_card(by_id: Mapping[str, Card], clicked: str | None) -> Card:
    """The classifier whose card is open: the row clicked last, or the one chosen from the list."""
    state = st.session_state
    if clicked is not None and clicked != state.get(Key.CLICKED):
        state[Key.CARD] = clicked
    state[Key.CLICKED] = clicked
    chosen = pick_one(
        "Card", Key.CARD, list(by_id), lambda name: _catalogue.called(by_id[name]),
        known=[*by_id, str(state.get(Key.CARD))],
    )  # fmt: skip
    return by_id[chosen]


def pick_courses(
    zoo: _cache.Zoo, readers: Sequence[str], colours: Mapping[str, int]
) -> tuple[tuple[Card, ...], dict[str, int]]:
    """Up to six classifiers whose training was recorded, the readers at first, and their colours."""
    recorded = {card.spec.id: card for card in zoo.cards if card.record.get("history")}
    kept = [name for name in st.session_state.get(Key.CURVES, readers) if name in recorded]
    st.session_state[Key.CURVES] = kept
    places = _catalogue.places(kept, colours)

    def title(name: str) -> str:
        mark = f"{palette.mark(places[name])}  " if name in places else ""
        return mark + _catalogue.called(recorded[name])

    chosen = st.multiselect(
        "Classifiers", list(recorded), key=Key.CURVES, max_selections=len(palette.READERS), select_all=False,
        format_func=title, persist_state="session", placeholder="Add a classifier",
    )  # fmt: skip
    return tuple(recorded[name] for name in chosen), places


def encoder_titles() -> dict[str, str]:
    """What every encoder is called."""
    return {name: str(encoder.title) for name, encoder in _methods.encoders().items()}


def pick_variant(said: StudySummary, claim: str) -> str:
    """Which pooler to compare with attention; the one that the claim is about stands first."""
    variants = sorted(dict.fromkeys(found.variant for found in said.differences), key=lambda name: name != claim)
    return pick_one(f"Compare with {said.differences[0].against}", Key.VARIANT, variants, str, known=variants,
                    unknown="There is no pooler “{}” in the study; another one is shown.")  # fmt: skip


def pick_ranking(said: StudySummary) -> StudyRanking:
    """Ranks over all encoders together, or with one of them."""
    titles, found = encoder_titles(), {ranking.encoder or "": ranking for ranking in said.rankings}
    chosen = pick_one("Encoder", Key.OVER, list(found), lambda name: titles.get(name, name or "all together"),
                      known=list(found), unknown="There is no encoder “{}” in the study.")  # fmt: skip
    return found[chosen]


def pick_p(learned: float, marks: Sequence[float]) -> float:
    """The dial over p: logarithmic marks, the learned value among them."""
    state = st.session_state
    wanted = learned if state[Key.P] is None else state[Key.P]
    state[Key.DIAL] = min(marks, key=lambda mark: abs(mark - wanted))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        p = st.select_slider(
            "Norm p: 1 is an average, ∞ a maximum", marks, key=Key.DIAL, on_change=_changes.dial_moved, args=(learned,),
            format_func=lambda mark: f"{wording.exponent(mark)}{' (learned)' if mark == learned else ''}",
        )  # fmt: skip
        st.button("Back to learned", key=Key.LEARNED, on_click=_changes.dial_back, disabled=p == learned)
    return float(p)


def setting(method: str, name: str) -> Param | None:
    """Where a method's slider stands, if it was ever drawn."""
    value: Param | None = st.session_state.get(Key.param(method, name))
    return value
