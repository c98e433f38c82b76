"""What building a task's classifiers starts from: its word tables, their entries on cards, its texts as id rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from models.data.dataset import Dataset
from models.text import Vocabulary, WordTokenizer
from models.training.batches import Rows, encode_splits
from models.training.recipe import Recipe
from models.training.trainer import prepare, train
from models.training.word_table import WordTable, skip_gram
from models.vectors import StaticVectors, read_vectors
from models.zoo.errors import ZooError
from models.zoo.recipes import TaskPlan, tuning
from models.zoo.word_tables import read_table, write_table

Load = Callable[[str], Dataset]
Say = Callable[[str], None]


class Workshop:
    """One task's place of work: its plan and data, the zoo's ``folder``, the ``work`` folder of unfinished runs.

    A shared word table is trained where it is missing or stale; texts are read once per list of words; ``say`` is
    told one line about whatever is trained.
    """

    def __init__(self, plan: TaskPlan, load: Load, folder: Path, work: Path, say: Say = print) -> None:
        """Take the plan, from a data set's name to the data set, both folders, and who is told; nothing is read yet."""
        self.plan, self.load, self.folder, self.work, self.say = plan, load, folder, work, say
        # Id rows by the words they were read with: a base brings its own.
        self._rows: dict[str, dict[str, Rows]] = {}

    @cached_property
    def dataset(self) -> Dataset:
        """The data that the plan's classifiers learn from."""
        return self.load(self.plan.dataset)

    @cached_property
    def corpora(self) -> dict[str, str]:
        """The data sets whose texts the word vectors are trained on, with their digests."""
        return {name: self.load(name).digest for name in self.plan.corpora}

    def read(self, entry: dict[str, Any]) -> WordTable:
        """Read the word table of ``entry``."""
        vocabulary, weights = read_table(self.folder / self.plan.task, entry)
        return WordTable(vocabulary, weights.data)

    def rows(self, recipe: Recipe, entry: dict[str, Any], table: WordTable) -> dict[str, Rows]:
        """Return every split as id rows, read with the words of ``entry``."""
        words = entry["words_sha256"]
        if words not in self._rows:
            self._rows[words] = {**encode_splits(prepare(recipe, self.dataset, table), self.dataset)}
        return self._rows[words]

    def word_entry(self, *, whole: bool) -> dict[str, Any]:
        """Return the entry of the task's word table, training the vectors if it is missing or stale.

        With ``whole`` False the entry will do: a table that only the tuning read is not shipped.
        """
        plan = self.plan
        facts: dict[str, Any] = {
            "method": "skip-gram word2vec (gensim), frozen",
            "corpora": self.corpora,
            "vocabulary": {"data": self.dataset.digest, "min_count": plan.min_count, "max_words": plan.max_words},
        }
        if plan.bits != 16:
            facts["bits"] = plan.bits
        file = self.folder / f"{plan.task}.table.json"
        known = self._known(file, facts, whole=whole)
        if known:
            return known
        vectors = self._vectors()
        vocabulary = Vocabulary.build(
            self.dataset.splits["train"].texts, WordTokenizer(), min_count=plan.min_count, max_size=plan.max_words
        )
        laid = WordTable.lay(vectors, vocabulary, bits=plan.bits)
        entry = {
            **write_table(self.folder / plan.task, "words", vocabulary, laid.weights, plan.bits, packed=True),
            "shared": True, **facts,
        }  # fmt: skip
        file.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
        return entry

    def tuned_entry(self) -> dict[str, Any]:
        """Return the entry of the task's tuned word table, training it if it is missing or stale.

        The plain table it started from is removed again where no classifier reads it.
        """
        plan, home = self.plan, self.folder / self.plan.task
        recipe = tuning(plan)
        facts = {
            "method": "skip-gram word2vec (gensim), tuned on the task with mean-pooled embeddings, then frozen",
            "from": self.word_entry(whole=plan.plain)["sha256"],
            "data": self.dataset.digest,
            "recipe": recipe.to_dict(),
        }
        file = self.folder / f"{plan.task}.tuned.json"
        known = self._known(file, facts)
        if known:
            return known
        table = self.read(self.word_entry(whole=True))
        self.say(f"{plan.task}: tuning the word vectors …")
        trained = train(recipe, self.dataset, table=table, test=False, epoch_done=partial(self.tell, recipe))
        weights = trained.classifier.table.weight.detach()
        entry = {
            **write_table(home, "words-tuned", table.vocabulary, weights, plan.bits, packed=True),
            "shared": True, **facts,
        }  # fmt: skip
        file.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
        if not plan.plain:
            for name in ("words.safetensors", "words.txt", "words.txt.gz"):
                (home / name).unlink(missing_ok=True)
        return entry

    def tell(self, recipe: Recipe, record: dict[str, Any]) -> None:
        """Say one line about an epoch."""
        p = record["p"]
        shown = "" if not p else "  p " + " ".join(f"{value:.3f}" for value in p)
        self.say(
            f"{recipe.id} epoch {record['epoch']}: loss {record['loss']:.4f}  dev {record['dev_accuracy']:.4f}{shown}  "
            f"({record['seconds']:.0f} s)"
        )

    def _known(self, file: Path, facts: dict[str, Any], *, whole: bool = True) -> dict[str, Any] | None:
        if not file.exists():
            return None
        try:
            known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if whole:
                read_table(self.folder / self.plan.task, known)
        except (ValueError, KeyError, TypeError, ZooError):
            return None
        return known if {key: known.get(key) for key in facts} == facts else None

    def _vectors(self) -> StaticVectors:
        """Return skip-gram vectors of the plan's corpora, kept in ``work`` since tasks may share them."""
        key = hashlib.sha256(json.dumps(self.corpora, sort_keys=True).encode()).hexdigest()[:12]
        file = self.work / "vectors" / f"{key}.npz"
        if not file.exists():
            self.say(f"{self.plan.task}: training word vectors on {', '.join(self.plan.corpora)} …")
            vectors = skip_gram([text for name in self.plan.corpora for text in self.load(name).splits["train"].texts])
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, words=np.array(vectors.words), vectors=vectors.vectors)
        return read_vectors(file)
