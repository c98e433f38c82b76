"""The one door for vector files: which format it is, and which of its rows are kept."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from models.errors import PoolScopeError
from models.text import Vocabulary, lookup_key
from models.vectors import archive, fasttext, text
from models.vectors.archive import Archive
from models.vectors.source import Block, VectorFile
from models.vectors.static import StaticVectors, Whole, check_numbers
from models.vectors.text import TextVectors
from models.vectors.word2vec import BinaryVectors

FORMATS = "a .npz or GloVe, word2vec or fastText vectors"
# A word in a hundred may be damaged (word2vec cuts long ones anywhere); more is another encoding.
BROKEN = 0.01
# What damaged files make zipfile, zlib, struct and numpy raise.
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, TypeError, IndexError, OverflowError, RuntimeError, MemoryError,
    SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
_FOREIGN = {
    b"PK\x03\x04": "a zip archive; unpack it and name the text file inside",
    b"BZh": "packed by bzip2; unpack it, or pack it by gzip",
    b"\xfd7zXZ": "packed by xz; unpack it, or pack it by gzip",
    b"\x80\x02": "a Python pickle; save it from gensim by save_word2vec_format",
    b"\x80\x03": "a Python pickle; save it from gensim by save_word2vec_format",
    b"\x80\x04": "a Python pickle; save it from gensim by save_word2vec_format",
    b"\x80\x05": "a Python pickle; save it from gensim by save_word2vec_format",
}


class Rows(Protocol):
    """A file that gives its rows one after the other."""

    def count(self) -> int:
        """Return how many rows the file has or promises."""

    def blocks(self) -> Iterator[Block]:
        """Yield words and vectors (n, E) in the file's order."""


def read_vectors(path: str | Path, vocabulary: Vocabulary | None = None) -> StaticVectors:
    """Read a ``.npz`` (arrays ``words`` and ``vectors``), GloVe, word2vec or fastText vectors.

    The content decides the format, not the name; gzip'ed files are unpacked on the way. With a
    ``vocabulary`` only its words are kept, and of the rest what :meth:`StaticVectors.table` needs:
    memory is bounded by the vocabulary and not by the file, which streams by once (twice for text
    without a first line of two integers). Such a line must tell the truth. Of words that stand
    there twice the first counts.

    Raises:
        PoolScopeError: the file is missing, unreadable, ragged, empty or lies about its size.
    """
    file = VectorFile(Path(path))
    if not file.path.is_file():
        raise PoolScopeError(f"no vector file at {file.path}; expected {FORMATS}: check the path")
    packed = file.path.suffix == ".npz"
    try:
        return _gather(Archive(file), file, vocabulary) if packed else _read(file, vocabulary)
    except PoolScopeError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise PoolScopeError(
            f"{file.name} could not be read as vectors ({reason}); "
            f"expected {archive.EXPECTED if packed else FORMATS}: get it again"
        ) from error


def _read(file: VectorFile, vocabulary: Vocabulary | None) -> StaticVectors:
    with file.open() as stream:
        first = stream.readline(text.LONGEST_LINE)
        second = stream.readline(text.LONGEST_LINE)
    if first.startswith(fasttext.MAGIC):
        return fasttext.read_fasttext(file, vocabulary)
    for start, sentence in _FOREIGN.items():
        if first.startswith(start):
            raise PoolScopeError(f"{file.name} is {sentence}; expected {FORMATS}")
    said = text.PROMISE.fullmatch(first.removeprefix(text.BOM))
    promised = (int(said[1]), int(said[2])) if said else None
    if promised and not _is_text(second):
        return _gather(BinaryVectors(file, promised), file, vocabulary)
    return _gather(TextVectors(file, promised), file, vocabulary)


def _is_text(row: bytes) -> bool:
    """Say whether what follows the first word is text; the bytes of float32 are not."""
    _, _, numbers = row.partition(b" ")
    return numbers.isascii() and numbers.strip().replace(b"\t", b" ").decode("ascii").isprintable()


def _gather(rows: Rows, file: VectorFile, vocabulary: Vocabulary | None) -> StaticVectors:
    """Keep the rows of ``vocabulary``, or all; sum up the others in double precision."""
    half = 0 if vocabulary is None else rows.count() // 2
    wanted = None if vocabulary is None else set(vocabulary.words)
    kept: list[str] = []
    parts: list[np.ndarray] = []
    seen = broken = 0
    rare, total, squares, example = np.zeros(1), 0.0, 0.0, ""
    for words, vectors in rows.blocks():
        check_numbers(words, vectors)
        lost = [word for word in words if "\ufffd" in word]
        broken, example = broken + len(lost), example or "".join(lost[:1])
        if wanted is None:
            kept += words
            parts.append(vectors)
        else:
            places = []
            for place, word in enumerate(words):
                if (key := lookup_key(word)) in wanted:
                    wanted.remove(key)
                    places.append(place)
            kept += [words[place] for place in places]
            parts.append(vectors[places])
            exact = vectors.astype(np.float64)
            rare = rare + exact[max(0, half - seen) :].sum(0)
            total, squares = total + exact.sum(), squares + (exact**2).sum()
        seen += len(words)
    if not seen:
        raise PoolScopeError(f"{file.name}: no vectors came; expected {FORMATS}: get it again")
    if broken > BROKEN * seen:
        raise PoolScopeError(
            f"{file.name}: {broken} of {seen} words are not UTF-8, such as {example!r}; "
            "expected UTF-8: convert the file, for instance with iconv"
        )
    all_kept = np.concatenate(parts)
    if vocabulary is None:
        return StaticVectors(tuple(kept), all_kept)
    numbers = seen * all_kept.shape[1]
    spread = float(np.sqrt(max(0.0, squares / numbers - (total / numbers) ** 2)))
    return StaticVectors(tuple(kept), all_kept, Whole(seen, (rare / (seen - half)).astype(np.float32), spread))
