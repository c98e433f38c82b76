"""What every attribution method promises, over all methods, poolers and encoders that are registered."""

from __future__ import annotations

import dataclasses
import math
from contextlib import nullcontext

import pytest
import torch
from tiny_classifiers import LABELS, OTHER, PAIRS, TEXT, fingerprint, ids_of, same_fingerprint, tiny

from models.attribution import METHODS, deep_lift
from models.attribution.base import AttributionMethod
from models.attribution.families import FAMILIES
from models.attribution.fit import LOW
from models.attribution.reading import Reading
from models.attribution.starts import random_texts
from models.encoders import ENCODERS
from models.poolers import POOLERS

TURNED = " ".join(reversed(OTHER.split()))
FLOORS = {name for name, method in METHODS.items() if method.family == "floor"}
SLOPES = {"attention_gradient", "rollout_gradient"}  # differentiate by weights, not by words
CONSTANT = {"uniform_map"}
# What is sampled keeps its promises from few samples too, and thousands of cases stay quick.
QUICK = {"kernel_shap": {"budget": 64}, "lime": {"budget": 64}, "shapley_sampling": {"permutations": 4}}
ALL = [(m, e, p) for m in METHODS for e, p in PAIRS]
NEEDS_ATTENTION = {"attention", "attention_norm", "attention_gradient", "reversed_attention"}
# Methods that refuse long texts are held to their promises on the first words of each.
FEW_WORDS = {"shapley_exact": 6}
UNATTENDED = [(m, e, p) for m, e, p in ALL if m in NEEDS_ATTENTION and not POOLERS[p].attends]
UNSPLIT = [
    (m, e, p)
    for m, e, p in ALL
    if m == "exact_share" and not (POOLERS[p].homogeneous or POOLERS[p].path_integrated)
]
NEEDS_LAYERS = {"rollout", "rollout_gradient", "attention_flow"}
LAYERLESS = [(m, e, p) for m, e, p in ALL if m in NEEDS_LAYERS and not ENCODERS[e].self_attends]
UNLIFTED = [
    (m, e, p) for m, e, p in ALL if m == "deep_lift" and not (e in deep_lift.ENCODERS and p in deep_lift.POOLERS)
]
REFUSED = [*UNATTENDED, *UNSPLIT, *LAYERLESS, *UNLIFTED]


@pytest.fixture(params=[c for c in ALL if c not in REFUSED], ids="-".join)
def case(request):
    """A method and a classifier that it applies to."""
    name, encoder, pooler = request.param
    return METHODS[name](**QUICK.get(name, {})), tiny(encoder, pooler)


@pytest.mark.parametrize("refused", REFUSED, ids="-".join)
def test_a_method_that_cannot_apply_says_why(refused):
    name, encoder, pooler = refused
    method, classifier = METHODS[name](), tiny(encoder, pooler)
    reason = method.why_not(classifier)
    scores = method(Reading(classifier, ids_of(classifier)), 0)
    assert scores.values is None
    assert scores.reason == reason
    title = classifier.pooler.title
    if refused in LAYERLESS:
        assert reason == f"The {classifier.encoder.title} encoder has no self-attention to follow from layer to layer."
    elif refused in UNLIFTED:
        known = encoder in deep_lift.ENCODERS
        assert reason.startswith("DeepLIFT has no rule for" if known else "DeepLIFT is wrong through the")
        assert classifier.encoder.title in reason or title in reason
    elif refused in UNATTENDED:
        assert reason == f"{title} pooling has no attention weights to show."
    else:
        assert reason == f"{title} is not homogeneous in the states, so its vector has no exact split by token."


def test_a_method_that_can_apply_has_no_excuse(case):
    method, classifier = case
    assert method.why_not(classifier) is None


def reading_of(method: AttributionMethod, classifier, text=TEXT):
    return Reading(classifier, ids_of(classifier, " ".join(text.split()[: FEW_WORDS.get(method.name)])))


def scores_of(method: AttributionMethod, classifier, text=TEXT, target=0):
    return method(reading_of(method, classifier, text), target)


