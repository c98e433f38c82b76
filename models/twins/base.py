"""What a kind of twin is: the facts of its experiment, and what its training minimises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.training.batches import Rows
from models.training.objective import Objective
from models.training.recipe import Option, Recipe


@dataclass(frozen=True, slots=True)
class Material:
    """What a twin may be made of: its base, the base's training id rows, and other classifiers by their id."""

    base: PoolingClassifier
    rows: Rows
    load: Callable[[str], PoolingClassifier]


class Twin(Objective):
    """Base of all kinds. A kind that differs in its recipe alone (seed, pooler, encoder) keeps the usual objective.

    Class facts: ``question``, what the kind was made to ask; ``formula``, what differs.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]

    @classmethod
    def make(cls, options: Mapping[str, Option], material: Material) -> Twin:
        """Build the objective from a recipe's ``twin_options``.

        Raises:
            PoolScopeError: an option is missing or unknown, or has no meaning.
        """
        numbers(cls, options)
        return cls()

    def facts(self) -> dict[str, Any]:
        """Return what a card should say of how the twin was made besides its options."""
        return {}

    def measure(self, classifier: PoolingClassifier, rows: Rows) -> dict[str, Any]:
        """Return what a card should say of the test texts besides the distances to the base."""
        return {}


def numbers(kind: type[Twin], options: Mapping[str, Option], *names: str) -> list[float]:
    """Return the options called ``names``, each a number of 0 or more; ``of`` and ``guide`` are ids and stay aside.

    Raises:
        PoolScopeError: one is missing or below 0, or there is an option of another name.
    """
    found = {name: value for name, value in options.items() if name not in ("of", "guide")}
    if set(found) != set(names):
        raise PoolScopeError(
            f"{kind.name} twin: options {', '.join(sorted(found)) or 'none'} came; "
            f"expected {', '.join(names) or 'none'}"
        )
    for name in names:
        value = found[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise PoolScopeError(f"{kind.name} twin: {name} came as {value!r}; expected a number of 0 or more")
    return [float(found[name]) for name in names]


def objective(recipe: Recipe, kinds: Mapping[str, type[Twin]], material: Material) -> Twin | None:
    """Return what ``recipe`` minimises, or ``None`` where that is the usual.

    Raises:
        PoolScopeError: no such kind, or options that do not fit it.
    """
    return kinds[recipe.twin].make(dict(recipe.twin_options), material) if recipe.twin else None
