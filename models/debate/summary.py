"""A whole test set in a few numbers: quantiles of every method per predicted class, no text and no row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.debate.rows import METHODS
from models.errors import PoolScopeError

POINTS: Final = 51
DIGITS: Final = 4


def summarise(key: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """Return quantiles 0, 2, …, 100 % of each method, over all texts and per predicted class.

    ``significant`` is the share of texts whose p-value is .05 or less, ``undefined`` counts texts without a value.

    Raises:
        PoolScopeError: no row came.
    """
    rows = list(rows)
    if not rows:
        raise PoolScopeError("No text was measured, so there is nothing to summarise.")
    groups: dict[str, Any] = {}
    for label in (None, *range(len(labels))):
        found = [row for row in rows if label is None or row["predicted"] == label]
        texts = len({row["text"] for row in found})
        if texts:
            name = "all" if label is None else str(label)
            groups[name] = {"texts": texts, "methods": {m: s for m in METHODS if (s := _method(m, found))}}
    return {"format": 1, **key, "labels": list(labels), "groups": groups}


def _method(method: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One method in one group; empty where it has no value on any text."""
    own = [row for row in rows if row["method"] == method]
    values = np.array([row["value"] for row in own if row["value"] is not None])
    if not values.size:
        return {}
    tested = [row["p_value"] for row in own if row["p_value"] is not None]
    said: dict[str, Any] = {
        "n": int(values.size),
        "undefined": len(own) - int(values.size),
        "mean": round(float(values.mean()), DIGITS),
        "sd": round(float(values.std(ddof=1)), DIGITS) if values.size > 1 else None,
        "quantiles": [round(float(q), DIGITS) for q in np.quantile(values, np.linspace(0, 1, POINTS))],
    }
    if tested:
        said["significant"] = round(sum(p <= 0.05 for p in tested) / len(tested), DIGITS)
    return said


def save(summary: Mapping[str, Any], file: Path) -> None:
    """Write a summary as one line of JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(summary, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
