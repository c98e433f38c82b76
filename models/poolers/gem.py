"""Generalised-mean pooling (GeM)."""

from __future__ import annotations

from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_logsumexp, masked_softmax
from models.poolers.power import Exponent, PowerPooler
from models.records import Parameter

LOWEST_P = 0.05


class GemPooler(PowerPooler):
    """Generalised mean: r_d = ((1/N) Σ_i max(h_id, ε)^p)^{1/p}, one learned p ∈ (0.05, ∞), at first 3.

    p = 1 is the mean of the clamped states, p → ∞ their maximum. The clamp comes before the power,
    whether p is learned or imposed, so negative states count as ε and pass no gradient. Computed in
    log space.
    """

    name = "gem"
    title = "GeM"
    formula = r"r_d = \Big(\frac{1}{N}\sum_i \max(h_{id}, \epsilon)^p\Big)^{1/p}"
    source = "Radenović, Tolias & Chum, TPAMI 2019"
    reference = "z = 0 (the clamped states)"

    def __init__(self, state_size: int, p_initial: float = 3.0, epsilon: float = 1e-6) -> None:
        """Start p at ``p_initial``; ``epsilon`` > 0 is the least a state can be."""
        super().__init__(state_size)
        if not 0 < epsilon < 1:
            raise PoolScopeError(f"{self.name}: epsilon came as {epsilon}; expected a number in (0, 1)")
        self.epsilon = epsilon
        self.p = Exponent(p_initial, floor=LOWEST_P)

    def pool_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return exp((1/p)(LSE_i(p log max(h, ε)) − log N))."""
        exponent = self._power(p, hidden)
        total = masked_logsumexp(exponent * self._log_clamped(hidden), mask)
        count = mask.sum(1, keepdim=True).to(hidden.dtype).log()
        # p may be (1,) or (B, 1, ·); dropping the token axis makes it fit (B, D).
        return ((total - count) / (exponent.squeeze(1) if exponent.dim() == 3 else exponent)).exp()

    def shares_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return max(h_id, ε)^p / Σ_j max(h_jd, ε)^p."""
        return masked_softmax(self._power(p, hidden) * self._log_clamped(hidden), mask)

    def learned(self) -> tuple[Parameter, ...]:
        """Report p."""
        meaning = f"exponent of the mean over tokens (states clamped to {self.epsilon:g} or more)"
        return (self.p.parameter("p", meaning),)

    def _log_clamped(self, hidden: Tensor) -> Tensor:
        return hidden.clamp_min(self.epsilon).log()
