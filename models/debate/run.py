"""Run the suite over a test set; each finished part is on the disk, so that it may be cut off and go on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.classifier import PoolingClassifier
from models.data.dataset import Dataset
from models.debate.alone import Item, Options
from models.debate.rows import SCHEMA
from models.debate.suite import batches, suite
from models.errors import PoolScopeError

# Texts of one part: what is lost when a run is cut off.
PART: Final = 512
# The seed of a part of a test set.
DRAW: Final = 0
KEY: Final = b"poolscope.debate"


def items_of(classifier: PoolingClassifier, dataset: Dataset, split: str, limit: int | None = None) -> list[Item]:
    """Read every text of a split, or ``limit`` of them by chance; a text without a word is left out.

    By chance and not the first: test sets are often sorted by class or source. The draw is the same every time.

    Raises:
        PoolScopeError: there is no such split, or the classifier was trained with other classes.
    """
    if split not in dataset.splits:
        raise PoolScopeError(f"There is no split {split!r}; choose one of: {', '.join(dataset.splits)}.")
    if tuple(dataset.labels) != tuple(classifier.spec.labels):
        raise PoolScopeError(
            f"{dataset.name} has the classes {', '.join(dataset.labels)}, {classifier.spec.id} was trained with "
            f"{', '.join(classifier.spec.labels)}; choose the data of its own task."
        )
    rows = dataset.splits[split]
    found = []
    for place in drawn(len(rows.texts), limit):
        read = classifier.read(rows.texts[place])
        if read.ids:
            found.append(Item(place, rows.labels[place], tuple(read.ids), tuple(read.owners)))
    return found


def drawn(texts: int, limit: int | None) -> list[int]:
    """Return the places of all texts, or of ``limit`` of them drawn by chance, in order."""
    if limit is None or limit >= texts:
        return list(range(texts))
    return sorted(np.random.default_rng(DRAW).choice(texts, limit, replace=False).tolist())


def identity(
    classifier: PoolingClassifier, dataset: Dataset, split: str, limit: int | None, options: Options
) -> dict[str, Any]:
    """All that decides the numbers of a run: weights, data, split, options."""
    return {
        "model": classifier.spec.id, "digest": classifier.spec.digest, "data": dataset.name,
        "data_digest": dataset.digest, "split": split, "of": len(dataset.splits[split].texts), "limit": limit,
        **asdict(options),
    }  # fmt: skip


def run(
    classifier: PoolingClassifier,
    items: Sequence[Item],
    out: Path,
    key: Mapping[str, Any],
    options: Options,
    say: Callable[[str], None] = print,
) -> Path:
    """Measure ``items`` and write one Parquet file with a row per text and method, by text.

    Finished parts wait in ``<out>.parts``; a second run with the same ``key`` takes them as they are.

    Raises:
        PoolScopeError: ``out``, or the parts of a run cut off, belong to other weights, data or options.
    """
    def measure(part: Sequence[Item]) -> Iterable[Any]:
        return (row for batch in batches(part) for row in suite(classifier, batch, options))

    return in_parts(items, out, key, measure, SCHEMA, PART, say)


def in_parts(
    items: Sequence[Item],
    out: Path,
    key: Mapping[str, Any],
    measure: Callable[[Sequence[Item]], Iterable[Any]],
    schema: pa.Schema,
    size: int,
    say: Callable[[str], None] = print,
) -> Path:
    """Measure ``items`` in parts of ``size`` texts, each on the disk once finished; rows are dataclasses of ``schema``.

    Raises:
        PoolScopeError: as for :func:`run`.
    """
    if out.exists():
        check(out, key)
        say(f"{out.name} is complete already")
        return out
    folder = out.with_name(out.name + ".parts")
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [item for batch in batches(items, size) for item in batch]
    parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    started, done = time.perf_counter(), 0
    for number, part in enumerate(parts, start=1):
        file = folder / f"part-{number:05d}-of-{len(parts):05d}.parquet"
        if file.exists():
            check(file, key)
        else:
            write(file, measure(part), key, schema)
        done += len(part)
        say(f"{done:,} of {len(ordered):,} texts, {time.perf_counter() - started:.1f} s")
    tables = [pq.read_table(file) for file in sorted(folder.glob(f"part-*-of-{len(parts):05d}.parquet"))]
    table = pa.concat_tables(tables) if tables else pa.table({name: [] for name in schema.names}, schema=schema)
    _store(out, table.sort_by([("text", "ascending"), ("method", "ascending")]), key)
    shutil.rmtree(folder)
    return out


def write(file: Path, rows: Iterable[Any], key: Mapping[str, Any], schema: pa.Schema) -> None:
    """Write rows in one move, so that a file is whole or not there."""
    _store(file, pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), key)


def read(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the key and the rows of a file.

    Raises:
        PoolScopeError: it is missing, damaged, or no file of this command.
    """
    try:
        table = pq.read_table(file)
        key = json.loads((table.schema.metadata or {})[KEY])
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise PoolScopeError(f"{file.name} is no result of the debate; write one: python -m models debate.") from error
    return key, table.to_pylist()


def check(file: Path, key: Mapping[str, Any]) -> None:
    """Refuse a file that was made of something else."""
    found, _ = read(file)
    other = sorted(name for name in {*key, *found} if key.get(name) != found.get(name))
    if other:
        raise PoolScopeError(
            f"{file.name} is there already, with another {', '.join(other)}; take it away or choose another --out."
        )


def _store(file: Path, table: pa.Table, key: Mapping[str, Any]) -> None:
    draft = file.with_name(file.name + ".new")
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({KEY: json.dumps(key)}), draft, compression="zstd")
    draft.replace(file)
