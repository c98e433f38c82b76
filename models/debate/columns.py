"""A whole test set, one column per number and one entry per text, without the texts.

Shipped columns are quantised: every column holds multiples of one step, the coarsest of :data:`STEPS` at which no
text's percentile moves by more than :data:`MOVE`. Counts are exact; so are parts of the words, which are kept as
half words. Changes of the output, often tiny, are kept as square roots. A file is a NumPy archive (``.npz``) of
codes of 16 bits, their low and their high bytes apart since those pack better; 0 stands for no value. All quantiles
and percentiles are computed from these columns.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.debate.rows import ERASURES, METHODS, TAUS
from models.errors import PoolScopeError
from models.experiment_records import Measured, Reference

Numbers = npt.NDArray[np.float64]
FORMAT: Final = 2
STEPS: Final = (0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005, 0.00002, 0.00001)
MOVE: Final = 0.005
ROOTS: Final = ("permutation",)
COUNTS: Final = ("text", "words", "predicted", "right")
CODES: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers by name, each (n,) with NaN for none, and the step of each (0: not rounded).

    ``card`` says what they were measured with. ``p:`` columns are 1 where the p-value of a τ is .05 or less, else 0.
    """

    card: Mapping[str, Any]
    values: Mapping[str, Numbers]
    steps: Mapping[str, float]

    def falls(self, method: str, predicted: int | None = None) -> Reference | None:
        """Return the distribution of ``method`` over all texts, or those of one predicted class.

        ``None`` where no such text has a value.
        """
        if method not in self.values:
            return None
        own = slice(None) if predicted is None else self.values["predicted"] == predicted
        values = self.values[method][own]
        known = np.sort(values[~np.isnan(values)])
        if not known.size:
            return None
        tested = self.values[f"p:{method}"][own] if method in TAUS else np.array([])
        tested = tested[~np.isnan(tested)]
        return Reference(
            method=method,
            data=str(self.card["data"]),
            split=str(self.card["split"]),
            label="" if predicted is None else str(self.card["labels"][predicted]),
            n=int(known.size),
            mean=float(known.mean()),
            sd=float(known.std(ddof=1)) if known.size > 1 else None,
            significant=float(tested.mean()) if tested.size else None,
            values=tuple(known.tolist()),
            undefined=int(values.size - known.size),
            step=self.steps.get(method, 0.0),
            root=method in ROOTS and method in self.steps,
        )

    def measured(self) -> Measured:
        """Return everything as plain numbers."""
        kept = {name: [None if v != v else v for v in column.tolist()] for name, column in self.values.items()}
        text, words, predicted, right = (tuple(self.values[name].astype(int).tolist()) for name in COUNTS)
        return Measured(
            data=str(self.card["data"]), split=str(self.card["split"]), of=int(self.card["of"]),
            labels=tuple(self.card["labels"]), texts=text, words=words, predicted=predicted,
            right=tuple(map(bool, right)), largest=tuple(self.values["largest"].tolist()),
            numbers=tuple((name, tuple(kept[name])) for name in METHODS if name in kept),
        )  # fmt: skip


def columns(key: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], labels: Sequence[str]) -> Columns:
    """Return the columns of what ``models.debate.run`` wrote, a row per text and method, not rounded.

    Raises:
        PoolScopeError: no row came.
    """
    first: dict[int, Mapping[str, Any]] = {}
    found: dict[str, dict[int, float]] = {name: {} for name in METHODS}
    tested: dict[str, dict[int, float]] = {f"p:{name}": {} for name in TAUS}
    for row in rows:
        first.setdefault(row["text"], row)
        if row["method"] in found and row["value"] is not None:
            found[row["method"]][row["text"]] = row["value"]
        if row["method"] in TAUS and row["p_value"] is not None:
            tested[f"p:{row['method']}"][row["text"]] = float(row["p_value"] <= 0.05)
    if not first:
        raise PoolScopeError("No text was measured, so there is nothing to summarise.")
    texts = sorted(first)
    facts = {
        "text": texts,
        "words": [first[text]["words"] for text in texts],
        "predicted": [first[text]["predicted"] for text in texts],
        "right": [first[text]["predicted"] == first[text]["label"] for text in texts],
        "largest": [first[text]["largest"] for text in texts],
    }
    values = {name: np.array(column, dtype=np.float64) for name, column in facts.items()}
    for name, known in {**found, **tested}.items():
        column = np.array([known.get(text, np.nan) for text in texts])
        if not np.isnan(column).all():
            values[name] = column
    return Columns({**key, "labels": list(labels)}, values, {})


