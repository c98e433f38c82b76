"""The shipped distributions that a number is held against: read from cards, without torch."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from models.experiment_records import Reference
from models.records import ModelSpec

SHIPPED: Final = Path(__file__).parent.parent / "zoo" / "reference"


def file_of(model_id: str, folder: Path = SHIPPED) -> Path:
    """Where the summary of a classifier lies."""
    task, encoder, pooler = model_id.split("/", 2)
    return folder / task / f"{encoder}-{pooler}.json"


def reference(spec: ModelSpec, method: str, predicted: int, folder: Path = SHIPPED) -> Reference | None:
    """Return the distribution of ``method`` over the test texts for which ``spec`` predicts the same class.

    ``None`` where none is shipped, or where it was made with other weights.
    """
    path = file_of(spec.id, folder)
    if not path.is_file():
        return None
    found = _read(path, path.stat().st_mtime_ns)
    if found.get("digest") != spec.digest:
        return None
    group = found["groups"].get(str(predicted), {})
    said = group.get("methods", {}).get(method)
    if said is None:
        return None
    return Reference(
        method=method,
        data=str(found["data"]),
        split=str(found["split"]),
        label=spec.labels[predicted],
        n=int(said["n"]),
        mean=float(said["mean"]),
        sd=None if said["sd"] is None else float(said["sd"]),
        significant=said.get("significant"),
        quantiles=tuple(said["quantiles"]),
        undefined=int(said["undefined"]),
    )


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
