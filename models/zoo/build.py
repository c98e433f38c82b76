"""Rebuild the shipped zoo from its recipes, skipping what is up to date."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from models.assemble import base_of
from models.data.dataset import Dataset
from models.training.recipe import Recipe
from models.training.trainer import train
from models.training.word_table import WordTable
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
)
from models.zoo.store import from_card
from models.zoo.workshop import Load, Say, Workshop


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
    shop = Workshop(plan, load, folder, work, say)
    plain = shop.word_entry(whole=plan.plain)
    for recipe in recipes(plan):
        if only not in recipe.id:
            continue
        base = base_of(recipe)
        if base is not None:
            entry = base.entry()
        elif recipe.vectors == "task-tuned":
            entry = shop.tuned_entry()
        else:
            entry = plain
        bits = WIDTHS.get(recipe.encoder, 16)
        if up_to_date(folder, recipe, shop.dataset, entry, bits):
            say(f"{recipe.id}: up to date")
            continue
        table = shop.read(entry)
        encoded = shop.rows(recipe, entry, table)
        trained = train(
            recipe, shop.dataset, table=table, encoded=encoded, probes=PROBES.get(plan.task, ()),
            folder=work / "zoo" / recipe.id.replace("/", "-"),
            epoch_done=partial(shop.tell, recipe),
        )  # fmt: skip
        card = publish(folder, recipe, shop.dataset, trained, entry, encoded, bits=(bits,))
        say(f"{recipe.id}: test accuracy {card.accuracy:.4f} after epoch {trained.best_epoch}, {trained.seconds:.0f} s")


def build_pretrained(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train the task's classifiers over a pretrained encoder; arguments as in :func:`build`."""
    wanted = [recipe for recipe in pretrained_recipes(plan) if only in recipe.id]
    if not wanted:
        return
    shop = Workshop(plan, load, folder, work, say)
    _build_over(TunedEncoder(pretrained_tuning(plan), shop.dataset, folder, work), wanted, shop)


def build_ngrams(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train the task's classifiers over n-grams; arguments as in :func:`build`."""
    wanted = [recipe for recipe in ngram_recipes(plan) if only in recipe.id]
    if not wanted:
        return
    shop = Workshop(plan, load, folder, work, say)
    entry = shop.word_entry(whole=True) if plan.plain else shop.tuned_entry()
    _build_over(TunedEncoder(ngram_tuning(plan), shop.dataset, folder, work, shop.read(entry), entry), wanted, shop)


def _build_over(encoder: TunedEncoder, wanted: Sequence[Recipe], shop: Workshop) -> None:
    """Train a pooler and a head per recipe on the states of one encoder."""
    entry = encoder.entry(partial(shop.tell, encoder.recipe))
    for recipe in wanted:
        if up_to_date(encoder.folder, recipe, encoder.dataset, entry):
            shop.say(f"{recipe.id}: up to date")
            continue
        card = train_on(encoder, recipe, entry, partial(shop.tell, recipe))
        shop.say(f"{recipe.id}: test accuracy {card.accuracy:.4f}")


def word_table(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), say: Say = print
) -> WordTable:
    """Return the task's word table, trained now if it is missing or stale."""
    shop = Workshop(plan, load, folder, work, say)
    return shop.read(shop.word_entry(whole=True))


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
