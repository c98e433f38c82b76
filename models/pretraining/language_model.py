"""What every language model promises: rows out of documents, a loss on rows, and what of it is shipped."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.pretraining.corpus import Document, Row, word_batches


@dataclass(frozen=True, slots=True)
class Loss:
    """A batch's objective (mean per prediction) and, for the log, the parts: name → (sum, count)."""

    objective: Tensor
    parts: Mapping[str, tuple[float, int]]


class LanguageModel(nn.Module, ABC):
    """Base of the models that are trained on plain texts.

    ``measure`` words what the perplexity of this kind of model means, ``notes`` what else must be known of
    its base; both go on the card.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    objective: ClassVar[str]
    source: ClassVar[str]
    measure: ClassVar[str]
    notes: ClassVar[tuple[str, ...]] = ()
    width: int

    @abstractmethod
    def rows(self, documents: Sequence[Document], length: int, seed: int) -> list[Row]:
        """Cut documents into rows of at most ``length`` words; ``seed`` decides what is drawn."""

    @abstractmethod
    def loss(self, rows: Sequence[Row], generator: torch.Generator) -> Loss:
        """Return the loss of one batch; ``generator`` decides what is hidden or sampled."""

    @abstractmethod
    def body(self) -> nn.Module:
        """Return the part that becomes the encoder."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return the keywords of the body, but for its width, that build it again."""

    @abstractmethod
    def table(self) -> Tensor | None:
        """Return the word table (V, E) to ship, or ``None`` where it is spelled from characters."""

    def extra(self) -> dict[str, Tensor]:
        """Return what else is shipped, so that the card's numbers can be computed again."""
        return {}

    def scores(
        self, documents: Sequence[Document], length: int, *, words: int = 4_096, seed: int = 1
    ) -> dict[str, Any]:
        """Return, for each part of the loss, exp or mean over held-out documents; no gradient, evaluation mode."""
        was_training = self.training
        self.eval()
        rows, sums = self.rows(documents, length, seed), dict[str, list[float]]()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for batch in word_batches(rows, words, seed):
                for name, (value, count) in self.loss([rows[i] for i in batch], generator).parts.items():
                    entry = sums.setdefault(name, [0.0, 0.0])
                    entry[0] += value
                    entry[1] += count
        self.train(was_training)
        return {name: self.summary(name, total, int(count)) for name, (total, count) in sums.items() if count}

    def summary(self, name: str, total: float, count: int) -> dict[str, float]:
        """Return exp(mean nll) and the number of predictions behind it."""
        return {"perplexity": math.exp(total / count), "predictions": count}
