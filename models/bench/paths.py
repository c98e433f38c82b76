"""How long integrated gradients take at a completeness error of at most 1 %, beside Captum's.

Captum takes a number of steps and does not say whether it is enough. It is timed twice: with the smallest
number that happens to be enough for this very text, which nobody can know beforehand, and the way
somebody who wants 1 % has to go, doubling the steps from 16 on until the error allows to stop.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from models.attribution import METHODS
from models.attribution.reading import Reading, rows_per_chunk
from models.bench.common import TASK, classifier_of, ids_of, table, text_of, timed, where
from models.classifier import PoolingClassifier

ENCODERS: Final = ("embedding", "cnn", "bilstm", "transformer", "pretrained")
WORDS: Final = (20, 60, 200, 400)
TEXTS: Final = 5
STEPS: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
TOLERANCE: Final = 0.01
HEADER: Final = (
    "encoder", "words", "gradients", "ours", "Captum, least steps", "(steps)", "Captum, doubling", "(steps)", "floor",
)  # fmt: skip


def ours(classifier: PoolingClassifier, text: str, target: int = 1) -> tuple[float, int]:
    """Our map by a fresh reading: its relative error and the gradients it took."""
    scores = METHODS["integrated_gradients"]()(Reading(classifier, ids_of(classifier, text)), target)
    return scores.relative_delta or 0.0, scores.forwards


class CaptumPath:
    """Captum's integrated gradients of one text, embeddings and mask made once."""

    def __init__(self, classifier: PoolingClassifier, text: str, target: int = 1) -> None:
        """Embed the text."""
        from captum.attr import IntegratedGradients

        ids = torch.tensor([ids_of(classifier, text)])
        mask = torch.ones_like(ids, dtype=torch.bool)
        self._rows, self._target = rows_per_chunk(ids.shape[1]), target
        self._embeddings = classifier.embed(ids).detach()

        def forward(embeddings: Tensor) -> Tensor:
            return classifier.from_embeddings(embeddings, mask.expand(len(embeddings), -1))

        self._paths = IntegratedGradients(forward)

    def __call__(self, steps: int) -> float:
        """Take so many steps; return |delta| as a part of the change."""
        scores, delta = self._paths.attribute(
            self._embeddings, target=self._target, n_steps=steps, method="gausslegendre",
            internal_batch_size=self._rows, return_convergence_delta=True,
        )  # fmt: skip
        change = float(scores.sum() - delta.sum())
        return abs(float(delta.sum()) / change) if change else 0.0

    def least(self) -> int:
        """The smallest number of steps that is enough, or the largest there is."""
        return next((steps for steps in STEPS if self(steps) <= TOLERANCE), STEPS[-1])

    def doubling(self) -> int:
        """Double from 16 on until it is enough; return the steps of all rounds."""
        steps, total = 16, 16
        while self(steps) > TOLERANCE and steps < STEPS[-1]:
            steps *= 2
            total += steps
        return total


def row(encoder: str, words: int, runs: int) -> list[str]:
    """Measure one encoder at one length: one cell per column."""
    classifier = classifier_of(encoder)
    texts = [text_of(words, first) for first in range(TEXTS)]
    least = {text: CaptumPath(classifier, text).least() for text in texts}
    taken = {text: ours(classifier, text)[1] for text in texts}
    totals = {text: CaptumPath(classifier, text).doubling() for text in texts}

    def passes(text: str) -> None:
        """As many gradients as ours took, in ready batches, and nothing else."""
        ids = torch.tensor([ids_of(classifier, text)])
        mask, count = torch.ones_like(ids, dtype=torch.bool), taken[text]
        for rows in [rows_per_chunk(words)] * (count // rows_per_chunk(words)) + [count % rows_per_chunk(words)]:
            if rows:
                batch = classifier.embed(ids).detach().expand(rows, -1, -1).clone().requires_grad_()
                torch.autograd.grad(classifier.from_embeddings(batch, mask.expand(rows, -1))[:, 1].sum(), batch)

    first, known, unknown, floor = timed(
        runs,
        lambda text: ours(classifier, text),
        lambda text: CaptumPath(classifier, text)(least[text]),
        lambda text: CaptumPath(classifier, text).doubling(),
        passes,
        texts=texts,
    )
    return [
        encoder, str(words), _span(taken.values()), str(first), known.beside(first), _span(least.values()),
        unknown.beside(first), _span(totals.values()), f"{floor} {first.median / floor.median:.1f}×",
    ]  # fmt: skip


def _span(counts: object) -> str:
    """Smallest to largest of some counts."""
    numbers = sorted(counts)  # type: ignore[call-overload]  # the values of a dictionary
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}–{numbers[-1]}"


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    lines = [
        "## Integrated gradients at an error of 1 %",
        "",
        f"{TEXTS} texts of each length, the attention reader of `{TASK}` per encoder, baseline zero. "
        f"{where(runs * TEXTS, 'captum')} Ours include reading the text.",
        "",
        "“Least steps” is the smallest number of Gauss–Legendre steps whose error happens to be 1 % or less on "
        "that text, found beforehand and not timed; “doubling” is what somebody who does not know it has to do: 16, "
        "32, 64, … until it is. “Floor” is the gradients that ours took, in ready batches and with nothing else, and "
        "how many times as long ours took.",
        "",
        *table(HEADER, (row(encoder, words, runs) for encoder in ENCODERS for words in WORDS)),
        "",
    ]
    return "\n".join(lines)
