"""A tiny corpus of sentences with a grammar, and the three language models small enough to learn it."""

from __future__ import annotations

import random

from models.data import Dataset, Split
from models.pretraining.corpus import read_corpus
from models.pretraining.kinds import KINDS
from models.pretraining.plan import Plan

SIZES = {
    "gpt_like": {"width": 8, "layers": 2, "heads": 2, "ffn": 12, "samples": 0},
    "bert_like": {"width": 8, "layers": 2, "heads": 2, "ffn": 12},
    "elmo_like": {"width": 8, "filters": 3, "char_size": 4, "samples": 0},
}


def texts(count, seed=1):
    draw = random.Random(seed)
    nouns, verbs = ("cat", "dog", "fox"), ("sees", "likes")

    def sentence():
        return f"the {draw.choice(nouns)} {draw.choice(verbs)} a {draw.choice(nouns)} ."

    return tuple(" ".join(sentence() for _ in range(draw.choice((1, 2, 4)))) for _ in range(count))


def dataset(rows=24):
    def split(count, seed):
        return Split(texts(count, seed), tuple(i % 2 for i in range(count)))

    splits = {"train": split(rows, 1), "validation": split(8, 2), "test": split(8, 3)}
    return Dataset(name="toy", task="toy", language="en", labels=("a", "b"), splits=splits, card={})


def corpus(rows=24, max_words=100):
    return read_corpus([(dataset(rows), None)], max_words=max_words, held_out=8)


def model(kind, found=None):
    found = found or corpus()
    return KINDS[kind](found.counts(), found.vocabulary.words, **SIZES[kind]).eval()


def plan(kind, **changes):
    settings = {"epochs": 2, "batch_words": 128, "length": 32, "max_words": 100, "held_out": 8, "warmup": 5, "lr": 0.01}
    return Plan(kind, (("toy", 0),), tuple(SIZES[kind].items()), **{**settings, **changes})
