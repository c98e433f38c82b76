"""Train the baselines of one task by scikit-learn and write them; every choice is made on the dev split."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.baselines.catalogue import SHIPPED, find_card
from models.baselines.corpus import MIN_TEXTS, SELECTIONS, Corpus, Selection, vectors
from models.baselines.features import Features, Vector
from models.baselines.kinds import BASELINES
from models.baselines.kinds.base import Baseline, Setting
from models.baselines.store import load_baseline, write
from models.data.dataset import Dataset
from models.zoo.errors import ZooError

Load = Callable[[str], Dataset]
Say = Callable[[str], None]

# How many features: enough for a baseline that is no straw man, few enough to be shipped.
LIMIT: Final = 12_000
LIMITS: Final[Mapping[str, int]] = {"sst2": 20_000, "newsgroups20": 14_000, "semeval2010_task8": 8_000}
# The quick ones, at one setting, try the features; then all read what was chosen.
TRIED: Final[Mapping[str, Setting]] = {"linear_svm": {"C": 0.3}, "naive_bayes": {"alpha": 0.3}}
SOFTWARE: Final = ("numpy", "scipy", "scikit-learn", "safetensors")


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to choose features on one data set, and the dev accuracy of the quick baselines on it."""

    corpus: Corpus
    selection: Selection
    chosen: NDArray[np.int64]
    dev: Mapping[str, float]

    @property
    def best(self) -> float:
        """The highest dev accuracy."""
        return max(self.dev.values())

    def record(self) -> dict[str, Any]:
        """Return the trial for the card."""
        return {
            "data": self.corpus.dataset.name, "pairs": self.selection.pairs, "by": self.selection.by,
            "count": len(self.chosen), "validation": self.dev,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """A baseline at the setting that did best on dev, and the dev accuracy at every setting tried."""

    model: Baseline
    setting: Mapping[str, float]
    grid: Sequence[Mapping[str, float]]
    dev: float


def build(
    task: str, names: Sequence[str], load: Load, *, folder: Path = SHIPPED, limit: int | None = None, say: Say = print
) -> None:
    """Train every baseline of ``task`` unless the files that are there come from the same data and plan.

    Args:
        task: the task's name.
        names: data sets with the same dev and test sentences; the one that reads dev best is used.
        load: from a data set's name to the data set.
        folder: where the baselines of all tasks are.
        limit: how many features at most; default: the plan's.
        say: told one line per step.
    """
    started = time.perf_counter()
    datasets = [load(name) for name in names]
    plan = plan_of(limit or LIMITS.get(task, LIMIT), datasets)
    if up_to_date(task, plan, folder):
        say(f"{task}: baselines up to date")
        return
    trials = [trial for dataset in datasets for trial in _trials(Corpus(dataset), plan["limit"])]
    best = max(trials, key=lambda trial: trial.best)
    corpus, dataset, features = best.corpus, best.corpus.dataset, best.corpus.features(best.chosen)
    say(f"{task}: {len(features):,} features of {dataset.name}, dev accuracy {best.best:.4f} ({best.selection})")
    models: dict[str, Baseline] = {}
    each: dict[str, dict[str, Any]] = {}
    for name, kind in BASELINES.items():
        fitted = fit(kind, corpus, best.chosen)
        precision, models[name], moved = _stored(fitted, corpus, best.chosen)
        each[name] = {
            "setting": dict(fitted.setting), "grid": list(fitted.grid), "precision": precision, "rounding": moved,
            "metrics": {split: measure(models[name], features, corpus, split) for split in ("validation", "test")},
        }  # fmt: skip
        test = each[name]["metrics"]["test"]
        say(f"{task}/{name}: {fitted.setting}, dev accuracy {fitted.dev:.4f}, test accuracy {test['accuracy']:.4f}, "
            f"macro-F1 {test['macro_f1']:.4f}, {precision}")  # fmt: skip
    facts = {
        "data": {
            "name": dataset.name,
            "digest": dataset.digest,
            "rows": {name: len(split) for name, split in dataset.splits.items()},
            "majority": _majority(corpus),
        },
        "features": {"by": best.selection.by, "candidates": len(corpus.candidates), "min_texts": MIN_TEXTS},
        "plan": plan,
        "trials": [trial.record() for trial in trials],
        "software": {"python": platform.python_version()} | {name: version(name) for name in SOFTWARE},
        "seconds": round(time.perf_counter() - started, 1),
    }
    write(folder, task, dataset.labels, features, models, facts, each)


def plan_of(limit: int, datasets: Iterable[Dataset]) -> dict[str, Any]:
    """Return all that decides what is built: data, limit, grids."""
    return {
        "data": {dataset.name: dataset.digest for dataset in datasets},
        "limit": limit,
        "min_texts": MIN_TEXTS,
        "tried": {name: dict(setting) for name, setting in TRIED.items()},
        "grids": {name: [dict(setting) for setting in kind.grid] for name, kind in BASELINES.items()},
    }


def up_to_date(task: str, plan: Mapping[str, Any], folder: Path) -> bool:
    """Say whether a task's files are whole and come from this plan."""
    card = find_card(task, folder)
    if card is None or card.get("plan") != plan or set(card["baselines"]) != set(BASELINES):
        return False
    try:
        for name in BASELINES:
            load_baseline(task, name, folder)
    except ZooError:
        return False
    return True


def fit(
    kind: type[Baseline], corpus: Corpus, chosen: NDArray[np.int64], grid: Sequence[Setting] | None = None
) -> Fitted:
    """Train ``kind`` at every setting of its grid; the best on dev is kept, on a tie the first, most regular one."""
    matrix, labels = corpus.matrix("train", chosen, kind.reads), corpus.labels["train"]
    dev = list(vectors(corpus.matrix("validation", chosen, kind.reads)))
    tried = []
    for setting in grid or kind.grid:
        model = kind.fit(matrix, labels, setting)
        tried.append((_accuracy(model, dev, corpus.labels["validation"]), model, setting))
    best = max(tried, key=lambda row: row[0])
    told = [{**setting, "validation": accuracy} for accuracy, _, setting in tried]
    return Fitted(best[1], best[2], told, best[0])


def measure(model: Baseline, features: Features, corpus: Corpus, split: str) -> dict[str, float]:
    """Return accuracy and macro-F1 of the arrays that are stored, read by our own code."""
    import torch

    from models.training.scores import scores

    values = np.stack([model.decide(features.vector(keys, model.reads)) for keys in corpus.keys[split]])
    return scores(torch.from_numpy(values), corpus.labels[split].tolist())


def _trials(corpus: Corpus, limit: int) -> Iterable[Trial]:
    """Yield a trial for every way to choose features."""
    for pairs, by in SELECTIONS:
        selection = Selection(pairs, by, limit)
        chosen = corpus.choose(selection)
        dev = {name: fit(BASELINES[name], corpus, chosen, (setting,)).dev for name, setting in TRIED.items()}
        yield Trial(corpus, selection, chosen, dev)


def _stored(fitted: Fitted, corpus: Corpus, chosen: NDArray[np.int64]) -> tuple[str, Baseline, float]:
    """Return the smallest form that loses nothing on dev: precision, baseline, how far dev accuracy moved."""
    dev = list(vectors(corpus.matrix("validation", chosen, fitted.model.reads)))
    for precision, model in fitted.model.stored():
        accuracy = _accuracy(model, dev, corpus.labels["validation"])
        if accuracy >= fitted.dev:
            return precision, model, accuracy - fitted.dev
    raise AssertionError("the last form is the trained one")


def _accuracy(model: Baseline, rows: Iterable[Vector], labels: NDArray[np.int64]) -> float:
    predicted = np.array([int(model.decide(row).argmax()) for row in rows])
    return float((predicted == labels).mean())


def _majority(corpus: Corpus) -> float:
    """Return the test accuracy of always answering the most frequent training class."""
    most = np.bincount(corpus.labels["train"]).argmax()
    return float((corpus.labels["test"] == most).mean())
