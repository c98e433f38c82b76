"""Rollout through self-attention: the weights themselves, direct products, a second road to each number."""

from __future__ import annotations

import itertools

import pytest
import torch
from tiny_bert import save_bert
from tiny_classifiers import LABELS, OTHER, TEXT, deep, ids_of, tiny
from torch.nn import functional as F
from transformers import AutoModel

from models.attribution import METHODS
from models.attribution.layers import Recording, encode
from models.attribution.reading import Reading
from models.attribution.rollout import residual, rolled
from models.attribution.target import Target
from models.classifier import PoolingClassifier
from models.encoders import ENCODERS
from models.poolers import POOLERS
from models.pretrained.base import open_pretrained
from models.records import ModelSpec

FAMILY = ("rollout", "rollout_gradient", "attention_flow")
encoders = pytest.mark.parametrize("encoder", ["transformer", "bert_like", "gpt_like"])


def values(name, reading, target=0):
    return torch.tensor(METHODS[name]()(reading, target).values, dtype=torch.float64)


def attentions(reading):
    return [a[0] for a in encode(reading, reading.embeddings)[1]]


@encoders
def test_recording_changes_no_number_and_leaves_nothing_behind(encoder):
    classifier = deep(encoder)
    reading = Reading(classifier, ids_of(classifier))
    hidden, found = encode(reading, reading.embeddings)
    torch.testing.assert_close(hidden, reading.hidden, rtol=1e-10, atol=1e-12)
    assert len(found) == 3
    for a in found:
        torch.testing.assert_close(a.sum(-1), torch.ones_like(a.sum(-1)))
    assert torch.equal(Reading(classifier, ids_of(classifier)).hidden, reading.hidden)


def test_the_recorded_weights_are_those_the_encoder_tells():
    classifier = deep("transformer")
    reading = Reading(classifier, ids_of(classifier))
    said = classifier.encoder.attentions(reading.embeddings, reading.mask)[:, 0]
    torch.testing.assert_close(torch.stack(attentions(reading)), said, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["none", "bool", "float", "causal", "scale"])
def test_attention_written_out_is_the_fused_one(kind):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, 5, 4, dtype=torch.float64)
    allowed = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    allowed[..., 3] = False
    options = {
        "none": {}, "bool": {"attn_mask": allowed}, "causal": {"is_causal": True}, "scale": {"scale": 0.3},
        "float": {"attn_mask": torch.randn(1, 1, 5, 5, dtype=torch.float64)},
    }[kind]  # fmt: skip
    fused = F.scaled_dot_product_attention(q, k, v, **options)
    with Recording() as seen:
        torch.testing.assert_close(F.scaled_dot_product_attention(q, k, v, **options), fused)
    torch.testing.assert_close(seen.maps[0] @ v, fused)


@encoders
@pytest.mark.parametrize("pooler", ["attention", "mean"])
def test_rollout_is_the_product_of_the_matrices(encoder, pooler):
    classifier = deep(encoder, pooler)
    reading = Reading(classifier, ids_of(classifier))
    n = len(reading)
    weights = reading.weights[0] if pooler == "attention" else torch.full((n,), 1 / n, dtype=torch.float64)
    mats = [sum(head for head in a) / len(a) for a in attentions(reading)]
    size = len(mats[0])
    own, shares = size - n, classifier.encoder.depths(3)
    expected = torch.zeros(n, dtype=torch.float64)
    for word, state in itertools.product(range(n), range(n)):
        # Every path from the state down to the word, one layer at a time.
        row = torch.zeros(size, dtype=torch.float64)
        row[own + state] = 1
        for level in range(4):
            here = row.clone()
            for below in reversed(range(level)):
                here = 0.5 * here + 0.5 * here @ mats[below]
            expected[word] += shares[level] * weights[state] * here[own + word]
    torch.testing.assert_close(values("rollout", reading), expected, rtol=1e-9, atol=1e-12)
    total = float(values("rollout", reading).sum())
    # BERT-like encoders put a token of their own in front, and part of the weight ends there.
    assert total < 0.999 if encoder == "bert_like" else total == pytest.approx(1)
    assert float((values("rollout", reading) - weights).abs().max()) > 1e-3


