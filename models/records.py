"""Frozen, slotted records of plain Python values: what crosses from models to viz and pages.

Nothing here knows a tensor, a figure or a file. A record checks its own invariants when it is
made, so whoever receives one need not check again. Undefined numbers are ``None`` with a reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

Scalar = Literal["logit", "probability", "margin"]
SCALARS: tuple[Scalar, ...] = ("logit", "probability", "margin")
Param = float | int | str | bool
Through = Literal["attached", "detached"]
THROUGH: tuple[Through, ...] = ("attached", "detached")


def _key(name: str, params: tuple[tuple[str, Param], ...]) -> str:
    """``name``, or ``name[a=1, b=x]`` when parameters differ from the method's defaults."""
    if not params:
        return name
    return f"{name}[{', '.join(f'{key}={value}' for key, value in params)}]"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Identity of one trained classifier: ``task/encoder/pooler`` and the digest of its weights."""

    id: str
    task: str
    encoder: str
    pooler: str
    seed: int
    digest: str
    title: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an identity that could not name a classifier."""
        if not self.id or not self.task:
            raise ValueError("a ModelSpec needs a non-empty id and task")
        if len(self.labels) < 2:
            raise ValueError(f"{self.id}: a classifier needs two labels or more, got {self.labels}")


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One attribution method with its parameters, hashable so that it can be a cache key."""

    name: str
    params: tuple[tuple[str, Param], ...] = ()

    @property
    def key(self) -> str:
        """Text that tells two calls of one method with different parameters apart."""
        return _key(self.name, self.params)


@dataclass(frozen=True, slots=True)
class Request:
    """All that determines an analysis besides the classifier's weights.

    ``target`` is a class index, ``None`` meaning the predicted class. ``scalar`` says what of it is
    explained: its logit, its probability, or its margin over the next class; a logit may be taken
    ``against`` that of another class. ``deleted`` and ``masked`` are indices into the tokens of the
    *unedited* text: deleted tokens are taken out before encoding, masked ones are replaced by the
    unknown word. Both are kept sorted and without repeats, and a token that is both deleted and
    masked counts as deleted, so that two requests that mean the same are equal.
    """

    text: str
    methods: tuple[MethodCall, ...] = ()
    target: int | None = None
    deleted: tuple[int, ...] = ()
    masked: tuple[int, ...] = ()
    scalar: Scalar = "logit"
    against: int | None = None

    def __post_init__(self) -> None:
        """Bring the edits into their one form; refuse indices that no token can have."""
        deleted = set(self.deleted)
        masked = set(self.masked) - deleted
        if min(deleted | masked, default=0) < 0:
            raise ValueError(f"token indices start at 0, got {self.deleted} and {self.masked}")
        object.__setattr__(self, "deleted", tuple(sorted(deleted)))
        object.__setattr__(self, "masked", tuple(sorted(masked)))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the user's own text: ``text == source[start:end]``, never lower-cased.

    ``known`` is False when the vocabulary has no entry for it; ``state`` says whether the
    request deleted or masked it.
    """

    text: str
    start: int
    end: int
    known: bool = True
    special: bool = False
    state: Literal["kept", "deleted", "masked"] = "kept"

    def __post_init__(self) -> None:
        """Refuse offsets that do not fit the text."""
        if not 0 <= self.start <= self.end or self.end - self.start != len(self.text):
            raise ValueError(f"token {self.text!r} does not fit offsets {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Prediction:
    """Class probabilities (softmax of ``logits``) and the index of the largest."""

    labels: tuple[str, ...]
    logits: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse lengths that differ and probabilities that do not sum to one."""
        if not len(self.labels) == len(self.logits) == len(self.probabilities):
            raise ValueError("labels, logits and probabilities differ in length")
        if not math.isclose(sum(self.probabilities), 1.0, abs_tol=1e-4):
            raise ValueError(f"probabilities sum to {sum(self.probabilities)}, not 1")

    @property
    def predicted(self) -> int:
        """Index of the most probable class (the first one on a tie)."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self.labels[self.predicted]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learned quantity of a pooler: effective values, initial values, meaning and domain."""

    name: str
    values: tuple[float, ...]
    initial: tuple[float, ...]
    meaning: str
    domain: str

    def __post_init__(self) -> None:
        """Refuse values without their initial counterparts."""
        if not self.values or len(self.values) != len(self.initial):
            counts = f"{len(self.values)} values, {len(self.initial)} initial"
            raise ValueError(f"parameter {self.name!r}: {counts}")


@dataclass(frozen=True, slots=True)
class TraceMap:
    """One more map of a pooler over the words of a text: a hop, a head, a tier."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PoolingTrace:
    """What the pooler did with the token states of one text, one number per word.

    ``weights`` (T,) are the attention weights, ``None`` for poolers that have none;
    ``effective`` (T,) is softmax(p·s) where a norm sharpens or flattens them. ``shares`` (T,) is
    the mean over dimensions of each token's share of the pooled vector, non-negative, sum 1.
    ``winners`` (T,) counts, for max pooling, the dimensions that each token wins, ties divided.
    ``maps`` are further maps of the pooler. ``special_weight`` and ``special_share`` are what the
    encoder's own tokens ([CLS], [SEP]) hold, which stand at no word. ``segments`` (T,) number the
    sentences for poolers that read in tiers.
    """

    weights: tuple[float, ...] | None
    weights_meaning: str
    effective: tuple[float, ...] | None
    shares: tuple[float, ...]
    winners: tuple[float, ...] | None
    state_norms: tuple[float, ...]
    parameters: tuple[Parameter, ...] = ()
    maps: tuple[TraceMap, ...] = ()
    special_weight: float = 0.0
    special_share: float = 0.0
    segments: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Every map of one text has one number per token."""
        for name in ("weights", "effective", "winners", "state_norms"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.shares):
                raise ValueError(f"trace has {len(values)} {name} but {len(self.shares)} shares")
        for extra in self.maps:
            if len(extra.values) != len(self.shares):
                raise ValueError(f"trace has {len(extra.values)} values of {extra.name} but {len(self.shares)} shares")
        if self.segments is not None and len(self.segments) != len(self.shares):
            raise ValueError(f"trace has {len(self.segments)} segments but {len(self.shares)} shares")


@dataclass(frozen=True, slots=True)
class Attribution:
    """One score per token, or ``None`` with a ``reason``.

    ``delta`` is the completeness error Σ scores − (F(x) − F(baseline)) of complete methods and
    ``relative_delta`` that error over |F(x) − F(baseline)|. ``warning`` says in words what the
    reader must know (degenerate map, delta not reached). Scores of deleted tokens are 0.
    ``against`` is the class whose logit was taken off that of ``target``, if any. ``params`` are the
    parameters that differ from the method's defaults. ``without`` holds, for
    methods that take tokens out one by one, the class probabilities without each token (``None``
    for tokens that could not be taken out). ``special`` is what the encoder's own tokens ([CLS],
    [SEP]) hold of the sum, which stand at no word. ``forwards`` counts the texts the method needs
    read beside this one, of which ``reused`` had been read before: for another method, another question about the
    same words, or another reader over the same encoder. ``errors`` are the
    standard errors of scores that were sampled, and ``fit`` is the R² of scores that are the
    coefficients of a fitted model. ``pieces`` are the scores before they were summed over words, one per
    piece of the analysis, for methods that score pieces; those that work on whole words have none.
    """

    method: str
    title: str
    target: int
    scalar: Scalar
    signed: bool
    complete: bool
    scores: tuple[float, ...] | None
    reason: str | None = None
    warning: str | None = None
    delta: float | None = None
    relative_delta: float | None = None
    baseline: str | None = None
    forwards: int = 0
    seconds: float = 0.0
    params: tuple[tuple[str, Param], ...] = ()
    without: tuple[tuple[float, ...] | None, ...] | None = None
    special: float = 0.0
    reused: int = 0
    errors: tuple[float, ...] | None = None
    fit: float | None = None
    against: int | None = None
    pieces: tuple[float, ...] | None = None

    @property
    def key(self) -> str:
        """Text that tells two calls of one method with different parameters apart."""
        return _key(self.method, self.params)

    def __post_init__(self) -> None:
        """Undefined needs a reason; defined scores must be finite."""
        if self.scores is None and not self.reason:
            raise ValueError(f"{self.method}: scores are missing without a reason")
        if self.scores is not None and not all(map(math.isfinite, self.scores)):
            raise ValueError(f"{self.method}: scores are not finite")
        if not 0 <= self.reused <= self.forwards:
            raise ValueError(f"{self.method}: {self.reused} of {self.forwards} forwards cannot have been reused")


@dataclass(frozen=True, slots=True)
class Agreement:
    """One metric between two maps of one classifier, ``None`` with a reason where undefined.

    ``left`` and ``right`` are the keys of the two attributions. ``basis`` says what was ranked:
    the signed scores, or their magnitudes when one of the two maps has no sign.
    """

    metric: str
    left: str
    right: str
    value: float | None
    n: int
    p_value: float | None = None
    reason: str | None = None
    basis: Literal["signed", "magnitude"] = "signed"

    def __post_init__(self) -> None:
        """Undefined is ``None`` with a reason, never NaN."""
        if self.value is None and not self.reason:
            raise ValueError(f"{self.metric} of {self.left}, {self.right}: undefined without a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.metric} of {self.left}, {self.right}: {self.value} is not a number")


@dataclass(frozen=True, slots=True)
class RankGap:
    """A word that two maps rank differently: its place in the text, both ranks (1 the strongest), its part of it all.

    ``part`` is its share of Σ (rank − rank')² over the words of the text, in (0, 1].
    """

    index: int
    left: float
    right: float
    part: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two maps compared by their ``k`` strongest words and by rank correlation; ``gaps`` name the words behind it.

    ``found`` holds one agreement per measure of ``models.metrics.top_k``; ``k`` is at most the words less one.
    """

    left: str
    right: str
    k: int
    found: tuple[Agreement, ...]
    correlation: Agreement
    gaps: tuple[RankGap, ...] = ()

    def of(self, metric: str) -> Agreement:
        """The agreement by a measure, whatever its k, or the rank correlation."""
        named = {item.metric.partition("@")[0]: item for item in (*self.found, self.correlation)}
        return named[metric]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything one classifier says about one request.

    ``tokens`` are those of the unedited text in order, each with its ``state``; every per-token
    tuple has their length. ``cut`` is the number of tokens beyond the limit that were not read.
    ``target`` is the class the attributions speak about. ``forwards`` texts were read for the
    attributions beside this one, and ``reused`` times a method found a text already read. ``pieces`` are
    what a reader with sub-words really reads, its own tokens among them, and ``owners`` the word of each (−1 for
    none); both are empty where words are read whole.
    """

    model: ModelSpec
    request: Request
    tokens: tuple[Token, ...]
    cut: int
    prediction: Prediction
    target: int
    trace: PoolingTrace
    attributions: tuple[Attribution, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    seconds: float = 0.0
    forwards: int = 0
    reused: int = 0
    pieces: tuple[Token, ...] = ()
    owners: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Every map must have one number per token, and the target must be a class."""
        n = len(self.tokens)
        if not 0 <= self.target < len(self.prediction.labels):
            raise ValueError(f"target {self.target} is none of {len(self.prediction.labels)} classes")
        for attribution in self.attributions:
            if attribution.scores is not None and len(attribution.scores) != n:
                raise ValueError(f"{attribution.method}: {len(attribution.scores)} scores for {n} tokens")
            if attribution.without is not None and len(attribution.without) != n:
                raise ValueError(f"{attribution.method}: {len(attribution.without)} removals for {n} tokens")
            if attribution.errors is not None and len(attribution.errors) != n:
                raise ValueError(f"{attribution.method}: {len(attribution.errors)} errors for {n} tokens")
            if attribution.pieces is not None and len(attribution.pieces) != len(self.pieces):
                raise ValueError(
                    f"{attribution.method}: {len(attribution.pieces)} scores for {len(self.pieces)} pieces"
                )
        if len(self.trace.shares) != n:
            raise ValueError(f"trace has {len(self.trace.shares)} shares for {n} tokens")
        if len(self.pieces) != len(self.owners):
            raise ValueError(f"{len(self.pieces)} pieces have {len(self.owners)} owners")


@dataclass(frozen=True, slots=True)
class Removal:
    """The prediction once one token is deleted or masked, everything re-encoded."""

    index: int
    how: Literal["deleted", "masked"]
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word near another: cosine and dot product of their vectors, and its own rank by frequency."""

    word: str
    cosine: float
    dot: float
    rank: int | None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The words nearest to one in a vocabulary, nearest first, or none and the ``reason``.

    ``space`` says which vectors were compared. ``rank`` is the word's place by frequency among
    ``size`` words, 1 the most frequent, ``None`` where a vocabulary has no such order; ``norm`` is
    the length of its vector and ``median_norm`` that of the word in the middle.
    """

    word: str
    space: Literal["embedding", "state"]
    known: bool
    size: int
    near: tuple[Neighbour, ...] = ()
    rank: int | None = None
    norm: float | None = None
    median_norm: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """No neighbours need a reason; neighbours come nearest first."""
        if not self.near and not self.reason:
            raise ValueError(f"{self.word!r}: no neighbours and no reason")
        if list(self.near) != sorted(self.near, key=lambda found: -found.cosine):
            raise ValueError(f"{self.word!r}: the neighbours do not come nearest first")


@dataclass(frozen=True, slots=True)
class Substitute:
    """The prediction once another word stands at place ``index``, everything re-encoded."""

    index: int
    word: str
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder from attention to leave-one-out; ``tau`` compares with the rung above.

    A rung without a map has no ``scores``; the ``tau`` of the one below then compares over the gap, and ``over`` names
    the rung that it compares with.
    """

    name: str
    title: str
    adds: str
    scores: tuple[float, ...] | None
    tau: Agreement | None = None
    over: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs in order and one sentence that names where the agreement breaks.

    ``through`` says which gradients its rungs are made of: ``attached`` ones pass through the attention weights as
    well, ``detached`` ones hold them constant; ``none`` where there are no weights to hold.
    """

    rungs: tuple[Rung, ...]
    weakest: int | None
    sentence: str
    through: Literal["attached", "detached", "none"] = "attached"


@dataclass(frozen=True, slots=True)
class NormPoint:
    """The pooler of one text at one value of its exponent p.

    ``winners`` (D,) is, per dimension of ``pooled``, the index of the token with the largest
    share; empty where nobody asked.
    """

    p: float
    effective: tuple[float, ...] | None
    shares: tuple[float, ...]
    pooled: tuple[float, ...]
    probabilities: tuple[float, ...]
    winners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NormSweep:
    """The same text pooled at many p on frozen token states.

    ``learned`` is the trained p (its mean over units) and ``learned_range`` its extremes.
    """

    model: ModelSpec
    tokens: tuple[Token, ...]
    labels: tuple[str, ...]
    reading: str
    weights: tuple[float, ...] | None
    learned: float
    learned_range: tuple[float, float]
    points: tuple[NormPoint, ...] = field(default=())
