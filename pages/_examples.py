"""The tasks in words and the example sentences of each, written for this app and kept as data beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.zoo import tasks

FILE = Path(__file__).with_name("examples.json")


@dataclass(frozen=True, slots=True)
class Example:
    """A text worth reading: a short name for the picker and one line on what to look out for."""

    id: str
    name: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task in words: its title, the data its classifiers learned from, the question they answer.

    ``kind`` groups tasks in the picker, ``caution`` says what its predictions may not be taken for;
    both are empty for a task of the user's own, and so is ``language``.
    """

    id: str
    title: str
    data: str
    asks: str
    kind: str = ""
    language: str = ""
    caution: str = ""

    @property
    def name(self) -> str:
        """The title after its kind, as the picker lists it."""
        return f"{self.kind.capitalize()} · {self.title}" if self.kind else self.title

    @property
    def marked(self) -> bool:
        """Whether a text of this task marks the two words it asks about."""
        return self.kind == "relation"


def task(task_id: str) -> Task:
    """Describe ``task_id``; a task of the user's own is called by its id."""
    words, known = _file()["tasks"].get(task_id), tasks.facts().get(task_id)
    if not words:
        return Task(task_id, task_id, task_id, "Which label fits this text?")
    return Task(task_id, **words, language=known.language if known else "")


def ordered(task_ids: Iterable[str]) -> list[str]:
    """Sort tasks by kind, then title; those without a kind, the user's own, come last."""
    kinds = _file()["kinds"]
    place = {kind: number for number, kind in enumerate(kinds)}
    described = {task_id: task(task_id) for task_id in task_ids}
    return sorted(described, key=lambda name: (place.get(described[name].kind, len(kinds)), described[name].title))


def examples(task_id: str) -> dict[str, Example]:
    """Return the examples of a task by id, the first one being what a first visit reads."""
    listed = [item for item in _file()["examples"] if item["task"] == task_id] or _file()["any"]
    made = (Example(item["id"], item["name"], item["text"], item["hint"]) for item in listed)
    return {example.id: example for example in made}


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded
