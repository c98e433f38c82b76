"""Reading in tiers, against plain loops over sentences written from the formulas."""

from __future__ import annotations

import pytest
import torch
from pooler_variants import SIZE, states
from tiny_classifiers import NOT_OVER_LSTM, tiny

from models.analysis import analyse
from models.attribution import METHODS
from models.errors import PoolScopeError
from models.masking import masked_softmax
from models.poolers import POOLERS
from models.poolers.tiers import group_softmax, group_sum, places
from models.records import MethodCall, Request
from models.text import Vocabulary, WordTokenizer

NAMES = ("hierarchical", "three_tier")
SECTIONS = torch.tensor([[1, 1, 2, 3, 3, 3, 4], [1, 2, 2, 2, 2, 0, 0], [1, 0, 0, 0, 0, 0, 0]])


def build(name, **options):
    torch.manual_seed(4)
    pooler = POOLERS[name](SIZE, **options).double()
    with torch.no_grad():
        for parameter in pooler.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return pooler


def hidden():
    return states(lengths=(7, 5, 1))[0]


def sentences(row):
    """Lists of positions, one per sentence."""
    found = {}
    for place, number in enumerate(SECTIONS[row].tolist()):
        if number:
            found.setdefault(number, []).append(place)
    return list(found.values())


def test_han_is_its_formula():
    pooler, h = build("hierarchical", sentence_size=3), hidden()
    pooled, product, tiers = pooler(h, SECTIONS), pooler.attention(h, SECTIONS), pooler.maps(h, SECTIONS)
    for row in range(3):
        vectors, alphas = [], []
        for places_ in sentences(row):
            alpha = pooler.words(h[row, places_]).softmax(0)
            alphas.append(alpha)
            vectors.append(alpha @ h[row, places_])
        states_ = pooler.gru(torch.stack(vectors).unsqueeze(0))[0][0]
        beta = pooler.sentences(states_).softmax(0)
        torch.testing.assert_close(pooled[row], beta @ states_)
        for k, places_ in enumerate(sentences(row)):
            torch.testing.assert_close(product[row, places_], alphas[k] * beta[k])
            torch.testing.assert_close(tiers["word in its sentence"][row, places_], alphas[k])
            torch.testing.assert_close(tiers["its sentence"][row, places_], beta[k].expand(len(places_)))


@pytest.mark.parametrize("bounded", [False, True])
def test_three_tiers_are_their_formula(bounded):
    pooler, h = build("three_tier", part_size=2, bounded=bounded), hidden()
    squash = torch.tanh if bounded else lambda scores: scores
    pooled, product = pooler(h, SECTIONS), pooler.attention(h, SECTIONS)
    for row in range(3):
        found = sentences(row)
        alphas = [squash(pooler.words(h[row, p])).softmax(0) for p in found]
        vectors = torch.stack([alpha @ h[row, p] for alpha, p in zip(alphas, found, strict=True)])
        parts = [list(range(k, min(k + 2, len(found)))) for k in range(0, len(found), 2)]
        betas = [squash(pooler.sentences(vectors[p])).softmax(0) for p in parts]
        tops = torch.stack([beta @ vectors[p] for beta, p in zip(betas, parts, strict=True)])
        gamma = squash(pooler.parts(tops)).softmax(0)
        torch.testing.assert_close(pooled[row], gamma @ tops)
        for q, part in enumerate(parts):
            for beta, k in zip(betas[q], part, strict=True):
                torch.testing.assert_close(product[row, found[k]], alphas[k] * beta * gamma[q])


