"""Degenerate maps are said in words; bad parameters are refused in one sentence."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_classifiers import TEXT, ids_of, tiny

from models.analysis import analyse
from models.attribution import METHODS
from models.attribution.base import Scores, build, guarded
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.records import MethodCall, Request


def test_a_constant_map_warns():
    found = guarded(Scores((0.25, 0.25, 0.25, 0.25)))
    assert found.values == (0.25,) * 4
    assert found.warning == "Every token has the same score: this map ranks nothing."


def test_a_map_of_zeros_warns_also_for_one_token():
    assert guarded(Scores((0.0,))).warning.startswith("Every score is exactly zero")
    assert guarded(Scores((0.0, 0.0))).warning.startswith("Every score is exactly zero")
    assert guarded(Scores((0.7,))).warning is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_never_drawn(bad):
    found = guarded(Scores((1.0, bad), delta=0.1, change=1.0, without=((1.0,), (1.0,))))
    assert found.values is None
    assert found.reason.startswith("The scores are not finite")
    assert found.delta is None


def test_a_warning_is_added_to_the_one_that_stands():
    assert guarded(Scores((0.0, 0.0), warning="First.")).warning.startswith("First. Every score")


def test_dead_weights_give_a_warning_on_the_record_not_a_picture():
    classifier = tiny("embedding", "attention")
    classifier.head.weight.zero_()
    found = analyse(classifier, Request(TEXT, (MethodCall("saliency"), MethodCall("leave_one_out"))))
    assert [a.warning is not None for a in found.attributions] == [True, True]
    assert all(a.value is None and "same score" in a.reason for a in found.agreements)


def test_broken_weights_give_a_reason():
    classifier = tiny("embedding", "attention")
    classifier.table.weight[ids_of(classifier)[0]] = math.nan
    scores = METHODS["saliency"]()(Reading(classifier, ids_of(classifier)), 0)
    assert scores.values is None
    assert "not finite" in scores.reason


def test_nothing_to_divide_by_has_no_relative_error():
    classifier = tiny("embedding", "attention")
    classifier.head.weight.zero_()
    scores = METHODS["integrated_gradients"]()(Reading(classifier, ids_of(classifier)), 0)
    assert scores.delta == 0
    assert scores.relative_delta is None
    assert "still miss" not in scores.warning


@pytest.mark.parametrize(
    ("name", "params", "sentence"),
    [
        ("saliency", {"norm": "l3"}, "norm is one of l1, l2, got 'l3'"),
        ("saliency", {"power": 2}, "has no parameter 'power'; its parameters are: norm"),
        ("attention", {"norm": "l1"}, "has no parameter 'norm'; its parameters are: none"),
        ("integrated_gradients", {"max_steps": 8}, "max_steps is a whole number from 16 to 2048, got 8"),
        ("integrated_gradients", {"max_steps": 20.5}, "max_steps is a whole number"),
        ("integrated_gradients", {"max_steps": True}, "max_steps is a whole number"),
        ("integrated_gradients", {"max_steps": math.inf}, "max_steps is a whole number"),
        ("integrated_gradients", {"tolerance": math.nan}, "tolerance is a number from 0.001 to 0.1, got nan"),
        ("integrated_gradients", {"tolerance": "x"}, "tolerance is a number"),
        ("input_gradient", {"attention": "held"}, "attention is one of attached, detached"),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(name, params, sentence):
    with pytest.raises(PoolScopeError, match="; choose one|; its parameters") as error:
        METHODS[name](**params)
    assert sentence in str(error.value)


def test_an_unknown_method_lists_the_choices():
    with pytest.raises(PoolScopeError, match="unknown attribution method 'magic'; choose one of: attention,"):
        build(MethodCall("magic"), METHODS)


def test_only_parameters_off_their_defaults_are_named():
    assert METHODS["saliency"](norm="l2").variant == ()
    assert METHODS["saliency"](norm="l1").heading == "Saliency (norm l1)"
    assert build(MethodCall("input_gradient", (("attention", "detached"),)), METHODS).variant == (
        ("attention", "detached"),
    )


def test_a_classifier_in_training_mode_is_refused():
    with pytest.raises(PoolScopeError, match="training mode"):
        Reading(tiny().train(), [2, 3])


def test_the_encoder_reads_a_text_once_for_all_that_needs_no_other_text(monkeypatch):
    classifier = tiny("bilstm", "apln")
    calls = []
    encode = type(classifier.encoder).encode
    monkeypatch.setattr(
        type(classifier.encoder), "encode", lambda self, *a: calls.append(len(a[0])) or encode(self, *a)
    )
    names = ("attention", "attention_norm", "exact_share", "saliency", "input_gradient")
    detached = MethodCall("input_gradient", (("attention", "detached"),))
    analyse(classifier, Request(TEXT, (*map(MethodCall, names), detached)))
    assert calls == [1]


def test_a_classifier_that_still_learns_can_be_read():
    classifier = tiny("bilstm", "apln").requires_grad_(True)
    found = analyse(classifier, Request(TEXT, tuple(map(MethodCall, METHODS))))
    frozen = analyse(classifier.requires_grad_(False), Request(TEXT, tuple(map(MethodCall, METHODS))))
    assert [a.scores for a in found.attributions] == [a.scores for a in frozen.attributions]
    assert all(p.grad is None for p in classifier.parameters())
    assert torch.is_grad_enabled()


def test_one_reading_serves_all_methods_and_targets_in_any_order():
    classifier = tiny("bilstm", "apln")
    ids = ids_of(classifier)
    makers = [METHODS[name] for name in METHODS]
    makers.append(lambda: METHODS["input_gradient"](attention="detached"))
    shared = Reading(classifier, ids)
    for target in (2, 0, 1):
        for maker in makers:
            found, alone = maker()(shared, target), maker()(Reading(classifier, ids), target)
            # What is asked of the ledger may have been in another batch: the same but for rounding.
            assert found.values == (alone.values and pytest.approx(alone.values, rel=1e-4, abs=1e-5))
            assert found.forwards == alone.forwards
            assert (found.reason, found.warning, found.baseline) == (alone.reason, alone.warning, alone.baseline)
            if maker().family != "perturbation":
                assert found == alone
