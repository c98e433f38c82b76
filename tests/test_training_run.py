"""Training on a toy that the test makes: it learns, repeats itself, stops in time and tells its history."""

from __future__ import annotations

import math
from itertools import chain

import pytest
import torch
from toy_data import recipe, toy

from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.text import Vocabulary
from models.training import trainer
from models.training.trainer import train
from models.training.word_table import WordTable

DATA = toy()


def same(left, right) -> bool:
    """Whether two classifiers have the same weights, to the bit."""
    pairs = zip(left.state_dict().items(), right.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


# One token can only speak for a text whose encoder has read all of it.
PLAINEST = [("bilstm" if kind.positional else "embedding", name) for name, kind in POOLERS.items()]


@pytest.mark.parametrize(("encoder", "pooler"), [*PLAINEST, ("cnn", "apln"), ("bilstm", "max")])
def test_the_loss_falls_and_the_toy_is_learned(encoder, pooler):
    # More dev texts than elsewhere: of few, the first epoch without a mistake is not yet a good one.
    trained = train(recipe(encoder, pooler, epochs=12, patience=12), toy(others=96))
    losses = [record["loss"] for record in trained.history]
    assert losses[-1] < 0.5 * losses[0]
    assert trained.metrics["test"]["accuracy"] >= 0.95
    assert set(trained.metrics) == {"validation", "test"}
    assert not trained.classifier.training


def test_one_seed_gives_one_classifier_and_another_another():
    first, again = (train(recipe("bilstm", "apln", epochs=2), DATA).classifier for _ in range(2))
    assert same(first, again)
    assert not same(first, train(recipe("bilstm", "apln", epochs=2, seed=2), DATA).classifier)


def test_half_the_bits_are_for_the_encoder_alone(monkeypatch):
    seen = []
    whole = trainer.Objective.loss
    monkeypatch.setattr(
        trainer.Objective, "loss", lambda self, *given: seen.append(given[3].dtype) or whole(self, *given)
    )
    exact, half = (
        train(recipe("cnn", "apln", epochs=1, precision=precision), DATA) for precision in ("float32", "bfloat16")
    )
    assert set(seen) == {torch.float32}, "the pooler gets states in full precision"
    assert {p.dtype for p in half.classifier.parameters()} == {torch.float32}
    assert not same(exact.classifier, half.classifier)
    # bfloat16 has 8 bits of fraction: losses agree to about 2⁻⁸ relative, and do not agree exactly.
    (one,), (other,) = exact.history, half.history
    assert one["loss"] != other["loss"]
    assert one["loss"] == pytest.approx(other["loss"], rel=2e-2)


def scripted(monkeypatch, dev):
    """Let the dev accuracy of the epochs be as written, then 0."""
    values = chain(dev, [0.0] * 9)
    monkeypatch.setattr(trainer, "scores", lambda *_: {"accuracy": next(values), "macro_f1": 0.5})


def test_stops_after_patience_and_keeps_the_best_epoch(monkeypatch):
    scripted(monkeypatch, [0.5, 0.8, 0.8, 0.7, 0.9])
    stopped = train(recipe(epochs=9, patience=2), DATA)
    assert len(stopped.history) == 4
    assert stopped.best_epoch == 2, "the earliest of equals"
    scripted(monkeypatch, [0.5, 0.8])
    assert same(stopped.classifier, train(recipe(epochs=2, patience=2), DATA).classifier)
    scripted(monkeypatch, [0.5, 0.8, 0.9])
    assert not same(stopped.classifier, train(recipe(epochs=3, patience=2), DATA).classifier)


@pytest.mark.parametrize(("pooler", "options", "numbers"), [
    ("apln", {}, 1), ("apln", {"per_dimension": True}, 3), ("learned_norm", {}, 3),
])  # fmt: skip
def test_the_history_follows_p(monkeypatch, pooler, options, numbers):
    scripted(monkeypatch, [0.1, 0.2, 0.3])
    trained = train(recipe(pooler=pooler, pooler_options=options, epochs=3), DATA)
    start = trained.classifier.pooler.p.initial
    for epoch, record in enumerate(trained.history, start=1):
        assert record["epoch"] == epoch
        times = [point[0] for point in record["p_trajectory"]]
        # 96 texts in batches of 16: six points an epoch, the last at its end.
        assert times == pytest.approx([epoch - 1 + (i + 1) / 6 for i in range(6)], abs=1e-3)
        assert record["p_trajectory"][-1][1:] == pytest.approx(record["p"], abs=1e-4)
        assert len(record["p"]) == numbers
        assert record["p"] == sorted(record["p"])
    p = trained.classifier.pooler.exponent.detach()
    expected = [float(p)] if numbers == 1 else [float(p.min()), float(p.median()), float(p.max())]
    assert trained.history[-1]["p"] == pytest.approx(expected)
    assert abs(trained.history[-1]["p"][0] - float(start[0])) > 1e-3


def test_poolers_without_p_have_no_trajectory():
    record = train(recipe(pooler="mean", epochs=1), DATA).history[0]
    assert (record["p"], record["p_trajectory"], record["probes"]) == (None, [], [])
    assert math.isfinite(record["loss"])
    assert {"dev_accuracy", "dev_macro_f1", "seconds"} <= set(record)


def word_table():
    torch.manual_seed(9)
    vocabulary = Vocabulary(["dull", "bad", "great", "fine", "film", "the"])
    weights = torch.randn(8, 8)
    weights[0] = 0
    return WordTable(vocabulary, weights)


def test_a_frozen_table_stays_as_it_was_and_a_tuned_one_moves():
    table, kept = word_table(), word_table().weights
    frozen = train(recipe(tune_vectors=False), DATA, table=table).classifier
    assert torch.equal(frozen.table.weight, kept)
    assert torch.equal(table.weights, kept)
    tuned = train(recipe(), DATA, table=table).classifier
    assert torch.equal(table.weights, kept), "training wrote into the shared table"
    assert bool((tuned.table.weight[2:6] != kept[2:6]).any(1).all())
    assert bool((tuned.table.weight[0] == 0).all())
    assert tuned.vocabulary.words == table.vocabulary.words


def test_exponents_have_their_own_rate_and_no_decay(monkeypatch):
    seen = []
    adamw = torch.optim.AdamW
    monkeypatch.setattr(torch.optim, "AdamW", lambda groups: seen.append(groups) or adamw(groups))
    trained = train(recipe(pooler="apln", lr=0.01, p_lr=0.07, weight_decay=0.3, epochs=1), DATA)
    weights, exponents = seen[0]
    assert (weights["lr"], weights["weight_decay"]) == (0.01, 0.3)
    assert (exponents["lr"], exponents["weight_decay"]) == (0.07, 0.0)
    assert [id(p) for p in exponents["params"]] == [id(trained.classifier.pooler.p.rho)]
    everything = {id(p) for p in trained.classifier.parameters()}
    assert {id(p) for p in weights["params"]} == everything - {id(p) for p in exponents["params"]}
    train(recipe(pooler="mean", tune_vectors=False, epochs=1), DATA, table=word_table())
    assert len(seen[1]) == 1
    assert len(seen[1][0]["params"]) == 4, "a frozen table is not the optimiser's"


def test_probes_are_kept_for_every_epoch_and_disturb_nothing():
    probes = ("the film was great", "a dull plot")
    probed = train(recipe("bilstm", "apln", epochs=2), DATA, probes=probes)
    for record in probed.history:
        for probe, text in zip(record["probes"], probes, strict=True):
            assert len(probe["attention"]) == len(text.split())
            assert sum(probe["attention"]) == pytest.approx(1, abs=1e-3)
            assert sum(probe["probabilities"]) == pytest.approx(1, abs=1e-3)
            assert probe["tau"] is None or -1 <= probe["tau"] <= 1
    assert probed.history[0]["probes"] != probed.history[1]["probes"]
    assert same(probed.classifier, train(recipe("bilstm", "apln", epochs=2), DATA).classifier)


def test_a_loss_that_leaves_the_numbers_is_said_in_a_sentence():
    with pytest.raises(PoolScopeError, match=r"^toy/embedding/learned_norm: the loss became .* lower lr or p_lr$"):
        train(recipe(pooler="learned_norm", lr=1e30, epochs=2), DATA)
