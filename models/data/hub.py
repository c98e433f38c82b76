"""Named datasets from the Hugging Face hub, through its ``datasets`` library, only when asked for.

The library is imported on the first call. Where the hub cannot be reached the answer is one
sentence within seconds. A dataset that was fetched before is read from the library's cache when
``HF_HUB_OFFLINE=1`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.data.connection import fetch
from models.data.dataset import SPLITS, DataError, Dataset, Split, describe
from models.data.rows import SEED, as_indices, draw, in_order, label_names

HIDDEN = -1  # the label of rows whose class the publisher keeps secret
Rows = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class HubSource:
    """Where one of our datasets lies on the hub; ``labels`` are our class names in the hub's order."""

    id: str
    task: str
    labels: tuple[str, ...]
    text: str = "text"
    label: str = "label"
    note: str = ""


SENTIMENT = ("negative", "positive")
HUB: Mapping[str, HubSource] = {
    "sst2": HubSource("SetFit/sst2", "sentiment", SENTIMENT, note="sentences, with the official test labels"),
    "sst2_phrases": HubSource(
        "stanfordnlp/sst2",
        "sentiment",
        SENTIMENT,
        text="sentence",
        note="train: phrases, so those of one sentence can fall on both sides of a drawn split",
    ),
    "ag_news": HubSource("fancyzhx/ag_news", "topic", ("World", "Sports", "Business", "Sci/Tech")),
    "imdb": HubSource("stanfordnlp/imdb", "sentiment", SENTIMENT),
}


def load_hub(
    name: str,
    *,
    text: str | None = None,
    label: str | None = None,
    config: str | None = None,
    language: str = "en",
    seed: int = SEED,
) -> Dataset:
    """Fetch a dataset by our name (see :data:`HUB`) or by any hub id, with its column names.

    Rows without text are left out. A split whose labels are hidden (all -1) is left out; without
    a labelled test split the validation split becomes the test split; what is then missing is
    drawn from the training rows (a tenth, stratified, ``seed``). The card records each of these.

    Raises:
        DataError: package missing, hub not reachable, unknown id or column, unusable labels.
    """
    source = HUB.get(name) or HubSource(name, "own", ())
    columns = (text or source.text, label or source.label)
    notes = [source.note] if source.note else []
    rows, known = _labelled(fetch(source.id, config), source, columns, notes)
    if not rows.get("train", ((), ()))[0]:
        raise DataError(f"{source.id} has no labelled rows in a split called train: choose another dataset.")
    if "test" not in rows and "validation" in rows:
        rows["test"] = rows.pop("validation")
        notes.append("test: the validation split of the source")
    labels = known or in_order(rows["train"][1])
    splits = {
        split: Split(texts, as_indices(names, labels, _where(split, source.id)))
        for split, (texts, names) in rows.items()
    }
    wanted = [split for split in ("validation", "test") if split not in splits]
    if wanted:
        splits |= draw(splits["train"], wanted, labels, source.id, seed)
        notes += [f"{split}: drawn from train, stratified by label" for split in wanted]
    card = {
        "name": name,
        "task": source.task,
        "language": language,
        "labels": list(labels),
        "sources": [{"hub": source.id, "config": config}],
        "columns": {"text": columns[0], "label": columns[1]},
        "processing": notes,
        "split_seed": seed if wanted else None,
        **describe(splits, labels),
    }
    return Dataset(name, source.task, language, labels, splits, card)


def _labelled(
    fetched: Mapping[str, Any], source: HubSource, columns: tuple[str, str], notes: list[str]
) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """Texts and label names of the splits that can be used, and the class names if the hub knows them.

    What is left out is added to ``notes``.
    """
    rows: dict[str, Rows] = {}
    known = source.labels
    for split in (split for split in SPLITS if split in fetched):
        texts, values = _columns(fetched[split], source.id, *columns)
        known = known or tuple(getattr(fetched[split].features.get(columns[1]), "names", ()))
        if values and all(value == HIDDEN for value in values):
            notes.append(f"{split}: left out, its labels are hidden (-1)")
            continue
        names = _names(values, known, _where(split, source.id))
        kept = [row for row, words in enumerate(texts) if isinstance(words, str) and words.strip()]
        if len(kept) < len(texts):
            notes.append(f"{split}: {len(texts) - len(kept)} rows without text left out")
        rows[split] = (tuple(texts[row] for row in kept), tuple(names[row] for row in kept))
    return rows, known


def _columns(split: Any, identity: str, text: str, label: str) -> tuple[list[Any], list[Any]]:  # noqa: ANN401
    """Two columns of one split, whose type belongs to a library without annotations."""
    names = list(split.column_names)
    absent = [column for column in (text, label) if column not in names]
    if absent:
        raise DataError(
            f"{identity} has no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, names))}: "
            "name the columns of texts and labels."
        )
    return list(split[text][:]), list(split[label][:])


def _names(values: Sequence[object], known: Sequence[str], where: str) -> tuple[str, ...]:
    """Label names of one split: looked up where the values are indices into known names."""
    if not known:
        return label_names(values, where)
    names = []
    for row, value in enumerate(values, start=1):
        if not isinstance(value, int) or not 0 <= value < len(known):
            raise DataError(
                f"row {row} of {where} carries label {value!r}; expected 0 to {len(known) - 1} "
                f"({', '.join(known)}): choose another label column."
            )
        names.append(known[value])
    return tuple(names)


def _where(split: str, identity: str) -> str:
    """Name a split in a message."""
    return f"the {split} split of {identity}"
