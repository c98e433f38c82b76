"""Hierarchical attention (HAN): attention over words, a sentence encoder, attention over sentences."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.errors import PoolScopeError
from models.masking import masked_softmax, zero_padding
from models.poolers.attention import AdditiveScorer
from models.poolers.tiers import TieredPooler, group_softmax, group_sum, places, within


class HierarchicalPooler(TieredPooler):
    """HAN: u_k = Σ_{i∈k} α_i h_i, g = BiGRU(u_1 … u_S), r = Σ_k β_k g_k.

    α = softmax of additive scores within each sentence, β that of the sentence states over the
    text. The encoder below plays HAN's word encoder, running through the whole text where HAN
    starts anew at each sentence. What a word holds is the product α_i β_{k(i)}, which sums to 1;
    imposed weights are taken apart again, a sentence's weight being the sum of its words'. The
    sentence encoder is recurrent, so the vector is no weighted sum of word states and has no exact
    split by word. ``sentence_size`` is the width of one direction (default D/2).
    """

    name = "hierarchical"
    title = "Hierarchical (HAN)"
    formula = r"r = \sum_k \beta_k\,\mathrm{BiGRU}(u)_k,\quad u_k = \sum_{i \in k} \alpha_i h_i"
    source = "Yang et al., NAACL 2016"
    homogeneous = False

    def __init__(
        self, state_size: int, attention_size: int | None = None, sentence_size: int | None = None
    ) -> None:
        """Build both scorers and the sentence encoder."""
        super().__init__(state_size)
        width = max(1, state_size // 2) if sentence_size is None else sentence_size
        if width < 1:
            raise PoolScopeError(f"sentence_size came as {width}; expected 1 or more")
        self.words = AdditiveScorer(state_size, attention_size or state_size)
        self.gru = nn.GRU(state_size, width, batch_first=True, bidirectional=True)
        self.sentences = AdditiveScorer(2 * width, attention_size or 2 * width)

    @property
    def output_size(self) -> int:
        """Width of the sentence states, both directions."""
        return 2 * self.gru.hidden_size

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return α_i β_{k(i)} (B, T)."""
        index, groups = places(mask)
        words, states = self._read(hidden, mask, index, groups)
        return words * self._weigh(states, groups).gather(1, index)

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return both tiers: α within the sentence, and the β of each word's sentence."""
        index, groups = places(mask)
        words, states = self._read(hidden, mask, index, groups)
        above = self._weigh(states, groups).gather(1, index)
        return {"word in its sentence": words, "its sentence": zero_padding(above, mask.bool())}

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return Σ_k β_k g_k (B, R)."""
        index, groups = places(mask)
        if weights is None:
            _, states = self._read(hidden, mask, index, groups)
            above = self._weigh(states, groups)
        else:
            words, above = within(zero_padding(weights, mask.bool()), index, groups.shape[1])
            states = self._encode(group_sum(words.unsqueeze(-1) * hidden, index, groups.shape[1]), groups)
        return torch.einsum("bs,bsd->bd", above, states)

    def _read(self, hidden: Tensor, mask: Tensor, index: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
        live = mask.bool()
        words = group_softmax(self.words(hidden), index, live, groups.shape[1])
        vectors = group_sum(words.unsqueeze(-1) * zero_padding(hidden, live), index, groups.shape[1])
        return words, self._encode(vectors, groups)

    def _encode(self, vectors: Tensor, groups: Tensor) -> Tensor:
        packed = pack_padded_sequence(vectors, groups.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=groups.shape[1])
        return states

    def _weigh(self, states: Tensor, groups: Tensor) -> Tensor:
        return masked_softmax(self.sentences(states), groups)
