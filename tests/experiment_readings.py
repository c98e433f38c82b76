"""Readings of tiny classifiers for the tests of the experiments."""

from __future__ import annotations

from tiny_classifiers import TEXT, tiny

from models.analysis import prepare
from models.attribution.reading import Reading
from models.experiments.frozen import Frozen
from models.records import Request

TWO = ("against", "for")
TEXTS = (TEXT, "good story", "The cast fails , but the film comes alive and it is a great story", "bad bad bad film")


def frozen(encoder="bilstm", pooler="attention", text=TEXT, pieces=False, **options):
    """The frozen states of one text; with ``pieces`` its ends are special tokens and two ids make a word."""
    classifier = tiny(encoder, pooler, **options)
    read = prepare(classifier, Request(text))
    owners = read.owners
    if pieces:
        owners = (-1, *(place // 2 for place in range(len(owners) - 2)), -1)
    return Frozen(Reading(classifier, read.ids, owners))
