"""Labelled texts: named datasets from a folder or the hub, or the user's own file; nothing else reads data.

``from models.data import load`` then ``load("sst2")``, ``load("sst2", source="hub")`` or
``load("reviews.csv", source="file", text="review", label="stars")``; each returns one :class:`Dataset`.
"""

from models.data.dataset import DataError, Dataset, Split
from models.data.folder import available, load_dataset
from models.data.source import load

__all__ = ["DataError", "Dataset", "Split", "available", "load", "load_dataset"]
