"""Vectors to a file that other tools read too; the name's ending decides the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.errors import PoolScopeError
from models.vectors.static import StaticVectors

ENDINGS = (".npz", ".vec", ".txt", ".bin")


def check_ending(path: Path) -> None:
    """Refuse a name whose ending says no format; before the work, not after it.

    Raises:
        PoolScopeError: an unknown ending.
    """
    if path.suffix not in ENDINGS:
        raise PoolScopeError(f"vectors were to go to {path.name}; expected a name ending in {', '.join(ENDINGS)}")


def write_vectors(path: Path, vectors: StaticVectors) -> None:
    """Write ``.npz``, word2vec's text (``.vec``, ``.txt``) or word2vec's binary (``.bin``).

    Raises:
        PoolScopeError: an unknown ending, or the file cannot be written.
    """
    check_ending(path)
    rows = zip((word.encode() for word in vectors.words), vectors.vectors.astype("<f4"), strict=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            np.savez(path, words=np.array(vectors.words), vectors=vectors.vectors)
            return
        with path.open("wb") as file:
            file.write(b"%d %d\n" % vectors.vectors.shape)
            for word, row in rows:
                # A float32's shortest text comes back as the same number.
                numbers = row.tobytes() if path.suffix == ".bin" else " ".join(map(str, row)).encode()
                file.write(word + b" " + numbers + b"\n")
    except OSError as error:
        raise PoolScopeError(f"{path} could not be written ({error.strerror}); choose another place") from error
