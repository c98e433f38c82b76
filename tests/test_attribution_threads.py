"""One classifier, many threads: the same bits as one thread, and nothing left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tiny_classifiers import OTHER, TEXT, fingerprint, same_fingerprint, tiny

from models.analysis import analyse, remove
from models.attribution import METHODS
from models.records import MethodCall, Request

THREADS = 4
CALLS = (*(MethodCall(name) for name in METHODS), MethodCall("input_gradient", (("attention", "detached"),)))
TEXTS = [
    TEXT,
    OTHER,
    "not bad",
    "film",
    f"{TEXT} {OTHER}",
    "never , never , never",
    f"{OTHER} . {TEXT}",
    "a good story",
]


def timeless(analysis):
    """The analysis without what the clock says."""
    maps = tuple(replace(a, seconds=0.0) for a in analysis.attributions)
    return replace(analysis, attributions=maps, seconds=0.0)


def work(classifier, text):
    request = Request(text, CALLS)
    return timeless(analyse(classifier, request)), remove(classifier, request, 0, "masked")


@pytest.mark.parametrize(
    ("encoder", "pooler"),
    [("bilstm", "apln"), ("cnn", "max"), ("embedding", "scaled_dot"), ("transformer", "attention")],
)
def test_threads_on_one_classifier_give_the_bits_of_one_thread(encoder, pooler):
    classifier = tiny(encoder, pooler)
    before = fingerprint(classifier)
    alone = [work(classifier, text) for text in TEXTS]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(lambda text: work(classifier, text), TEXTS * 3))
    assert together == alone * 3
    assert len({result[0].prediction for result in alone}) == len(TEXTS)
    assert same_fingerprint(before, fingerprint(classifier))
