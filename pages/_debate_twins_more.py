"""Deceivers, diverse states and borrowed weights on the screen: one function each, like those of the other twins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import streamlit as st

from models import twin_view
from models.experiment_records import Conicity, ExperimentCall, Permutation
from models.records import Analysis, Prediction
from models.zoo.catalogue import Card
from pages import _cache, _parts, _words
from pages._debate_twins_parts import (
    Rows,
    Scene,
    accuracies,
    accuracy,
    becomes,
    pick_strength,
    points,
    reader_row,
    said_of,
    share,
    shown,
    strength,
)
from viz import debate, markup, wording
from viz.rowtable import row_table

# Forbidden words of one text whose removal is tried; each is one more reading by two readers.
TRIED: Final = 12
GUIDES: Final[Mapping[str, str]] = MappingProxyType({
    "uniform": "All words alike", "own": "Its own, learned without context", "base": "The reader's",
    "adversary": "An adversary's",
})  # fmt: skip


def deceptive(scene: Scene) -> Rows:
    """Weights of the forbidden words, and what deleting each does to either."""
    chosen = pick_strength("deceptive", scene.family.of("deceptive"), "the penalty on weight given to forbidden words")
    known = twin_view.stated(chosen)
    said = scene.read(chosen)
    places = twin_view.forbidden_places(scene.analysis, known.forbidden)
    st.html(debate.texts_html(scene.analysis, [
        (f"The reader's own attention · {said_of(scene.analysis.prediction)}", shown(scene.analysis)),
        (f"The deceiver with λ {strength(chosen)} · {said_of(said.prediction)}", shown(said)),
    ], scene.scale))  # fmt: skip
    if known.mass is not None and known.mass_base is not None:
        st.text(
            f"Over the test texts that have forbidden words, these hold {wording.percent(known.mass_base)} of the "
            f"reader's weight and {wording.percent(known.mass)} of the deceiver's; test accuracy "
            f"{accuracy(scene.family.base)} and {accuracy(chosen)}."
        )
    rows: Rows = []
    if places:
        rows = _hidden(scene, chosen, said, places)
    else:
        some = ", ".join(f"“{word}”" for word in known.forbidden[:8])
        st.info(_parts.plain(f"None of the forbidden words is in this text. Type one of them, say {some}, and read."))
    with st.popover(f"The {wording.count(len(known.forbidden), 'forbidden word')}", type="tertiary"):
        st.text(", ".join(known.forbidden))
    _parts.how_to_read(
        "A row is a forbidden word in your text: one that training punished the twin for attending to. Weight: what "
        "the attention shows. Lost without it: how much of the probability of its own answer is gone once the word is "
        "deleted and the text read again; below 0 it rose.",
    )
    return [reader_row(scene.family.base, scene.analysis), reader_row(chosen, said), *rows]


def _hidden(scene: Scene, twin: Card, said: Analysis, places: Sequence[int]) -> Rows:
    """The table of forbidden words of this text, each deleted alone, and all together."""
    kept = twin_view.kept(scene.analysis)
    rows: Rows = []
    for place in places[:TRIED]:
        lost = [_without(scene, card, one, (kept[place],)) for card, one in _both(scene, twin, said)]
        rows.append({
            "word": f"“{markup.visible(scene.analysis.tokens[kept[place]].text)}”",
            "weight": (twin_view.mass(scene.analysis, (place,)), twin_view.mass(said, (place,))), "lost": lost,
        })  # fmt: skip
    if len(places) > 1:
        lost = [
            _without(scene, card, one, tuple(kept[p] for p in places)) for card, one in _both(scene, twin, said)
        ]
        masses = (twin_view.mass(scene.analysis, places), twin_view.mass(said, places))
        rows.append({"word": "all of them", "weight": masses, "lost": lost})
    columns = ("forbidden word", "weight, reader", "weight, deceiver", "lost without it, reader", "… deceiver")
    st.html(row_table([
        dict(zip(columns, (
            row["word"], *map(wording.percent, row["weight"]),
            *("nothing is left to read" if value is None else wording.number(value) for value in row["lost"]),
        ), strict=True))
        for row in rows
    ], columns))  # fmt: skip
    if len(places) > TRIED:
        st.caption(f"Tried one by one: the first {TRIED} of {len(places)} forbidden words.")
    own, hidden = rows[-1]["lost"]
    masses = rows[-1]["weight"]
    st.text(
        f"The forbidden words of this text hold {wording.percent(masses[0])} of the reader's weight and "
        f"{wording.percent(masses[1])} of the deceiver's. {becomes(scene.analysis, said)}."
        + ("" if own is None or hidden is None else
           f"\nWithout them the reader loses {wording.number(own)} of its answer's probability, the deceiver "
           f"{wording.number(hidden)}.")
    )  # fmt: skip
    return rows


def _both(scene: Scene, twin: Card, said: Analysis) -> tuple[tuple[Card, Analysis], ...]:
    return (scene.family.base, scene.analysis), (twin, said)


def _without(scene: Scene, card: Card, before: Analysis, places: tuple[int, ...]) -> float | None:
    """What a reader's own answer loses without the words at these places; ``None`` where no word is left."""
    gone = tuple(sorted({*scene.request.deleted, *places}))
    after = _cache.analysis(card, dataclasses.replace(scene.request, deleted=gone))
    return None if isinstance(after, _cache.Refusal) else twin_view.lost(before.prediction, after.prediction)