def test_one_finite_number_per_token_and_the_same_every_time(case):
    method, classifier = case
    first, second = scores_of(method, classifier), scores_of(method, classifier)
    assert first.values is not None
    assert len(first.values) == len(reading_of(method, classifier))
    assert all(map(math.isfinite, first.values))
    assert all(isinstance(value, float) for value in first.values)
    assert first == second


def test_the_target_matters_where_it_should(case):
    method, classifier = case
    maps = {scores_of(method, classifier, target=c).values for c in range(len(LABELS))}
    assert len(maps) == (1 if method.blind else len(LABELS))


def test_signed_means_both_signs_and_unsigned_means_none_below_zero(case):
    method, classifier = case
    # Three texts: a hard choice has but one value for each class.
    maps = [scores_of(method, classifier, text, c).values for text in (TEXT, OTHER, TURNED) for c in range(len(LABELS))]
    values = [v for values in maps for v in values]
    assert max(values) > 0
    assert (min(values) < 0) == method.signed


def test_complete_methods_sum_to_the_change_they_claim(case):
    method, classifier = case
    scores = scores_of(method, classifier, target=2)
    if not method.complete:
        assert scores.delta is None
        assert scores.change is None
        return
    assert scores.delta == pytest.approx(sum(scores.values) - scores.change, abs=1e-5)
    if method.name == "expected_gradients" and "still miss the change" not in (scores.warning or ""):
        # Changes from several texts may cancel: the error is a part of what they typically are.
        reading = Reading(classifier, ids_of(classifier))
        texts = random_texts(reading, method.params.samples, method.params.seed)
        ends = classifier.from_embeddings(texts, reading.mask.expand(len(texts), -1))[:, 2]
        assert abs(scores.delta) <= 1.01 * method.params.tolerance * float((reading.value(2) - ends).abs().mean())
    elif scores.relative_delta > 0.01:
        # No sum of gradients adds up across the steps of a hard choice: the error stands, and is said.
        assert method.family == "path"
        assert classifier.pooler.surrogate
        assert "still miss the change" in scores.warning
    assert scores.baseline
    # The claimed change itself must be a difference of this logit and something the classifier says.
    reading = Reading(classifier, ids_of(classifier))
    empty = torch.zeros(1, len(scores.values), classifier.table.embedding_dim)
    if method.family == "perturbation":
        unknown = float(Reading(classifier, [classifier.unknown]).logits[0, 2])
        assert scores.change == pytest.approx(float(reading_of(method, classifier).logits[0, 2]) - unknown, abs=1e-5)
        assert abs(scores.delta) < 1e-9
        return
    ends = [classifier.from_embeddings(empty, reading.mask), classifier.head.bias.unsqueeze(0)]
    if method.name == "expected_gradients":
        texts = random_texts(reading, method.params.samples, method.params.seed)
        ends.append(classifier.from_embeddings(texts, reading.mask.expand(len(texts), -1)))
    starts = [float(end[:, 2].mean()) for end in ends]
    assert min(abs(reading.value(2) - start - scores.change) for start in starts) < 1e-5


def test_the_error_shrinks_with_more_steps(case):
    method, classifier = case
    if "max_steps" not in {field.name for field in dataclasses.fields(method.Params)}:
        assert method.name != "integrated_gradients"
        return
    errors = []
    for steps in (16, 1024):
        found = scores_of(METHODS[method.name](max_steps=steps, tolerance=0.001), classifier, target=1)
        errors.append(abs(found.delta))
    if classifier.pooler.surrogate:
        # A hard choice jumps along the path, and what is lost at a jump does not come back with more steps.
        return
    # Few steps may be right by luck; many must be within what was asked, or better than few.
    assert errors[1] <= max(errors[0], 0.001 * abs(found.change))
    # Where the winner of a dimension changes, its gradient jumps: the error of max falls like 1 / steps only.
    assert errors[1] < (1e-2 if classifier.pooler.name == "max" else 2e-3)


def test_the_classifier_is_left_as_it_was(case):
    method, classifier = case
    before = fingerprint(classifier)
    scores_of(method, classifier)
    assert same_fingerprint(before, fingerprint(classifier))


