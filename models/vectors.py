"""Static word vectors: a file of words and numbers, laid over a vocabulary."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.text import PAD, UNK, Vocabulary, lookup_key

MAX_DIMENSIONS = 4_096
# The ways in which a damaged archive fails; TypeError is that of a .npy under the name .npz.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)
SEPARATOR = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class StaticVectors:
    """Words and their vectors (N, E) in float32."""

    words: tuple[str, ...]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        """Refuse counts that differ and numbers that are not finite."""
        if self.vectors.ndim != 2 or len(self.words) != len(self.vectors):
            raise PoolScopeError(
                f"the vectors came with {len(self.words)} words and an array {self.vectors.shape}; "
                "expected one row of numbers per word"
            )
        bad = np.flatnonzero(~np.isfinite(self.vectors).all(1))
        if len(bad):
            word = self.words[int(bad[0])]
            raise PoolScopeError(f"the vector of {word!r} holds NaN or infinity; expected finite numbers")

    @property
    def size(self) -> int:
        """Number of dimensions E."""
        return int(self.vectors.shape[1])

    def table(self, vocabulary: Vocabulary, seed: int = 0) -> tuple[Tensor, float]:
        """Return a word table (V, E) for ``vocabulary`` and the share of its words that were found.

        The unknown word is the mean of the rarer half of the vectors (files list words by falling
        frequency): what is not in the vocabulary is most like a rare word. Words without a vector
        start there too, with a little seeded noise so that training can tell them apart; the
        padding row is zero.
        """
        position: dict[str, int] = {}
        for index, word in enumerate(self.words):
            position.setdefault(lookup_key(word), index)
        spread = float(self.vectors.std()) if len(self.words) else 0.1
        generator = torch.Generator().manual_seed(seed)
        rare = torch.from_numpy(self.vectors[len(self.words) // 2 :].mean(0)) if len(self.words) else 0.0
        table = rare + 0.1 * spread * torch.randn(len(vocabulary), self.size, generator=generator)
        table[UNK] = rare
        found = [(row, position[word]) for row, word in enumerate(vocabulary.words) if word in position]
        if found:
            rows, sources = map(list, zip(*found, strict=True))
            table[rows] = torch.from_numpy(self.vectors[sources].astype(np.float32))
        table[PAD] = 0
        # A file may list "<unk>" itself: that row is used, but it is no word of the vocabulary.
        words = sum(row > UNK for row, _ in found)
        return table, words / max(1, len(vocabulary) - 2)


def read_vectors(path: str | Path) -> StaticVectors:
    """Read ``.npz`` (arrays ``words`` and ``vectors``) or text (``word x_1 … x_E`` per line).

    A first line of two integers, as word2vec and fastText write it, must tell the truth.

    Raises:
        PoolScopeError: the file is missing, unreadable, ragged, empty or lies about its size.
    """
    file = Path(path)
    if not file.is_file():
        raise PoolScopeError(f"no vector file at {file}; expected a .npz or a text file of word vectors")
    return _read_npz(file) if file.suffix == ".npz" else _read_text(file)


def _read_npz(file: Path) -> StaticVectors:
    try:
        with np.load(file, allow_pickle=False) as archive:
            words, vectors = archive["words"], archive["vectors"]
        # NaN and infinity are refused below, by word.
        with np.errstate(over="ignore"):
            numbers = vectors.astype(np.float32, casting="same_kind")
        names = tuple(map(str, words.tolist()))
    except _DAMAGE as error:
        raise PoolScopeError(
            f"{file.name} could not be read as vectors ({error}); expected a .npz with arrays 'words' and 'vectors'"
        ) from error
    return StaticVectors(names, numbers)


def _read_text(file: Path) -> StaticVectors:
    words: list[str] = []
    rows: list[np.ndarray] = []
    promised: tuple[int, int] | None = None
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            # Spaces or tabs only: a word itself may hold a no-break space.
            word, *values = SEPARATOR.split(line.rstrip(" \t\n"))
            if number == 1 and len(values) == 1 and word.isdecimal() and values[0].isdecimal():
                promised = (int(word), int(values[0]))
                continue
            try:
                with np.errstate(over="ignore"):
                    row = np.array(values, dtype=np.float32)
            except ValueError:
                row = np.empty(0, dtype=np.float32)
            if not len(row):
                raise PoolScopeError(f"{file.name}, line {number}: {line[:40]!r} is not a word followed by numbers")
            expected = len(rows[0]) if rows else (promised[1] if promised else min(len(row), MAX_DIMENSIONS))
            if len(row) != expected:
                raise PoolScopeError(f"{file.name}, line {number}: {len(row)} numbers came; expected {expected}")
            words.append(word)
            rows.append(row)
    if not rows:
        raise PoolScopeError(f"{file.name}: no vectors came; expected a word followed by numbers on each line")
    if promised and promised[0] != len(rows):
        raise PoolScopeError(f"{file.name}: {len(rows)} vectors came; its first line promises {promised[0]}")
    return StaticVectors(tuple(words), np.stack(rows))
