"""What the zoo's cards say, put into the rows and records that the page Zoo shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from models.zoo.catalogue import BASES, Card
from models.zoo.cells import Cell, cells, score, spread
from models.zoo.recipes import VARIANTS
from pages import _cache, _facts
from pages._examples import ordered, task
from viz import overview, wording
from viz.curves import Course
from viz.norm_grid import NormCell
from viz.overview import Group, Scored

LANGUAGES = {"en": "English", "zh": "Chinese"}


def encoder(card: Card) -> str:
    """The encoder's name for people."""
    return card.spec.title.partition(" · ")[0]


def pooler(card: Card) -> str:
    """The pooler's name for people, with the label its trainer gave; the zoo's own variants say what they are."""
    label = str(card.record["recipe"].get("label") or "")
    said = card.spec.title.partition(" · ")[2] or card.spec.pooler
    return said + (f" ({label})" if label and label not in VARIANTS else "")


def name(card: Card) -> str:
    """Encoder, pooler and, other than the first, the seed."""
    return f"{encoder(card)} · {pooler(card)}" + (f" · seed {card.spec.seed}" if card.spec.seed != 1 else "")


def called(card: Card) -> str:
    """The same after its task."""
    return f"{task(card.spec.task).data}: {name(card)}"


def narrowed(
    cards: Sequence[Card], tasks: Sequence[str], encoders: Sequence[str], poolers: Sequence[str]
) -> tuple[Card, ...]:
    """The cards that pass all filters, tasks in the order of the picker; an empty filter lets everything through."""
    order = {name: place for place, name in enumerate(ordered(card.spec.task for card in cards))}
    kept = (
        card
        for card in cards
        if (not tasks or card.spec.task in tasks)
        and (not encoders or card.spec.encoder in encoders)
        and (not poolers or card.spec.pooler in poolers)
    )
    return tuple(sorted(kept, key=lambda card: order[card.spec.task]))


def table_rows(cards: Sequence[Card], *, runs: bool) -> list[dict[str, object]]:
    """One row per cell, means ± sd over its seeds, or one per run; best accuracy of a task first."""
    grouped = [Cell(card.spec.id, (card,)) for card in cards] if runs else cells(cards)
    order = {name: place for place, name in enumerate(dict.fromkeys(card.spec.task for card in cards))}
    rows = [_row(cell) for cell in grouped]
    return sorted(rows, key=lambda row: (order[str(row["task id"])], -float(str(row["accuracy"] or 0))))


def _row(cell: Cell) -> dict[str, object]:
    card, described = cell.first, task(cell.first.spec.task)
    accuracy, f1 = cell.spread("accuracy"), cell.spread("macro_f1")
    baseline = _cache.baseline(described.id)
    p = [norm.learned for norm in _facts.learned_norms(cell.cards)]
    return {
        "reader": name(card),
        "task": described.data,
        "kind": described.kind,
        "language": LANGUAGES.get(described.language, described.language),
        "encoder": encoder(card),
        "pooler": pooler(card),
        "seeds": len(cell.cards),
        "accuracy": accuracy and accuracy.mean,
        "sd": accuracy and accuracy.sd,
        "macro-F1": f1 and f1.mean,
        "sd of F1": f1 and f1.sd,
        "against the best bag of words": accuracy and overview.verdict(accuracy.mean, baseline),
        "learned p": p[0] if len(p) == 1 else None if not p else sum(p) / len(p),
        "parameters": card.record.get("parameters"),
        "id": card.spec.id,
        "seed": ", ".join(str(card.spec.seed) for card in cell.cards),
        "weights": card.spec.digest[:12],
        "task id": described.id,
    }


def groups(cards: Sequence[Card]) -> list[Group]:
    """Rows of the overview: a task each, or for one task a pooler each."""
    many = len({card.spec.task for card in cards}) > 1
    found: dict[str, list[Scored]] = {}
    baselines = {}
    for cell in cells(cards):
        accuracy = cell.spread("accuracy")
        row = task(cell.first.spec.task).data if many else pooler(cell.first)
        baselines[row] = _cache.baseline(cell.first.spec.task)
        if accuracy:
            called = name(cell.first) if many else encoder(cell.first)
            found.setdefault(row, []).append(Scored(called, accuracy.mean))
    return [Group(row, tuple(scores), baselines[row]) for row, scores in found.items()]


def summary(rows: Sequence[Mapping[str, object]]) -> str:
    """How many there are, and how many of them stay below a bag of words."""
    told = [str(row["against the best bag of words"]) for row in rows if row["against the best bag of words"]]
    below = sum(words.startswith("BELOW") for words in told)
    tasks = wording.count(len({row["task id"] for row in rows}), "task")
    counted = f"{wording.count(sum(int(str(row['seeds'])) for row in rows), 'trained classifier')} of {tasks}"
    if not told:
        return f"{counted}."
    said = f"{below} of {len(told)} stay below the best bag of words of their task" if below else (
        "none stays below the best bag of words of its task")  # fmt: skip
    return f"{counted}; {said}."


