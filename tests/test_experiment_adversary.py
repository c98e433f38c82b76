"""Adversarial attention against roads we did not take: all vertices by linear algebra, sampling, scipy's JSD."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from experiment_readings import TEXTS, TWO, frozen
from scipy.spatial.distance import jensenshannon

from models.experiments.adversary import AdversarialAttention, search, solve
from models.experiments.frozen import jsd, tvd
from models.experiments.vertices import furthest, slab


def all_vertices(u, low, high, mass):
    """Every vertex of {a ≥ 0, Σa = M, low ≤ ua ≤ high}: each choice of N tight constraints, solved and checked."""
    n = len(u)
    rows = [np.eye(n)[i] for i in range(n)] + [np.asarray(u)] * 2
    right = [0.0] * n + [low, high]
    for tight in itertools.combinations(range(n + 2), n - 1):
        if not all(math.isfinite(right[i]) for i in tight):
            continue
        matrix = np.array([np.ones(n), *(rows[i] for i in tight)])
        if abs(np.linalg.det(matrix)) < 1e-9:
            continue
        a = np.linalg.solve(matrix, np.array([mass, *(right[i] for i in tight)]))
        if a.min() >= -1e-9 and low - 1e-9 <= u @ a <= high + 1e-9:
            yield np.clip(a, 0, None)


def distance(a, b):
    """JSD in nats of two maps of one mass, by scipy."""
    return a.sum() * jensenshannon(a, b) ** 2


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("mass", [1.0, 0.7])
def test_the_optimum_is_the_best_of_all_vertices(seed, mass):
    random = np.random.default_rng(seed)
    n = 2 + seed % 5
    a, u = mass * random.dirichlet(np.ones(n) * 0.5), random.normal(size=n)
    if seed == 3:
        a = np.array([0, *random.dirichlet(np.ones(n - 1)) * mass])
    if seed == 4:
        u[1] = u[0]
    low, high = u @ a - random.uniform(0, 0.3), u @ a + random.uniform(0, 0.3)
    low, high = (-math.inf if seed == 5 else low), (math.inf if seed == 6 else high)
    best = max(distance(a, vertex) for vertex in all_vertices(u, low, high, mass))
    found = furthest(
        torch.tensor(a).unsqueeze(0), torch.tensor(u).unsqueeze(0), torch.tensor([low]).double(),
        torch.tensor([high]).double(), torch.ones(1, n, dtype=torch.bool),
    )  # fmt: skip
    assert float(found.distance) == pytest.approx(best, abs=1e-9)
    # And the vertex it names is a point of the set at that distance.
    point = np.zeros(n)
    point[int(found.first)] += float(found.first_weight)
    point[int(found.second)] += float(found.second_weight)
    assert point.sum() == pytest.approx(mass)
    assert low - 1e-9 <= u @ point <= high + 1e-9
    assert distance(a, point) == pytest.approx(best, abs=1e-9)


def test_texts_of_one_batch_do_not_meet():
    random = torch.Generator().manual_seed(5)
    a = torch.rand(3, 6, generator=random).double()
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2, [True] * 2 + [False] * 4])
    a = torch.where(mask, a, 9.0)
    a = a / torch.where(mask, a, 0.0).sum(1, keepdim=True)
    u = torch.randn(3, 6, generator=random).double()
    middle = (torch.where(mask, a, 0.0) * u).sum(1)
    together = furthest(a, u, middle - 0.1, middle + 0.1, mask)
    for row, length in enumerate((6, 4, 2)):
        alone = furthest(*(x[row : row + 1, :length] for x in (a, u)), middle[row : row + 1] - 0.1,
                         middle[row : row + 1] + 0.1, mask[row : row + 1, :length])  # fmt: skip
        assert float(together.distance[row]) == pytest.approx(float(alone.distance[0]), abs=1e-12)
        assert max(int(together.first[row]), int(together.second[row])) < length


def test_the_slab_is_where_the_probability_moves_by_epsilon():
    p = torch.tensor([0.5, 0.995, 0.003]).double()
    low, high = slab(p, 0.01)
    assert low[:2].sigmoid().tolist() == pytest.approx([0.49, 0.985])
    assert high[[0, 2]].sigmoid().tolist() == pytest.approx([0.51, 0.013])
    assert float(low[2]) == -math.inf
    assert float(high[1]) == math.inf


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoder", ["bilstm", "embedding", "bert_like"])
def test_no_sampled_attention_is_further_and_the_classifier_agrees(text, encoder):
    state = frozen(encoder, text=text, labels=TWO)
    found = AdversarialAttention(epsilon=0.05).run(state)
    assert found.exact
    assert found.change <= 0.05 + 1e-9
    # The classifier itself, by its own forward pass, gives the output that the record tells.
    reading, weights = state.reading, solve(state, 0.05)
    pooled = reading.classifier.pool(reading.hidden, reading.mask, weights.float().unsqueeze(0))
    assert reading.classifier.decide(pooled)[0].softmax(-1).tolist() == pytest.approx(
        list(found.after.probabilities), abs=1e-5
    )
    random = torch.Generator().manual_seed(1)
    drawn = torch.rand(4000, len(state.places), generator=random).double() ** 6 + 1e-12
    drawn = drawn / drawn.sum(1, keepdim=True) * state.own[state.places].sum()
    points = state.own.expand(4000, -1).clone()
    points[:, state.places] = drawn
    near = tvd(state.under(points).softmax(-1), state.probabilities) <= 0.05
    assert bool(near.any()) or len(state.places) < 3
    assert not bool((jsd(points[near], state.own) > found.distance + 1e-9).any())


def test_special_tokens_keep_what_they_hold():
    state = frozen(pieces=True, labels=TWO)
    weights = solve(state, 0.02)
    special = [0, len(weights) - 1]
    assert weights[special].tolist() == pytest.approx(state.own[special].tolist())
    assert float(weights.sum()) == pytest.approx(float(state.own.sum()))


@pytest.mark.parametrize("text", TEXTS[:3])
def test_the_search_is_a_lower_bound_and_comes_near(text):
    state = frozen(text=text, labels=TWO)
    exact, found = solve(state, 0.02), search(state, 0.02)
    assert float(tvd(state.under(found.unsqueeze(0))[0].softmax(-1), state.probabilities)) <= 0.02 + 1e-9
    best = float(jsd(exact, state.own))
    assert 0.75 * best <= float(jsd(found, state.own)) <= best + 1e-9


@pytest.mark.parametrize(("pooler", "labels"), [("apln", TWO), ("attention", ("a", "b", "c")), ("hierarchical", TWO)])
def test_where_it_cannot_be_solved_it_is_searched_and_says_so(pooler, labels):
    state = frozen(pooler=pooler, labels=labels)
    found = AdversarialAttention(epsilon=0.05).run(state)
    assert not found.exact
    assert found.change <= 0.05 + 1e-6
    assert 0.1 < found.distance <= found.most
    assert sum(found.found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("pooler", "word"), [("max", "no weights"), ("structured", "several maps")])
def test_poolers_without_one_map_say_why_not(pooler, word):
    state = frozen(pooler=pooler)
    assert word in AdversarialAttention().why_not(state.classifier)


def test_divergence_is_scipys():
    random = np.random.default_rng(2)
    a, b = random.dirichlet(np.ones(7)), random.dirichlet(np.ones(7))
    b[3] = 0
    b /= b.sum()
    assert float(jsd(torch.tensor(a), torch.tensor(b))) == pytest.approx(jensenshannon(a, b) ** 2)
