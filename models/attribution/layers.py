"""The self-attention inside an encoder, seen without a hook or a flag on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from models.attribution.base import AttributionMethod
from models.attribution.reading import Reading, differentiable
from models.classifier import PoolingClassifier


class Recording(TorchFunctionMode):
    """While it is entered, every scaled dot-product attention of this thread is written out and its weights kept.

    The weights are computed as softmax(QKᵀ/√d + mask) and multiplied with V, in place of PyTorch's fused
    kernel, which has no weights to show: the same numbers to rounding, and part of the graph. Nothing
    is changed on the modules, and other threads are not affected.
    """

    def __init__(self) -> None:
        """Start with no maps."""
        super().__init__()
        self.maps: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever the function returns
        """Replace attention, pass on everything else."""
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        read, weights = _attend(*args, **(kwargs or {}))
        self.maps.append(weights)
        return read


class LayerMethod(AttributionMethod):
    """Base of the methods that follow an encoder's own self-attention; each reads the text once more to see it."""

    family = "transformer"

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Say that without self-attention there are no layers to follow."""
        if classifier.encoder.self_attends:
            return None
        return f"The {classifier.encoder.title} encoder has no self-attention to follow from layer to layer."

    def most_forwards(self, words: int) -> int:
        """One more pass that shows its layers."""
        return 1


def encode(reading: Reading, embeddings: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Encode embeddings (1, T, E) and return the states (1, T, D) with each layer's attention (1, heads, T', T').

    T' ≥ T: tokens that an encoder adds for itself stand in front. Rows are the tokens that look.
    """
    with differentiable(reading.ids), Recording() as seen:
        hidden = reading.classifier.encode(embeddings, reading.mask)
    return hidden, tuple(seen.maps)


def pooling(reading: Reading) -> Tensor:
    """Return what each state holds of the pooled vector (T,): its weight, else its mean share."""
    if reading.weights is not None:
        return reading.weights[0]
    return reading.shares.mean(-1)


def mixed(reading: Reading, tokens: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Lead ``tokens`` (T,) at the states back to the words: Σ_l s_l tokensᵀ M_l, (T,).

    ``matrices`` (T', T') lead from each of the L + 1 layers to the embeddings, the embeddings' own first;
    s are the layers' shares in a state. What arrives at tokens of the encoder's own is left out.
    """
    own = matrices[0].shape[0] - len(tokens)
    padded = torch.cat([tokens.new_zeros(own), tokens])
    shares = reading.classifier.encoder.depths(len(matrices) - 1)
    parts = [share * (padded @ matrix) for share, matrix in zip(shares, matrices, strict=True)]
    return torch.stack(parts).sum(0)[own:]


def _attend(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, **_: object,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """What ``scaled_dot_product_attention`` computes, and the weights (B, heads, T', T')."""
    logits = query @ key.transpose(-1, -2) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
    if attn_mask is not None:
        allowed = attn_mask.dtype == torch.bool
        logits = logits.masked_fill(~attn_mask, -torch.inf) if allowed else logits + attn_mask
    weights = logits.softmax(-1)
    return weights @ value, weights
