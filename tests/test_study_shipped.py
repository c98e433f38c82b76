"""The shipped study and its page: small, whole, and the page is what the file says."""

from __future__ import annotations

import pytest

from models.study.page import page
from models.study.read import SHIPPED, in_order, load_study
from models.study.summary import summarise

pytestmark = pytest.mark.skipif(not SHIPPED.exists(), reason="no study is shipped: python -m models study collect")


@pytest.fixture(scope="module")
def study():
    return load_study()


def test_the_file_is_small_and_in_order(study):
    assert SHIPPED.stat().st_size < 1 << 20
    assert in_order(study.runs) == study.runs
    assert len({run.recipe_key for run in study.runs}) == len(study.runs)


def test_poolers_of_one_task_and_seed_saw_the_same_rows(study):
    rows = {}
    for run in study.runs:
        rows.setdefault((run.task, run.seed), set()).add(run.data_digest)
    assert all(len(digests) == 1 for digests in rows.values())


def test_the_page_is_generated_from_the_file(study, root):
    written = (root / "STUDY.md").read_text(encoding="utf-8")
    assert written == page(study, summarise(study)), "STUDY.md is stale: python -m models study report"


def test_the_same_recipe_under_two_names_gives_the_same_scores(study):
    """The ablation's base cell repeats a cell of the main study; only rounding may differ between versions."""
    main = {(r.task, r.seed): r for r in study.runs
            if (r.group, r.encoder, r.variant) == ("main", "bilstm", "apln A")}  # fmt: skip
    twins = [r for r in study.runs if r.variant == "A, relu_clip, log, one p" and (r.task, r.seed) in main]
    if not twins:
        pytest.skip("the ablation's base cell is not there yet")
    for twin in twins:
        assert twin.accuracy == pytest.approx(main[twin.task, twin.seed].accuracy, abs=0.005)
