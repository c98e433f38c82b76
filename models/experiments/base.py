"""What every experiment of the debate is: facts for its card, bounded parameters, one pure function."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from models.analysis import predicted, prepare
from models.attribution.accounts import Accounts
from models.attribution.base import NoParams, checked
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.experiment_records import ExperimentCall, Finding, Trial
from models.experiments.frozen import Frozen
from models.poolers.base import Pooler
from models.records import Param, Request


class NotHereError(PoolScopeError):
    """An experiment that has no answer on this text, in one sentence."""


class Experiment(ABC):
    """One experiment on one text: a subclass is one file and states its facts as class variables.

    ``question`` is the one line above its picture, ``claim`` who argues what with it, ``protocol`` what is done,
    ``ends`` what a high and a low number mean, ``shows`` and ``shows_not`` one sentence each on what follows from it
    and what does not. ``Params`` bounds each parameter in its field metadata, as attribution methods do. It works on a
    :class:`Reading`, whose states are computed once, and leaves the classifier as it was.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    claim: ClassVar[str]
    protocol: ClassVar[str]
    source: ClassVar[str]
    ends: ClassVar[str]
    shows: ClassVar[str]
    shows_not: ClassVar[str]
    Params: ClassVar[type] = NoParams

    def __init__(self, **params: Param) -> None:
        """Take parameters by name.

        Raises:
            PoolScopeError: an unknown name, or a value outside its bounds or choices.
        """
        self.params: Any = checked(self, params)

    @classmethod
    def facts(cls) -> Mapping[str, str]:
        """The card of the experiment: every fact by name."""
        names = ("name", "title", "question", "claim", "protocol", "source", "ends", "shows", "shows_not")
        return {name: getattr(cls, name) for name in names}

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Say in one sentence why the experiment cannot apply to ``classifier``; ``None`` when it can."""
        return None

    @abstractmethod
    def run(self, frozen: Frozen) -> Finding:
        """Do the experiment.

        Raises:
            NotHereError: it has no answer on this text.
        """

    def __call__(self, reading: Reading) -> Finding:
        """Do the experiment where it applies.

        Raises:
            NotHereError: it does not apply to the classifier, or has no answer on this text.
        """
        reason = self.why_not(reading.classifier)
        if reason is not None:
            raise NotHereError(reason)
        return self.run(Frozen(reading))


def perform(
    classifier: PoolingClassifier, request: Request, call: ExperimentCall, registry: Mapping[str, type[Experiment]],
    accounts: Accounts | None = None,
) -> Trial:  # fmt: skip
    """Do one experiment on the text of ``request``: the one call a page makes.

    Texts that ``accounts`` has already, from maps or other experiments, are not read again.

    Raises:
        PoolScopeError: nothing to read, no such experiment, or a parameter that it does not accept.
    """
    started = time.perf_counter()
    experiment = registry[call.name](**dict(call.params))
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    finding: Finding | None = None
    reason = None
    try:
        finding = experiment(reading)
    except NotHereError as error:
        reason = str(error)
    return Trial(
        model=classifier.spec,
        call=call,
        tokens=text.tokens,
        kept=text.kept,
        prediction=predicted(classifier, reading.logits[0]),
        finding=finding,
        reason=reason,
        seconds=time.perf_counter() - started,
    )


def no_weights(classifier: PoolingClassifier, otherwise: str) -> str | None:
    """The sentence for poolers without weights to impose, and for those with several maps at once."""
    title = classifier.pooler.title
    if not classifier.pooler.attends:
        return f"{title} pooling has no weights that could be set otherwise. {otherwise}".strip()
    if type(classifier.pooler).own_weights is not Pooler.own_weights:
        return f"{title} attends with several maps at once; one map in place of all of them would be another reader."
    return None
