"""Writing and reading one classifier: card, weights, and the word table it may share."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from models.assemble import assemble
from models.classifier import PoolingClassifier
from models.pretrained.base import open_pretrained
from models.pretrained.source import PretrainedError
from models.pretraining.store import ENTRY, BaseError, open_base
from models.records import Parameter
from models.text import Vocabulary
from models.training.recipe import Recipe
from models.training.rounding import pack, pack_rows, unpack, unpack_rows
from models.zoo.catalogue import FORMAT, Card, card_of, find, read_card
from models.zoo.errors import ZooError

TABLE: Final = "words"
# What tuning moved of an encoder, shared by the task's classifiers over it; the pretrained one's, if no other is named.
TUNED: Final = "encoder-tuned.safetensors"
# Bytes of the longest list of words that is read: twenty thousand words have a fortieth of it.
WORDS_LIMIT: Final = 8 * 1024 * 1024
# Below this many numbers a tensor stays float32: biases and exponents cost nothing.
SMALL: Final = 1_024
# Stands before the name of a packed matrix to name its scales; no module's name holds a colon.
SCALE: Final = "scale:"


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
    return {"name": name, "sha256": _digest(data), "words_sha256": _digest(words)}


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


def write(
    folder: Path, classifier: PoolingClassifier, recipe: Recipe, table: Mapping[str, str], facts: Mapping[str, Any]
) -> Card:
    """Write weights and card of a classifier whose word table is in ``folder``; arguments as in :func:`draft`."""
    return put(*draft(folder, classifier, recipe, table, facts))


def draft(
    folder: Path,
    classifier: PoolingClassifier,
    recipe: Recipe,
    table: Mapping[str, str],
    facts: Mapping[str, Any],
    bits: int = 16,
) -> tuple[Card, bytes]:
    """Make the card and the weights (float16 where large) that :func:`put` writes to ``folder``.

    ``facts`` are the measured parts of the card: data, metrics, history, software. With fewer than 16
    ``bits`` large matrices are packed with a scale per row (:func:`pack_rows`), as those of twins are.
    """
    stem = recipe.stem
    state = classifier.state_dict()
    shared = {"encoder": {"file": table.get("tuned_file", TUNED), "sha256": table["tuned"]}} if "tuned" in table else {}
    own = state.keys() - classifier.borrowed() - _tuned(folder, shared, recipe.id).keys()
    data = save(_packed({name: value for name, value in state.items() if name in own}, bits))
    weights: dict[str, Any] = {"file": f"{stem}.safetensors", "sha256": _digest(data), "bytes": len(data), **shared}
    if bits != 16:
        weights["bits"] = bits
    return describe(folder, classifier, recipe, table, weights, facts), data


def describe(
    folder: Path,
    classifier: PoolingClassifier,
    recipe: Recipe,
    table: Mapping[str, str],
    weights: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Card:
    """Make the card of a classifier whose weights stand, or are to stand, in the file that ``weights`` names."""
    record = {
        "format": FORMAT,
        "id": recipe.id,
        "task": recipe.task,
        "encoder": recipe.encoder,
        "pooler": recipe.pooler,
        "seed": recipe.seed,
        "title": classifier.spec.title,
        "labels": list(classifier.spec.labels),
        "digest": _identity(weights, table, recipe, classifier.spec.labels),
        "embedding_size": classifier.table.embedding_dim,
        "recipe": recipe.to_dict(),
        "table": dict(table),
        "weights": dict(weights),
        "learned": _parameters(classifier.pooler.learned()),
        **facts,
    }
    if classifier.encoder.learned():
        record["learned_encoder"] = _parameters(classifier.encoder.learned())
    return card_of(record, folder / f"{recipe.stem}.json")


def put(card: Card, data: bytes | None) -> Card:
    """Write a card and the weights it describes to its folder; return the card as it is read back.

    Without ``data`` the weights are another card's and stay as they are.
    """
    card.path.parent.mkdir(parents=True, exist_ok=True)
    if data is not None:
        (card.path.parent / card.record["weights"]["file"]).write_bytes(data)
    text = json.dumps(card.record, ensure_ascii=False, separators=(",", ":"))
    card.path.write_text(text + "\n", encoding="utf-8")
    return read_card(card.path)


def load_classifier(model_id: str, folder: str | Path | None = None) -> PoolingClassifier:
    """Load a classifier of the zoo, ready to be shared: evaluation mode, no gradient on weights.

    Raises:
        ZooError: unknown id, file missing, digest wrong, or tensors that do not fit the card.
    """
    card = find(model_id, folder)
    return from_card(card)


def from_card(card: Card, data: bytes | None = None) -> PoolingClassifier:
    """Load the classifier that ``card`` describes, from its file or from ``data`` that is not written yet.

    Errors as in :func:`load_classifier`.
    """
    home, record = card.path.parent, card.record
    vocabulary, table = read_table(home, record["table"])
    if data is None:
        data = _read(home / record["weights"]["file"], record["weights"]["sha256"], card.spec.id)
    try:
        recipe = Recipe.from_dict(record["recipe"])
        classifier = assemble(
            recipe, card.spec.labels, vocabulary, embedding_size=table.shape[1], digest=card.spec.digest, table=table
        )
        tuned = _tuned(home, record["weights"], card.spec.id)
        shapes = {name: value.shape for name, value in classifier.state_dict().items()}
        state = {name: unshrink(value) for name, value in {**_unpacked(load(data), shapes), **tuned}.items()}
        # First: a foreign file must not write into the table, or the base, that others share.
        odd = (classifier.state_dict().keys() - classifier.borrowed()) ^ state.keys()
        if not odd:
            classifier.load_state_dict(state, strict=False)
            classifier.table.weight = table
    # UnknownNameError is a KeyError and PoolScopeError a ValueError; the rest is what odd values do to torch.
    except (LookupError, ValueError, SafetensorError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ZooError(f"{card.spec.id}: the weights do not fit the card ({reason}); restore both files") from error
    if odd:
        names = ", ".join(sorted(odd))
        raise ZooError(f"{card.spec.id}: the weights do not fit the card (tensors {names}); restore both files")
    if card.spec.digest != _identity(record["weights"], record["table"], recipe, card.spec.labels):
        raise ZooError(f"{card.spec.id}: the card was changed (its digest differs); restore it or train again")
    return classifier.eval().requires_grad_(False)


@lru_cache(maxsize=16)
def _table(folder: Path, name: str, sha256: str, words_sha256: str) -> tuple[Vocabulary, nn.Parameter]:
    data = _read(folder / f"{name}.safetensors", sha256, f"word table {folder.name}/{name}")
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
    """Read the words of a table, as text or as packed text; errors as in :func:`_read`."""
    plain, packed = folder / f"{name}.txt", folder / f"{name}.txt.gz"
    return _read(packed if packed.exists() and not plain.exists() else plain, sha256, f"word list {folder.name}/{name}")


def _read(path: Path, sha256: str, what: str) -> bytes:
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
    if _digest(data) != sha256:
        raise ZooError(f"{what}: the file {path.name} is damaged or foreign (its digest differs); restore it")
    return data


def _tuned(folder: Path, weights: Mapping[str, Any], model_id: str) -> dict[str, Tensor]:
    """Return the tensors that the pretrained readers of a task share, under the classifier's names; mostly none."""
    if "encoder" not in weights:
        return {}
    file, sha256 = weights["encoder"]["file"], weights["encoder"]["sha256"]
    return {f"encoder.{name}": value for name, value in load(_read(folder / file, sha256, model_id)).items()}


