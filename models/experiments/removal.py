"""Four ways to take words out of a text: delete, mask, pad, or a mean vector in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.attribution.reading import Reading, rows_per_chunk
from models.attribution.starts import start
from models.text import PAD

OPERATORS: Final = ("delete", "mask", "pad", "mean")
WORDS: Final = {
    "delete": "deleted, the text closes up",
    "mask": "the unknown word in its place",
    "pad": "the padding word in its place",
    "mean": "the mean word vector in its place",
}
Sets = npt.NDArray[np.bool_]


def without(reading: Reading, gone: Sets, operator: str, mean: Tensor | None = None) -> Tensor:
    """Return the class probabilities (M, C) of the text without M sets of words (M, n), True for a word that goes.

    Rows of ids go through the reading's ledger. A text without any word cannot be read: once all are deleted it
    is one unknown word. Ids of no word ([CLS], [SEP]) stay. ``mean`` (1, T, E) is the text of mean vectors, for who
    has it already.
    """
    owner = np.full(len(reading), -1)
    for word, places in enumerate(reading.units):
        owner[list(places)] = word
    # A last column for the ids of no word, which index −1 finds.
    lost = np.pad(gone, ((0, 0), (0, 1)), constant_values=False)[:, owner]
    if operator == "mean":
        return in_embeddings(reading, torch.from_numpy(~lost), start(reading, "mean") if mean is None else mean)
    ids = reading.ids[0].cpu().numpy()
    unknown = reading.classifier.unknown
    if operator == "delete":
        first = np.arange(len(ids)) == reading.units[0][0]
        everything = [bool(row.all()) for row in gone]
        rows = [
            ids[~row].tolist() if not all_gone else np.where(first, unknown, ids)[~row | first].tolist()
            for row, all_gone in zip(lost, everything, strict=True)
        ]
    else:
        rows = np.where(lost, unknown if operator == "mask" else PAD, ids).tolist()
    return _of_like_lengths(reading, rows).double().softmax(-1)


def _of_like_lengths(reading: Reading, rows: Sequence[Sequence[int]]) -> Tensor:
    """Return the logits (M, C) of rows of ids, asked for by length, so that no row is padded to √2 times its own.

    What is taken out leaves long texts, what is kept alone short ones: a pass more costs less than their padding.
    """
    sizes = np.floor(2 * np.log2([len(row) for row in rows]))
    found = torch.empty(len(rows), len(reading.classifier.labels), device=reading.logits.device)
    for size in sorted(set(sizes.tolist()), reverse=True):
        places = np.flatnonzero(sizes == size).tolist()
        found[places] = reading.ledger.logits([rows[place] for place in places])
    return found


@torch.no_grad()
def in_embeddings(reading: Reading, kept: Tensor, origin: Tensor) -> Tensor:
    """Return class probabilities (M, C) with ``origin`` (1, T, E) wherever ``kept`` (M, T) or (M, T, E) is False."""
    kept = kept.to(reading.embeddings.device)
    found = []
    for part in kept.split(rows_per_chunk(len(reading))):
        there = part if part.dim() == 3 else part.unsqueeze(-1)
        embeddings = torch.where(there, reading.embeddings, origin)
        mask = reading.mask.expand(len(part), -1)
        found.append(reading.classifier.from_embeddings(embeddings, mask).double().softmax(-1))
    return torch.cat(found)
