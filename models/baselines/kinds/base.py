"""What every bag-of-words baseline promises: a decision, and its exact parts feature by feature."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models.baselines.features import Floats, Reads, Vector
from models.records import Scalar

Arrays = Mapping[str, NDArray[Any]]
Setting = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Parts:
    """One decision value taken apart: value = ``start`` + Σ ``present`` + Σ ``absent``.

    ``present`` (F,) belongs to the features of the text, in the order of its vector. ``absent``
    are (feature, part) of features that the text lacks and that decided something nevertheless.
    """

    start: float
    present: Floats
    absent: tuple[tuple[int, float], ...] = ()

    @property
    def total(self) -> float:
        """The decision value."""
        return self.start + float(self.present.sum()) + sum(part for _, part in self.absent)


class Baseline(ABC):
    """A trained baseline as plain arrays: sparse vector (F,) → one value per class (C,).

    Training is scikit-learn's, in :meth:`fit`; everything else is numpy on :attr:`arrays`, which
    are what is stored. ``scalar`` says what the values are; ``start`` in words what is there before
    any word is read. ``grid`` holds the settings that training tries, on the dev split only.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    note: ClassVar[str]
    start: ClassVar[str]
    reads: ClassVar[Reads]
    grid: ClassVar[tuple[Setting, ...]]
    scalar: ClassVar[Scalar] = "logit"

    def __init__(self, arrays: Arrays) -> None:
        """Take the stored arrays; :meth:`prepare` turns small numbers into double precision once."""
        self.arrays = dict(arrays)
        self.prepare()

    @classmethod
    @abstractmethod
    def fit(cls, matrix: Any, labels: NDArray[np.int64], setting: Setting) -> Self:  # noqa: ANN401  # scipy's CSR
        """Train on a sparse matrix (N, F) of vectors as ``reads`` weighs them, all C classes in ``labels``."""

    @abstractmethod
    def prepare(self) -> None:
        """Make ready what :meth:`decide` needs; called once after the arrays are there."""

    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Return (classes, features at least): what the arrays were made for."""

    @abstractmethod
    def decide(self, vector: Vector) -> Floats:
        """Return the values of all classes (C,)."""

    @abstractmethod
    def parts(self, vector: Vector, target: int) -> Parts:
        """Take the value of class ``target`` apart."""

    def probabilities(self, values: Floats) -> Floats:
        """Return softmax(values) (C,)."""
        shifted = np.exp(values - values.max())
        return np.asarray(shifted / shifted.sum())

    def stored(self) -> Iterator[tuple[str, Self]]:
        """Yield (precision, this baseline in it), the smallest first, the one that was trained last."""
        yield "exact", self
