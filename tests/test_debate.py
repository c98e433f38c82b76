"""The suite over a test set: each row is the experiment on that text alone; a run cut off goes on; summaries."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
import torch
from experiment_readings import TEXTS, TWO
from scipy.stats import percentileofscore
from tiny_classifiers import OTHER, TEXT, tiny

from models.attribution.reading import Reading
from models.data.dataset import Dataset, Split
from models.debate import run as debate
from models.debate import suite as suite_module
from models.debate.alone import Item, Options, one_by_one
from models.debate.columns import columns, load, save
from models.debate.reference import measured, reference
from models.debate.rows import ERASURES, METHODS
from models.debate.suite import batches, suite
from models.errors import PoolScopeError
from models.experiment_records import Reference
from models.experiments.erasure import ErasedAttention
from models.experiments.frozen import Frozen
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
            if row.method in ("smallest_edit", *ERASURES):
                other = together[row.text, row.method]
                assert other.value == pytest.approx(row.value, abs=1e-6)
                assert other.reason == row.reason
    assert any(r.value is not None for (_, method), r in together.items() if method == "smallest_edit")
    for name in ERASURES:
        assert any(r.value is not None for (_, method), r in together.items() if method == name), name


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


def test_columns_come_back_with_numpys_quantiles_and_hold_no_text(tmp_path, dataset):
    classifier, options = tiny(labels=TWO), Options()
    items = debate.items_of(classifier, dataset, "test")
    rows = [r for b in batches(items) for r in suite(classifier, b, options)]
    key = debate.identity(classifier, dataset, "test", None, options)
    found = columns(key, map(dataclasses.asdict, rows), TWO)
    predicted = rows[0].predicted
    file = tmp_path / "test" / "bilstm-attention.npz"
    save(found, file)
    with np.load(file) as archive:
        content = b"".join(archive[name].tobytes() for name in archive.files)
    assert not any(line.encode() in content for line in LINES if len(line) > 8)
    said = reference(classifier.spec, "permutation", predicted, tmp_path)
    values = [r.value for r in rows if r.method == "permutation" and r.predicted == predicted and r.value is not None]
    assert said.n == len(values)
    assert said.mean == pytest.approx(np.mean(values), abs=1e-3)
    for part in (0.0, 0.1, 0.5, 0.77, 1.0):
        assert said.at(part) == pytest.approx(np.quantile(values, part), abs=1e-3)
    tested = [r.p_value for r in rows if r.method == "tau_weights_gradient" and r.p_value is not None]
    assert load(file).falls("tau_weights_gradient").significant == pytest.approx(np.mean([p <= 0.05 for p in tested]))
    assert reference(classifier.spec, "nope", predicted, tmp_path) is None
    save(dataclasses.replace(found, card={**found.card, "digest": "f" * 64}), file)
    os.utime(file, ns=(1, 1))
    assert reference(classifier.spec, "permutation", predicted, tmp_path) is None
    assert measured(classifier.spec, tmp_path) is None


def test_one_text_is_one_entry_of_every_column(tmp_path, dataset):
    classifier, options = tiny(labels=TWO), Options()
    items = debate.items_of(classifier, dataset, "test")
    rows = [r for b in batches(items) for r in suite(classifier, b, options)]
    key = debate.identity(classifier, dataset, "test", None, options)
    save(columns(key, map(dataclasses.asdict, rows), TWO), tmp_path / "test" / "bilstm-attention.npz")
    found = measured(classifier.spec, tmp_path)
    assert (found.of, found.texts) == (len(LINES), tuple(range(len(LINES))))
    numbers = dict(found.numbers)
    for row in rows:
        place = found.texts.index(row.text)
        assert (found.words[place], found.predicted[place]) == (row.words, row.predicted)
        assert found.right[place] == (row.predicted == row.label)
        assert found.largest[place] == pytest.approx(row.largest, abs=0.0026)
        value = numbers[row.method][place] if row.method in numbers else None
        # Parts of the words are exact, all else within half of the coarsest step.
        exact = row.method in ERASURES
        assert value == pytest.approx(row.value, abs=1e-12 if exact else 0.0026), row


@pytest.mark.parametrize("draw", ["normal", "crowded", "ties", "tiny"])
def test_percentiles_of_quantised_columns_are_scipys_on_exact_ones(tmp_path, draw):
    random = np.random.default_rng(3)
    values = {
        "normal": random.normal(0.2, 0.2, 2000).clip(-1, 1),
        "crowded": 0.6931 - random.exponential(0.003, 2000),
        "ties": random.integers(-6, 7, 2000) / 6,
        "tiny": random.exponential(0.004, 2000),
    }[draw]
    rows = [{"text": i, "words": 5, "label": 0, "predicted": 0, "largest": 0.5, "method": "conicity",
             "value": value, "p_value": None} for i, value in enumerate(values)]  # fmt: skip
    save(columns({"data": "d", "split": "test", "of": 2000}, rows, ("for",)), tmp_path / "x.npz")
    found = load(tmp_path / "x.npz").falls("conicity", 0)
    assert max(abs(found.values - np.sort(values))) <= found.step / 2 + 1e-9
    for x in [*values[:300], 0.0, 0.3, -99, 99]:
        assert found.below(x) == pytest.approx(percentileofscore(values, x, kind="mean") / 100, abs=0.0101)
    for x in values[:300]:
        assert found.below(x) == pytest.approx(percentileofscore(values, x, kind="mean") / 100, abs=0.0051)


def test_tiny_changes_of_the_output_keep_their_percentile(tmp_path):
    values = 10.0 ** np.random.default_rng(3).uniform(-7, 0, 2000)
    values[:200] = 0.0847
    rows = [{"text": i, "words": 5, "label": 0, "predicted": 0, "largest": 0.5, "method": "permutation",
             "value": value, "p_value": None} for i, value in enumerate(values)]  # fmt: skip
    save(columns({"data": "d", "split": "test", "of": 2000}, rows, ("for",)), tmp_path / "x.npz")
    found = load(tmp_path / "x.npz").falls("permutation", 0)
    for x in [*values[190:500], 1e-9, 2]:
        assert found.below(x) == pytest.approx(percentileofscore(values, x, kind="mean") / 100, abs=0.0101)


def test_an_exact_reference_counts_ties_half():
    found = Reference("m", "d", "test", "for", 5, 0.6, 1.0, None, (0.0, 0.0, 0.0, 1.0, 2.0))
    assert found.below(0.0) == pytest.approx(0.3)
    assert found.below(0.5) == pytest.approx(0.6)
    assert (found.below(-1), found.below(9)) == (0, 1)
    assert (found.at(0.5), found.at(0.75), found.at(1)) == (0.0, 1.0, 2.0)
    assert dataclasses.replace(found, n=1, values=(0.4,)).at(0.5) == 0.4


def test_a_damaged_or_strange_file_is_one_sentence(tmp_path):
    for content in (b"", b"PK\x03\x04 no archive", b"[]"):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(PoolScopeError, match="x.npz is damaged or of another make"):
            load(tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", card=np.frombuffer(b'{"format": 1, "columns": []}', np.uint8),
             low=np.zeros((0, 3), np.uint8), high=np.zeros((0, 3), np.uint8))  # fmt: skip
    with pytest.raises(PoolScopeError, match="another make"):
        load(tmp_path / "x.npz")


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
             "--summary", str(tmp_path / "s.npz"), "--faithfulness", str(tmp_path / "f.parquet")]  # fmt: skip
    torch.set_num_threads(1)
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "all texts: 3" in told
    assert METHODS["adversary"] in told
    assert load(tmp_path / "s.npz").measured().texts == (0, 1, 2)
    assert "faithfulness (words taken out by “delete”)" in told
    assert len(debate.read(tmp_path / "f.parquet")[1]) == 3 * 9
    assert main([*asked, "--operator", "burn"]) == 2
    assert "burn" in capsys.readouterr().err
    assert main([*asked, "--epsilon", "7"]) == 2
    assert "epsilon" in capsys.readouterr().err


def test_the_four_orders_of_erasure_are_those_of_the_experiment():
    classifier = tiny("identity", labels=("a", "b", "c"), seed=2)
    words = np.arange(1, len(classifier.vocabulary))
    random = np.random.default_rng(5)
    items = [Item(i, 0, tuple(random.choice(words, 9).tolist()), tuple(range(9))) for i in range(12)]
    found = {(r.text, r.method): r.value for r in suite(classifier, items, Options(seed=3))}
    for item in items:
        curves = ErasedAttention(seed=3).run(Frozen(Reading(classifier, item.ids))).curves
        assert [found[item.text, name] for name in ERASURES] == pytest.approx([curve.flip for curve in curves])
    assert len({found[item.text, "erasure"] == found[item.text, "erasure_random"] for item in items}) == 2


def test_a_part_of_a_test_set_is_drawn_and_not_its_beginning():
    assert debate.drawn(5, None) == debate.drawn(5, 9) == [0, 1, 2, 3, 4]
    places = debate.drawn(1000, 100)
    assert places == debate.drawn(1000, 100) == sorted(set(places))
    assert len(places) == 100
    # The mean place of a fair draw is 500 ± 27; that of the beginning is 50.
    assert abs(np.mean(places) - 500) < 3 * 27
