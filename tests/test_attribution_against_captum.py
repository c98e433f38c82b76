"""Every attribution against Captum, loops and closed forms that PoolScope did not write."""

from __future__ import annotations

import pytest
import torch
from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients, Saliency
from captum.testing.helpers.basic_models import (
    BasicEmbeddingModel,
    BasicModel_MaxPool_ReLU,
    LinearMaxPoolLinearModel,
)
from tiny_classifiers import PAIRS, TEXT, ids_of, tiny
from torch.autograd.functional import jacobian

from models.attribution import METHODS, expected_gradients, straight_path
from models.attribution.reading import Reading
from models.text import UNK

TARGET = 1
pair = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)
close = dict(rtol=1e-4, atol=1e-6)


def prepared(encoder, pooler, **options):
    classifier = tiny(encoder, pooler, **options)
    ids = torch.tensor([ids_of(classifier)])
    mask = torch.ones_like(ids, dtype=torch.bool)
    return classifier, ids, mask, classifier.embed(ids)


def values(name, classifier, ids, target=TARGET, **params):
    scores = METHODS[name](**params)(Reading(classifier, ids[0].tolist()), target)
    return torch.tensor(scores.values, dtype=torch.float64)


@pair
def test_saliency_is_the_norm_of_captums_gradient(encoder, pooler):
    classifier, ids, mask, embeddings = prepared(encoder, pooler)
    gradient = Saliency(lambda e: classifier.from_embeddings(e, mask)).attribute(embeddings, TARGET, abs=False)[0]
    torch.testing.assert_close(values("saliency", classifier, ids), gradient.double().pow(2).sum(-1).sqrt(), **close)
    torch.testing.assert_close(values("saliency", classifier, ids, norm="l1"), gradient.double().abs().sum(-1), **close)


@pair
def test_input_gradient_is_captums(encoder, pooler):
    classifier, ids, mask, embeddings = prepared(encoder, pooler)
    captum = InputXGradient(lambda e: classifier.from_embeddings(e, mask)).attribute(embeddings, TARGET)
    torch.testing.assert_close(values("input_gradient", classifier, ids), captum[0].sum(-1).double(), **close)


@pair
def test_detached_input_gradient_is_the_slope_with_the_attention_imposed(encoder, pooler):
    classifier, ids, mask, embeddings = prepared(encoder, pooler, double=True)
    weights = classifier.pooler.own_weights(classifier.encode(embeddings, mask), mask)

    def logit(scale):
        # Moving scale_i at 1 moves token i along its own embedding: the derivative is e_i · ∂F/∂e_i.
        return classifier.from_embeddings(embeddings * scale.view(1, -1, 1), mask, weights)[0, TARGET]

    step, n = 1e-6, ids.shape[1]
    steps = torch.eye(n, dtype=torch.float64) * step
    slopes = torch.stack([(logit(1 + s) - logit(1 - s)) / (2 * step) for s in steps])
    detached = values("input_gradient", classifier, ids, attention="detached")
    torch.testing.assert_close(detached, slopes, rtol=1e-5, atol=1e-8)
    attached = values("input_gradient", classifier, ids)
    # A choice that passes no gradient (and has no stand-in for one) is held whether or not it is detached.
    assert torch.allclose(attached, detached) == (weights is None or pooler == "hard_reinforce")


@pair
@pytest.mark.parametrize("steps", [16, 64])
def test_a_path_of_expected_gradients_is_captums_at_the_same_steps(encoder, pooler, steps):
    classifier, ids, mask, embeddings = prepared(encoder, pooler)
    captum = IntegratedGradients(lambda e: classifier.from_embeddings(e, mask.expand(len(e), -1)))
    expected = captum.attribute(embeddings, target=TARGET, n_steps=steps, method="gausslegendre")[0].sum(-1)
    found = expected_gradients.integrate(Reading(classifier, ids[0].tolist()), TARGET, steps)
    torch.testing.assert_close(found, expected, **close)


