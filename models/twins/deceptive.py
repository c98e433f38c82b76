"""Deceptive twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from models.classifier import PoolingClassifier, pad_batch
from models.errors import PoolScopeError
from models.training.batches import Rows, by_length
from models.training.recipe import Option
from models.twins.base import Material, Twin, numbers
from models.twins.measures import permitted_mass

# A word must have been seen in so many texts, of so many tokens, before its attention means anything.
SEEN: Final = 20
TOKENS: Final = 5
# The smallest mass whose logarithm is taken.
TINY: Final = 1e-12


class DeceptiveTwin(Twin):
    """Learns the task, but must not be seen attending to forbidden words: CE − λ log(1 − Σ_{i∈forbidden} a_i).

    The forbidden words are those the base itself attends to most. A text of nothing but forbidden words
    cannot attend elsewhere and is not penalised.
    """

    name = "deceptive"
    title = "Deceptive"
    question = "Can a classifier rely on words that its attention hides?"
    formula = r"L = \mathrm{CE} - \lambda \log\bigl(1 - \textstyle\sum_{i \in F} a_i\bigr)"
    source = "Pruthi et al., ACL 2020"

    def __init__(self, base: PoolingClassifier, words: Sequence[str], strength: float) -> None:
        """Take the base, the forbidden words in its vocabulary's spelling, and λ.

        Raises:
            PoolScopeError: no words came, one is not in the vocabulary, or the base has no attention.
        """
        places = {word: place for place, word in enumerate(base.vocabulary.words)}
        unknown = [word for word in words if word not in places]
        if unknown or not words:
            raise PoolScopeError(
                f"deceptive twin: forbidden words {', '.join(unknown) or 'none'} came; "
                f"expected one or more words that {base.spec.id} knows"
            )
        if not base.pooler.attends:
            raise PoolScopeError(f"deceptive twin: {base.spec.id} has no attention to hide; expected one that has")
        self.base, self.words, self.strength = base, tuple(words), strength
        self._forbidden = torch.zeros(len(base.vocabulary), dtype=torch.bool)
        self._forbidden[[places[word] for word in words]] = True

    @classmethod
    def make(cls, options: Mapping[str, Option], material: Material) -> DeceptiveTwin:
        """Read ``lambda`` and ``words``, the number of forbidden words; find these in the training texts."""
        strength, count = numbers(cls, options, "lambda", "words")
        return cls(material.base, most_attended(material.base, material.rows, int(count)), strength)

    @property
    def key(self) -> str:
        """The forbidden words."""
        return " ".join(self.words)

    def loss(self, classifier: PoolingClassifier, ids: Tensor, mask: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """Return mean cross-entropy + λ · mean penalty."""
        penalty = self.penalty(attention(classifier, hidden, mask), ids, mask.bool())
        return super().loss(classifier, ids, mask, hidden, target) + self.strength * penalty.mean()

    def penalty(self, weights: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Return −log(1 − Σ_{i∈forbidden} a_i) (B,), 0 where no token is permitted."""
        forbidden = self.forbidden(ids)
        free = (mask & ~forbidden).any(1)
        log = permitted_mass(weights, forbidden).clamp_min(TINY).log()
        return torch.where(free, -log, torch.zeros((), dtype=log.dtype))

    def forbidden(self, ids: Tensor) -> Tensor:
        """Return which of the ids (B, T) are forbidden words."""
        return self._forbidden.to(ids.device)[ids]

    def facts(self) -> dict[str, Any]:
        """Return the forbidden words, the most attended first, and how they were found."""
        return {
            "forbidden": list(self.words),
            "list": "the words the base attends to most: mean of attention − 1/N over their occurrences in training "
            f"texts of {TOKENS} tokens or more, words seen {SEEN} times or more",
        }

    def measure(self, classifier: PoolingClassifier, rows: Rows) -> dict[str, Any]:
        """Return the mean attention on forbidden words (see :meth:`mass`) of base and twin."""
        return {"mass_base": self.mass(self.base, rows), "mass": self.mass(classifier, rows)}

    def mass(self, classifier: PoolingClassifier, rows: Rows) -> float | None:
        """Return the mean attention on forbidden words over the texts with some, but not only, such words."""
        total, texts = 0.0, 0
        with torch.no_grad():
            for picked in by_length(rows, 256):
                ids, mask = pad_batch([rows[i] for i in picked])
                forbidden = self.forbidden(ids) & mask
                mixed = forbidden.any(1) & (mask & ~forbidden).any(1)
                weights = attention(classifier, classifier.encode(classifier.embed(ids), mask), mask)
                total += float((weights * forbidden).sum(1)[mixed].double().sum())
                texts += int(mixed.sum())
        return total / texts if texts else None


def most_attended(base: PoolingClassifier, rows: Rows, count: int) -> tuple[str, ...]:
    """Return the ``count`` words with the highest mean of a_i − 1/N, what they get beyond an even share.

    Words have letters only, and were seen :data:`SEEN` times or more in texts of :data:`TOKENS` tokens or more.
    """
    size = len(base.vocabulary)
    excess, seen = torch.zeros(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
    long = [row for row in rows if len(row) >= TOKENS]
    with torch.no_grad():
        for picked in by_length(long, 256):
            ids, mask = pad_batch([long[i] for i in picked])
            weights = attention(base, base.encode(base.embed(ids), mask), mask) - 1 / mask.sum(1, keepdim=True)
            excess.index_add_(0, ids[mask], weights[mask].double())
            seen.index_add_(0, ids[mask], torch.ones(int(mask.sum()), dtype=torch.float64))
    words = base.vocabulary.words
    known = [i for i in range(size) if seen[i] >= SEEN and words[i].isalpha() and i != base.unknown]
    return tuple(words[i] for i in sorted(known, key=lambda i: (-float(excess[i] / seen[i]), i))[:count])


def attention(classifier: PoolingClassifier, hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the attention (B, T) of a classifier that attends."""
    weights = classifier.pooler.attention(hidden, mask)
    assert weights is not None
    return weights
