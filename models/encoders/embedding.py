"""The context-free encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder
from models.shared import Shared, SharedReader


class EmbeddingEncoder(Encoder):
    """Projection per token, no context: h_i = tanh(W e_i + b).

    Leave-one-out acts through the pooler alone here, and an attention weight can mean nothing
    but the word it stands on: the natural control of the debate's experiments.
    """

    name = "embedding"
    title = "Embedding"
    formula = r"h_i = \tanh(W e_i + b)"
    source = "the “average” encoder of Jain & Wallace, NAACL 2019"
    contextual = False
    smooth = True

    def __init__(self, embedding_size: int, state_size: int = 128) -> None:
        """Take the widths E and D."""
        super().__init__()
        self.state_size = state_size
        self.project = nn.Linear(embedding_size, state_size)

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Project each token by itself."""
        return self.follow(self.lead(embeddings, mask), mask)

    def lead(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return W e_i + b."""
        projected: Tensor = self.project(embeddings)
        return projected

    def follow(self, lead: Tensor, mask: Tensor) -> Tensor:
        """Bend it."""
        return torch.tanh(lead)

    def share(self, words: Tensor) -> SharedReader:
        """Project each word once, wherever it stands."""
        states = torch.tanh(self.project(words))
        return lambda places: Shared(states, places.clamp_min(0))
