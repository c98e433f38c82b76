"""The benchmark of perturbations compares like with like."""

from __future__ import annotations

import pytest
import torch
from tiny_classifiers import TEXT, tiny

from models import bench_perturbation as bench
from models.__main__ import main
from models.attribution import METHODS
from models.commands.bench import SECTIONS


@pytest.mark.parametrize("per_call", bench.PER_CALL)
def test_both_roads_take_the_same_words_out(per_call):
    classifier = tiny("bilstm", "attention")
    ours = bench.ours(classifier, TEXT, "leave_one_out")
    torch.testing.assert_close(bench.theirs(classifier, TEXT, "leave_one_out", per_call), ours, rtol=1e-4, atol=1e-5)
    sampled, theirs = (bench.ours(classifier, TEXT, "shapley_sampling"),
                       bench.theirs(classifier, TEXT, "shapley_sampling", per_call))  # fmt: skip
    # Other orders, the same sum: what all words together do to the logit.
    assert float(theirs.sum()) == pytest.approx(float(sampled.sum()), abs=1e-4)
    assert float(torch.corrcoef(torch.stack([sampled, theirs]))[0, 1]) > 0.8


def test_both_roads_draw_as_many_orders():
    assert METHODS["shapley_sampling"]().params.permutations == bench.ORDERS
    assert set(bench.TOGETHER) <= set(METHODS)


def test_asked_together_methods_share_what_was_read():
    forwards, reused = bench.together(tiny(), TEXT)
    assert forwards > 100
    assert reused >= len(TEXT.split())


def test_the_section_has_a_cell_for_every_column(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "ENCODERS", ("embedding",))
    monkeypatch.setattr(bench, "SENTENCES", (TEXT,))
    monkeypatch.setattr("models.bench.SENTENCES", (TEXT,))
    monkeypatch.setattr(bench, "classifier_of", lambda encoder: tiny(encoder))
    out = tmp_path / "B.md"
    assert main(["bench", "--runs", "1", "--only", "perturbations", "--out", str(out)]) == 0
    (line,) = (line for line in out.read_text().splitlines() if line.startswith("| embedding"))
    assert line.count(" | ") + 1 == len(bench.HEADER)
    assert "<!-- perturbations: start -->" in out.read_text()
    assert "analysis" not in out.read_text()
    assert SECTIONS == ("analysis", "perturbations")
