"""Hard attention trained by REINFORCE."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_log_softmax, masked_softmax, masked_top, zero_padding
from models.poolers.attention import AdditiveScorer
from models.poolers.base import AttentionPooler
from models.poolers.hard_attention import gumbel_like


class HardReinforcePooler(AttentionPooler):
    """Hard attention by REINFORCE: r = h_î, î = argmax_i s_i, s additive scores.

    The vector is that of the best-scored token, in either mode; tied tokens divide the choice evenly. Training
    minimises E_{i∼a}[loss_i] − β H(a) per text, a = softmax(s), from one sampled token i: :meth:`objective` has the
    gradient ∇loss_i + (loss_i − b) ∇log a_i − β ∇H(a), unbiased because the baseline b does not depend on i. b is
    the loss of the greedy choice î (self-critical): one more pass through the head, in return no state, no rate
    of its own, and a value for each text. The entropy bonus β keeps the sampling from closing too early.

    The choice has no derivative and nothing stands in for it: autograd sees the chosen state and no scores.
    """

    name = "hard_reinforce"
    title = "Hard attention (REINFORCE)"
    formula = r"r = h_{\hat\imath},\quad \hat\imath = \mathrm{argmax}_i\; v^\top\tanh(W h_i + b)"
    source = "Williams, Machine Learning 1992; Xu et al., ICML 2015; baseline: Rennie et al., CVPR 2017"
    sparse = True
    surrogate = (
        "The choice of the token is a step that no gradient passes; this map holds the choice fixed and tells "
        "nothing about the words that decided it."
    )

    def __init__(self, state_size: int, entropy_bonus: float = 0.05, attention_size: int | None = None) -> None:
        """Take the weight β ≥ 0 of the entropy (in nats) of the sampling distribution."""
        super().__init__(state_size)
        if not 0 <= entropy_bonus < math.inf:
            raise PoolScopeError(f"entropy_bonus came as {entropy_bonus}; expected a number of 0 or more")
        self.entropy_bonus = entropy_bonus
        self.scorer = AdditiveScorer(state_size, attention_size)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return s_i = vᵀ tanh(W h_i + b)."""
        return cast(Tensor, self.scorer(hidden))

    def normalise(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return 1 on the best-scored token, exactly 0 elsewhere."""
        return masked_top(scores, mask)

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return softmax(s): the chance of each token to be sampled in training."""
        return {"softmax of the scores": masked_softmax(self.scores(hidden), mask)}

    def objective(self, hidden: Tensor, mask: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the mean of loss_i − β H(a) over the batch, one token i sampled per text.

        Value and gradient are unbiased estimates of those of E[loss_i] − β H(a); the baseline adds to the
        gradient alone.
        """
        self.check(hidden, mask)
        hidden = zero_padding(hidden, mask)
        log_a = masked_log_softmax(self.scores(hidden), mask)
        drawn = masked_top(log_a.detach() + gumbel_like(log_a), mask).argmax(1)
        row = torch.arange(len(drawn), device=drawn.device)
        cost = loss(hidden[row, drawn])
        with torch.no_grad():
            advantage = cost - loss(self(hidden, mask))
        chosen = log_a[row, drawn]
        entropy = -zero_padding(log_a.exp() * log_a, mask).sum(1)
        return (cost + advantage * (chosen - chosen.detach()) - self.entropy_bonus * entropy).mean()
