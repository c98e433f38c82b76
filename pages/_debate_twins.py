"""Twins on the Debate page: a reader beside its re-trained relatives, one question at a time."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from models import twin_view
from models.experiment_records import MOST
from models.records import Analysis, Request
from models.twin_panels import PANELS, Panel
from models.zoo.catalogue import Card
from pages import _cache, _parts, _widgets
from pages._debate_twins_draw import DRAW
from pages._debate_twins_parts import Rows, Scene, family, seeds_apart
from pages._examples import task
from viz import wording


def twins(card: Card, request: Request, analysis: Analysis, place: int, dark: bool, scale: str) -> Rows:
    """Let the visitor choose a question, and answer it; the numbers, for a download."""
    scene = Scene(family(card), request, analysis, place, dark, scale)
    offered = {panel.name: panel for panel in PANELS if scene.family.of(*panel.kinds)}
    if scene.family.stale:
        st.warning(
            f"{wording.count(scene.family.stale, 'twin')} of this reader belong to earlier weights of it and are left "
            "out; train them again."
        )
    _parts.guard(bool(offered), nobody(card))
    st.caption(
        "Twins are relatives of this reader that were trained anew: the same task and words, one thing different. "
        + without(offered)
    )
    panel = offered[_widgets.pick_question({name: panel.title for name, panel in offered.items()})]
    st.subheader(panel.question, anchor=False)
    st.markdown(f"*The argument.* {panel.claim}")
    rows = DRAW[panel.name](scene)
    st.markdown(_parts.conclusion(panel.ends, panel.shows, panel.shows_not))
    with st.popover("How it is done", type="tertiary"):
        st.markdown(f"{panel.protocol}\n\n*Source: {panel.source}.*")
    return rows


def nobody(card: Card) -> str:
    """The sentence for a reader without twins: who has some."""
    owners = {str((twin.twin or {}).get("of")) for twin in _cache.twins()}
    titles: dict[str, list[str]] = {}
    for other in _cache.zoo().cards:
        if other.spec.id in owners:
            titles.setdefault(task(other.spec.task).data, []).append(other.spec.title)
    named = "; ".join(f"{data}: {', '.join(found)}" for data, found in titles.items())
    return (
        f"{card.spec.title} on {task(card.spec.task).data} has no twins yet. "
        + (f"These have some: {named}." if named else "No reader of this zoo has any; `make train` trains them.")
    )


def without(offered: Mapping[str, Panel]) -> str:
    """Which questions cannot be asked of this reader."""
    missing = [panel.title.lower() for panel in PANELS if panel.name not in offered]
    return f"Not trained for this reader: {', '.join(missing)}." if missing else ""


def seed_stability(card: Card, request: Request) -> tuple[str, None]:
    """The scorecard's line: how far apart the seeds' maps of this text are, or why that is not known."""
    kin = family(card)
    others = kin.of("seed")
    if not others:
        return "no twin with another seed was trained for this reader", None
    cross = twin_view.crossed([_parts.need(_cache.analysis(one, request)) for one in (card, *others)])
    ends = " to ".join(dict.fromkeys((wording.number(cross.low), wording.number(cross.high))))
    return (
        f"JSD {ends} between {wording.count(len(others) + 1, 'seed')} (median {wording.number(cross.middle)}), of at "
        f"most {wording.number(MOST)}. {seeds_apart(card)}".strip()
    ), None
