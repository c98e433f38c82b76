"""analyse() and remove(): edits, places, agreement, and one sentence for what cannot be read."""

from __future__ import annotations

import itertools
import pickle

import pytest
import torch
from tiny_classifiers import LABELS, NOT_OVER_LSTM, PAIRS, TEXT, ids_of, tiny

from models.analysis import analyse, remove
from models.attribution import METHODS
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.metrics.agreement import METRICS
from models.records import MethodCall, Request
from models.text import UNK

ALL = tuple(map(MethodCall, METHODS))
pair = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)


def plainly(classifier, ids):
    ids = torch.tensor([ids])
    return classifier(ids, torch.ones_like(ids, dtype=torch.bool))[0].softmax(-1).tolist()


@pair
def test_prediction_and_target_are_the_classifiers(encoder, pooler):
    classifier = tiny(encoder, pooler)
    found = analyse(classifier, Request(TEXT))
    expected = plainly(classifier, ids_of(classifier))
    assert found.prediction.probabilities == pytest.approx(expected, abs=1e-6)
    assert found.prediction.labels == LABELS
    assert found.target == expected.index(max(expected))
    assert analyse(classifier, Request(TEXT, target=2)).target == 2
    assert [t.text for t in found.tokens] == TEXT.split()
    assert found.cut == 0


@pair
def test_deleting_tokens_is_typing_the_text_without_them(encoder, pooler):
    classifier = tiny(encoder, pooler)
    gone = (1, 4, 12)
    words = TEXT.split()
    edited = analyse(classifier, Request(TEXT, ALL, target=0, deleted=gone))
    typed = analyse(classifier, Request(" ".join(w for i, w in enumerate(words) if i not in gone), ALL, target=0))
    kept = [i for i in range(len(words)) if i not in gone]
    assert edited.prediction == typed.prediction
    assert [t.state for t in edited.tokens] == ["deleted" if i in gone else "kept" for i in range(len(words))]
    for left, right in zip(edited.attributions, typed.attributions, strict=True):
        assert (left.scores is None) == (right.scores is None)
        if left.scores is None:
            continue
        assert tuple(left.scores[i] for i in kept) == right.scores
        assert [left.scores[i] for i in gone] == [0.0] * 3
    assert tuple(edited.trace.shares[i] for i in kept) == typed.trace.shares
    assert edited.agreements == typed.agreements


def test_masking_a_token_is_typing_an_unknown_word():
    classifier = tiny("bilstm", "apln")
    masked = analyse(classifier, Request(TEXT, ALL, masked=(4,)))
    typed = analyse(classifier, Request(TEXT.replace("bad", "xyzzy"), ALL))
    assert masked.prediction == typed.prediction
    assert masked.prediction != analyse(classifier, Request(TEXT)).prediction
    assert [a.scores for a in masked.attributions] == [a.scores for a in typed.attributions]
    assert masked.tokens[4].state == "masked"
    assert masked.tokens[4].text == "bad"


@pair
def test_the_trace_is_what_the_pooler_did(encoder, pooler):
    classifier = tiny(encoder, pooler)
    trace = analyse(classifier, Request(TEXT, deleted=(0,))).trace
    reading = Reading(classifier, ids_of(classifier)[1:])
    assert sum(trace.shares) == pytest.approx(1, abs=1e-5)
    assert trace.shares[0] == 0
    assert (trace.weights is not None) == classifier.pooler.attends
    if trace.weights is not None:
        assert trace.weights[1:] == tuple(reading.weights[0].tolist())
        assert trace.weights_meaning == "attention weight a_i"
    else:
        assert "no attention weights" in trace.weights_meaning
    assert (trace.effective is not None) == (pooler == "apln")
    assert (trace.winners is not None) == (pooler == "max")
    if trace.winners is not None:
        assert sum(trace.winners) == pytest.approx(classifier.encoder.state_size)
        winner = reading.hidden[0].argmax(0)
        if encoder == "bilstm":  # no ReLU, so no ties
            assert list(trace.winners[1:]) == torch.bincount(winner, minlength=12).tolist()
    assert trace.state_norms[1:] == pytest.approx(reading.hidden[0].norm(dim=-1).tolist())
    assert [p.name for p in trace.parameters] == [
        p.name for p in (*classifier.pooler.learned(), *classifier.encoder.learned())
    ]


def test_every_pair_is_compared_by_every_metric():
    found = analyse(tiny("bilstm", "attention"), Request(TEXT, ALL))
    expected = [(m, a, b) for a, b in itertools.combinations(METHODS, 2) for m in METRICS]
    assert [(a.metric, a.left, a.right) for a in found.agreements] == expected
    # Thirteen words are too many for one map, one ranks nothing, and four find nothing to follow in an LSTM.
    refused = {a.key for a in found.attributions if a.scores is None}
    assert refused == {"shapley_exact", *NOT_OVER_LSTM}
    mute = {*refused, "uniform_map"}
    assert all((a.value is None) == bool(mute & {a.left, a.right}) and a.n == 13 for a in found.agreements)
    assert all(a.reason is not None for a in found.agreements if a.value is None)
    by_key = {(a.metric, a.left, a.right): a for a in found.agreements}
    assert by_key["kendall_tau", "attention", "leave_one_out"].basis == "magnitude"
    assert by_key["kendall_tau", "exact_share", "leave_one_out"].basis == "signed"
    scores = {a.method: a.scores for a in found.attributions}
    sizes = list(map(abs, scores["leave_one_out"]))
    assert (
        by_key["kendall_tau", "attention", "leave_one_out"].value
        == METRICS["kendall_tau"](scores["attention"], sizes).value
    )


