"""How long integrated gradients take at a completeness error of at most 1 %, beside Captum's.

Captum takes a number of steps and does not say whether it is enough. It is timed twice: with the smallest
number that happens to be enough for this very text, which nobody can know beforehand, and the way
somebody who wants 1 % has to go, doubling the steps from 16 on until the error allows to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.attribution import METHODS
from models.attribution.reading import Reading, rows_per_chunk
from models.bench.common import TASK, Timing, classifier_of, ids_of, reason, reasons, table, text_of, timed, where
from models.classifier import PoolingClassifier

ENCODERS: Final = ("embedding", "cnn", "bilstm", "transformer", "pretrained")
WORDS: Final = (20, 60, 200, 400)
TEXTS: Final = 5
STEPS: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
TOLERANCE: Final = 0.01
# A step of a pretrained encoder takes a second where others take ten milliseconds: texts and rounds of each length.
FEWER: Final = {
    ("pretrained", 20): (2, 5), ("pretrained", 60): (1, 5), ("pretrained", 200): (1, 5), ("pretrained", 400): (1, 3),
}  # fmt: skip
# What many forward passes say of a number of steps is near enough to leave out those that are far from enough.
CURVE: Final = 129
FAR: Final = 5
HEADER: Final = (
    "encoder", "words", "gradients", "ours", "Captum, least steps", "(steps)", "Captum, doubling", "(steps)", "floor",
)  # fmt: skip


def ours(classifier: PoolingClassifier, text: str) -> tuple[float, int]:
    """Our map of the predicted class by a fresh reading: its relative error and the gradients it took."""
    reading = Reading(classifier, ids_of(classifier, text))
    scores = METHODS["integrated_gradients"]()(reading, int(reading.logits.argmax()))
    return scores.relative_delta or 0.0, scores.forwards


class CaptumPath:
    """Captum's integrated gradients of one text for the predicted class, embeddings and mask made once."""

    def __init__(self, classifier: PoolingClassifier, text: str) -> None:
        """Embed the text and predict its class."""
        from captum.attr import IntegratedGradients

        ids = torch.tensor([ids_of(classifier, text)])
        mask = torch.ones_like(ids, dtype=torch.bool)
        self._rows = rows_per_chunk(ids.shape[1])
        self._embeddings = classifier.embed(ids).detach()
        with torch.no_grad():
            self._target = int(classifier.from_embeddings(self._embeddings, mask).argmax())

        def forward(embeddings: Tensor) -> Tensor:
            return classifier.from_embeddings(embeddings, mask.expand(len(embeddings), -1))

        self._forward, self._paths = forward, IntegratedGradients(forward)

    def __call__(self, steps: int) -> float:
        """Take so many steps; return |delta| as a part of the change."""
        scores, delta = self._paths.attribute(
            self._embeddings, target=self._target, n_steps=steps, method="gausslegendre",
            internal_batch_size=self._rows, return_convergence_delta=True,
        )  # fmt: skip
        change = float(scores.sum() - delta.sum())
        return abs(float(delta.sum()) / change) if change else 0.0

    def least(self) -> int:
        """The smallest number of steps that is enough, or the largest there is.

        Numbers whose error is far above it by :meth:`_foreseen` are not tried.
        """
        foreseen = self._foreseen()
        tried = (steps for steps in STEPS if foreseen(steps) <= FAR * TOLERANCE)
        return next((steps for steps in tried if self(steps) <= TOLERANCE), STEPS[-1])

    def _foreseen(self) -> Callable[[int], float]:
        """Return what tells the error of a number of steps, about, from F along the path: forward passes alone."""
        from scipy.interpolate import CubicSpline

        shares = torch.linspace(0, 1, CURVE)
        with torch.no_grad():
            parts = [self._forward(part.view(-1, 1, 1) * self._embeddings) for part in shares.split(self._rows)]
        values = torch.cat(parts)[:, self._target].double().numpy()
        slope, change = CubicSpline(shares.numpy(), values).derivative(), float(values[-1] - values[0])

        def error(steps: int) -> float:
            nodes, weights = np.polynomial.legendre.leggauss(steps)
            return abs(float(weights @ slope((1 + nodes) / 2)) / 2 - change) / max(abs(change), 1e-9)

        return error

    def doubling(self) -> int:
        """Double from 16 on until it is enough; return the steps of all rounds."""
        steps, total = 16, 16
        while self(steps) > TOLERANCE and steps < STEPS[-1]:
            steps *= 2
            total += steps
        return total


