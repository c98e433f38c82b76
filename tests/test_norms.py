"""The dial over p, against the formulas written out with powers."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_classifiers import OWN, TEXT, ids_of, tiny

from models.analysis import analyse
from models.errors import PoolScopeError
from models.norms import norm_sweep
from models.poolers import POOLERS
from models.records import Request

PS = (0.1, 0.5, 1.0, 1.7, 2.0, 5.0, 20.0, 50.0)
encoders = pytest.mark.parametrize("encoder", OWN)


def states(classifier, text=TEXT):
    ids = torch.tensor([ids_of(classifier, text)])
    mask = torch.ones_like(ids, dtype=torch.bool)
    hidden = classifier.encode(classifier.embed(ids), mask)
    return hidden[0], classifier.pooler.attention(hidden, mask)


@encoders
@pytest.mark.parametrize("reading", ["A", "B", "C"])
def test_apln_at_every_p_is_its_formula(encoder, reading):
    classifier = tiny(encoder, "apln", double=True, reading=reading)
    sweep = norm_sweep(classifier, Request(TEXT), PS)
    hidden, weights = states(classifier)
    a, z = weights[0].unsqueeze(-1), hidden.clamp(1e-3, 10.0)
    assert sweep.reading == reading
    assert sweep.weights == pytest.approx(weights[0].tolist())
    for point, p in zip(sweep.points, PS, strict=True):
        terms = a * z**p if reading == "B" else (a * z) ** p
        total = terms.sum(0) / (a**p).sum(0) if reading == "A" else terms.sum(0)
        pooled = total ** (1 / p)
        logits = pooled @ classifier.head.weight.T + classifier.head.bias
        sharpened = a[:, 0] if reading == "B" else torch.softmax(p * a[:, 0].log(), 0)
        assert point.p == p
        assert point.pooled == pytest.approx(pooled.tolist(), rel=1e-8)
        assert point.shares == pytest.approx((terms / terms.sum(0)).mean(-1).tolist(), rel=1e-8)
        assert point.effective == pytest.approx(sharpened.tolist(), rel=1e-8)
        assert point.winners == tuple(terms.argmax(0).tolist())
        assert point.probabilities == pytest.approx(logits.softmax(-1).tolist(), rel=1e-8)


@encoders
def test_the_learned_norm_at_every_p_is_its_formula(encoder):
    classifier = tiny(encoder, "learned_norm", double=True)
    sweep = norm_sweep(classifier, Request(TEXT), PS)
    distance = (states(classifier)[0] - classifier.pooler.centre).abs()
    for point, p in zip(sweep.points, PS, strict=True):
        assert point.pooled == pytest.approx(((distance**p).mean(0) ** (1 / p)).tolist(), rel=1e-8)
        assert point.shares == pytest.approx(((distance**p) / (distance**p).sum(0)).mean(-1).tolist(), rel=1e-8)
        assert point.effective is None
    assert sweep.weights is None
    assert sweep.reading == ""


@encoders
def test_at_the_learned_p_the_dial_shows_the_prediction_itself(encoder):
    classifier = tiny(encoder, "apln")
    first = norm_sweep(classifier, Request(TEXT), [1.0])
    sweep = norm_sweep(classifier, Request(TEXT), [first.learned])
    found = analyse(classifier, Request(TEXT))
    assert sweep.learned == pytest.approx(float(classifier.pooler.exponent))
    assert sweep.points[0].probabilities == pytest.approx(found.prediction.probabilities, abs=1e-6)
    assert sweep.points[0].shares == pytest.approx(found.trace.shares, abs=1e-6)
    assert sweep.points[0].effective == pytest.approx(found.trace.effective, abs=1e-6)


def test_one_p_per_dimension_reports_mean_and_extremes():
    classifier = tiny("bilstm", "learned_norm")
    exponent = classifier.pooler.exponent
    sweep = norm_sweep(classifier, Request(TEXT), PS)
    assert sweep.learned == pytest.approx(float(exponent.mean()))
    assert sweep.learned_range == pytest.approx((float(exponent.min()), float(exponent.max())))
    assert sweep.learned_range[0] < sweep.learned < sweep.learned_range[1]


def test_small_p_forgets_the_attention_and_large_p_keeps_the_strongest():
    sweep = norm_sweep(tiny("bilstm", "apln"), Request(TEXT), [0.1, 50.0])
    low, high = sweep.points
    assert max(low.effective) - min(low.effective) < 0.1 * (max(high.effective) - min(high.effective))
    assert high.effective.index(max(high.effective)) == sweep.weights.index(max(sweep.weights))


def test_the_batch_of_all_p_is_each_p_alone():
    classifier = tiny("cnn", "apln")
    together = norm_sweep(classifier, Request(TEXT), PS).points
    for p, point in zip(PS, together, strict=True):
        (alone,) = norm_sweep(classifier, Request(TEXT), [p]).points
        assert point.pooled == pytest.approx(alone.pooled, rel=1e-5)


def test_deleted_tokens_have_no_share():
    sweep = norm_sweep(tiny("bilstm", "apln"), Request(TEXT, deleted=(3,)), [2.0])
    assert sweep.points[0].shares[3] == sweep.points[0].effective[3] == sweep.weights[3] == 0
    assert sweep.tokens[3].state == "deleted"
    assert sum(sweep.points[0].shares) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("pooler", [name for name, kind in POOLERS.items() if not hasattr(kind, "pool_at")])
def test_a_pooler_without_an_exponent_is_refused(pooler):
    with pytest.raises(PoolScopeError, match="pooling has no exponent p to turn; choose APLN, GeM or the learned norm"):
        norm_sweep(tiny("bilstm", pooler), Request(TEXT), PS)


@pytest.mark.parametrize(("ps", "came"), [([], "none"), ([0.0], "0"), ([1, 51], "51"), ([math.nan, -1], "nan, -1")])
def test_a_p_the_dial_does_not_have_is_refused(ps, came):
    with pytest.raises(PoolScopeError, match=f"from p = 0.1 to 50, got {came};"):
        norm_sweep(tiny("bilstm", "apln"), Request(TEXT), ps)


def test_nothing_to_read_is_refused():
    with pytest.raises(PoolScopeError, match="no word to read"):
        norm_sweep(tiny("bilstm", "apln"), Request(""), PS)
