"""The small bidirectional Transformer language model: masked words and the next passage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.encoders.bodies import BertBody
from models.pretraining.corpus import Document, Row, stack
from models.pretraining.language_model import LanguageModel, Loss
from models.pretraining.softmax import WordSoftmax

HIDDEN = 0.15
# Of the words asked for, this part is hidden and this part replaced by any word; the rest stays.
HOLE, OTHER = 0.8, 0.1


class BertLike(LanguageModel):
    """BERT-like: guess 15 % of the words from all the others, and whether passage B followed A in its text.

    Of the words asked for, 80 % are hidden, 10 % replaced by a word drawn from the frequencies, 10 % left
    (BERT's rule), one or more per row; held-out texts are scored with all of them hidden. Passages are
    runs of whole sentences; in half of the rows with two, B is another row's. Texts of one sentence
    are read alone and ask no second question.
    """

    name = "bert_like"
    title = "BERT-like"
    objective = "masked words and next passage"
    source = "Devlin et al., NAACL 2019"
    measure = (
        "masked_word: exp of the mean −ln P(hidden word | the rest of its row), 15 % of the words hidden at once, "
        "whole vocabulary, <unk> counting as a word; it is no perplexity of the text, not comparable with a causal "
        "model's. next_passage: share of rows in which the model says rightly whether B followed A (half do)"
    )

    def __init__(
        self, counts: Tensor, words: Sequence[str], width: int = 128, layers: int = 3, heads: int = 4, ffn: int = 512,
        dropout: float = 0.0, samples: int = 0,
    ) -> None:  # fmt: skip
        """Take the words with their counts (V,) and the body's sizes; few words are asked for, so none is sampled."""
        super().__init__()
        self.words = nn.Embedding(len(counts), width, padding_idx=0)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        with torch.no_grad():
            self.words.weight[0] = 0
        self.width, self._sizes = width, {"layers": layers, "heads": heads, "ffn": ffn}
        self.stem = BertBody(width, layers, heads, ffn, dropout)
        # What stands in for a hidden word.
        self.hole = nn.Parameter(torch.randn(width) / math.sqrt(width))
        self.turn = nn.Linear(width, width)
        self.softmax = WordSoftmax(counts, samples)
        self.follows = nn.Linear(width, 2)

    def rows(self, documents: Sequence[Document], length: int, seed: int) -> list[Row]:
        """Cut documents into windows of whole sentences, those into passages; exchange half of the second ones."""
        random = np.random.default_rng(seed)
        pairs, alone = [], []
        for document in documents:
            for at, ends in windows(document, length):
                ids = document.ids[at : ends[-1]]
                if len(ends) > 1:
                    pairs.append(Row(ids, at, int(random.choice(ends[:-1])) - at, follows=True))
                elif len(ids) > 1:
                    alone.append(Row(ids, at))
        order = random.permutation(len(pairs))
        # The first half of a shuffle is exchanged among itself, in a circle: no row keeps its own second passage.
        broken = order[: len(pairs) // 2].tolist()
        kept = [pairs[i] for i in order[len(broken) :].tolist()]
        if len(broken) == 1:
            kept, broken = [*kept, pairs[broken[0]]], []
        swapped = [_exchange(pairs[i], pairs[j], length) for i, j in zip(broken, broken[1:] + broken[:1], strict=True)]
        return [*kept, *swapped, *alone]

    def loss(self, rows: Sequence[Row], generator: torch.Generator) -> Loss:
        """Mean loss of the hidden words plus that of the second question, where it is asked."""
        ids, mask, start = stack(rows)
        places = torch.arange(ids.shape[1])
        second = places >= torch.tensor([len(row) if row.second is None else row.second for row in rows]).unsqueeze(1)
        asked = choose(mask, generator)
        top = self.stem.layers(self.hide(ids, asked, generator), mask, start, second & mask)[-1]
        states = F.gelu(self.turn(top[:, 1:][asked]))
        nll = cast(Tensor, self.softmax(states, ids[asked], self.words.weight, generator))
        objective, parts = nll.mean(), {"masked_word": (float(nll.detach().sum()), nll.numel())}
        paired = [number for number, row in enumerate(rows) if row.follows is not None]
        if paired:
            said = self.follows(top[paired, 0])
            truth = torch.tensor([int(bool(rows[number].follows)) for number in paired])
            objective = objective + F.cross_entropy(said, truth)
            parts["next_passage"] = (float((said.argmax(1) == truth).sum()), len(paired))
        return Loss(objective, parts)

    def hide(self, ids: Tensor, asked: Tensor, generator: torch.Generator) -> Tensor:
        """Return embeddings (B, T, D) in which the words asked for are hidden; in training by BERT's rule."""
        draw = torch.rand(ids.shape, generator=generator)
        if self.training:
            drawn = torch.multinomial(self.softmax.noise, ids.numel(), replacement=True, generator=generator)
            other = asked & (draw >= HOLE) & (draw < HOLE + OTHER)
            ids = torch.where(other, drawn.view_as(ids), ids)
            asked = asked & (draw < HOLE)
        return torch.where(asked.unsqueeze(-1), self.hole, self.words(ids))

    def summary(self, name: str, total: float, count: int) -> dict[str, float]:
        """Return exp(mean nll) of hidden words, the share of right answers of the second question."""
        if name == "next_passage":
            return {"accuracy": total / count, "predictions": count}
        return {"perplexity": math.exp(total / count), "predictions": count}

    def body(self) -> nn.Module:
        """Return the stack with its own three kinds of vectors."""
        return self.stem

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the stack."""
        return dict(self._sizes)

    def table(self) -> Tensor:
        """Return the tied word table."""
        return self.words.weight.detach()

    def extra(self) -> dict[str, Tensor]:
        """Return what stands in for hidden words, and between their states and the guess."""
        return {"hole": self.hole.detach(), "bias": self.softmax.bias.detach(),
                "turn.weight": self.turn.weight.detach(), "turn.bias": self.turn.bias.detach()}  # fmt: skip


def choose(mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return the places (B, T) that are asked for: 15 % of each row's words, one or more."""
    order = torch.rand(mask.shape, generator=generator).masked_fill(~mask, 2.0).argsort(1).argsort(1)
    return (order < (HIDDEN * mask.sum(1, keepdim=True)).round().clamp(min=1)) & mask


def windows(document: Document, length: int) -> list[tuple[int, list[int]]]:
    """Cut a document into runs of whole sentences of at most ``length`` words: (begin, the sentences' ends).

    A sentence longer than that is cut where the window ends.
    """
    found: list[tuple[int, list[int]]] = []
    begin, ends = 0, list[int]()
    for end in document.ends:
        if ends and end - begin > length:
            found.append((begin, ends))
            begin, ends = ends[-1], []
        while end - begin > length:
            found.append((begin, [begin + length]))
            begin += length
        ends.append(end)
    return [*found, (begin, ends)] if ends else found


def _exchange(row: Row, other: Row, length: int) -> Row:
    """Put the second passage of ``other`` behind the first of ``row``."""
    first = row.ids[: row.second]
    return Row(np.concatenate([first, other.ids[other.second :]])[:length], row.start, row.second, follows=False)
