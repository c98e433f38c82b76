"""What every page is made of: heading, guard, reading, "how to read this", downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import streamlit as st

from models.records import Analysis, MethodCall
from models.zoo.catalogue import Card
from pages import _cache, _changes, _progress
from pages._examples import task
from pages._state import Key, View
from pages._words import Definition
from viz import entities, frame, wording

T = TypeVar("T")

NO_READER = "No reader is chosen: add one in the sidebar to see how it reads your text."
EMPTY_ZOO = """There is no classifier to read with. Train one with
`python -m models train --dataset sst2 --encoder bilstm --pooler apln`, rebuild the shipped ones with `make train`,
or name a folder that holds some in the environment variable `POOLSCOPE_ZOO`; then reload this page."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers said, and whether more is to come."""

    analyses: tuple[Analysis, ...]
    unfinished: bool

    @property
    def longest(self) -> Analysis:
        """The one that read the most tokens."""
        return max(self.analyses, key=lambda analysis: len(analysis.tokens))


@dataclass(frozen=True, slots=True)
class File:
    """A download: its kind (also its ending), the button's words, and who makes it when it is clicked."""

    kind: str
    label: str
    mime: str
    make: Callable[[], str | bytes]


def heading(title: str, question: str) -> None:
    """The page's name and the question it answers."""
    st.html(frame.stylesheet())
    st.title(title, anchor=False)
    st.markdown(question)


def wake(*, figures: bool) -> None:
    """Start the slow imports, now that the cheap part is drawn, and wait; only a server's first visitor does."""
    slot = st.empty()
    for thread in _cache.warm()[: 1 + figures]:
        if thread.is_alive():
            slot.caption("Waking the readers …")
            thread.join()
    slot.empty()


def notes(zoo: _cache.Zoo) -> None:
    """What could not be taken from the link, and cards that could not be read."""
    for sentence in (*st.session_state[Key.NOTES], *zoo.problems):
        st.warning(plain(sentence))


def caution(view: View) -> None:
    """What the task's predictions may not be taken for, and how to mark words where it asks for two."""
    chosen = task(view.task)
    if chosen.caution:
        st.info(chosen.caution, icon=":material/front_hand:")
    missing = entities.missing(view.text) if chosen.marked else []
    if missing:
        st.info(plain(
            f"This task asks how two words of a text are related, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not marked in yours: on the page Compare click a word and press "
            f"Mark {missing[0]}, or type {entities.sample()}. It is read as it is."
        ))  # fmt: skip


def read(
    zoo: _cache.Zoo, view: View, methods: Sequence[MethodCall] | None = None, cards: Sequence[Card] | None = None
) -> Reading:
    """Let every chosen reader read, or those of ``cards``; ends the page with a sentence where nothing is to show.

    Predictions are always there. Maps that take longer than a moment come later, cheap ones first: until
    then a reason stands in their place, and what is being computed is told with a button to stop it.
    """
    slot, started = st.empty(), perf_counter()
    asked = zoo.pick(view.readers) if cards is None else cards
    guard(bool(asked), NO_READER)
    refusals: dict[str, _cache.Refusal] = {}
    for count, card in enumerate(asked, start=1):
        if perf_counter() - started > 0.2:
            slot.caption(f"Reading: {card.spec.title}, {count} of {len(asked)} …")
        found = _cache.analysis(card, view.request(()))
        if isinstance(found, _cache.Refusal):
            refusals[card.spec.id] = found
    readable = [card for card in asked if card.spec.id not in refusals]
    request = view.request(methods)
    refusals |= _cache.explain(readable, request)
    _progress.wait(slot, perf_counter())
    status = _cache.desk().status()
    done: list[Analysis] = []
    for card in readable:
        made = refusals.get(card.spec.id) or _cache.explained(card, request)
        if isinstance(made, _cache.Refusal):
            refusals[card.spec.id] = made
        else:
            done.append(made)
    if not done and cards is None:
        edited(view)
    _told([refusals[card.spec.id] for card in asked if card.spec.id in refusals], bool(done))
    with slot.container():
        if status.busy:
            _progress.watch(status.revision)
        elif status.stopped:
            _progress.stopped(status)
        else:
            st.caption(_summary(done))
    return Reading(tuple(done), status.busy)


