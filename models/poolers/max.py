"""Max pooling, with its winners."""

from __future__ import annotations

from torch import Tensor

from models.masking import masked_max
from models.poolers.base import Pooler


class MaxPooler(Pooler):
    """Max pooling over time: r_d = max_i h_id.

    Each dimension is won by one token; on a tie the winners divide it evenly, which is also how
    the gradient is divided. The mean of a token's shares over d is its part of the wins.
    """

    name = "max"
    title = "Max"
    formula = r"r_d = \max_i h_{id}"
    source = "Collobert et al., JMLR 2011; Kim, EMNLP 2014"

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the largest state of each dimension over real tokens."""
        return masked_max(hidden, mask)

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1 on the winner of each dimension, 1/k on each of k tied winners."""
        top = masked_max(hidden, mask).unsqueeze(1)
        wins = ((hidden == top) & mask.unsqueeze(-1)).to(hidden.dtype)
        return wins / wins.sum(1, keepdim=True)
