"""A tiny data set that can be learned: one of four telling words stands in each text."""

from __future__ import annotations

import random

from models.data import Dataset, Split
from models.training.recipe import Recipe

PLAIN = ("film", "plot", "actor", "scene", "the", "a", "with", "and", "it", "was")
TELLING = (("dull", "bad"), ("great", "fine"))
SMALL = {
    "embedding": {"state_size": 12},
    "cnn": {"filters": 6},
    "bilstm": {"hidden_size": 6},
    "orthogonal_lstm": {"hidden_size": 6},
    "transformer": {"layers": 1, "width": 12, "heads": 2, "ffn": 24, "dropout": 0.0},
    "gpt_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 16},
    "elmo_like": {"base": "none"},
    "bert_like": {"base": "none", "layers": 1, "heads": 2, "ffn": 16},
}


def toy(seed=3, train=96, others=32) -> Dataset:
    draw = random.Random(seed)

    def rows(count):
        labels = tuple(draw.randrange(2) for _ in range(count))
        texts = tuple(
            _shuffled(draw, [*draw.choices(PLAIN, k=draw.randint(1, 8)), draw.choice(TELLING[label])])
            for label in labels
        )
        return Split(texts, labels)

    splits = {"train": rows(train), "validation": rows(others), "test": rows(others)}
    return Dataset(name="toy", task="toy", language="en", labels=("bad", "good"), splits=splits, card={})


def _shuffled(draw, words):
    draw.shuffle(words)
    return " ".join(words)


def recipe(encoder="embedding", pooler="attention", **changes) -> Recipe:
    """A recipe that learns the toy in a second."""
    settings = {
        "encoder_options": SMALL[encoder], "embedding_size": 8, "epochs": 4, "patience": 4, "batch_size": 16,
        "lr": 0.02, "p_lr": 0.02, "dropout": 0.1,
    }  # fmt: skip
    return Recipe("toy", encoder, pooler, **{**settings, **changes})
