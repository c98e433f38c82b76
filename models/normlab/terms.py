"""A text as the norm sees it: the numbers that are raised to a power, and their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor

from models.analysis import Text, prepare
from models.attribution.accounts import Accounts
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.norms import HIGHEST, LOWEST
from models.poolers.apln import AplnPooler
from models.poolers.gem import GemPooler
from models.poolers.learned_norm import LearnedNormPooler
from models.poolers.limits import limit_scale
from models.poolers.power import PowerPooler
from models.records import Request

READINGS: Final = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class Terms:
    """One text on frozen states, in double precision: z (T, D) > 0 and log a (T,) with Σ a_i = 1.

    APLN has its limited states and its attention; GeM its clamped states and the learned norm its distances
    |h − c|, both with a_i = 1/N.
    """

    classifier: PoolingClassifier
    text: Text
    reading: Reading
    z: Tensor
    log_a: Tensor

    @property
    def own(self) -> str:
        """The reading the pooler was trained with; empty without attention."""
        return str(getattr(self.classifier.pooler, "reading", ""))

    @property
    def attends(self) -> bool:
        """Whether the weights were learned."""
        return self.classifier.pooler.attends

    def probabilities(self, pooled: Tensor) -> Tensor:
        """Class probabilities (B, C) of pooled vectors (B, D)."""
        return self.classifier.decide(pooled.to(self.reading.pooled.dtype)).double().softmax(-1)


@torch.no_grad()
def terms(classifier: PoolingClassifier, request: Request, accounts: Accounts | None = None) -> Terms:
    """Read a text, if ``accounts`` has it not, and take from the pooler what its norm is a norm of.

    Raises:
        PoolScopeError: the pooler has no exponent, or there is nothing to read.
    """
    pooler = classifier.pooler
    if not isinstance(pooler, PowerPooler):
        raise PoolScopeError(
            f"{pooler.title} pooling has no exponent p; choose a reader with APLN, GeM or the learned norm."
        )
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    hidden = reading.hidden.double()
    return Terms(classifier, text, reading, _z(pooler, hidden, reading.mask)[0], _log_a(pooler, reading))


def _z(pooler: PowerPooler, hidden: Tensor, mask: Tensor) -> Tensor:
    if isinstance(pooler, AplnPooler):
        return limit_scale(hidden, mask, pooler.limit)
    if isinstance(pooler, GemPooler):
        return hidden.clamp_min(pooler.epsilon)
    centre = cast(LearnedNormPooler, pooler).centre
    return (hidden - centre.double()).abs().clamp_min(torch.finfo(torch.float32).tiny)


def _log_a(pooler: PowerPooler, reading: Reading) -> Tensor:
    if isinstance(pooler, AplnPooler):
        return pooler.scores(reading.hidden)[0].double().log_softmax(0)
    return torch.full((len(reading),), -math.log(len(reading)), dtype=torch.float64)


def log_weight(which: str, log_a: Tensor, p: Tensor | float) -> Tensor:
    """Return log c with r = (Σ c_i z_i^p)^{1/p}: A log softmax(p log a), B log a, C p log a; (T,) → (T, 1)."""
    if which == "B":
        return log_a.unsqueeze(-1)
    raised = p * log_a.unsqueeze(-1)
    return raised.log_softmax(0) if which == "A" else raised


def log_pooled(which: str, z: Tensor, log_a: Tensor, p: Tensor | float) -> Tensor:
    """Return log r (D,) of one reading by log-sum-exp, from z (T, D) and log a (T,)."""
    return torch.logsumexp(log_weight(which, log_a, p) + p * z.log(), 0) / p


def shares(which: str, z: Tensor, log_a: Tensor, p: float) -> Tensor:
    """Return w (T, D), Σ_i w_id = 1: each token's part of dimension d."""
    return (log_weight(which, log_a, p) + p * z.log()).softmax(0)


def check_p(p: float) -> None:
    """Refuse a p that the dial does not have."""
    if not (math.isfinite(p) and LOWEST <= p <= HIGHEST):
        raise PoolScopeError(f"p came as {p:g}; the dial runs from {LOWEST:g} to {HIGHEST:g}.")
