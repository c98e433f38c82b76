"""Rebuild the shipped zoo from its recipes, skipping what is up to date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.assemble import base_of
from models.data.dataset import Dataset
from models.text import Vocabulary, WordTokenizer
from models.training.batches import encode_splits
from models.training.recipe import Recipe
from models.training.trainer import prepare, train
from models.training.word_table import WordTable, skip_gram
from models.vectors import StaticVectors, read_vectors
from models.zoo.catalogue import SHIPPED, read_card
from models.zoo.errors import ZooError
from models.zoo.pretrained import TunedEncoder, train_on
from models.zoo.probes import PROBES
from models.zoo.publish import publish
from models.zoo.recipes import (
    WIDTHS,
    TaskPlan,
    ngram_recipes,
    ngram_tuning,
    pretrained_recipes,
    pretrained_tuning,
    recipes,
    tuning,
)
from models.zoo.store import from_card
from models.zoo.word_tables import read_table, write_table

Load = Callable[[str], Dataset]
Say = Callable[[str], None]


def build(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train every classifier of ``plan`` whose card is missing or was made from something else.

    Args:
        plan: the task.
        load: from a data set's name to the data set.
        folder: where the zoo is.
        work: where unfinished runs and word vectors are kept between calls.
        only: build only ids that contain this text.
        say: told one line per classifier.
    """
    dataset = load(plan.dataset)
    plain = word_entry(plan, dataset, load, folder, work, say, whole=plan.plain)
    tuned = partial(tuned_entry, plan, dataset, load, folder, work, say)
    # Id rows by the words they were read with: a base brings its own.
    rows: dict[str, dict[str, list[list[int]]]] = {}
    for recipe in recipes(plan):
        if only not in recipe.id:
            continue
        base = base_of(recipe)
        if base is not None:
            entry = base.entry()
        elif recipe.vectors == "task-tuned":
            entry = tuned()
        else:
            entry = plain
        bits = WIDTHS.get(recipe.encoder, 16)
        if up_to_date(folder, recipe, dataset, entry, bits):
            say(f"{recipe.id}: up to date")
            continue
        table = read(plan, entry, folder)
        words = entry["words_sha256"]
        if words not in rows:
            rows[words] = encode_splits(prepare(recipe, dataset, table), dataset)
        encoded = rows[words]
        trained = train(
            recipe, dataset, table=table, encoded=encoded, probes=PROBES.get(plan.task, ()),
            folder=work / "zoo" / recipe.id.replace("/", "-"),
            epoch_done=partial(tell, say, recipe.id),
        )  # fmt: skip
        card = publish(folder, recipe, dataset, trained, entry, encoded, bits=(bits,))
        say(f"{recipe.id}: test accuracy {card.accuracy:.4f} after epoch {trained.best_epoch}, {trained.seconds:.0f} s")


