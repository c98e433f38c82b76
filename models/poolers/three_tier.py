"""Three-tier attention: words make sentences, sentences make parts, parts make the text."""

from __future__ import annotations

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_softmax, zero_padding
from models.poolers.attention import AdditiveScorer
from models.poolers.tiers import TieredPooler, group_softmax, group_sum, places


class ThreeTierPooler(TieredPooler):
    """Three tiers of attention: r = Σ_q γ_q Σ_{k∈q} β_k Σ_{i∈k} α_i h_i.

    After HUITA, which reads a user's messages: word → sentence → document. A single text has no
    documents, so its parts are runs of ``part_size`` sentences. Nothing but attention stands
    between the tiers, so the product α_i β_k γ_q of a word's weights is the weight of its state:
    the vector splits exactly by word, as under plain attention. Each tier scores by vᵀ tanh(W x + b)
    and softmax within its group. ``bounded`` takes the tanh of the score, as the authors' code
    does, which caps the ratio of any two weights of a group at e².
    """

    name = "three_tier"
    title = "Three-tier"
    formula = r"r = \sum_q \gamma_q \sum_{k \in q} \beta_k \sum_{i \in k} \alpha_i h_i"
    source = "after Wu, Wu, Liu, Huang & Xie (HUITA), 2019"

    def __init__(
        self, state_size: int, part_size: int = 4, attention_size: int | None = None, bounded: bool = False
    ) -> None:
        """Build one scorer per tier; a part is ``part_size`` sentences."""
        super().__init__(state_size)
        if part_size < 1:
            raise PoolScopeError(f"part_size came as {part_size}; a part needs one sentence or more")
        self.part_size, self.bounded = part_size, bounded
        self.words = AdditiveScorer(state_size, attention_size)
        self.sentences = AdditiveScorer(state_size, attention_size)
        self.parts = AdditiveScorer(state_size, attention_size)

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return α_i β_{k(i)} γ_{q(i)} (B, T)."""
        words, sentences, parts = self._tiers(hidden, mask)
        return words * sentences * parts

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return the three tiers, each word with the weights of its sentence and part."""
        names = ("word in its sentence", "sentence in its part", "its part")
        return dict(zip(names, self._tiers(hidden, mask), strict=True))

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the sum of states under the product of the weights (B, D)."""
        live = mask.bool()
        a = self.attention(hidden, mask) if weights is None else zero_padding(weights, live)
        return torch.einsum("bt,btd->bd", a, zero_padding(hidden, live))

    def _tiers(self, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        live = mask.bool()
        states = zero_padding(hidden, live)
        index, groups = places(mask)
        words = group_softmax(self._score(self.words, states), index, live, groups.shape[1])
        sentences = group_sum(words.unsqueeze(-1) * states, index, groups.shape[1])
        # Sentence k stands in part k // part_size.
        order = torch.arange(groups.shape[1], device=mask.device) // self.part_size
        part = torch.where(groups, order.expand_as(groups), torch.zeros_like(groups, dtype=torch.long))
        count = int(part.max()) + 1
        of_part = group_softmax(self._score(self.sentences, sentences), part, groups, count)
        parts = group_sum(of_part.unsqueeze(-1) * sentences, part, count)
        there = torch.arange(count, device=mask.device) <= part.amax(1, keepdim=True)
        above = masked_softmax(self._score(self.parts, parts), there)
        spread = of_part.gather(1, index), above.gather(1, part).gather(1, index)
        return words, zero_padding(spread[0], live), zero_padding(spread[1], live)

    def _score(self, scorer: AdditiveScorer, states: Tensor) -> Tensor:
        scores: Tensor = scorer(states)
        return torch.tanh(scores) if self.bounded else scores
