"""The benchmark computes what it says on both roads, and keeps other sections of its file."""

from __future__ import annotations

import time

import pytest
from tiny_classifiers import TEXT, tiny

from models import bench
from models.__main__ import main
from models.records import MethodCall, Request


def test_both_roads_end_at_small_completeness_errors():
    classifiers = [tiny("bilstm", "attention"), tiny("cnn", "mean")]
    ours, theirs = bench.ours(classifiers, TEXT), bench.theirs(classifiers, TEXT)
    assert len(ours) == len(theirs) == 2
    assert max(ours) <= 0.01
    assert max(theirs) <= 0.1
    assert ours != theirs


def test_our_road_runs_every_method_the_table_names(monkeypatch):
    seen = []
    monkeypatch.setattr(bench, "analyse", lambda c, r: seen.append(r) or bench_analyse(c, r))
    bench.ours([tiny()], TEXT)
    assert seen == [Request(TEXT, tuple(map(MethodCall, bench.METHODS)))]
    assert len(set(bench.METHODS)) == 6


bench_analyse = bench.analyse


def test_roads_are_timed_in_turn_and_the_first_round_is_left_out():
    order = []
    slow, fast = bench.timed(2, lambda _: (order.append("slow"), time.sleep(0.004)), lambda _: order.append("fast"))
    assert order == ["slow", "fast"] * (3 * len(bench.SENTENCES))
    assert len(slow.seconds) == len(fast.seconds) == 2 * len(bench.SENTENCES)
    assert slow.median >= 0.004 > fast.median
    assert str(bench.Timing((0.001, 0.002, 0.009))) == "2 ms (1–9)"


@pytest.mark.parametrize("text", bench.SENTENCES)
def test_sentences_have_about_25_words(text):
    assert 22 <= len(text.split()) <= 27


def test_a_section_replaces_itself_and_leaves_the_others(tmp_path):
    path = tmp_path / "B.md"
    bench.write_section(path, "analysis", "first")
    path.write_text(path.read_text() + "\n<!-- pages: start -->\nkept\n<!-- pages: end -->\n")
    bench.write_section(path, "analysis", "second")
    once = path.read_text()
    bench.write_section(path, "analysis", "second")
    assert path.read_text() == once
    assert "first" not in once
    assert once.count("second") == 1
    assert "kept" in once
    assert once.startswith("# Benchmarks\n")


def test_a_number_of_runs_that_is_none_is_refused(capsys, tmp_path):
    assert main(["bench", "--runs", "0", "--out", str(tmp_path / "B.md")]) == 2
    assert "--runs came as 0; expected 1 or more." in capsys.readouterr().err


ALL = len(bench.POOLERS)


@pytest.mark.parametrize(
    ("there", "words"), [(0, "random"), (2, f"2 of {ALL} shipped, others random"), (ALL, "shipped")]
)
def test_the_table_says_which_weights_were_timed(there, words, monkeypatch):
    class Card:
        def __init__(self, pooler):
            self.spec = tiny("cnn", pooler).spec
            object.__setattr__(self.spec, "id", f"sst2/cnn/{pooler}")

    monkeypatch.setattr(bench, "catalogue", lambda: tuple(map(Card, list(bench.POOLERS)[:there])))
    monkeypatch.setattr(bench, "from_card", lambda card: card)
    classifiers, said = bench.panel("cnn")
    assert said == words
    assert sum(isinstance(c, Card) for c in classifiers) == there
    assert [c.spec.pooler for c in classifiers] == list(bench.POOLERS)
    assert all(isinstance(c, Card) or not c.training for c in classifiers)