@pair
def test_integrated_gradients_is_captums_when_both_are_refined(encoder, pooler):
    classifier, ids, mask, embeddings = prepared(encoder, pooler)
    captum = IntegratedGradients(lambda e: classifier.from_embeddings(e, mask.expand(len(e), -1)))
    expected = captum.attribute(embeddings, target=TARGET, n_steps=500, method="gausslegendre")[0].sum(-1)
    scores = METHODS["integrated_gradients"](tolerance=0.001, max_steps=2048)(
        Reading(classifier, ids[0].tolist()), TARGET
    )
    # A choice jumps, and each of the two loses something else of a jump.
    slack = 0.1 if classifier.pooler.surrogate else 0.01
    apart = (torch.tensor(scores.values, dtype=torch.float64) - expected).abs().sum()
    assert apart <= slack * expected.abs().sum()


def test_integrated_gradients_does_not_depend_on_how_the_path_is_cut_into_batches(monkeypatch):
    classifier, ids, _, _ = prepared("bilstm", "apln")
    whole = values("integrated_gradients", classifier, ids)
    monkeypatch.setattr(straight_path, "rows_per_chunk", lambda _: 3)
    torch.testing.assert_close(values("integrated_gradients", classifier, ids), whole, rtol=1e-5, atol=1e-7)


@pair
def test_leave_one_out_is_one_forward_per_deleted_token(encoder, pooler):
    classifier, ids, mask, _ = prepared(encoder, pooler)
    full = classifier(ids, mask)[0]
    scores = METHODS["leave_one_out"]()(Reading(classifier, ids[0].tolist()), TARGET)
    for i in range(ids.shape[1]):
        rest = torch.cat([ids[:, :i], ids[:, i + 1 :]], dim=1)
        logits = classifier(rest, torch.ones_like(rest, dtype=torch.bool))[0]
        assert scores.values[i] == pytest.approx(float(full[TARGET] - logits[TARGET]), abs=2e-6)
        assert scores.without[i] == pytest.approx(logits.softmax(-1).tolist(), abs=1e-6)


@pair
def test_leave_one_out_is_captums_ablation_of_presence(encoder, pooler):
    classifier, ids, _, _ = prepared(encoder, pooler)

    def logit(presence):
        rest = ids[:, presence[0] > 0]
        return classifier(rest, torch.ones_like(rest, dtype=torch.bool))[:, TARGET]

    captum = FeatureAblation(logit).attribute(torch.ones(1, ids.shape[1]))[0].double()
    torch.testing.assert_close(values("leave_one_out", classifier, ids), captum, rtol=1e-4, atol=2e-6)


def test_leave_one_out_reads_equal_texts_once():
    classifier = tiny("bilstm", "attention")
    ids = [5, 5, 5, 7, 8]
    scores = METHODS["leave_one_out"]()(Reading(classifier, ids), TARGET)
    assert scores.forwards == 3
    assert scores.values[0] == scores.values[1] == scores.values[2] != scores.values[3]


@pair
def test_exact_share_is_eulers_product_of_state_and_gradient(encoder, pooler):
    classifier, ids, mask, embeddings = prepared(encoder, pooler, double=True)
    hidden = classifier.encode(embeddings, mask)
    weights = classifier.pooler.own_weights(hidden, mask)
    if not (classifier.pooler.homogeneous or classifier.pooler.path_integrated):
        scores = METHODS["exact_share"]()(Reading(classifier, ids[0].tolist()), TARGET)
        assert scores.values is None
        # The refusal is true: Euler's product, were it taken for a split, would miss the logit.
        states = hidden.detach().requires_grad_()
        logit = classifier.decide(classifier.pool(states, mask))[0, TARGET] - classifier.head.bias[TARGET]
        (gradient,) = torch.autograd.grad(logit, states)
        assert abs(float((states * gradient).sum() - logit)) > 1e-3
        return
    if not classifier.pooler.homogeneous:
        # Euler's product misses the logit; Captum walks the straight path from states of 0.
        captum = IntegratedGradients(lambda h: classifier.decide(classifier.pool(h, mask.expand(len(h), -1))))
        expected = captum.attribute(hidden, target=TARGET, n_steps=64, method="gausslegendre")[0].sum(-1)
        torch.testing.assert_close(values("exact_share", classifier, ids), expected.detach(), rtol=1e-8, atol=1e-10)
        return
    if pooler == "apln":
        # The limited states are the variables: outside the limits z is constant in h.
        slopes = _apln_slopes(classifier.pooler, hidden, weights, classifier.head.weight[TARGET])
        torch.testing.assert_close(values("exact_share", classifier, ids), slopes, rtol=1e-5, atol=1e-8)
        return
    origin = classifier.pooler.centre if pooler == "learned_norm" else torch.zeros(())
    gradient = jacobian(lambda h: classifier.decide(classifier.pool(h, mask, weights))[0, TARGET], hidden)
    expected = ((hidden - origin) * gradient)[0].sum(-1)
    torch.testing.assert_close(values("exact_share", classifier, ids), expected, rtol=1e-5, atol=1e-8)


