"""The cards of the baselines: which there are and how well they read; JSON only, no numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.zoo.errors import ZooError

SHIPPED: Final = Path(__file__).parent.parent / "zoo" / "baselines"
CARD: Final = "card.json"
FORMAT: Final = 1
REQUIRED: Final = ("format", "task", "labels", "data", "features", "baselines")


class Best(NamedTuple):
    """The baseline of a task with the highest accuracy on the official test split."""

    name: str
    accuracy: float
    macro_f1: float


def tasks(folder: str | Path | None = None) -> tuple[str, ...]:
    """Return the tasks that have baselines in ``folder`` (default: the shipped ones), sorted."""
    return tuple(sorted(path.parent.name for path in Path(folder or SHIPPED).glob(f"*/{CARD}")))


def read_card(task: str, folder: str | Path | None = None) -> Mapping[str, Any]:
    """Return the card of a task's baselines.

    Raises:
        ZooError: no such task, or its card is damaged.
    """
    path = Path(folder or SHIPPED) / task / CARD
    if task not in tasks(folder):
        raise ZooError(f"there are no baselines of {task!r}; choose one of: {', '.join(tasks(folder)) or 'none'}")
    return _read(path, path.stat().st_mtime_ns)


def find_card(task: str, folder: str | Path | None = None) -> Mapping[str, Any] | None:
    """Return the card of a task's baselines, or ``None`` where there are none that can be read."""
    try:
        return read_card(task, folder)
    except ZooError:
        return None


def scores(task: str, folder: str | Path | None = None) -> dict[str, tuple[float, float]]:
    """Return accuracy and macro-F1 on the official test split for every baseline of ``task``, by name."""
    card = find_card(task, folder)
    tests = {} if card is None else {name: facts["metrics"]["test"] for name, facts in card["baselines"].items()}
    return {name: (float(test["accuracy"]), float(test["macro_f1"])) for name, test in tests.items()}


def best_baseline(task: str, folder: str | Path | None = None) -> Best | None:
    """Return the best baseline of ``task`` by test accuracy (then macro-F1), or ``None`` without any."""
    ranked = sorted(scores(task, folder).items(), key=lambda item: (*item[1], item[0]))
    return Best(ranked[-1][0], *ranked[-1][1]) if ranked else None


def below_baseline(task: str, accuracy: float | None, folder: str | Path | None = None) -> bool:
    """Say whether a reader of ``task`` scores below the best bag of words; False where one is unknown."""
    best = best_baseline(task, folder)
    return best is not None and accuracy is not None and accuracy < best.accuracy


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int) -> Mapping[str, Any]:
    """Read a card once per version of its file."""
    try:
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in REQUIRED if key not in record]
        if missing or record["format"] != FORMAT:
            raise ValueError(f"without {', '.join(missing)}" if missing else f"of format {record['format']!r}")
        for facts in record["baselines"].values():
            _ = float(facts["metrics"]["test"]["accuracy"]), float(facts["metrics"]["test"]["macro_f1"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what, reason = f"the card of the baselines of {path.parent.name}", f"{type(error).__name__}: {error}"
        raise ZooError(f"{what} cannot be read ({reason}); restore it") from error
    card: Mapping[str, Any] = record
    return card
