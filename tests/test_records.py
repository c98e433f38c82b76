"""The invariants of the records: what each refuses, and what it keeps as it came."""

from __future__ import annotations

import dataclasses
import math

import pytest

from models import records
from models.records import (
    Agreement,
    Analysis,
    Attribution,
    MethodCall,
    ModelSpec,
    Parameter,
    PoolingTrace,
    Prediction,
    Request,
    Token,
)

SPEC = ModelSpec("sst2/cnn/max", "sst2", "cnn", "max", 1, "ab12", "CNN · max", ("negative", "positive"))


def trace(n: int, **changes) -> PoolingTrace:
    fields = dict(weights=(0.5,) * n, weights_meaning="", effective=None, shares=(0.5,) * n, winners=None)
    return PoolingTrace(**(fields | {"state_norms": (1.0,) * n} | changes))


def attribution(**changes) -> Attribution:
    fields = dict(method="saliency", title="Saliency", target=0, scalar="logit", signed=False, complete=False)
    return Attribution(**(fields | {"scores": (0.1, 0.2)} | changes))


def analysis(**changes) -> Analysis:
    fields = dict(
        model=SPEC,
        request=Request("not bad"),
        tokens=(Token("not", 0, 3), Token("bad", 4, 7)),
        cut=0,
        prediction=Prediction(SPEC.labels, (0.0, 0.0), (0.5, 0.5)),
        target=1,
        trace=trace(2),
        attributions=(attribution(),),
    )
    return Analysis(**(fields | changes))


def test_every_record_is_frozen_and_slotted():
    classes = [member for member in vars(records).values() if dataclasses.is_dataclass(member)]
    assert len(classes) > 10
    for member in classes:
        assert member.__dataclass_params__.frozen, member
        assert "__slots__" in vars(member), member


def test_a_sound_analysis_is_kept_as_it_came():
    made = analysis()
    assert made.attributions[0].scores == (0.1, 0.2)
    assert made.prediction.label == "negative"
    assert hash(made) == hash(analysis())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dataclasses.replace(SPEC, id=""), "non-empty id"),
        (lambda: dataclasses.replace(SPEC, labels=("only",)), "two labels or more"),
        (lambda: Token("bad", 4, 8), "does not fit offsets 4:8"),
        (lambda: Token("", 3, 1), "does not fit offsets"),
        (lambda: Token("bad", -3, 0), "does not fit offsets"),
        (lambda: Prediction(("a", "b"), (0.0,), (0.5, 0.5)), "differ in length"),
        (lambda: Prediction(("a", "b"), (0.0, 0.0), (0.6, 0.6)), "sum to 1.2"),
        (lambda: Prediction(("a", "b"), (0.0, 0.0), (math.nan, 1.0)), "sum to nan"),
        (lambda: Parameter("p", (), (), "", ""), "0 values"),
        (lambda: Parameter("p", (1.0, 2.0), (1.0,), "", ""), "2 values, 1 initial"),
        (lambda: trace(2, weights=(1.0,)), "1 weights but 2 shares"),
        (lambda: trace(2, effective=(1.0,)), "1 effective but 2 shares"),
        (lambda: trace(2, winners=(1.0, 0.0, 0.0)), "3 winners but 2 shares"),
        (lambda: trace(2, state_norms=()), "0 state_norms but 2 shares"),
        (lambda: attribution(scores=None), "without a reason"),
        (lambda: attribution(scores=(0.1, math.inf)), "not finite"),
        (lambda: attribution(scores=(0.1, math.nan)), "not finite"),
        (lambda: Agreement("kendall", "a", "b", None, 2), "undefined without a reason"),
        (lambda: Agreement("kendall", "a", "b", math.nan, 2), "not a number"),
        (lambda: analysis(target=2), "target 2 is none of 2 classes"),
        (lambda: analysis(target=-1), "target -1"),
        (lambda: analysis(trace=trace(3)), "3 shares for 2 tokens"),
        (lambda: analysis(attributions=(attribution(scores=(0.1,)),)), "1 scores for 2 tokens"),
        (lambda: analysis(attributions=(attribution(without=(None,)),)), "1 removals for 2 tokens"),
        (lambda: Request("a", deleted=(-1,)), "start at 0"),
        (lambda: Request("a", masked=(-1,)), "start at 0"),
    ],
)
def test_a_broken_record_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_undefined_with_a_reason_is_accepted():
    assert attribution(scores=None, reason="mean pooling has no weights").scores is None
    assert Agreement("kendall", "a", "b", None, 1, reason="one token has no ranks").value is None


def test_equal_edits_make_equal_requests():
    assert Request("a b c", deleted=(2, 0, 2)) == Request("a b c", deleted=(0, 2))
    assert Request("a b c", deleted=(1,), masked=(1, 2)) == Request("a b c", deleted=(1,), masked=(2,))
    assert Request("a b c", deleted=(1,)) != Request("a b c", masked=(1,))


def test_prediction_names_the_first_of_equals():
    assert Prediction(("a", "b", "c"), (0.0, 1.0, 1.0), (0.2, 0.4, 0.4)).predicted == 1


def test_a_call_is_told_apart_by_its_parameters():
    assert MethodCall("saliency").key == "saliency"
    call = MethodCall("input_gradient", (("attention", "detached"), ("steps", 8)))
    assert call.key == "input_gradient[attention=detached, steps=8]"
    assert attribution(method=call.name, params=call.params).key == call.key
