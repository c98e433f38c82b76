"""Mean pooling."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from models.masking import masked_mean
from models.poolers.base import Pooler
from models.shared import Shared


class MeanPooler(Pooler):
    """Mean pooling: r = (1/N) Σ_i h_i over the N real tokens.

    No token can be preferred, so every share is 1/N; what differs between tokens is only what
    their states say.
    """

    name = "mean"
    title = "Mean"
    formula = r"r = \frac{1}{N}\sum_i h_i"
    source = "the unweighted baseline of every paper on pooling"

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the mean of the real tokens' states."""
        return masked_mean(hidden, mask)

    def pool_shared(self, shared: Shared, mask: Tensor) -> Tensor:
        """Return the mean without spreading the states."""
        if shared.index is None or shared.sides:
            return super().pool_shared(shared, mask)
        uniform = mask.to(shared.states.dtype) / mask.sum(1, keepdim=True)
        return F.embedding_bag(shared.index, shared.states, mode="sum", per_sample_weights=uniform)

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1/N on real tokens."""
        uniform = mask.to(hidden.dtype) / mask.sum(1, keepdim=True)
        return uniform.unsqueeze(-1).expand(-1, -1, self.state_size)
