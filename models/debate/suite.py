"""The suite of Jain & Wallace on many texts at once: texts of one length make one batch without padding.

Every number is that of the experiment of its name on the text alone, up to rounding: gradient from one backward
pass per batch, all deletions of all texts together, 100 permutations from the same seeds, the exact adversary over
all texts at once. A classifier that reads pieces or special tokens goes text by text through the experiments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.attribution.reading import Reading, differentiable
from models.classifier import PoolingClassifier
from models.debate.alone import (
    TURNED,
    Item,
    Options,
    Said,
    adversary_of,
    erasures_of,
    flip_of,
    one_by_one,
    permutation_of,
    said_of,
)
from models.debate.linear import descending, flips, median_flip, moved_mass, slopes
from models.debate.rows import ERASURES, TAUS, DebateRow
from models.experiments.adversary import AdversarialAttention
from models.experiments.erasure import chances_of, counts_of
from models.experiments.frozen import Frozen, is_linear, tvd
from models.experiments.permutation import PermutedAttention, permutations
from models.experiments.smallest_edit import SmallestEditExperiment
from models.experiments.vertices import furthest, slab
from models.metrics.agreement import KENDALL

# Numbers of one tensor that are computed at a time: within the processor's caches, whatever the batch.
CELLS: Final = 2**19
TOKENS: Final = 8192


def batches(items: Sequence[Item], most: int = 256) -> Iterator[list[Item]]:
    """Cut the texts into batches of one length each, shortest first."""
    ordered = sorted(items, key=lambda item: (len(item.ids), item.text))
    batch: list[Item] = []
    for item in ordered:
        if batch and (len(batch) == most or len(batch[0].ids) != len(item.ids)):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def suite(classifier: PoolingClassifier, batch: Sequence[Item], options: Options) -> list[DebateRow]:
    """Measure every method on every text of a batch of one length."""
    if len(batch[0].ids) < 2 or not all(item.plain for item in batch):
        return [row for item in batch for row in one_by_one(classifier, item, options)]
    return _Batch(classifier, batch, options).rows()


class _Batch:
    """B texts of N ≥ 2 words each, every id a word of its own."""

    def __init__(self, classifier: PoolingClassifier, batch: Sequence[Item], options: Options) -> None:
        """Read all texts and take the gradient of every predicted class's probability, weights held."""
        self.classifier, self.batch, self.options = classifier, batch, options
        self.ids = torch.tensor([item.ids for item in batch])
        pooler = classifier.pooler
        self.mask = classifier.grouped(self.ids, torch.ones_like(self.ids, dtype=torch.bool))
        with torch.enable_grad(), differentiable(self.ids):
            embeddings = classifier.embed(self.ids).detach().requires_grad_()
            hidden = classifier.encode(embeddings, self.mask)
            logits = classifier.decide(pooler.held(hidden, self.mask))
            (gradient,) = torch.autograd.grad(logits.softmax(-1).amax(-1).sum(), embeddings)
        self.gradient = (embeddings.detach() * gradient).sum(-1).double().abs()
        self.hidden, self.logits = hidden.detach(), logits.detach().double()
        with torch.no_grad():
            own = pooler.own_weights(self.hidden, self.mask) if pooler.attends else None
            shares = None if own is not None else pooler.shares(self.hidden, self.mask)
        self.own = None if own is None else own.double()
        self.shares = shares
        if self.own is not None:
            self.shown = self.own.mean(-1) if self.own.dim() == 3 else self.own
        else:
            assert shares is not None
            self.shown = shares.double().mean(-1)

    def rows(self) -> list[DebateRow]:
        """Every method on every text."""
        measured = {
            **self._correlations(), "permutation": self._permutations(), "adversary": self._adversaries(),
            "conicity": self._conicities(), "smallest_edit": self._edits(), **self._erasures(),
        }  # fmt: skip
        probabilities, predicted = self.logits.softmax(-1).max(-1)
        facts = zip(self.batch, predicted.tolist(), probabilities.tolist(), self.shown.amax(1).tolist(), strict=True)
        return [
            DebateRow(item.text, len(item.ids), item.label, label, p, largest, method, said[b].value,
                      said[b].p_value, said[b].reason)
            for b, (item, label, p, largest) in enumerate(facts)
            for method, said in measured.items()
        ]  # fmt: skip

    def _correlations(self) -> dict[str, list[Said]]:
        """τ_b of each pair of maps."""
        attention, gradient, removal = self.shown.numpy(), self.gradient.numpy(), self._removals().numpy()
        start = "share" if self.own is None else "attention"
        pairs = ((attention, gradient, (start, "gradient")), (attention, removal, (start, "leave_one_out")),
                 (gradient, removal, ("gradient", "leave_one_out")))  # fmt: skip
        return {
            name: [said_of(KENDALL(x, y, names=names, basis="magnitude")) for x, y in zip(left, right, strict=True)]
            for name, (left, right, names) in zip(TAUS, pairs, strict=True)
        }

    @torch.no_grad()
    def _removals(self) -> Tensor:
        """TVD of the output without each word (B, N): all deletions of all texts, one length, no padding."""
        count, n = self.ids.shape
        others = torch.tensor([[j for j in range(n) if j != i] for i in range(n)])
        texts = self.ids[:, others].flatten(0, 1)
        whole = torch.ones(n - 1, dtype=torch.bool)
        found = [
            self.classifier(part, whole.expand(len(part), -1)).double().softmax(-1)
            for part in texts.split(max(1, TOKENS // n))
        ]
        return tvd(torch.cat(found).view(count, n, -1), self.logits.softmax(-1).unsqueeze(1))

    def _permutations(self) -> list[Said]:
        """Median TVD over 100 permutations of each text's weights."""
        reason = PermutedAttention().why_not(self.classifier)
        if reason is not None:
            return [Said(None, reason=reason)] * len(self.batch)
        orders = torch.from_numpy(np.stack([permutations(item.ids, self.options.seed) for item in self.batch]))
        if self.own is None:
            return [permutation_of(self._frozen(item), self.options) for item in self.batch]
        changes = tvd(self._dealt(orders).softmax(-1), self.logits.softmax(-1).unsqueeze(1))
        return [Said(value) for value in np.median(changes.numpy(), axis=1).tolist()]

    @torch.no_grad()
    def _dealt(self, orders: Tensor) -> Tensor:
        """Logits (B, K, C) with each text's weights in K ``orders`` (B, K, N)."""
        assert self.own is not None
        classifier, own = self.classifier, self.own
        if is_linear(classifier):
            weights = own.gather(1, orders.flatten(1)).view(orders.shape)
            return weights @ self._values() + classifier.head.bias.double()
        found = []
        for b, order in enumerate(orders):
            weights = own[b][order].to(self.hidden.dtype)
            rows = max(1, CELLS // self.hidden[b].numel())
            found.append(torch.cat([
                classifier.decide(classifier.pool(
                    self.hidden[b].expand(len(part), -1, -1), self.mask[b].expand(len(part), -1), part
                )).double()
                for part in weights.split(rows)
            ]))  # fmt: skip
        return torch.stack(found)

    def _values(self) -> Tensor:
        """What each token says about every class with all the weight on it (B, N, C), the bias left out."""
        with torch.no_grad():
            states = self.classifier.pooler.values(self.hidden).double()
            return states @ self.classifier.head.weight.double().T

    def _adversaries(self) -> list[Said]:
        """JSD to the furthest attention with the same answer: all at once where it is exact, else text by text."""
        epsilon = self.options.epsilon
        reason = AdversarialAttention().why_not(self.classifier)
        if reason is not None:
            return [Said(None, reason=reason)] * len(self.batch)
        if not is_linear(self.classifier) or self.logits.shape[1] != 2:
            return [adversary_of(self._frozen(item), self.options) for item in self.batch]
        assert self.own is not None
        values = self._values()
        u = values[..., 1] - values[..., 0]
        bias = self.classifier.head.bias.double()
        low, high = slab((((self.own * u).sum(1)) + bias[1] - bias[0]).sigmoid(), epsilon)
        rest = bias[1] - bias[0]
        rows = max(1, CELLS // u.shape[1] ** 2)
        everywhere = torch.ones_like(u, dtype=torch.bool)
        parts = zip(*(x.split(rows) for x in (self.own, u, low - rest, high - rest, everywhere)), strict=True)
        return [Said(value) for part in parts for value in furthest(*part).distance.tolist()]

    def _conicities(self) -> list[Said]:
        """Mean size of the cosine between a state and the mean state of its text."""
        states = self.hidden.double()
        mean = states.mean(1, keepdim=True)
        cosines = torch.cosine_similarity(states, mean, dim=-1)
        lengths = torch.minimum(states.norm(dim=-1).amin(1), mean[:, 0].norm(dim=-1))
        return [
            Said(value) if length > 0 else Said(None, reason="A state of length 0 has no direction.")
            for value, length in zip(cosines.abs().mean(1).tolist(), lengths.tolist(), strict=True)
        ]

    def _edits(self) -> list[Said]:
        """Mass that must move: all at once where the logits are linear in the weights."""
        reason = SmallestEditExperiment().why_not(self.classifier)
        if reason is not None:
            return [Said(None, reason=reason)] * len(self.batch)
        assert self.own is not None
        moved = moved_mass(self.own, self._values(), self.classifier.head.bias.detach().double()).tolist()
        return [Said(None, reason=TURNED) if math.isnan(mass) else Said(mass) for mass in moved]

    def _erasures(self) -> dict[str, list[Said]]:
        """Words out until the flip, by four orders: all at once where the logits are linear in the weights."""
        if not is_linear(self.classifier):
            found = [erasures_of(self._frozen(item), self.options) for item in self.batch]
            return {name: [said[name] for said in found] for name in ERASURES}
        assert self.own is not None
        own, values, bias = self.own, self._values(), self.classifier.head.bias.detach().double()
        n = own.shape[1]
        counts, slope = counts_of(n), slopes(own, values, bias)
        parts = [flips(own, values, bias, counts, descending(order)) for order in (own, slope, own * slope)]
        chance = torch.tensor([chances_of(item.ids, n, self.options.seed) for item in self.batch])
        parts.append(median_flip(torch.stack([flips(own, values, bias, counts, order) for order in chance.unbind(1)])))
        return {
            name: [flip_of(None if math.isnan(part) else part) for part in found.tolist()]
            for name, found in zip(ERASURES, parts, strict=True)
        }

    def _frozen(self, item: Item) -> Frozen:
        return Frozen(Reading(self.classifier, item.ids))