@dataclass(frozen=True, slots=True)
class Row:
    """One encoder at one length: the timings, and what was counted on the way."""

    encoder: str
    words: int
    ours: Timing
    reading: Timing
    known: Timing
    unknown: Timing
    floor: Timing
    taken: tuple[int, ...]
    least: tuple[int, ...]
    total: tuple[int, ...]

    @property
    def above(self) -> float:
        """How many times as long as the floor ours took."""
        return self.ours.median / self.floor.median

    def cells(self) -> list[str]:
        """One cell per column of the table."""
        return [
            self.encoder, str(self.words), _span(self.taken), str(self.ours), self.known.beside(self.ours),
            _span(self.least), self.unknown.beside(self.ours), _span(self.total), f"{self.floor} {self.above:.1f}×",
        ]  # fmt: skip

    def why(self) -> str:
        """Say what the time above the floor went into, nothing where that is little."""
        rest = "what is fixed per batch and map (operators started on few rows, choosing points)"
        return reason(f"{self.encoder}, {self.words} words", self.ours, self.floor, self.reading, rest)


def measured(encoder: str, words: int, runs: int) -> Row:
    """Measure one encoder at one length."""
    classifier = classifier_of(encoder)
    count, rounds = FEWER.get((encoder, words), (TEXTS, runs))
    texts = [text_of(words, first) for first in range(count)]
    least = {text: CaptumPath(classifier, text).least() for text in texts}
    taken, totals = dict.fromkeys(texts, 0), dict.fromkeys(texts, 0)

    def road(text: str) -> None:
        taken[text] = ours(classifier, text)[1]

    def doubling(text: str) -> None:
        totals[text] = CaptumPath(classifier, text).doubling()

    first, known, unknown, reading, batch = timed(
        min(runs, rounds),
        road,
        lambda text: CaptumPath(classifier, text)(least[text]),
        doubling,
        lambda text: Reading(classifier, ids_of(classifier, text)),
        lambda text: passes(classifier, text, taken[text]),
        texts=texts,
        # The search has warmed what there is to warm, and a round takes half a minute.
        warm=(encoder, words) not in FEWER or words < WORDS[-2],
    )
    # As many batches as it takes, at the rate of one; texts come in turn.
    rate = [taken[text] / at_once(words, taken[text]) for text in texts]
    floor = Timing(tuple(seconds * rate[i % count] for i, seconds in enumerate(batch.seconds)))
    found = (tuple(counted.values()) for counted in (taken, least, totals))
    return Row(encoder, words, first, reading, known, unknown, floor, *found)


def at_once(words: int, count: int) -> int:
    """How many of ``count`` gradients go into one batch."""
    return min(count, rows_per_chunk(words))


def passes(classifier: PoolingClassifier, text: str, count: int) -> None:
    """One ready batch of gradients and nothing else, of as many as ours took if they fit."""
    ids = torch.tensor([ids_of(classifier, text)])
    rows = at_once(ids.shape[1], count)
    batch = classifier.embed(ids).detach().expand(rows, -1, -1).clone().requires_grad_()
    mask = torch.ones(rows, ids.shape[1], dtype=torch.bool)
    torch.autograd.grad(classifier.from_embeddings(batch, mask)[:, 1].sum(), batch)


def _span(counts: Sequence[int]) -> str:
    """Smallest to largest of some counts."""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    rows = [measured(encoder, words, runs) for encoder in ENCODERS for words in WORDS]
    fewer = [
        f"{encoder} at {words} words {texts} text{'s' * (texts > 1)}, {rounds} rounds"
        for (encoder, words), (texts, rounds) in FEWER.items()
    ]
    lines = [
        "## Integrated gradients at an error of 1 %",
        "",
        f"{TEXTS} texts of each length, the attention reader of `{TASK}` per encoder, baseline zero. "
        f"{where(runs * TEXTS, 'captum')} All roads begin by reading the text and explain the class "
        f"predicted. Fewer where a step is slow: {'; '.join(fewer)}.",
        "",
        "“Least steps” is the smallest number of Gauss–Legendre steps whose error happens to be 1 % or less on "
        "that text, found beforehand and not timed; “doubling” is what somebody who does not know it has to do: 16, "
        "32, 64, … until it is. “Floor” is the gradients that ours took, at the rate of one ready batch, plainly, "
        "and how many times as long ours took: below 1× where the line is followed behind the encoder's first layer.",
        "",
        *table(HEADER, (row.cells() for row in rows)),
        "",
        reasons(row.why() for row in rows),
        "",
    ]
    return "\n".join(lines)
