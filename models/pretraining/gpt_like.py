"""The small causal Transformer language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.encoders.bodies import GptBody
from models.pretraining.corpus import Document, Row, chunks, stack
from models.pretraining.language_model import LanguageModel, Loss
from models.pretraining.softmax import WordSoftmax


class GptLike(LanguageModel):
    """GPT-like: P(w_1 … w_N) = Π_i P(w_i | w_1 … w_{i−1}), each from the last state of token i − 1.

    Input and output words share one table. The first word of a row has nothing before it and is not
    predicted; a row is at most ``length`` words, cut from texts that may be longer.
    """

    name = "gpt_like"
    title = "GPT-like"
    objective = "next word"
    source = "Radford et al. 2018"
    measure = (
        "exp of the mean −ln P(next word | words before it in its row), whole vocabulary; unknown words are predicted "
        "too, as the one word <unk>; the first word of a row is not"
    )

    def __init__(
        self, counts: Tensor, words: Sequence[str], width: int = 128, layers: int = 2, heads: int = 4, ffn: int = 512,
        dropout: float = 0.0, samples: int = 1_024,
    ) -> None:  # fmt: skip
        """Take the words with their counts (V,), the sizes of the body, and K of the sampled softmax."""
        super().__init__()
        self.words = nn.Embedding(len(counts), width, padding_idx=0)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        with torch.no_grad():
            self.words.weight[0] = 0
        self.width, self._sizes = width, {"layers": layers, "heads": heads, "ffn": ffn}
        self.stem = GptBody(width, layers, heads, ffn, dropout)
        self.softmax = WordSoftmax(counts, samples)

    def rows(self, documents: Sequence[Document], length: int, seed: int) -> list[Row]:
        """Cut documents into rows; nothing is drawn."""
        return chunks(documents, length)

    def loss(self, rows: Sequence[Row], generator: torch.Generator) -> Loss:
        """Predict each word but the first from the state of the word before it."""
        ids, mask, start = stack(rows)
        states = self.stem.layers(self.words(ids), mask, start)[-1]
        wanted = mask[:, 1:]
        nll = cast(Tensor, self.softmax(states[:, :-1][wanted], ids[:, 1:][wanted], self.words.weight, generator))
        return Loss(nll.mean(), {"next_word": (float(nll.detach().sum()), nll.numel())})

    def body(self) -> nn.Module:
        """Return the causal stack."""
        return self.stem

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the stack."""
        return dict(self._sizes)

    def table(self) -> Tensor:
        """Return the tied word table."""
        return self.words.weight.detach()

    def extra(self) -> dict[str, Tensor]:
        """Return the output bias."""
        return {"bias": self.softmax.bias.detach()}
