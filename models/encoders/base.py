"""What every encoder promises: embeddings in, one state per token out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.errors import PoolScopeError
from models.masking import zero_padding
from models.records import Parameter
from models.shared import SharedReader


class Encoder(nn.Module, ABC):
    """Base of all encoders: embeddings (B, T, E) and mask (B, T) → hidden (B, T, D).

    Padding never influences the states of real tokens; the states at padded positions are
    whatever is cheapest and must not be read. ``contextual`` says whether a token's state
    depends on its neighbours, ``self_attends`` whether it learns of them by
    ``scaled_dot_product_attention`` in every layer and by nothing else, ``smooth`` whether the states bend
    gently along a straight line of embeddings (tanh, gates): neither the kinks of a ReLU nor the sharp turns of layer
    norms and self-attention. ``light`` says that states are looked up and not worked out, so that reading a text again
    costs no more than keeping its states for other readers.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    contextual: ClassVar[bool] = True
    self_attends: ClassVar[bool] = False
    smooth: ClassVar[bool] = False
    light: ClassVar[bool] = False
    state_size: int

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Encode after checking that shapes fit, no row is empty and padding stands on the right."""
        self.check(embeddings, mask)
        # Zeros here, at the border: NaN on padding would otherwise reach the gradients of parameters.
        return self.encode(zero_padding(embeddings, mask), mask)

    def check(self, embeddings: Tensor, mask: Tensor) -> None:
        """Refuse input that no encoder could read.

        Raises:
            PoolScopeError: shapes do not fit, a row is empty, or padding stands before a token.
        """
        if embeddings.dim() != 3 or mask.shape != embeddings.shape[:2] or mask.dtype != torch.bool:
            raise PoolScopeError(
                f"{self.name}: embeddings {tuple(embeddings.shape)} and {mask.dtype} mask "
                f"{tuple(mask.shape)} came; expected (B, T, E) and bool (B, T)"
            )
        empty = (~mask.any(1)).nonzero().flatten().tolist()
        if empty:
            raise PoolScopeError(
                f"{self.name}: rows {empty} hold only padding; give every text one token or more"
            )
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            raise PoolScopeError(f"{self.name}: padding stands before a token; put all padding at the end")

    def collect(self, rows: Sequence[Sequence[int]]) -> None:
        """Look at the training texts' id rows before training begins; most encoders need nothing of them."""
        return

    def enter(self, embeddings: Tensor, ids: Tensor) -> Tensor:
        """Let an encoder that reads more than words put its own in place of their vectors (B, T, E); most do not."""
        return embeddings

    def learned(self) -> tuple[Parameter, ...]:
        """Return the few learned quantities of the encoder that are worth reading, such as a mix of layers."""
        return ()

    def depths(self, layers: int) -> tuple[float, ...]:
        """Return the share of each layer in a token's state, (L + 1), the embeddings first; the last one's is 1."""
        return (*[0.0] * layers, 1.0)

    def foreign(self) -> frozenset[str]:
        """Return the names, in this module's state, of what belongs to a shipped base and is saved with that."""
        return frozenset()

    def lexicon(self) -> dict[str, Any] | None:
        """Return a card's entry for the words of an encoder that brings its own, else ``None``."""
        return None

    def lead(self, embeddings: Tensor, mask: Tensor) -> Tensor | None:
        """Return the first layer before anything bends it, affine in the embeddings (B, T, K), or ``None``.

        ``None`` is the default. Where there is one, :meth:`follow` turns it into states, and a straight line of
        embeddings is one of it too.
        """
        return None

    def follow(self, lead: Tensor, mask: Tensor) -> Tensor:
        """Turn what :meth:`lead` returned into states (B, T, D)."""
        raise NotImplementedError(f"{self.name} has no lead")

    def share(self, words: Tensor) -> SharedReader | None:
        """Return what reads texts made of these words alone (U, E) faster than :meth:`encode`, to the same states.

        For evaluation, without derivatives. ``None``, the default, where the encoder has no structure to use,
        or where it takes more than words from a text (:meth:`enter`).
        """
        return None

    @abstractmethod
    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Compute the states of checked input, zeros on padding: (B, T, E) → (B, T, D)."""
