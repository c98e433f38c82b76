"""What the training loop is made of: recipes, batches, predictions and scores."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from tiny_classifiers import OTHER, TEXT, ids_of, tiny
from toy_data import recipe

from models.classifier import pad_batch
from models.errors import PoolScopeError
from models.records import Token
from models.training.batches import by_length, encode_texts, predict, shuffled_batches
from models.training.probe import by_word, probe
from models.training.recipe import Recipe
from models.training.scores import scores

COUNTS = ["epochs", "patience", "batch_size", "embedding_size", "max_tokens", "max_words", "min_count", "train_limit"]
ROWS = [[2] * length for length in np.random.default_rng(0).integers(1, 30, size=700)]


def test_every_row_is_in_one_batch():
    batches = shuffled_batches(ROWS, 6, seed=1)
    assert sorted(np.concatenate(batches).tolist()) == list(range(700))
    assert sorted(len(batch) for batch in batches)[1:] == [6] * (len(batches) - 1)


def test_order_follows_the_seed():
    def drawn(seed):
        return [batch.tolist() for batch in shuffled_batches(ROWS, 6, seed)]

    assert drawn(1) == drawn(1)
    assert {tuple(sorted(b)) for b in drawn(1)} != {tuple(sorted(b)) for b in drawn(2)}, "batches never mix"


def test_batches_are_of_like_length_but_come_in_any_order():
    lengths = [[len(ROWS[i]) for i in batch] for batch in shuffled_batches(ROWS, 6, seed=1)]
    assert np.mean([max(batch) - min(batch) for batch in lengths]) < 2
    firsts = [batch[0] for batch in lengths]
    assert np.mean(np.diff(firsts) >= 0) < 0.75, "short texts first would bias every epoch"


def test_predictions_stand_in_the_order_of_the_rows():
    classifier = tiny("bilstm", "apln", double=False)
    rows = [ids_of(classifier, text) for text in (TEXT, "film", OTHER, "a good story", "film")]
    logits = predict(classifier, rows, size=2)
    for row, mine in zip(rows, logits, strict=True):
        torch.testing.assert_close(mine, classifier(*pad_batch([row]))[0], rtol=1e-4, atol=1e-5)
    assert [i for batch in by_length(rows, 2) for i in batch] == [1, 4, 3, 0, 2]


def test_predicting_is_done_in_evaluation_mode_and_gives_the_mode_back():
    classifier = tiny("cnn", "mean").train()
    rows = [ids_of(classifier)]
    assert torch.equal(predict(classifier, rows), predict(classifier, rows))
    assert classifier.training
    assert not predict(classifier, rows).requires_grad
    probe(classifier, [TEXT])
    assert classifier.training
    classifier.eval()
    predict(classifier, rows)
    probe(classifier, [TEXT])
    assert not classifier.training


def test_texts_become_ids_as_the_classifier_reads_them():
    classifier = tiny()
    classifier.max_tokens = 5
    assert encode_texts(classifier, [TEXT, "Film"]) == [list(classifier.read(TEXT).ids), [3]]
    assert len(encode_texts(classifier, [TEXT])[0]) == 5
    with pytest.raises(PoolScopeError, match=r"^text 1 \('\\u200b'\) holds no token; take empty texts out of"):
        encode_texts(classifier, ["film", "\u200b"])


def test_scores_by_counting():
    logits = torch.eye(3)[[0, 0, 1, 1, 1, 0]]
    measured = scores(logits, [0, 1, 1, 1, 0, 0])
    assert measured["accuracy"] == pytest.approx(4 / 6)
    # Class 0: 2 of 3 right both ways; class 1 too; class 2 was neither seen nor said and counts 0.
    assert measured["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert scores(torch.eye(2)[[0, 1]], [0, 1]) == {"accuracy": 1.0, "macro_f1": 1.0}


def test_a_recipe_has_one_id_and_one_text():
    plain = Recipe("sst2", "cnn", "apln", pooler_options={"reading": "B", "limit": "sigmoid"})
    assert plain.id == "sst2/cnn/apln"
    assert Recipe("sst2", "cnn", "apln", seed=3, label="apln-b").id == "sst2/cnn/apln-b@3"
    assert plain.dataset == "sst2"
    assert Recipe("sst2", "cnn", "apln", dataset="sst2_phrases").dataset == "sst2_phrases"
    reordered = Recipe("sst2", "cnn", "apln", pooler_options=(("reading", "B"), ("limit", "sigmoid")))
    assert reordered == plain
    assert reordered.key() == plain.key()
    assert Recipe.from_dict(json.loads(json.dumps(plain.to_dict()))) == plain
    assert Recipe("sst2", "cnn", "apln", lr=0.1).key() != plain.key()
    with pytest.raises(PoolScopeError, match="^pooler_options give limit twice; expected each option once$"):
        Recipe("sst2", "cnn", "apln", pooler_options=(("limit", "sigmoid"), ("limit", 3)))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        *((name, 0, f"{name} came as 0; expected 1 or more") for name in COUNTS),
        ("train_limit", -5, "train_limit came as -5; expected 1 or more"),
        ("seed", -1, "seed came as -1; expected 0 or more"),
        ("weight_decay", -0.1, "weight_decay came as -0.1; expected 0 or more"),
        ("weight_decay", math.nan, "weight_decay came as nan; expected 0 or more"),
        ("dropout", 1.0, "dropout came as 1.0; expected 0 ≤ dropout < 1"),
        ("dropout", math.nan, "dropout came as nan; expected 0 ≤ dropout < 1"),
        ("lr", 0.0, "learning rates came as 0.0 and 0.02; expected positive numbers"),
        ("p_lr", math.inf, "learning rates came as 0.02 and inf; expected positive numbers"),
        ("label", "../up", "label came as '../up'; expected a name without slashes"),
    ],
)  # fmt: skip
def test_recipes_no_training_could_follow_are_refused(field, value, sentence):
    with pytest.raises(PoolScopeError) as caught:
        recipe(**{field: value})
    assert str(caught.value) == sentence


@pytest.mark.parametrize("task", ["a/b", "..", "a\\b"])
def test_a_task_is_a_name_and_no_path(task):
    with pytest.raises(PoolScopeError, match="^task came as .*; expected a name without slashes$"):
        Recipe(task, "cnn", "mean")


def test_an_unknown_field_is_refused_by_name():
    record = {**recipe().to_dict(), "momentum": 0.9, "beta": 1}
    with pytest.raises(PoolScopeError, match="^the recipe has unknown fields: beta, momentum$"):
        Recipe.from_dict(record)


def test_precision_is_said_only_where_it_is_not_the_usual_one():
    assert "precision" not in Recipe("toy", "cnn", "max").to_dict(), "earlier cards would no longer be up to date"
    half = Recipe("toy", "cnn", "max", precision="bfloat16")
    assert Recipe.from_dict(json.loads(json.dumps(half.to_dict()))) == half
    assert half.key() != Recipe("toy", "cnn", "max").key()
    with pytest.raises(PoolScopeError, match="precision came as 'float16'; expected one of: float32, bfloat16"):
        Recipe("toy", "cnn", "max", precision="float16")


def test_values_of_pieces_are_summed_over_words():
    text = "don't re-read it!"  # do | n't | re-read | it | !
    cut = [(0, 3), (3, 4), (4, 5), (6, 8), (8, 9), (9, 13), (14, 16), (16, 17)]
    tokens = [Token(text[start:end], start, end) for start, end in cut]
    # A piece that reaches over two words, as `don` does, belongs to the word where it begins.
    assert by_word(text, tokens, [1, 2, 3, 4, 5, 6, 7, 8]) == [1, 5, 15, 7, 8]
    assert by_word(text, tokens[:6], [1, 2, 3, 4, 5, 6]) == [1, 5, 15], "words that were cut off have no value"
