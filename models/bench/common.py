"""What every benchmark shares: sentences, classifiers, timing in turn, tables, the file they are written to."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import torch

from models.assemble import assemble
from models.classifier import PoolingClassifier
from models.runtime import settle
from models.text import Vocabulary, WordTokenizer
from models.training.recipe import Recipe
from models.zoo.catalogue import catalogue
from models.zoo.store import from_card

TASK: Final = "sst2"
# So many times its floor, and a reason must stand below the table.
HIGH: Final = 1.5
SENTENCES: Final = (
    "The film is not bad , but it never quite comes alive and the actors make this story one of the best in years .",
    "A warm , funny and often surprising comedy that trusts its cast , takes its time and earns all of its tears .",
    "It is hard to say what is worse , the lazy script or the endless noise , but together they sink the whole ship .",
    "Nobody will call this a great work of art , yet I laughed until the end and went home in a much better mood .",
    "What begins as a clever thriller about an honest thief soon turns into a dull parade of chases , guns and noise .",
)


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
        digits = 1 if self.median < 0.01 else 0
        return f"{self.median * 1e3:.{digits}f} ms ({low:.{digits}f}–{high:.{digits}f})"

    def beside(self, other: Timing) -> str:
        """This time, and how many times as long as ``other`` it took."""
        return f"{self} {self.median / other.median:.1f}×"


def timed(
    runs: int, *roads: Callable[[str], object], texts: Sequence[str] | None = None, warm: bool = True
) -> list[Timing]:
    """Time every road on every text (the sentences) ``runs`` times, roads in turn, first once untimed if ``warm``.

    What is loaded is out of the collector's sight meanwhile, as it is in the app.
    """
    taken: list[list[float]] = [[] for _ in roads]
    settle()
    try:
        for run in range(0 if warm else 1, runs + 1):
            for text in SENTENCES if texts is None else texts:
                for road, seconds in zip(roads, taken, strict=True):
                    started = time.perf_counter()
                    road(text)
                    if run:
                        seconds.append(time.perf_counter() - started)
    finally:
        gc.unfreeze()
    return [Timing(tuple(seconds)) for seconds in taken]


def classifier_of(encoder: str, pooler: str = "attention") -> PoolingClassifier:
    """A reader of the task, shipped where the zoo has it, random elsewhere."""
    found = {card.spec.id: card for card in catalogue()}.get(f"{TASK}/{encoder}/{pooler}")
    return untrained(encoder, pooler) if found is None else from_card(found)


def untrained(encoder: str, pooler: str) -> PoolingClassifier:
    """A classifier of the default size with random weights, which knows the words of the sentences."""
    torch.manual_seed(1)
    vocabulary = Vocabulary.build(SENTENCES, WordTokenizer())
    classifier = assemble(Recipe(TASK, encoder, pooler), ("negative", "positive"), vocabulary)
    return classifier.eval().requires_grad_(False)


def text_of(words: int, first: int = 0) -> str:
    """A text of so many words: the sentences in a row from sentence ``first`` on, as often as it takes."""
    order = [*SENTENCES[first:], *SENTENCES[:first]]
    return " ".join(islice(cycle(word for text in order for word in text.split()), words))


def ids_of(classifier: PoolingClassifier, text: str) -> list[int]:
    """Ids of a text of any length: a reader's own limit on words plays no part here."""
    return classifier.vocabulary.row(text, classifier.tokenizer, 512)


def where(runs: int, *peers: str) -> str:
    """How many runs, on what and with which versions, for the line above a table."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", *peers))
    return (
        f"Median of {runs} runs (range), {torch.get_num_threads()} torch thread, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def reason(name: str, ours: Timing, floor: Timing, reading: Timing, rest: str) -> str:
    """Say what the time above ``floor`` went into: reading the text, and the ``rest``. Nothing where that is little."""
    above, read = ours.median / floor.median, reading.median / floor.median
    if above <= HIGH:
        return ""
    return f"{name}: {above:.1f}×, of which reading the text {read:.1f}× and {rest} {above - 1 - read:.1f}×"


def reasons(found: Iterable[str]) -> str:
    """Put the reasons that there are into one line for below a table."""
    high = "; ".join(filter(None, found))
    return f"Above {HIGH:g}× the floor: {high}." if high else f"Nothing took more than {HIGH:g}× its floor."


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [
        "| " + " | ".join(header) + " |",
        "|" + " --- |" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


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
