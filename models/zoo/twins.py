"""Every shipped twin, as data: which classifiers have twins, of which kinds, with which numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from models.training.recipe import Option, Recipe
from models.zoo.recipes import TaskPlan, recipes

# Tasks whose BiLSTM with additive attention has twins of all kinds.
TWINNED: Final = ("sst2", "covid_fake_news", "imdb")
# Other classifiers, with their seeds alone.
SEEDED: Final = {"sst2/bilstm/apln": (2, 3), "sst2/bilstm/learned_norm": (2,)}
SEEDS: Final = (2, 3, 4, 5)
# λ of the adversaries: from an attention as near as another seed's to one as far as there is.
STRENGTHS: Final = (0.001, 0.005, 0.007, 0.01, 0.1)
# λ of the deceivers and the number of words they must not be seen attending to; λ = 0 is the base.
DECEIT: Final = (0.1, 1.0)
WORDS: Final = 200
DIVERSITY: Final = 0.5
# The adversary whose attention guides a context-free model.
GUIDING: Final = 0.01


@dataclass(frozen=True, slots=True)
class PlannedTwin:
    """A twin to ship: its kind, the id it is a twin of, its recipe, and what the recipe alone does not tell."""

    kind: str
    of: str
    recipe: Recipe
    said: dict[str, Option] = field(default_factory=dict)


def twin_recipes(plan: TaskPlan) -> Iterator[PlannedTwin]:
    """Yield the twins of one task, each after those it needs."""
    shipped = {recipe.id: recipe for recipe in recipes(plan)}
    if plan.task in TWINNED:
        base = shipped[f"{plan.task}/bilstm/attention"]
        yield from _seeds(base, SEEDS)
        yield from _all(plan, base)
    for model_id, seeds in SEEDED.items():
        if model_id in shipped:
            yield from _seeds(shipped[model_id], seeds)


def _seeds(base: Recipe, seeds: tuple[int, ...]) -> Iterator[PlannedTwin]:
    for seed in seeds:
        yield PlannedTwin("seed", base.id, replace(base, seed=seed))


def _all(plan: TaskPlan, base: Recipe) -> Iterator[PlannedTwin]:
    uniform = (("uniform", True),)
    yield PlannedTwin("uniform", base.id, replace(base, label="uniform", pooler_options=uniform))
    for strength in STRENGTHS:
        yield _trained(base, "adversarial", {"lambda": strength})
    for strength in DECEIT:
        yield _trained(base, "deceptive", {"lambda": strength, "words": WORDS})
    yield _trained(base, "diversity", {"lambda": DIVERSITY})
    yield PlannedTwin("orthogonal", base.id, replace(base, encoder="orthogonal_lstm"))
    # Without context a word's vector is all there is: the table that was tuned for such readers, where one is shipped.
    vectors = "task-tuned" if "embedding" in {*plan.tuned} & {*plan.encoders} else base.vectors
    free = replace(base, encoder="embedding", vectors=vectors)
    guided = {
        "uniform": replace(free, label="guided_uniform", pooler_options=uniform),
        "own": replace(free, label="guided_own"),
        "base": _guided(free, base, base.id),
        "adversary": _guided(free, base, replace(base, label=f"adversarial_{GUIDING:g}").id),
    }
    for guide, recipe in guided.items():
        said = {"weights": guide} | {name: value for name, value in recipe.twin_options if name == "guide"}
        yield PlannedTwin("guided", base.id, replace(recipe, label=f"guided_{guide}"), said)


def _guided(free: Recipe, base: Recipe, guide: str) -> Recipe:
    # Uniform stands in until the weights are imposed.
    options: dict[str, Option] = {"guide": guide, "of": base.id}
    return replace(free, pooler_options=(("uniform", True),), twin="guided", twin_options=tuple(options.items()))


def _trained(base: Recipe, kind: str, options: dict[str, Option]) -> PlannedTwin:
    label = f"{kind}_{options['lambda']:g}"
    settled = (*options.items(), ("of", base.id))
    return PlannedTwin(kind, base.id, replace(base, label=label, twin=kind, twin_options=settled), dict(options))
