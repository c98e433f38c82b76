"""Writing and reading a base: a language model's body, its words and their table, and a card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.errors import PoolScopeError
from models.text import Vocabulary
from models.zoo.catalogue import BASES

SHIPPED: Final = BASES
FORMAT: Final = 1
ENTRY: Final = "base"
# Below this many numbers a tensor stays float32, as in the zoo.
SMALL: Final = 1_024


class BaseError(PoolScopeError):
    """A base that is missing, damaged or not ours, told in one sentence."""


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained base: words, their table (V, E), and the body's and further tensors by name."""

    name: str
    card: Mapping[str, Any] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    table: Tensor = field(repr=False)
    body: Mapping[str, Tensor] = field(repr=False)
    extra: Mapping[str, Tensor] = field(repr=False)

    @property
    def kind(self) -> str:
        """The kind of language model, which is also the name of the encoder made of it."""
        return str(self.card["kind"])

    @property
    def sizes(self) -> dict[str, int]:
        """Keywords of the body, but for its width."""
        return {str(name): int(value) for name, value in self.card["sizes"].items()}

    def entry(self) -> dict[str, Any]:
        """Return how the card of a classifier names these words and this body."""
        return {"name": ENTRY, "base": self.name, "shared": True, "sha256": self.card["weights"]["sha256"],
                "words_sha256": self.card["words"]["sha256"]}  # fmt: skip


def write_base(
    folder: Path, vocabulary: Vocabulary, table: Tensor | None, body: Mapping[str, Tensor],
    extra: Mapping[str, Tensor], facts: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Write ``weights.safetensors`` (float16 where large), ``words.txt`` and ``card.json``; return the folder.

    ``table`` is ``None`` where ``extra`` spells the words; ``facts`` must hold kind and sizes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"body.{name}": value for name, value in body.items()}
    tensors |= {f"extra.{name}": value for name, value in extra.items()}
    if table is not None:
        tensors["table"] = table
    data = save({name: shrink(value) for name, value in tensors.items()})
    words = "\n".join(vocabulary.words[2:]).encode()
    record = {
        "format": FORMAT,
        **facts,
        "weights": {"file": "weights.safetensors", "sha256": _digest(data), "bytes": len(data)},
        "words": {"file": "words.txt", "sha256": _digest(words), "count": len(vocabulary)},
    }
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "words.txt").write_bytes(words)
    (folder / "card.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return folder


def bases() -> tuple[str, ...]:
    """Return the names of the shipped bases."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/card.json")))


def open_base(name: str) -> Base:
    """Open a shipped base, or the one in a folder; read once, one copy shared by the process.

    Raises:
        BaseError: no such base, a file is missing or damaged, or the files are no base.
    """
    folder = SHIPPED / name if Path(name).name == name else Path(name)
    try:
        text = (folder / "card.json").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        listed = ", ".join(bases()) or "none is shipped"
        raise BaseError(f"there is no base {name!r}; choose one of: {listed}, or pretrain one") from error
    return _open(name, folder, text)


@lru_cache(maxsize=8)
def _open(name: str, folder: Path, text: str) -> Base:
    try:
        card = json.loads(text)
        if card["format"] != FORMAT:
            raise BaseError(f"the base {name!r} has format {card['format']!r}; this version reads format {FORMAT}")
        data = _read(folder / "weights.safetensors", card["weights"]["sha256"], name)
        words = _read(folder / "words.txt", card["words"]["sha256"], name)
        tensors = {key: value.float() for key, value in load(data).items()}
        vocabulary = Vocabulary(words.decode().split("\n") if words else [])
        body = {key[5:]: value for key, value in tensors.items() if key.startswith("body.")}
        extra = {key[6:]: value for key, value in tensors.items() if key.startswith("extra.")}
        table = tensors["table"] if "table" in tensors else _spelled(card, vocabulary, extra)
        if table.dim() != 2 or len(table) != len(vocabulary):
            shape = tuple(table.shape)
            raise BaseError(f"the base {name!r} has {len(vocabulary)} words and a table {shape}; restore it")
        return Base(name, card, vocabulary, table, body, extra)
    except BaseError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BaseError(f"the base {name!r} cannot be read ({reason}); restore its files") from error


def _spelled(card: Mapping[str, Any], vocabulary: Vocabulary, extra: Mapping[str, Tensor]) -> Tensor:
    """Return the table that a character network computes for the words."""
    from models.encoders.spelling import Spelling

    network = {key[9:]: value for key, value in extra.items() if key.startswith("spelling.")}
    if not network:
        raise BaseError(f"the base of kind {card['kind']!r} has no word table among its weights; restore its files")
    return Spelling.of(network).table(vocabulary.words)


def shrink(value: Tensor) -> Tensor:
    """Return ``value`` as it is shipped: float16 where it is large."""
    value = value.detach().contiguous()
    return value.to(torch.float16) if value.numel() > SMALL and value.is_floating_point() else value.clone()


def _read(path: Path, sha256: str, name: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BaseError(f"the base {name!r} lacks the file {path.name}; restore it") from error
    if _digest(data) != sha256:
        raise BaseError(f"the base {name!r}: {path.name} is damaged or foreign (its digest differs); restore it")
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
