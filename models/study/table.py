"""The study's runs as rows: JSON lines while it runs, one Parquet file once it is collected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import PoolScopeError
from models.study_records import StudyRun

_KINDS: Final = {
    "str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(),
    "tuple[float, ...]": pa.list_(pa.float64()), "Literal['main', 'ablation']": pa.string(),
}  # fmt: skip


def _kind(annotation: str) -> pa.DataType:
    return _KINDS[annotation.removesuffix(" | None").replace('"', "'")]


SCHEMA: Final = pa.schema([(field.name, _kind(str(field.type))) for field in fields(StudyRun)])


def to_line(run: StudyRun) -> str:
    """Return one run as one line of JSON, without the line's end."""
    return json.dumps(asdict(run), ensure_ascii=False, allow_nan=False)


def from_row(row: Mapping[str, Any]) -> StudyRun:
    """Read a run from JSON or Parquet values.

    Raises:
        PoolScopeError: fields are missing, unknown, or contradict each other.
    """
    try:
        return StudyRun(**{**row, "dev_curve": tuple(row["dev_curve"])})
    except (KeyError, TypeError, ValueError) as error:
        raise PoolScopeError(f"a row is no run of the study ({error}); collect the runs again") from error


def write_table(runs: Iterable[StudyRun], path: Path) -> None:
    """Write runs to a Parquet file; the same runs in the same order give the same bytes."""
    table = pa.Table.from_pylist([asdict(run) for run in runs], schema=SCHEMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    pq.write_table(table, draft, compression="zstd", compression_level=19)
    draft.replace(path)


def read_table(path: Path) -> tuple[StudyRun, ...]:
    """Read what :func:`write_table` wrote.

    Raises:
        PoolScopeError: the file is missing, damaged, or has other columns.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise PoolScopeError(
            f"the study's runs {path.name} cannot be read ({reason}); restore the file or run: python -m models study"
            " collect"
        ) from error
    if table.schema.names != SCHEMA.names:
        odd = ", ".join(sorted(set(table.schema.names) ^ set(SCHEMA.names))) or "their order"
        raise PoolScopeError(f"{path.name} has other columns than this version ({odd}); collect the runs again")
    return tuple(from_row(row) for row in table.to_pylist())
