"""Structured self-attention: its hops, its penalty, and what it shares with one attention; gated attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states
from scipy import special
from tiny_classifiers import LABELS, TEXT, ids_of, tiny
from toy_data import recipe, toy

from models.analysis import analyse
from models.attribution import METHODS
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.poolers.structured import overlap
from models.records import Request
from models.training.trainer import train


def rows(hidden, mask):
    """The rows as numpy arrays (N, D) of their own length."""
    return [row[keep].numpy() for row, keep in zip(hidden.detach(), mask, strict=True)]


def weights_of(pooler, *names):
    return [getattr(pooler, name).weight.detach().numpy() for name in names]


@pytest.mark.parametrize("lengths", [(6, 4, 1), (5, 5, 3, 2, 1)])
def test_structured_is_the_formula_row_by_row(lengths):
    pooler, (hidden, mask) = Variant("structured", {"hops": 5}).build(), states(lengths=lengths)
    w1, w2 = weights_of(pooler, "project", "queries")
    assert w1.shape == (2, SIZE)
    assert w2.shape == (5, 2)
    said, hops = pooler(hidden, mask).detach().numpy(), pooler.maps(hidden, mask)
    assert list(hops) == [f"hop {k}" for k in range(1, 6)]
    for b, h in enumerate(rows(hidden, mask)):
        a = special.softmax(w2 @ np.tanh(w1 @ h.T), axis=1)
        np.testing.assert_allclose(said[b], (a @ h).reshape(-1), rtol=1e-12, atol=1e-14)
        for k, name in enumerate(hops):
            np.testing.assert_allclose(hops[name][b, : len(h)].detach(), a[k], rtol=1e-12)
            assert bool((hops[name][b, len(h) :] == 0).all())
        np.testing.assert_allclose(pooler.attention(hidden, mask)[b, : len(h)].detach(), a.mean(0), rtol=1e-12)
        shares = pooler.shares(hidden, mask)[b, : len(h)].detach().numpy()
        np.testing.assert_allclose(shares, np.repeat(a.T, SIZE, axis=1), rtol=1e-12)


def test_one_hop_is_additive_attention_with_the_same_weights():
    hidden, mask = states()
    hop, plain = Variant("structured", {"hops": 1}).build(), Variant("attention").build()
    with torch.no_grad():
        plain.scorer.project.weight.copy_(hop.project.weight)
        plain.scorer.project.bias.zero_()
        plain.scorer.vector.weight.copy_(hop.queries.weight)
    assert hop.output_size == SIZE
    assert hop.maps(hidden, mask) == {}
    for name in ("attention", "shares", "contributions", "held"):
        left, right = getattr(hop, name)(hidden, mask), getattr(plain, name)(hidden, mask)
        torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(hop(hidden, mask), plain(hidden, mask), rtol=1e-12, atol=1e-14)


def test_imposed_weights_are_used_by_every_hop():
    pooler, (hidden, mask) = Variant("structured").build(), states()
    weights = mask.double() / mask.sum(1, keepdim=True)
    mean = POOLERS["mean"](SIZE)(hidden, mask)
    torch.testing.assert_close(pooler(hidden, mask, weights), mean.repeat(1, 4), rtol=1e-12, atol=1e-14)
    assert pooler.output_size == 4 * SIZE


def test_held_holds_the_hops_and_not_their_mean():
    pooler, (hidden, mask) = Variant("structured").build(), states(lengths=(6,))
    leaf = hidden.clone().requires_grad_()
    pooled = pooler.held(leaf, mask)
    torch.testing.assert_close(pooled, pooler(hidden, mask), rtol=1e-12, atol=1e-14)
    hops = torch.stack(list(pooler.maps(hidden, mask).values()), dim=-1).detach()
    for k in range(4):
        (gradient,) = torch.autograd.grad(pooled[:, k * SIZE : (k + 1) * SIZE].sum(), leaf, retain_graph=True)
        torch.testing.assert_close(gradient, hops[..., k : k + 1].expand_as(gradient), rtol=1e-12, atol=0)


def test_the_penalty_is_the_frobenius_norm():
    pooler, (hidden, mask) = Variant("structured").build(), states()
    hops = pooler.hop_weights(hidden, mask).detach()
    for a, said in zip(hops.numpy(), overlap(hops), strict=True):
        assert float(said) == pytest.approx(np.linalg.norm(a.T @ a - np.eye(4), "fro") ** 2, rel=1e-12)


def test_the_penalty_is_zero_for_orthonormal_rows_only():
    apart = torch.eye(6)[:, [2, 0, 5]].unsqueeze(0)
    together = torch.eye(6)[:, [2, 2, 5]].unsqueeze(0)
    flat = torch.full((1, 6, 3), 1 / 6)
    assert overlap(apart).tolist() == [0.0]
    assert overlap(together).tolist() == [2.0]
    # AAᵀ has 1/6 everywhere: 3 (1/6 − 1)² on the diagonal, 6 (1/6)² beside it.
    assert overlap(flat).tolist() == pytest.approx([3 * (5 / 6) ** 2 + 6 / 36])


def test_the_objective_adds_the_penalty_of_every_text_to_its_loss():
    pooler, (hidden, mask) = Variant("structured", {"coefficient": 0.7}).build(), states()
    hidden[1, 4:] = float("nan")
    penalties = overlap(pooler.hop_weights(hidden.nan_to_num(), mask))
    plain = POOLERS["structured"](SIZE, coefficient=0.0).double()
    plain.load_state_dict(pooler.state_dict())

    def loss(pooled):
        assert pooled.shape == (3, 4 * SIZE)
        return pooled.square().sum(1)

    expected = loss(pooler(hidden, mask)).mean()
    torch.testing.assert_close(plain.objective(hidden, mask, loss), expected)
    torch.testing.assert_close(pooler.objective(hidden, mask, loss), expected + 0.7 * penalties.mean())
    pooler.objective(hidden, mask, loss).backward()
    assert all(bool(p.grad.isfinite().all()) and bool((p.grad != 0).any()) for p in pooler.parameters())


def test_a_penalty_in_training_pushes_the_hops_apart():
    data = toy()
    overlaps = {}
    for coefficient in (0.0, 3.0):
        options = {"hops": 3, "coefficient": coefficient}
        classifier = train(recipe(pooler="structured", pooler_options=options, epochs=4), data).classifier
        ids = torch.tensor([classifier.read("the dull film was a fine plot").ids])
        mask = torch.ones_like(ids, dtype=torch.bool)
        hops = classifier.pooler.hop_weights(classifier.encode(classifier.embed(ids), mask), mask)
        overlaps[coefficient] = float(overlap(hops).detach())
    assert overlaps[3.0] < 0.8 * overlaps[0.0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hops": 0}, "structured: hops came as 0; expected 1 or more"),
        ({"coefficient": -0.1}, "structured: coefficient came as -0.1; expected a finite number, 0 or more"),
        ({"coefficient": float("nan")}, "structured: coefficient came as nan; expected a finite number, 0 or more"),
    ],
)
def test_options_without_meaning_are_refused(options, sentence):
    with pytest.raises(PoolScopeError) as error:
        POOLERS["structured"](SIZE, **options)
    assert str(error.value) == sentence


def test_an_analysis_shows_every_hop_and_their_mean():
    classifier = tiny("bilstm", "structured", double=True)
    trace = analyse(classifier, Request(TEXT)).trace
    assert [hop.name for hop in trace.maps] == ["hop 1", "hop 2", "hop 3", "hop 4"]
    assert len({hop.values for hop in trace.maps}) == 4
    mean = np.mean([hop.values for hop in trace.maps], axis=0)
    assert trace.weights == pytest.approx(mean.tolist())
    assert trace.shares == pytest.approx(mean.tolist())


def test_the_exact_share_adds_up_over_hops():
    classifier = tiny("bilstm", "structured", double=True)
    reading = Reading(classifier, ids_of(classifier))
    hops = torch.stack(list(classifier.pooler.maps(reading.hidden, reading.mask).values()))[:, 0]
    for target in range(len(LABELS)):
        scores = METHODS["exact_share"]()(reading, target)
        per_hop = classifier.head.weight[target].view(4, -1)
        by_hand = sum(hop * (reading.hidden[0] @ w) for hop, w in zip(hops, per_hop, strict=True))
        assert scores.values == pytest.approx(by_hand.tolist(), abs=1e-12)
        assert sum(scores.values) == pytest.approx(reading.logit(target) - float(classifier.head.bias[target]))


@pytest.mark.parametrize("lengths", [(6, 4, 1), (5, 5, 3, 2, 1)])
def test_gated_attention_is_the_formula_token_by_token(lengths):
    pooler, (hidden, mask) = Variant("gated_attention").build(), states(lengths=lengths)
    v, u, w = weights_of(pooler, "project", "gate", "vector")
    said = pooler.attention(hidden, mask).detach().numpy()
    for b, h in enumerate(rows(hidden, mask)):
        a = special.softmax([w[0] @ (np.tanh(v @ token) * special.expit(u @ token)) for token in h])
        np.testing.assert_allclose(said[b, : len(h)], a, rtol=1e-12)
        np.testing.assert_allclose(pooler(hidden, mask)[b].detach(), a @ h, rtol=1e-12, atol=1e-14)


def test_an_open_gate_leaves_additive_attention():
    """U far into saturation on positive states: σ = 1, and s = wᵀ tanh(V h) is left."""
    hidden, mask = states()
    hidden = hidden.abs() + 0.5
    gated, plain = Variant("gated_attention").build(), Variant("attention").build()
    with torch.no_grad():
        gated.gate.weight.fill_(100.0)
        plain.scorer.project.weight.copy_(gated.project.weight)
        plain.scorer.project.bias.zero_()
        plain.scorer.vector.weight.copy_(gated.vector.weight)
    torch.testing.assert_close(gated.attention(hidden, mask), plain.attention(hidden, mask), rtol=1e-12, atol=0)
