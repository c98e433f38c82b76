"""One reading with its token states frozen: what does the classifier say under other weights?"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from models.analysis import predicted
from models.attribution.base import AttributionMethod, floats
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier
from models.poolers.base import AttentionPooler
from models.records import Prediction

# Beyond some hundred thousand numbers a batch falls out of the processor's caches and is slower.
CELLS_PER_CHUNK = 2**18
# A large encoder, or a long text, is read a few times only where nobody asked for more.
LARGE: Final = 2_000_000
LONG: Final = 100


class Frozen:
    """The states of one text of T ids and n words, everything above them computed again and again.

    Weights may be moved among the P places that belong to a word; what the encoder's own tokens ([CLS],
    [SEP]) hold stays with them. Numbers are in double precision. ``own`` (T,) are the weights that give
    back the reader's own output, (T, k) for a pooler that attends with k maps at once, ``None`` for one
    that has none.
    """

    def __init__(self, reading: Reading) -> None:
        """Take the states of ``reading``; no encoder pass."""
        self.reading = reading
        self.classifier = reading.classifier
        self.pooler = reading.classifier.pooler
        self.places = torch.tensor([place for unit in reading.units for place in unit], dtype=torch.long)
        self.unit = torch.tensor([n for n, unit in enumerate(reading.units) for _ in unit], dtype=torch.long)
        own = reading.own_weights if self.pooler.attends else None
        self.own = None if own is None else own[0].double()

    @property
    def count(self) -> int:
        """Count the words n."""
        return len(self.reading.units)

    @property
    def several(self) -> bool:
        """Whether the pooler attends with several maps at once, so that no single one can be imposed in their place."""
        return self.own is not None and self.own.dim() == 2

    @property
    def costly(self) -> bool:
        """Whether reading again and again takes long: a large encoder, or a long text."""
        learned = sum(p.numel() for p in self.classifier.encoder.parameters())
        return learned > LARGE or self.count > LONG

    @property
    def linear(self) -> bool:
        """Whether the logits are an affine function of the weights: Σ a_i h_i under the linear head."""
        return is_linear(self.classifier)

    @cached_property
    def values(self) -> Tensor:
        """Return W h_i (T, C): what a token says about every class with all the weight on it, the bias left out."""
        states = self.pooler.values(self.reading.hidden)[0].detach().double()
        return states @ self.classifier.head.weight.detach().double().T

    @cached_property
    def logits(self) -> Tensor:
        """The reader's own logits (C,)."""
        if self.own is None:
            return self.reading.logits[0].double()
        return self.under(self.own.unsqueeze(0))[0]

    @cached_property
    def probabilities(self) -> Tensor:
        """The reader's own output (C,)."""
        return self.logits.softmax(-1)

    @cached_property
    def prediction(self) -> Prediction:
        """The same as a record."""
        return self.said(self.logits)

    @property
    def label(self) -> int:
        """The predicted class."""
        return self.prediction.predicted

    def said(self, logits: Tensor) -> Prediction:
        """Turn logits (C,) into a record."""
        return predicted(self.classifier, logits)

    def under(self, weights: Tensor) -> Tensor:
        """Return the logits (K, C) with each of K weights (K, T), or (K, T, k), imposed; differentiable in them."""
        if self.linear:
            return weights @ self.values + self.classifier.head.bias.detach().double()
        hidden, mask = self.reading.hidden, self.reading.mask
        rows = max(1, CELLS_PER_CHUNK // hidden[0].numel())
        return torch.cat([
            self.classifier.decide(self.classifier.pool(
                hidden.expand(len(part), -1, -1), mask.expand(len(part), -1), part.to(hidden.dtype)
            )).double()
            for part in weights.split(rows)
        ])  # fmt: skip

    def without(self, kept: Tensor) -> Tensor:
        """Return the logits (K, C) pooled over the places ``kept`` (K, T) alone; for poolers without weights."""
        hidden = self.reading.hidden
        rows = max(1, CELLS_PER_CHUNK // hidden[0].numel())
        return torch.cat([
            self.classifier.decide(self.classifier.pool(hidden.expand(len(part), -1, -1), part)).double()
            for part in kept.split(rows)
        ])  # fmt: skip

    def by_word(self, values: Tensor) -> Tensor:
        """Sum values (…, T) over the pieces of each word: (…, n)."""
        found = values.new_zeros(*values.shape[:-1], self.count)
        return found.index_add(-1, self.unit, values[..., self.places])

    def scores(self, method: AttributionMethod, reading: Reading) -> tuple[float, ...] | str:
        """The map of ``method`` over words (n,) for the predicted class, or the reason why there is none."""
        found = method(reading, Target(self.label))
        if found.values is None:
            return str(found.reason)
        return floats(self.by_word(torch.tensor(found.values, dtype=torch.float64)))

    def of_words(self, weights: Tensor) -> Tensor:
        """Give each word's weight (n,) to its pieces in proportion to their own; special tokens keep theirs: (T,)."""
        assert self.own is not None
        own = self.own[self.places]
        mass = own.new_zeros(self.count).index_add(0, self.unit, own)[self.unit]
        pieces = own.new_zeros(self.count).index_add(0, self.unit, torch.ones_like(own))[self.unit]
        part = torch.where(mass > 0, own / mass.clamp_min(torch.finfo(own.dtype).tiny), 1 / pieces)
        full = self.own.clone()
        full[self.places] = part * weights[self.unit]
        return full

    @property
    def shown(self) -> Tensor:
        """One weight per word (n,): the attention, the mean over several maps, or the mean share of the vector."""
        if self.own is None:
            return self.by_word(self.reading.shares.double().mean(-1))
        return self.by_word(self.own.mean(-1) if self.several else self.own)


def is_linear(classifier: PoolingClassifier) -> bool:
    """Whether the logits are an affine function of the weights: Σ a_i h_i under the linear head."""
    return isinstance(classifier.pooler, AttentionPooler)


def tvd(left: Tensor, right: Tensor) -> Tensor:
    """Return ½ Σ|p − q| over the last axis."""
    return (left - right).abs().sum(-1) / 2


def jsd(left: Tensor, right: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence over the last axis, in nats; masses need not be 1 but must be equal."""
    middle = left + right
    return (_part(left, middle) + _part(right, middle)).sum(-1).clamp_min(0) / 2


def _part(values: Tensor, middle: Tensor) -> Tensor:
    # The filler keeps 0 log 0 = 0 and its gradient finite.
    ratio = torch.where(values > 0, 2 * values / torch.where(middle > 0, middle, 1.0), 1.0)
    return values * ratio.log()
