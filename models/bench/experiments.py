"""How long every experiment of the debate takes on one text, for every encoder, beside what a page may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from models.bench.common import TASK, classifier_of, table, text_of, timed, where
from models.classifier import PoolingClassifier
from models.experiment_records import ExperimentCall
from models.experiments import EXPERIMENTS
from models.experiments.base import perform
from models.experiments.ladder import ladder
from models.records import Request
from models.zoo.catalogue import catalogue
from models.zoo.store import from_card

ENCODERS: Final = (
    "embedding", "cnn", "bilstm", "transformer", "pretrained", "gpt_like", "bert_like", "elmo_like", "ngram",
)  # fmt: skip
LENGTH: Final = 30
RUNS: Final = 5
AIM: Final = 0.5
# The n-gram reader knows Chinese headlines, of which every character is a word.
CHINESE: Final = (
    "昨天晚上女排在主场击败对手,球迷高兴地庆祝胜利,教练说队员表现很好。"
)


def reader_of(encoder: str) -> PoolingClassifier:
    """The attention reader over an encoder: of the usual task, or of the one it is shipped for."""
    shipped = [card for card in catalogue() if card.spec.encoder == encoder and card.spec.pooler == "attention"]
    if not shipped or any(card.spec.task == TASK for card in shipped):
        return classifier_of(encoder)
    return from_card(shipped[0])


def text_for(classifier: PoolingClassifier) -> str:
    """A text of so many words in a language of the reader."""
    english = text_of(LENGTH)
    known = sum(i != classifier.unknown for i in classifier.read(english).ids)
    return english if 2 * known > len(english.split()) else CHINESE


def roads(classifier: PoolingClassifier) -> dict[str, Callable[[str], object]]:
    """Every experiment as a page asks for it: the text is read anew each time."""

    def road(name: str) -> Callable[[str], object]:
        call = ExperimentCall(name)
        return lambda text: perform(classifier, Request(text), call, EXPERIMENTS)

    return {name: road(name) for name in EXPERIMENTS} | {"ladder": lambda text: ladder(classifier, Request(text))}


def row(encoder: str, runs: int) -> tuple[list[str], list[str]]:
    """Measure one encoder: one cell per column, and the experiments that take longer than the aim."""
    classifier = reader_of(encoder)
    text = text_for(classifier)
    found = roads(classifier)
    times = dict(zip(found, timed(max(runs, RUNS), *found.values(), texts=(text,)), strict=True))
    slow = [f"{name} over {encoder}" for name, timing in times.items() if timing.median > AIM]
    words = len(classifier.read(text).tokens)
    return [f"{encoder} (`{classifier.spec.id}`)", str(words), *map(str, times.values())], slow


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    names = [*EXPERIMENTS, "ladder"]
    measured = [row(encoder, runs) for encoder in ENCODERS]
    slow = [name for _, names in measured for name in names]
    verdict = f"Above it: {', '.join(slow)}." if slow else "None is above it."
    lines = [
        "## The debate's experiments on one text",
        "",
        f"The attention reader of each encoder on a text of about {LENGTH} words, each experiment as its page asks for "
        f"it: the text read anew, usual settings (of a large encoder, fewer rounds, as the page says). "
        f"{where(max(runs, RUNS))} Aim: less than {AIM * 1e3:.0f} ms each. {verdict}",
        "",
        *table(("encoder", "words", *names), (cells for cells, _ in measured)),
        "",
    ]
    return "\n".join(lines)
