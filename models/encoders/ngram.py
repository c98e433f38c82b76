"""The encoder of fastText: a vector for every frequent run of words or characters, and no other context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from models.encoders.base import Encoder
from models.errors import PoolScopeError
from models.text import UNK

# No run has this key; it keeps the unused end of the sorted list sorted.
NO_KEY: Final = torch.iinfo(torch.int64).max
# Three ids of this many bits each make one key of 63 bits.
BITS: Final = 21
MOST: Final = (1 << BITS) - 1


class NgramEncoder(Encoder):
    """N-grams: h_i = Σ_{n=1}^{N} g(x_i … x_{i+n−1}), fastText's features kept apart token by token.

    The list of n-grams comes from the training texts (the ``count`` most frequent that occur twice or
    more, ties by their ids); whatever is not on it adds nothing, and neither does one with an unknown
    or a padded token inside. Only ids say which n-gram begins at a token, so the vectors g (count, D)
    take the place of the word table's (:meth:`enter`), and from the embeddings on nothing is left to compute.
    An embedding method therefore gives the whole n-gram to its *first* token, while leave-one-out, which
    reads the text again, takes away every n-gram that the token was part of. Mean pooling of these states is
    fastText's classifier, its hashing trick replaced by an exact list.

    The words' own vectors stay out on purpose: tuned ones already fit the training texts and leave the n-grams
    nothing to learn (on Chinese titles .859 on dev with them, .871 without).
    """

    name = "ngram"
    title = "N-grams"
    formula = r"h_i = \sum_{n=1}^{N} g(x_i \ldots x_{i+n-1})"
    source = "fastText: Joulin et al., EACL 2017"
    light = True

    keys: Tensor

    def __init__(
        self, embedding_size: int, count: int = 20_000, size: int = 32, longest: int = 3, dropout: float = 0.0
    ) -> None:
        """Take the number of n-grams, D, N and the dropout on states; the width E of words plays no part.

        Raises:
            PoolScopeError: N is not 1, 2 or 3, or a number is not positive.
        """
        super().__init__()
        if longest not in (1, 2, 3) or count < 1 or size < 1:
            raise PoolScopeError(
                f"ngram: longest {longest}, count {count} and size {size} came; "
                "expected longest 1, 2 or 3, and at least one n-gram of width 1"
            )
        self.state_size = size
        self.longest, self.count = longest, count
        self.register_buffer("keys", torch.full((count,), NO_KEY))
        # Line 0 is every n-gram that is not on the list.
        self.grams = nn.Embedding(count + 1, size, padding_idx=0)
        nn.init.normal_(self.grams.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.grams.weight[0] = 0

    def collect(self, rows: Sequence[Sequence[int]]) -> None:
        """List the n-grams of the training texts' id rows, once; a list that is there already stays.

        Raises:
            PoolScopeError: an id is too large for a key.
        """
        if bool((self.keys != NO_KEY).any()):
            return
        # The largest id three times over would be NO_KEY.
        if max(map(max, rows)) >= MOST:
            raise PoolScopeError(f"ngram: ids must be below {MOST:,}; use a smaller vocabulary")
        counts: Counter[int] = Counter()
        for row in rows:
            keys = keys_of(torch.tensor([list(row)]), self.longest)
            counts.update(keys[keys != NO_KEY].tolist())
        ranked = sorted(((-seen, key) for key, seen in counts.items() if seen > 1))[: self.count]
        found = torch.tensor(sorted(key for _, key in ranked), dtype=torch.int64)
        self.keys[: len(found)] = found

    def enter(self, embeddings: Tensor, ids: Tensor) -> Tensor:
        """Return the n-grams that begin at each token of ids (B, T) in place of its word's vector: (B, T, D)."""
        keys = keys_of(ids, self.longest)
        place = torch.searchsorted(self.keys, keys).clamp(max=self.count - 1)
        listed = (self.keys[place] == keys) & (keys != NO_KEY)
        found: Tensor = self.grams(torch.where(listed, place + 1, 0)).sum(0)
        return found

    def encode(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return what entered."""
        states: Tensor = self.dropout(embeddings)
        return states


def keys_of(ids: Tensor, longest: int) -> Tensor:
    """Return the key of the n-gram that begins at each token, for n = 1 … ``longest``: (longest, B, T).

    The ids of an n-gram are the digits of its key. ``NO_KEY`` where the text ends too soon, or where a
    token is padding or unknown.
    """
    length = ids.shape[1]
    keys = torch.zeros_like(ids)
    broken = torch.zeros_like(ids, dtype=torch.bool)
    found = []
    for n in range(longest):
        moved = torch.zeros_like(ids)
        if n < length:
            moved[:, : length - n] = ids[:, n:]
        broken = broken | (moved <= UNK)
        keys = keys * (1 << BITS) + moved
        found.append(keys.masked_fill(broken, NO_KEY))
    return torch.stack(found)
