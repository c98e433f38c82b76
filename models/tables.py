"""The README's tables, made from the registries and the zoo's cards, so that they cannot go stale."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from models.attribution import METHODS
from models.attribution.families import FAMILIES
from models.baselines.catalogue import best_baseline
from models.encoders import ENCODERS
from models.experiments import EXPERIMENTS
from models.poolers import POOLERS
from models.zoo.catalogue import Card, catalogue
from models.zoo.recipes import CORE


def encoders() -> str:
    """Return the table of encoders."""
    rows = [(f"`{name}`", _math(kind.formula), "yes" if kind.contextual else "no", kind.source)
            for name, kind in ENCODERS.items()]  # fmt: skip
    return _table(("encoder", "state of token i", "reads neighbours", "source"), rows)


def poolers() -> str:
    """Return the table of poolers."""
    rows = [(f"`{name}`", _math(kind.formula), "yes" if kind.attends else "no", kind.reference, kind.source)
            for name, kind in POOLERS.items()]  # fmt: skip
    return _table(("pooler", "pooled vector", "attends", "exact shares count from", "source"), rows)


def methods() -> str:
    """Return the table of attribution methods."""
    rows = [
        (
            family.title, f"`{name}`", kind.question, "yes" if kind.signed else "no",
            "yes" if kind.complete else "no", kind.source,
        )
        for family in FAMILIES.values()
        for name, kind in METHODS.items()
        if kind.family == family.name
    ]  # fmt: skip
    return _table(("family", "method", "what it answers", "signed", "complete", "source"), rows)


def experiments() -> str:
    """Return the table of experiments on attention as explanation."""
    rows = [(f"`{name}`", kind.question, kind.shows_not, kind.source) for name, kind in EXPERIMENTS.items()]
    return _table(("experiment", "what it asks", "what it does not show", "source"), rows)


def zoo() -> str:
    """Return the table of shipped classifiers, a row per task and encoder: accuracy (macro-F1), best baseline."""
    cards = catalogue()
    rows = []
    for task, encoder in dict.fromkeys((card.spec.task, card.spec.encoder) for card in cards):
        mine = {_name(card): card for card in cards if (card.spec.task, card.spec.encoder) == (task, encoder)}
        best = best_baseline(task)
        others = ", ".join(f"{name} {_number(card, 'accuracy')}" for name, card in mine.items() if name not in CORE)
        rows.append((
            f"`{task}/{encoder}`",
            f"{best.accuracy:.4f} ({best.name})" if best else "",
            *(_scores(mine[name]) if name in mine else "" for name in CORE),
            learned_p(mine["apln"]) if "apln" in mine else "",
            others,
        ))  # fmt: skip
    return _table(("classifiers", "best bag of words", *CORE, "APLN's p, start → learned", "others"), rows)


def learned_p(card: Card) -> str:
    """Return how the exponent moved: ``1.00 → 1.43``, or a range where there is one per dimension."""
    for parameter in card.learned:
        if parameter.name == "p":
            low, high = min(parameter.values), max(parameter.values)
            span = f"{low:.2f}" if len(parameter.values) == 1 else f"{low:.2f} … {high:.2f}"
            return f"{parameter.initial[0]:.2f} → {span}"
    return ""


TABLES: Final[dict[str, Callable[[], str]]] = {
    "encoders": encoders, "poolers": poolers, "methods": methods, "experiments": experiments, "zoo": zoo,
}  # fmt: skip


def fill(text: str) -> str:
    """Return ``text`` with every ``<!-- table: NAME -->`` … ``<!-- end -->`` block made anew."""
    return re.sub(
        r"<!-- table: (\w+) -->\n.*?<!-- end -->",
        lambda block: f"<!-- table: {block[1]} -->\n{TABLES[block[1]]()}\n<!-- end -->",
        text,
        flags=re.DOTALL,
    )


def _name(card: Card) -> str:
    """The last part of the id: pooler or label, with the seed where it is not the first."""
    return card.spec.id.rsplit("/", 1)[-1]


def _scores(card: Card) -> str:
    return f"{_number(card, 'accuracy')} ({_number(card, 'macro_f1')})"


def _number(card: Card, name: str) -> str:
    value = card.record["metrics"].get("test", {}).get(name)
    return "" if value is None else f"{value:.4f}"


def _math(formula: str) -> str:
    # A bar inside a Markdown table would end the cell, even in a formula.
    return "$" + formula.replace("|", r"\vert ").replace("\n", " ") + "$"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
