"""What the debate's experiments say: frozen, slotted records of plain Python values.

Under the rule of ``models.records``: the standard library only, so that figures may be drawn from
them without a tensor. Per-word tuples (n,) follow ``Trial.kept``. Divergences are in nats, TVD is
½ Σ|p − q|, both between 0 and their bound. Undefined is ``None`` with a reason.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from models.records import Agreement, ModelSpec, Param, Prediction, Token

# The largest value of a Jensen-Shannon divergence: two distributions without a common word.
MOST: float = math.log(2)


@dataclass(frozen=True, slots=True)
class ExperimentCall:
    """One experiment with its parameters, hashable so that it can be a cache key."""

    name: str
    params: tuple[tuple[str, Param], ...] = ()


@dataclass(frozen=True, slots=True)
class Adversary:
    """Other weights on the same states that leave the output where it was.

    ``weights`` (n,) are the reader's own, ``found`` (n,) the others; ``distance`` is their JSD, at most
    ``most`` (ln 2, less what special tokens hold). ``change`` is the TVD of the outputs, at most
    ``epsilon``. ``exact``: no other weights are further away; else a search found these, and the true
    distance may be larger.
    """

    weights: tuple[float, ...]
    found: tuple[float, ...]
    distance: float
    most: float
    change: float
    epsilon: float
    exact: bool
    before: Prediction
    after: Prediction


@dataclass(frozen=True, slots=True)
class Permutation:
    """Output changes (TVD) once the weights are dealt to other words by chance, states frozen.

    ``changes`` holds one per shuffle, ``median`` their median, ``flips`` the part of shuffles after
    which another class is predicted. ``largest`` is the largest weight of a word, ``section`` the
    quarter of [0, 1] that it lies in, 0 to 3. ``weights`` (n,) are attention, or shares (``shared``).
    """

    weights: tuple[float, ...]
    changes: tuple[float, ...]
    median: float
    flips: float
    largest: float
    section: int
    shared: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Weight that goes from one word to another, by their places among the n words."""

    source: int
    target: int
    mass: float


@dataclass(frozen=True, slots=True)
class SmallestEdit:
    """The weights nearest to the reader's own (by KL) with which ``rival`` draws level.

    ``moved`` is the mass that changes place, ½ Σ|a' − a|; ``moves`` say from where to where, largest first.
    ``strength`` is λ of the tilting a' ∝ a e^{−λv}.
    """

    weights: tuple[float, ...]
    found: tuple[float, ...]
    rival: int
    divergence: float
    distance: float
    moved: float
    moves: tuple[Move, ...]
    strength: float
    before: Prediction
    after: Prediction


@dataclass(frozen=True, slots=True)
class Imposed:
    """The prediction with weights (n,) set by hand; ``distance`` is the JSD to the reader's own weights."""

    own: tuple[float, ...]
    weights: tuple[float, ...]
    distance: float
    most: float
    change: float
    before: Prediction
    after: Prediction

    @property
    def flipped(self) -> bool:
        """Whether another class is predicted."""
        return self.before.predicted != self.after.predicted


@dataclass(frozen=True, slots=True)
class ErasureCurve:
    """The probability of the class predicted at first, words taken out in one order.

    ``fractions`` of the words are gone, from 0; ``flip`` is the first at which another class is
    predicted, ``None`` where none is before the weights run out. ``area`` is the mean height of the curve.
    ``low`` and ``high`` are the tenth and ninetieth percentile of random orders.
    """

    name: str
    title: str
    fractions: tuple[float, ...]
    probabilities: tuple[float, ...]
    flip: float | None
    area: float
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """Four orders of taking words out, and the one heaviest word against every other word.

    ``heaviest`` is the place of the word with the largest weight, ``effects`` (n,) the JSD of the output
    to the one without each single word, ``stronger`` the part of the other words whose removal does less than
    the heaviest's; ``flips`` (n,) whether the class changes. ``None`` in ``effects``: no weight was left.
    """

    curves: tuple[ErasureCurve, ...]
    weights: tuple[float, ...]
    heaviest: int
    effects: tuple[float | None, ...]
    flips: tuple[bool, ...]
    stronger: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Correlation:
    """τ_b between three maps of this text: weights, |gradient × embedding| and leave-one-out."""

    start: str
    weights: tuple[float, ...]
    gradient: tuple[float, ...]
    removal: tuple[float, ...]
    weights_gradient: Agreement
    weights_removal: Agreement
    gradient_removal: Agreement


