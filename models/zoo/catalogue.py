"""Which classifiers are there: reads cards only, no weights and no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.records import ModelSpec, Parameter
from models.zoo.errors import ZooError

SHIPPED: Final = Path(__file__).parent / "weights"
# The language models of the encoders that bring their own words.
BASES: Final = Path(__file__).parent / "bases"
FORMAT: Final = 1
REQUIRED: Final = ("id", "task", "encoder", "pooler", "seed", "title", "labels", "digest", "recipe", "weights", "table")


@dataclass(frozen=True, slots=True)
class Card:
    """One classifier's card: its identity, the whole record, and where its files are."""

    spec: ModelSpec
    record: Mapping[str, Any]
    path: Path

    @property
    def accuracy(self) -> float | None:
        """Accuracy on the official test set, where it was measured."""
        value = self.record.get("metrics", {}).get("test", {}).get("accuracy")
        return None if value is None else float(value)

    @property
    def twin(self) -> Mapping[str, Any] | None:
        """What makes this classifier a twin: its kind, the id it is a twin ``of``, options, distances; or ``None``."""
        found = self.record.get("twin")
        if found is not None and not all(isinstance(found[key], str) for key in ("kind", "of")):
            raise TypeError("a twin's kind and the id it is a twin of must be texts")
        return found

    @property
    def learned(self) -> tuple[Parameter, ...]:
        """Learned quantities of the pooler, initial and final."""
        return _parameters(self.record.get("learned", ()))

    @property
    def learned_encoder(self) -> tuple[Parameter, ...]:
        """Learned quantities of the encoder: how it mixes its layers, where it does."""
        return _parameters(self.record.get("learned_encoder", ()))


def catalogue(folder: str | Path | None = None) -> tuple[Card, ...]:
    """Return the cards of ``folder`` (default: the shipped zoo), sorted by id; :func:`twins_of` lists the twins.

    Unreadable cards are left out here, so that one bad file never hides the others;
    :func:`problems` names them.
    """
    return tuple(card for card in _cards(folder) if card.twin is None)


def twins(folder: str | Path | None = None) -> tuple[Card, ...]:
    """Return the cards of all twins of ``folder``, whosever they are, sorted by id."""
    return tuple(card for card in _cards(folder) if card.twin is not None)


def twins_of(model_id: str, folder: str | Path | None = None) -> tuple[Card, ...]:
    """Return the cards of the twins of one classifier, sorted by kind, then by λ, then by id; mostly none."""
    found = [(card, card.twin) for card in _cards(folder) if card.twin is not None and card.twin["of"] == model_id]
    found.sort(key=lambda pair: (pair[1]["kind"], pair[1].get("lambda", 0.0), pair[0].spec.id))
    return tuple(card for card, _ in found)


def problems(folder: str | Path | None = None) -> tuple[str, ...]:
    """Return one sentence for every card of ``folder`` that could not be read."""
    return tuple(str(error) for error in map(_try, _files(folder)) if isinstance(error, ZooError))


def find(model_id: str, folder: str | Path | None = None) -> Card:
    """Return the card called ``model_id``, a twin's too; :class:`ZooError` lists the near choices, no twins."""
    cards = _cards(folder)
    for card in cards:
        if card.spec.id == model_id:
            return card
    cards = tuple(card for card in cards if card.twin is None)
    task = model_id.split("/")[0]
    near = [card.spec.id for card in cards if card.spec.task == task] or [card.spec.id for card in cards]
    listed = ", ".join(near) or "none: the zoo is empty"
    raise ZooError(f"there is no classifier {model_id!r}; choose one of: {listed}")


def read_card(path: Path) -> Card:
    """Read and check one card.

    Raises:
        ZooError: not JSON, a field is missing, or a format of another version.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ZooError(f"the card {path.name} cannot be read ({error}); restore the file or remove it") from error
    return card_of(record, path)


def card_of(record: Any, path: Path) -> Card:  # noqa: ANN401  # whatever JSON holds
    """Check a record that stands, or is to stand, in the file ``path``; errors as in :func:`read_card`."""
    missing = [key for key in REQUIRED if not isinstance(record, dict) or key not in record]
    if missing:
        raise ZooError(f"the card {path.name} lacks {', '.join(missing)}; it is not a PoolScope card or is damaged")
    if record.get("format") != FORMAT:
        raise ZooError(f"the card {path.name} has format {record.get('format')!r}; this version reads format {FORMAT}")
    try:
        spec = ModelSpec(
            id=record["id"], task=record["task"], encoder=record["encoder"], pooler=record["pooler"],
            seed=int(record["seed"]), digest=record["digest"], title=record["title"],
            labels=tuple(record["labels"]),
        )  # fmt: skip
        card = Card(spec, record, path)
        _check_parts(card)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ZooError(f"the card {path.name} does not describe a classifier ({reason}); restore the file") from error
    return card


def _check_parts(card: Card) -> None:
    """Touch all that readers of a card take for granted; whatever goes wrong is the card's fault."""
    weights, table = card.record["weights"], card.record["table"]
    for text in (*card.spec.labels, weights["sha256"], table["sha256"], table["words_sha256"], card.spec.digest):
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is not a text")
    for name in (weights["file"], table["name"], *([weights["encoder"]["file"]] if "encoder" in weights else [])):
        # Files stand beside their card: a card from elsewhere must not point elsewhere.
        if not name or Path(name).name != name:
            raise ValueError(f"{name!r} is not a file beside the card")
    if not isinstance(card.record["recipe"], dict) or not isinstance(card.record["labels"], list):
        raise TypeError("recipe must be an object and labels a list")
    _ = card.accuracy, card.learned, card.learned_encoder, card.twin


def _parameters(rows: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(p["name"], tuple(p["values"]), tuple(p["initial"]), p["meaning"], p["domain"]) for p in rows
    )


def _cards(folder: str | Path | None) -> tuple[Card, ...]:
    """All readable cards, twins too, sorted by id."""
    cards = (card for card in map(_try, _files(folder)) if isinstance(card, Card))
    return tuple(sorted(cards, key=lambda card: card.spec.id))


def _files(folder: str | Path | None) -> list[Path]:
    return sorted(Path(folder or SHIPPED).glob("*/*.json"))


def _try(path: Path) -> Card | ZooError:
    try:
        return read_card(path)
    except ZooError as error:
        return error
