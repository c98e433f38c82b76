"""The example sentences of each task, written for this app and kept as data beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    """A task in words: its title, the data its classifiers learned from, the question they answer."""

    id: str
    title: str
    data: str
    asks: str


def task(task_id: str) -> Task:
    """Describe ``task_id``; a task of the user's own is called by its id."""
    words = _file()["tasks"].get(task_id)
    return Task(task_id, **words) if words else Task(task_id, task_id, task_id, "Which label fits this text?")


def examples(task_id: str) -> dict[str, Example]:
    """Return the examples of a task by id, the first one being what a first visit reads."""
    listed = [item for item in _file()["examples"] if item["task"] == task_id] or _file()["any"]
    made = (Example(item["id"], item["name"], item["text"], item["hint"]) for item in listed)
    return {example.id: example for example in made}


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded
