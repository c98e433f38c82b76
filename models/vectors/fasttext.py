r"""Vectors in fastText's binary format: a word's vector is the mean of its own and its n-grams' rows.

v(w) = (1 / (1 + \|G_w\|)) (z_w + Σ_{g ∈ G_w} z_g) with G_w the n-grams of ``<w>`` of ``minn`` to ``maxn``
characters, found by their hash (Bojanowski, Grave, Joulin & Mikolov 2017). A word that the file
does not list gets the mean of its n-grams' rows.

Own lines, since gensim's reader takes the whole matrix into memory, waits for ever on a file that
is cut in its words, and reads a quantised model as noise. The matrix streams by, once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.errors import PoolScopeError
from models.text import PAD_WORD, UNK_WORD, Vocabulary, lookup_key
from models.vectors.source import CHUNK, Bytes, VectorFile, text_of
from models.vectors.static import StaticVectors, Whole, check_numbers

MAGIC = struct.pack("<i", 793_712_314)
# For the mean of the rarer half: an even sample of at most so many words, each being dozens of rows.
SAMPLE = 10_000
SUPERVISED = 3
END_OF_SENTENCE = b"</s>"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the first bytes say: dimensions, n-grams, and how many words and buckets there are."""

    size: int
    shortest: int
    longest: int
    buckets: int
    words: int
    labels: int

    @classmethod
    def read(cls, content: Bytes, file: VectorFile) -> Shape:
        """Read and judge the header.

        Raises:
            PoolScopeError: a version, size or kind that cannot be read.
        """
        _, version = struct.unpack("<2i", content.take(8))
        size, _, _, _, _, _, _, model, buckets, shortest, longest, _ = struct.unpack("<12i", content.take(48))
        content.take(8)
        entries, words, labels, _, pruned = struct.unpack("<3i2q", content.take(28))
        if version not in (11, 12) or entries != words + labels or min(words, labels, buckets, shortest) < 0:
            raise PoolScopeError(
                f"{file.name} begins like a fastText model but goes on with version {version} and {entries} entries; "
                "expected version 11 or 12 and entries that add up: get it again"
            )
        if pruned > 0:
            raise quantised(file)
        if version == 11 and model == SUPERVISED:
            longest = 0
        return cls(file.size_of(size), shortest, longest, buckets, words, labels)


@dataclass(slots=True)
class Wanted:
    """Whose vectors are to be put together, and from which rows of the matrix."""

    words: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, word: str, rows: Sequence[int]) -> None:
        """Ask for the mean of ``rows``."""
        self.owners += [len(self.words)] * len(rows)
        self.rows += rows
        self.words.append(word)


