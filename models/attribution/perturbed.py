"""How rows of ids become logits: padded into a batch, and read with what they share when the encoder can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.classifier import PoolingClassifier
from models.shared import SharedReader
from models.text import PAD

# One new word prepares all of them again; so many times as many as are asked for are not worth it.
CROWD: Final = 4

Left = Callable[[Sequence[NDArray[np.intc]], Tensor], None]


class PerturbedTexts:
    """Logits of batches of rows that are made of the same few words, as edits of one text are.

    Each distinct word is embedded, and prepared by :meth:`Encoder.share`, once for all batches. Where the
    encoder has nothing to share, the classifier reads the batch as any other; its token states (B, T, D) are then
    shown to ``left``, if there is one, with the rows they belong to.
    """

    def __init__(self, classifier: PoolingClassifier, left: Left | None = None) -> None:
        """Know no word yet."""
        self._classifier, self._left = classifier, left
        # Which ids are known, and the place of each of them in the encoder's list of words.
        self._known = np.zeros(classifier.table.num_embeddings, dtype=np.bool_)
        self._places = np.zeros(len(self._known), dtype=np.int64)
        self._reader: SharedReader | None = None
        self._shares = True

    def shares(self, ids: NDArray[np.integer[Any]]) -> bool:
        """Prepare all words that rows to come are made of; whether the encoder has something to share."""
        if self._shares and not (self._reader is not None and self._known[ids].all()):
            asked = np.unique(ids)
            if int(self._known.sum()) > CROWD * len(asked):
                self._known[:] = False
            self._known[asked] = True
            words = np.flatnonzero(self._known)
            self._places[words] = np.arange(len(words))
            known = torch.from_numpy(words).to(self._classifier.table.weight.device)
            with torch.no_grad():
                self._reader = self._classifier.encoder.share(self._classifier.alone(known))
            self._shares = self._reader is not None
        return self._shares

    def logits(self, rows: Sequence[NDArray[np.intc]]) -> Tensor:
        """Return the logits (N, C) of N rows of ids, each of one id or more."""
        return self.read(rows)

    @torch.no_grad()
    def read(self, rows: Sequence[NDArray[np.intc]]) -> Tensor:
        """Make the pass itself, which a probe of memory makes for texts that nobody asked about."""
        ids, mask = padded(rows)
        device = self._classifier.table.weight.device
        texts, real = torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)
        if not self.shares(ids[mask]) or self._reader is None:
            real = self._classifier.grouped(texts, real)
            hidden = self._classifier.encode(self._classifier.embed(texts), real)
            if self._left is not None:
                self._left(rows, hidden)
            return self._classifier.decide(self._classifier.pool(hidden, real))
        places = np.where(mask, self._places[ids], -1)
        shared, real = self._reader(torch.from_numpy(places).to(device)), self._classifier.grouped(texts, real)
        return self._classifier.decide(self._classifier.pooler.pool_shared(shared, real))

    @torch.no_grad()
    def pooled(self, rows: Sequence[NDArray[np.intc]], states: Sequence[Tensor]) -> Tensor:
        """Return the logits (N, C) of N rows of ids whose states (T, D), each of its own length, are known."""
        ids, mask = padded(rows)
        hidden = pad_sequence(list(states), batch_first=True)
        texts, real = torch.from_numpy(ids).to(hidden.device), torch.from_numpy(mask).to(hidden.device)
        return self._classifier.decide(self._classifier.pool(hidden, self._classifier.grouped(texts, real)))


def padded(rows: Sequence[NDArray[np.intc]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Stack rows of different lengths: ids (N, T) filled with PAD, and the mask (N, T)."""
    lengths = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, PAD, dtype=np.int64)
    ids[mask] = np.concatenate(rows)
    return ids, mask
