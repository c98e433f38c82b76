"""Scale limits switched on the same states, against the pooler itself and numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import kendalltau, pmean
from tiny_classifiers import TEXT, ids_of, tiny

from models.errors import PoolScopeError
from models.normlab.scale_limits import scale_limits
from models.poolers.limits import CEILING, FLOOR, LIMITS
from models.records import Request
from viz import norm_lab_limits

P = 2.5


def odds(probabilities, target):
    return np.log(probabilities[..., target]) - np.log(1 - probabilities[..., target])


def limited(hidden, limit):
    """The four limits in numpy, on (T, D)."""
    if limit == "relu_clip":
        return np.clip(hidden, FLOOR, CEILING)
    if limit == "sigmoid":
        return np.clip(expit(hidden), FLOOR, None)
    axis = 0 if limit == "minmax_token" else None
    low, high = hidden.min(axis), hidden.max(axis)
    return np.clip((hidden - low) / np.where(high > low, high - low, 1), FLOOR, 1)


def by_hand(classifier, z, s, reading, target):
    """Log-odds of pooled z (T, D) with logits s (T,)."""
    a = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
    weights = {"A": a**P / (a**P).sum(), "B": a, "C": a**P}[reading]
    r = pmean(z, P, axis=0, weights=np.broadcast_to(weights[:, None], z.shape)) * weights.sum() ** (1 / P)
    logits = classifier.head.weight.numpy() @ r + classifier.head.bias.numpy()
    e = np.exp(logits - logits.max())
    return odds(e / e.sum(), target)


@pytest.mark.parametrize("reading", ["A", "B", "C"])
@pytest.mark.parametrize("trained", LIMITS)
def test_every_word_erased_by_hand(reading, trained):
    classifier = tiny("bilstm", "apln", double=True, reading=reading, limit=trained)
    ids = torch.tensor([ids_of(classifier)])
    states = classifier.encode(classifier.embed(ids), torch.ones_like(ids, dtype=torch.bool))
    hidden, s = states[0].numpy(), classifier.pooler.scores(states)[0].numpy()
    found = scale_limits(classifier, Request(TEXT), P)
    assert [row.limit for row in found.rows if row.trained] == [trained]
    assert {row.limit for row in found.rows} == set(LIMITS)
    for row in found.rows:
        z = limited(hidden, row.limit)
        whole = by_hand(classifier, z, s, reading, found.target)
        assert odds(np.array(row.probabilities), found.target) == pytest.approx(whole)
        for i in range(len(s)):
            rest = np.arange(len(s)) != i
            frozen = whole - by_hand(classifier, z[rest], s[rest], reading, found.target)
            anew = whole - by_hand(classifier, limited(hidden[rest], row.limit), s[rest], reading, found.target)
            assert row.frozen[i] == pytest.approx(frozen, rel=1e-6, abs=1e-9)
            assert row.rescaled[i] == pytest.approx(anew, rel=1e-6, abs=1e-9)
        assert row.negative == pytest.approx((hidden < 0).mean())
        assert row.lost == pytest.approx((z[hidden < 0] <= FLOOR).mean())
        assert row.floor == pytest.approx((z <= FLOOR).mean())
        if row.limit.startswith("minmax"):
            assert row.rescaled != row.frozen
            assert row.tau == pytest.approx(kendalltau(row.rescaled, row.frozen).statistic)
        else:
            assert row.rescaled == row.frozen


def test_what_a_state_of_zero_becomes():
    classifier = tiny("bilstm", "apln", double=True)
    ids = torch.tensor([ids_of(classifier)])
    hidden = classifier.encode(classifier.embed(ids), torch.ones_like(ids, dtype=torch.bool))[0].numpy()
    low, high = hidden.min(0), hidden.max(0)
    zero = np.clip(-low / (high - low), FLOOR, 1)
    at = {row.limit: row.zero for row in scale_limits(classifier, Request(TEXT), P).rows}
    assert at["relu_clip"] == (FLOOR, FLOOR)
    assert at["sigmoid"] == (0.5, 0.5)
    assert at["minmax_token"] == pytest.approx((zero.min(), zero.max()))
    assert at["minmax_matrix"] == pytest.approx([-low.min() / (high.max() - low.min())] * 2)


def test_the_only_word_cannot_be_erased_and_a_deleted_one_is_not():
    found = scale_limits(tiny("bilstm", "apln"), Request("film"), P)
    assert {row.rescaled for row in found.rows} == {(None,)}
    assert norm_lab_limits.limit_rows(found)[0]["erasing, anew against frozen"] == "nothing left to pool"
    edited = scale_limits(tiny("bilstm", "apln"), Request("the film is bad", deleted=(1,)), P).rows[0]
    assert [value is None for value in edited.frozen] == [False, True, False, False]


def test_only_apln_limits_its_scale():
    for pooler in ("gem", "attention"):
        with pytest.raises(PoolScopeError, match="pooling limits no scale; choose a reader with APLN"):
            scale_limits(tiny("bilstm", pooler), Request(TEXT), P)


def test_the_table_shows_both_ways_and_escapes():
    found = scale_limits(tiny("bilstm", "apln"), Request("<script>film</script> is not bad"), P)
    page, other = (norm_lab_limits.loss_html(found, frozen=frozen) for frozen in (False, True))
    assert "<script>" not in page
    assert "scaling fitted anew" in page
    assert "scaling frozen" in other
    (token,) = [row for row in found.rows if row.limit == "minmax_token"]
    first, second = (norm_lab_limits.wording.number(side[0], plus=True) for side in (token.rescaled, token.frozen))
    assert f">{first}</span><small>{second}</small>" in page
    assert f">{second}</span><small>{first}</small>" in other
