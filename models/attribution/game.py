"""The game that perturbation methods play with a text: its words are the players."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.attribution.reading import Reading
from models.attribution.target import Target, as_target

# Coalitions are handed on in slices, so that thousands of long ones are never rows all at once.
ROWS: Final = 4096
EMPTY: Final = "the text without its words, read as one unknown word"


class Game:
    """Coalitions of the n words of a text and what they are worth: v(S) = F of the words in S, by default logit_c.

    An absent word is deleted with all its pieces and the text closes up behind it, as in
    leave-one-out; ids that belong to no word ([CLS], [SEP]) stay. A text without any word cannot be
    read, so v(∅) is defined as the logit of a single unknown word: a text of which nothing is
    known. A coalition is a row of n booleans, True for a word that is there; all forwards go
    through the reading's ledger.
    """

    def __init__(self, reading: Reading, target: Target | int) -> None:
        """Take the words of ``reading`` as players and what ``target`` makes of the logits as the worth."""
        self.players = len(reading.units)
        self._reading, self._target = reading, as_target(target)
        self._ids = reading.ids[0].cpu().numpy().astype(np.intc)
        owner = np.full(len(self._ids), -1)
        for word, places in enumerate(reading.units):
            owner[list(places)] = word
        self._owner = owner
        self.whole = float(self(np.ones((1, self.players), dtype=bool))[0])

    def __call__(self, coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return v (M,) in double precision of M coalitions (M, n), each distinct one computed once."""
        worth = [self._worth(coalitions[start : start + ROWS]) for start in range(0, len(coalitions), ROWS)]
        return np.concatenate(worth)

    def empty(self) -> float:
        """Return v(∅)."""
        return float(self(np.zeros((1, self.players), dtype=bool))[0])

    def _worth(self, coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        # A last column for the ids of no word, which index −1 finds.
        present = np.pad(coalitions, ((0, 0), (0, 1)), constant_values=True)[:, self._owner]
        # All rows in one piece and then cut: a row by itself takes ten times as long.
        kept = np.broadcast_to(self._ids, present.shape)[present].tobytes()
        ends = (present.sum(1).cumsum() * self._ids.itemsize).tolist()
        nobody = self._without_words().tobytes()
        logits = self._reading.ledger.logits(
            kept[start:end] if words else nobody
            for start, end, words in zip([0, *ends[:-1]], ends, coalitions.sum(1).tolist(), strict=True)
        )
        worth: NDArray[np.float64] = self._target(logits.double()).cpu().numpy()
        return worth

    def _without_words(self) -> NDArray[np.intc]:
        first = self._reading.units[0][0]
        stands = np.arange(len(self._ids)) == first
        row = np.where(stands, np.intc(self._reading.classifier.unknown), self._ids)
        kept: NDArray[np.intc] = row[(self._owner < 0) | stands]
        return kept
