"""What is explained: a logit, one logit over another, a probability or a margin, by every registered method."""

from __future__ import annotations

import math
import operator

import pytest
import torch
from tiny_classifiers import OTHER, TEXT, ids_of, tiny

from models.analysis import analyse
from models.attribution import METHODS
from models.attribution.reading import Reading
from models.attribution.target import SAME, Target
from models.errors import PoolScopeError
from models.records import SCALARS, MethodCall, Request

CASES = [
    ("bilstm", "attention"), ("bilstm", "apln"), ("cnn", "max"), ("embedding", "mean"), ("transformer", "attention"),
]  # fmt: skip
case = pytest.mark.parametrize(("encoder", "pooler"), CASES)
AIMS = [Target(1), Target(1, against=2), Target(1, scalar="probability"), Target(1, scalar="margin")]
# Paths are integrated up to a tolerance that is relative to each target's own change.
ROUGH = {"path": 0.08}


def method_of(name, classifier):
    """The method, or the end of the test where it does not apply to this classifier."""
    method = METHODS[name]()
    if method.why_not(classifier) is not None:
        pytest.skip("does not apply to this classifier")
    return method


def reading_of(name, classifier):
    """The text; for a method that refuses long ones, its first words."""
    return Reading(classifier, ids_of(classifier)[: 6 if name == "shapley_exact" else None])


def column(method, reading, target):
    return torch.tensor(method(reading, target).values, dtype=torch.float64)


def test_the_four_numbers_by_hand():
    logits = torch.tensor([[1.0, 3.0, 2.0], [0.0, 0.0, 4.0]], dtype=torch.float64)
    assert Target(1)(logits).tolist() == [3.0, 0.0]
    assert Target(1, against=2)(logits).tolist() == [1.0, -4.0]
    assert Target(1, scalar="margin")(logits).tolist() == [1.0, -4.0]
    assert Target(2, scalar="margin")(logits).tolist() == [-1.0, 4.0]
    total = math.e + math.e**3 + math.e**2
    assert Target(1, scalar="probability")(logits)[0].item() == pytest.approx(math.e**3 / total)


@pytest.mark.parametrize("target", AIMS, ids=lambda t: t.word)
def test_every_number_is_differentiable(target):
    torch.manual_seed(0)
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(target, (logits,))
    assert Target(0)(logits).shape == target(logits).shape == (4,)


def test_only_a_plain_logit_passes_for_a_class_number():
    assert operator.index(Target(2)) == 2
    for target in AIMS[1:]:
        with pytest.raises(PoolScopeError, match="written for the logit of a class; it cannot explain the"):
            operator.index(target)


def test_mistakes_are_refused_in_a_sentence():
    with pytest.raises(PoolScopeError, match="no scalar 'odds'; choose one of: logit, probability, margin"):
        Target(0, scalar="odds")
    with pytest.raises(PoolScopeError, match="compared by their logits; leave out the probability or the class"):
        Target(0, against=1, scalar="probability")


@case
@pytest.mark.parametrize("name", list(METHODS))
def test_a_class_number_is_its_logit(name, encoder, pooler):
    classifier = tiny(encoder, pooler)
    method = method_of(name, classifier)
    assert method(reading_of(name, classifier), 1) == method(reading_of(name, classifier), Target(1))


@case
@pytest.mark.parametrize("name", list(METHODS))
def test_a_contrast_is_the_difference_of_two_maps(name, encoder, pooler):
    classifier = tiny(encoder, pooler)
    method = method_of(name, classifier)
    reading = reading_of(name, classifier)
    first, second, contrast = (column(method, reading, t) for t in (Target(1), Target(2), Target(1, against=2)))
    if method.blind:
        assert torch.equal(first, contrast)
    elif method.signed:
        scale = float(first.abs().max() + second.abs().max())
        torch.testing.assert_close(contrast, first - second, rtol=0, atol=ROUGH.get(method.family, 1e-5) * scale)
        assert not torch.allclose(contrast, first, rtol=0, atol=0.05 * scale)
    else:
        # The length of a difference is at most the sum of the lengths; products of positive parts have no such bound.
        assert method.name == "rollout_gradient" or bool((contrast <= first + second + 1e-5).all())
        assert not torch.allclose(contrast, first)