def _apln_slopes(pooler, hidden, weights, head):
    z = hidden[0].clamp(1e-3, 10.0).requires_grad_()
    p, a = pooler.exponent.detach(), weights[0].unsqueeze(-1)
    pooled = (((a * z) ** p).sum(0) / (a**p).sum(0)) ** (1 / p)
    (gradient,) = torch.autograd.grad(pooled @ head, z)
    return (z * gradient).sum(-1).detach()


def test_on_a_linear_classifier_all_complete_methods_agree_and_deletion_follows():
    classifier, ids, _, embeddings = prepared("identity", "mean", double=True)
    n = ids.shape[1]
    parts = (embeddings[0] @ classifier.head.weight[TARGET]) / n
    for name in ("exact_share", "input_gradient", "integrated_gradients"):
        torch.testing.assert_close(values(name, classifier, ids), parts, rtol=1e-9, atol=1e-12)
    # Deleting token i from a mean: F(x) − F(x∖i) = (s_i − mean s) / (N − 1), s_i = W_c · e_i.
    s = parts * n
    torch.testing.assert_close(
        values("leave_one_out", classifier, ids), (s - s.mean()) / (n - 1), rtol=1e-9, atol=1e-12
    )
    gradient = classifier.head.weight[TARGET].norm() / n
    torch.testing.assert_close(values("saliency", classifier, ids), gradient.expand(n), rtol=1e-9, atol=1e-12)


def scalar_tokens(pooler, numbers, **options):
    """A classifier of one-dimensional identity states whose first logit is the pooled number itself."""
    classifier = tiny("identity", pooler, size=1, double=True, **options)
    with torch.no_grad():
        classifier.head.weight.copy_(torch.tensor([[1.0], [0.0], [0.0]]))
        classifier.head.bias.zero_()
        classifier.table.weight[2 : 2 + len(numbers), 0] = torch.tensor(numbers, dtype=torch.float64)
    return classifier, torch.arange(2, 2 + len(numbers)).unsqueeze(0)


@pytest.mark.parametrize("numbers", [[1.0, 4.0, 2.0, 3.0], [0.5, 0.25, 7.0, 6.0]])
def test_max_pooling_is_captums_linear_max_pool_model(numbers):
    classifier, ids = scalar_tokens("max", numbers)
    model, x = LinearMaxPoolLinearModel().double(), torch.tensor([numbers], dtype=torch.float64)
    assert float(model(x)) == max(numbers)
    for name, expected in {
        "saliency": Saliency(model).attribute(x, 0),
        "input_gradient": InputXGradient(model).attribute(x, 0),
        "exact_share": InputXGradient(model).attribute(x, 0),
        "integrated_gradients": IntegratedGradients(model).attribute(x, target=0),
        # With positive numbers, a zero in place of the token and no token are the same to a maximum.
        "leave_one_out": FeatureAblation(model).attribute(x, target=0),
    }.items():
        torch.testing.assert_close(values(name, classifier, ids, 0), expected[0], rtol=1e-6, atol=1e-9, msg=name)
    top = sorted(numbers)[-2:]
    assert values("leave_one_out", classifier, ids, 0)[numbers.index(top[1])] == pytest.approx(top[1] - top[0])


def test_max_pooling_is_captums_max_pool_relu():
    numbers = [-1.0, 5.0, 3.0]
    classifier, ids = scalar_tokens("max", numbers)
    model, x = BasicModel_MaxPool_ReLU().double(), torch.tensor([[numbers]], dtype=torch.float64)
    expected = IntegratedGradients(lambda e: model(e).sum(-1)).attribute(x)
    torch.testing.assert_close(values("integrated_gradients", classifier, ids, 0), expected[0, 0], rtol=1e-6, atol=1e-9)


