"""The debate's experiments on the screen: one function each, from a trial to pictures and one sentence in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import streamlit as st

from models.experiment_records import (
    MOST,
    Adversary,
    Conicity,
    Correlation,
    Erasure,
    Faithfulness,
    Permutation,
    Reference,
    Sanity,
    SmallestEdit,
    Trial,
)
from models.records import Agreement, Analysis
from models.zoo.catalogue import Card
from pages import _cache, _parts, _words
from pages._debate_twins_parts import seeds_apart
from pages._state import Key
from viz import debate, debate_charts, debate_faith, debate_tables, wording
from viz.debate import Placed

SECTIONS: Final = ("up to .25", ".25 to .5", ".5 to .75", "above .75")


@dataclass(frozen=True, slots=True)
class Scene:
    """What an experiment is drawn with: the reader, what it said, what was found, and how to draw."""

    card: Card
    analysis: Analysis
    trial: Trial
    place: int
    dark: bool
    scale: str

    def reference(self, method: str) -> Reference | None:
        """The reader's own distribution of a number over the test texts of the same predicted class."""
        return _cache.distribution(self.card, method, self.trial.prediction.predicted)


def tau_row(scene: Scene, name: str, found: Agreement, method: str) -> Placed:
    """One τ on its range from −1 to 1."""
    said = f"τ = {wording.tau(found.value)}, p {wording.p_value(found.p_value)}, n = {found.n}"
    ends = ("−1 reversed", "1 same order")
    return Placed(name, found.value, said, -1, 1, ends, scene.reference(method), found.reason)


def correlation(scene: Scene, found: Correlation) -> None:
    """Three maps over the text and the three correlations between them."""
    start = "Attention" if found.start == "attention" else "Share of the pooled vector"
    st.html(debate.maps_html(scene.analysis, scene.trial, (
        (start, found.weights),
        ("Gradient × embedding, its size: what a small change of the word would do", found.gradient),
        ("Leave-one-out: how much the output changes without the word", found.removal),
    ), scene.scale))  # fmt: skip
    st.html(debate.placed_html((
        tau_row(scene, f"{start} and gradient", found.weights_gradient, "tau_weights_gradient"),
        tau_row(scene, f"{start} and leave-one-out", found.weights_removal, "tau_weights_removal"),
        tau_row(scene, "Gradient and leave-one-out", found.gradient_removal, "tau_gradient_removal"),
    )))  # fmt: skip
    _parts.how_to_read(
        "The marker is this text. The bars are the same reader's test texts with the same predicted class: middle half "
        "dark, middle 80 % pale, a line at the median.", _words.TAU,
    )  # fmt: skip


def change_row(scene: Scene, found: Permutation) -> Placed:
    """The median change under shuffles."""
    said = f"median {wording.number(found.median)}"
    return Placed("Median change of the output", found.median, said, 0, 1, ("0 same output", "1 opposite"),
                  scene.reference("permutation"))  # fmt: skip


def permutation(scene: Scene, found: Permutation) -> None:
    """Histogram of output changes, and the median beside the test set's."""
    _parts.chart(debate_charts.shuffle_chart(found, scene.place, scene.dark))
    st.html(debate.placed_html((change_row(scene, found),)))
    what = "share" if found.shared else "weight"
    st.text(
        f"Of 100 shuffles, {found.flips:.0%} changed the predicted class. The largest {what} of a word here is "
        f"{wording.percent(found.largest)}; of the four groups that Jain & Wallace sort texts into, that is the one "
        f"{SECTIONS[found.section]}."
    )
    _parts.how_to_read(
        "A bar counts shuffles by how much they changed the output; far left is hardly at all. On the strip the marker "
        "is this text's median, the grey bars are the test texts.", _words.TVD,
    )  # fmt: skip


def distance_row(scene: Scene, found: Adversary) -> Placed:
    """How far away the adversary is, on the way to ln 2."""
    bound = "" if found.exact else "at least "
    said = f"JSD {bound}{wording.number(found.distance)} of {wording.number(found.most)}"
    # The test set was measured at this ε alone.
    known = scene.reference("adversary") if abs(found.epsilon - 0.01) < 1e-9 else None
    ends = ("0 the same", "ln 2 no word shared")
    return Placed("Distance of the other attention", found.distance, said, 0, MOST, ends, known)


def adversary(scene: Scene, found: Adversary) -> None:
    """Two attentions over one text, and their distance."""
    st.html(debate.maps_html(scene.analysis, scene.trial, (
        ("The reader's own attention", found.weights), ("Another attention, same answer", found.found),
    ), scene.scale))  # fmt: skip
    st.text(f"{debate.shift(found.before, found.after)}: the output moved by {wording.number(found.change)}.")
    st.html(debate.placed_html((distance_row(scene, found),)))
    st.text(seeds_apart(scene.card) or "No twin with another seed says what distance chance alone makes.")
    _parts.how_to_read(
        ("Solved exactly: no attention with this answer is further away." if found.exact
         else "Found by search: the true distance is this or more.")
        + " On the strip the marker is this text, the grey bars are the test texts.", _words.JSD, _words.TVD,
    )  # fmt: skip


def smallest_edit(scene: Scene, found: SmallestEdit) -> None:
    """What moved from word to word, and the weights before and after."""
    rival = found.after.labels[found.rival]
    st.text(
        f"{wording.percent(found.moved)} of the attention has to move before “{rival}” draws level with "
        f"“{found.before.label}”:\n" + "\n".join(f"· {line}" for line in debate_tables.moves_words(scene.trial, found))
    )
    _parts.chart(debate_charts.weight_chart(
        scene.trial, found.weights, found.found, ("its own", "after the edit"), scene.place, scene.dark
    ))  # fmt: skip
    ends = ("nothing moves", "all of it moves")
    said = wording.percent(found.moved)
    st.html(debate.placed_html((
        Placed("Attention that must move", found.moved, said, 0, 1, ends, scene.reference("smallest_edit")),
    )))  # fmt: skip
    _parts.how_to_read(
        f"A line leads from a word's own weight (hollow) to the edited one (filled). Any further and the answer is "
        f"“{rival}”. KL {wording.number(found.divergence)}, "
        f"JSD {wording.number(found.distance)}.", _words.JSD,
    )  # fmt: skip


