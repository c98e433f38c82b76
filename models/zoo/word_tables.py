"""Word tables of the zoo: numbers beside a list of words, shared by the classifiers of a task; and files read whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from models.pretrained.base import open_pretrained
from models.pretrained.source import PretrainedError
from models.pretraining.store import ENTRY, BaseError, open_base
from models.text import Vocabulary
from models.training.rounding import pack, unpack
from models.zoo.errors import ZooError

# Bytes of the longest list of words that is read: twenty thousand words have a fortieth of it.
WORDS_LIMIT: Final = 8 * 1024 * 1024


def write_table(
    folder: Path, name: str, vocabulary: Vocabulary, weights: Tensor, bits: int = 16, *, packed: bool = False
) -> dict[str, str]:
    """Write a word table of 16 or 8 bits and its words as a text file; return its entry for cards.

    ``packed`` compresses the text, as in the shipped zoo: half the room, the same digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = save(pack(weights, bits))
    words = "\n".join(vocabulary.words[2:]).encode()
    (folder / f"{name}.safetensors").write_bytes(data)
    file, other = (folder / f"{name}{ending}" for ending in ((".txt.gz", ".txt") if packed else (".txt", ".txt.gz")))
    # No time and no name in the header: the same words are the same bytes.
    file.write_bytes(gzip.compress(words, mtime=0) if packed else words)
    other.unlink(missing_ok=True)
    return {"name": name, "sha256": digest_of(data), "words_sha256": digest_of(words)}


def read_table(folder: Path, entry: Mapping[str, str]) -> tuple[Vocabulary, nn.Parameter]:
    """Read a word table that a card names; the same files are read once and shared.

    Raises:
        ZooError: a file is missing or its digest differs from the card's.
    """
    if entry.get("base") and entry["name"] == "pretrained":
        return _pretrained(entry)
    if entry["name"] == ENTRY:
        return _based(entry)
    return _table(folder, entry["name"], entry["sha256"], entry["words_sha256"])


@lru_cache(maxsize=16)
def _table(folder: Path, name: str, sha256: str, words_sha256: str) -> tuple[Vocabulary, nn.Parameter]:
    data = read_file(folder / f"{name}.safetensors", sha256, f"word table {folder.name}/{name}")
    words = _word_list(folder, name, words_sha256)
    try:
        weights = unpack(load(data))
        vocabulary = Vocabulary(words.decode().split("\n") if words else [])
    except (KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise ZooError(f"word table {name}: its files are not a word table ({error}); restore both files") from error
    if weights.dim() != 2 or len(vocabulary) != len(weights):
        raise ZooError(
            f"word table {name}: numbers {tuple(weights.shape)} for {len(vocabulary)} words; restore both files"
        )
    return vocabulary, nn.Parameter(weights, requires_grad=False)


def _pretrained(entry: Mapping[str, str]) -> tuple[Vocabulary, nn.Parameter]:
    try:
        opened = open_pretrained(entry["base"])
    except PretrainedError as error:
        raise ZooError(str(error)) from error
    if (opened.sha256, opened.words_sha256) != (entry["sha256"], entry["words_sha256"]):
        raise ZooError(
            f"the pretrained encoder {entry['base']!r} on this machine is not the one the classifier was trained with "
            "(its digest differs); restore that one"
        )
    return opened.vocabulary, nn.Parameter(opened.table, requires_grad=False)


def _based(entry: Mapping[str, str]) -> tuple[Vocabulary, nn.Parameter]:
    try:
        base = open_base(entry["base"])
    except BaseError as error:
        raise ZooError(str(error)) from error
    if any(base.entry()[key] != entry[key] for key in ("sha256", "words_sha256")):
        raise ZooError(
            f"the base {entry['base']!r} is not the one the classifier was trained with (its digest differs); "
            "restore that one or train the classifier again"
        )
    return base.vocabulary, nn.Parameter(base.table, requires_grad=False)


def _word_list(folder: Path, name: str, sha256: str) -> bytes:
    """Read the words of a table, as text or as packed text; errors as in :func:`read_file`."""
    plain, packed = folder / f"{name}.txt", folder / f"{name}.txt.gz"
    file = packed if packed.exists() and not plain.exists() else plain
    return read_file(file, sha256, f"word list {folder.name}/{name}")


def read_file(path: Path, sha256: str, what: str) -> bytes:
    """Read a file of the zoo, unpacked where it is packed; ``what`` names it in errors.

    Raises:
        ZooError: it is missing, or its digest is not ``sha256``.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                # A damaged or foreign file may promise any length.
                data = file.read(WORDS_LIMIT)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        data = b""
    except OSError as error:
        raise ZooError(f"{what}: the file {path.name} is missing; restore it or train the classifier again") from error
    if digest_of(data) != sha256:
        raise ZooError(f"{what}: the file {path.name} is damaged or foreign (its digest differs); restore it")
    return data


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
