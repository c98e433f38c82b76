"""Faithfulness over a test set: each row is the experiment on that text alone; a run cut off goes on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from experiment_readings import TWO
from tiny_classifiers import TEXT, tiny

from models.attribution.reading import Reading
from models.data.dataset import Dataset, Split
from models.debate import faith
from models.debate import run as debate
from models.debate.alone import Options
from models.experiments.faithfulness import MAPS, TextFaithfulness
from models.experiments.frozen import Frozen

LINES = (TEXT, "film the is not", "good", "alive comes quite never")
SAME = (
    "comprehensiveness", "sufficiency", "comprehensiveness_printed", "sufficiency_printed", "log_odds", "flip",
    "soft_comprehensiveness_normalised", "soft_sufficiency_normalised", "infidelity", "sensitivity",
)  # fmt: skip


@pytest.fixture
def dataset():
    rows = Split(LINES, (0, 1, 0, 1))
    return Dataset("toy", "toy", "en", TWO, {"train": rows, "validation": rows, "test": rows}, {})


@pytest.fixture
def measured(tmp_path, dataset):
    classifier = tiny(labels=TWO)
    items = debate.items_of(classifier, dataset, "test")
    key = debate.identity(classifier, dataset, "test", None, Options())
    out = tmp_path / "faith.parquet"
    return classifier, items, key, out, debate.read(faith.run(classifier, items, out, key, "mask", 3, lambda _: None))


def test_a_row_per_text_and_map_says_what_the_experiment_says(measured):
    classifier, items, key, _, (found, rows) = measured
    assert found == {**key, "operator": "mask"}
    by_place = {(row["text"], row["method"]): row for row in rows}
    assert len(by_place) == len(rows) == 3 * (len(MAPS) + 3) + len(MAPS)
    for item in items:
        if len(item.ids) < 2:
            continue
        whole = TextFaithfulness(operator="mask", rounds="everything", seed=3)
        alone = whole.run(Frozen(Reading(classifier, item.ids, item.owners)))
        for row in alone.rows:
            other = by_place[item.text, row.name]
            for name in SAME:
                value = getattr(row, name)
                assert other[name] == (None if value is None else pytest.approx(value, abs=1e-9)), (row.name, name)
            if row.soft_sufficiency is not None:
                assert other["soft_sufficiency"] == pytest.approx(row.soft_sufficiency.mean)
                assert other["soft_comprehensiveness_sd"] == pytest.approx(row.soft_comprehensiveness.sd)
                assert (other["lowest"], other["highest"]) == pytest.approx(row.spread)
            assert other["above_random"] == (row.beyond if row.kind == "map" and not row.reason else None)
    assert any(row["sensitivity"] for row in rows)


def test_a_single_word_has_a_reason_for_every_map(measured):
    rows = [row for row in measured[-1][1] if row["text"] == 2]
    assert [row["method"] for row in rows] == sorted(name for name, _ in MAPS)
    assert all("at least two" in row["reason"] and row["comprehensiveness"] is None for row in rows)


def test_means_are_over_the_texts_that_have_a_value(measured):
    rows = measured[-1][1]
    mean, n = faith.means(rows)["attention"]["comprehensiveness"]
    values = [row["comprehensiveness"] for row in rows if row["method"] == "attention" and row["text"] != 2]
    assert (mean, n) == (pytest.approx(np.mean(values)), 3)
    assert "sensitivity" not in faith.means(rows)["oracle"]


def test_a_second_run_measures_nothing_and_a_cut_one_goes_on(measured, monkeypatch, tmp_path):
    classifier, items, key, out, whole = measured
    monkeypatch.setattr(faith, "PART", 1)
    calls = []

    def breaking(classifier, item, operator, seed):
        calls.append(item.text)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(classifier, item, operator, seed)

    original = faith.rows_of
    monkeypatch.setattr(faith, "rows_of", breaking)
    faith.run(classifier, items, out, key, "mask", 3, lambda _: None)
    assert not calls
    with pytest.raises(KeyboardInterrupt):
        faith.run(classifier, items, tmp_path / "cut.parquet", key, "mask", 3, lambda _: None)
    assert debate.read(faith.run(classifier, items, tmp_path / "cut.parquet", key, "mask", 3, lambda _: None)) == whole
    assert len(calls) == len(LINES) + 1


def test_every_measure_of_a_map_has_a_column():
    from models.debate.rows import FAITHFULNESS
    from models.experiment_records import FaithRow

    # A flip is looked for in every row of a test set.
    told_otherwise = {"name", "title", "spread", "beyond", "followed", "scores", "infidelity_range"}
    assert {field.name for field in dataclasses.fields(FaithRow)} - told_otherwise <= set(FAITHFULNESS.names)


def test_nothing_is_left_out_of_a_large_reader_or_a_long_text(measured, monkeypatch):
    classifier, items, *_ = measured
    monkeypatch.setattr("models.experiments.frozen.LONG", 1)
    rows = {row.method: row for row in faith.rows_of(classifier, items[0], "delete", 1)}
    assert {"oracle", "reversed", *(name for name, _ in MAPS)} <= set(rows)
    assert all(rows[name].soft_sufficiency is not None for name, _ in MAPS)
