"""The published search never finds what the exact solution missed; the benchmark says what it measures."""

from __future__ import annotations

import pytest
import torch
from experiment_readings import TEXTS, TWO
from tiny_classifiers import tiny

from models.bench import debate as bench_debate
from models.classifier import pad_batch
from models.debate.plain_search import plain_search
from models.zoo.catalogue import catalogue
from models.zoo.store import load_classifier

SHIPPED = [card.spec.id for card in catalogue() if card.spec.id == "sst2/bilstm/attention"]


def states(classifier, texts):
    ids, mask = pad_batch([classifier.row(text) for text in texts])
    with torch.no_grad():
        hidden = classifier.encode(classifier.embed(ids), mask)
        own = classifier.pooler.attention(hidden, mask).double()
    return own, hidden.double() @ classifier.head.weight.double().T, classifier.head.bias.double(), mask


@pytest.mark.parametrize("encoder", ["identity", "bilstm"])
def test_the_exact_distance_is_at_least_that_of_the_search(encoder):
    parts = states(tiny(encoder, labels=TWO), TEXTS)
    searched, exact = plain_search(*parts[:3], 0.01, parts[3]), bench_debate._exact(*parts)
    assert bool((searched > 0).any())
    assert bool((exact >= searched - 1e-9).all())


@pytest.mark.skipif(not SHIPPED, reason="no shipped reader")
def test_on_a_shipped_reader_too():
    parts = states(load_classifier(SHIPPED[0]), bench_debate.SENTENCES)
    searched, exact = plain_search(*parts[:3], 0.01, parts[3]), bench_debate._exact(*parts)
    assert bool((searched > 0.1).all())
    assert bool((exact >= searched).all())


def test_texts_of_a_batch_are_searched_as_if_alone_but_for_their_start():
    own, values, bias, mask = states(tiny("identity", labels=TWO), TEXTS)
    found = plain_search(own, values, bias, 0.05, mask)
    assert found.shape == (len(TEXTS),)
    assert bool((found <= 0.6931472).all())


def test_the_section_names_both_roads(monkeypatch):
    monkeypatch.delenv("POOLSCOPE_DATA", raising=False)
    monkeypatch.setattr(bench_debate, "load_classifier", lambda _: tiny(labels=TWO))
    monkeypatch.setattr(bench_debate, "plain_search", lambda own, *_: torch.zeros(len(own)).double())
    told = bench_debate.report(1)
    assert "one text at a time" in told
    assert "published search" in told
    assert "test texts" not in told
