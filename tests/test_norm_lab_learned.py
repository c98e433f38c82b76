"""Learned p over the study: the split of its variance against linear regression, and the figures."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from models.normlab.variance import p_variance, with_p
from models.study.read import SHIPPED, load_study
from viz import norm_lab_learned


def design(*factors):
    """Dummy columns of every factor."""
    return np.array([
        [float(factor[i] == level) for factor in factors for level in dict.fromkeys(factor)]
        for i in range(len(factors[0]))
    ])  # fmt: skip


def explained(values, *factors):
    x = design(*factors)
    return LinearRegression().fit(x, values).score(x, values)


@pytest.mark.parametrize("variant", ["apln A", "apln B", "gem", "learned_norm"])
def test_the_variance_is_split_as_nested_regressions_split_it(variant):
    runs = with_p(load_study(SHIPPED).runs, variant)
    found = p_variance(runs)
    tasks = {run.task for run in runs}
    whole = {e for e in {run.encoder for run in runs} if {run.task for run in runs if run.encoder == e} == tasks}
    used = [run for run in runs if run.encoder in whole]
    assert found.runs == len(used) == found.datasets * found.encoders * found.seeds
    y = np.log([run.p_mean for run in used])
    task, encoder = [run.task for run in used], [run.encoder for run in used]
    cell = [f"{t} {e}" for t, e in zip(task, encoder, strict=True)]
    assert found.dataset == pytest.approx(explained(y, task), abs=1e-9)
    assert found.encoder == pytest.approx(explained(y, encoder), abs=1e-9)
    assert found.both == pytest.approx(explained(y, cell) - explained(y, task, encoder), abs=1e-9)
    assert found.seed == pytest.approx(1 - explained(y, cell), abs=1e-9)
    assert f"{found.runs} runs" in norm_lab_learned.variance_words(found)


def run(task, encoder, seed, p, variant="apln A", group="main"):
    return SimpleNamespace(task=task, encoder=encoder, seed=seed, p_mean=p, variant=variant, group=group)


def test_incomplete_encoders_and_seeds_are_left_out_and_too_few_say_nothing():
    full = [run(t, e, s, math.exp(t == "b")) for t in "ab" for e in "xy" for s in (1, 2)]
    more = [*full, run("a", "z", 1, 9.0), run("a", "x", 3, 7.0)]
    assert p_variance(more) == p_variance(full)
    assert p_variance(full).dataset == pytest.approx(1)
    assert p_variance(full).runs == 8
    assert p_variance([one for one in full if one.seed == 1]) is None
    assert p_variance([run(t, e, s, 2.0) for t in "ab" for e in "xy" for s in (1, 2)]) is None
    assert with_p([*full, run("a", "x", 1, None), run("a", "x", 1, 2.0, "gem"), run("a", "x", 1, 1, group="ablation")],
                  "apln A") == tuple(full)  # fmt: skip


def test_the_histogram_counts_every_dimension_once():
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(size=200)).tolist()
    bins = norm_lab_learned.dimension_bins(values)
    edges = [*(one["from"] for one in bins), bins[-1]["to"] * (1 + 1e-12)]
    assert [one["dimensions"] for one in bins] == np.histogram(values, edges)[0].tolist()
    assert sum(one["dimensions"] for one in norm_lab_learned.dimension_bins([2.0, 2.0])) == 2
    bars, _ = norm_lab_learned.dimension_chart(values, 1.0).to_dict()["layer"]
    assert bars["encoding"]["y2"] == {"datum": 0}


def test_every_run_is_a_dot():
    runs = with_p(load_study(SHIPPED).runs, "apln A")
    sets = norm_lab_learned.learned_strip(runs, {"sst2": "SST-2"}, {"cnn": "CNN"}).to_dict()["datasets"].values()
    rows = next(data for data in sets if "seed" in data[0])
    assert len(rows) == len(runs)
    assert {"SST-2"} < {row["data set"] for row in rows}
