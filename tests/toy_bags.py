"""A small data set of one telling word per text with three classes, and its features as sparse matrices."""

from __future__ import annotations

import random

import numpy as np
from scipy.sparse import csr_matrix

from models.baselines.features import Features
from models.data import Dataset, Split

PLAIN = ("film", "plot", "the", "a", "with", "and", "not", "was", "电", "影")
TELLING = (("dull", "bad"), ("great", "fine"), ("odd", "strange"))


def toy_bags(classes=3, seed=5, train=120, others=40) -> Dataset:
    draw = random.Random(seed)

    def rows(count):
        labels = tuple(draw.randrange(classes) for _ in range(count))
        return Split(tuple(_text(draw, TELLING[label]) for label in labels), labels)

    splits = {"train": rows(train), "validation": rows(others), "test": rows(others)}
    names = ("bad", "good", "odd")[:classes]
    return Dataset(name="toy", task="toy", language="en", labels=names, splits=splits, card={})


def _text(draw, telling):
    # One text in ten lies, so that no baseline is perfect and every penalty matters.
    word = draw.choice(telling) if draw.random() > 0.1 else draw.choice(TELLING[0])
    words = [*draw.choices(PLAIN, k=draw.randint(2, 9)), word]
    draw.shuffle(words)
    return " ".join(words)


def matrix_of(features: Features, texts, reads):
    """Rows as :meth:`Features.vector` gives them, in scipy's form."""
    from models.text import WordTokenizer

    rows = [features.vector(WordTokenizer().words(text), reads) for text in texts]
    dense = np.zeros((len(rows), len(features)))
    for place, row in enumerate(rows):
        dense[place, row.ids] = row.values
    return csr_matrix(dense)
