"""The one record that stands for a labelled collection of texts, and its digest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from models.errors import PoolScopeError

SPLITS = ("train", "validation", "test")


class DataError(PoolScopeError):
    """Data that cannot be used: what came, what was expected, what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Split:
    """Texts and their class indices, in one order: ``labels[i]`` belongs to ``texts[i]``."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse two columns of different length."""
        if len(self.texts) != len(self.labels):
            raise ValueError(f"{len(self.texts)} texts but {len(self.labels)} labels")

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named dataset with train, validation and test splits.

    ``labels`` are the class names, a label is an index into them. ``card`` says where the data
    came from and what was done to it. ``digest`` is computed, never given: see :func:`digest_of`.

    Raises:
        DataError: a split is missing or empty, a text is empty, a label is no index into
            ``labels``, or the training split shows one class only.
    """

    name: str
    task: str
    language: str
    labels: tuple[str, ...]
    splits: Mapping[str, Split]
    card: Mapping[str, Any] = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Check every row once, so that no reader of a dataset needs to."""
        missing = [split for split in SPLITS if not self.splits.get(split)]
        if missing:
            raise DataError(
                f"dataset {self.name!r} has no rows in {', '.join(missing)}; all of {', '.join(SPLITS)} "
                "are needed: add the rows or the missing files."
            )
        for split, rows in self.splits.items():
            check_texts(rows.texts, f"the {split} split of {self.name!r}")
            _check_labels(rows.labels, self.labels, f"the {split} split of {self.name!r}")
        check_classes((self.labels[label] for label in self.splits["train"].labels), f"dataset {self.name!r}")
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))
        object.__setattr__(self, "card", MappingProxyType(dict(self.card)))
        object.__setattr__(self, "digest", digest_of(self.splits))


def digest_of(splits: Mapping[str, Split]) -> str:
    """SHA-256 over the splits in alphabetical order, each row as label, length of text, text.

    The lengths keep ``["ab", "c"]`` apart from ``["a", "bc"]``; two loads of the same rows in the
    same order give the same digest, whatever file they came from.
    """
    digest = hashlib.sha256()
    for split in sorted(splits):
        rows = splits[split]
        digest.update(f"{split}\0{len(rows)}\0".encode())
        for text, label in zip(rows.texts, rows.labels, strict=True):
            # A lone surrogate (possible in JSON) cannot be encoded otherwise.
            raw = text.encode("utf-8", "surrogatepass")
            digest.update(f"{label}\0{len(raw)}\0".encode())
            digest.update(raw)
    return digest.hexdigest()


def check_texts(texts: Iterable[object], where: str) -> None:
    """Refuse the first row of ``where`` that holds no text; rows are counted from 1."""
    for row, text in enumerate(texts, start=1):
        if not isinstance(text, str) or not text.strip():
            came = "an empty text" if text is None or isinstance(text, str) else f"{text!r} instead of a text"
            raise DataError(f"row {row} of {where} holds {came}: fill the row or take it out.")


def check_classes(names: Iterable[str], where: str) -> None:
    """Refuse training rows that all carry one class."""
    seen = set(names)
    if len(seen) == 1:
        raise DataError(
            f"{where} shows only one class in its training rows ({seen.pop()!r}); a classifier needs two or "
            "more: add rows of another class."
        )


def describe(splits: Mapping[str, Split], labels: tuple[str, ...]) -> dict[str, Any]:
    """Rows and class counts per split, and how many texts of one split stand in another too."""
    texts = {name: set(rows.texts) for name, rows in splits.items()}
    counts = {name: Counter(rows.labels) for name, rows in splits.items()}
    return {
        "splits": {
            name: {"rows": len(rows), "class_counts": [counts[name][index] for index in range(len(labels))]}
            for name, rows in splits.items()
        },
        "checks": {
            f"{left}_rows_also_in_{right}": sum(text in texts[right] for text in splits[left].texts)
            for left, right in (("train", "test"), ("validation", "test"), ("train", "validation"))
        },
    }


def _check_labels(labels: Iterable[object], names: tuple[str, ...], where: str) -> None:
    """Refuse the first label of ``where`` that is no index into ``names``."""
    for row, label in enumerate(labels, start=1):
        if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label < len(names):
            raise DataError(
                f"row {row} of {where} carries label {label!r}; expected a whole number from 0 to "
                f"{len(names) - 1} ({', '.join(names)}): correct the row."
            )
