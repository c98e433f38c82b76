"""The first token's state as the text, [CLS] where the encoder has one."""

from __future__ import annotations

import torch
from torch import Tensor

from models.poolers.base import Pooler


class FirstPooler(Pooler):
    """First state: r = h_1.

    Encoders of the BERT family put [CLS] there, a token of their own that is trained to speak for
    the text; elsewhere it is the state of the first word. All other tokens have a share of exactly 0.
    """

    name = "cls"
    title = "First ([CLS])"
    formula = r"r = h_1"
    source = "Devlin, Chang, Lee & Toutanova, NAACL 2019"
    positional = True

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Pick the state of the first real token."""
        return hidden[torch.arange(len(hidden), device=hidden.device), _first(mask)]

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1 on the first real token, 0 elsewhere."""
        places = torch.arange(mask.shape[1], device=mask.device)
        chosen = (places == _first(mask).unsqueeze(1)).to(hidden.dtype)
        return chosen.unsqueeze(-1).expand(-1, -1, self.state_size)


def _first(mask: Tensor) -> Tensor:
    """Place (B,) of the first True of each row."""
    return mask.int().argmax(1)
