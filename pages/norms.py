"""Norms: the exponent each reader learned, and a dial to try another one."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from models.records import NormSweep
from pages import _cache, _facts, _norm_lab, _parts, _state, _widgets, _words
from pages._state import Key
from viz import dial, formula, norms, wording

# Twelve marks per factor of ten, 1 among them.
MARKS = tuple(float(f"{10 ** (step / 12):.4g}") for step in range(-12, 21)) + (_state.HIGHEST_P,)

view = _state.take()
zoo = _cache.zoo()
dark = _parts.dark()
readers = zoo.pick(view.readers)
chosen = [card for card in readers if _facts.exponents(card)]
offered = chosen + [card for card in zoo.task(view.task) if _facts.exponents(card) and card not in chosen]
files: list[_parts.File] = []


@st.fragment
def turn(sweep: NormSweep, learned: float) -> None:
    """The dial for the current sentence and what is tried at its p; turning it reruns only this."""
    place = view.colours.get(sweep.model.id, _state.MOST_READERS - 1)
    p = _widgets.pick_p(learned, tuple(point.p for point in sweep.points))
    said = formula.pooler_formula(sweep.model.pooler, p, sweep.reading, len(sweep.tokens))
    words, live = st.columns(2)
    with live:
        st.latex(said.symbolic)
        if said.numeric:
            st.latex(said.numeric)
        st.caption(said.sentence)
        st.text(_facts.prediction_words(sweep, p))
        st.markdown("**How does the answer change with p?**")
        _parts.chart(dial.dial_curve(sweep, p, place, dark))
        _parts.how_to_read("The prediction at every p; the states stay as they are, only the pooler changes.")
    with words:
        st.markdown("**Which words does this p weigh, and which make up the pooled vector?**")
        if sweep.points[0].effective is not None:
            _parts.chart(dial.dial_words(sweep, p, "effective", place, dark))
        _parts.chart(dial.dial_words(sweep, p, "share", place, dark))
        _parts.how_to_read(
            "Hollow is the learned p, filled the dial; the line between them is what the dial changes.",
            _words.NORM, _words.POOLED_SHARE,
        )  # fmt: skip
    st.markdown("**Which dimensions of the pooled vector does this p raise, and which word wins each?**")
    _parts.chart(dial.dial_strip(sweep, p, place, dark))
    _parts.how_to_read(
        "One bar per dimension of the pooled vector, grouped by the word that wins it; a bar above its line grew with "
        "this p."
    )
    _norm_lab.laboratory(_norm_lab.Bench(card, view, zoo, p, MARKS, place, dark))
    _state.publish(view)


_parts.edited(view)
st.subheader("Turn the dial", anchor=False)
if offered:
    card = _widgets.pick_reader(Key.NORM_READER, offered, zoo)
    plain = [reader.spec.title for reader in readers if reader not in chosen]
    if plain:
        st.caption(
            f"Without an exponent, so not in this list: {_parts.plain(', '.join(plain))}. The laboratory below can put "
            "another pooler under their encoders."
        )
    request = view.request(())
    learned = _parts.need(_cache.sweep(card, request, (1.0,))).learned
    start = min(max(learned, _state.LOWEST_P), _state.HIGHEST_P)
    sweep = _parts.need(_cache.sweep(card, request, tuple(sorted({*MARKS, start}))))
    low, high = sweep.learned_range
    if low < high:
        st.caption(
            f"This reader learned one p per dimension, from {wording.exponent(low)} to {wording.exponent(high)}; "
            f"the dial gives all of them the same p and starts at their mean."
        )
    turn(sweep, start)
    files += [
        *_norm_lab.files(_norm_lab.Bench(card, view, zoo, start, MARKS, 0, dark)),
        _parts.File("csv", "The dial, CSV", "text/csv", lambda: _facts.rows_csv(_facts.sweep_rows(sweep), {})),
        _parts.File("json", "The dial, JSON", "application/json", lambda: _facts.rows_json(asdict(sweep), {})),
    ]
else:
    st.info("No classifier of this task has a norm to turn; train one with the pooler apln, gem or learned_norm.")
    if readers:
        _norm_lab.swaps(_norm_lab.Bench(readers[0], view, zoo, 1.0, MARKS, 0, dark))
    _state.publish(view)

st.subheader("Which p did the readers learn?", anchor=False)
exponents = _facts.learned_norms(zoo.cards)
if exponents:
    _parts.chart(norms.norm_dots(exponents, dark))
    _parts.how_to_read(
        "Hollow is where p started, filled where training took it; the thin line spans the units of a reader that "
        "learned one p per dimension.", _words.NORM,
    )  # fmt: skip
    files.append(_parts.File("learned.csv", "Learned p, CSV", "text/csv",
                             lambda: _facts.rows_csv(norms.norm_rows(exponents), {})))  # fmt: skip
else:
    st.info("No classifier with a learned norm is there yet.")

st.subheader("How did training take them there?", anchor=False)
trained = _widgets.pick_trained(zoo)
if trained is None:
    st.info("No classifier here carries the history of its training.")
else:
    history = _facts.training(trained)
    _parts.chart(norms.trajectory(history, dark=dark))
    _parts.how_to_read(
        "Left to right is training; p moves while the loss falls, and τ says whether attention and gradient order the "
        "words of a few fixed sentences alike.", _words.TRAINING, _words.TAU,
    )  # fmt: skip
    files.append(_parts.File("training.csv", "Training, CSV", "text/csv", lambda: _facts.rows_csv(
        history, {"model": trained.spec.id, "digest": trained.spec.digest})))  # fmt: skip
_parts.download("norms", files)
