"""What cards and registries say, put into the rows and files that the pages show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.records import Analysis, NormPoint, NormSweep, Parameter
from models.runtime import software
from models.zoo import tasks
from models.zoo.catalogue import Card
from pages import _baselines, _methods
from pages._cache import Zoo
from pages._examples import Task, task
from viz import dial, export, norms, panels, provenance, wording
from viz.cards import MethodCard


def exponents(card: Card) -> Parameter | None:
    """The learned exponent p of a classifier, if its pooler has one."""
    return next((parameter for parameter in card.learned if parameter.name == "p"), None)


def learned_norms(cards: Sequence[Card]) -> list[norms.LearnedNorm]:
    """The exponents of those classifiers that have one, for the dot plot."""
    found = [(card.spec, exponents(card)) for card in cards]
    return [
        norms.learned_norm(spec.id, spec.title, task(spec.task).data, spec.encoder, spec.pooler, p.initial, p.values)
        for spec, p in found
        if p is not None
    ]


def training(card: Card) -> list[dict[str, float | None]]:
    """The training history of a classifier, as rows to draw; a learned scalar goes by its own name."""
    history: list[dict[str, Any]] = card.record["history"]
    for learned in card.learned:
        if learned.name in wording.SCALARS:
            return norms.history_rows(history, learned.initial[0], learned.name)
    return norms.history_rows(history)


def reader_rows(zoo: Zoo) -> list[dict[str, object]]:
    """One row per classifier: what it is, how well it reads, what it learned."""
    return [_row(card) for card in zoo.cards]


def _row(card: Card) -> dict[str, object]:
    tested, p = card.record.get("metrics", {}).get("test", {}), exponents(card)
    learned = [norm.learned for norm in learned_norms([card])]
    return {
        "task": task(card.spec.task).data,
        "reader": card.spec.title,
        "accuracy": tested.get("accuracy"),
        "macro-F1": tested.get("macro_f1"),
        "remark": "below the bag of words" if _baselines.below(card) else "",
        "initial p": None if p is None else p.initial[0],
        "learned p": learned[0] if learned else None,
        "parameters": card.record.get("parameters"),
        "seed": card.spec.seed,
        "weights": card.spec.digest[:12],
        "id": card.spec.id,
    }


def method_facts(method: MethodCard) -> str:
    """A method's card as a Markdown list; all words in it are ours."""
    rows = ((term, words) for term, words in method.rows() if term not in ("Question", "Formula"))
    return "\n".join(f"- **{term}:** {words}" for term, words in rows)


def method_groups() -> list[tuple[str, str, list[MethodCard]]]:
    """Title, means and cards of every family, and of what the poolers themselves show."""
    cards = _methods.cards()
    found = [
        (family.title, family.means, [cards[name] for name in _methods.grouped()[family.name]])
        for family in _methods.families().values()
    ]
    own = [card for name, card in cards.items() if name not in _methods.registry()]
    return [*found, ("Shown by the pooler itself", "Drawn under the attention, without being asked for.", own)]


def task_summary(described: Sequence[Task]) -> str:
    """What is true of all tasks' data, and for how many the licence allows research only."""
    limited = sum(known.research_only for one in described if (known := tasks.facts().get(one.id)))
    return (
        "What the readers were trained on. None of these texts is shipped: the app holds what was learned from them, "
        f"and its example sentences were written for it. The licences of {limited} of these allow research only. "
        ":material/front_hand: marks those that say what their predictions may not be taken for."
    )


def task_facts(described: Task) -> str:
    """A task's question, cautions and sources as a Markdown list; all words in it are ours."""
    said = {"Question": described.asks, "Caution": described.caution}
    known = tasks.facts().get(described.id)
    if known:
        counts = (f"{count:,} {split}" for split, count in known.rows.items())
        said |= {
            "Classes": ", ".join(map(_class, known.labels.items())),
            "Language": known.language,
            "Texts": f"{known.source}; {', '.join(counts)}",
            "Notes": " ".join(known.notes),
            "Licence": f"{known.licence}{'. For research only.' if known.research_only else ''}",
            "Citation": known.citation,
        }
    return "\n".join(f"- **{term}:** {words}" for term, words in said.items() if words)


def _class(names: tuple[str, str]) -> str:
    """The name of a class, and the one it was trained with where that is another one."""
    trained, shown = names
    return shown if shown == trained else f"{shown} (`{trained}`)"


def rows_csv(rows: Sequence[Mapping[str, object]], source: Mapping[str, object]) -> str:
    """Rows of a figure as CSV, each with where it comes from."""
    said = {**source, "versions": provenance.version_words(software())}
    return export.rows_csv([{**row, **said} for row in rows])


def rows_json(rows: object, source: Mapping[str, object]) -> str:
    """The same as JSON."""
    return json.dumps({"tool": "PoolScope", **source, "versions": dict(software()), "rows": rows}, indent=1)


def records(found: Sequence[Any]) -> list[dict[str, object]]:
    """Frozen records as plain rows."""
    return [dataclasses.asdict(record) for record in found]


def source(analysis: Analysis) -> dict[str, object]:
    """Model, weights and arguments of an analysis, for a download, and what its predictions may not be taken for."""
    caution = task(analysis.model.task).caution
    return {
        **({"caution": caution} if caution else {}),
        "model": analysis.model.id,
        "digest": analysis.model.digest,
        "text": analysis.request.text,
        "arguments": provenance.request_words(analysis.request, analysis.prediction.labels),
    }


def cards_json(zoo: Zoo) -> str:
    """Every card as it lies in the zoo."""
    cards: list[Any] = [dict(card.record) for card in zoo.cards]
    return json.dumps({"tool": "PoolScope", "versions": dict(software()), "cards": cards}, indent=1)


def sweep_rows(sweep: NormSweep) -> list[dict[str, object]]:
    """The dial as plain rows: one per p and word."""
    origin = {"model": sweep.model.id, "digest": sweep.model.digest, "learned p": sweep.learned}
    return [
        {
            **origin,
            "p": point.p,
            "position": place + 1,
            "word": token.text,
            "effective attention": None if point.effective is None else point.effective[place],
            "share": point.shares[place],
            **{f"probability of {name}": p for name, p in zip(sweep.labels, point.probabilities, strict=True)},
        }
        for point in sweep.points
        for place, token in enumerate(sweep.tokens)
    ]


def prediction_words(sweep: NormSweep, p: float) -> str:
    """What the reader predicts with the dial at ``p`` and at the learned value."""
    now, learned = (_classes(sweep, dial.nearest(sweep, at)) for at in (p, sweep.learned))
    return f"At p = {wording.exponent(p)}: {now}\nAs learned: {learned}"


def asked_words(analysis: Analysis) -> str:
    """Who is asked about how much: ``BiLSTM · Attention reads 13 tokens``."""
    return f"{analysis.model.title} reads {wording.count(len(analysis.tokens), 'token')}"


def prediction_line(analysis: Analysis) -> str:
    """What a reader predicts: its likeliest classes with their probabilities."""
    found = analysis.prediction
    shown = panels.told(found.probabilities)
    return ", ".join(f"{found.labels[c]} {wording.probability(found.probabilities[c])}" for c in shown)


def _classes(sweep: NormSweep, point: NormPoint) -> str:
    shown = panels.told(point.probabilities)
    return ", ".join(f"{sweep.labels[c]} {wording.probability(point.probabilities[c])}" for c in shown)
