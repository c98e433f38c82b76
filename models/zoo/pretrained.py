"""The zoo's readers over one encoder: one pass tunes it on the task, then every pooler reads its states.

The poolers of a task so share one encoder exactly as they share a word table, and training a pooler
costs seconds: the encoder reads each text once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from models.classifier import PoolingClassifier
from models.data.dataset import Dataset
from models.study.frozen import States, on_states, states_of
from models.training.batches import encode_splits, predict
from models.training.recipe import Recipe
from models.training.trainer import Trained, picked_rows, prepare, train
from models.training.word_table import WordTable
from models.zoo.catalogue import Card
from models.zoo.packing import halved, unshrink
from models.zoo.probes import PROBES
from models.zoo.publish import publish
from models.zoo.store import TUNED

Told = Callable[[dict[str, Any]], None]


class TunedEncoder:
    """A task's tuned encoder, its files, and the states it gives to the texts of the task's splits."""

    def __init__(
        self, recipe: Recipe, dataset: Dataset, folder: Path, work: Path,
        table: WordTable | None = None, words: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Take the tuning recipe; nothing is computed yet.

        An encoder that brings no words of its own reads ``table``, and ``words`` is that table's entry on cards.
        """
        self.recipe, self.dataset, self.folder, self.work = recipe, dataset, folder, work
        self._table, self._words = table, words
        self._rows: dict[str, list[list[int]]] | None = None
        self._states: States | None = None

    @property
    def file(self) -> Path:
        """The tuned tensors, beside the task's cards."""
        name = TUNED if self._words is None else f"{self.recipe.encoder}-tuned.safetensors"
        return self.folder / self.recipe.task / name

    def entry(self, say: Told) -> dict[str, Any]:
        """Return what cards say about the words and the tuned encoder, tuning it if it is missing or stale."""
        facts = {"data": self.dataset.digest, "recipe": self.recipe.to_dict()}
        if self._words is not None:
            facts["words"] = self._words["sha256"]
        note = self.folder / f"{self.recipe.task}.{'encoder' if self._words is None else self.recipe.encoder}.json"
        known = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
        if not (
            self.file.exists()
            and {key: known.get(key) for key in facts} == facts
            and known.get("sha256") == _digest(self.file.read_bytes())
        ):
            known = {**facts, **self._tune(say)}
            note.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        if self._words is not None:
            return {**self._words, "tuned": known["sha256"], "tuned_file": self.file.name}
        lexicon = self._drawn(self.recipe).encoder.lexicon() or {}
        return {**lexicon, "tuned": known["sha256"]}

    def classifier(self, recipe: Recipe) -> PoolingClassifier:
        """Draw the classifier of ``recipe`` over the tuned encoder."""
        drawn = self._drawn(recipe)
        tuned = {name: unshrink(value) for name, value in load(self.file.read_bytes()).items()}
        _, unexpected = drawn.encoder.load_state_dict(tuned, strict=False)
        if unexpected:
            raise RuntimeError(f"{self.file.name} holds tensors that the encoder lacks: {', '.join(unexpected)}")
        return drawn.eval()

    def states(self, recipe: Recipe) -> States:
        """Return the states of every text that training or scoring reads, computed once."""
        if self._states is None:
            reader = self.classifier(recipe)
            rows = self._rows or encode_splits(reader, self.dataset)
            picked = picked_rows(len(rows["train"]), recipe)
            wanted = {**rows, "train": [rows["train"][i] for i in picked]}
            found = states_of(reader, wanted, dtype=torch.float32)
            lines: list[list[int]] = [[] for _ in rows["train"]]
            for place, line in zip(picked, found.rows["train"], strict=True):
                lines[place] = line
            self._states = States(found.table, {**found.rows, "train": lines})
        return self._states

    def _drawn(self, recipe: Recipe) -> PoolingClassifier:
        return prepare(recipe, self.dataset, self._table)

    def _tune(self, say: Told) -> dict[str, Any]:
        self._rows = encode_splits(self._drawn(self.recipe), self.dataset)
        trained = train(
            self.recipe, self.dataset, table=self._table, encoded=self._rows, test=False, epoch_done=say,
            folder=self.work / "zoo" / self.recipe.id.replace("/", "-"),
        )  # fmt: skip
        encoder = trained.classifier.encoder
        own = encoder.state_dict().keys() - encoder.foreign()
        # float16 before any state is computed: what is trained on is what is shipped.
        data = save({name: halved(value) for name, value in encoder.state_dict().items() if name in own})
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(data)
        return {
            "sha256": _digest(data), "dev_accuracy": trained.metrics["validation"]["accuracy"],
            "best_epoch": trained.best_epoch, "seconds": round(trained.seconds, 1),
        }  # fmt: skip


def train_on(encoder: TunedEncoder, recipe: Recipe, entry: Mapping[str, Any], told: Told) -> Card:
    """Train the pooler and head of ``recipe`` on the tuned encoder's states, and publish the whole classifier.

    What is written is scored on states too: they are those of the shipped encoder, in float32.
    """
    states, dataset = encoder.states(recipe), encoder.dataset
    given = on_states(recipe, dataset.labels, states)
    whole = encoder.classifier(recipe).requires_grad_(False)

    def read(trained: PoolingClassifier) -> PoolingClassifier:
        _move(trained, whole)
        return whole

    probes = PROBES.get(recipe.task, ())
    trained = train(recipe, dataset, prepared=given, encoded=states.rows, epoch_done=told, probes=probes, reader=read)

    def logits(shipped: PoolingClassifier, split: str) -> Tensor:
        _move(shipped, given)
        return predict(given, states.rows[split])

    # The best epoch's, not the last one's that the probes were read with.
    return publish(encoder.folder, recipe, dataset, _whole(trained, read(given)), entry, logits=logits)


def _move(source: PoolingClassifier, target: PoolingClassifier) -> None:
    """Copy pooler and head."""
    target.pooler.load_state_dict(source.pooler.state_dict())
    target.head.load_state_dict(source.head.state_dict())


def _whole(trained: Trained, classifier: PoolingClassifier) -> Trained:
    return dataclasses.replace(trained, classifier=classifier)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