def read_fasttext(file: VectorFile, vocabulary: Vocabulary | None) -> StaticVectors:
    """Read a fastText binary: the words of ``vocabulary``, those built from n-grams included, or all.

    The mean of the rarer half is that of an even sample of :data:`SAMPLE` words, exact below.

    Raises:
        PoolScopeError: quantised, damaged, or numbers that no table can hold.
        EOFError, ValueError: it ends too early, or a word does not end.
    """
    with file.open() as stream:
        content = Bytes(stream)
        shape = Shape.read(content, file)
        kept, sample = Wanted(), Wanted()
        wanted = None if vocabulary is None else set(vocabulary.words)
        half = shape.words // 2
        step = max(1, -(-(shape.words - half) // SAMPLE))
        for place, spelled in _dictionary(content, shape):
            word = text_of(spelled)
            key = lookup_key(word)
            picked = wanted is None or key in wanted
            sampled = wanted is not None and place >= half and (place - half) % step == 0
            if picked or sampled:
                rows = [place, *([] if spelled == END_OF_SENTENCE else ngrams(spelled, shape))]
                if picked:
                    kept.add(word, rows)
                if sampled:
                    sample.add(word, rows)
                if wanted is not None:
                    wanted.discard(key)
        if not shape.words:
            raise PoolScopeError(f"{file.name}: no vectors came; its dictionary is empty: get it again")
        inferred = []
        for word in sorted((wanted or set()) - {PAD_WORD, UNK_WORD}):
            if rows := ngrams(word.encode(), shape):
                kept.add(word, rows)
                inferred.append(word)
        vectors, rare = _means(content, file, shape, (kept, sample))
    check_numbers(sample.words, rare)
    whole = None if vocabulary is None else Whole(shape.words, rare.mean(0), float(rare.std()))
    return StaticVectors(tuple(kept.words), vectors, whole, frozenset(inferred))


def ngrams(word: bytes, shape: Shape) -> list[int]:
    """Return the rows of the n-grams of a word, as often as they occur: FNV-1a over signed bytes."""
    marked = b"<" + word + b">"
    starts = [i for i, byte in enumerate(marked) if byte & 0xC0 != 0x80]
    ends = {start: number for number, start in enumerate([*starts[1:], len(marked)], start=1)}
    found = []
    for first, start in enumerate(starts):
        mixed = 2_166_136_261
        for place in range(start, len(marked)):
            byte = marked[place]
            mixed = ((mixed ^ (byte | 0xFFFFFF00 if byte & 0x80 else byte)) * 16_777_619) & 0xFFFFFFFF
            length = ends.get(place + 1, 0) - first
            if length > shape.longest:
                break
            # The marks alone are no n-grams.
            alone = length == 1 and (first == 0 or place + 1 == len(marked))
            if length >= max(1, shape.shortest) and not alone and shape.buckets:
                found.append(shape.words + mixed % shape.buckets)
    return found


def quantised(file: VectorFile) -> PoolScopeError:
    """Say that product-quantised vectors are not read."""
    return PoolScopeError(
        f"{file.name} is a quantised fastText model (.ftz); expected full numbers: "
        "use the model's .bin or .vec, or the one it was made from"
    )


def _dictionary(content: Bytes, shape: Shape) -> Iterator[tuple[int, bytes]]:
    """Yield the words with their rows, and step over the labels behind them."""
    for place in range(shape.words + shape.labels):
        word = content.until(b"\0")
        content.take(9)
        if place < shape.words:
            yield place, word


def _means(content: Bytes, file: VectorFile, shape: Shape, groups: Sequence[Wanted]) -> list[np.ndarray]:
    """Let the matrix stream by and return, for each group, the mean rows (N, E) of its words."""
    packed, height, width = struct.unpack("<?2q", content.take(17))
    if packed:
        raise quantised(file)
    if (height, width) != (shape.words + shape.buckets, shape.size):
        raise PoolScopeError(
            f"{file.name} holds a matrix of {height} × {width}; its header promises "
            f"{shape.words + shape.buckets} × {shape.size}: get it again"
        )
    asked = [(np.array(g.owners, dtype=np.int64), np.array(g.rows, dtype=np.int64)) for g in groups]
    asked = [(owners[order], rows[order]) for owners, rows in asked for order in [np.argsort(rows, kind="stable")]]
    sums = [np.zeros((len(group.words), width)) for group in groups]
    step = max(1, CHUNK // (4 * width))
    for start in range(0, height, step):
        chunk = np.frombuffer(content.take(4 * width * min(step, height - start)), dtype="<f4").reshape(-1, width)
        for total, (owners, rows) in zip(sums, asked, strict=True):
            part = slice(*np.searchsorted(rows, (start, start + len(chunk))))
            # Nothing in the file is trusted: NaN and infinity are refused later, by word.
            with np.errstate(invalid="ignore", over="ignore"):
                np.add.at(total, owners[part], chunk[rows[part] - start])
    return [
        (total / np.bincount(owners, minlength=len(total)).reshape(-1, 1)).astype(np.float32)
        for total, (owners, _) in zip(sums, asked, strict=True)
    ]