def _told(refusals: Sequence[_cache.Refusal], others: bool) -> None:
    """Name the readers that refused; where nobody is left, end the page with what they said."""
    sentences = {refusal.sentence for refusal in refusals}
    guard(others or len(sentences) != 1, min(sentences, default=""))
    for refusal in refusals:
        st.warning(plain(f"{refusal.title}: {refusal.sentence}"))
    guard(others, "None of the chosen readers could read this text.")


def edited(view: View) -> None:
    """Say that words are missing from what is read, and offer them back."""
    if view.edits:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Restore", key=Key.RESTORE, on_click=_changes.restore)
            st.text(f"{wording.count(len(view.edits), 'word')} of this text deleted or masked on the page Compare.")


def guard(condition: bool, sentence: str) -> None:
    """End the page with one sentence in the place of the picture."""
    if not condition:
        st.info(plain(sentence))
        st.stop()


def need(found: T | _cache.Refusal) -> T:
    """What was found, or the end of the page with the sentence that came in its place."""
    if isinstance(found, _cache.Refusal):
        guard(False, found.sentence)
        raise AssertionError("guard ends the page")
    return found


def unread(analysis: Analysis) -> None:
    """Say what of the text this reader did not read, if anything."""
    said = wording.unread(len(analysis.tokens), analysis.cut)
    if said:
        st.caption(said)


def how_to_read(line: str, *definitions: Definition) -> None:
    """One line under a figure, each definition one click away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"**How to read this.** {line}", width="content")
        for definition in definitions:
            with st.popover(definition.title, type="tertiary"):
                st.markdown(definition.text)


def conclusion(ends: str, shows: str, shows_not: str) -> str:
    """What stands under an experiment: how to take its number, what follows from it and what does not."""
    return f"**High or low.** {ends}  \n**What it shows.** {shows}  \n**What it does not show.** {shows_not}"


def chart(figure: Any) -> None:  # noqa: ANN401  # altair's charts share no useful base class
    """An Altair figure in its own colours."""
    st.altair_chart(figure, theme=None)


def specification(spec: Mapping[str, Any], key: str) -> None:
    """A figure in Vega-Lite's own words, as wide as the page."""
    st.vega_lite_chart(spec=dict(spec), theme=None, key=key)


def download(page: str, files: Sequence[File]) -> None:
    """A popover of downloads in the sidebar; each file is made when it is asked for."""
    with st.sidebar, st.popover("Download", icon=":material/download:", width="stretch"):
        st.caption("What this page shows, with digests of the weights, versions and arguments.")
        for file in files:
            st.download_button(
                file.label, file.make, file_name=f"poolscope-{page}.{file.kind}", mime=file.mime,
                key=Key.download(page, file.label), on_click="ignore", width="stretch",
            )  # fmt: skip


def dark() -> bool:
    """Whether the visitor looks at a dark page."""
    return bool(st.context.theme.type == "dark")


def _summary(analyses: Sequence[Analysis]) -> str:
    """What the reading took."""
    seconds = sum(analysis.seconds for analysis in analyses)
    forwards = sum(analysis.forwards for analysis in analyses)
    reused = sum(analysis.reused for analysis in analyses)
    tokens = max(len(analysis.tokens) for analysis in analyses)
    return (
        f"{wording.count(tokens, 'token')} read by {wording.count(len(analyses), 'reader')} in {seconds:.2f} s, "
        f"{forwards:,} forward passes for the explanations" + (f", {reused:,} reused" if reused else "")
    )


def plain(sentence: str) -> str:
    """A sentence that may quote what a visitor wrote, with nothing in it that Markdown would obey."""
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]()<>#+-.!|~$:&" else mark for mark in sentence)
