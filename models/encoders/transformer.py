"""The Transformer encoder, from scratch."""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder
from models.encoders.blocks import Stack, sinusoids
from models.errors import PoolScopeError
from models.masking import zero_padding


class TransformerEncoder(Encoder):
    """Transformer: x = √D·W e + p, then L pre-norm blocks x ← x + Attend(LN x), x ← x + FFN(LN x), last LN.

    Every token looks at every other one of its text, never at padding. W projects E to D and is left
    out where they are equal; √D lifts the words above the positions p, as Vaswani et al. do. Positions are
    sines and cosines, or learned (then a text may have ``max_positions`` tokens).
    """

    name = "transformer"
    title = "Transformer"
    formula = (
        r"h = \mathrm{LN}(x^{(L)}),\quad y = x^{(l)} + \mathrm{Attend}(\mathrm{LN}\,x^{(l)}),\quad"
        r" x^{(l+1)} = y + \mathrm{FFN}(\mathrm{LN}\,y),\quad x^{(0)}_i = \sqrt{D}\, W e_i + p_i"
    )
    source = "Vaswani et al., NeurIPS 2017; pre-norm: Xiong et al., ICML 2020"
    self_attends = True

    def __init__(
        self,
        embedding_size: int,
        layers: int = 2,
        width: int = 128,
        heads: int = 4,
        ffn: int = 256,
        dropout: float = 0.1,
        positions: Literal["sinusoidal", "learned"] = "sinusoidal",
        max_positions: int = 512,
    ) -> None:
        """Take E, the sizes of the stack, its own dropout and the kind of positions.

        Raises:
            PoolScopeError: sizes that do not fit each other, or a kind of positions that does not exist.
        """
        super().__init__()
        if positions not in ("sinusoidal", "learned"):
            raise PoolScopeError(f"transformer: positions came as {positions!r}; choose sinusoidal or learned")
        self.state_size = width
        self.stack = Stack(width, layers, heads, ffn, dropout)
        self.project = nn.Linear(embedding_size, width) if embedding_size != width else nn.Identity()
        self.places = nn.Embedding(max_positions, width) if positions == "learned" else None
        self.dropout = nn.Dropout(dropout)
        if self.places is not None:
            nn.init.normal_(self.places.weight, std=0.02)

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Place the words, then run the stack; zeros on padding."""
        return cast(Tensor, self.stack(self.dropout(self.place(embeddings)), mask))

    def attentions(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the attention (L, B, heads, T, T) of every block: rows look, columns are looked at.

        Rows of real tokens sum to 1; rows and columns of padding are 0. Nothing is stored; meant for
        evaluation mode, where it is exactly what :meth:`forward` reads with.
        """
        self.check(embeddings, mask)
        return self.stack.attentions(self.dropout(self.place(zero_padding(embeddings, mask))), mask)

    def place(self, embeddings: Tensor) -> Tensor:
        """Return x = √D·W e + p (B, T, D).

        Raises:
            PoolScopeError: learned positions do not reach that far.
        """
        length = embeddings.shape[1]
        words = math.sqrt(self.state_size) * self.project(embeddings)
        if self.places is None:
            return cast(Tensor, words + sinusoids(length, self.state_size, words))
        if length > self.places.num_embeddings:
            raise PoolScopeError(
                f"transformer: a text of {length} tokens came; its learned positions reach "
                f"{self.places.num_embeddings}: shorten the text or use sinusoidal positions"
            )
        return cast(Tensor, words + self.places(torch.arange(length, device=words.device)))
