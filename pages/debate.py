"""Debate: the published experiments on attention as explanation, on this reader and this text."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import asdict

import streamlit as st

from models.errors import PoolScopeError
from models.experiment_records import ExperimentCall
from models.experiments import EXPERIMENTS
from models.records import Analysis, MethodCall
from pages import (
    _cache,
    _debate_dial,
    _debate_draw,
    _debate_score,
    _debate_twins,
    _facts,
    _parts,
    _state,
    _widgets,
)
from pages._debate_draw import Scene
from pages._state import Key

SCORE = "scorecard"
WORDS = (
    "The encoder turns every word, in its sentence, into a state: a list of numbers. Attention gives every state a "
    "weight, the pooler mixes the states by these weights into one, and the head reads the answer off the mixture. A "
    "map gives every word a score for its importance to the answer; the attention is one map, and there are others."
)
ORDER = (
    "correlation", "permutation", "adversary", "smallest_edit", "dial", "erasure", "conicity", "sanity", "faithfulness",
)  # fmt: skip
TITLES = {name: EXPERIMENTS[name].title for name in dict.fromkeys((*ORDER, *EXPERIMENTS)) if name in EXPERIMENTS}
TITLES |= {_state.TWINS: "Twins", SCORE: "Scorecard"}


def settings(name: str) -> ExperimentCall:
    """The experiment with its sliders, drawn from the bounds of its parameters."""
    linked: MethodCall | None = st.session_state.get(Key.SETTING)
    if linked is not None and linked.name == name:
        _linked(linked)
    values = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for field in dataclasses.fields(EXPERIMENTS[name].Params):
            # What is drawn by chance needs another seed now and then, not at first sight.
            with st.popover("Another seed", type="tertiary") if field.name == "seed" else nullcontext():
                value = _widgets.slide(f"experiment.{name}", field)
            if value != field.default:
                values.append((field.name, value))
    st.session_state[Key.SETTING] = MethodCall(name, tuple(values))
    return ExperimentCall(name, tuple(values))


def _linked(asked: MethodCall) -> None:
    """Set the sliders, before they are first drawn, as a link says."""
    state, kinds = st.session_state, {field.name: type(field.default) for field in dataclasses.fields(
        EXPERIMENTS[asked.name].Params)}  # fmt: skip
    keys = {field: Key.param(f"experiment.{asked.name}", field) for field in kinds}
    if any(key in state for key in keys.values()):
        return
    try:
        EXPERIMENTS[asked.name](**dict(asked.params))
    except PoolScopeError as error:
        st.warning(_parts.plain(f"{error} The link's settings were left out."))
        return
    state.update({keys[field]: kinds[field](value) for field, value in asked.params})


def conclude(name: str) -> None:
    """What a high and a low number mean, what follows and what does not; the protocol one click away."""
    experiment = EXPERIMENTS[name]
    st.markdown(_parts.conclusion(experiment.ends, experiment.shows, experiment.shows_not))
    with st.popover("How it is done", type="tertiary"):
        st.markdown(f"{experiment.protocol}\n\n*Source: {experiment.source}.*")


view = _state.take()
zoo = _cache.zoo()
chosen = zoo.pick(view.readers)
_parts.edited(view)
_parts.guard(bool(chosen), _parts.NO_READER)
st.caption(WORDS)
card = _widgets.pick_reader(Key.READER, chosen, zoo)
name = _widgets.pick_experiment(TITLES)
# The experiments speak about the class that is predicted, whatever class the maps of other pages explain.
request = dataclasses.replace(view.request(()), target=None, against=None, scalar="logit")
analysis = _parts.need(_cache.analysis(card, request))
st.text(f"It predicts: {_facts.prediction_line(analysis)}")
_parts.unread(analysis)
place, dark = view.colours[card.spec.id], _parts.dark()
rows: object

if name == SCORE:
    st.subheader("What does all of it say about this text?", anchor=False)
    rows = [asdict(row) for row in _debate_score.scorecard(card, request)]
elif name == _state.TWINS:
    rows = _debate_twins.twins(card, request, analysis, place, dark, view.scale)
else:
    st.subheader(EXPERIMENTS[name].question, anchor=False)
    st.markdown(f"*The argument.* {EXPERIMENTS[name].claim}")
    call = settings(name)
    with st.spinner(f"{TITLES[name]}: {_facts.asked_words(analysis)} …"):
        trial = _parts.need(_cache.trial(card, request, call))
    rows = asdict(trial)
    if trial.finding is None:
        st.info(_parts.plain(str(trial.reason)))
    elif name == "dial":
        others = [
            found for other in chosen
            if other.spec.id != card.spec.id
            and isinstance(found := _cache.analysis(other, request), Analysis)
            and found.trace.weights is not None and found.tokens == analysis.tokens
        ]  # fmt: skip
        _debate_dial.dial(card, request, analysis, trial, others, view, dark)
    elif name in _debate_draw.DRAW:
        _debate_draw.DRAW[name](Scene(card, analysis, trial, place, dark, view.scale), trial.finding)
    else:
        st.json(asdict(trial.finding))
    conclude(name)

_state.publish(view)
_parts.download(
    "debate",
    (
        _parts.File("json", f"{TITLES[name]}, JSON", "application/json",
                    lambda: _facts.rows_json(rows, _facts.source(analysis))),
    ),
)  # fmt: skip
