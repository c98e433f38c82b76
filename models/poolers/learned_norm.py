"""Learned-norm pooling of Gulcehre et al., over tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.masking import masked_logsumexp, masked_softmax
from models.poolers.power import Exponent, PowerPooler
from models.records import Parameter


class LearnedNormPooler(PowerPooler):
    """Learned norm: r_d = ((1/N) Σ_i |h_id − c_d|^{p_d})^{1/p_d}, p_d = 1 + log(1 + e^{ρ_d}).

    Centres c_d and exponents p_d ∈ (1, ∞) are learned per dimension: p = 1 is the mean of |·|,
    p = 2 the root mean square, p → ∞ the maximum. Computed in log space. The sign of h − c is
    lost by definition, so a centre at the lower end of the states (−1 for tanh) keeps it.
    """

    name = "learned_norm"
    title = "Learned norm"
    formula = r"r_d = \Big(\frac{1}{N}\sum_i |h_{id}-c_d|^{p_d}\Big)^{1/p_d}"
    source = "Gulcehre, Cho, Pascanu & Bengio, ECML PKDD 2014"
    reference = "h = c (the learned centres)"

    def __init__(self, state_size: int, p_initial: float = 2.0, centre_initial: float = 0.0) -> None:
        """Start every exponent at ``p_initial`` > 1 and every centre at ``centre_initial``."""
        super().__init__(state_size)
        self.p = Exponent(p_initial, floor=1.0, size=state_size)
        self.centre = nn.Parameter(torch.full((state_size,), float(centre_initial)))
        self.register_buffer("centre_initial", torch.full((state_size,), float(centre_initial)))

    def pool_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return exp((1/p)(LSE_i(p log|h − c|) − log N))."""
        exponent = self._power(p, hidden)
        total = masked_logsumexp(exponent * self._log_distance(hidden), mask)
        count = mask.sum(1, keepdim=True).to(hidden.dtype).log()
        # p may be (D,) or (B, 1, ·); dropping the token axis makes it fit (B, D).
        return torch.exp((total - count) / (exponent.squeeze(1) if exponent.dim() == 3 else exponent))

    def shares_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return |h_id − c_d|^p / Σ_j |h_jd − c_d|^p."""
        return masked_softmax(self._power(p, hidden) * self._log_distance(hidden), mask)

    def learned(self) -> tuple[Parameter, ...]:
        """Report p and the centres, one number per dimension."""
        return (
            Parameter(
                "p", tuple(self.exponent.tolist()), tuple(self.p.initial.tolist()),
                "exponent of the norm over tokens, one per dimension", "(1, ∞)",
            ),
            Parameter(
                "c", tuple(self.centre.tolist()), tuple(self.centre_initial.tolist()),  # type: ignore[operator]
                "centre that distances are taken from, one per dimension", "ℝ",
            ),
        )  # fmt: skip

    def _log_distance(self, hidden: Tensor) -> Tensor:
        # A distance of exactly 0 has no logarithm; the smallest normal number stands for it, far
        # below anything that reaches the sum, and the clamp gives it the sub-gradient 0.
        tiny = torch.finfo(hidden.dtype).tiny
        return (hidden - self.centre).abs().clamp_min(tiny).log()