def build_pretrained(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train the task's classifiers over a pretrained encoder; arguments as in :func:`build`."""
    wanted = [recipe for recipe in pretrained_recipes(plan) if only in recipe.id]
    if not wanted:
        return
    _build_over(TunedEncoder(pretrained_tuning(plan), load(plan.dataset), folder, work), wanted, say)


def build_ngrams(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train the task's classifiers over n-grams; arguments as in :func:`build`."""
    wanted = [recipe for recipe in ngram_recipes(plan) if only in recipe.id]
    if not wanted:
        return
    dataset = load(plan.dataset)
    if plan.plain:
        entry = word_entry(plan, dataset, load, folder, work, say, whole=True)
    else:
        entry = tuned_entry(plan, dataset, load, folder, work, say)
    table = read(plan, entry, folder)
    _build_over(TunedEncoder(ngram_tuning(plan), dataset, folder, work, table, entry), wanted, say)


def _build_over(encoder: TunedEncoder, wanted: Sequence[Recipe], say: Say) -> None:
    """Train a pooler and a head per recipe on the states of one encoder."""
    entry = encoder.entry(partial(tell, say, encoder.recipe.id))
    for recipe in wanted:
        if up_to_date(encoder.folder, recipe, encoder.dataset, entry):
            say(f"{recipe.id}: up to date")
            continue
        card = train_on(encoder, recipe, entry, partial(tell, say, recipe.id))
        say(f"{recipe.id}: test accuracy {card.accuracy:.4f}")


def word_table(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), say: Say = print
) -> WordTable:
    """Return the task's word table, trained now if it is missing or stale."""
    return read(plan, word_entry(plan, load(plan.dataset), load, folder, work, say, whole=True), folder)


def up_to_date(
    folder: Path, recipe: Recipe, dataset: Dataset, table: dict[str, Any], bits: int | None = None
) -> bool:
    """Say whether a classifier's files exist, are whole, and come from this recipe, data and table.

    With ``bits``, its numbers must have so many.
    """
    try:
        card = read_card(folder / recipe.task / f"{recipe.stem}.json")
        from_card(card)
    except ZooError:
        return False
    record = card.record
    return (
        Recipe.from_dict(record["recipe"]).key() == recipe.key()
        and record["data"]["digest"] == dataset.digest
        and record["table"]["sha256"] == table["sha256"]
        and record["table"]["words_sha256"] == table["words_sha256"]
        and record["table"].get("tuned") == table.get("tuned")
        and bits in (None, record["weights"].get("bits", 16))
        # A card may come from a folder where nothing was scored.
        and bool(record.get("metrics", {}).get("test"))
    )


def read(plan: TaskPlan, entry: dict[str, Any], folder: Path) -> WordTable:
    """Read the word table of a plan's ``entry``."""
    vocabulary, weights = read_table(folder / plan.task, entry)
    return WordTable(vocabulary, weights.data)


def word_entry(
    plan: TaskPlan, dataset: Dataset, load: Load, folder: Path, work: Path, say: Say, *, whole: bool
) -> dict[str, Any]:
    """Return the entry of the task's word table, training the vectors if it is missing or stale.

    With ``whole`` False the entry will do: a table that only the tuning read is not shipped.
    """
    facts: dict[str, Any] = {
        "method": "skip-gram word2vec (gensim), frozen",
        "corpora": {name: load(name).digest for name in plan.corpora},
        "vocabulary": {"data": dataset.digest, "min_count": plan.min_count, "max_words": plan.max_words},
    }
    if plan.bits != 16:
        facts["bits"] = plan.bits
    file = folder / f"{plan.task}.table.json"
    known = _known(file, folder / plan.task, facts, whole=whole)
    if known:
        return known
    vectors = _vectors(plan, facts["corpora"], load, work, say)
    vocabulary = Vocabulary.build(
        dataset.splits["train"].texts, WordTokenizer(), min_count=plan.min_count, max_size=plan.max_words
    )
    laid = WordTable.lay(vectors, vocabulary, bits=plan.bits)
    entry = {
        **write_table(folder / plan.task, "words", vocabulary, laid.weights, plan.bits, packed=True),
        "shared": True, **facts,
    }  # fmt: skip
    file.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return entry


def tuned_entry(plan: TaskPlan, dataset: Dataset, load: Load, folder: Path, work: Path, say: Say) -> dict[str, Any]:
    """Return the entry of the task's tuned word table, training it if it is missing or stale.

    The plain table it started from is removed again where no classifier reads it.
    """
    recipe = tuning(plan)
    plain = word_entry(plan, dataset, load, folder, work, say, whole=plan.plain)
    facts = {
        "method": "skip-gram word2vec (gensim), tuned on the task with mean-pooled embeddings, then frozen",
        "from": plain["sha256"],
        "data": dataset.digest,
        "recipe": recipe.to_dict(),
    }
    file = folder / f"{plan.task}.tuned.json"
    known = _known(file, folder / plan.task, facts)
    if known:
        return known
    plain = word_entry(plan, dataset, load, folder, work, say, whole=True)
    say(f"{plan.task}: tuning the word vectors …")
    table = read(plan, plain, folder)
    trained = train(recipe, dataset, table=table, test=False, epoch_done=partial(tell, say, recipe.id))
    weights = trained.classifier.table.weight.detach()
    entry = {
        **write_table(folder / plan.task, "words-tuned", table.vocabulary, weights, plan.bits, packed=True),
        "shared": True, **facts,
    }  # fmt: skip
    file.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    if not plan.plain:
        for name in ("words.safetensors", "words.txt", "words.txt.gz"):
            (folder / plan.task / name).unlink(missing_ok=True)
    return entry


def _known(file: Path, folder: Path, facts: dict[str, Any], *, whole: bool = True) -> dict[str, Any] | None:
    if not file.exists():
        return None
    try:
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if whole:
            read_table(folder, known)
    except (ValueError, KeyError, TypeError, ZooError):
        return None
    return known if {key: known.get(key) for key in facts} == facts else None


def _vectors(plan: TaskPlan, corpora: Any, load: Load, work: Path, say: Say) -> StaticVectors:  # noqa: ANN401  # JSON
    """Return skip-gram vectors of the plan's corpora, kept in ``work`` since tasks may share them."""
    key = hashlib.sha256(json.dumps(corpora, sort_keys=True).encode()).hexdigest()[:12]
    file = work / "vectors" / f"{key}.npz"
    if not file.exists():
        say(f"{plan.task}: training word vectors on {', '.join(plan.corpora)} …")
        vectors = skip_gram([text for name in plan.corpora for text in load(name).splits["train"].texts])
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, words=np.array(vectors.words), vectors=vectors.vectors)
    return read_vectors(file)


def tell(say: Say, name: str, record: dict[str, Any]) -> None:
    """Say one line about an epoch."""
    p = record["p"]
    shown = "" if not p else "  p " + " ".join(f"{value:.3f}" for value in p)
    say(
        f"{name} epoch {record['epoch']}: loss {record['loss']:.4f}  dev {record['dev_accuracy']:.4f}{shown}  "
        f"({record['seconds']:.0f} s)"
    )
