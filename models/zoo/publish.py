"""From a finished run to files in a zoo folder: the measured facts that go on a card."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor

from models.classifier import PoolingClassifier
from models.data.dataset import Dataset
from models.training.batches import Rows, encode_texts, predict
from models.training.recipe import Recipe
from models.training.scores import scores
from models.training.trainer import Trained
from models.zoo.catalogue import Card
from models.zoo.store import draft, from_card, put
from models.zoo.word_tables import write_table

SOFTWARE = ("torch", "numpy", "scikit-learn", "safetensors")
# By so much may rounding move the dev accuracy before more bits are spent.
TOLERANCE = 0.002


def publish(
    folder: Path,
    recipe: Recipe,
    dataset: Dataset,
    trained: Trained,
    table: Mapping[str, Any] | None = None,
    encoded: Mapping[str, Rows] | None = None,
    found: float | None = None,
    logits: Callable[[PoolingClassifier, str], Tensor] | None = None,
    bits: Sequence[int] = (16,),
    more: Callable[[PoolingClassifier], Mapping[str, Any]] | None = None,
    splits: Sequence[str] = (),
) -> Card:
    """Score what will be shipped of a trained classifier, then write it to ``folder/task``, card and weights at once.

    The card's metrics are those of the weights after rounding, read from the very bytes that are written;
    ``rounding`` on the card says how much the accuracy moved at most. ``bits`` lists the widths to try: the
    first that leaves the dev accuracy where it was, within :data:`TOLERANCE`, or else the last. ``table`` is the entry
    of a shared word table already in the folder; without one the classifier's own is written.
    ``encoded`` are the splits as id rows, where the caller has them; ``found`` is the share of the
    vocabulary that a file of word vectors had; ``logits`` gives the shipped classifier's answers (N, C)
    on a split where there is a faster road than reading every text again; ``more`` measures on the shipped
    classifier what else its card should say; ``splits`` are to be scored, those that training scored if none
    are named: the rounding is told of the latter alone.
    """
    home = folder / recipe.task
    entry = dict(table) if table else trained.classifier.encoder.lexicon() or _own_table(home, recipe, trained)
    facts: dict[str, Any] = {
        "data": {
            "name": dataset.name,
            "digest": dataset.digest,
            "rows": {name: len(split) for name, split in dataset.splits.items()},
            "trained_on": min(recipe.train_limit or len(dataset.splits["train"]), len(dataset.splits["train"])),
        },
        "best_epoch": trained.best_epoch,
        "seconds": round(trained.seconds, 1),
        "history": [_compact(record) for record in trained.history],
        "software": {name: version(name) for name in SOFTWARE},
        "parameters": sum(p.numel() for n, p in trained.classifier.named_parameters() if n != "table.weight"),
    }
    if found is not None:
        facts["vectors"] = {"file": Path(str(recipe.vectors)).name, "found": round(found, 4)}
    for width in bits:
        card, data = draft(home, trained.classifier, recipe, entry, facts, width)
        shipped = from_card(card, data)
        metrics = {}
        for name in splits or trained.metrics:
            answers = logits(shipped, name) if logits else _answers(shipped, dataset, name, encoded)
            metrics[name] = scores(answers, dataset.splits[name].labels)
        moved = {name: abs(metrics[name]["accuracy"] - trained.metrics[name]["accuracy"]) for name in trained.metrics}
        if moved.get("validation", 0.0) <= TOLERANCE:
            break
    record = {**card.record, "metrics": metrics, "rounding": max(moved.values()), **(more(shipped) if more else {})}
    written = put(dataclasses.replace(card, record=record), data)
    shutil.rmtree(home / "unfinished" / recipe.id.replace("/", "-"), ignore_errors=True)
    return written


def _answers(
    shipped: PoolingClassifier, dataset: Dataset, split: str, encoded: Mapping[str, Rows] | None
) -> Tensor:
    rows = encoded[split] if encoded else encode_texts(shipped, dataset.splits[split].texts)
    return predict(shipped, rows)


def _own_table(home: Path, recipe: Recipe, trained: Trained) -> dict[str, Any]:
    name = "words-" + recipe.id.split("/", 1)[1].replace("/", "-")
    classifier = trained.classifier
    return {**write_table(home, name, classifier.vocabulary, classifier.table.weight.detach()), "shared": False}


def _compact(record: Mapping[str, Any]) -> dict[str, Any]:
    """Round what is only drawn."""
    return {
        key: round(value, 5) if isinstance(value, float) else value for key, value in record.items()
    }