def test_bounded_scores_cap_the_ratio_of_weights_at_e_squared():
    pooler = build("three_tier", bounded=True)
    with torch.no_grad():
        pooler.words.vector.weight.mul_(1e4)
    words = pooler.maps(hidden(), SECTIONS > 0)["word in its sentence"][0].detach()
    assert float(words.max() / words.min()) == pytest.approx(torch.e**2, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_product_sums_to_one_and_imposed_gives_the_same_vector(name):
    pooler, h = build(name), hidden()
    product = pooler.attention(h, SECTIONS)
    torch.testing.assert_close(product.sum(1), torch.ones(3, dtype=torch.float64))
    assert bool((product[SECTIONS == 0] == 0).all())
    torch.testing.assert_close(pooler(h, SECTIONS, product), pooler(h, SECTIONS))


@pytest.mark.parametrize("name", NAMES)
def test_sentences_matter_and_their_numbers_do_not(name):
    pooler, h = build(name), hidden()
    other = torch.where(SECTIONS > 0, 10 * SECTIONS + 3, 0)
    torch.testing.assert_close(pooler(h, other), pooler(h, SECTIONS))
    assert float((pooler(h, SECTIONS > 0) - pooler(h, SECTIONS))[0].abs().max()) > 1e-3
    torch.testing.assert_close(pooler(h, (SECTIONS > 0).long()), pooler(h, SECTIONS > 0))


@pytest.mark.parametrize("name", NAMES)
def test_padding_of_any_kind_changes_nothing(name):
    pooler, h = build(name), hidden()
    spoiled = torch.where((SECTIONS > 0).unsqueeze(-1), h, torch.full((), torch.nan, dtype=h.dtype))
    torch.testing.assert_close(pooler(spoiled, SECTIONS), pooler(h, SECTIONS))
    alone = pooler(h[1:2, :5], SECTIONS[1:2, :5])
    torch.testing.assert_close(alone[0], pooler(h, SECTIONS)[1])


def test_a_sentence_imposed_to_weigh_nothing_keeps_the_rest_finite():
    pooler, h = build("hierarchical"), hidden()[:1].requires_grad_()
    weights = torch.tensor([[0.5, 0.5, 0, 0, 0, 0, 0]], dtype=torch.float64)
    pooled = pooler(h, SECTIONS[:1], weights)
    (gradient,) = torch.autograd.grad(pooled.sum(), h)
    assert bool(pooled.isfinite().all() and gradient.isfinite().all())


def test_han_says_that_it_has_no_exact_split_and_three_tiers_have_one():
    h = hidden()
    with pytest.raises(PoolScopeError, match="no exact split by token"):
        build("hierarchical").contributions(h, SECTIONS)
    pooler = build("three_tier")
    torch.testing.assert_close(pooler.contributions(h, SECTIONS).sum(1), pooler(h, SECTIONS))


def test_group_softmax_is_softmax_in_each_group():
    scores = torch.randn(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    index, groups = places(SECTIONS)
    found = group_softmax(scores, index, SECTIONS > 0, groups.shape[1])
    assert groups.tolist() == [[True] * 4, [True, True, False, False], [True, False, False, False]]
    for row in range(3):
        for place in sentences(row):
            torch.testing.assert_close(found[row, place], scores[row, place].softmax(0))
    torch.testing.assert_close(group_sum(found, index, 4)[0], torch.ones(4, dtype=torch.float64))
    plain, one = places(SECTIONS > 0)
    torch.testing.assert_close(
        group_softmax(scores, plain, SECTIONS > 0, one.shape[1]), masked_softmax(scores, SECTIONS > 0)
    )


def test_the_classifier_numbers_sentences_by_the_sentence_splitter():
    words = ("it", "was", "good", ".", "no", "!", "really", "?", '"')
    vocabulary = Vocabulary(words)
    rows = [vocabulary.encode(t.text for t in WordTokenizer()(text)) for text in ("It was good. No! Really?", "no")]
    ids = torch.tensor([rows[0], rows[1] + [0] * (len(rows[0]) - 1)])
    sections = build("three_tier").grouped(vocabulary, ids, ids > 0)
    assert sections.tolist() == [[1, 1, 1, 1, 2, 2, 3, 3], [1, 0, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_analysis_reads_in_sentences(name):
    classifier = tiny(pooler=name)
    text = "a good film. a bad film. not good"
    analysis = analyse(classifier, Request(text, tuple(map(MethodCall, METHODS))))
    assert analysis.trace.segments == (1, 1, 1, 1, 2, 2, 2, 2, 3, 3)
    assert {m.name for m in analysis.trace.maps} >= {"word in its sentence"}
    assert sum(analysis.trace.weights) == pytest.approx(1, abs=1e-5)
    for attribution in analysis.attributions:
        refused = attribution.method in NOT_OVER_LSTM or (attribution.method, name) == ("exact_share", "hierarchical")
        assert (attribution.scores is None) == refused, attribution
