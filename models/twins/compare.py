"""How far a twin is from its base, over the texts of a split."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from models.classifier import PoolingClassifier, pad_batch
from models.errors import PoolScopeError
from models.training.batches import Rows, Weigh, by_length
from models.twins.measures import conicity, jensen_shannon, total_variation


@dataclass(frozen=True, slots=True)
class Distances:
    """Means over ``texts``: ``jsd`` between the maps in nats, ``tvd`` between the predictions, conicity of either.

    ``maps`` says what was compared: the attention, or each token's mean share of the pooled vector
    where the pooler does not attend.
    """

    jsd: float
    tvd: float
    conicity: float
    conicity_base: float
    texts: int
    maps: Literal["attention", "shares"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, five digits each."""
        return {key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(self).items()}


class Reference:
    """A base and what it says of some id rows, kept for the several twins that are measured against it."""

    def __init__(self, base: PoolingClassifier, rows: Rows) -> None:
        """Read all rows once."""
        self.base, self.rows = base, rows
        self.batches: list[tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]] = []
        with torch.no_grad():
            for picked in by_length(rows, 256):
                ids, mask = pad_batch([rows[i] for i in picked])
                self.batches.append((ids, mask, _read(base, ids, mask, None)))


def distances(twin: PoolingClassifier, reference: Reference, *, weigh: Weigh | None = None) -> Distances:
    """Measure a twin against its base on id rows that both read alike; ``weigh`` imposes the twin's attention.

    Raises:
        PoolScopeError: the two do not have the same words, or one attends and the other does not.
    """
    base, rows = reference.base, reference.rows
    if twin.vocabulary.words != base.vocabulary.words:
        raise PoolScopeError(f"{twin.spec.id} and {base.spec.id} read different words; expected a twin over the same")
    if twin.pooler.attends != base.pooler.attends:
        raise PoolScopeError(f"{twin.spec.id} and {base.spec.id}: one attends, the other not; expected two of a kind")
    total = torch.zeros(4, dtype=torch.float64)
    with torch.no_grad():
        for ids, mask, theirs in reference.batches:
            mine = _read(twin, ids, mask, weigh(ids, mask) if weigh else None)
            apart = jensen_shannon(mine[0].double(), theirs[0].double()), total_variation(mine[1], theirs[1])
            parts = (*apart, mine[2], theirs[2])
            total += torch.stack([part.double().sum() for part in parts])
    jsd, tvd, cone, cone_base = (total / len(rows)).tolist()
    return Distances(jsd, tvd, cone, cone_base, len(rows), "attention" if base.pooler.attends else "shares")


def _read(
    classifier: PoolingClassifier, ids: Tensor, mask: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return map (B, T), probabilities (B, C) and conicity (B,)."""
    hidden = classifier.encode(classifier.embed(ids), mask)
    grouped = classifier.grouped(ids, mask)
    pooler = classifier.pooler
    shown = weights if weights is not None else pooler.attention(hidden, grouped)
    if shown is None:
        shown = pooler.shares(hidden, grouped).mean(-1)
    answers = classifier.decide(classifier.pool(hidden, grouped, weights)).softmax(1)
    return shown, answers, conicity(hidden, mask)
