"""Linear maps that are tuned by a low-rank addition."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LowRankLinear(nn.Linear):
    """y = W x + b + U D x with D (R, I) and U (O, R): W stays as it was, the product U D is what training adds.

    U starts at 0, so that training starts at the original map; D starts as ``nn.Linear`` starts its
    weights. The product is never formed: two thin maps cost R (I + O) multiplications a token beside I O.

    Source: Hu et al., LoRA, ICLR 2022 (their scale α / r is 1 here: one rate less to choose).
    """

    def __init__(self, original: nn.Linear, rank: int) -> None:
        """Take over the parameters of ``original`` themselves, no copies, and draw D for ``rank`` R ≥ 1."""
        super().__init__(original.in_features, original.out_features, original.bias is not None, device="meta")
        self.weight, self.bias = original.weight, original.bias
        self.down = nn.Parameter(nn.Linear(original.in_features, rank, bias=False).weight.detach())
        self.up = nn.Parameter(torch.zeros(original.out_features, rank))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name of nn.Linear's argument
        """Map (…, I) to (…, O)."""
        found = super().forward(input)
        # Added in place: a sum of its own would read and write all (…, O) once more. Nothing keeps W x + b for later.
        thin = F.linear(input, self.down).view(-1, len(self.down))
        # Under autocast W x is in half the bits already, and nothing casts what is added in place.
        found.view(-1, self.out_features).addmm_(thin, self.up.T.to(found.dtype))
        return found


def adapt(module: nn.Module, rank: int, skip: str = "pooler") -> None:
    """Replace every ``nn.Linear`` inside ``module`` by a :class:`LowRankLinear` in place.

    What stands under a child called ``skip`` stays: the pooling head that encoders bring is never read here.
    """
    for name, child in module.named_children():
        if name == skip:
            continue
        if isinstance(child, nn.Linear):
            setattr(module, name, LowRankLinear(child, rank))
        else:
            adapt(child, rank, skip)