def step_of(values: Numbers) -> float:
    """Return the coarsest of :data:`STEPS` at which no percentile moves by more than :data:`MOVE`.

    Where there is none, the finest that 16 bits have room for.
    """
    known = np.round(values[~np.isnan(values)], 9)
    if not known.size:
        return STEPS[0]
    possible = [step for step in STEPS if float(np.ptp(known)) / step < CODES - 1]
    before = _percentiles(known)
    moved = (float(np.abs(_percentiles(np.round(known / step)) - before).max()) for step in possible)
    return next((step for step, move in zip(possible, moved, strict=True) if move <= MOVE), possible[-1])


def save(found: Columns, file: Path) -> None:
    """Write the columns, quantised."""
    packed, facts = [], []
    for name, column in found.values.items():
        kept = np.sqrt(column) if name in ROOTS else column * found.values["words"] if name in ERASURES else column
        step = _step(name, kept)
        codes = np.round(kept / step)
        first = int(np.nanmin(codes))
        packed.append(np.where(np.isnan(codes), 0, codes - first + 1).astype(np.uint16))
        facts.append({"name": name, "step": step, "low": first})
    card = json.dumps({"format": FORMAT, **found.card, "columns": facts}, ensure_ascii=False)
    table = np.stack(packed)
    file.parent.mkdir(parents=True, exist_ok=True)
    low, high = (table & 255).astype(np.uint8), (table >> 8).astype(np.uint8)
    # A handle, since NumPy would put its own ending behind any other name.
    with file.open("wb") as out:
        np.savez_compressed(out, card=np.frombuffer(card.encode(), np.uint8), low=low, high=high)


def load(file: Path) -> Columns:
    """Read columns back; values are multiples of their steps.

    Raises:
        PoolScopeError: the file is damaged, or none of this command.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            card = json.loads(archive["card"].tobytes())
            table = archive["low"].astype(np.int64) + 256 * archive["high"].astype(np.int64)
        facts = card.pop("columns")
        if card.pop("format") != FORMAT or len(facts) != len(table):
            raise ValueError("another format")
        values: dict[str, Numbers] = {}
        for fact, codes in zip(facts, table, strict=True):
            values[fact["name"]] = np.where(codes == 0, np.nan, (codes - 1 + fact["low"]) * float(fact["step"]))
        for name in set(ERASURES) & values.keys():
            values[name] = values[name] / values["words"]
        for name in set(ROOTS) & values.keys():
            values[name] = values[name] ** 2
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise PoolScopeError(
            f"{file.name} is damaged or of another make; write it anew: python -m models debate --summary."
        ) from error
    steps = {fact["name"]: float(fact["step"]) for fact in facts if fact["name"] not in ERASURES}
    return Columns(card, values, steps)


def _step(name: str, column: Numbers) -> float:
    if name in COUNTS or name.startswith("p:"):
        return 1.0
    # The median of ten chance orders may lie between two words.
    return 0.5 if name in ERASURES else step_of(column)


def _percentiles(values: Numbers) -> Numbers:
    """The part of ``values`` below each of them, ties counted half."""
    ordered = np.sort(values)
    found: Numbers = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    return found / max(1, values.size)
