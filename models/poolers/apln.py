"""Attentive pooling with learnable norms (APLN)."""

from __future__ import annotations

from typing import Final, Literal, get_args

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_log_softmax, masked_softmax, zero_padding
from models.poolers.attention import AdditiveScorer
from models.poolers.limits import CEILING, FLOOR, LIMITS, MEANING, limit_scale
from models.poolers.power import Exponent, PowerPooler
from models.poolers.power_mean import lifted, power_mean
from models.records import Parameter

Reading = Literal["A", "B", "C"]
READINGS: Final[tuple[str, ...]] = get_args(Reading)
FORMS: Final = ("log", "pow")


class AplnPooler(PowerPooler):
    """Attentive pooling with a learnable norm p over tokens, z ≥ 0 the scale-limited states.

    - A  r = ( Σ (a_i z_i)^p / Σ a_i^p )^{1/p} = ( Σ softmax(p·s)_i z_i^p )^{1/p}
    - B  r = ( Σ a_i z_i^p )^{1/p}
    - C  r = ( Σ (a_i z_i)^p )^{1/p}

    p = 1 is attentive pooling in all three. No public code of the paper exists, so the readings
    stand side by side behind one switch. The log form computes
    log r = (1/p)[LSE_i(p log a_i + p log z_i) − LSE_i(p log a_i)] without any real-valued power
    (:class:`~models.poolers.power_mean.PowerMean`); the pow form is the definition as written, kept to be
    compared with.
    """

    name = "apln"
    title = "APLN"
    formula = r"r_d = \Big(\sum_i (a_i z_{id})^p \big/ \sum_i a_i^p\Big)^{1/p}"
    source = "Wu, Wu, Qi, Cui & Huang, ACL 2020"
    attends = True
    reference = "z = 0 (the scale-limited states)"

    def __init__(
        self,
        state_size: int,
        reading: str = "A",
        limit: str = "relu_clip",
        per_dimension: bool = False,
        form: str = "log",
        p_initial: float = 1.0,
        attention_size: int | None = None,
    ) -> None:
        """Choose reading, scale limit, one p or one per dimension, and the way to compute."""
        super().__init__(state_size)
        for what, value, choices in (
            ("reading", reading, READINGS), ("scale limit", limit, LIMITS), ("form", form, FORMS),
        ):  # fmt: skip
            if value not in choices:
                raise PoolScopeError(f"unknown {what} {value!r} of apln; choose one of: {', '.join(choices)}")
        self.reading, self.limit, self.form = reading, limit, form
        self.scorer = AdditiveScorer(state_size, attention_size)
        self.p = Exponent(p_initial, floor=0.05, size=state_size if per_dimension else 1)

    @property
    def variant(self) -> str:
        """Name the reading, if not A, and whether each dimension has a p."""
        reading = f"reading {self.reading}" if self.reading != "A" else ""
        return ", ".join(filter(None, (reading, "p per dimension" if self.p.rho.numel() > 1 else "")))

    def scores(self, hidden: Tensor) -> Tensor:
        """Return the attention logits s (B, T); attention reads the unlimited states."""
        value: Tensor = self.scorer(hidden)
        return value

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return a = softmax(s) (B, T)."""
        return masked_softmax(self.scores(hidden), mask)

    def effective_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor | None:
        """Return what weighs z^p inside the bracket: softmax(p·s) for A and C, a itself for B.

        With one p per dimension there is one map per dimension; their mean is returned.
        """
        log_a, live = self._log_attention(hidden, mask, weights)
        if self.reading == "B":
            return masked_softmax(log_a, live)
        return masked_softmax(self._power(p, hidden) * log_a.unsqueeze(-1), live).mean(-1)

    def shares_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return (a_i z_id)^p / Σ_j (a_j z_jd)^p; reading B has a_i z_id^p in its place."""
        log_a, live = self._log_attention(hidden, mask, weights)
        return masked_softmax(self._log_terms(hidden, mask, log_a, self._power(p, hidden)), live)

    def pool_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Pool at exponent ``p`` in the chosen form."""
        exponent = self._power(p, hidden)
        if self.form == "pow":
            a = self.attention(hidden, mask) if weights is None else zero_padding(weights, mask)
            return self._power_form(limit_scale(hidden, mask, self.limit), mask, a, exponent)
        # In half precision a logarithm of −5 is off by .02, which p multiplies and the exponential does not forgive.
        log_a, live = self._log_attention(hidden, mask, weights, lift=True)
        log_weight = log_a.unsqueeze(-1) if self.reading == "B" else exponent * log_a.unsqueeze(-1)
        if self.reading == "A":
            log_weight = masked_log_softmax(log_weight, live)
        if self.limit == "relu_clip":
            return power_mean(hidden, log_weight, exponent, live, FLOOR, CEILING)
        return power_mean(limit_scale(hidden, mask, self.limit), log_weight, exponent, live)

    def learned(self) -> tuple[Parameter, ...]:
        """Report p: exponent of the norm and, in reading A, inverse temperature of the attention."""
        meaning = f"exponent of the norm over tokens (reading {self.reading}; {MEANING[self.limit]})"
        values, initial = tuple(self.exponent.tolist()), tuple(self.p.initial.tolist())
        return (Parameter("p", values, initial, meaning, f"({self.p.floor:g}, ∞)"),)

    def _log_attention(
        self, hidden: Tensor, mask: Tensor, weights: Tensor | None, *, lift: bool = False
    ) -> tuple[Tensor, Tensor]:
        if weights is None:
            scores = self.scores(hidden)
            return masked_log_softmax(lifted(scores) if lift else scores, mask), mask
        # Imposed weights of exactly 0 leave the sum for every p > 0, which is what masking does.
        live = mask & (weights > 0)
        kept = torch.where(live, weights, torch.ones((), dtype=weights.dtype))
        return (lifted(kept) if lift else kept).log(), live

    def _log_terms(self, hidden: Tensor, mask: Tensor, log_a: Tensor, exponent: Tensor) -> Tensor:
        log_z = limit_scale(hidden, mask, self.limit).log()
        if self.reading == "B":
            return log_a.unsqueeze(-1) + exponent * log_z
        return exponent * (log_a.unsqueeze(-1) + log_z)

    def _power_form(self, z: Tensor, mask: Tensor, a: Tensor, p: Tensor) -> Tensor:
        # 1 on dead positions keeps 0^p and its gradient out of the sum; zero_padding drops them.
        live = mask & (a > 0)
        weight = torch.where(live, a, torch.ones((), dtype=a.dtype)).unsqueeze(-1)
        terms = weight * z**p if self.reading == "B" else (weight * z) ** p
        total = zero_padding(terms, live).sum(1)
        if self.reading == "A":
            total = total / zero_padding((weight**p).expand_as(z), live).sum(1)
        return total ** (1 / (p.squeeze(1) if p.dim() == 3 else p))
