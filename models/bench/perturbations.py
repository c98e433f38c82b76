"""How long perturbation methods take through the ledger, beside Captum on the same classifier and texts.

Both delete words and read the rest again. Captum is given presence vectors and a function that
deletes, pads and reads a whole batch of them, once with its default of one perturbation per call and
once with 32. Roads run in turn in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from models.attribution import METHODS
from models.attribution.ledger import MOST_CELLS
from models.attribution.reading import Reading
from models.bench.common import TASK, Timing, classifier_of, ids_of, reason, reasons, table, text_of, timed, where
from models.classifier import PoolingClassifier, pad_batch
from models.records import MethodCall, Request

ENCODERS: Final = ("embedding", "cnn", "bilstm", "transformer")
TOGETHER: Final = ("leave_one_out", "occlusion", "shapley_sampling", "kernel_shap", "lime")
# Ours come in pairs, an order and its mirror image.
ORDERS: Final = 26
PER_CALL: Final = (1, 32)
WORDS: Final = (30, 100)
TEXTS: Final = 3
ABLATION: Final = (
    "encoder", "words", "leave-one-out", "Captum, 1 per call", "Captum, 32 per call", "difference", "floor",
)  # fmt: skip
SAMPLING: Final = (
    "encoder", "words", "Shapley sampling", "Captum, 1 per call", "Captum, 32 per call", "floor",
    "five methods: forwards, reused",
)  # fmt: skip


def ours(classifier: PoolingClassifier, text: str, name: str, target: int = 1) -> Tensor:
    """One map by a fresh reading of ``text``, the reading's own pass included."""
    params = {"permutations": ORDERS} if name == "shapley_sampling" else {}
    scores = METHODS[name](**params)(Reading(classifier, ids_of(classifier, text)), target)
    return torch.tensor(scores.values)


def theirs(classifier: PoolingClassifier, text: str, name: str, per_call: int, target: int = 1) -> Tensor:
    """The same map by Captum's class for it, ``per_call`` perturbations at once."""
    from captum.attr import FeatureAblation, ShapleyValueSampling

    ids = torch.tensor(ids_of(classifier, text))
    presence = torch.ones(1, len(ids))

    @torch.no_grad()
    def logit(rows: Tensor) -> Tensor:
        texts = [ids[row > 0].tolist() or [classifier.unknown] for row in rows]
        logits: Tensor = classifier(*pad_batch(texts))
        return logits[:, target]

    if name == "leave_one_out":
        found: Tensor = FeatureAblation(logit).attribute(presence, perturbations_per_eval=per_call)
    else:
        sampler = ShapleyValueSampling(logit)
        found = sampler.attribute(presence, n_samples=ORDERS, perturbations_per_eval=per_call)
    return found[0]


def floor(classifier: PoolingClassifier) -> Callable[[str], object]:
    """Leave-one-out's plain passes and nothing else: one ready batch through the classifier."""
    rows: dict[str, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def read(text: str) -> None:
        if text not in rows:
            whole = ids_of(classifier, text)
            rows[text] = pad_batch([whole[:i] + whole[i + 1 :] for i in range(len(whole))])
        ids, mask = rows[text]
        # As many rows at once as the ledger takes.
        size = MOST_CELLS // len(ids)
        for part in zip(ids.split(size), mask.split(size), strict=True):
            classifier(*part)

    return read


def together(classifier: PoolingClassifier, text: str) -> tuple[int, int]:
    """Forwards and reuses of all perturbation methods on one text."""
    from models.analysis import analyse

    found = analyse(classifier, Request(text, tuple(map(MethodCall, TOGETHER))))
    return found.forwards, found.reused


def roads(classifier: PoolingClassifier, name: str, words: int, runs: int) -> list[Timing]:
    """Time ours, Captum's with each number per call, the floor of leave-one-out, and reading the text."""
    texts = [text_of(words, first) for first in range(TEXTS)]
    captum: list[Callable[[str], object]] = [
        lambda text, n=n: theirs(classifier, text, name, n) for n in PER_CALL  # type: ignore[misc]  # n is bound now
    ]
    return timed(
        runs, lambda text: ours(classifier, text, name), *captum, floor(classifier),
        lambda text: Reading(classifier, ids_of(classifier, text)), texts=texts,
    )  # fmt: skip


def ablation(encoder: str, words: int, runs: int) -> tuple[list[str], str]:
    """Measure leave-one-out of one encoder: one cell per column, and why it is above its floor if it is."""
    classifier = classifier_of(encoder)
    first, *others, least, reading = roads(classifier, "leave_one_out", words, runs)
    texts = [text_of(words, i) for i in range(TEXTS)]
    apart = max(
        float((ours(classifier, text, "leave_one_out") - theirs(classifier, text, "leave_one_out", 32)).abs().max())
        for text in texts
    )
    cells = [str(first), *(other.beside(first) for other in others)]
    why = reason(f"{encoder}, {words} words", first, least, reading, "finding rows and chunks")
    return [encoder, str(words), *cells, f"{apart:.0e}", f"{least} {first.median / least.median:.1f}×"], why


def sampling(encoder: str, words: int, runs: int) -> list[str]:
    """Measure Shapley sampling of one encoder: one cell per column."""
    classifier = classifier_of(encoder)
    first, *others, least, _ = roads(classifier, "shapley_sampling", words, runs)
    counts = [together(classifier, text_of(words, i)) for i in range(TEXTS)]
    forwards, reused = (round(sum(column) / len(counts)) for column in zip(*counts, strict=True))
    # An order of n words needs n − 1 texts of n / 2 words on average: that part of a leave-one-out.
    passes = least.median * ORDERS / 2
    cells = [str(first), *(other.beside(first) for other in others), f"{passes * 1e3:.0f} ms"]
    return [encoder, str(words), *cells, f"{forwards:,}, {reused:,}"]


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    rows = [ablation(encoder, words, runs) for encoder in ENCODERS for words in WORDS]
    lines = [
        "## Perturbations",
        "",
        f"{TEXTS} texts of each length, the attention reader of `{TASK}` per encoder. "
        f"{where(runs * TEXTS, 'captum')} Ours include reading the text; “difference” is the largest between the two "
        "leave-one-out maps. “Floor” are the passes that leave-one-out needs, ready batches through the classifier "
        "the plain way, and the part of it that ours took: below 1× where texts share what they have in common.",
        "",
        *table(ABLATION, (cells for cells, _ in rows)),
        "",
        reasons(why for _, why in rows),
        "",
        f"Shapley sampling with {ORDERS} orders, beside Captum's ShapleyValueSampling with as many. Its floor is "
        "worked out from that of leave-one-out: as many texts per order as words, half as long on average. The last "
        f"column is the mean per text for {', '.join(TOGETHER)} asked together: texts really read, and texts that a "
        "method found read already.",
        "",
        *table(SAMPLING, (sampling(encoder, WORDS[0], runs) for encoder in ENCODERS)),
        "",
    ]
    return "\n".join(lines)
