"""The study's runner: what is drawn, what is kept, what a kill and a second process change (nothing)."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_data import toy

from models.__main__ import main
from models.errors import PoolScopeError
from models.study import cell, log
from models.study.cell import Bench, name_of
from models.study.design import StudyTask, recipe_of
from models.study.read import in_order, load_study
from models.study.runner import run_study
from models.study.sample import sample
from models.study.table import from_row, read_table, to_line, write_table
from models.study_records import StudyCellKey
from models.text import Vocabulary, WordTokenizer
from models.training.trainer import train
from models.training.word_table import WordTable

PLAN = [
    (StudyCellKey("main", task, "cnn", variant), seed)
    for seed in (1, 2) for task in ("sst2", "trec") for variant in ("attention", "apln A")
]  # fmt: skip
# What a run measures about the machine, not about itself.
TIMES = {"seconds_per_epoch": 0.0, "cpu_seconds_per_epoch": 0.0}


@pytest.fixture(scope="module")
def data():
    # With this seed the usual class of the training rows is the rarer one of the test rows.
    return toy(seed=5, train=64, others=24)


@pytest.fixture(scope="module")
def table(data):
    vocabulary = Vocabulary.build(data.splits["train"].texts, WordTokenizer())
    weights = torch.randn(len(vocabulary), 8, generator=torch.Generator().manual_seed(1))
    return WordTable(vocabulary, weights)


@pytest.fixture
def study(data, table, tmp_path):
    said = []

    def go(**changes):
        options = {"plan": PLAN, "say": said.append, **changes}
        run_study(tmp_path, lambda _: data, lambda _: (table, "sha"), **options)
        return timeless(log.read(tmp_path))

    go.folder, go.said = tmp_path, said
    return go


def timeless(runs):
    return {replace(run, **TIMES) for run in runs}


@pytest.fixture(scope="module")
def whole(data, table, tmp_path_factory):
    """The runs of one undisturbed process."""
    folder = tmp_path_factory.mktemp("whole")
    run_study(folder, lambda _: data, lambda _: (table, "sha"), plan=PLAN, say=lambda _: None)
    return timeless(log.read(folder))


def test_every_pair_of_the_plan_becomes_a_row(whole):
    assert {(StudyCellKey(r.group, r.task, r.encoder, r.variant), r.seed) for r in whole} == set(PLAN)
    assert all(run.failed is None and run.accuracy is not None for run in whole)


def test_two_shards_leave_the_rows_of_one_process(study, whole):
    first = study(shard=log.Shard(1, 2))
    assert 0 < len(first) < len(whole)
    assert {(run.task, run.seed) for run in first} == {("sst2", 1), ("sst2", 2)}
    assert study(shard=log.Shard(2, 2)) == whole
    assert {file.name for file in study.folder.iterdir()} == {"runs-1-of-2.jsonl", "runs-2-of-2.jsonl"}


def test_a_killed_study_goes_on_and_ends_with_the_same_rows(study, whole):
    def stop(line):
        if "trec/cnn/attention@1" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(say=stop)
    (file,) = study.folder.iterdir()
    assert len(file.read_text().splitlines()) == 3
    # The kill came while a fourth row was being written.
    file.write_text(file.read_text() + '{"group": "main", "tas')
    assert study() == whole
    assert len(log.read(study.folder)) == len(PLAN)


def test_what_is_done_is_not_done_again(study, whole):
    study()
    before, lines = {f.name: f.read_bytes() for f in study.folder.iterdir()}, len(study.said)
    assert study() == whole
    assert {f.name: f.read_bytes() for f in study.folder.iterdir()} == before
    assert len(study.said) == lines


def test_only_runs_what_it_names(study):
    assert {run.variant for run in study(only="trec/cnn/apln")} == {"apln A"}


def test_a_cell_that_cannot_be_built_is_skipped_with_a_word(study):
    plan = [(StudyCellKey("main", "sst2", "telepathy", "mean"), 1), *PLAN[:1]]
    assert len(study(plan=plan)) == 1
    assert study.said[0] == "skipped: telepathy × mean: not registered here"


def test_a_task_without_a_word_table_is_skipped_with_a_word(data, tmp_path):
    def none(task):
        raise PoolScopeError("there is no word table yet")

    said = []
    run_study(tmp_path, lambda _: data, none, plan=PLAN, say=said.append)
    assert said == ["skipped: sst2: there is no word table yet", "skipped: trec: there is no word table yet"]


def test_a_run_that_diverges_is_a_row(study, monkeypatch):
    usual = recipe_of

    def wild(key, seed):
        recipe = usual(key, seed)
        return replace(recipe, lr=1e30) if key.variant == "apln A" else recipe

    monkeypatch.setattr(cell, "recipe_of", wild)
    runs = {run.variant: run for run in study(plan=PLAN[:2])}
    assert runs["attention"].failed is None
    bad = runs["apln A"]
    assert "the loss became" in bad.failed
    assert (bad.accuracy, bad.macro_f1, bad.dev_accuracy, bad.p_mean, bad.overflow) == (None,) * 5
    assert bad.train_rows == 64
    assert bad.parameters > 0
    assert "failed: " in study.said[-1]
    # A failed run is done: it is not tried again and again.
    assert len(study(plan=PLAN[:2])) == 2


def test_a_row_is_what_plain_training_gives(whole, data, table):
    key, seed = PLAN[1][0], 2
    rows = sample(data, StudyTask("sst2", "toy"), seed)
    recipe = recipe_of(key, seed)
    trained = train(recipe, rows, table=table)
    (run,) = [r for r in whole if (r.task, r.variant, r.seed) == (key.task, key.variant, seed)]
    assert run.dev_accuracy == trained.metrics["validation"]["accuracy"]
    assert (run.accuracy, run.macro_f1) == tuple(trained.metrics["test"].values())
    assert run.best_epoch == trained.best_epoch
    assert run.dev_curve == tuple(record["dev_accuracy"] for record in trained.history)
    assert run.p_mean == pytest.approx(trained.classifier.pooler.exponent.item())
    frozen = trained.classifier.table.weight.numel()
    assert run.parameters == sum(p.numel() for p in trained.classifier.parameters()) - frozen


def test_majority_is_the_share_of_the_usual_training_class(whole, data):
    usual, rare = (max((0, 1), key=data.splits[name].labels.count) for name in ("train", "test"))
    assert usual != rare
    expected = np.mean([label == usual for label in data.splits["test"].labels])
    assert [run.majority for run in whole] == pytest.approx([expected] * len(whole))


# --- Rows -------------------------------------------------------------------------------------------------------


def big(train=500, others=40):
    return toy(train=train, others=others)


def test_training_rows_depend_on_the_seed_alone_and_test_rows_on_nothing(monkeypatch):
    monkeypatch.setattr("models.study.sample.TEST_ROWS", 30)
    monkeypatch.setattr("models.study.sample.DEV_ROWS", 20)
    data, task = big(), StudyTask("sst2", "toy", 100)
    one, again, two = sample(data, task, 1), sample(data, task, 1), sample(data, task, 2)
    assert one.digest == again.digest != two.digest
    assert [len(one.splits[s]) for s in ("train", "validation", "test")] == [100, 20, 30]
    assert one.splits["test"] == two.splits["test"]
    assert one.splits["validation"] == two.splits["validation"]
    pairs = list(zip(data.splits["train"].texts, data.splits["train"].labels, strict=True))
    places = iter(pairs)
    # A subsequence: each row with its own label, in the order of the data, none twice.
    assert all(pair in places for pair in zip(one.splits["train"].texts, one.splits["train"].labels, strict=True))


def test_small_splits_are_taken_whole():
    data = big(train=50)
    assert sample(data, StudyTask("sst2", "toy", 100), 3).digest == data.digest


def test_poolers_of_one_seed_read_the_same_batches_in_the_same_order(data, table, monkeypatch):
    seen = {}
    for variant in ("attention", "apln A", "max"):
        bench = Bench(data, table, "sha")
        recipe = recipe_of(StudyCellKey("main", "sst2", "cnn", variant), 4)
        classifier, rows = bench.start(recipe)
        read, embed = [], classifier.embed

        def spy(ids, read=read, embed=embed):
            read.append(ids.tolist())
            return embed(ids)

        monkeypatch.setattr(classifier, "embed", spy)
        start = {n: p.clone() for n, p in classifier.encoder.named_parameters()}
        train(replace(recipe, epochs=2, patience=2), data, prepared=classifier, encoded=rows, test=False)
        seen[variant] = read, start
    (first, start), *others = seen.values()
    assert len(first) == 2 * (2 + 1) + 1  # two epochs of two batches and one of dev, and dev once more
    for read, other in others:
        assert read == first
        assert all(torch.equal(start[name], other[name]) for name in start)


def test_names_tell_group_recipe_rows_and_words_apart(data, table):
    bench = Bench(data, table, "sha")
    key = StudyCellKey("main", "sst2", "cnn", "attention")
    other_rows = Bench(sample(big(), StudyTask("sst2", "toy", 100), 1), table, "sha")
    names = [
        name_of(key, 1, bench), name_of(key, 2, bench), name_of(replace(key, variant="max"), 1, bench),
        name_of(replace(key, encoder="bilstm"), 1, bench), name_of(key, 1, other_rows),
        name_of(key, 1, Bench(data, table, "other")), name_of(replace(key, task="trec"), 1, bench),
    ]  # fmt: skip
    assert len(set(names)) == len(names)
    assert name_of(key, 1, Bench(data, table, "sha")) == names[0]


# --- Journals and the Parquet file ------------------------------------------------------------------------------


def test_rows_survive_json_and_parquet(whole, tmp_path):
    for run in whole:
        assert from_row(json.loads(to_line(run))) == run
    write_table(in_order(whole), tmp_path / "runs.parquet")
    assert set(read_table(tmp_path / "runs.parquet")) == whole


def test_collect_gives_the_same_bytes_whatever_the_order(whole, tmp_path, capsys):
    runs = sorted(whole, key=lambda run: run.recipe_key)
    files = []
    for number, order in enumerate((runs, runs[::-1])):
        work, file = tmp_path / str(number), tmp_path / f"{number}.parquet"
        for place, run in enumerate(order):
            log.append(work / f"runs-{place % 2 + 1}-of-2.jsonl", run)
        assert main(["study", "collect", "--work", str(work), "--file", str(file)]) == 0
        files.append(file.read_bytes())
    assert files[0] == files[1]
    assert f"wrote {len(PLAN)} runs" in capsys.readouterr().out
    study = load_study(tmp_path / "0.parquet")
    assert set(study.runs) == whole
    assert not {pair for pair in PLAN} & set(study.missing)


def test_collect_without_runs_is_refused_in_one_sentence(tmp_path, capsys):
    assert main(["study", "collect", "--work", str(tmp_path), "--file", str(tmp_path / "x.parquet")]) == 2
    assert "holds no run of the study" in capsys.readouterr().err
    assert not (tmp_path / "x.parquet").exists()


def test_runs_on_a_rebuilt_word_table_are_not_mixed_in(whole):
    runs = sorted(whole, key=lambda run: run.recipe_key)
    (odd,) = [run for run in runs if (run.task, run.variant, run.seed) == ("trec", "apln A", 2)]
    mixed = [replace(run, table_sha="new") if run is odd else run for run in runs]
    kept, said = log.one_basis(mixed)
    assert set(kept) == whole - {odd}
    assert said == ("trec/cnn: 1 runs on another word table left out",)


def test_one_run_in_two_journals_counts_once(whole, tmp_path):
    run = next(iter(whole))
    log.append(tmp_path / "a.jsonl", run)
    log.append(tmp_path / "b.jsonl", replace(run, seconds_per_epoch=9.0))
    assert log.read(tmp_path) == (run,)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2"])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(PoolScopeError, match="expected PART/PARTS"):
        log.Shard.parse(text)


def test_shards_divide_the_plan():
    shards = [log.Shard.parse(f"{part}/3") for part in (1, 2, 3)]
    assert all(sum(shard.holds(place) for shard in shards) == 1 for place in range(10))


def test_a_damaged_file_and_a_missing_one_are_refused(tmp_path):
    file = tmp_path / "runs.parquet"
    with pytest.raises(PoolScopeError, match=r"runs\.parquet cannot be read"):
        load_study(file)
    file.write_bytes(b"PAR1 nothing")
    with pytest.raises(PoolScopeError, match=r"runs\.parquet cannot be read"):
        load_study(file)


def test_a_row_with_half_its_scores_is_refused(whole):
    run = next(iter(whole))
    with pytest.raises(ValueError, match="scores"):
        replace(run, accuracy=math.nan)
    with pytest.raises(ValueError, match="scores"):
        replace(run, failed="why")
    row = json.loads(to_line(run))
    del row["macro_f1"]
    with pytest.raises(PoolScopeError, match="a row is no run of the study"):
        from_row(row)


def test_the_plan_is_printed_with_hours(whole, tmp_path, capsys):
    assert main(["study", "plan", "--work", str(tmp_path)]) == 0
    assert "nothing can be said about hours" in capsys.readouterr().out
    for run in whole:
        log.append(tmp_path / "a.jsonl", replace(run, seconds_per_epoch=2.0, cpu_seconds_per_epoch=1.0))
    assert main(["study", "plan", "--work", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"{len(PLAN)} done" in out
    assert "CPU hours" in out


def test_report_writes_the_page_of_a_file(whole, tmp_path):
    file, out = tmp_path / "runs.parquet", tmp_path / "STUDY.md"
    write_table(in_order(whole), file)
    assert main(["study", "report", "--file", str(file), "--out", str(out)]) == 0
    assert "# Does APLN beat attention?" in out.read_text()
