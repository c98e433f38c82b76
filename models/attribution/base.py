"""What every attribution method is: facts for its card, bounded parameters, one pure function.

Methods read a :class:`~models.attribution.reading.Reading` and never touch the classifier's
parameters, modes or hooks, so one classifier may serve many threads at once. Derivatives come
from ``torch.autograd.grad`` alone.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np
import torch

from models.attribution.target import SAME, Target, as_target
from models.errors import PoolScopeError
from models.metrics.agreement import is_constant
from models.records import SCALARS, MethodCall, Param, Scalar

if TYPE_CHECKING:
    from models.attribution.reading import Reading
    from models.classifier import PoolingClassifier


CARD_WORDS: Final = (10, 100)  # lengths of text for which a card says how much is read


def seed_field() -> Any:  # noqa: ANN401  # as dataclasses.field, whose result stands for the value
    """The parameter ``seed`` of a method that draws samples."""
    words = "Another seed is another draw of the samples."
    return dataclasses.field(default=1, metadata={"title": "Seed", "min": 1, "max": 99, "step": 1, "help": words})


@dataclasses.dataclass(frozen=True, slots=True)
class NoParams:
    """The parameters of a method that has none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scores:
    """What one method says about one text of T tokens; ``None`` values need a ``reason``.

    ``values`` (T,) are plain floats. ``delta`` is Σ values − (F(x) − F(baseline)) and ``change``
    that difference of F, both only for complete methods. ``forwards`` counts the texts (and points
    of a path) that the method needs read beyond the reading's own pass, ``reused`` those of them
    that the reading's ledger had already; a method only counts what goes past the ledger.
    ``without`` (T, C) are class probabilities without each token. ``errors`` (T,) are standard errors
    of sampled values, ``fit`` is the R² of values that come from a fitted model.
    """

    values: tuple[float, ...] | None
    reason: str | None = None
    warning: str | None = None
    delta: float | None = None
    change: float | None = None
    baseline: str | None = None
    forwards: int = 0
    without: tuple[tuple[float, ...] | None, ...] | None = None
    reused: int = 0
    errors: tuple[float, ...] | None = None
    fit: float | None = None

    @property
    def relative_delta(self) -> float | None:
        """|delta| over |F(x) − F(baseline)|; ``None`` where the change is nothing to divide by."""
        if self.delta is None or self.change is None or abs(self.change) < 1e-9:
            return None
        return abs(self.delta) / abs(self.change)


class AttributionMethod(ABC):
    """One way to give every token of a text a score for one class.

    A subclass states its facts as class variables (they are the method's card), may name a
    frozen dataclass of ``Params`` whose field metadata (``title``, ``help``, ``min``, ``max``,
    ``step`` or ``choices``) bound each parameter, and implements :meth:`attribute` as pure maths.
    ``on_demand`` methods read hundreds of texts or are controls: only who names one gets it.
    ``family`` is one of :data:`~models.attribution.families.FAMILIES`. ``scalars`` are those of a class that it
    can explain; a ``blind`` method gives one map for all of them. Floors are a family; the ``ceiling`` is what no
    method can beat by definition of the measure that its ``note`` names. A ``note`` says what else a card must.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str]
    question: ClassVar[str]
    formula: ClassVar[str]
    baseline: ClassVar[str]
    cost: ClassVar[str]
    source: ClassVar[str]
    signed: ClassVar[bool]
    complete: ClassVar[bool]
    on_demand: ClassVar[bool] = False
    scalars: ClassVar[tuple[Scalar, ...]] = SCALARS
    blind: ClassVar[bool] = False
    ceiling: ClassVar[bool] = False
    note: ClassVar[str] = ""
    Params: ClassVar[type] = NoParams

    def __init__(self, **params: Param) -> None:
        """Take parameters by name.

        Raises:
            PoolScopeError: an unknown name, or a value outside its bounds or choices.
        """
        self.params: Any = checked(self, params)

    @classmethod
    def facts(cls) -> Mapping[str, str | bool]:
        """The card of the method: every fact by name, ready for a page or a table."""
        names = ("name", "title", "family", "question", "formula", "baseline", "cost", "source", "note")
        flags = ("signed", "complete", "blind", "ceiling")
        most = [(words, cls().most_forwards(words)) for words in CARD_WORDS]
        reads = [f"{count:,} for {words} words" for words, count in most if count]
        return {
            **{name: getattr(cls, name) for name in (*names, *flags)},
            "scalars": " ".join(cls.scalars),
            "reads": f"{most[0][1]:,}" if most[0][1] == most[-1][1] else ", ".join(reads),
        }

    @property
    def variant(self) -> tuple[tuple[str, Param], ...]:
        """The parameters that differ from their defaults, in the order of their definition."""
        values = [(f.name, getattr(self.params, f.name), f.default) for f in dataclasses.fields(self.params)]
        return tuple((name, value) for name, value, default in values if value != default)

    @property
    def heading(self) -> str:
        """Title with the parameters that differ from their defaults."""
        if not self.variant:
            return self.title
        return f"{self.title} ({', '.join(f'{name} {value}' for name, value in self.variant)})"

    @property
    def passes_weights(self) -> bool:
        """Whether the map is made of gradients that pass through the attention weights."""
        return self.family in ("gradient", "path")

    @property
    def by_word(self) -> bool:
        """Whether the method takes words as wholes, so that pieces of one have no score of their own."""
        return self.family in ("perturbation", "floor")

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Say in one sentence why the method cannot apply to ``classifier``; ``None`` when it can."""
        return None

    def most_forwards(self, words: int) -> int:
        """Say how many texts and points of a path at most are read for ``words`` words beyond the reading's own pass.

        What ``Scores.forwards`` never exceeds: methods run in this order, and progress is a part of it.
        """
        return 0

    @abstractmethod
    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Score the T tokens of ``reading`` for the number that ``target`` makes of the logits."""

    def why_not_of(self, target: Target) -> str | None:
        """Say in one sentence why the method cannot explain ``target``; ``None`` when it can."""
        if self.blind:
            return None
        if target.against == target.index:
            return SAME
        if target.scalar in self.scalars:
            return None
        return f"{self.title} divides logits, to which the words add up; the {target.word} is no sum of theirs."

    def __call__(self, reading: Reading, target: Target | int) -> Scores:
        """Apply the method where it applies and say in words what is degenerate about the map.

        A number is the logit of that class.
        """
        target = as_target(target)
        reason = self.why_not(reading.classifier) or self.why_not_of(target)
        if reason is not None:
            return Scores(None, reason=reason)
        scores = guarded(counted(self.attribute, reading, target))
        surrogate = reading.classifier.pooler.surrogate if self.passes_weights else ""
        return _warn(scores, surrogate) if surrogate and scores.values is not None else scores


def build(call: MethodCall, registry: Mapping[str, type[AttributionMethod]]) -> AttributionMethod:
    """Make the method a request names.

    Raises:
        PoolScopeError: no method of that name, or a parameter that it does not accept.
    """
    return registry[call.name](**dict(call.params))


def counted(attribute: Callable[[Reading, Target], Scores], reading: Reading, target: Target) -> Scores:
    """Apply ``attribute`` and add what it asked of the reading's ledger to the counts."""
    ledger = reading.ledger
    forwards, reused = ledger.forwards, ledger.reused
    scores = attribute(reading, target)
    forwards, reused = ledger.forwards - forwards, ledger.reused - reused
    if not forwards and not reused:
        return scores
    return dataclasses.replace(scores, forwards=scores.forwards + forwards + reused, reused=scores.reused + reused)


