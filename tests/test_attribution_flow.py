"""Attention flow against networkx, by hand, and refused where it would take too long."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from tiny_classifiers import TEXT, deep, ids_of, tiny

from models.attribution import METHODS
from models.attribution.attention_flow import MOST_TOKENS, flows
from models.attribution.layers import encode
from models.attribution.progress import CancelledError, Progress
from models.attribution.reading import Reading
from models.attribution.rollout import residual


@pytest.mark.parametrize("encoder", ["transformer", "bert_like", "gpt_like"])
def test_flow_is_networkxs_maximum_flow(encoder):
    classifier = deep(encoder)
    reading = Reading(classifier, ids_of(classifier, "the film is not bad"))
    mats = [residual(a.mean(0)).numpy() for (a,) in encode(reading, reading.embeddings)[1]]
    own, shares, graph = len(mats[0]) - len(reading), classifier.encoder.depths(3), nx.DiGraph()
    for level in range(4):
        for i, weight in enumerate(reading.weights[0].tolist()):
            graph.add_edge("top", (level, own + i), capacity=shares[level] * weight)
        for i, j in itertools.product(range(len(mats[0])), repeat=2):
            if level:
                graph.add_edge((level, i), (level - 1, j), capacity=mats[level - 1][i, j])
    expected = [nx.maximum_flow_value(graph, "top", (0, own + i)) for i in range(len(reading))]
    found = METHODS["attention_flow"]()(reading, 0).values
    assert found == pytest.approx(expected, abs=1e-6)
    assert sum(found) > 1
    assert max(found) <= 1 + 1e-6


def test_flow_takes_the_narrowest_edge_of_a_road():
    down = np.array([[0.25, 0.75], [0.0, 1.0]])
    assert flows([down], np.array([0.9, 0.1]), (0.0, 1.0)) == pytest.approx([0.25, 0.85])
    assert flows([down], np.array([0.5, 0.5]), (0.0, 1.0)) == pytest.approx([0.25, 1.0])
    # Half of a state is the embedding itself.
    assert flows([down], np.array([1.0, 0.0]), (0.5, 0.5)) == pytest.approx([0.75, 0.5])


def test_a_long_text_has_no_flow_but_a_sentence():
    classifier = tiny("transformer", "attention")
    reading = Reading(classifier, list(ids_of(classifier, f"{TEXT} " * 12)))
    assert len(reading) > MOST_TOKENS
    found = METHODS["attention_flow"]()(reading, 0)
    assert found.values is None
    assert found.reason == "Attention flow is computed for texts of up to 128 tokens; this one is longer."
    assert METHODS["rollout"]()(reading, 0).values is not None


def test_flow_can_be_stopped_between_two_words():
    classifier = tiny("transformer", "attention")
    looked = []

    class Third(Progress):
        def __call__(self, coming):
            looked.append(coming)
            if len(looked) == 3:
                self.stop()
            super().__call__(coming)

    reading, method = Reading(classifier, ids_of(classifier)), METHODS["attention_flow"]()
    Third().follow(reading, method.most_forwards(len(reading.units)))
    with pytest.raises(CancelledError):
        method(reading, 0)
    assert looked == [0, 0, 0], "a word is no text that is read, and none is followed after the stop"