def test_the_classifier_is_left_as_it_was_after_an_exception(case, monkeypatch):
    method, classifier = case
    before = fingerprint(classifier)
    reading = reading_of(method, classifier)

    def broken(*_args, **_kwargs):
        raise RuntimeError("broken on purpose")

    for name in ("from_embeddings", "forward", "decide"):
        monkeypatch.setattr(classifier, name, broken)
    monkeypatch.setattr(torch.autograd, "grad", broken)
    # Weights and shares are read off the states, floors off nothing; all others must run into the break.
    reaches = method.family in {"gradient", "path", "perturbation"} or method.name in SLOPES
    with pytest.raises(RuntimeError, match="broken on purpose") if reaches else nullcontext():
        method(reading, 0)
    monkeypatch.undo()
    assert same_fingerprint(before, fingerprint(classifier))
    assert torch.is_grad_enabled()
    assert scores_of(method, classifier).values is not None


def test_one_token_gives_one_number_or_a_sentence(case):
    method, classifier = case
    scores = scores_of(method, classifier, text="film")
    if scores.values is None:
        assert scores.reason.startswith("The text has one token only")
        assert method.name in {"leave_one_out", "occlusion"}
    else:
        assert len(scores.values) == 1
        assert math.isfinite(scores.values[0])


def test_two_sentences_never_give_one_map(case):
    method, classifier = case
    assert len(ids_of(classifier, TEXT)) == len(ids_of(classifier, OTHER))
    texts = [TEXT, OTHER]
    if classifier.pooler.surrogate:
        # A hard choice may fall on one place in both; it does not stay there when the words turn round.
        texts.append(TURNED)
    assert (len({scores_of(method, classifier, text).values for text in texts}) > 1) == (method.name not in CONSTANT)


def test_a_map_of_varied_words_is_not_called_degenerate(case):
    method, classifier = case
    # Beside a change of nearly nothing every error is large: the class whose logit changes most.
    maps = [scores_of(method, classifier, target=c) for c in range(len(LABELS))]
    scores = max(maps, key=lambda found: abs(found.change or 0))
    if method.name in CONSTANT:
        assert scores.warning == "Every token has the same score: this map ranks nothing."
        return
    surrogate = bool(classifier.pooler.surrogate) and method.passes_weights
    integral = not classifier.pooler.homogeneous and method.name == "exact_share"
    assert (scores.warning is None) == (not (surrogate or integral))
    assert "ranks nothing" not in (scores.warning or "")
    assert "says nothing about this text" not in (scores.warning or "")
    assert len(set(scores.values)) > 1


@pytest.mark.parametrize("name", list(METHODS))
def test_the_card_of_a_method_is_filled_in(name):
    method = METHODS[name]
    facts = method.facts()
    assert all(facts[key] for key in facts if key not in {"signed", "complete", "blind", "ceiling", "note"})
    assert method.family in FAMILIES
    assert facts["name"] == name
    assert facts["question"].endswith("?")
    assert method.__doc__


def test_every_family_has_members_and_one_method_is_the_ceiling():
    assert {method.family for method in METHODS.values()} == set(FAMILIES)
    assert [name for name, method in METHODS.items() if method.ceiling] == ["leave_one_out"]
    assert "oracle" in METHODS["leave_one_out"].note


def test_fitted_methods_say_whose_bound_marks_a_poor_fit(case):
    method, classifier = case
    fitted = scores_of(method, classifier).fit is not None
    assert fitted == (f"R² below {LOW:.2f}" in method.note and "ours, not the authors'" in method.note)


@pytest.mark.parametrize("name", list(METHODS))
def test_parameters_are_frozen_data_with_bounds_a_page_can_draw(name):
    for field in dataclasses.fields(METHODS[name].Params):
        bounds = field.metadata
        assert bounds["title"]
        assert bounds["help"].endswith(".")
        if "choices" in bounds:
            assert field.default in bounds["choices"]
        else:
            assert bounds["min"] <= field.default <= bounds["max"]
            assert 0 < bounds["step"] <= bounds["max"] - bounds["min"]
    assert METHODS[name].Params.__dataclass_params__.frozen
