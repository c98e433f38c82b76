"""A pooler and a head trained on token states that a frozen encoder computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.classifier import PoolingClassifier, pad_batch
from models.encoders.base import Encoder
from models.poolers import POOLERS
from models.records import ModelSpec
from models.text import Vocabulary
from models.training.batches import Rows, by_length
from models.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class States:
    """Token states of several splits: one line of ``table`` (1 + tokens, D) for each token of each text.

    Line 0 is padding. ``rows`` are, per split and text, the lines of its tokens: what ids are to a
    word table.
    """

    table: Tensor
    rows: Mapping[str, list[list[int]]]


@torch.no_grad()
def states_of(
    classifier: PoolingClassifier, splits: Mapping[str, Rows], *, size: int = 64, dtype: torch.dtype = torch.float16
) -> States:
    """Run the encoder of ``classifier`` over id rows, without dropout, and keep what it says.

    float16 halves the memory: 6,000 texts of 30 tokens at D = 384 take 140 MB.
    """
    classifier.eval()
    start = 1
    lines: dict[str, list[list[int]]] = {}
    for name, rows in splits.items():
        lines[name] = []
        for row in rows:
            lines[name].append(list(range(start, start + len(row))))
            start += len(row)
    table = torch.zeros(start, classifier.encoder.state_size, dtype=dtype)
    for name, rows in splits.items():
        for picked in by_length(rows, size):
            ids, mask = pad_batch([rows[i] for i in picked])
            hidden = classifier.encode(classifier.embed(ids), mask)
            # Both sides run text by text, token by token.
            table[torch.tensor([line for i in picked for line in lines[name][i]])] = hidden[mask].to(dtype)
    return States(table, lines)


class GivenStates(Encoder):
    """h_i as it came."""

    name = "states"
    title = "Frozen states"
    formula = "h_i"
    source = "computed once by a frozen encoder"

    def __init__(self, state_size: int) -> None:
        """Take D."""
        super().__init__()
        self.state_size = state_size

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Give the states back."""
        return embeddings


class StatesClassifier(PoolingClassifier):
    """A classifier whose ids are lines of a table of states: only pooler and head are trained.

    Dropout acts on the pooled vector alone: a frozen encoder was never meant to read its own states
    with holes.
    """

    def __init__(self, spec: ModelSpec, recipe: Recipe, states: States) -> None:
        """Draw pooler and head for the states' width; the table is shared, not copied."""
        width = states.table.shape[1]
        pooler = POOLERS[recipe.pooler](width, **dict(recipe.pooler_options))
        super().__init__(
            spec, Vocabulary(()), GivenStates(width), pooler, embedding_size=1, max_tokens=recipe.max_tokens,
            dropout=recipe.dropout,
        )  # fmt: skip
        self.table = nn.Embedding.from_pretrained(states.table, freeze=True, padding_idx=0)

    def embed(self, ids: Tensor) -> Tensor:
        """Look the states up: ids (B, T) → (B, T, D) in float32."""
        states: Tensor = self.table(ids)
        return states.float()

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Pass the states on, untouched by dropout."""
        states: Tensor = self.encoder(embeddings, mask.bool())
        return states


def on_states(recipe: Recipe, labels: Sequence[str], states: States) -> StatesClassifier:
    """Draw a classifier for ``states`` from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    title = f"{recipe.encoder}, frozen · {POOLERS[recipe.pooler].title}"
    spec = ModelSpec(recipe.id, recipe.task, recipe.encoder, recipe.pooler, recipe.seed, "", title, tuple(labels))
    return StatesClassifier(spec, recipe, states)
