"""Seeds, uniform attention and adversaries on the screen, and which function draws which question."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import streamlit as st

from models import twin_view
from models.experiment_records import MOST
from models.twin_view import Crossed, Family
from pages import _parts, _words
from pages._debate_twins_more import deceptive, diverse, guided
from pages._debate_twins_parts import (
    Rows,
    Scene,
    accuracies,
    accuracy,
    against_seeds,
    becomes,
    pick_strength,
    points,
    reader_row,
    said_of,
    seed_band,
    seeds_apart,
    shown,
    spots,
    strength,
)
from viz import debate, debate_twins, wording
from viz.debate_twins import Spot


def seeds(scene: Scene) -> Rows:
    """A strip of maps, one per seed, and their distances."""
    found = [scene.family.base, *scene.family.of("seed")]
    read = [scene.read(card) for card in found]
    names = [f"seed {card.spec.seed}" for card in found]
    st.html(debate.texts_html(scene.analysis, [
        (f"{name.capitalize()}{' (this reader)' if n == 0 else ''} · {said_of(one.prediction)}", shown(one))
        for n, (name, one) in enumerate(zip(names, read, strict=True))
    ], scene.scale))  # fmt: skip
    cross = twin_view.crossed(read)
    st.html(debate_twins.crossed_html(names, cross.jsd, cross.tau))
    st.text(ordinary(scene.family, cross))
    if cross.reason:
        st.caption(_parts.plain(cross.reason))
    _parts.how_to_read(
        "One row per training, the same words, one scale of colour over all rows. Numbers below compare every two.",
        _words.JSD, _words.TAU,
    )  # fmt: skip
    return [
        {"seed": card.spec.seed, "predicted": one.prediction.label, "probabilities": one.prediction.probabilities,
         "weights": twin_view.weights(one), "jsd": cross.jsd[n], "tau": cross.tau[n], "test_accuracy": card.accuracy}
        for n, (card, one) in enumerate(zip(found, read, strict=True))
    ]  # fmt: skip


def ordinary(kin: Family, cross: Crossed) -> str:
    """What distance is ordinary between seeds, on this text and over the test texts."""
    low, middle, high = (wording.number(value) for value in (cross.low, cross.middle, cross.high))
    spread = f"JSD {low}" if cross.low == cross.high else f"JSD {low} to {high} (median {middle})"
    told = f"Ordinary on this text, by the seed alone: {spread}, of at most {wording.number(MOST)}."
    return f"{told} {seeds_apart(kin.base)}".strip()


def uniform(scene: Scene) -> Rows:
    """Accuracy and prediction with and without a choice."""
    base, (even, *_) = scene.family.base, scene.family.of("uniform")
    said = scene.read(even)
    gap = twin_view.apart(scene.analysis, said)
    band = seed_band(scene.family)
    accuracies([(base, "Learned weights (this reader)"), (even, "All words alike")], band, scene)
    lines = []
    if base.accuracy is not None and even.accuracy is not None:
        bought = base.accuracy - even.accuracy
        lines.append(f"Attention bought {points(bought)} of test accuracy.")
        if band is not None:
            chance = band[1] - band[0]
            within = "so this is no more than chance" if abs(bought) <= chance else "so this is more than chance"
            lines.append(f"The seed alone makes a difference of {points(chance, plus=False)}, {within}.")
    lines.append(
        f"\n{becomes(scene.analysis, said)} (TVD {wording.number(gap.tvd)}). The reader's own attention is at JSD "
        f"{wording.number(gap.jsd)} from uniform, of at most {wording.number(MOST)}."
    )
    st.text(" ".join(lines))
    _parts.how_to_read("The grey band holds this reader and its other seeds: a dot inside it differs by no more than "
                       "chance does.", _words.TVD)  # fmt: skip
    return [reader_row(base, scene.analysis), reader_row(even, said) | {"jsd": gap.jsd, "tvd": gap.tvd}]


def adversarial(scene: Scene) -> Rows:
    """The λ slider, two maps, and where the twin stands on the curve."""
    found = scene.family.of("adversarial")
    chosen = pick_strength("adversarial", found, "the reward, in training, for attending elsewhere")
    said = scene.read(chosen)
    gap = twin_view.apart(scene.analysis, said)
    name = f"λ {strength(chosen)}"
    st.html(debate.texts_html(scene.analysis, [
        (f"The reader's own attention · {said_of(scene.analysis.prediction)}", shown(scene.analysis)),
        (f"The adversary with {name} · {said_of(said.prediction)}", shown(said)),
    ], scene.scale))  # fmt: skip
    known = twin_view.stated(chosen)
    st.text(
        f"{becomes(scene.analysis, said)}. Its attention is at JSD "
        f"{wording.number(gap.jsd)} of at most {wording.number(MOST)}{against_seeds(scene)}"
        + ("" if known.jsd is None or known.tvd is None else
           f"\nOver the test texts: JSD {wording.number(known.jsd)}, answers changed by {wording.number(known.tvd)} "
           f"(TVD); test accuracy {accuracy(chosen)}, the reader's {accuracy(scene.family.base)}.")
    )  # fmt: skip
    means, others = spots(found, "λ {}"), spots(scene.family.of("seed"), "another seed")
    _parts.chart(debate_twins.curve_chart(
        means, others, Spot("this text", gap.jsd, gap.tvd), name, scene.place, scene.dark
    ))  # fmt: skip
    _parts.how_to_read(
        "Round: each adversary's mean over the test texts, the large one is chosen above. Crosses: other seeds, which "
        "differ by chance. Diamond: the chosen adversary on your text. To the right at the bottom is the adversary's "
        "dream: another attention, the same answers.", _words.JSD, _words.TVD,
    )  # fmt: skip
    return [
        reader_row(card, scene.read(card)) | dataclasses.asdict(twin_view.apart(scene.analysis, scene.read(card)))
        | {"test_jsd": twin_view.stated(card).jsd, "test_tvd": twin_view.stated(card).tvd}
        for card in found
    ]  # fmt: skip


DRAW: Final[Mapping[str, Callable[[Scene], Rows]]] = MappingProxyType({
    "seeds": seeds, "uniform": uniform, "adversarial": adversarial, "deceptive": deceptive, "diverse": diverse,
    "guided": guided,
})  # fmt: skip
