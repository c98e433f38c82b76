"""How long a new sentence and a click take, beside the same attributions by separate Captum calls.

Both roads run in one process, in turn, on the same weights and texts, with one torch thread. Ours
is what a page calls (``analyse``: prediction, trace, six methods, all agreements); theirs is one
default Captum call per map, which is what a reader of Captum's tutorials would write.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from models.analysis import analyse, remove
from models.assemble import assemble
from models.classifier import PoolingClassifier
from models.encoders import ENCODERS
from models.experiments.ladder import ladder
from models.norms import norm_sweep
from models.poolers import POOLERS
from models.records import MethodCall, Request
from models.text import Vocabulary, WordTokenizer
from models.training.recipe import Recipe
from models.zoo.catalogue import catalogue
from models.zoo.store import from_card

TASK = "sst2"
METHODS = ("attention", "exact_share", "saliency", "input_gradient", "integrated_gradients", "leave_one_out")
SENTENCES = (
    "The film is not bad , but it never quite comes alive and the actors make this story one of the best in years .",
    "A warm , funny and often surprising comedy that trusts its cast , takes its time and earns all of its tears .",
    "It is hard to say what is worse , the lazy script or the endless noise , but together they sink the whole ship .",
    "Nobody will call this a great work of art , yet I laughed until the end and went home in a much better mood .",
    "What begins as a clever thriller about an honest thief soon turns into a dull parade of chases , guns and noise .",
)
POINTS = tuple(0.1 * 500 ** (i / 59) for i in range(60))


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of several runs of one thing."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle run."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Median and range in milliseconds."""
        low, high = min(self.seconds) * 1e3, max(self.seconds) * 1e3
        return f"{self.median * 1e3:.0f} ms ({low:.0f}–{high:.0f})"


def panel(encoder: str) -> tuple[list[PoolingClassifier], str]:
    """One classifier per pooler, shipped where the zoo has it, random elsewhere; and which in words."""
    cards = {card.spec.id: card for card in catalogue()}
    found = [cards.get(f"{TASK}/{encoder}/{pooler}") for pooler in POOLERS]
    classifiers = [
        untrained(encoder, pooler) if card is None else from_card(card)
        for pooler, card in zip(POOLERS, found, strict=True)
    ]
    shipped = sum(card is not None for card in found)
    words = {0: "random", len(found): "shipped"}
    return classifiers, words.get(shipped, f"{shipped} of {len(found)} shipped, others random")


def untrained(encoder: str, pooler: str) -> PoolingClassifier:
    """A classifier of the default size with random weights, which knows the words of the sentences."""
    torch.manual_seed(1)
    vocabulary = Vocabulary.build(SENTENCES, WordTokenizer())
    classifier = assemble(Recipe(TASK, encoder, pooler), ("negative", "positive"), vocabulary)
    return classifier.eval().requires_grad_(False)


def ours(classifiers: Iterable[PoolingClassifier], text: str) -> list[float]:
    """Analyse ``text`` with six methods by every classifier; return the completeness errors of IG."""
    calls = tuple(map(MethodCall, METHODS))
    found = [analyse(classifier, Request(text, calls)) for classifier in classifiers]
    maps = [a for analysis in found for a in analysis.attributions if a.method == "integrated_gradients"]
    return [a.relative_delta for a in maps if a.relative_delta is not None]


def theirs(classifiers: Iterable[PoolingClassifier], text: str) -> list[float]:
    """The four maps that Captum has, one default call each; return the completeness errors of IG."""
    return [separate(classifier, text) for classifier in classifiers]


def separate(classifier: PoolingClassifier, text: str) -> float:
    """Predict, then call Saliency, InputXGradient, IntegratedGradients and FeatureAblation."""
    from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients, Saliency

    ids = torch.tensor([classifier.read(text).ids])
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        target = int(classifier(ids, mask)[0].argmax())

    def forward(embeddings: Tensor) -> Tensor:
        return classifier.from_embeddings(embeddings, mask.expand(len(embeddings), -1))

    def without(presence: Tensor) -> Tensor:
        rest = ids[:, presence[0] > 0]
        logits: Tensor = classifier(rest, torch.ones_like(rest, dtype=torch.bool))
        return logits[:, target]

    def fresh() -> Tensor:
        embeddings: Tensor = classifier.embed(ids).detach().requires_grad_()
        return embeddings

    Saliency(forward).attribute(fresh(), target=target)
    InputXGradient(forward).attribute(fresh(), target=target)
    paths = IntegratedGradients(forward)
    scores, delta = paths.attribute(fresh(), target=target, return_convergence_delta=True)
    FeatureAblation(without).attribute(torch.ones(1, ids.shape[1]))
    change = scores.sum() - delta
    return float((delta.abs() / change.abs().clamp_min(1e-9)).detach())


