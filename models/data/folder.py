"""Named datasets from a local folder: ``NAME/{train,validation,test}.parquet`` and ``NAME/card.json``.

The folder is given by the caller or by the environment variable ``POOLSCOPE_DATA``. Each Parquet
file has a column ``text`` (string) and a column ``label`` (integer, an index into ``labels`` of the
card); other columns are ignored.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.data.dataset import SPLITS, DataError, Dataset, Split

VARIABLE = "POOLSCOPE_DATA"


def available(root: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the datasets in the folder, sorted: its subfolders that hold a ``card.json``.

    Raises:
        DataError: no folder was named, or it does not exist.
    """
    return tuple(sorted(card.parent.name for card in _root(root).glob("*/card.json")))


def load_dataset(name: str, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Read one named dataset from ``root`` (default: the folder that ``POOLSCOPE_DATA`` names).

    Raises:
        DataError: folder, dataset, card, file or column is missing or damaged; the message lists
            the names that are there.
    """
    folder = _root(root)
    names = available(folder)
    if name not in names:
        listed = f"it holds {', '.join(names)}" if names else "it holds no dataset (NAME/card.json)"
        raise DataError(f"there is no dataset {name!r} in the data folder; {listed}: choose one of those.")
    card = _read_card(folder / name / "card.json", name)
    splits = {split: _read_split(folder / name / f"{split}.parquet", name) for split in SPLITS}
    return Dataset(
        name=name,
        task=str(card.get("task", "")),
        language=str(card.get("language", "en")),
        labels=tuple(card["labels"]),
        splits=splits,
        card=card,
    )


def _root(root: str | os.PathLike[str] | None) -> Path:
    """Return the data folder, given or from the environment; refuse one that is not there."""
    named = root if root is not None else os.environ.get(VARIABLE)
    if not named:
        raise DataError(
            f"no data folder was named: set {VARIABLE} to the folder that holds NAME/train.parquet, "
            "or ask for the hub or for a file of your own."
        )
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(f"the data folder {str(folder)!r} is not there: set {VARIABLE} to one that is.")
    return folder


def _read_card(path: Path, name: str) -> dict[str, Any]:
    """Parse ``card.json``; its ``labels`` must be two or more different names."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"card.json of dataset {name!r} cannot be read ({_brief(error)}): put an intact copy there."
        ) from error
    labels = card.get("labels") if isinstance(card, dict) else None
    named = isinstance(labels, list) and all(isinstance(label, str) and label for label in labels)
    if not isinstance(card, dict) or not named or len(set(labels or ())) < max(2, len(labels or ())):
        raise DataError(
            f"card.json of dataset {name!r} has labels {labels!r}; expected a list of two or more different "
            "names: correct the card."
        )
    return card


def _read_split(path: Path, name: str) -> Split:
    """Read the two columns of one Parquet file; :class:`Dataset` checks the rows."""
    file = f"{path.name} of dataset {name!r}"
    if not path.is_file():
        raise DataError(f"{file} is missing; a dataset has {', '.join(SPLITS)}.parquet: add the file.")
    try:
        columns = pq.read_schema(path).names
        absent = [column for column in ("text", "label") if column not in columns]
        if absent:
            raise DataError(
                f"{file} has no column {' and '.join(map(repr, absent))}, only {', '.join(columns)}: "
                "rename the columns to text and label."
            )
        table = pq.read_table(path, columns=["text", "label"])
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{file} cannot be read as Parquet ({_brief(error)}): put an intact copy in its place."
        ) from error
    return Split(tuple(table["text"].to_pylist()), tuple(table["label"].to_pylist()))


def _brief(error: Exception) -> str:
    """First line of an error, so that a message stays one sentence."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
