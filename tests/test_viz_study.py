"""Figures of the study: every cell, difference and rank is there, with its interval and its words."""

from __future__ import annotations

import dataclasses
import re
from statistics import fmean

import pytest
from test_viz_zoo import NASTY, Elements, left
from toy_study import ENCODERS, TASKS, toy_study

from models.study.design import HEADLINE
from models.study.summary import summarise
from viz import palette
from viz.forest import forest, points
from viz.rank_plot import rank_plot, rank_words
from viz.study_names import named
from viz.study_tables import ablation, ablation_tasks, cost_rows, results, study_norms

NAMES = {"sst2": "SST-2", "ag_news": "AG News", "trec": "TREC"}
TITLES = {"cnn": "CNN", "bilstm": "BiLSTM"}


@pytest.fixture(scope="module")
def study():
    return toy_study()


@pytest.fixture(scope="module")
def said(study):
    return summarise(study)


@pytest.fixture(scope="module")
def differences(said):
    return [found for found in said.differences if found.variant == HEADLINE]


def test_the_forest_has_a_mark_and_an_interval_for_every_difference(said, differences):
    source = forest(differences, dict(said.sentences), NAMES, TITLES)
    seen = Elements(source)
    kinds = [dot["class"] for dot in seen.of("d")]
    assert kinds.count("d mean") == len(TASKS)
    assert kinds.count("d one") == len(TASKS) * len(ENCODERS)
    spans = [line["class"] for line in seen.of("s")]
    assert (spans.count("s wide"), spans.count("s")) == (len(differences), len(differences))
    assert len(seen.of("zero")) == len(differences)
    for _, sentence in said.sentences:
        assert sentence.split(" ")[1] in source
    for found in differences:
        assert points(100 * found.mean) in source


def test_positions_are_the_numbers(differences):
    one = next(found for found in differences if found.encoder)
    made = dataclasses.replace(one, mean=0.01, low=-0.01, high=0.02, t_low=-0.01, t_high=0.01, verdict="open")
    seen = Elements(forest([made], {}, NAMES, TITLES))
    # The axis runs from -1 to +2 points.
    assert left(seen.of("d")[0]) == pytest.approx(66.67, abs=0.01)
    assert left(seen.of("zero")[0]) == pytest.approx(33.33, abs=0.01)
    student, bootstrap = seen.of("s")
    assert left(student) == left(bootstrap) == 0
    assert "width:calc(100.00% - 0.00%)" in bootstrap["style"]
    assert "width:calc(66.67% - 0.00%)" in student["style"]
    assert "+1.0 [\u22121.0, +2.0] open" in seen.cells[-1]


def test_datasets_stand_in_the_order_of_their_means_and_one_seed_has_no_interval(differences):
    whole = [found for found in differences if found.encoder is None]
    made = [dataclasses.replace(found, mean=mean, low=None, high=None, t_low=None, t_high=None, verdict="open")
            for found, mean in zip(whole, (0.001, 0.03, -0.02), strict=True)]  # fmt: skip
    source = forest(made, {made[0].task: NASTY}, NAMES)
    shown = re.findall(">(SST-2|AG News|TREC)<", source)
    assert shown == [NAMES[made[place].task] for place in (1, 0, 2)]
    assert source.count("one seed: no interval") >= 3
    assert "<script" not in source


@pytest.mark.parametrize(("value", "words"), [(1.2, "+1.2"), (-0.26, "\u22120.3"), (0.04, "0"), (-0.04, "0"), (0, "0")])
def test_points_carry_a_sign_and_rounded_zero_has_none(value, words):
    assert points(value) == words


def test_ranks_are_placed_and_groups_that_are_not_told_apart_are_joined(said):
    ranking = next(found for found in said.rankings if found.encoder is None)
    seen = Elements(rank_plot(ranking))
    top = len(ranking.variants) - 1
    expected = [100 * (rank - 1) / top for rank in sorted(ranking.ranks)]
    assert [left(dot) for dot in seen.of("d")] == pytest.approx(expected, abs=0.01)
    assert len(seen.of("s")) == len(ranking.cliques) + (ranking.critical_difference is not None)


