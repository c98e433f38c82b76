"""Poolers trained on states computed once learn what they would learn on top of the frozen encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toy_data import recipe, toy

from models.study.frozen import on_states, states_of
from models.training.batches import encode_splits, predict
from models.training.trainer import prepare, train


@pytest.fixture(scope="module")
def data():
    return toy(train=64, others=24)


def frozen(chosen, data):
    """A classifier whose word table and encoder stay as they were drawn."""
    classifier = prepare(chosen, data, None)
    classifier.table.requires_grad_(False)
    classifier.encoder.requires_grad_(False)
    return classifier


@pytest.mark.parametrize("pooler", ["mean", "max", "attention", "learned_norm", "gem", "apln"])
def test_training_on_states_is_training_on_the_frozen_encoder(pooler, data):
    chosen = recipe("bilstm", pooler, dropout=0.0, epochs=3)
    plain = frozen(chosen, data)
    ids = encode_splits(plain, data)
    states = states_of(plain, ids, dtype=torch.float32)
    short = on_states(chosen, data.labels, states)
    short.pooler.load_state_dict(plain.pooler.state_dict())
    short.head.load_state_dict(plain.head.state_dict())
    long_way = train(chosen, data, prepared=plain, encoded=ids)
    short_way = train(chosen, data, prepared=short, encoded=states.rows)
    for left, right in zip(long_way.history, short_way.history, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], abs=1e-5)
        assert left["p"] == pytest.approx(right["p"], abs=1e-5)
    logits = predict(plain, ids["test"]), predict(short, states.rows["test"])
    torch.testing.assert_close(*logits, atol=1e-4, rtol=1e-4)
    assert long_way.metrics == short_way.metrics
    # Something was learned at all, or the two would agree for nothing.
    assert long_way.history[-1]["loss"] < long_way.history[0]["loss"]


def test_states_are_those_of_each_text_by_itself(data):
    plain = frozen(recipe("bilstm", "mean"), data)
    ids = encode_splits(plain, data)
    states = states_of(plain, ids, size=7, dtype=torch.float32)
    assert (states.table[0] == 0).all()
    seen = [line for split in states.rows.values() for row in split for line in row]
    assert sorted(seen) == list(range(1, len(states.table)))
    for name in ("train", "test"):
        for number in (0, 5, 11):
            row = torch.tensor([ids[name][number]])
            alone = plain.encode(plain.embed(row), torch.ones_like(row, dtype=torch.bool))[0]
            torch.testing.assert_close(states.table[states.rows[name][number]], alone, atol=1e-6, rtol=1e-5)


def test_half_precision_costs_no_more_than_its_rounding(data):
    plain = frozen(recipe("cnn", "mean"), data)
    ids = encode_splits(plain, data)
    full, half = states_of(plain, ids, dtype=torch.float32), states_of(plain, ids)
    assert half.table.dtype == torch.float16
    torch.testing.assert_close(half.table.float(), full.table, atol=1e-6, rtol=2**-11)


def test_only_pooler_and_head_are_trained_and_the_table_is_shared(data):
    plain = frozen(recipe("cnn", "mean"), data)
    states = states_of(plain, encode_splits(plain, data))
    before = states.table.clone()
    classifier = on_states(recipe("cnn", "attention", dropout=0.3), data.labels, states)
    learned = {name.split(".")[0] for name, p in classifier.named_parameters() if p.requires_grad}
    assert learned == {"pooler", "head"}
    assert classifier.table.weight.data_ptr() == states.table.data_ptr()
    train(recipe("cnn", "attention", dropout=0.3), data, prepared=classifier, encoded=states.rows, test=False)
    assert torch.equal(states.table, before)


def test_dropout_leaves_the_states_alone_and_acts_on_the_pooled_vector(data):
    plain = frozen(recipe("cnn", "mean"), data)
    states = states_of(plain, encode_splits(plain, data), dtype=torch.float32)
    classifier = on_states(recipe("cnn", "mean", dropout=0.5), data.labels, states).train()
    ids = torch.tensor([states.rows["train"][0]])
    mask = torch.ones_like(ids, dtype=torch.bool)
    hidden = classifier.encode(classifier.embed(ids), mask)
    assert torch.equal(hidden[0], states.table[ids[0]])
    pooled = classifier.pool(hidden, mask)
    assert not torch.equal(classifier.decide(pooled), classifier.decide(pooled))


def test_the_seed_decides_the_start(data):
    plain = frozen(recipe("cnn", "mean"), data)
    states = states_of(plain, encode_splits(plain, data))
    heads = [on_states(replace(recipe("cnn", "mean"), seed=s), data.labels, states).head.weight for s in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
