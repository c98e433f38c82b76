"""Hard attention: a few tokens are chosen, trained by the straight-through Gumbel trick."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_softmax, masked_top
from models.poolers.attention import AdditiveScorer
from models.poolers.base import AttentionPooler


class HardAttentionPooler(AttentionPooler):
    """Hard attention: r = (1/k) Σ_{i ∈ top-k of s} h_i, s additive scores, k = min(k, N).

    In training mode the choice is a sample: Gumbel noise g is added to the scores before the top k are taken.
    In evaluation mode there is no noise; tokens tied at the last place divide it evenly. :meth:`attention`,
    :meth:`shares` and :meth:`contributions` always tell the choice without noise.

    The choice is piecewise constant, its derivative zero. In either mode autograd sees the straight-through
    estimator instead, the gradient of softmax(s/τ), with s + g for s in training: that is how the scorer learns,
    and in evaluation it makes gradients through the weights a surrogate, which :attr:`surrogate` says. With the
    attention held (:meth:`held`, imposed weights) the choice is a constant and the gradient is the true one.
    """

    name = "hard_attention"
    title = "Hard attention"
    formula = r"r = \frac{1}{k}\sum_{i \in \mathrm{top}_k(s)} h_i,\quad s_i = v^\top\tanh(W h_i + b)"
    source = "Jang, Gu & Poole, ICLR 2017; Bengio, Léonard & Courville 2013; top-k: Kool et al., ICML 2019"
    sparse = True
    surrogate = (
        "The choice of tokens is a step whose derivative is zero; this map uses the gradient of a softmax in its place "
        "(straight-through), so it is a surrogate, not the derivative of the logit."
    )

    def __init__(
        self, state_size: int, k: int = 1, temperature: float = 1.0, attention_size: int | None = None
    ) -> None:
        """Choose ``k`` tokens per text; ``temperature`` τ is that of the softmax whose gradient is used."""
        super().__init__(state_size)
        if k < 1:
            raise PoolScopeError(f"k came as {k}; expected the number of tokens to choose, 1 or more")
        if not 0 < temperature < math.inf:
            raise PoolScopeError(f"temperature came as {temperature}; expected a positive number")
        self.k, self.temperature = k, temperature
        self.scorer = AdditiveScorer(state_size, attention_size)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return s_i = vᵀ tanh(W h_i + b)."""
        return cast(Tensor, self.scorer(hidden))

    def normalise(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return 1/k on the chosen tokens, exactly 0 elsewhere, with the gradient of the soft weights."""
        soft = masked_softmax(scores / self.temperature, mask)
        # soft − soft is exactly 0, so the value is the hard one to the last bit.
        return masked_top(scores, mask, self.k) + (soft - soft.detach())

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return softmax(s): the chance of each token to be drawn first in training."""
        return {"softmax of the scores": masked_softmax(self.scores(hidden), mask)}

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the mean of the chosen states; in training mode the choice is sampled."""
        if weights is None and self.training:
            scores = self.scores(hidden)
            weights = self.normalise(scores + gumbel_like(scores), mask)
        return super().pool(hidden, mask, weights)


def gumbel_like(scores: Tensor) -> Tensor:
    """Standard Gumbel noise of the shape of ``scores``: argmax(s + g) is a draw from softmax(s)."""
    return -torch.empty_like(scores).exponential_().log()
