"""Baselines as files: safetensors, a list of words and a JSON card per task; numpy is enough to load them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.baselines.catalogue import CARD, FORMAT, SHIPPED, read_card
from models.baselines.features import Features, Floats
from models.baselines.kinds import BASELINES
from models.baselines.kinds.base import Baseline
from models.errors import PoolScopeError
from models.records import ModelSpec
from models.text import WordTokenizer
from models.zoo.errors import ZooError

WORDS: Final = "words.txt"
FEATURES: Final = "features.safetensors"
READS: Final = {"tfidf": "tf-idf", "counts": "Counts", "presence": "Presence"}
_TOKENIZER: Final = WordTokenizer()


@dataclass(frozen=True, slots=True)
class BagOfWords:
    """A baseline that can read: its identity, its features, and the trained arrays; never changed."""

    spec: ModelSpec
    features: Features
    model: Baseline

    def values(self, keys: list[str]) -> Floats:
        """Return the values of all classes (C,) for a text as look-up keys."""
        return self.model.decide(self.features.vector(keys, self.model.reads))

    def read(self, text: str) -> Floats:
        """Return the values of all classes (C,) for a text."""
        return self.values(_TOKENIZER.words(text))


def write(
    folder: Path,
    task: str,
    labels: tuple[str, ...],
    features: Features,
    models: Mapping[str, Baseline],
    facts: Mapping[str, Any],
    each: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Write all baselines of one task and their card; return the card's path.

    Args:
        folder: where the baselines of all tasks are.
        task: the task's name, which is its folder's.
        labels: class names in the order of the values.
        features: what the baselines read.
        models: the trained baselines by name.
        facts: measured facts of the task for the card: data, software, what was tried.
        each: measured facts of each baseline by name: setting, grid, metrics.
    """
    home = folder / task
    home.mkdir(parents=True, exist_ok=True)
    words, arrays = features.packed()
    text, packed = "\n".join(words).encode(), save(arrays)
    (home / WORDS).write_bytes(text)
    (home / FEATURES).write_bytes(packed)
    shared = {"sha256": _digest(packed), "words_sha256": _digest(text), "texts": features.texts}
    baselines = {}
    for name, model in models.items():
        data = save({key: value.copy(order="C") for key, value in model.arrays.items()})
        (home / f"{name}.safetensors").write_bytes(data)
        sha256 = _digest(data)
        baselines[name] = {
            "title": model.title,
            "reads": model.reads,
            "sha256": sha256,
            "bytes": len(data),
            "digest": _identity(sha256, shared, name, labels),
            **each[name],
        }
    pairs = sum(" " in feature for feature in features.names)
    counted = {"count": len(features), "pairs": pairs, **shared, **facts.get("features", {})}
    card = {
        "format": FORMAT, "task": task, "labels": list(labels), **facts, "features": counted, "baselines": baselines,
    }  # fmt: skip
    path = home / CARD
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def load_baseline(task: str, name: str, folder: str | Path | None = None) -> BagOfWords:
    """Load one baseline of a task.

    Raises:
        ZooError: no such task or baseline, a file is missing, damaged or does not fit the card.
    """
    card, home = read_card(task, folder), Path(folder or SHIPPED) / task
    if name not in card["baselines"]:
        raise ZooError(f"there is no baseline {name!r} of {task}; choose one of: {', '.join(card['baselines'])}")
    try:
        facts, shared, labels = card["baselines"][name], card["features"], tuple(map(str, card["labels"]))
        features = _features(home, shared["sha256"], shared["words_sha256"], int(shared["texts"]))
        kind = BASELINES[name]
        model = kind(load(_read(home / f"{name}.safetensors", facts["sha256"])))
        classes, needed = model.shape()
        if classes != len(labels) or needed > len(features) or (kind.reads != "presence" and needed != len(features)):
            raise ValueError(f"{classes} classes and {needed} features for {len(labels)} and {len(features)}")
        if facts["digest"] != _identity(facts["sha256"], shared, name, labels):
            raise ValueError("the card was changed: its digest differs")
        spec = ModelSpec(
            id=f"{task}/{kind.reads}/{name}", task=task, encoder=kind.reads, pooler=name, seed=0,
            digest=facts["digest"], title=f"{READS[kind.reads]} · {kind.title}", labels=labels,
        )  # fmt: skip
    except ZooError:
        raise
    except (PoolScopeError, KeyError, IndexError, TypeError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ZooError(f"baseline {task}/{name}: its files do not fit its card ({reason}); restore them") from error
    return BagOfWords(spec, features, model)


@lru_cache(maxsize=8)
def _features(home: Path, sha256: str, words_sha256: str, texts: int) -> Features:
    """Read the features that all baselines of a task share, once."""
    words = _read(home / WORDS, words_sha256).decode().split("\n")
    return Features.unpacked(words, load(_read(home / FEATURES, sha256)), texts)


def _read(path: Path, sha256: str) -> bytes:
    what = f"baselines of {path.parent.name}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ZooError(f"{what}: the file {path.name} is missing; restore it or build the baselines again") from error
    if _digest(data) != sha256:
        raise ZooError(f"{what}: the file {path.name} is damaged or foreign (its digest differs); restore it")
    return data


def _identity(sha256: str, shared: Mapping[str, Any], name: str, labels: tuple[str, ...]) -> str:
    """Digest of all that decides an output: arrays, features, words, kind, class names."""
    parts = (sha256, shared["sha256"], shared["words_sha256"], str(shared["texts"]), name, json.dumps(list(labels)))
    return _digest("".join(parts).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
