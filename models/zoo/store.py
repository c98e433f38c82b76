"""Writing and reading one classifier: its card, its weights, and where those that it shares lie."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.assemble import assemble
from models.classifier import PoolingClassifier
from models.records import Parameter
from models.training.recipe import Recipe
from models.zoo.catalogue import FORMAT, Card, card_of, find, read_card
from models.zoo.errors import ZooError
from models.zoo.packing import packed, unpacked, unshrink
from models.zoo.word_tables import digest_of, read_file, read_table

# What tuning moved of an encoder, shared by the task's classifiers over it; the pretrained one's, if no other is named.
TUNED: Final = "encoder-tuned.safetensors"


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
    data = save(packed({name: value for name, value in state.items() if name in own}, bits))
    weights: dict[str, Any] = {"file": f"{stem}.safetensors", "sha256": digest_of(data), "bytes": len(data), **shared}
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
        data = read_file(home / record["weights"]["file"], record["weights"]["sha256"], card.spec.id)
    try:
        recipe = Recipe.from_dict(record["recipe"])
        classifier = assemble(
            recipe, card.spec.labels, vocabulary, embedding_size=table.shape[1], digest=card.spec.digest, table=table
        )
        tuned = _tuned(home, record["weights"], card.spec.id)
        shapes = {name: value.shape for name, value in classifier.state_dict().items()}
        own = load(data)
        state = {name: unshrink(value) for name, value in {**unpacked(own, shapes), **tuned}.items()}
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
    classifier.encoder_digest = _encoder_identity(record, recipe, own)
    return classifier.eval().requires_grad_(False)


def _tuned(folder: Path, weights: Mapping[str, Any], model_id: str) -> dict[str, Tensor]:
    """Return the tensors that the pretrained readers of a task share, under the classifier's names; mostly none."""
    if "encoder" not in weights:
        return {}
    file, sha256 = weights["encoder"]["file"], weights["encoder"]["sha256"]
    return {f"encoder.{name}": value for name, value in load(read_file(folder / file, sha256, model_id)).items()}


def _identity(weights: Mapping[str, Any], table: Mapping[str, str], recipe: Recipe, labels: Sequence[str]) -> str:
    """Digest of all that decides an output: weights, table, words, how they are put together, class names."""
    shared = weights["encoder"]["sha256"] if "encoder" in weights else ""
    parts = (weights["sha256"], shared, table["sha256"], table["words_sha256"], recipe.key(), json.dumps(list(labels)))
    return digest_of("".join(parts).encode())


def _encoder_identity(record: Mapping[str, Any], recipe: Recipe, own: Mapping[str, Tensor]) -> str:
    """Digest of all that decides a token's state: words, their table, the encoder's make, and its tensors.

    ``own`` are the tensors of the classifier's own file: most encoders lie there whole, and of one that
    belongs to several readers at least what each has moved for itself, such as a mix of layers.
    """
    table, weights = record["table"], record["weights"]
    tensors = {name: own[name] for name in sorted(own) if "encoder." in name}
    shared = weights["encoder"]["sha256"] if "encoder" in weights else ""
    made = json.dumps([recipe.encoder, sorted(dict(recipe.encoder_options).items())])
    return digest_of("".join((table["sha256"], table["words_sha256"], shared, made, digest_of(save(tensors)))).encode())


def _round(values: tuple[float, ...]) -> list[float]:
    return [round(value, 5) for value in values]


def _parameters(learned: Sequence[Parameter]) -> list[dict[str, Any]]:
    return [
        {"name": p.name, "values": _round(p.values), "initial": _round(p.initial), "meaning": p.meaning,
         "domain": p.domain}
        for p in learned
    ]  # fmt: skip
