"""How long a new sentence, an edit and a click take, beside the same attributions by separate Captum calls.

Both roads run in one process, in turn, on the same weights and texts, with one torch thread. Ours
is what a page calls (``analyse``: prediction, trace, eight methods, all agreements); theirs is one
default Captum call per map, which is what a reader of Captum's tutorials would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import torch
from torch import Tensor

from models.analysis import analyse, remove
from models.bench.common import HIGH, SENTENCES, TASK, Timing, classifier_of, table, timed, where
from models.bench.paths import ours as path_of
from models.bench.paths import passes
from models.bench.perturbations import floor
from models.classifier import PoolingClassifier
from models.experiments.ladder import ladder
from models.norms import norm_sweep
from models.records import MethodCall, Request
from models.text import WordTokenizer
from models.zoo.catalogue import catalogue

ENCODERS: Final = ("embedding", "cnn", "bilstm")
POOLERS: Final = ("mean", "max", "attention", "scaled_dot", "learned_norm", "apln")
METHODS: Final = (
    "attention", "attention_norm", "exact_share", "attention_gradient", "saliency", "input_gradient",
    "integrated_gradients", "leave_one_out",
)  # fmt: skip
POINTS: Final = tuple(0.1 * 500 ** (i / 59) for i in range(60))
HEADER: Final = (
    "encoder", "new sentence", "separate Captum calls", "worst IG error", "Captum's", "floor", "one word changed",
    "click", "ladder", "dial over p",
)  # fmt: skip
BESIDE: Final = (
    "words looked up, the pooling traced, states divided exactly, 28 pairs of maps compared in four ways, the records "
    "built that a page shows"
)


def panel(encoder: str) -> list[PoolingClassifier]:
    """The readers of one encoder, a pooler each."""
    return [classifier_of(encoder, pooler) for pooler in POOLERS]


def ours(classifiers: Iterable[PoolingClassifier], text: str) -> list[float]:
    """Analyse ``text`` with all methods by every classifier; return the completeness errors of IG."""
    calls = tuple(map(MethodCall, METHODS))
    found = [analyse(classifier, Request(text, calls)) for classifier in classifiers]
    maps = [a for analysis in found for a in analysis.attributions if a.method == "integrated_gradients"]
    return [a.relative_delta for a in maps if a.relative_delta is not None]


class Needed:
    """The passes that the eight maps need by their definitions, plainly, and nothing else.

    The text, its gradient with the attention attached and with it held, the gradients that integrated gradients
    took, and the text without each word: four ready batches a classifier.
    """

    def __init__(self, classifiers: Iterable[PoolingClassifier]) -> None:
        """Know how many gradients no path has taken yet."""
        self._readers = [(classifier, floor(classifier)) for classifier in classifiers]
        self._taken: dict[tuple[str, str], int] = {}

    def __call__(self, text: str) -> None:
        """Make the passes for one text."""
        for classifier, without in self._readers:
            key = classifier.spec.id, text
            if key not in self._taken:
                self._taken[key] = path_of(classifier, text)[1]
            passes(classifier, text, 1)
            passes(classifier, text, 1)
            passes(classifier, text, self._taken[key])
            without(text)


def theirs(classifiers: Iterable[PoolingClassifier], text: str) -> list[float]:
    """The maps that Captum has, one default call each; return the completeness errors of IG."""
    return [separate(classifier, text) for classifier in classifiers]


def separate(classifier: PoolingClassifier, text: str) -> float:
    """Predict, then call Saliency, InputXGradient (twice), IntegratedGradients and FeatureAblation.

    The second InputXGradient is that of the attention weights, where the pooler has some.
    """
    from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients, Saliency

    ids = torch.tensor([classifier.read(text).ids])
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        target = int(classifier(ids, mask)[0].argmax())
        hidden = classifier.encode(classifier.embed(ids), mask)
        weights = classifier.pooler.attention(hidden, mask)

    def forward(embeddings: Tensor) -> Tensor:
        return classifier.from_embeddings(embeddings, mask.expand(len(embeddings), -1))

    def weighed(a: Tensor) -> Tensor:
        return classifier.decide(classifier.pool(hidden, mask, a))

    def without(presence: Tensor) -> Tensor:
        rest = ids[:, presence[0] > 0]
        logits: Tensor = classifier(rest, torch.ones_like(rest, dtype=torch.bool))
        return logits[:, target]

    def fresh() -> Tensor:
        embeddings: Tensor = classifier.embed(ids).detach().requires_grad_()
        return embeddings

    Saliency(forward).attribute(fresh(), target=target)
    InputXGradient(forward).attribute(fresh(), target=target)
    if weights is not None:
        InputXGradient(weighed).attribute(weights.requires_grad_(), target=target)
    paths = IntegratedGradients(forward)
    scores, delta = paths.attribute(fresh(), target=target, return_convergence_delta=True)
    FeatureAblation(without).attribute(torch.ones(1, ids.shape[1]))
    change = scores.sum() - delta
    return float((delta.abs() / change.abs().clamp_min(1e-9)).detach())


def changed(text: str) -> str:
    """The text with its fourth word replaced, as a visitor who tries something would."""
    words = text.split()
    return " ".join([*words[:3], "hardly", *words[4:]])


def row(encoder: str, runs: int) -> tuple[list[str], str]:
    """Measure one encoder: one cell per column, and how far it is above its floor."""
    classifiers = panel(encoder)
    (sweeper,) = (c for c in classifiers if c.spec.pooler == "apln")
    errors: tuple[list[float], list[float]] = ([], [])

    def click(text: str) -> None:
        for classifier in classifiers:
            remove(classifier, Request(text), 3, "deleted")

    new, separately, least, edited, clicked, climbed, dialled = timed(
        runs,
        lambda text: errors[0].extend(ours(classifiers, text)),
        lambda text: errors[1].extend(theirs(classifiers, text)),
        Needed(classifiers),
        lambda text: ours(classifiers, changed(text)),
        click,
        lambda text: ladder(classifiers[2], Request(text)),
        lambda text: norm_sweep(sweeper, Request(text), POINTS),
    )
    worst = [f"{max(seen):.1%}" for seen in errors]
    times = [str(found) for found in (edited, clicked, climbed, dialled)]
    above = new.median / least.median
    cells = [encoder, str(new), separately.beside(new), *worst, f"{least} {above:.1f}×", *times]
    return cells, why(encoder, above, new)


def why(encoder: str, above: float, new: Timing) -> str:
    """Say what a new sentence is above its floor, nothing where that is little."""
    if above <= HIGH:
        return ""
    each = (above - 1) / above * new.median / len(POOLERS) / len(METHODS) * 1e3
    return f"{encoder} {above:.1f}×, which is {each:.2f} ms per map"


def shipped(encoders: Sequence[str] = ENCODERS) -> str:
    """Say whether the timed weights are the zoo's."""
    cards = {card.spec.id for card in catalogue()}
    missing = [f"{TASK}/{e}/{p}" for e in encoders for p in POOLERS if f"{TASK}/{e}/{p}" not in cards]
    return f"all shipped but {', '.join(missing)}, whose weights are random" if missing else "all shipped"


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    tokens = [len(WordTokenizer()(text)) for text in SENTENCES]
    rows = [row(encoder, runs) for encoder in ENCODERS]
    high = "; ".join(reason for _, reason in rows if reason)
    lines = [
        "## A new sentence, an edit, a click, a dial",
        "",
        f"{len(SENTENCES)} sentences of {min(tokens)} to {max(tokens)} tokens through {len(POOLERS)} classifiers of "
        f"`{TASK}` ({', '.join(POOLERS)}; {shipped()}) × {len(METHODS)} methods ({', '.join(METHODS)}), integrated "
        f"gradients at an error of at most 1 % where reachable. {where(runs * len(SENTENCES), 'captum')}",
        "",
        "“Separate Captum calls” computes the maps Captum has (Saliency, InputXGradient of words and of attention "
        "weights, IntegratedGradients with its 50 steps, FeatureAblation of token presence), each by one default call; "
        "“new sentence” also holds the prediction, the pooling trace, every agreement and the maps that Captum has "
        "not. “One word changed” is the whole analysis again of a text with another fourth word. “Click” predicts "
        f"again without one token for all {len(POOLERS)}; “ladder” climbs it for one classifier; “dial over p” pools "
        f"one text at {len(POINTS)} exponents.",
        "",
        *table(HEADER, (cells for cells, _ in rows)),
        "",
        "“Floor” are the passes that the eight maps need by their definitions, as ready batches: the text, its "
        "gradient with the attention attached and held, the gradients integrated gradients took, the text without "
        f"each word. {f'Above {HIGH:g}×: {high}: {BESIDE}.' if high else ''}",
        "",
    ]
    return "\n".join(lines)