def diverse(scene: Scene) -> Rows:
    """Conicity and the effect of shuffles, the reader against twins with diverse states."""
    found = scene.family.of("diversity", "orthogonal")
    stated = [twin_view.stated(card) for card in found]
    rows: Rows = []
    told: list[str] = []
    for card, cone in ((scene.family.base, stated[0].conicity_base),
                       *((card, mean.conicity) for card, mean in zip(found, stated, strict=True))):  # fmt: skip
        narrow = _parts.need(_cache.trial(card, scene.request, ExperimentCall("conicity")))
        dealt = _parts.need(_cache.trial(card, scene.request, ExperimentCall("permutation")))
        here = narrow.finding.conicity if isinstance(narrow.finding, Conicity) else None
        moved = dealt.finding if isinstance(dealt.finding, Permutation) else None
        rows.append({
            "name": "This reader" if card is scene.family.base else _diverse_name(card), "accuracy": card.accuracy,
            "predicted": dataclasses.asdict(narrow.prediction), "test_conicity": cone, "conicity": here,
            "permutation": None if moved is None else moved.median,
            "flips": None if moved is None else moved.flips, "reason": narrow.reason or dealt.reason,
        })  # fmt: skip
        told.append(said_of(narrow.prediction))
    columns = ("reader", "test accuracy", "conicity, test texts", "conicity, this text", "change under a shuffle",
               "this text")  # fmt: skip
    st.html(row_table([
        dict(zip(columns, (
            row["name"], share(row["accuracy"]),
            *(wording.DASH if row[key] is None else wording.number(row[key])
              for key in ("test_conicity", "conicity", "permutation")),
            said,
        ), strict=True))
        for row, said in zip(rows, told, strict=True)
    ], columns))  # fmt: skip
    reason = next((row["reason"] for row in rows if row["reason"]), None)
    if reason:
        st.caption(_parts.plain(reason))
    first = rows[0]
    sentences = [
        f"{row['name']}: conicity {wording.number(row['conicity'])} instead of {wording.number(first['conicity'])}; a "
        f"shuffle changes the output by {wording.number(row['permutation'])} instead of "
        f"{wording.number(first['permutation'])} (median TVD of 100), "
        + ("as the argument expects." if (row["conicity"] < first["conicity"])
           == (row["permutation"] > first["permutation"]) else "which is not what the argument expects.")
        for row in rows[1:] if None not in (*(one[key] for one in (row, first) for key in ("conicity", "permutation")),)
    ]  # fmt: skip
    st.text("\n".join(sentences))
    _parts.how_to_read("Down a column: does less conicity go with a larger change?", _words.CONE, _words.TVD)
    return rows


def _diverse_name(card: Card) -> str:
    kind = (card.twin or {}).get("kind")
    return f"Trained for diversity, λ {strength(card)}" if kind == "diversity" else "Orthogonal LSTM"


def guided(scene: Scene) -> Rows:
    """Accuracy without context under each source of weights."""
    found = {str((card.twin or {}).get("weights", "")): card for card in scene.family.of("guided")}
    ordered = {name: found[name] for name in (*GUIDES, *found) if name in found}
    accuracies([(card, GUIDES.get(name, name)) for name, card in ordered.items()], None, scene, first="base")
    rows: Rows = []
    told: list[str] = []
    for name, card in ordered.items():
        prediction = _guided_prediction(scene, card)
        predicted = None if prediction is None else dataclasses.asdict(prediction)
        rows.append({"weights": GUIDES.get(name, name), "test_accuracy": card.accuracy, "predicted": predicted})
        told.append("its guide is not there" if prediction is None else said_of(prediction))
    columns = ("weights from", "test accuracy", "on this text, without context")
    st.html(row_table([
        dict(zip(columns, (
            row["weights"], share(row["test_accuracy"]), said,
        ), strict=True))
        for row, said in zip(rows, told, strict=True)
    ], columns))  # fmt: skip
    even, base = ordered.get("uniform"), ordered.get("base")
    own = said_of(scene.analysis.prediction)
    sentence = f"The reader itself, with context: {accuracy(scene.family.base)}, here {own}."
    if even is not None and base is not None and even.accuracy is not None and base.accuracy is not None:
        gain = points(base.accuracy - even.accuracy)
        sentence = f"The reader's weights bring the model without context {gain} over uniform ones. {sentence}"
    st.text(sentence)
    _parts.how_to_read("A dot to the right: these weights helped a model that cannot see context.")
    return rows


def _guided_prediction(scene: Scene, card: Card) -> Prediction | None:
    """What a context-free model says of the text under the weights that it was trained with."""
    guide = (card.twin or {}).get("guide")
    if guide is None:
        return scene.read(card).prediction
    source = scene.family.called(str(guide))
    if source is None:
        return None
    weights = twin_view.weights(scene.read(source))
    return _parts.need(_cache.imposed(card, scene.request, weights)).after
