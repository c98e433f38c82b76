"""The suite over a test set: each row is the experiment on that text alone; a run cut off goes on; summaries."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from experiment_readings import TEXTS, TWO
from tiny_classifiers import OTHER, TEXT, tiny

from models.data.dataset import Dataset, Split
from models.debate import run as debate
from models.debate import suite as suite_module
from models.debate.alone import Item, Options, one_by_one
from models.debate.reference import reference
from models.debate.rows import METHODS
from models.debate.suite import batches, suite
from models.debate.summary import save, summarise
from models.errors import PoolScopeError
from models.experiment_records import Reference
from models.poolers import POOLERS

LINES = (*TEXTS, OTHER, "film the is not", "good", "it is", "alive comes quite never", TEXT.lower())


@pytest.fixture
def dataset():
    rows = Split(LINES, tuple(i % 2 for i in range(len(LINES))))
    return Dataset("toy", "toy", "en", TWO, {"train": rows, "validation": rows, "test": rows}, {})


@pytest.mark.parametrize("pooler", list(POOLERS))
def test_a_batch_says_what_the_experiments_say_of_each_text(pooler, dataset):
    classifier = tiny(pooler=pooler, labels=TWO)
    items, options = debate.items_of(classifier, dataset, "test"), Options(0.03, 2)
    together = {(r.text, r.method): r for b in batches(items) for r in suite(classifier, b, options)}
    assert len(together) == len(LINES) * len(METHODS)
    for item in items:
        for row in one_by_one(classifier, item, options):
            other = together[row.text, row.method]
            assert (other.words, other.label, other.predicted) == (row.words, row.label, row.predicted)
            assert (other.value is None) == (row.value is None), (row, other)
            assert other.value == pytest.approx(row.value, abs=2e-5)
            assert other.largest == pytest.approx(row.largest, abs=1e-6)
            assert other.probability == pytest.approx(row.probability, abs=1e-6)
            assert row.value is not None or row.reason


@pytest.mark.parametrize("labels", [TWO, ("a", "b", "c")])
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_edits_and_flips_of_a_batch_are_those_of_the_experiments(labels, seed):
    # States that differ from word to word, so that weights can turn the answer, and some answers cannot be turned.
    classifier = tiny("identity", labels=labels, seed=seed)
    words = np.arange(1, len(classifier.vocabulary))
    random = np.random.default_rng(seed)
    items = [Item(i, 0, tuple(random.choice(words, 9).tolist()), tuple(range(9))) for i in range(12)]
    together = {(r.text, r.method): r for r in suite(classifier, items, Options())}
    for item in items:
        for row in one_by_one(classifier, item, Options()):
            if row.method in ("smallest_edit", "erasure"):
                other = together[row.text, row.method]
                assert other.value == pytest.approx(row.value, abs=1e-6)
                assert other.reason == row.reason
    assert any(r.value is not None for (_, method), r in together.items() if method == "smallest_edit")
    assert any(r.value is not None for (_, method), r in together.items() if method == "erasure")


def test_three_classes_go_through_the_search():
    classifier = tiny(labels=("a", "b", "c"))
    item = Item(0, 0, tuple(classifier.row(TEXT)), tuple(range(len(classifier.row(TEXT)))))
    found = {row.method: row.value for row in suite(classifier, [item], Options())}
    alone = {row.method: row.value for row in one_by_one(classifier, item, Options())}
    assert found == pytest.approx(alone, abs=1e-6)


def test_batches_hold_one_length_and_every_text_once():
    items = [Item(i, 0, (1,) * n, tuple(range(n))) for i, n in enumerate([3, 1, 3, 2, 3, 3])]
    cut = list(batches(items, 3))
    assert [[item.text for item in batch] for batch in cut] == [[1], [3], [0, 2, 4], [5]]


def test_a_run_writes_a_row_per_text_and_method_and_a_second_one_nothing(tmp_path, dataset, monkeypatch):
    classifier, options, said = tiny(labels=TWO), Options(), []
    items = debate.items_of(classifier, dataset, "test")
    key = debate.identity(classifier, dataset, "test", None, options)
    out = debate.run(classifier, items, tmp_path / "out.parquet", key, options, said.append)
    found, rows = debate.read(out)
    assert found == key
    assert [(r["text"], r["method"]) for r in rows] == [(i, m) for i in range(len(LINES)) for m in sorted(METHODS)]
    assert not list(tmp_path.glob("*.parts"))
    monkeypatch.setattr(debate, "suite", None)
    debate.run(classifier, items, out, key, options, said.append)
    assert "complete already" in said[-1]


def test_a_run_cut_off_goes_on_with_the_same_numbers(tmp_path, dataset, monkeypatch):
    classifier, options = tiny(labels=TWO), Options()
    items = debate.items_of(classifier, dataset, "test")
    key = debate.identity(classifier, dataset, "test", None, options)
    monkeypatch.setattr(debate, "PART", 3)
    whole = debate.read(debate.run(classifier, items, tmp_path / "whole.parquet", key, options, lambda _: None))
    calls = []

    def breaking(classifier, batch, options):
        calls.extend(item.text for item in batch)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return suite_module.suite(classifier, batch, options)

    monkeypatch.setattr(debate, "suite", breaking)
    with pytest.raises(KeyboardInterrupt):
        debate.run(classifier, items, tmp_path / "cut.parquet", key, options, lambda _: None)
    first = set(calls[:3])
    calls.clear()
    monkeypatch.setattr(debate, "suite", lambda c, b, o: calls.extend(i.text for i in b) or suite_module.suite(c, b, o))
    assert debate.read(debate.run(classifier, items, tmp_path / "cut.parquet", key, options, lambda _: None)) == whole
    assert first.isdisjoint(calls)


def test_what_was_made_of_something_else_is_refused(tmp_path, dataset):
    classifier, options = tiny(labels=TWO), Options()
    items = debate.items_of(classifier, dataset, "test", 2)
    key = debate.identity(classifier, dataset, "test", 2, options)
    out = debate.run(classifier, items, tmp_path / "out.parquet", key, options, lambda _: None)
    with pytest.raises(PoolScopeError, match="another epsilon"):
        debate.run(classifier, items, out, {**key, "epsilon": 0.5}, options, lambda _: None)
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(PoolScopeError, match="no result of the debate"):
        debate.read(tmp_path / "no.parquet")
    with pytest.raises(PoolScopeError, match="no split"):
        debate.items_of(classifier, dataset, "nope")
    with pytest.raises(PoolScopeError, match="its own task"):
        debate.items_of(tiny(), dataset, "test")


def test_a_summary_holds_numpys_quantiles_and_comes_back_as_a_reference(tmp_path, dataset):
    classifier, options = tiny(labels=TWO), Options()
    items = debate.items_of(classifier, dataset, "test")
    rows = [r for b in batches(items) for r in suite(classifier, b, options)]
    plain = [{name: getattr(r, name) for name in r.__slots__} for r in rows]
    key = debate.identity(classifier, dataset, "test", None, options)
    said = summarise(key, plain, TWO)
    predicted = next(iter(int(name) for name in said["groups"] if name != "all"))
    save(said, tmp_path / "test" / "bilstm-attention.json")
    text = (tmp_path / "test" / "bilstm-attention.json").read_text()
    assert not any(line in text for line in LINES if len(line) > 8)
    found = reference(classifier.spec, "permutation", predicted, tmp_path)
    values = [r.value for r in rows if r.method == "permutation" and r.predicted == predicted and r.value is not None]
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-4)
    assert found.quantiles[25] == pytest.approx(np.median(values), abs=1e-4)
    tested = [r.p_value for r in rows if r.method == "tau_weights_gradient" and r.p_value is not None]
    share = said["groups"]["all"]["methods"]["tau_weights_gradient"]["significant"]
    assert share == pytest.approx(np.mean([p <= 0.05 for p in tested]), abs=1e-4)
    assert reference(classifier.spec, "nope", predicted, tmp_path) is None
    changed = {**json.loads(text), "digest": "f" * 64}
    (tmp_path / "test" / "bilstm-attention.json").write_text(json.dumps(changed) + " ")
    assert reference(classifier.spec, "permutation", predicted, tmp_path) is None


def test_percentile_is_the_share_below():
    values = np.random.default_rng(1).normal(size=2000)
    found = Reference("m", "d", "test", "for", 2000, 0.0, 1.0, None, tuple(np.quantile(values, np.linspace(0, 1, 51))))
    for x in (-1.3, 0.0, 0.7):
        assert found.below(x) == pytest.approx((values < x).mean(), abs=0.01)
    assert found.below(-99) == 0
    assert found.below(99) == 1
    tied = dataclasses.replace(found, quantiles=(0.0, 0.0, 0.0, 1.0, 2.0))
    assert tied.below(0.0) == pytest.approx(0.25)
    assert (tied.at(0.5), tied.at(1)) == (0.0, 2.0)


def test_the_command_runs_from_a_zoo_and_a_data_folder(tmp_path, monkeypatch, capsys):
    from app_zoo import make_zoo

    from models import data
    from models.__main__ import main

    rows = Split(("The film is not bad , but it never quite comes alive .", "a good story", "it is great"), (0, 1, 1))
    toy = Dataset("sst2", "sentiment", "en", ("negative", "positive"),
                  {"train": rows, "validation": rows, "test": rows}, {})  # fmt: skip
    monkeypatch.setattr(data, "load", lambda name, source: toy)
    zoo = make_zoo(tmp_path / "zoo", {"sst2": ("negative", "positive")})
    asked = ["debate", "--model", "sst2/bilstm/attention", "--out", str(tmp_path / "o.parquet"), "--zoo", str(zoo),
             "--summary", str(tmp_path / "s.json")]  # fmt: skip
    torch.set_num_threads(1)
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "all texts: 3" in told
    assert METHODS["adversary"] in told
    assert json.loads((tmp_path / "s.json").read_text())["groups"]["all"]["texts"] == 3
    assert main([*asked, "--epsilon", "7"]) == 2
    assert "epsilon" in capsys.readouterr().err
