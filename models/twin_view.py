"""A classifier and its twins on one text: who they are, how far apart they read, what a deceiver hides.

Works on plain records (cards and analyses), so that whoever asks decides which twins are loaded.
Divergences are in nats, TVD is ½ Σ|p − q|.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.errors import PoolScopeError
from models.metrics.agreement import METRICS
from models.metrics.divergence import jensen_shannon
from models.records import Agreement, Analysis, Prediction
from models.text import lookup_key
from models.zoo.catalogue import Card


@dataclass(frozen=True, slots=True)
class Family:
    """The twins of one classifier by kind, each in the order of λ or seed; ``stale`` ones have another base.

    A twin is stale when its card was measured against other weights than the base has now.
    """

    base: Card
    twins: tuple[Card, ...]
    stale: int = 0

    def of(self, *kinds: str) -> tuple[Card, ...]:
        """The twins of these kinds, in the order of the kinds."""
        return tuple(card for kind in kinds for card in self.twins if card.twin and card.twin["kind"] == kind)

    def called(self, model_id: str) -> Card | None:
        """The base or the twin with this id."""
        return next((card for card in (self.base, *self.twins) if card.spec.id == model_id), None)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a twin's card states of the test texts: means over ``texts`` of them, ``None`` where it is silent.

    ``jsd`` and ``tvd`` are distances to the base; ``mass`` is the attention on ``forbidden`` words, over
    the texts that have some but not only such words, and the ``…_base`` numbers are the base's own.
    """

    accuracy: float | None
    texts: int | None = None
    strength: float | None = None
    jsd: float | None = None
    tvd: float | None = None
    conicity: float | None = None
    conicity_base: float | None = None
    mass: float | None = None
    mass_base: float | None = None
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Apart:
    """Two classifiers on one text: ``jsd`` and ``tau`` between their maps, ``tvd`` between their outputs."""

    jsd: float
    tau: Agreement
    tvd: float
    flipped: bool


@dataclass(frozen=True, slots=True)
class Crossed:
    """Every two of n classifiers: ``jsd`` (n, n) with 0 on the diagonal, ``tau`` (n, n) with ``None`` there.

    ``low``, ``middle`` and ``high`` are the smallest, median and largest JSD of two different ones.
    """

    jsd: tuple[tuple[float, ...], ...]
    tau: tuple[tuple[float | None, ...], ...]
    low: float
    middle: float
    high: float
    reason: str | None = None


def family(base: Card, twins: Iterable[Card]) -> Family:
    """Order the twins of ``base``, and leave out those of other weights."""
    found = list(twins)
    fit = [card for card in found if card.twin and card.twin.get("of_digest", base.spec.digest) == base.spec.digest]
    fit.sort(key=lambda card: (float((card.twin or {}).get("lambda", 0.0)), card.spec.seed, card.spec.id))
    return Family(base, tuple(fit), len(found) - len(fit))


def stated(card: Card) -> Stated:
    """Read a card."""
    said = card.twin or {}
    numbers = {
        name: float(said[key]) if isinstance(said.get(key), int | float) else None
        for name, key in (
            ("strength", "lambda"), ("jsd", "jsd"), ("tvd", "tvd"), ("conicity", "conicity"),
            ("conicity_base", "conicity_base"), ("mass", "mass"), ("mass_base", "mass_base"),
        )
    }  # fmt: skip
    texts = said.get("texts")
    return Stated(
        card.accuracy, texts if isinstance(texts, int) else None,
        forbidden=tuple(map(str, said.get("forbidden", ()))), **numbers,
    )  # fmt: skip


def kept(analysis: Analysis) -> tuple[int, ...]:
    """Places of the n words that were read, in the text's tokens."""
    return tuple(i for i, token in enumerate(analysis.tokens) if token.state != "deleted")


def weights(analysis: Analysis) -> tuple[float, ...]:
    """One weight per word that was read (n,): attention, or the mean share of the vector where there is none."""
    trace = analysis.trace
    full = trace.shares if trace.weights is None else trace.weights
    return tuple(full[place] for place in kept(analysis))


def tvd(left: Prediction, right: Prediction) -> float:
    """Return ½ Σ|p − q| over the classes."""
    return sum(abs(p - q) for p, q in zip(left.probabilities, right.probabilities, strict=True)) / 2


def apart(base: Analysis, twin: Analysis) -> Apart:
    """Compare two classifiers that read the same words.

    Raises:
        PoolScopeError: they did not.
    """
    _same(base, twin)
    mine, theirs = weights(base), weights(twin)
    names = base.model.title, twin.model.title
    return Apart(
        jensen_shannon(mine, theirs), METRICS["kendall_tau"](mine, theirs, names=names),
        tvd(base.prediction, twin.prediction), base.prediction.predicted != twin.prediction.predicted,
    )  # fmt: skip


def crossed(analyses: Sequence[Analysis]) -> Crossed:
    """Compare every two of two or more classifiers that read the same words.

    Raises:
        PoolScopeError: they did not, or there are fewer than two.
    """
    if len(analyses) < 2:
        raise PoolScopeError(f"{len(analyses)} reader came; expected two or more to compare")
    found = {
        (i, j): apart(analyses[i], analyses[j]) for i in range(len(analyses)) for j in range(i + 1, len(analyses))
    }
    order, pairs = range(len(analyses)), [pair.jsd for pair in found.values()]
    return Crossed(
        jsd=tuple(tuple(found[min(i, j), max(i, j)].jsd if i != j else 0.0 for j in order) for i in order),
        tau=tuple(
            tuple(found[min(i, j), max(i, j)].tau.value if i != j else None for j in order) for i in order
        ),
        low=min(pairs), middle=statistics.median(pairs), high=max(pairs),
        reason=next((pair.tau.reason for pair in found.values() if pair.tau.value is None), None),
    )  # fmt: skip


def forbidden_places(analysis: Analysis, words: Iterable[str]) -> tuple[int, ...]:
    """Places, among the n words that were read, of those in ``words`` (in the vocabulary's spelling)."""
    wanted = set(words)
    return tuple(
        n for n, place in enumerate(kept(analysis))
        if analysis.tokens[place].state == "kept" and lookup_key(analysis.tokens[place].text) in wanted
    )  # fmt: skip


def mass(analysis: Analysis, places: Iterable[int]) -> float:
    """Return the weight that the words at ``places`` (among those read) hold together."""
    found = weights(analysis)
    return sum(found[place] for place in places)


def lost(before: Prediction, after: Prediction) -> float:
    """Return how much probability the class predicted before has lost: the effect of leaving something out."""
    return before.probabilities[before.predicted] - after.probabilities[before.predicted]


def _same(left: Analysis, right: Analysis) -> None:
    words = [[(t.start, t.end, t.state) for t in analysis.tokens] for analysis in (left, right)]
    if words[0] != words[1]:
        raise PoolScopeError(
            f"{left.model.title} and {right.model.title} cut this text into other words ({len(words[0])} and "
            f"{len(words[1])}), so their maps cannot be compared word by word; choose a twin that reads alike"
        )
