"""The first and the last state as the text."""

from __future__ import annotations

import pytest
import torch
from pooler_variants import SIZE, states
from tiny_classifiers import TEXT, ids_of, tiny

from models.analysis import analyse
from models.attribution.reading import Reading
from models.poolers import POOLERS
from models.records import Request


def test_last_and_first_are_those_of_the_real_tokens():
    hidden, mask = states(lengths=(6, 4, 1))
    last, first = POOLERS["last"](SIZE)(hidden, mask), POOLERS["cls"](SIZE)(hidden, mask)
    for row, length in enumerate((6, 4, 1)):
        assert torch.equal(last[row], hidden[row, length - 1])
        assert torch.equal(first[row], hidden[row, 0])


@pytest.mark.parametrize(("name", "places"), [("last", [5, 3, 0]), ("cls", [0, 0, 0])])
def test_one_token_has_every_share(name, places):
    hidden, mask = states(lengths=(6, 4, 1))
    pooler = POOLERS[name](SIZE)
    expected = torch.nn.functional.one_hot(torch.tensor(places), 6).double().unsqueeze(-1).expand_as(hidden)
    assert torch.equal(pooler.shares(hidden, mask), expected)
    assert torch.equal(pooler.contributions(hidden, mask).sum(1), pooler(hidden, mask))


def test_a_gap_in_the_mask_moves_neither_end():
    hidden = states(lengths=(6,))[0]
    mask = torch.tensor([[False, True, False, True, True, False]])
    assert torch.equal(POOLERS["last"](SIZE)(hidden, mask)[0], hidden[0, 4])
    assert torch.equal(POOLERS["cls"](SIZE)(hidden, mask)[0], hidden[0, 1])


@pytest.mark.parametrize(("name", "place"), [("last", 12), ("cls", 0)])
def test_without_context_only_that_word_counts_and_with_it_all_do(name, place):
    alone, read = tiny("embedding", name), tiny("bilstm", name)
    gradient = Reading(alone, ids_of(alone)).embedding_gradient(0).norm(dim=-1)
    assert gradient.nonzero().flatten().tolist() == [place]
    assert bool((Reading(read, ids_of(read)).embedding_gradient(0).norm(dim=-1) > 0).all())
    trace = analyse(read, Request(TEXT)).trace
    assert trace.shares == tuple(float(i == place) for i in range(13))
    assert trace.weights is None


@pytest.mark.parametrize(("name", "place"), [("last", 12), ("cls", 0)])
def test_deleting_the_word_hands_over_to_its_neighbour(name, place):
    classifier = tiny("bilstm", name)
    trace = analyse(classifier, Request(TEXT, deleted=(place,))).trace
    assert trace.shares[place] == 0
    assert trace.shares[abs(place - 1)] == 1
