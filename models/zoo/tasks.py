"""What is known of each shipped task's data, and the class names for people, from ``tasks.json``.

The classes of a data set carry names made for files: ``Cause-Effect(e1,e2)``, ``alt.atheism``. A
classifier keeps them as its identity, ``ModelSpec.labels``, since digests and links hold them. What
is shown comes from :func:`display_labels`, and from it alone: ``PoolingClassifier.labels`` asks it,
so every record made from there (predictions, sweeps, ladders, sentences of errors) speaks of
classes as people do, and no page, figure or command translates again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

FILE: Final = Path(__file__).with_name("tasks.json")


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """Where a task's data comes from; none of the data itself is shipped.

    ``name`` is the data set the classifiers were trained on, ``rows`` counts its splits, ``labels``
    gives each class, in logit order, its name for people. ``research_only`` says that the licence
    allows research (or does not allow more).
    """

    name: str
    language: str
    source: str
    citation: str
    licence: str
    research_only: bool
    rows: Mapping[str, int]
    labels: Mapping[str, str]
    notes: tuple[str, ...]


@cache
def facts() -> Mapping[str, TaskFacts]:
    """Return the facts of every shipped task by its id."""
    loaded = json.loads(FILE.read_text(encoding="utf-8"))
    return MappingProxyType(
        {task: TaskFacts(**{**said, "notes": tuple(said["notes"])}) for task, said in loaded.items()}
    )


@cache
def _names(task: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    known = facts()[task].labels if task in facts() else {}
    # A task of the visitor's own may share an id; classes that are not all ours keep their own names.
    return tuple(known[label] for label in labels) if set(labels) <= set(known) else labels


def display_labels(task: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names for people of ``labels`` (those a classifier was trained with), in the same order."""
    return _names(task, tuple(labels))
