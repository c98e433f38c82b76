"""From a finished run to a base's files: rounds the weights, scores what will be shipped, writes the card."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from models.pretraining.corpus import Corpus
from models.pretraining.language_model import LanguageModel
from models.pretraining.plan import Plan
from models.pretraining.store import shrink, write_base
from models.pretraining.trainer import Progress
from models.text import UNK

SOFTWARE = ("torch", "numpy", "safetensors", "regex")


def publish_base(folder: Path, model: LanguageModel, plan: Plan, corpus: Corpus, done: Progress) -> dict[str, Any]:
    """Write the base to ``folder`` and return its held-out scores, those of the rounded weights.

    The model itself is rounded to float16 where its tensors are large; what is not shipped (an output
    layer of its own) is named on the card.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(shrink(parameter).float())
    body, table, extra = model.body().state_dict(), model.table(), model.extra()
    scores = {name: model.scores(held, plan.length) for name, held in corpus.held_out.items()}
    facts = {
        "name": folder.name,
        "kind": plan.kind,
        "title": model.title,
        "objective": model.objective,
        "source": model.source,
        "width": model.width,
        "sizes": model.sizes(),
        "plan": plan.to_dict(),
        "data": dict(corpus.facts),
        "held_out": {"rows": {name: len(held) for name, held in corpus.held_out.items()}, "split": "validation",
                     "unknown": _unknown(corpus), "scores": scores, "meaning": model.measure,
                     "frequency_perplexity": _by_frequency(corpus)},
        "notes": list(model.notes),
        "parameters": sum(value.numel() for value in body.values()),
        "words_parameters": sum(value.numel() for value in (extra.values() if table is None else [table])),
        "history": done.history,
        "seconds": round(done.seconds, 1),
        "software": {name: version(name) for name in SOFTWARE},
    }  # fmt: skip
    write_base(folder, corpus.vocabulary, table, body, extra, facts)
    return scores


def _unknown(corpus: Corpus) -> dict[str, float]:
    """Return the share of held-out words that are not in the vocabulary, by data set."""
    return {
        name: round(sum(int((d.ids == UNK).sum()) for d in held) / max(1, sum(map(len, held))), 5)
        for name, held in corpus.held_out.items()
    }


def _by_frequency(corpus: Corpus) -> dict[str, float]:
    """Return the floor to hold a perplexity against: exp of the mean −ln of each held-out word's training frequency."""
    counts = corpus.counts().double() + 1
    surprise = -(counts / counts.sum()).log()
    return {
        name: round(float(torch.cat([surprise[torch.from_numpy(d.ids)] for d in held]).mean().exp()), 2)
        for name, held in corpus.held_out.items()
    }
