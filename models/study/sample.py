"""The rows of one (task, seed): drawn once, the same for every encoder and pooler, so differences are paired."""

from __future__ import annotations

import numpy as np

from models.data.dataset import Dataset, Split
from models.study.design import DEV_ROWS, TEST_ROWS, StudyTask

# Validation and test rows do not change with the seed: every run is scored on the same.
FIXED = 0


def sample(dataset: Dataset, task: StudyTask, seed: int) -> Dataset:
    """Return ``dataset`` with at most ``task.train_rows`` training rows drawn by ``seed``.

    Validation and test are cut to at most ``DEV_ROWS`` and ``TEST_ROWS`` rows drawn by a fixed seed.
    All draws are without replacement and keep the rows' order. The digest of the result tells
    whether two runs saw the same rows.
    """
    limits = {"train": (task.train_rows, seed), "validation": (DEV_ROWS, FIXED), "test": (TEST_ROWS, FIXED)}
    splits = {name: _draw(dataset.splits[name], *limit) for name, limit in limits.items()}
    return Dataset(dataset.name, dataset.task, dataset.language, dataset.labels, splits, dataset.card)


def _draw(rows: Split, limit: int, seed: int) -> Split:
    if len(rows) <= limit:
        return rows
    picked = np.sort(np.random.default_rng(seed).choice(len(rows), limit, replace=False)).tolist()
    return Split(tuple(rows.texts[i] for i in picked), tuple(rows.labels[i] for i in picked))
