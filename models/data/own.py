"""The user's own file: CSV, TSV, JSONL or Parquet with a column of texts and a column of labels."""

from __future__ import annotations

import os
from pathlib import Path

from models.data.dataset import Dataset, Split, check_classes, describe
from models.data.files import read_columns
from models.data.rows import SEED, as_indices, draw, in_order, label_names


def load_file(
    path: str | os.PathLike[str],
    *,
    text: str = "text",
    label: str = "label",
    validation: str | os.PathLike[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    name: str | None = None,
    task: str = "own",
    language: str = "en",
    seed: int = SEED,
) -> Dataset:
    """Read a dataset from the user's own files.

    ``text`` and ``label`` name the columns. Labels may be text or whole numbers; their order is
    numerical or alphabetical. A split without a file of its own is drawn from the training rows:
    a tenth of them, stratified, with ``seed``; the card says so.

    Raises:
        DataError: a file is missing, unreadable, empty or of an unknown kind, lacks a column, has
            an empty text or a missing label, or a label that the training rows do not know; or
            the training rows show one class only or too few rows of a class.
    """
    train = Path(path)
    given = {"train": path, "validation": validation, "test": test}
    files = {split: Path(file) for split, file in given.items() if file is not None}
    columns = {split: read_columns(file, text, label) for split, file in files.items()}
    names = {split: label_names(columns[split][1], file.name) for split, file in files.items()}
    check_classes(names["train"], train.name)
    labels = in_order(names["train"])
    splits = {
        split: Split(tuple(map(str, columns[split][0])), as_indices(names[split], labels, file.name))
        for split, file in files.items()
    }
    wanted = [split for split in ("validation", "test") if split not in files]
    if wanted:
        splits |= draw(splits["train"], wanted, labels, train.name, seed)
    return Dataset(
        name=name or train.stem,
        task=task,
        language=language,
        labels=labels,
        splits=splits,
        card={
            "name": name or train.stem,
            "task": task,
            "language": language,
            "labels": list(labels),
            # File names only: where they lie on this machine is nobody's business.
            "sources": [{"file": file.name, "split": split} for split, file in files.items()],
            "columns": {"text": text, "label": label},
            "processing": [f"{split}: drawn from {train.name}, stratified by label" for split in wanted],
            "split_seed": seed if wanted else None,
            **describe(splits, labels),
        },
    )
