"""The last token's state as the text."""

from __future__ import annotations

import torch
from torch import Tensor

from models.poolers.base import Pooler


class LastPooler(Pooler):
    """Last state: r = h_N, the state of the last real token.

    After a recurrent or causal encoder it has seen the whole text; the backward half of a
    bidirectional one has seen a single token there. All other tokens have a share of exactly 0.
    """

    name = "last"
    title = "Last"
    formula = r"r = h_N"
    source = "the final state of a recurrent reader: Sutskever, Vinyals & Le, NeurIPS 2014"
    positional = True

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Pick the state of the last real token."""
        return hidden[torch.arange(len(hidden), device=hidden.device), _last(mask)]

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1 on the last real token, 0 elsewhere."""
        places = torch.arange(mask.shape[1], device=mask.device)
        chosen = (places == _last(mask).unsqueeze(1)).to(hidden.dtype)
        return chosen.unsqueeze(-1).expand(-1, -1, self.state_size)


def _last(mask: Tensor) -> Tensor:
    """Place (B,) of the last True of each row."""
    return (mask * torch.arange(mask.shape[1], device=mask.device)).argmax(1)
