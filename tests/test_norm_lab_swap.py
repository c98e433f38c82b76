"""Poolers exchanged under a frozen encoder, against the real poolers in the real classifier."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_classifiers import OTHER, TEXT, tiny

from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.normlab.swap import swap
from models.poolers import POOLERS
from models.records import Request
from viz import norm_lab_swap

TEXTS = (TEXT, OTHER, "bad film", "a great story .", "never")


def exchanged(classifier, pooler):
    """The same classifier with another pooler, built the ordinary way."""
    other = PoolingClassifier(
        classifier.spec, classifier.vocabulary, classifier.encoder, pooler, embedding_size=6,
        table=classifier.table.weight,
    )  # fmt: skip
    other.head = classifier.head
    return other.double().eval()


def probabilities(classifier, text=TEXT):
    ids = torch.tensor([classifier.row(text)])
    return classifier(ids, torch.ones_like(ids, dtype=torch.bool)).double().softmax(-1)[0].tolist()


def apln_of(classifier, **options):
    """APLN with the reader's own scorer, so its own attention."""
    pooler = POOLERS["apln"](classifier.pooler.state_size, **options)
    pooler.scorer.load_state_dict(classifier.pooler.scorer.state_dict())
    return pooler


def rows_of(found):
    return {row.name: row for row in found.rows}


def test_each_row_is_the_classifier_with_that_pooler():
    classifier = tiny("bilstm", "apln", double=True, p_initial=1.7)
    rows = rows_of(swap(classifier, Request(TEXT), 2.5, TEXTS))
    size = classifier.pooler.state_size
    poolers = {"mean": POOLERS["mean"](size), "max": POOLERS["max"](size), "last": POOLERS["last"](size),
               "first": POOLERS["cls"](size), "limited": apln_of(classifier, p_initial=1.0),
               "power mean": POOLERS["gem"](size, p_initial=2.5, epsilon=1e-3)}  # fmt: skip
    poolers |= {f"apln {which}": apln_of(classifier, reading=which, p_initial=2.5) for which in "ABC"}
    attention = POOLERS["attention"](size)
    attention.scorer.load_state_dict(classifier.pooler.scorer.state_dict())
    poolers["attention"] = attention
    assert set(rows) == {"own", *poolers}
    assert rows["own"].probabilities == pytest.approx(probabilities(classifier))
    assert rows["own"].distance == 0
    before = {text: max(range(3), key=probabilities(classifier, text).__getitem__) for text in TEXTS}
    target = before[TEXT]
    for name, pooler in poolers.items():
        other = exchanged(classifier, pooler)
        expected = probabilities(other)
        assert rows[name].probabilities == pytest.approx(expected, rel=1e-6), name
        assert rows[name].margin == pytest.approx(math.log(expected[target] / (1 - expected[target])), rel=1e-5)
        own = rows["own"].probabilities
        assert rows[name].distance == pytest.approx(sum(abs(x - y) for x, y in zip(expected, own, strict=True)) / 2)
        after = {text: max(range(3), key=probabilities(other, text).__getitem__) for text in TEXTS}
        assert rows[name].changed == sum(before[text] != after[text] for text in TEXTS)
        assert rows[name].of == len(TEXTS)
    assert len({row.changed for row in rows.values()}) > 1


def test_the_reader_with_its_own_pooler_changes_nothing():
    for pooler in ("mean", "max", "last", "attention"):
        found = swap(tiny("bilstm", pooler), Request(TEXT), 1.0, TEXTS)
        rows = rows_of(found)
        assert rows[pooler].distance == pytest.approx(0, abs=1e-6)
        assert rows[pooler].changed == 0


def test_without_attention_there_is_a_reason_in_its_place():
    rows = rows_of(swap(tiny("cnn", "max"), Request(TEXT), 1.0))
    for name in ("attention", "limited", "apln A", "apln B", "apln C"):
        assert rows[name].probabilities is None
        assert rows[name].reason == "this reader has no attention of its own"
    assert rows["power mean"].probabilities is not None


def test_sparse_attention_leaves_words_out_of_the_norm():
    for row in swap(tiny("bilstm", "sparsemax"), Request(TEXT), 3.0).rows:
        assert row.probabilities is not None
        assert all(math.isfinite(value) for value in (*row.probabilities, row.margin))


def test_what_cannot_be_swapped_is_refused_and_unreadable_examples_do_not_count():
    with pytest.raises(PoolScopeError, match="hands 32 numbers to the head and a state has 8"):
        swap(tiny("bilstm", "structured"), Request(TEXT), 1.0)
    with pytest.raises(PoolScopeError, match="no word to read"):
        swap(tiny("bilstm", "mean"), Request(" "), 1.0)
    assert swap(tiny("bilstm", "mean"), Request(TEXT), 1.0, ("", "film")).rows[0].of == 1


def test_the_table_says_what_broke():
    found = swap(tiny("bilstm", "max"), Request(TEXT), 2.0, TEXTS)
    rows = norm_lab_swap.swap_rows(found)
    assert rows[0]["pooler"] == "Max, as trained"
    assert rows[0]["changed examples"] is None
    assert rows[1]["changed examples"] == f"{found.rows[1].changed} of {len(TEXTS)}"
    missing = next(row for row in rows if row["pooler"] == "Its own attention")
    assert missing["predicts"] == "this reader has no attention of its own"
    most = max(row.changed for row in found.rows if row.changed is not None)
    named = next(row.title for row in found.rows[1:] if row.changed == most)
    assert f"Of 5 examples of this task, “{named}" in norm_lab_swap.worst(found)
    assert norm_lab_swap.worst(swap(tiny("bilstm", "max"), Request(TEXT), 2.0)) == ""