def _identity(weights: Mapping[str, Any], table: Mapping[str, str], recipe: Recipe, labels: Sequence[str]) -> str:
    """Digest of all that decides an output: weights, table, words, how they are put together, class names."""
    shared = weights["encoder"]["sha256"] if "encoder" in weights else ""
    parts = (weights["sha256"], shared, table["sha256"], table["words_sha256"], recipe.key(), json.dumps(list(labels)))
    return _digest("".join(parts).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _packed(state: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Return what is stored of ``state``: halves, or with fewer bits matrices as codes beside their scales."""
    stored = {}
    for name, value in state.items():
        if bits < 16 and value.dim() == 2 and value.numel() > SMALL:
            stored[name], stored[SCALE + name] = pack_rows(value, bits)
        else:
            stored[name] = _shrink(value)
    return stored


def _unpacked(stored: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Undo :func:`_packed`; ``shapes`` are those of the classifier's own tensors."""
    return {
        name: unpack_rows(value, stored[SCALE + name], shapes[name][-1]) if SCALE + name in stored else value
        for name, value in stored.items() if not name.startswith(SCALE)
    }  # fmt: skip


def _shrink(value: Tensor) -> Tensor:
    value = value.detach().contiguous()
    return halved(value) if value.numel() > SMALL else value


def halved(value: Tensor) -> Tensor:
    """Round to float16; whole numbers, such as keys, stay what they are."""
    return value.to(torch.float16) if value.is_floating_point() else value


def unshrink(value: Tensor) -> Tensor:
    """Return float32; whole numbers stay what they are."""
    return value.float() if value.is_floating_point() else value


def _round(values: tuple[float, ...]) -> list[float]:
    return [round(value, 5) for value in values]


def _parameters(learned: Sequence[Parameter]) -> list[dict[str, Any]]:
    return [
        {"name": p.name, "values": _round(p.values), "initial": _round(p.initial), "meaning": p.meaning,
         "domain": p.domain}
        for p in learned
    ]  # fmt: skip
