"""The pooling classifier: word table, encoder, pooler and linear head, each stage callable alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder
from models.errors import PoolScopeError
from models.poolers.base import Pooler
from models.records import ModelSpec
from models.text import PAD, Encoded, Vocabulary, WordTokenizer
from models.zoo.tasks import display_labels


class PoolingClassifier(nn.Module):
    """logits = W r + b with r = pool(encode(embed(ids))).

    One pure path, every stage by itself: attention can be imposed at :meth:`pool`, states can be
    frozen after :meth:`encode`, gradients can start at :meth:`from_embeddings`. ``mask`` is that of
    :meth:`grouped` everywhere but in :meth:`forward`. Shapes: ids and mask (B, T), embeddings
    (B, T, E), hidden (B, T, D), pooled (B, R), logits (B, C).

    ``encoder_digest`` tells encoder and words apart from all others: two classifiers with the same one turn the same
    ids into the same states, whatever pools them. It is empty where nobody stated it, and then says nothing.
    """

    encoder_digest = ""

    def __init__(
        self,
        spec: ModelSpec,
        vocabulary: Vocabulary,
        encoder: Encoder,
        pooler: Pooler,
        *,
        embedding_size: int,
        max_tokens: int = 512,
        dropout: float = 0.0,
        tokenizer: WordTokenizer | None = None,
        table: Tensor | None = None,
    ) -> None:
        """Put the parts together; encoder and pooler must already fit each other in width.

        ``table`` (V, E) is a word table to share in place of one of its own.
        """
        super().__init__()
        if encoder.state_size != pooler.state_size:
            raise PoolScopeError(
                f"{spec.id}: the encoder's states have width {encoder.state_size}, "
                f"the pooler expects {pooler.state_size}"
            )
        self.spec = spec
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer or WordTokenizer()
        self.max_tokens = max_tokens
        if table is None:
            self.table = nn.Embedding(len(vocabulary), embedding_size, padding_idx=PAD)
        else:
            # Shared, not copied: a pretrained encoder's has tens of megabytes.
            self.table = nn.Embedding.from_pretrained(table, freeze=True, padding_idx=PAD)
        self.encoder = encoder
        self.pooler = pooler
        self.head = nn.Linear(pooler.output_size, len(spec.labels))
        self.dropout = nn.Dropout(dropout)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names for people, in logit order; ``spec.labels`` are those it was trained with."""
        return display_labels(self.spec.task, self.spec.labels)

    def read(self, text: str) -> Encoded:
        """Cut ``text`` into at most ``max_tokens`` words with their ids; the rest is counted in ``cut``."""
        return self.vocabulary.read(text, self.tokenizer, self.max_tokens)

    def borrowed(self) -> frozenset[str]:
        """Name what is stored elsewhere: the word table, and what the encoder takes from a base."""
        return frozenset({"table.weight", *(f"encoder.{name}" for name in self.encoder.foreign())})

    @property
    def unknown(self) -> int:
        """The id that stands for a masked word."""
        return self.vocabulary.unknown

    def row(self, text: str) -> list[int]:
        """Return the ids of :meth:`read` alone: the fast road for whole corpora."""
        return self.vocabulary.row(text, self.tokenizer, self.max_tokens)

    def grouped(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return what the pooler takes as its mask (B, T); see :meth:`Pooler.grouped`."""
        return self.pooler.grouped(self.vocabulary, ids, mask)

    def embed(self, ids: Tensor) -> Tensor:
        """Look up ids (B, T) in the word table, or in what the encoder has in its place: (B, T, E)."""
        return self.encoder.enter(cast(Tensor, self.table(ids)), ids)

    def alone(self, ids: Tensor) -> Tensor:
        """Embed words by themselves, each as a text of its own: ids (N,) → (N, E)."""
        return self.embed(ids.unsqueeze(1))[:, 0]

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Turn embeddings (B, T, E) into token states (B, T, D)."""
        return cast(Tensor, self.encoder(self.dropout(embeddings), mask.bool()))

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Turn token states into one vector (B, R), with the learned or the imposed attention."""
        return cast(Tensor, self.pooler(hidden, mask, weights))

    def decide(self, pooled: Tensor) -> Tensor:
        """Turn pooled vectors into logits (B, C)."""
        return cast(Tensor, self.head(self.dropout(pooled)))

    def from_embeddings(self, embeddings: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return logits (B, C) of embeddings (B, T, E)."""
        return self.decide(self.pool(self.encode(embeddings, mask), mask, weights))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits (B, C) of ids (B, T)."""
        return self.from_embeddings(self.embed(ids), self.grouped(ids, mask))


def pad_batch(rows: Sequence[Sequence[int]], device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Stack id rows of different lengths: ids (B, T) filled with PAD, and the mask (B, T).

    Raises:
        PoolScopeError: no rows came.
    """
    if not rows:
        raise PoolScopeError("no texts came; expected one or more to make a batch of")
    longest = max(map(len, rows))
    ids = torch.full((len(rows), max(1, longest)), PAD, dtype=torch.long)
    for row, values in enumerate(rows):
        ids[row, : len(values)] = torch.tensor(values, dtype=torch.long)
    lengths = torch.tensor([len(values) for values in rows])
    mask = torch.arange(ids.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)
    return ids.to(device), mask.to(device)