@dataclass(frozen=True, slots=True)
class Conicity:
    """How narrow the cone of the token states is, and what that makes of a shuffle of the weights.

    ``cosines`` (n,) are those with the mean state and ``conicity`` the mean of their sizes. ``points`` (n,)
    have each state's true length and true angle to the mean state, which points right; only the side is
    that of the first principal axis of what is left. ``predicted`` is the root mean square change of the
    logit margin over all permutations of the weights, in closed form, ``measured`` that over
    ``shuffles``; ``reason`` says why one is missing. ``average`` is the change towards mean pooling.
    """

    conicity: float
    cosines: tuple[float, ...]
    points: tuple[tuple[float, float], ...]
    predicted: float | None
    measured: float | None
    average: float | None
    margin: float
    shuffles: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SanityCell:
    """One map after one part of the reader lost what it had learned; ``tau`` over the draws, and a verdict.

    ``same`` is True where the map stayed the same to rounding in every draw.
    """

    part: str
    method: str
    title: str
    taus: tuple[float | None, ...]
    same: bool
    reason: str | None = None

    @property
    def tau(self) -> float | None:
        """Mean τ_b with the map of the trained reader over the draws where it is defined."""
        known = [tau for tau in self.taus if tau is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class Sanity:
    """Every map under every randomisation; ``skipped`` parts have nothing learned to lose."""

    parts: tuple[tuple[str, str], ...]
    cells: tuple[SanityCell, ...]
    skipped: tuple[tuple[str, str], ...]
    draws: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """The mean of draws with their standard deviation and a percentile bootstrap interval (95 %) of the mean."""

    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FaithRow:
    """One map's faithfulness, or that of a floor (``random``, ``reversed``) or of the ``oracle``.

    ``comprehensiveness`` and ``sufficiency`` are the mean over the five parts, the ``…_printed`` ones the same sum
    over six. ``log_odds`` is at 20 % gone, ``flip`` the part of the words whose loss changes the answer. ``soft_…``
    are probabilities lost, ``soft_…_normalised`` those of Zhao & Aletras, ``None`` where there is nothing to
    normalise by. ``infidelity`` lies in 0 … 1. ``sensitivity`` is ``None`` for maps that read other texts. ``spread``
    is the range of comprehensiveness over the ways of taking words out. ``beyond`` says whether comprehensiveness lies
    above the middle 90 % of random maps, ``followed`` whether a flip was looked for. ``scores`` (n,) are empty for
    floors.
    """

    name: str
    title: str
    kind: str
    comprehensiveness: float | None
    sufficiency: float | None
    comprehensiveness_printed: float | None = None
    sufficiency_printed: float | None = None
    log_odds: float | None = None
    flip: float | None = None
    soft_comprehensiveness: Sampled | None = None
    soft_sufficiency: Sampled | None = None
    soft_comprehensiveness_normalised: float | None = None
    soft_sufficiency_normalised: float | None = None
    infidelity: float | None = None
    infidelity_range: tuple[float, float] | None = None
    sensitivity: float | None = None
    spread: tuple[float, float] | None = None
    beyond: bool = False
    followed: bool = True
    scores: tuple[float, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Every map beside its floors and the oracle, words taken out by one operator.

    ``random_band`` is the middle 90 % of the comprehensiveness of random maps, ``random_sufficiency`` that of
    their sufficiency, ``random`` how many they are. ``left_out`` says what was not measured because it takes long.
    """

    operator: str
    rows: tuple[FaithRow, ...]
    random_band: tuple[float, float]
    random_sufficiency: tuple[float, float]
    label: str
    probability: float
    forwards: int
    reused: int
    random: int = 20
    left_out: str = ""


Finding = Adversary | Permutation | SmallestEdit | Imposed | Erasure | Correlation | Conicity | Sanity | Faithfulness


@dataclass(frozen=True, slots=True)
class Trial:
    """One experiment on one text with one reader: what was found, or the ``reason`` why nothing was.

    ``kept`` are the places, in ``tokens``, of the n words that were read.
    """

    model: ModelSpec
    call: ExperimentCall
    tokens: tuple[Token, ...]
    kept: tuple[int, ...]
    prediction: Prediction
    finding: Finding | None
    reason: str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Nothing found needs a reason."""
        if self.finding is None and not self.reason:
            raise ValueError(f"{self.call.name}: nothing was found and no reason given")


@dataclass(frozen=True, slots=True)
class Reference:
    """How one number falls over the test texts for which the same reader predicts the same class.

    ``values`` are sorted, one for each of the ``n`` texts with a value, and rounded to ``step`` (0: exact), or
    their square roots are (``root``).
    ``undefined`` counts the texts without one, ``significant`` is the share of texts with p ≤ .05.
    """

    method: str
    data: str
    split: str
    label: str
    n: int
    mean: float
    sd: float | None
    significant: float | None
    values: tuple[float, ...]
    undefined: int = 0
    step: float = 0.0
    root: bool = False

    def below(self, value: float) -> float:
        """Return the part of the texts below ``value``, ties counted half: those that round to the same step."""
        near = max(self.step / 2, 1e-9)
        low, high = value - near, value + near
        if self.root and value >= 0:
            low, high = max(0.0, math.sqrt(value) - near) ** 2, (math.sqrt(value) + near) ** 2
        under, up_to = bisect_left(self.values, low), bisect_right(self.values, high)
        return (under + up_to) / 2 / len(self.values)

    def at(self, part: float) -> float:
        """Return the quantile ``part`` in [0, 1], linear between values."""
        place = part * (len(self.values) - 1)
        left = int(place)
        right = min(left + 1, len(self.values) - 1)
        return self.values[left] + (place - left) * (self.values[right] - self.values[left])


@dataclass(frozen=True, slots=True)
class Measured:
    """The debate's numbers on each text of a test set that one reader read, in the order of the set; no texts.

    ``texts`` are places in the split of ``of`` texts, ``words`` counts, ``predicted`` classes, ``right`` whether
    they are those of the data, ``largest`` the largest weight (or share) of a word. ``numbers`` has one tuple per
    method, ``None`` where a text has no such number.
    """

    data: str
    split: str
    of: int
    labels: tuple[str, ...]
    texts: tuple[int, ...]
    words: tuple[int, ...]
    predicted: tuple[int, ...]
    right: tuple[bool, ...]
    largest: tuple[float, ...]
    numbers: tuple[tuple[str, tuple[float | None, ...]], ...]