def test_what_the_tests_say_is_said(said):
    ranking = said.rankings[0]
    sure = dataclasses.replace(
        ranking, friedman_p=0.0004, critical_difference=1.0,
        tests=tuple(dataclasses.replace(test, p_holm=0.02 if test.left == HEADLINE else 0.5) for test in ranking.tests),
    )  # fmt: skip
    assert rank_words(sure) == (
        "Friedman's test finds differences between the poolers (p < .001); Wilcoxon's, after Holm's correction, tells "
        f"{HEADLINE} (p = .020) apart from attention."
    )
    open_ = dataclasses.replace(sure, friedman_p=0.3, tests=())
    assert "finds no difference" in rank_words(open_)
    assert "tells no pooler apart from attention" in rank_words(open_)
    assert "nothing can be tested" in rank_words(dataclasses.replace(ranking, friedman_p=None))


def test_every_cell_of_the_study_has_its_number_and_the_best_of_a_row_is_marked(said):
    source = results(said.cells, NAMES, TITLES)
    main = [cell for cell in said.cells if cell.key.group == "main"]
    for cell in main:
        assert f"{cell.accuracy:.3f}" in source
    assert source.count('class="best"') >= len(TASKS) * len(ENCODERS)
    assert "SST-2 · BiLSTM" in source
    assert palette.swatch(palette.STEPS).background in source


def test_the_ablation_shows_failed_runs_and_every_combination(study, said):
    assert ablation_tasks(said.cells) == ["sst2"]
    source = ablation(said.cells, study.runs, "sst2")
    seen = Elements(source)
    assert seen.cells[1:5] == ["log form, one p", "log form, p per dimension", "pow form, one p",
                               "pow form, p per dimension"]  # fmt: skip
    assert "1 of 3 failed" in source
    numbers = [cell for cell in seen.cells if re.match(r"0\.\d{3}", cell)]
    assert len(numbers) == 16
    (broken,) = [cell for cell in said.cells if cell.failed_seeds]
    place = seen.cells.index("min–max over tokens")
    assert seen.cells[place + 3].startswith(f"{broken.accuracy:.3f}")


def test_costs_are_means_over_cells_and_sums_of_losses(said):
    rows = {row["pooler"]: row for row in cost_rows(said.cells)}
    mine = [cell for cell in said.cells if cell.key.variant == "gem"]
    assert rows["gem"]["seconds per epoch"] == f"{fmean(cell.seconds_per_epoch for cell in mine):.1f}"
    lost, terms = sum(cell.pow_overflow for cell in mine), sum(cell.pow_terms for cell in mine)
    assert rows["gem"]["lost powers in the pow form"].startswith(f"{lost:,} of {terms:,} (")
    assert rows["mean"]["lost values"] == "no power"
    assert rows["attention"]["times attention"] == "1.00×"
    assert sum(int(row["failed runs"]) for row in rows.values()) == 1


def test_learned_norms_of_the_study_span_their_seeds(said):
    norms = study_norms(said.cells, NAMES, TITLES)
    cell = next(cell for cell in said.cells if cell.key.variant == "apln A" and cell.key.task == "sst2")
    shown = next(norm for norm in norms if norm.column == "apln A" and norm.row.startswith("SST-2 · CNN"))
    assert (shown.learned, shown.low, shown.high) == (cell.p_mean, cell.p_low, cell.p_high)
    assert {norm.column for norm in norms} == {"apln A", "apln B", "apln C", "gem", "learned_norm"}


def test_every_variant_of_the_summary_is_renamed(said):
    titles = {"apln A": "APLN A", "attention": "Attention", "gem": "GeM"}
    shown = named(said, titles)
    source = rank_plot(shown.rankings[0]) + results(shown.cells, NAMES, TITLES) + rank_words(shown.rankings[0])
    source += forest([found for found in shown.differences if found.variant == "APLN A"], {}, NAMES)
    for old, new in titles.items():
        assert new in source
        assert not re.search(rf"\b{old}\b", source)
    assert [cell.accuracy for cell in shown.cells] == [cell.accuracy for cell in said.cells]