def guarded(scores: Scores) -> Scores:
    """Turn non-finite maps into a reason and warn of maps that rank nothing.

    A degenerate map that is drawn like any other can go unnoticed for months.
    """
    if scores.values is None:
        return scores
    if not all(map(math.isfinite, scores.values)):
        reason = "The scores are not finite numbers for this text, so there is nothing to draw."
        return dataclasses.replace(
            scores, values=None, reason=reason, delta=None, change=None, without=None, errors=None, fit=None
        )
    if not any(scores.values):
        return _warn(scores, "Every score is exactly zero: this map says nothing about this text.")
    if len(scores.values) > 1 and is_constant(np.asarray(scores.values)):
        return _warn(scores, "Every token has the same score: this map ranks nothing.")
    return scores


def _warn(scores: Scores, sentence: str) -> Scores:
    """Add one sentence to the warning."""
    return dataclasses.replace(scores, warning=" ".join(filter(None, (scores.warning, sentence))))


def needs_attention(classifier: PoolingClassifier) -> str | None:
    """The sentence for poolers without attention weights; ``None`` for those that attend."""
    if classifier.pooler.attends:
        return None
    return f"{classifier.pooler.title} pooling has no attention weights to show."


def floats(values: torch.Tensor) -> tuple[float, ...]:
    """Plain numbers of a tensor (T,)."""
    return tuple(values.detach().tolist())


class Tunable(Protocol):
    """Whatever has a title and bounded parameters: an attribution method, an experiment."""

    title: ClassVar[str]
    Params: ClassVar[type]


def checked(method: Tunable, given: Mapping[str, Param]) -> Any:  # noqa: ANN401  # the class is the method's own
    """Check ``given`` against the bounds in the field metadata and make the method's ``Params``."""
    fields = {field.name: field for field in dataclasses.fields(method.Params)}
    for name, value in given.items():
        if name not in fields:
            known = _listed(fields) or "none"
            raise PoolScopeError(f"{method.title} has no parameter {name!r}; its parameters are: {known}.")
        _check(method.title, name, value, fields[name].metadata, type(fields[name].default))
    return method.Params(**given)


def _check(title: str, name: str, value: Param, bounds: Mapping[str, Any], kind: type) -> None:
    """Refuse a value outside its choices, of the wrong kind or beyond its bounds."""
    if "choices" in bounds:
        if value not in bounds["choices"]:
            choices = _listed(bounds["choices"])
            raise PoolScopeError(f"{title}: {name} is one of {choices}, got {value!r}; choose one of them.")
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    inside = number and bounds["min"] <= value <= bounds["max"]
    if not inside or (kind is int and value != int(value)):
        word = "a whole number" if kind is int else "a number"
        raise PoolScopeError(
            f"{title}: {name} is {word} from {bounds['min']} to {bounds['max']}, got {value!r}; choose one in between."
        )


def _listed(names: Iterable[str]) -> str:
    """Names with commas between them."""
    return ", ".join(names)