def test_rows_of_a_rollout_sum_to_one_and_identity_leads_nowhere_else():
    torch.manual_seed(0)
    maps = torch.randn(4, 6, 6, dtype=torch.float64).softmax(-1)
    for product in rolled([residual(a) for a in maps]):
        torch.testing.assert_close(product.sum(-1), torch.ones(6, dtype=torch.float64))
        assert bool((product >= 0).all())
    eye = torch.eye(6, dtype=torch.float64)
    assert all(torch.equal(product, eye) for product in rolled([residual(eye)] * 3))


@pytest.mark.parametrize("name", FAMILY)
def test_a_first_word_that_sees_only_itself_gets_everything(name):
    classifier = deep("gpt_like", "cls")
    found = values(name, Reading(classifier, ids_of(classifier)), 1)
    assert found[0] > 0 or name == "rollout_gradient"
    assert not found[1:].any()
    if name != "rollout_gradient":
        assert float(found[0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("target", [Target(1), Target(0, scalar="probability"), Target(2, against=0)])
@pytest.mark.parametrize("pooler", ["attention", "max"])
def test_gradients_of_the_weights_are_those_of_a_forward_that_is_pushed(target, pooler):
    """The blocks are written out here once more, with a number added to every weight: F's slope along it."""
    classifier = deep("transformer", pooler)
    reading = Reading(classifier, ids_of(classifier))
    encoder, n = classifier.encoder, len(reading)
    said = attentions(reading)
    pushes = [torch.zeros_like(a, requires_grad=True) for a in said]
    states = encoder.place(reading.embeddings)
    for block, push in zip(encoder.stack.blocks, pushes, strict=True):
        query, key, value = block._project(states)
        weights = torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, -1) + push
        states = states + block.out((weights @ value).transpose(1, 2).flatten(2))
        states = states + block.narrow(F.gelu(block.widen(block.feed_norm(states))))
    hidden = encoder.stack.norm(states)
    slopes = torch.autograd.grad(target(classifier.decide(classifier.pool(hidden, reading.mask)))[0], pushes)
    relevance = torch.eye(n, dtype=torch.float64)
    for a, slope in zip(said, slopes, strict=True):
        relevance = relevance + torch.relu(a * slope).mean(0) @ relevance
    states = reading.hidden.clone().requires_grad_()
    number = target(classifier.decide(classifier.pool(states, reading.mask, reading.weights)))[0]
    start = torch.relu((states * torch.autograd.grad(number, states)[0])[0].sum(-1)).detach()
    torch.testing.assert_close(values("rollout_gradient", reading, target), start @ relevance, rtol=1e-8, atol=1e-12)
    assert float((relevance - torch.eye(n, dtype=torch.float64)).abs().max()) > 1e-4


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("encoder", ["embedding", "cnn", "bilstm", "elmo_like"])
def test_encoders_without_self_attention_say_so(name, encoder):
    reason = METHODS[name]().why_not(tiny(encoder, "attention"))
    assert reason.endswith("encoder has no self-attention to follow from layer to layer.")


@pytest.mark.parametrize("layers", ["mix", "last"])
def test_a_pretrained_encoder_is_read_without_a_flag_on_it(tmp_path, layers):
    folder = str(save_bert(tmp_path))
    encoder = ENCODERS["pretrained"](8, base=folder, layers=layers).eval()
    opened = open_pretrained(folder)
    spec = ModelSpec("t/pretrained/attention", "test", "pretrained", "attention", 0, "0" * 64, "test", LABELS)
    classifier = PoolingClassifier(
        spec, opened.vocabulary, encoder, POOLERS["attention"](8), embedding_size=8, table=opened.table
    )
    classifier = classifier.eval().requires_grad_(False)
    read = classifier.read("the film is not badish")
    reading = Reading(classifier, read.ids, read.owners)
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        expected = eager(inputs_embeds=reading.embeddings, output_attentions=True).attentions
    found = encode(reading, reading.embeddings)[1]
    assert len(found) == len(expected) == 2
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    assert encoder.module.config._attn_implementation == "sdpa"
    assert float(values("rollout", reading).sum()) == pytest.approx(1, abs=1e-5)
    assert values("rollout_gradient", reading).any()
    shares = encoder.depths(2)
    assert sum(shares) == pytest.approx(1)
    assert shares == ((0.0, 0.0, 1.0) if layers == "last" else pytest.approx((1 / 3,) * 3))


def test_two_texts_two_maps():
    classifier = deep("transformer")
    first, second = (Reading(classifier, ids_of(classifier, text)) for text in (TEXT, OTHER))
    for name in FAMILY:
        assert not torch.allclose(values(name, first, 1), values(name, second, 1))