def test_mean_pooling_is_captums_basic_embedding_model():
    torch.manual_seed(3)
    model = BasicEmbeddingModel(num_embeddings=30, embedding_dim=6, hidden_dim=5).double()
    torch.nn.init.normal_(model.linear1.weight)
    torch.nn.init.normal_(model.linear2.weight)
    classifier = tiny("identity", "mean", double=True)
    ids = torch.tensor([[3, 9, 4, 11, 3]])
    n = ids.shape[1]
    # Captum's model sums over tokens: a mean with the head n times as large is the same function.
    classifier.encoder.encode = lambda e, _mask: torch.relu(model.linear1(e))
    classifier.encoder.state_size = classifier.pooler.state_size = 5
    classifier.head = torch.nn.Linear(5, 3, dtype=torch.float64).requires_grad_(False)
    classifier.head.weight[TARGET] = n * model.linear2.weight[0].detach()
    classifier.head.bias[TARGET] = n * float(model.linear2.bias)
    embeddings = classifier.embed(ids)

    def theirs(e):
        return model.linear2(model.relu(model.linear1(e))).sum(1)

    for name, expected in {
        "input_gradient": InputXGradient(theirs).attribute(embeddings, 0),
        "integrated_gradients": IntegratedGradients(theirs).attribute(embeddings, target=0),
    }.items():
        torch.testing.assert_close(
            values(name, classifier, ids), expected[0].sum(-1).detach(), rtol=1e-6, atol=1e-9, msg=name
        )
    per_token = theirs(embeddings.transpose(0, 1)) - float(model.linear2.bias)
    torch.testing.assert_close(values("exact_share", classifier, ids), per_token[:, 0].detach(), rtol=1e-9, atol=1e-12)


def test_attention_maps_are_softmax_and_its_product_with_the_norm():
    classifier, ids, mask, embeddings = prepared("bilstm", "scaled_dot", double=True)
    hidden = classifier.encode(embeddings, mask)[0]
    weights = torch.softmax(hidden @ classifier.pooler.query / hidden.shape[1] ** 0.5, dim=0)
    torch.testing.assert_close(values("attention", classifier, ids), weights, rtol=1e-9, atol=1e-12)
    norms = hidden.pow(2).sum(-1).sqrt()
    torch.testing.assert_close(values("attention_norm", classifier, ids), weights * norms, rtol=1e-9, atol=1e-12)


def test_an_error_that_stays_large_is_said_in_words():
    # tanh saturates: nearly all of the path's change lies in a sliver that 16 nodes step over.
    classifier = tiny("embedding", "max")
    classifier.table.weight.mul_(500.0)
    method = METHODS["integrated_gradients"](max_steps=16)
    scores = method(Reading(classifier, ids_of(classifier)), TARGET)
    assert scores.relative_delta > 0.01
    # Seven at first, then nine: never more than were allowed.
    assert scores.warning.startswith("After 16 steps the scores still miss the change of the logit by")
    assert f"{scores.relative_delta:.1%}" in scores.warning
    refined = METHODS["integrated_gradients"](max_steps=2048)(Reading(classifier, ids_of(classifier)), TARGET)
    assert refined.relative_delta < scores.relative_delta
    assert refined.forwards > scores.forwards


def test_unknown_words_alone_are_read_like_any_word():
    classifier = tiny("cnn", "attention")
    reading = Reading(classifier, ids_of(classifier, "xyzzy plugh"))
    assert reading.ids.tolist() == [[UNK, UNK]]
    assert METHODS["integrated_gradients"]()(reading, 0).values is not None


def test_the_longest_text_is_read_in_bounded_batches(monkeypatch):
    # A Transformer has no short cut past this function, as an embedding encoder has for both methods.
    classifier = tiny("transformer", "attention")
    rows = []
    forward = type(classifier).from_embeddings

    def counting(self, embeddings, *args):
        rows.append(embeddings.shape[0] * embeddings.shape[1])
        return forward(self, embeddings, *args)

    monkeypatch.setattr(type(classifier), "from_embeddings", counting)
    reading = Reading(classifier, list(ids_of(classifier, f"{TEXT} " * 30)))
    for name in ("integrated_gradients", "leave_one_out"):
        METHODS[name]()(reading, 0)
    assert len(reading) == 390
    assert max(rows) <= 4096
