"""How long perturbation methods take through the ledger, beside Captum on the same classifier and texts.

Both delete words and read the rest again. Captum is given presence vectors and a function that
deletes, pads and reads a whole batch of them, once with its default of one perturbation per call and
once with 32. Roads run in turn in one process.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import torch
from torch import Tensor

from models.attribution import METHODS
from models.attribution.reading import Reading
from models.bench import SENTENCES, TASK, Timing, timed, untrained
from models.classifier import PoolingClassifier, pad_batch
from models.records import MethodCall, Request
from models.text import WordTokenizer
from models.zoo.catalogue import catalogue
from models.zoo.store import from_card

ENCODERS: Final = ("embedding", "cnn", "bilstm", "transformer")
TOGETHER: Final = ("leave_one_out", "occlusion", "shapley_sampling", "kernel_shap", "lime")
ORDERS: Final = 16
PER_CALL: Final = (1, 32)
HEADER: Final = (
    "encoder", "leave-one-out", "Captum, 1 per call", "Captum, 32 per call", "difference", "Shapley sampling",
    "Captum, 1 per call", "Captum, 32 per call", "five methods: forwards, reused",
)  # fmt: skip


def classifier_of(encoder: str) -> PoolingClassifier:
    """The attention reader of ``encoder``, shipped where the zoo has it, random elsewhere."""
    wanted = f"{TASK}/{encoder}/attention"
    found = {card.spec.id: card for card in catalogue()}.get(wanted)
    return untrained(encoder, "attention") if found is None else from_card(found)


def ours(classifier: PoolingClassifier, text: str, name: str, target: int = 1) -> Tensor:
    """One map by a fresh reading of ``text``, the reading's own pass included."""
    scores = METHODS[name]()(Reading(classifier, classifier.read(text).ids), target)
    return torch.tensor(scores.values)


def theirs(classifier: PoolingClassifier, text: str, name: str, per_call: int, target: int = 1) -> Tensor:
    """The same map by Captum's class for it, ``per_call`` perturbations at once."""
    from captum.attr import FeatureAblation, ShapleyValueSampling

    ids = torch.tensor(classifier.read(text).ids)
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


def together(classifier: PoolingClassifier, text: str) -> tuple[int, int]:
    """Forwards and reuses of all perturbation methods on one text."""
    from models.analysis import analyse

    found = analyse(classifier, Request(text, tuple(map(MethodCall, TOGETHER))))
    return found.forwards, found.reused


def row(encoder: str, runs: int) -> list[str]:
    """Measure one encoder: one cell per column."""
    classifier = classifier_of(encoder)

    def roads(name: str) -> list[Timing]:
        captum: list[Callable[[str], object]] = [
            lambda text, n=n: theirs(classifier, text, name, n) for n in PER_CALL  # type: ignore[misc]  # n is bound now
        ]
        return timed(runs, lambda text: ours(classifier, text, name), *captum)

    removed, sampled = roads("leave_one_out"), roads("shapley_sampling")
    apart = max(
        float((ours(classifier, text, "leave_one_out") - theirs(classifier, text, "leave_one_out", 1)).abs().max())
        for text in SENTENCES
    )
    counts = [together(classifier, text) for text in SENTENCES]
    forwards, reused = (round(sum(column) / len(counts)) for column in zip(*counts, strict=True))
    return [encoder, *_beside(removed), f"{apart:.0e}", *_beside(sampled), f"{forwards:,}, {reused:,}"]


def _beside(times: list[Timing]) -> list[str]:
    """Our time, and each of theirs with its ratio to ours."""
    first, *others = times
    return [str(first), *(f"{other} {other.median / first.median:.1f}×" for other in others)]


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    table = [row(encoder, runs) for encoder in ENCODERS]
    tokens = [len(WordTokenizer()(text)) for text in SENTENCES]
    lines = [
        "## Perturbations",
        "",
        f"{len(SENTENCES)} sentences of {min(tokens)} to {max(tokens)} tokens, the attention reader of `{TASK}` per "
        f"encoder, median of {runs * len(SENTENCES)} runs (range), {torch.get_num_threads()} torch thread, "
        f"{platform.machine()}, Python {platform.python_version()}, torch {version('torch')}, "
        f"captum {version('captum')}.",
        "",
        "Leave-one-out is beside Captum's FeatureAblation of token presence, Shapley sampling with "
        f"{ORDERS} orders beside ShapleyValueSampling with {ORDERS}; “difference” is the largest between the two "
        "leave-one-out maps. Ours include reading the text. The last column is the mean per sentence for "
        f"{', '.join(TOGETHER)} asked together: texts really read, and texts that a method found read already.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|" + " --- |" * len(HEADER),
        *("| " + " | ".join(cells) + " |" for cells in table),
        "",
    ]
    return "\n".join(lines)
