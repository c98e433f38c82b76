"""Both forms counted in single precision, against numpy's float32 and the pooler's own forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_classifiers import TEXT, tiny

from models.errors import PoolScopeError
from models.normlab.forms import FORMS, log_form, norm_forms, pow_form
from models.normlab.terms import terms
from models.records import Request
from viz import norm_lab_forms

PS = (0.1, 1.0, 2.0, 10.0, 50.0)


@pytest.mark.parametrize("reading", ["A", "B", "C"])
@pytest.mark.parametrize("form", FORMS)
def test_the_forms_are_those_of_the_pooler(reading, form):
    classifier = tiny("bilstm", "apln", double=True, reading=reading, form=form)
    found = terms(classifier, Request(TEXT))
    for p in (0.3, 1.0, 4.0):
        mine = FORMS[form](reading, found.z, found.log_a, torch.full((found.z.shape[1],), p, dtype=torch.float64))
        pooled = classifier.pooler.pool_at(found.reading.hidden, found.reading.mask, p)[0]
        assert mine.tolist() == pytest.approx(pooled.tolist(), rel=1e-10)


@pytest.mark.parametrize("reading", ["A", "B", "C"])
def test_lost_values_are_those_numpy_loses(reading):
    classifier = tiny("bilstm", "apln", reading=reading)
    found = terms(classifier, Request(TEXT))
    z, a = found.z.float().numpy(), found.log_a.float().exp().numpy()[:, None]
    counted = {(one.form, one.p): one for one in norm_forms(classifier, Request(TEXT), PS).counts}
    with np.errstate(all="ignore"):
        for p in np.array(PS, dtype=np.float32):
            terms_ = a * z**p if reading == "B" else (a * z) ** p
            total = terms_.sum(0) / (a**p).sum(0) if reading == "A" else terms_.sum(0)
            r = total ** (1 / p)
            at = float(min(PS, key=lambda one, p=p: abs(one - p)))
            assert counted["pow", at].values == int(((r == 0) | ~np.isfinite(r)).sum())
            assert counted["log", at].values == counted["log", at].gradients == 0
            assert counted["log", at].error < 1e-4


def test_powers_lose_values_and_gradients_where_p_is_large():
    at = {(one.form, one.p): one for one in norm_forms(tiny("bilstm", "apln"), Request(TEXT), PS).counts}
    assert at["pow", 1.0].values == at["pow", 1.0].gradients == 0
    assert at["pow", 1.0].error < 1e-5
    assert at["pow", 50.0].values > 0
    assert at["pow", 50.0].gradients >= at["pow", 50.0].values


def test_a_value_may_survive_whose_gradient_does_not():
    """0.05⁴⁰ is a subnormal number: its root is there, its derivative is off."""
    z = torch.tensor([[0.08]], requires_grad=True)
    r = pow_form("C", z, torch.zeros(1), torch.tensor([40.0]))
    (slope,) = torch.autograd.grad(r.sum(), z)
    assert r.item() > 0
    assert abs(slope.item() - 1) > 1e-3
    other = torch.tensor([[0.08]], requires_grad=True)
    (true,) = torch.autograd.grad(log_form("C", other, torch.zeros(1), torch.tensor([40.0])).sum(), other)
    assert true.item() == pytest.approx(1, rel=1e-4)


def test_poolers_without_attention_and_refusals():
    assert norm_forms(tiny("bilstm", "gem"), Request(TEXT), (3.0,)).reading == ""
    with pytest.raises(PoolScopeError, match="has no exponent p"):
        norm_forms(tiny("bilstm", "mean"), Request(TEXT), PS)
    with pytest.raises(PoolScopeError, match="p came as 99"):
        norm_forms(tiny("bilstm", "apln"), Request(TEXT), (99.0,))


def test_the_figure_and_its_sentence_count_the_same():
    found = norm_forms(tiny("bilstm", "apln"), Request(TEXT), PS)
    figures = [norm_lab_forms.form_chart(found, what, 2.0).to_dict() for what in ("values", "gradients")]
    rows = [row for one in figures for data in one["datasets"].values() for row in data if "lost" in row]
    assert len(rows) == 2 * len(found.counts)
    worst = next(one for one in found.counts if one.form == "pow" and one.p == 50)
    assert max(row["lost"] for row in rows if row["what"] == "gradients") == worst.gradients
    table = norm_lab_forms.form_rows(found, 48.0)
    assert table[1]["values lost"] == f"{worst.values} of {found.dimensions}"
    assert table[0]["gradients lost"] == f"0 of {found.dimensions}"
    first = norm_lab_forms.first_loss(found)
    lossy = [one.p for one in found.counts if one.form == "pow" and one.p >= 1 and (one.values or one.gradients)]
    assert f"from p = {min(lossy):.1f} on" in first
    assert "loses nothing" in norm_lab_forms.first_loss(norm_forms(tiny("bilstm", "apln"), Request(TEXT), (1.0,)))
