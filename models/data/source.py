"""One door to every dataset: by name from the folder or the hub, or from a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.data.dataset import DataError, Dataset
from models.data.folder import load_dataset
from models.data.hub import load_hub
from models.data.own import load_file

SOURCES: dict[str, Callable[..., Dataset]] = {"folder": load_dataset, "hub": load_hub, "file": load_file}


def load(name: str, *, source: str = "folder", **options: Any) -> Dataset:  # noqa: ANN401
    """Load a dataset from ``"folder"``, ``"hub"`` or ``"file"``; the hub is asked only when ``source`` says so.

    ``options`` are those of the source: ``root`` of
    :func:`~models.data.folder.load_dataset`; ``text``, ``label``, ``config``, ``language`` and
    ``seed`` of :func:`~models.data.hub.load_hub`; ``text``, ``label``, ``validation``, ``test``,
    ``name``, ``task``, ``language`` and ``seed`` of :func:`~models.data.own.load_file`.

    Raises:
        DataError: the source is none of the three, or cannot give the dataset.
    """
    if source not in SOURCES:
        raise DataError(f"there is no source {source!r}; expected {', '.join(SOURCES)}: choose one of those.")
    return SOURCES[source](name, **options)
