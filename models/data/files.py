"""Two columns, texts and labels, out of a CSV, TSV, JSONL or Parquet file, just as they stand there."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from models.data.dataset import DataError, check_texts

Columns = tuple[list[object], list[object]]


def read_columns(path: Path, text: str, label: str) -> Columns:
    """Read the two columns of one file as they are; every text is known to hold something.

    Raises:
        DataError: the file is missing, unreadable, empty or of an unknown kind, lacks a column, or
            has a row without text.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path.name!r} is of an unknown kind; expected one of {', '.join(READERS)}: convert the file.")
    if not path.is_file():
        raise DataError(f"there is no file {str(path)!r}: check its name and folder.")
    try:
        texts, labels = reader(path, text, label)
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text: save it again as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or error}): check the file.") from error
    if not texts:
        raise DataError(f"{path.name} holds no rows: give a file with texts and labels.")
    check_texts(texts, path.name)
    return texts, labels


def _read_delimited(path: Path, text: str, label: str) -> Columns:
    """CSV and TSV: every cell is text, so that "NA", "null" and "007" stay what they are."""
    import pandas as pd  # 0.4 s, needed by two of the four kinds only

    tab = path.suffix.lower() == ".tsv"
    try:
        # header=None makes the header row set the number of cells: a row with more of them (a comma
        # outside quotes) is an error then, where pandas would otherwise shift the columns silently.
        frame = pd.read_csv(
            path,
            sep="\t" if tab else ",",
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8",  # with or without a byte order mark
            # In TSV a text may begin with a quotation mark that never closes.
            quoting=csv.QUOTE_NONE if tab else csv.QUOTE_MINIMAL,
        )
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path.name} is empty: give a file with a header and rows.") from error
    except pd.errors.ParserError as error:
        raise _unreadable(path, error, "put texts that contain the separator in quotes") from error
    rows = frame.to_numpy(dtype=object).tolist()
    if tab:
        rows = [[_unquoted(cell) for cell in row] for row in rows]
    header = [str(cell).strip() for cell in rows[0]]
    _check_columns(path, header, text, label)
    left, right = header.index(text), header.index(label)
    return [row[left] for row in rows[1:]], [row[right] for row in rows[1:]]


def _read_jsonl(path: Path, text: str, label: str) -> Columns:
    """One JSON object per line; blank lines are skipped."""
    texts, labels = [], []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _unreadable(path, f"line {number}: {error}", "write one object per line") from error
            if not isinstance(row, dict):
                raise DataError(
                    f"line {number} of {path.name} is not a JSON object; expected one per line, like "
                    f'{{"{text}": "…", "{label}": "…"}}: rewrite the file.'
                )
            _check_columns(path, list(row), text, label, f"line {number} of ")
            texts.append(row[text])
            labels.append(row[label])
    return texts, labels


def _read_parquet(path: Path, text: str, label: str) -> Columns:
    """Two columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_columns(path, pq.read_schema(path).names, text, label)
        table = pq.read_table(path, columns=[text, label])
    except pa.ArrowException as error:
        raise _unreadable(path, error, "write it again") from error
    return table[text].to_pylist(), table[label].to_pylist()


READERS: dict[str, Callable[[Path, str, str], Columns]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def _check_columns(path: Path, columns: Sequence[str], text: str, label: str, where: str = "") -> None:
    """Refuse a file without one of the two columns, and list those it has."""
    absent = _listed(repr(column) for column in (text, label) if column not in columns)
    if absent:
        raise DataError(
            f"{where}{path.name} has no column {absent}; it has {_listed(map(repr, columns))}: "
            "name the columns of texts and labels."
        )


def _listed(words: Iterable[str]) -> str:
    """Join words with commas, the first dozen of them."""
    listed = list(words)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")


def _unquoted(cell: object) -> object:
    """Take a TSV cell out of the quotes that spreadsheets put around it; leave any other as it is."""
    if isinstance(cell, str) and len(cell) > 1 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1]
        if '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return cell


def _unreadable(path: Path, error: object, advice: str) -> DataError:
    """Word the complaint of a parser in one sentence."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return DataError(f"{path.name} cannot be read as {path.suffix[1:].upper()} ({reason}): {advice}.")
