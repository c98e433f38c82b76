"""The small character-based language model in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.encoders.bodies import BiLmBody
from models.encoders.spelling import Spelling, spell
from models.pretraining.corpus import Document, Row, chunks, stack
from models.pretraining.language_model import LanguageModel, Loss
from models.pretraining.softmax import WordSoftmax
from models.text import PAD, UNK


class ElmoLike(LanguageModel):
    """ELMo-like: P(w_{i+1} | w_1 … w_i) from the left and P(w_{i−1} | w_i … w_N) from the right, one softmax for both.

    Words are read as characters, so any word of the list can be read; guessed are the ``targets`` most
    frequent ones, all others together as <unk>. Each direction learns from all words but the one at
    which it starts.
    """

    name = "elmo_like"
    title = "ELMo-like"
    objective = "next word and word before"
    source = "Peters et al., NAACL 2018"
    measure = (
        "forward and backward: exp of the mean −ln P(next word | words before it in its row) and of "
        "−ln P(word before | words after it in its row), over the most frequent words, every other one counting as the "
        "one word <unk>; the word at which a direction starts is not predicted"
    )
    notes = (
        "The output layer is not shipped: it serves guessing words only.",
        "The word table is the character network's output for the listed words, computed when the base is opened; "
        "a word that is not listed is read as <unk>.",
    )

    def __init__(
        self, counts: Tensor, words: Sequence[str], width: int = 128, filters: int = 40, char_size: int = 16,
        dropout: float = 0.0, samples: int = 1_024, targets: int = 8_000,
    ) -> None:  # fmt: skip
        """Take the words with their counts (V,), the body's sizes, K of the sampled softmax, and how many to guess."""
        super().__init__()
        self.width = width
        self.spelling = Spelling(width, filters, char_size)
        self.stem = BiLmBody(width, dropout)
        self.targets = min(targets, len(counts))
        guessed = counts[: self.targets].clone()
        guessed[UNK] += counts[self.targets :].sum()
        self.output = nn.Embedding(self.targets, width)
        nn.init.normal_(self.output.weight, std=width**-0.5)
        self.softmax = WordSoftmax(guessed, samples)
        self.register_buffer("spelled", spell(words), persistent=False)

    def rows(self, documents: Sequence[Document], length: int, seed: int) -> list[Row]:
        """Cut documents into rows; nothing is drawn."""
        return chunks(documents, length)

    def loss(self, rows: Sequence[Row], generator: torch.Generator) -> Loss:
        """Mean loss of both directions."""
        ids, mask, _ = stack(rows)
        top = self.stem.layers(self.embed(ids), mask)[-1]
        onward, back = top.chunk(2, dim=-1)
        wanted = mask[:, 1:]
        goals = torch.where(ids < self.targets, ids, UNK)
        table = self.output.weight
        right = cast(Tensor, self.softmax(onward[:, :-1][wanted], goals[:, 1:][wanted], table, generator))
        left = cast(Tensor, self.softmax(back[:, 1:][wanted], goals[:, :-1][wanted], table, generator))
        return Loss(
            0.5 * (right.mean() + left.mean()),
            {name: (float(nll.detach().sum()), nll.numel()) for name, nll in (("forward", right), ("backward", left))},
        )

    def embed(self, ids: Tensor) -> Tensor:
        """Return word vectors (B, T, P); each word of the batch is spelled once."""
        distinct, places = ids.unique(return_inverse=True)
        vectors = cast(Tensor, self.spelling(cast(Tensor, self.spelled)[distinct]))
        return vectors[places].masked_fill((ids == PAD).unsqueeze(-1), 0.0)

    def body(self) -> nn.Module:
        """Return the LSTMs."""
        return self.stem

    def sizes(self) -> dict[str, int]:
        """Return nothing: the width says all."""
        return {}

    def table(self) -> None:
        """Return nothing: the table is computed from the characters."""

    def extra(self) -> dict[str, Tensor]:
        """Return the character network."""
        return {f"spelling.{name}": value for name, value in self.spelling.state_dict().items()}