def test_a_map_that_is_missing_gives_a_reason_in_every_pair():
    found = analyse(tiny("bilstm", "mean"), Request(TEXT, (MethodCall("attention"), MethodCall("saliency"))))
    assert found.attributions[0].scores is None
    assert {a.value for a in found.agreements} == {None}
    assert {a.reason for a in found.agreements} == {"Attention: Mean pooling has no attention weights to show."}


def test_one_method_twice_with_different_parameters_stays_apart():
    calls = (MethodCall("input_gradient"), MethodCall("input_gradient", (("attention", "detached"),)))
    found = analyse(tiny("bilstm", "attention"), Request(TEXT, calls))
    assert [a.key for a in found.attributions] == ["input_gradient", "input_gradient[attention=detached]"]
    assert found.attributions[0].scores != found.attributions[1].scores
    assert found.agreements[0].right == "input_gradient[attention=detached]"


@pair
@pytest.mark.parametrize("how", ["deleted", "masked"])
def test_removal_is_the_prediction_for_the_edited_ids(encoder, pooler, how):
    classifier = tiny(encoder, pooler)
    ids = list(ids_of(classifier))
    request = Request(TEXT, deleted=(0,))
    removal = remove(classifier, request, 4, how)
    left = [*ids[1:4], *([] if how == "deleted" else [UNK]), *ids[5:]]
    assert (removal.index, removal.how) == (4, how)
    assert removal.prediction.probabilities == pytest.approx(plainly(classifier, left), abs=1e-6)
    edited = Request(TEXT, deleted=(0, 4)) if how == "deleted" else Request(TEXT, deleted=(0,), masked=(4,))
    expected = analyse(classifier, edited).prediction
    assert removal.prediction.logits == pytest.approx(expected.logits, abs=1e-6)


def test_leave_one_out_keeps_what_a_click_would_compute():
    classifier = tiny("cnn", "apln")
    request = Request(TEXT, (MethodCall("leave_one_out"),), deleted=(2,))
    without = analyse(classifier, request).attributions[0].without
    assert without[2] is None
    for i in (0, 5, 12):
        assert without[i] == pytest.approx(remove(classifier, request, i, "deleted").prediction.probabilities, abs=1e-6)


def test_removing_a_token_twice_changes_nothing_more():
    classifier = tiny()
    once = remove(classifier, Request(TEXT), 3, "deleted")
    assert remove(classifier, Request(TEXT, deleted=(3,)), 3, "deleted") == once


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x07", "\u200b"])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(PoolScopeError, match="There is no word to read"):
        analyse(tiny(), Request(text))
    with pytest.raises(PoolScopeError, match="There is no word to read"):
        remove(tiny(), Request(text), 0, "deleted")


def test_a_text_whose_tokens_are_all_deleted_is_refused():
    with pytest.raises(PoolScopeError, match="Every token of this text is deleted"):
        analyse(tiny(), Request("not bad", deleted=(0, 1)))
    with pytest.raises(PoolScopeError, match="Every token of this text is deleted"):
        remove(tiny(), Request("not bad", deleted=(0,)), 1, "deleted")


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (Request(TEXT, target=3), "no class 3; choose one of: 0 (against), 1 (between), 2 (for)"),
        (Request(TEXT, target=-1), "no class -1"),
        (Request(TEXT, deleted=(13,)), "tokens 0 to 12, got 13"),
        (Request(TEXT, masked=(99, 40)), "tokens 0 to 12, got 40, 99"),
        (Request(TEXT, (MethodCall("magic"),)), "unknown attribution method 'magic'; choose one of: attention"),
        (Request(TEXT, (MethodCall("saliency", (("norm", "l7"),)),)), "norm is one of l1, l2"),
    ],
)
def test_what_does_not_exist_is_refused_in_a_sentence(request_, sentence):
    with pytest.raises(PoolScopeError) as error:
        analyse(tiny(), request_)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("index", "how", "sentence"),
    [(13, "deleted", "got 13"), (-1, "deleted", "got -1"), (2, "masked", "is deleted"), (1, "hidden", "got 'hidden'")],
)
def test_a_removal_that_cannot_be_is_refused_in_a_sentence(index, how, sentence):
    with pytest.raises(PoolScopeError) as error:
        remove(tiny(), Request(TEXT, deleted=(2,)), index, how)
    assert sentence in str(error.value)


def test_a_long_text_is_cut_and_says_so():
    classifier = tiny("embedding", "attention")
    classifier.max_tokens = 20
    found = analyse(classifier, Request("bad " * 500, (MethodCall("attention"),)))
    assert len(found.tokens) == 20
    assert found.cut == 480
    assert found.attributions[0].warning == "Every token has the same score: this map ranks nothing."


@pytest.mark.parametrize(
    "text", ["!!! ... ???", "🙂 👩‍👩‍👧 film", "فيلم جيد", "这部电影很好", "<img src=x onerror=alert(1)>", "bad\x00film"]
)
def test_any_text_gives_numbers(text):
    found = analyse(tiny("bilstm", "apln"), Request(text, ALL))
    assert all(text[t.start : t.end] == t.text for t in found.tokens)
    assert all(a.scores is not None or a.reason for a in found.attributions)


def test_an_analysis_is_plain_data():
    found = analyse(tiny("bilstm", "apln"), Request(TEXT, ALL))
    assert pickle.loads(pickle.dumps(found)) == found
    assert b"torch" not in pickle.dumps(found)
    assert b"numpy" not in pickle.dumps(found)


def test_weights_that_give_no_numbers_are_refused_in_a_sentence():
    classifier = tiny("embedding", "attention")
    classifier.table.weight[ids_of(classifier)[0]] = float("nan")
    with pytest.raises(PoolScopeError, match="not finite; load sound weights"):
        analyse(classifier, Request(TEXT))
