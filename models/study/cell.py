"""One run of the study: from a cell and a seed to a row, whatever comes of the training."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from statistics import median
from typing import Any, Final

from models.classifier import PoolingClassifier
from models.data.dataset import Dataset
from models.errors import PoolScopeError
from models.poolers.power import PowerPooler
from models.study.design import recipe_of, variant_of
from models.study.frozen import States, on_states, states_of
from models.study.overflow import score
from models.study_records import StudyCellKey, StudyRun
from models.training.batches import Rows, encode_splits
from models.training.recipe import Recipe
from models.training.scores import scores
from models.training.trainer import prepare, train
from models.training.word_table import WordTable

FROZEN: Final = frozenset({"pretrained"})
SOFTWARE: Final = ("torch", "numpy", "scikit-learn", "transformers")
APLN: Final[Mapping[str, Any]] = {"reading": "A", "limit": "relu_clip", "form": "log", "per_dimension": False}


@dataclass(slots=True)
class Bench:
    """What the runs of one (task, seed) share: rows, word table, and ids or states once computed."""

    dataset: Dataset
    table: WordTable
    table_sha: str
    ids: Mapping[str, Rows] = field(default_factory=dict)
    states: dict[str, States] = field(default_factory=dict)

    def start(self, recipe: Recipe) -> tuple[PoolingClassifier, Mapping[str, Rows]]:
        """Return the untrained classifier of ``recipe`` and the rows it reads.

        Raises:
            PoolScopeError: the encoder or pooler cannot be built here.
        """
        if recipe.encoder in FROZEN:
            if recipe.encoder not in self.states:
                plain = prepare(replace(recipe, pooler="mean", pooler_options=()), self.dataset, None)
                self.states[recipe.encoder] = states_of(plain, encode_splits(plain, self.dataset))
            states = self.states[recipe.encoder]
            return on_states(recipe, self.dataset.labels, states), states.rows
        classifier = prepare(recipe, self.dataset, self.table)
        self.ids = self.ids or encode_splits(classifier, self.dataset)
        return classifier, self.ids

    def words(self, encoder: str) -> str:
        """Digest of the word table that ``encoder`` reads; one that brings its own words has its name."""
        return encoder if encoder in FROZEN else self.table_sha


def name_of(key: StudyCellKey, seed: int, bench: Bench) -> str:
    """Return what a run is known by in the journals: recipe, rows and word table, in 16 hex digits."""
    recipe, usual = recipe_of(key, seed).to_dict(), Recipe("", "", "").to_dict()
    # A field that recipes learn later, with a default that changes nothing, must not rename old runs.
    chosen = {name: value for name, value in recipe.items() if value != usual[name]}
    parts = [key.group, chosen, bench.dataset.digest, bench.words(key.encoder)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def run_cell(key: StudyCellKey, seed: int, bench: Bench) -> StudyRun:
    """Train and score one cell at one seed; a run that diverges comes back as a failed row.

    Raises:
        PoolScopeError: the classifier cannot be built here; nothing was trained.
    """
    recipe, clock = recipe_of(key, seed), Clock()
    classifier, rows = bench.start(recipe)
    parameters = sum(p.numel() for p in classifier.parameters() if p.requires_grad)
    try:
        result = _scored(recipe, bench.dataset, classifier, rows, clock)
    except PoolScopeError as error:
        result = {"failed": str(error)}
    return StudyRun(**{
        **_facts(key, seed, bench), **dict.fromkeys(_RESULTS), "parameters": parameters, "dev_curve": tuple(clock.dev),
        "seconds_per_epoch": clock.wall, "cpu_seconds_per_epoch": clock.cpu, **result,
    })  # fmt: skip


_RESULTS: Final = (
    "best_epoch", "dev_accuracy", "accuracy", "macro_f1", "p_mean", "p_min", "p_max", "overflow", "pow_overflow",
    "pow_terms", "failed",
)  # fmt: skip


def _scored(
    recipe: Recipe, dataset: Dataset, classifier: PoolingClassifier, rows: Mapping[str, Rows], clock: Clock
) -> dict[str, Any]:
    trained = train(
        recipe, dataset, prepared=classifier, encoded=rows, test=False, progress=clock.batch, epoch_done=clock.epoch
    )
    passed = score(trained.classifier, rows["test"])
    if not bool(passed.logits.isfinite().all()):
        raise PoolScopeError(f"{recipe.id}: logits on the test rows are not finite; lower lr or p_lr")
    pooler = trained.classifier.pooler
    p = pooler.exponent.detach() if isinstance(pooler, PowerPooler) else None
    spread = (None, None, None) if p is None else (float(p.mean()), float(p.min()), float(p.max()))
    return {
        "best_epoch": trained.best_epoch, "dev_accuracy": trained.metrics["validation"]["accuracy"],
        **scores(passed.logits, dataset.splits["test"].labels),
        **dict(zip(("p_mean", "p_min", "p_max"), spread, strict=True)),
        "overflow": passed.overflow, "pow_overflow": passed.pow_overflow, "pow_terms": passed.pow_terms,
    }  # fmt: skip


def _facts(key: StudyCellKey, seed: int, bench: Bench) -> dict[str, Any]:
    recipe, variant, splits = recipe_of(key, seed), variant_of(key), bench.dataset.splits
    test, usual = Counter(splits["test"].labels), Counter(splits["train"].labels).most_common(1)[0][0]
    options = {**APLN, **dict(variant.options)} if variant.pooler == "apln" else dict.fromkeys(APLN)
    return {
        "group": key.group, "task": key.task, "dataset": recipe.dataset, "encoder": key.encoder,
        "pooler": variant.pooler, "variant": key.variant, "seed": seed, **options,
        "train_rows": len(splits["train"]), "dev_rows": len(splits["validation"]), "test_rows": len(splits["test"]),
        "max_tokens": recipe.max_tokens, "epochs": recipe.epochs, "majority": test[usual] / test.total(),
        "recipe_key": name_of(key, seed, bench), "data_digest": bench.dataset.digest,
        "table_sha": bench.words(key.encoder),
        "software": "; ".join(f"{package} {version(package)}" for package in SOFTWARE),
    }  # fmt: skip


class Clock:
    """Times and dev scores as a run goes on, kept also when it dies half way.

    CPU seconds are those of the batches alone, without the first one's start-up: n batches take
    n/(n−1) of what passes between the first and the last.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.dev: list[float] = []
        self._wall: list[float] = []
        self._cpu: list[float] = []
        self._first = 0.0

    def batch(self, _epoch: int, done: int, batches: int, _loss: float, _p: float | None) -> None:
        """Take the time after a batch."""
        now = time.process_time()
        if done == 1:
            self._first = now
        elif done == batches:
            self._cpu.append((now - self._first) * batches / (batches - 1))

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Take an epoch's record."""
        self._wall.append(float(record["seconds"]))
        self.dev.append(float(record["dev_accuracy"]))

    @property
    def wall(self) -> float | None:
        """Median seconds of an epoch by the clock on the wall."""
        return median(self._wall) if self._wall else None

    @property
    def cpu(self) -> float | None:
        """Median seconds of an epoch that this process computed."""
        return median(self._cpu) if self._cpu else None


def told(run: StudyRun) -> str:
    """Return one line about a run."""
    name = f"{run.group} {run.task}/{run.encoder}/{run.variant}@{run.seed}"
    if run.failed or run.accuracy is None:
        return f"{name}: failed: {run.failed}"
    p = "" if run.p_mean is None else f"  p {run.p_mean:.2f}"
    seconds = run.seconds_per_epoch or math.nan
    return f"{name}: test {run.accuracy:.4f}  dev {run.dev_accuracy:.4f}{p}  ({seconds:.1f} s an epoch)"