def timed(runs: int, *roads: Callable[[str], object]) -> list[Timing]:
    """Time every road on every sentence ``runs`` times, roads in turn, after one untimed round."""
    taken: list[list[float]] = [[] for _ in roads]
    for run in range(runs + 1):
        for text in SENTENCES:
            for road, seconds in zip(roads, taken, strict=True):
                started = time.perf_counter()
                road(text)
                if run:
                    seconds.append(time.perf_counter() - started)
    return [Timing(tuple(seconds)) for seconds in taken]


def rows(runs: int) -> list[list[str]]:
    """Measure everything; one row of cells per encoder."""
    table = []
    for encoder in ENCODERS:
        classifiers, weights = panel(encoder)
        sweepers = [c for c in classifiers if hasattr(c.pooler, "pool_at")]
        errors: tuple[list[float], list[float]] = ([], [])

        def click(text: str, classifiers: Sequence[PoolingClassifier] = classifiers) -> None:
            for classifier in classifiers:
                remove(classifier, Request(text), 3, "deleted")

        def climb(text: str, classifiers: Sequence[PoolingClassifier] = classifiers) -> None:
            ladder(classifiers[0], Request(text))

        def dial(text: str, sweepers: Sequence[PoolingClassifier] = sweepers) -> None:
            norm_sweep(sweepers[0], Request(text), POINTS)

        def engine(
            text: str, classifiers: Sequence[PoolingClassifier] = classifiers, seen: list[float] = errors[0]
        ) -> None:
            seen.extend(ours(classifiers, text))

        def captum(
            text: str, classifiers: Sequence[PoolingClassifier] = classifiers, seen: list[float] = errors[1]
        ) -> None:
            seen.extend(theirs(classifiers, text))

        new, separately, clicked, climbed, dialled = timed(runs, engine, captum, click, climb, dial)
        worst = [f"{max(seen):.1%}" for seen in errors]
        ratio = f"{separately.median / new.median:.1f}×"
        table.append(
            [encoder, weights, str(new), str(separately), ratio, *worst, str(clicked), str(climbed), str(dialled)]
        )
    return table


HEADER = (
    "encoder", "weights", "new sentence", "separate Captum calls", "ratio", "worst IG error", "Captum's",
    "click", "ladder", "dial over p",
)  # fmt: skip


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    threads = torch.get_num_threads()
    tokens = [len(WordTokenizer()(text)) for text in SENTENCES]
    lines = [
        "## A new sentence, a click, a dial",
        "",
        f"{len(SENTENCES)} sentences of {min(tokens)} to {max(tokens)} tokens through {len(POOLERS)} classifiers "
        f"(one per pooler) × {len(METHODS)} methods ({', '.join(METHODS)}), integrated gradients at an error of at "
        f"most 1 % where reachable. Median of {runs * len(SENTENCES)} runs (range), {threads} torch thread, "
        f"{platform.machine()}, Python {platform.python_version()}, torch {version('torch')}, "
        f"captum {version('captum')}.",
        "",
        "“Separate Captum calls” computes the four maps Captum has (Saliency, InputXGradient, IntegratedGradients with "
        "its 50 steps, FeatureAblation of token presence), each by one default call; “new sentence” also holds the "
        "prediction, the pooling trace and every agreement. “Click” predicts again without one token for all six; "
        f"“ladder” climbs it for one classifier; “dial over p” pools one text at {len(POINTS)} exponents.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|" + " --- |" * len(HEADER),
        *("| " + " | ".join(row) + " |" for row in rows(runs)),
        "",
    ]
    return "\n".join(lines)


def write_section(path: Path, name: str, text: str) -> None:
    """Put ``text`` into a Markdown file between the two comments that mark section ``name``.

    What other benchmarks wrote stays; a section that is not there yet is added at the end.
    """
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    block = f"{start}\n{text.strip()}\n{end}\n"
    old = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    if start in old and end in old:
        new = old[: old.index(start)] + block + old[old.index(end) + len(end) :].lstrip("\n")
    else:
        new = old.rstrip("\n") + "\n\n" + block
    path.write_text(new, encoding="utf-8")