@case
@pytest.mark.parametrize("name", list(METHODS))
def test_between_two_classes_the_margin_is_the_contrast(name, encoder, pooler):
    classifier = tiny(encoder, pooler, labels=("no", "yes"))
    method = method_of(name, classifier)
    reading = reading_of(name, classifier)
    margin = method(reading, Target(1, scalar="margin"))
    if method.blind or "margin" in method.scalars:
        expected = column(method, reading, Target(1, against=0))
        torch.testing.assert_close(torch.tensor(margin.values, dtype=torch.float64), expected, rtol=1e-4, atol=1e-6)
    else:
        assert margin.reason.startswith(f"{method.title} divides logits")


@case
@pytest.mark.parametrize("name", list(METHODS))
def test_a_probability_is_explained_or_refused_never_a_logit_in_its_place(name, encoder, pooler):
    classifier = tiny(encoder, pooler)
    method = method_of(name, classifier)
    reading = reading_of(name, classifier)
    logit, found = method(reading, Target(1)), method(reading, Target(1, scalar="probability"))
    if method.blind:
        assert found == logit
    elif "probability" not in method.scalars:
        assert found.values is None
        assert found.reason == (
            f"{method.title} divides logits, to which the words add up; the probability is no sum of theirs."
        )
    else:
        assert not torch.allclose(torch.tensor(found.values), torch.tensor(logit.values))
        if method.complete:
            assert abs(found.change) <= 1
            assert abs(found.delta) <= 0.05 or "change of the probability" in found.warning


@case
def test_the_gradient_of_a_probability_is_the_chain_rule(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    reading = Reading(classifier, ids_of(classifier))
    p = reading.probabilities[0]
    expected = sum(
        p[1] * (float(c == 1) - p[c]) * reading.embedding_gradient(c) for c in range(len(p))
    )  # ∂p_1 = p_1 (∂z_1 − Σ_c p_c ∂z_c)
    torch.testing.assert_close(reading.embedding_gradient(Target(1, scalar="probability")), expected)


@case
def test_leaving_a_word_out_of_a_probability_is_what_the_probabilities_without_it_say(encoder, pooler):
    classifier = tiny(encoder, pooler)
    reading = Reading(classifier, ids_of(classifier))
    scores = METHODS["leave_one_out"]()(reading, Target(2, scalar="probability"))
    present = float(reading.logits.double().softmax(-1)[0, 2])
    assert scores.values == pytest.approx([present - left[2] for left in scores.without], abs=1e-7)


@pytest.mark.parametrize("name", list(METHODS))
def test_a_class_over_itself_leaves_nothing_to_divide(name):
    classifier = tiny("transformer", "attention")
    method = method_of(name, classifier)
    found = method(Reading(classifier, ids_of(classifier)), Target(1, against=1))
    assert found.reason == (None if method.blind else SAME)


def test_an_analysis_records_what_was_explained():
    classifier = tiny("bilstm", "attention")
    calls = (MethodCall("input_gradient"), MethodCall("exact_share"))
    plain = analyse(classifier, Request(TEXT, calls, target=0))
    contrast = analyse(classifier, Request(TEXT, calls, target=0, against=2))
    chance = analyse(classifier, Request(OTHER, calls, scalar="probability"))
    assert {(a.target, a.against, a.scalar) for a in plain.attributions} == {(0, None, "logit")}
    assert {(a.target, a.against, a.scalar) for a in contrast.attributions} == {(0, 2, "logit")}
    assert {(a.target, a.against, a.scalar) for a in chance.attributions} == {(chance.target, None, "probability")}
    assert contrast.target == 0
    assert [a.scores is None for a in chance.attributions] == [False, True]
    # W_c · state, one row of the head minus another: the parts sum to the difference of the logits without biases.
    logits, bias = contrast.prediction.logits, classifier.head.bias.tolist()
    expected = logits[0] - logits[2] - (bias[0] - bias[2])
    assert sum(contrast.attributions[1].scores) == pytest.approx(expected, abs=1e-5)


def test_a_request_for_what_is_not_there_is_refused():
    classifier = tiny("embedding", "mean")
    with pytest.raises(PoolScopeError, match=r"no class 7; choose one of: 0 \(against\)"):
        analyse(classifier, Request(TEXT, against=7))
    with pytest.raises(PoolScopeError, match="compared by their logits"):
        analyse(classifier, Request(TEXT, target=0, against=1, scalar="margin"))
    assert Request(TEXT).scalar == SCALARS[0]
