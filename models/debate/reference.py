"""The shipped distributions that a number is held against: read from columns, without torch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from models.debate.columns import Columns, load
from models.experiment_records import Measured, Reference
from models.records import ModelSpec

SHIPPED: Final = Path(__file__).parent.parent / "zoo" / "reference"


def file_of(model_id: str, folder: Path = SHIPPED) -> Path:
    """Where the columns of a classifier lie."""
    task, encoder, pooler = model_id.split("/", 2)
    return folder / task / f"{encoder}-{pooler}.npz"


def reference(spec: ModelSpec, method: str, predicted: int, folder: Path = SHIPPED) -> Reference | None:
    """Return the distribution of ``method`` over the test texts for which ``spec`` predicts the same class.

    ``None`` where none is shipped, or where it was made with other weights.

    Raises:
        PoolScopeError: the file is damaged.
    """
    found = _own(spec, folder)
    return None if found is None else found.falls(method, predicted)


def measured(spec: ModelSpec, folder: Path = SHIPPED) -> Measured | None:
    """Return every number on every test text; ``None`` as for :func:`reference`."""
    found = _own(spec, folder)
    return None if found is None else found.measured()


def _own(spec: ModelSpec, folder: Path) -> Columns | None:
    path = file_of(spec.id, folder)
    if not path.is_file():
        return None
    found = _read(path, path.stat().st_mtime_ns)
    return found if found.card.get("digest") == spec.digest else None


@lru_cache(maxsize=12)
def _read(path: Path, stamp: int) -> Columns:
    return load(path)
