"""What a reading works out once, for whoever asks: the numbers are the classifier's own, to the bit."""

from __future__ import annotations

import pytest
import torch
from tiny_classifiers import PAIRS, TEXT, ids_of, tiny

from models.attribution import METHODS
from models.attribution.accounts import Accounts
from models.attribution.reading import Reading
from models.errors import PoolScopeError

pairs = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)


@pairs
@torch.no_grad()
def test_what_a_reading_holds_is_what_pooler_and_head_say_without_a_graph(encoder, pooler):
    classifier = tiny(encoder, pooler)
    reading = Reading(classifier, ids_of(classifier, TEXT))
    hidden = reading.hidden
    # An LSTM that is not to be differentiated takes another kernel.
    assert torch.allclose(hidden, classifier.encode(classifier.embed(reading.ids), reading.mask), atol=1e-6)
    pooled = classifier.pool(hidden, reading.mask)
    assert torch.equal(reading.pooled, pooled)
    assert torch.equal(reading.logits, classifier.decide(pooled))
    for mine, its in (
        (reading.weights, classifier.pooler.attention(hidden, reading.mask)),
        (reading.own_weights, classifier.pooler.own_weights(hidden, reading.mask)),
    ):
        assert (mine is None and its is None) or torch.equal(mine, its)
    assert torch.equal(reading.shares, classifier.pooler.shares(hidden, reading.mask)[0])
    for name in ("embeddings", "hidden", "pooled", "logits", "probabilities", "shares"):
        assert not getattr(reading, name).requires_grad


@pytest.mark.parametrize("known", [False, True])
def test_a_text_is_pooled_once_for_its_logits_and_all_its_derivatives(known, monkeypatch):
    classifier, accounts = tiny("bilstm", "attention"), Accounts()
    classifier.encoder_digest = "one"
    ids = ids_of(classifier, TEXT)
    first = Reading(classifier, ids, accounts=accounts)
    pooled = []
    forward = classifier.pooler.forward
    monkeypatch.setattr(classifier.pooler, "forward", lambda *args: pooled.append(1) or forward(*args))
    reading = Reading(classifier, ids, accounts=accounts if known else None)
    assert pooled == [1]
    for target in (0, 1):
        assert torch.equal(reading.embedding_gradient(target), first.embedding_gradient(target))
        assert torch.equal(reading.state_gradient(target), first.state_gradient(target))
    # States that another reader left have no graph: it is made at the first derivative.
    assert len(pooled) == (2 if known else 1)


@pairs
def test_the_exact_share_is_of_the_poolers_own_contributions(encoder, pooler):
    classifier = tiny(encoder, pooler)
    reading, method = Reading(classifier, ids_of(classifier, TEXT)), METHODS["exact_share"]()
    if method.why_not(classifier) is not None:
        with pytest.raises(PoolScopeError, match="no exact split"):
            classifier.pooler.contributions(reading.hidden, reading.mask)
        return
    parts = classifier.pooler.contributions(reading.hidden, reading.mask)[0] @ classifier.head.weight[1]
    assert method(reading, 1).values == tuple(parts.tolist())