def erasure(scene: Scene, found: Erasure) -> None:
    """Four curves, where they flip, and the heaviest word against all others."""
    _parts.chart(debate_charts.erasure_chart(found, scene.place, scene.dark))
    st.html(debate_tables.erasure_html(found))
    first = found.curves[0]
    if first.flip is not None and first.name == "attention":
        ends = ("0 at once", "1 all words")
        st.html(debate.placed_html((
            Placed("Words out, heaviest first, until the flip", first.flip, wording.percent(first.flip), 0, 1, ends,
                   scene.reference("erasure")),
        )))  # fmt: skip
    heaviest, effect = debate.word(scene.trial, found.heaviest), found.effects[found.heaviest]
    if effect is None or found.stronger is None:
        st.text(f"Without {heaviest} no weight is left, so it cannot be taken out alone.")
    else:
        flips = "changes" if found.flips[found.heaviest] else "does not change"
        others = "any other word" if found.stronger == 1 else f"{wording.percent(found.stronger)} of the other words"
        st.text(
            f"Taking out the heaviest word alone, {heaviest}, {flips} the answer and moves the output more than "
            f"{others} would (JSD {wording.number(effect)})."
        )
    _parts.how_to_read(
        "A curve is an order in which words lose their weight; the lower it is early on, the better the order found "
        "what the answer needs, and a dot marks where another class wins. “Gradient in the weight” begins with the "
        "word whose weight moves the answer most. Grey is the mean of ten random orders, with the middle 80 % of them.",
        _words.JSD,
    )  # fmt: skip


def cone_row(scene: Scene, found: Conicity) -> Placed:
    """Conicity on its range."""
    return Placed("Conicity", found.conicity, wording.number(found.conicity), 0, 1, ("0 all ways", "1 one ray"),
                  scene.reference("conicity"))  # fmt: skip


def conicity(scene: Scene, found: Conicity) -> None:
    """The states as arrows, how narrow they are, and what a shuffle may change."""
    _parts.chart(debate_charts.cone_chart(scene.trial, found, scene.place, scene.dark))
    st.html(debate.placed_html((cone_row(scene, found),)))
    if found.measured is not None:
        told = "." if found.predicted is None else f"; the states alone foretell {wording.number(found.predicted)}."
        st.text(
            f"Before scores become probabilities, the answer's score leads by {wording.number(found.margin)} (logits). "
            f"Dealing the weights to other words by chance moves this lead by {wording.number(found.measured)} (root "
            f"mean square){told}"
        )
    if found.reason:
        st.caption(_parts.plain(found.reason))
    _parts.how_to_read(
        "Each arrow is a word's state: its true length, and its true angle to the mean state, which points right. "
        "Arrows close to the dashed line mean a narrow cone.", _words.CONE,
    )  # fmt: skip


def sanity(scene: Scene, found: Sanity) -> None:
    """Maps by parts, flagged where they did not notice."""
    st.html(debate_tables.sanity_html(found))
    for _, sentence in found.skipped:
        st.caption(_parts.plain(sentence))
    _parts.how_to_read(
        "A column is a part whose learned numbers were shuffled. τ with the map of the trained reader, the mean of "
        f"{wording.count(found.draws, 'draw')}; near 0 the order is gone, near 1 the map did not notice.", _words.TAU,
    )  # fmt: skip


def faithfulness(scene: Scene, found: Faithfulness) -> None:
    """Every map beside its floors and the oracle, and beside the words that the visitor marks."""
    if found.left_out:
        st.info(_parts.plain(found.left_out))
    _parts.chart(debate_faith.faith_chart(found, scene.place, scene.dark))
    lines = "" if found.left_out else (
        " The line is the range over four ways of taking words out. The oracle orders words by what each takes with it "
        "alone."
    )
    _parts.how_to_read(
        "A dot is a map: how much of the answer's probability goes with the words it names. The grey band is what "
        f"random maps reach; a hollow dot is no better than chance.{lines}",
        _words.AOPC,
    )
    st.html(debate_faith.faith_html(found))
    st.text(debate_faith.cost_words(found))
    st.subheader("Does it point at the words that you would name?", anchor=False)
    marked = st.multiselect(
        "Words that are evidence to you", range(len(scene.trial.kept)), key=Key.marked(scene.trial.kept),
        format_func=lambda i: f"{scene.trial.kept[i] + 1}  {debate.word(scene.trial, i)}",
        placeholder="Mark some words", select_all=False, max_selections=60,
    )  # fmt: skip
    st.html(debate_faith.plausible_html([
        (row.title, _cache.plausible(row.scores, tuple(marked))) for row in found.rows if row.scores
    ]))  # fmt: skip
    _parts.how_to_read(
        "This is plausibility, not faithfulness: a map that agrees with you may still be wrong about the reader.",
        _words.PLAUSIBLE,
    )


# In the order of the debate; an experiment that is not named here follows with its numbers only.
DRAW: Final[Mapping[str, Callable[..., None]]] = MappingProxyType({
    "correlation": correlation, "permutation": permutation, "adversary": adversary, "smallest_edit": smallest_edit,
    "erasure": erasure, "conicity": conicity, "sanity": sanity,
    "faithfulness": faithfulness,
})  # fmt: skip
