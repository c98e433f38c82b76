"""From runs to findings: pairing, means, rankings, and sentences whose numbers are the table's."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import mean, stdev

import pytest
from toy_study import ENCODERS, SEEDS, TASKS, failed, toy_plan, toy_run, toy_study

from models.errors import PoolScopeError
from models.study.design import ABLATION, REFERENCE, VARIANTS, planned, recipe_of
from models.study.page import page
from models.study.read import study_of
from models.study.summary import summarise
from models.study.wording import points
from models.study_records import StudyCellKey


@pytest.fixture(scope="module")
def study():
    return toy_study()


@pytest.fixture(scope="module")
def summary(study):
    return summarise(study)


def accuracy(study, task, encoder, variant, seed):
    name = ("main", task, encoder, variant, seed)
    (found,) = [r.accuracy for r in study.runs if (r.group, r.task, r.encoder, r.variant, r.seed) == name]
    return found


def test_differences_are_paired_by_seed(study, summary):
    for found in summary.differences:
        expected = [
            mean(accuracy(study, found.task, e, found.variant, s) - accuracy(study, found.task, e, REFERENCE, s)
                 for e in found.encoders)
            for s in found.seeds
        ]  # fmt: skip
        assert found.differences == pytest.approx(expected)
        assert found.mean == pytest.approx(mean(expected))
        assert found.seeds == SEEDS


def test_there_is_a_difference_for_every_task_encoder_and_reading(summary):
    named = {(d.task, d.encoder, d.variant) for d in summary.differences}
    assert named == {(t, e, f"apln {r}") for t in TASKS for e in (None, *ENCODERS) for r in "ABC"}


@pytest.mark.parametrize("change", [{"data_digest": "other"}, {"table_sha": "other"}])
def test_runs_on_other_rows_or_words_are_not_paired(study, change):
    key = StudyCellKey("main", "trec", "cnn", "apln A")
    runs = [replace(r, **change) if (r.task, r.encoder, r.variant, r.seed) == ("trec", "cnn", "apln A", 2) else r
            for r in study.runs]  # fmt: skip
    assert any(r not in study.runs for r in runs), key
    with pytest.raises(PoolScopeError, match="trec/cnn: apln A and attention of seed 2 saw different rows"):
        summarise(study_of(runs, toy_plan()))


def test_a_seed_without_its_partner_is_left_out_of_the_mean_over_encoders(study):
    gone = {("sst2", "cnn", REFERENCE, 2), ("sst2", "bilstm", "apln A", 3)}
    runs = [r for r in study.runs if r.group == "ablation" or (r.task, r.encoder, r.variant, r.seed) not in gone]
    found = {d.encoder: d.seeds for d in summarise(study_of(runs, toy_plan())).differences
             if (d.task, d.variant) == ("sst2", "apln A")}  # fmt: skip
    assert found == {None: (1,), "cnn": (1, 3), "bilstm": (1, 2)}


def test_verdicts_need_both_intervals(summary):
    for found in summary.differences:
        ends = (found.low, found.high, found.t_low, found.t_high)
        expected = "ahead" if min(ends) > 0 else "behind" if max(ends) < 0 else "open"
        assert found.verdict == expected
    # The bootstrap alone would have called some of these certain.
    assert any(d.verdict == "open" and d.low > 0 for d in summary.differences)


@pytest.mark.parametrize(("shift", "verdict"), [(0.05, "ahead"), (-0.05, "behind")])
def test_a_clear_gain_and_a_clear_loss_are_called_so(shift, verdict):
    def gain(key, seed):
        base = 0.7 + 0.001 * seed
        return base + (shift + 0.001 * (seed % 2) if key.variant == "apln A" else 0.0)

    runs = [toy_run(key, seed, gain(key, seed)) for key, seed in toy_plan()]
    said = summarise(study_of(runs, toy_plan()))
    assert {d.verdict for d in said.differences if d.variant == "apln A"} == {verdict}
    where = {"ahead": ("above", "on 3, behind on 0"), "behind": ("below", "on 0, behind on 3")}[verdict]
    assert all(f"points of test accuracy {where[0]} attention" in text for _, text in said.sentences)
    assert f"ahead of attention {where[1]}, undecided on 0" in said.headline


def test_cells_have_mean_and_sd_over_the_seeds_that_did_not_fail(study, summary):
    for cell in summary.cells:
        mine = [r for r in study.runs if StudyCellKey(r.group, r.task, r.encoder, r.variant) == cell.key]
        scored = [r for r in mine if not r.failed]
        assert cell.seeds == tuple(r.seed for r in scored)
        assert cell.failed_seeds == tuple(r.seed for r in mine if r.failed)
        assert cell.accuracy == pytest.approx(mean(r.accuracy for r in scored))
        if len(scored) > 1:
            assert cell.accuracy_sd == pytest.approx(stdev(r.accuracy for r in scored))
            assert cell.macro_f1_sd == pytest.approx(stdev(r.macro_f1 for r in scored))
        base = {r.seed: r for r in study.runs if (r.group, r.task, r.encoder, r.variant)
                == ("main", cell.key.task, cell.key.encoder, REFERENCE)}  # fmt: skip
        assert cell.time_ratio == pytest.approx(
            mean(r.cpu_seconds_per_epoch / base[r.seed].cpu_seconds_per_epoch for r in scored)
        )
    assert sum(len(cell.failed_seeds) for cell in summary.cells) == 1


def test_a_cell_that_always_fails_is_a_cell_without_means():
    key = StudyCellKey("main", "sst2", "cnn", "gem")
    (cell,) = summarise(study_of([failed(key, 1), failed(key, 2)], [(key, 1), (key, 2)])).cells
    assert (cell.seeds, cell.failed_seeds, cell.accuracy, cell.accuracy_sd) == ((), (1, 2), None, None)


def test_missing_runs_are_listed_and_failed_ones_are_not(study):
    assert [(key.variant, seed) for key, seed in study.missing] == [("gem", 2), ("gem", 3)]


def test_rankings_use_the_seeds_that_all_variants_share(study, summary):
    by_encoder = {ranking.encoder: ranking for ranking in summary.rankings}
    ranking = by_encoder["cnn"]
    seeds = {"sst2": SEEDS, "ag_news": SEEDS, "trec": (1,)}
    for task, row in zip(ranking.tasks, ranking.scores, strict=True):
        expected = [mean(accuracy(study, task, "cnn", v, s) for s in seeds[task]) for v in ranking.variants]
        assert row == pytest.approx(expected)
    assert set(by_encoder) == {None, *ENCODERS}
    whole, parts = by_encoder[None], [by_encoder[e] for e in ENCODERS]
    for place, row in enumerate(whole.scores):
        assert row == pytest.approx([mean(p.scores[place][i] for p in parts) for i in range(len(row))])


def test_gains_are_means_over_tasks_of_differences_to_attention(summary):
    for ranking in summary.rankings:
        base = ranking.variants.index(REFERENCE)
        expected = [mean(row[i] - row[base] for row in ranking.scores) for i in range(len(ranking.variants))]
        assert ranking.gains == pytest.approx(expected)
        assert {test.left for test in ranking.tests} == set(ranking.variants) - {REFERENCE}


NUMBER = re.compile(r"[+\u2212]?\d+\.\d+")


def numbers(text):
    return [float(found.replace("\u2212", "-")) for found in NUMBER.findall(text)]


def test_every_number_of_a_sentence_is_the_tables(summary):
    assert [task for task, _ in summary.sentences] == list(TASKS)
    for task, text in summary.sentences:
        whole = next(d for d in summary.differences if (d.task, d.encoder, d.variant) == (task, None, "apln A"))
        certain = [d.mean for d in summary.differences
                   if d.task == task and d.encoder and d.variant == "apln A" and d.verdict != "open"]  # fmt: skip
        expected = [abs(whole.mean), whole.low, whole.high, whole.t_low, whole.t_high, *certain]
        assert sorted(numbers(text)) == pytest.approx(sorted(round(100 * v, 2) for v in expected), abs=0.0051)
        assert f"over {len(ENCODERS)} encoders and {len(SEEDS)} seeds" in text
        assert ("above" in text) == (whole.mean > 0)
        assert "significant" not in text


def test_every_number_of_the_headline_is_the_tables(summary):
    ranking = next(r for r in summary.rankings if r.encoder is None)
    place, base = ranking.variants.index("apln A"), ranking.variants.index(REFERENCE)
    test = next(t for t in ranking.tests if t.left == "apln A")
    expected = [
        *(round(100 * v, 2) for v in (ranking.gains[place], ranking.gain_lows[place], ranking.gain_highs[place])),
        round(test.p, 3), round(test.p_holm, 3), round(ranking.ranks[place], 2), round(ranking.ranks[base], 2),
        round(ranking.critical_difference, 2),
    ]  # fmt: skip
    assert numbers(summary.headline) == pytest.approx(expected, abs=1e-9)


def table(text, first):
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([part.strip() for part in line.strip("|").split("|")])
    return rows


def test_the_page_holds_every_difference_cell_failure_and_gap(study, summary):
    text = page(study, summary)
    rows = table(text, "task | encoder | variant | n | by seed")
    assert [(r[0], r[2], r[5], r[8]) for r in rows] == [
        (d.task, d.variant, points(d.mean), d.verdict) for d in summary.differences
    ]
    cells = {tuple(r[:3]): r[4] for r in table(text, "task | encoder | variant | n | accuracy")}
    for cell in summary.cells:
        if cell.key.group == "main":
            sd = "" if cell.accuracy_sd is None else f" ± {cell.accuracy_sd:.4f}"
            assert cells[cell.key.task, cell.key.encoder, cell.key.variant] == f"{cell.accuracy:.4f}{sd}"
    assert len(cells) == sum(cell.key.group == "main" for cell in summary.cells)
    assert len(table(text, "task | encoder | variant | n | failed")) == len(ABLATION)
    assert "- ablation sst2/bilstm/A, minmax_token, pow, one p, seed 2: the loss became nan" in text
    assert "2 planned runs are missing" in text
    assert "- main trec/cnn/gem: seeds 2, 3" in text
    assert all(sentence in text for _, sentence in summary.sentences)
    assert summary.headline in text


def test_an_empty_study_says_so():
    said = summarise(study_of([], toy_plan()))
    assert said.cells == said.differences == said.rankings == said.sentences == ()
    assert "No run" in said.headline


def test_one_seed_of_one_task_is_not_called_certain():
    plan = [pair for pair in toy_plan() if pair[1] == 1 and pair[0].task == "trec"]
    said = summarise(study_of([toy_run(*pair) for pair in plan], plan))
    assert {d.verdict for d in said.differences} == {"open"}
    assert "one pair says nothing about certainty" in said.sentences[0][1]
    assert said.rankings[0].critical_difference is None


def test_the_design_has_each_run_once_and_seed_one_first():
    plan = list(planned())
    assert len(set(plan)) == len(plan)
    seeds = [seed for _, seed in plan]
    assert seeds == sorted(seeds)
    keys = {recipe_of(key, seed).key() + key.group for key, seed in plan}
    assert len(keys) == len(plan)
    main = {(k.task, k.encoder) for k, _ in plan if k.group == "main"}
    for task, encoder in main:
        assert {k.variant for k, _ in plan if (k.group, k.task, k.encoder) == ("main", task, encoder)} == {
            v.name for v in VARIANTS
        }


def test_recipes_of_one_seed_differ_in_the_pooler_alone():
    for group in ("main", "ablation"):
        pairs = [(k, s) for k, s in planned() if (k.group, k.task, k.encoder, s) == (group, "sst2", "bilstm", 2)]
        assert len(pairs) > 7
        plain = {replace(recipe_of(*pair), pooler="mean", pooler_options=(), label="") for pair in pairs}
        assert len(plain) == 1
