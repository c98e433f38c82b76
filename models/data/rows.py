"""From raw columns to splits: labels as names, names as indices, splits drawn where none came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from models.data.dataset import DataError, Split

SEED = 13
FRACTION = 0.1
WHOLE = re.compile(r"-?\d+")


def label_names(values: Iterable[object], where: str) -> tuple[str, ...]:
    """Turn each label into a name: text is trimmed, 2 and 2.0 become ``"2"``, True ``"true"``.

    Raises:
        DataError: a label is missing (empty, null, NaN) or neither text nor a whole number; the
            message names the row, counted from 1.
    """
    return tuple(_label_name(value, row, where) for row, value in enumerate(values, start=1))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the different names, by value where all are whole numbers, else alphabetically."""
    different = sorted(set(names))
    if all(WHOLE.fullmatch(name) for name in different):
        different.sort(key=int)
    return tuple(different)


def as_indices(names: Iterable[str], labels: Sequence[str], where: str) -> tuple[int, ...]:
    """Replace each name by its index in ``labels``; refuse a name that is not among them."""
    index = {label: position for position, label in enumerate(labels)}
    found = []
    for row, name in enumerate(names, start=1):
        if name not in index:
            raise DataError(
                f"row {row} of {where} carries label {name!r}, which no training row has "
                f"({', '.join(labels)}): correct the label or add training rows of it."
            )
        found.append(index[name])
    return tuple(found)


def draw(split: Split, wanted: Sequence[str], labels: Sequence[str], where: str, seed: int) -> dict[str, Split]:
    """Draw the splits named in ``wanted`` from ``split``; what stays is ``"train"``.

    Each takes a tenth of all rows (at least one row per class), stratified by label with a fixed
    seed; rows keep their order, and every class keeps a training row.

    Raises:
        DataError: a class has too few rows to be divided.
    """
    needed = len(wanted) + 1
    for label, count in sorted(Counter(split.labels).items()):
        if count < needed:
            raise DataError(
                f"class {labels[label]!r} of {where} has {count} row{'s' * (count > 1)}, but drawing "
                f"{' and '.join(wanted)} from the training rows needs {needed} of each class: add rows, "
                "or give separate files."
            )
    from sklearn.model_selection import train_test_split  # 0.6 s, and most datasets come divided

    size = max(round(FRACTION * len(split)), len(set(split.labels)))
    kept = list(range(len(split)))
    drawn = {}
    for name in wanted:
        kept, taken = train_test_split(
            kept, test_size=size, random_state=seed, stratify=[split.labels[row] for row in kept]
        )
        drawn[name] = _take(split, taken)
    return {"train": _take(split, kept), **drawn}


def _take(split: Split, rows: Iterable[int]) -> Split:
    """Return the given rows in their order in the file."""
    order = sorted(rows)
    return Split(tuple(split.texts[row] for row in order), tuple(split.labels[row] for row in order))


def _label_name(value: object, row: int, where: str) -> str:
    """Name of one label; see :func:`label_names`."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None or value != value or isinstance(value, str):  # NaN is the value that differs from itself
        raise DataError(f"row {row} of {where} has no label: fill it or take the row out.")
    raise DataError(f"row {row} of {where} carries label {value!r}; expected text or a whole number: correct the row.")
