"""Texts to id rows, and id rows to batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.classifier import PoolingClassifier, pad_batch
from models.data.dataset import Dataset
from models.errors import PoolScopeError

Rows = Sequence[Sequence[int]]
# From ids and mask (B, T) to the attention (B, T) that is imposed on these texts, or None for the classifier's own.
Weigh = Callable[[Tensor, Tensor], Tensor | None]


def encode_texts(classifier: PoolingClassifier, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of each text, at most ``max_tokens``; a text without a token is refused."""
    rows = []
    for number, text in enumerate(texts):
        row = classifier.row(text)
        if not row:
            raise PoolScopeError(f"text {number} ({text[:30]!r}) holds no token; take empty texts out of the data")
        rows.append(row)
    return rows


def encode_splits(classifier: PoolingClassifier, dataset: Dataset) -> dict[str, list[list[int]]]:
    """Return the id rows of every split of ``dataset``."""
    return {name: encode_texts(classifier, split.texts) for name, split in dataset.splits.items()}


def shuffled_batches(rows: Rows, size: int, seed: int) -> list[np.ndarray]:
    """Cut a seeded shuffle into batches of like length (little padding), in shuffled order.

    Texts are sorted within chunks of 50 batches only, so batches still differ between epochs.
    """
    random = np.random.default_rng(seed)
    lengths = np.array([len(row) for row in rows])
    order = random.permutation(len(rows))
    chunk = 50 * size
    batches = []
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    random.shuffle(batches)
    return batches


def predict(
    classifier: PoolingClassifier,
    rows: Rows,
    *,
    size: int = 256,
    device: torch.device | None = None,
    weigh: Weigh | None = None,
) -> Tensor:
    """Return logits (N, C) of id rows in their own order; no gradient, evaluation mode.

    ``weigh`` gives the attention to impose, for a classifier that is guided from outside.
    """
    was_training = classifier.training
    classifier.eval()
    logits = torch.empty(len(rows), len(classifier.labels))
    with torch.no_grad():
        for picked in by_length(rows, size):
            ids, mask = pad_batch([rows[i] for i in picked], device)
            weights = weigh(ids, mask) if weigh else None
            # Without weights the classifier's own forward: what is called a forward is counted and compared as one.
            if weights is None:
                found = classifier(ids, mask)
            else:
                found = classifier.from_embeddings(classifier.embed(ids), classifier.grouped(ids, mask), weights)
            logits[torch.from_numpy(picked)] = found.float().cpu()
    classifier.train(was_training)
    return logits


def by_length(rows: Rows, size: int) -> Iterator[np.ndarray]:
    """Yield index batches sorted by length."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]
