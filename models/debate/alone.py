"""One text of a test set by the experiments themselves: the road for pieces, special tokens and single words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.debate.rows import ERASURES, TAUS, DebateRow
from models.experiments.adversary import AdversarialAttention
from models.experiments.base import NotHereError
from models.experiments.conicity import StateConicity
from models.experiments.correlation import AttentionCorrelation
from models.experiments.erasure import flips_by_order
from models.experiments.frozen import Frozen
from models.experiments.permutation import PermutedAttention
from models.experiments.smallest_edit import SmallestEditExperiment
from models.records import Agreement

ONE_WORD: Final = "One word cannot be taken out without leaving nothing."
NEVER: Final = "The answer stays, whatever is taken out in this order."
TURNED: Final = "No weights on these words change the answer."


@dataclass(frozen=True, slots=True)
class Options:
    """How far the adversary may move the output, and the seed of the permutations."""

    epsilon: float = 0.01
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """One text: its row in the data set, its class there, its ids and the word of each (−1 for none)."""

    text: int
    label: int
    ids: tuple[int, ...]
    owners: tuple[int, ...]

    @property
    def plain(self) -> bool:
        """Whether every id is a word of its own."""
        return self.owners == tuple(range(len(self.ids)))


@dataclass(frozen=True, slots=True)
class Said:
    """The value of one method on one text, or the reason why there is none."""

    value: float | None
    p_value: float | None = None
    reason: str | None = None


def one_by_one(classifier: PoolingClassifier, item: Item, options: Options) -> list[DebateRow]:
    """Measure one text by the experiments themselves."""
    reading = Reading(classifier, item.ids, item.owners)
    frozen = Frozen(reading)
    said: dict[str, Said] = {}
    try:
        found = AttentionCorrelation().run(frozen)
        taus = (found.weights_gradient, found.weights_removal, found.gradient_removal)
        said |= {name: said_of(tau) for name, tau in zip(TAUS, taus, strict=True)}
    except NotHereError as error:
        said |= dict.fromkeys(TAUS, Said(None, reason=str(error)))
    said["permutation"] = permutation_of(frozen, options)
    said["adversary"] = adversary_of(frozen, options)
    said["conicity"] = cone_of(frozen)
    said["smallest_edit"] = edit_of(frozen)
    said |= erasures_of(frozen, options)
    facts = (frozen.count, item.label, frozen.label, max(frozen.prediction.probabilities), float(frozen.shown.max()))
    return [
        DebateRow(item.text, *facts, method, one.value, one.p_value, one.reason) for method, one in said.items()
    ]


def said_of(tau: Agreement) -> Said:
    """A τ, its p-value or its reason."""
    return Said(tau.value, tau.p_value, tau.reason)


def permutation_of(frozen: Frozen, options: Options) -> Said:
    """The median change under shuffles."""
    experiment = PermutedAttention(seed=options.seed)
    reason = experiment.why_not(frozen.classifier)
    try:
        return Said(None, reason=reason) if reason else Said(experiment.run(frozen).median)
    except NotHereError as error:
        return Said(None, reason=str(error))


def adversary_of(frozen: Frozen, options: Options) -> Said:
    """The distance of the furthest attention with the same answer."""
    experiment = AdversarialAttention(epsilon=options.epsilon)
    reason = experiment.why_not(frozen.classifier)
    return Said(None, reason=reason) if reason else Said(experiment.run(frozen).distance)


def edit_of(frozen: Frozen) -> Said:
    """The part of the attention that must move before another class draws level."""
    experiment = SmallestEditExperiment()
    reason = experiment.why_not(frozen.classifier)
    try:
        return Said(None, reason=reason) if reason else Said(experiment.run(frozen).moved)
    except NotHereError:
        return Said(None, reason=TURNED)


def erasures_of(frozen: Frozen, options: Options) -> dict[str, Said]:
    """The part of the words at whose loss the answer flips, for each order."""
    if frozen.count < 2:
        return dict.fromkeys(ERASURES, Said(None, reason=ONE_WORD))
    return {name: flip_of(flip) for name, flip in zip(ERASURES, flips_by_order(frozen, options.seed), strict=True)}


def flip_of(part: float | None) -> Said:
    """A part of the words, or the reason why there is none."""
    return Said(part, reason=NEVER if part is None else None)


def cone_of(frozen: Frozen) -> Said:
    """The conicity of the states."""
    try:
        return Said(StateConicity().run(frozen).conicity)
    except NotHereError as error:
        return Said(None, reason=str(error))
