"""Rebuild the shipped twins from their recipes, skipping what is up to date."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from models.assemble import assemble
from models.classifier import PoolingClassifier
from models.data.dataset import Dataset
from models.training.batches import Rows, predict
from models.training.objective import Objective
from models.training.recipe import Recipe
from models.training.scores import scores
from models.training.trainer import train
from models.twins import TWINS
from models.twins.base import Material, objective
from models.twins.compare import Reference, distances
from models.zoo.build import up_to_date
from models.zoo.catalogue import SHIPPED, Card, find, read_card
from models.zoo.errors import ZooError
from models.zoo.publish import publish
from models.zoo.recipes import TaskPlan
from models.zoo.store import describe, from_card, load_classifier, put
from models.zoo.twins import PlannedTwin, twin_recipes
from models.zoo.workshop import Load, Say, Workshop

# Twins are many, so their matrices have seven bits a number; eight where seven would be felt.
BITS: Final = (7, 8)
# What the uniform twin's card takes over from that of mean pooling.
KEPT: Final = ("data", "best_epoch", "seconds", "history", "software", "parameters", "rounding")


def build_twins(
    plan: TaskPlan, load: Load, *, folder: Path = SHIPPED, work: Path = Path("runs"), only: str = "", say: Say = print
) -> None:
    """Train the twins of one task; arguments as in :func:`models.zoo.build.build`, which has to come before.

    Raises:
        ZooError: a classifier that a twin is made from is not in ``folder``.
    """
    wanted = [planned for planned in twin_recipes(plan) if only in planned.recipe.id]
    if not wanted:
        return
    shop = Workshop(plan, load, folder, work, say)
    dataset, plain = shop.dataset, shop.word_entry(whole=plan.plain)
    reference: Reference | None = None
    for planned in wanted:
        recipe = planned.recipe
        entry = shop.tuned_entry() if recipe.vectors == "task-tuned" else plain
        if _done(folder, planned, dataset, entry):
            say(f"{recipe.id}: up to date")
            continue
        table = shop.read(entry)
        encoded = shop.rows(recipe, entry, table)
        if reference is None or reference.base.spec.id != planned.of:
            reference = Reference(load_classifier(planned.of, folder), encoded["test"])
        base = reference.base
        if planned.kind == "uniform":
            card = _uniform(folder, planned, reference, dataset, encoded)
            say(f"{recipe.id}: test accuracy {card.accuracy:.4f}, the weights of mean pooling")
            continue
        material = Material(base, encoded["train"], partial(load_classifier, folder=folder))
        aim = objective(recipe, TWINS, material)
        trained = train(
            recipe, dataset, table=table, encoded=encoded, folder=work / "zoo" / recipe.id.replace("/", "-"),
            epoch_done=partial(shop.tell, recipe), objective=aim, test=False,
        )  # fmt: skip
        weigh = aim.weigh if aim else None
        card = publish(
            folder, recipe, dataset, trained, entry, encoded, bits=BITS,
            logits=lambda shipped, split: predict(shipped, encoded[split], weigh=weigh),  # noqa: B023  # called at once
            more=partial(_twin, planned, aim, reference), splits=("validation", "test"),
        )  # fmt: skip
        say(f"{recipe.id}: test accuracy {card.accuracy:.4f} after epoch {trained.best_epoch}, {trained.seconds:.0f} s")


def _done(folder: Path, planned: PlannedTwin, dataset: Dataset, entry: dict[str, Any]) -> bool:
    """Say whether the twin is there, whole, from this recipe, and measured against the base that is there."""
    if not up_to_date(folder, planned.recipe, dataset, entry):
        return False
    said = read_card(folder / planned.recipe.task / f"{planned.recipe.stem}.json").twin or {}
    return said.get("of_digest") == find(planned.of, folder).spec.digest


def _twin(
    planned: PlannedTwin, aim: Objective | None, reference: Reference, shipped: PoolingClassifier
) -> dict[str, Any]:
    """Return the card's account of a twin: what it is, and how far it is from its base on the test texts."""
    kind = aim if isinstance(aim, TWINS[planned.kind]) else None
    apart = distances(shipped, reference, weigh=kind.weigh if kind else None)
    told: Mapping[str, Any] = {**kind.facts(), **kind.measure(shipped, reference.rows)} if kind else {}
    return {
        "twin": {
            "kind": planned.kind, "of": planned.of, "of_digest": reference.base.spec.digest, **planned.said,
            **apart.to_dict(), **told,
        }
    }  # fmt: skip


def _uniform(
    folder: Path, planned: PlannedTwin, reference: Reference, dataset: Dataset, encoded: Mapping[str, Rows]
) -> Card:
    """Write the card of the uniform twin over the weights of mean pooling, which computes the same function.

    Raises:
        ZooError: the task has no such classifier, or it was trained in another way.
    """
    recipe = planned.recipe
    other = find(f"{recipe.task}/{recipe.encoder}/mean", folder)
    same = {"pooler", "pooler_options", "label"}
    mine, theirs = recipe.to_dict(), Recipe.from_dict(other.record["recipe"]).to_dict()
    if any(mine[name] != theirs[name] for name in mine.keys() - same):
        raise ZooError(f"{other.spec.id} was trained in another way than {recipe.id} is to be; build it again")
    facts = {name: other.record[name] for name in KEPT}
    facts["history"] = [{**epoch, "probes": []} for epoch in facts["history"]]
    mean = from_card(other)
    blank = assemble(recipe, dataset.labels, mean.vocabulary, table=mean.table.weight)
    card = describe(other.path.parent, blank, recipe, other.record["table"], other.record["weights"], facts)
    shipped = from_card(card)
    metrics = {
        name: scores(predict(shipped, encoded[name]), dataset.splits[name].labels) for name in ("validation", "test")
    }
    record = {**card.record, "metrics": metrics, **_twin(planned, None, reference, shipped)}
    return put(Card(card.spec, record, card.path), None)
