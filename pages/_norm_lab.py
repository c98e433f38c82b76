"""The norm laboratory under the dial: each part answers one question and is worked out only when it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import streamlit as st

from models.normlab.variance import p_variance, with_p
from models.study.design import HEADLINE
from models.zoo.catalogue import Card
from pages import _cache, _facts, _methods, _parts, _widgets, _words
from pages._examples import examples, task
from pages._state import Key, View
from viz import norm_lab, norm_lab_forms, norm_lab_learned, norm_lab_limits, norm_lab_swap
from viz.rowtable import row_table


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part works on: the reader, the visitor's choices, the dial and its marks, and how to draw."""

    card: Card
    view: View
    zoo: _cache.Zoo
    p: float
    marks: tuple[float, ...]
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


def limits(bench: Bench) -> None:
    """Zeros, signs, prediction and erasure under every scale limit."""
    st.markdown("**What does each way of making the states non-negative do to zeros, signs, and the words' weight?**")
    with st.spinner("Erasing every word under every scale limit …"):
        found = _cache.scale_limits(bench.card, bench.view.request(()), bench.p)
    if isinstance(found, _cache.Refusal):
        st.info(_parts.plain(found.sentence))
        return
    rows = norm_lab_limits.limit_rows(found)
    st.html(row_table(rows, list(rows[0])))
    _parts.how_to_read(
        "Negative states at the floor of 0.001 can no longer be told apart. Nothing is retrained: the head knows only "
        "the limit that it was trained with. "
        "τ compares the words' order with the scaling fitted anew and frozen; 1 is the same order.", _words.TAU,
    )  # fmt: skip
    st.markdown("**What does a word take with it when it is erased, and how much of that is the scaling's doing?**")
    freeze = st.toggle(
        "Freeze the scaling while erasing", key=Key.FREEZE, persist_state="session",
        help="Min–max looks at all words of the text: taking one out stretches the others.",
    )  # fmt: skip
    st.html(norm_lab_limits.loss_html(found, frozen=freeze))
    _parts.how_to_read(
        "Orange words spoke for the class, blue against it; one colour scale for the table. The small number is the "
        "same with the switch the other way, where it differs. The other words' states stay as they are."
    )


def forms(bench: Bench) -> None:
    """Values and gradients that single precision loses."""
    st.markdown("**Does it matter how the power is computed?**")
    found = _cache.norm_forms(bench.card, bench.view.request(()), bench.marks)
    if isinstance(found, _cache.Refusal):
        st.info(_parts.plain(found.sentence))
        return
    rows = norm_lab_forms.form_rows(found, bench.p)
    st.html(row_table(rows, list(rows[0])))
    st.text(norm_lab_forms.first_loss(found))
    for column, what in zip(st.columns(2), ("values", "gradients"), strict=True):
        with column:
            _parts.chart(norm_lab_forms.form_chart(found, what, bench.p, bench.dark))
    _parts.how_to_read(
        "Every true value is positive and has a finite gradient, so a 0, ∞ or NaN in single precision is a loss. The "
        "log form, which the poolers use, has logarithms and a sum in place of every power.", _words.OVERFLOW,
    )  # fmt: skip


def swaps(bench: Bench) -> None:
    """Another pooler under the same encoder and head, for any chosen reader."""
    st.markdown("**What breaks when the pooler is exchanged and nothing is retrained?**")
    readers = bench.zoo.pick(bench.view.readers) or (bench.card,)
    card = _widgets.pick_reader(Key.SWAP_READER, readers, bench.zoo)
    texts = tuple(example.text for example in examples(bench.view.task).values())
    found = _cache.swap(card, bench.view.request(()), bench.p, texts)
    if isinstance(found, _cache.Refusal):
        st.info(_parts.plain(found.sentence))
        return
    rows = norm_lab_swap.swap_rows(found)
    st.html(row_table(rows, list(rows[0])))
    st.text(norm_lab_swap.worst(found))
    _parts.how_to_read(
        "Encoder, attention and head stay as they were trained; the norms limit the states by ReLU and clip and take p "
        "from the dial. A head that keeps its answer does not need its own pooler for it.", _words.TVD,
    )  # fmt: skip


def learned(bench: Bench) -> None:
    """The study's p by data set, encoder and seed, and the reader's own p per dimension."""
    st.markdown("**Who decides which p is learned: the data set, the encoder, or the seed?**")
    found = _cache.study()
    if found is None or isinstance(found, _cache.Refusal):
        st.info("The study of the poolers is not shipped here: `python -m models study` trains its classifiers.")
    else:
        runs = found[0].runs
        variants = list(dict.fromkeys(run.variant for run in runs if with_p(runs, run.variant)))
        titles = _methods.variants(set(variants))
        variant = _widgets.pick_one(
            "Pooler", Key.LEARNED_BY, variants, lambda name: titles.get(name, name), HEADLINE,
            unknown="There is no pooler “{}” with a learned p in the study; another one is shown.",
        )  # fmt: skip
        shown = with_p(runs, variant)
        split = p_variance(shown)
        if split is not None:
            st.text(norm_lab_learned.variance_words(split))
        names = {run.task: task(run.task).data for run in shown}
        _parts.chart(norm_lab_learned.learned_strip(shown, names, _widgets.encoder_titles(), bench.dark))
        _parts.how_to_read(
            "A dot is one trained classifier, dots of one colour in a row differ in the seed alone; for a pooler with "
            "one p per dimension it is their mean.", _words.NORM,
        )  # fmt: skip
    st.markdown("**Do the dimensions of this reader agree on one p?**")
    exponent = _facts.exponents(bench.card)
    if exponent is None or len(exponent.values) < 2:
        st.text("This reader learned one p for all its dimensions; choose one with “p per dimension” or learned norm.")
        return
    _parts.chart(norm_lab_learned.dimension_chart(exponent.values, exponent.initial[0], bench.place, bench.dark))
    _parts.how_to_read("How many dimensions learned which p; the dashed line is where all of them started.")


PARTS: Final[Mapping[str, tuple[str, Callable[[Bench], None]]]] = MappingProxyType({
    "readings": ("Readings A, B, C", readings),
    "limits": ("Scale limits", limits),
    "forms": ("Log and pow form", forms),
    "swap": ("Another pooler", swaps),
    "learned": ("Learned p", learned),
})  # fmt: skip


def laboratory(bench: Bench) -> None:
    """The parts to choose from, and the one that is chosen."""
    st.subheader("Laboratory", anchor=False)
    PARTS[_widgets.pick_lab({name: title for name, (title, _) in PARTS.items()})][1](bench)


def files(bench: Bench) -> list[_parts.File]:
    """What can be downloaded of it."""

    def table() -> str:
        found = _cache.norm_readings(bench.card, bench.view.request(()), bench.p)
        rows = [] if isinstance(found, _cache.Refusal) else norm_lab.identity_rows(found)
        return _facts.rows_csv(rows, {"model": bench.card.spec.id, "digest": bench.card.spec.digest, "p": bench.p})

    return [_parts.File("identities.csv", "The identities at the learned p, CSV", "text/csv", table)]
