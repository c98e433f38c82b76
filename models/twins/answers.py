"""What a frozen classifier says of texts, computed once for each text."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from models.classifier import PoolingClassifier

# From ids and mask (B, T) to one number per token (B, T) and some per text (B, ·).
Read = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Answers:
    """Remembers what ``read`` said of each row of ids: training comes back to every text in every epoch.

    It holds one entry per different text, for as long as one run lasts. Nothing carries a gradient.
    """

    def __init__(self, classifier: PoolingClassifier, read: Read) -> None:
        """Take the classifier that ``read`` asks; it stays on its own device."""
        self._classifier, self._read = classifier, read
        self._known: dict[bytes, tuple[Tensor, Tensor]] = {}

    def __call__(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the numbers of each token (B, T), 0 on padding, and of each text (B, ·)."""
        lengths = mask.sum(1).tolist()
        texts = ids.cpu().numpy()
        keys = [row[:length].tobytes() for row, length in zip(texts, lengths, strict=True)]
        missing = [place for place, key in enumerate(keys) if key not in self._known]
        if missing:
            here = self._classifier.head.weight.device
            with torch.no_grad():
                tokens, whole = self._read(ids[missing].to(here), mask[missing].to(here))
            for place, row, text in zip(missing, tokens.cpu(), whole.cpu(), strict=True):
                self._known[keys[place]] = row[: lengths[place]].clone(), text.clone()
        found = [self._known[key] for key in keys]
        rows = torch.zeros(ids.shape, dtype=found[0][0].dtype)
        for place, (row, _) in enumerate(found):
            rows[place, : len(row)] = row
        return rows.to(ids.device), torch.stack([text for _, text in found]).to(ids.device)