def norm_cells(cards: Sequence[Card]) -> list[NormCell]:
    """The learned p of every cell of the zoo that has one."""
    made = []
    for cell in cells(cards):
        learned = _facts.learned_norms(cell.cards)
        middle = spread(norm.learned for norm in learned)
        if middle:
            first = cell.first
            made.append(NormCell(
                f"{task(first.spec.task).data} · {encoder(first)}", pooler(first), middle.mean,
                min(norm.low for norm in learned), max(norm.high for norm in learned), learned[0].initial, middle.count,
            ))  # fmt: skip
    return made


def places(ids: Sequence[str], colours: Mapping[str, int]) -> dict[str, int]:
    """A place in the palette for each classifier: readers keep theirs, others take the free ones."""
    free = iter([place for place in range(len(ids) + len(colours)) if place not in colours.values()])
    return {name: colours[name] if name in colours else next(free) for name in ids}


def courses(cards: Sequence[Card], colours: Mapping[str, int]) -> list[Course]:
    """The trainings of classifiers, in their colours."""
    return [Course(called(card), colours[card.spec.id], tuple(_facts.training(card))) for card in cards]


def numbers(card: Card) -> list[tuple[str, str]]:
    """What one wants to know of a classifier first."""
    metrics = {"test accuracy": "accuracy", "macro-F1": "macro_f1"}
    scores = ((title, score(card, metric)) for title, metric in metrics.items())
    p = _facts.exponents(card)
    return [
        *((title, "" if value is None else f"{value:.3f}") for title, value in scores),
        ("learned p", "" if p is None else span(p.values)),
        ("parameters", f"{card.record['parameters']:,}" if card.record.get("parameters") else ""),
    ]


def card_facts(card: Card) -> list[tuple[str, str]]:
    """What a classifier is, in words: terms and what they are for this one."""
    record, recipe, described = card.record, card.record["recipe"], task(card.spec.task)
    data, history, rows = record.get("data") or {}, record.get("history") or (), (record.get("data") or {}).get("rows")
    accuracy = score(card, "accuracy")
    options = {**recipe.get("encoder_options", {}), **recipe.get("pooler_options", {})}
    learned = (f"{q.name} = {span(q.values)}, from {span(q.initial)}: {q.meaning}" for q in card.learned)
    return [
        ("Task", f"{described.title} ({described.data}). {described.asks}"),
        ("Bag of words", overview.verdict(accuracy, _cache.baseline(card.spec.task)) or "" if accuracy else ""),
        ("Learned", "; ".join(learned)),
        ("Layers read", wording.layers(card.learned_encoder)),
        ("Options", ", ".join(f"{key} {value}" for key, value in options.items())),
        ("Trained on", ", ".join(f"{count:,} {part}" for part, count in (rows or {}).items())),
        ("Words", str((record.get("table") or {}).get("method", ""))),
        ("Language model", _held_out(str((record.get("table") or {}).get("base", "")))),
        ("Training", f"{wording.count(len(history), 'epoch')}, number {record.get('best_epoch')} kept; "
         f"{record.get('seconds')} s"),
        ("Seed and rate", f"{card.spec.seed}; {recipe.get('lr')}, batches of {recipe.get('batch_size')}"),
        ("Weights", card.spec.digest),
        ("Data", str(data.get("digest", ""))),
        ("Software", ", ".join(f"{package} {number}" for package, number in (record.get("software") or {}).items())),
    ]  # fmt: skip


def _held_out(base: str) -> str:
    """What a shipped language model scored on texts it never read; empty for a base from elsewhere."""
    try:
        scores = json.loads((BASES / base / "card.json").read_text(encoding="utf-8"))["held_out"]["scores"]
    except (OSError, ValueError, KeyError):
        return ""
    parts = (
        f"{data} {part.replace('_', ' ')} {value['perplexity']:.0f}"
        for data, found in scores.items() for part, value in found.items() if "perplexity" in value
    )  # fmt: skip
    return f"{base}, perplexity on held-out texts: " + ", ".join(parts)


def span(values: Sequence[float]) -> str:
    """One number, or the range of many."""
    low, high = wording.exponent(min(values)), wording.exponent(max(values))
    return low if low == high else f"{low}{wording.DASH}{high}"


def card_json(card: Card) -> str:
    """The card as it lies in the zoo."""
    return json.dumps(card.record, indent=1, ensure_ascii=False)


