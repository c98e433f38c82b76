"""The benchmark computes what it says on both roads, and keeps other sections of its file."""

from __future__ import annotations

import time

import pytest
from tiny_classifiers import TEXT, tiny

from models.__main__ import main
from models.bench import analysis as bench
from models.bench import common
from models.commands.bench import SECTIONS
from models.records import MethodCall, Request


def test_both_roads_end_at_small_completeness_errors():
    classifiers = [tiny("bilstm", "attention"), tiny("cnn", "mean")]
    ours, theirs = bench.ours(classifiers, TEXT), bench.theirs(classifiers, TEXT)
    assert len(ours) == len(theirs) == 2
    assert max(ours) <= 0.01
    assert max(theirs) <= 0.1
    assert ours != theirs


def test_our_road_runs_every_method_the_table_names(monkeypatch):
    seen, whole = [], bench.analyse
    monkeypatch.setattr(bench, "analyse", lambda c, r: seen.append(r) or whole(c, r))
    bench.ours([tiny()], TEXT)
    assert seen == [Request(TEXT, tuple(map(MethodCall, bench.METHODS)))]
    assert len(set(bench.METHODS)) == 8
    assert len(set(bench.POOLERS)) == 6


def test_the_floor_reads_what_eight_maps_need(monkeypatch):
    classifier = tiny("cnn", "attention")
    rows = []
    monkeypatch.setattr(type(classifier), "forward", counted(type(classifier).forward, rows))
    monkeypatch.setattr(type(classifier), "from_embeddings", counted(type(classifier).from_embeddings, rows))
    needed = bench.Needed([classifier])
    needed(TEXT)
    rows.clear()
    needed(TEXT)
    words, (_, path) = len(TEXT.split()), bench.path_of(classifier, TEXT)
    assert rows[: rows.index(words)] == [1, 1, path]
    assert rows[rows.index(words)] == words
    assert bench.why("cnn", 1.2, common.Timing((0.1,))) == ""
    assert bench.why("cnn", 2.0, common.Timing((0.096,))) == "cnn 2.0×, which is 1.00 ms per map"


def test_what_is_far_above_its_floor_has_a_reason():
    one, two, half = (common.Timing((seconds,)) for seconds in (0.01, 0.02, 0.005))
    assert common.reason("cnn", one, one, half, "the rest") == ""
    far = common.reason("cnn", two, one, half, "the rest")
    assert far == "cnn: 2.0×, of which reading the text 0.5× and the rest 0.5×"
    assert common.reasons(["", far]) == f"Above 1.5× the floor: {far}."
    assert common.reasons([""]) == "Nothing took more than 1.5× its floor."


def counted(whole, rows):
    return lambda self, x, *others: rows.append(len(x)) or whole(self, x, *others)


def test_roads_are_timed_in_turn_and_the_first_round_is_left_out():
    order = []
    slow, fast = common.timed(2, lambda _: (order.append("slow"), time.sleep(0.004)), lambda _: order.append("fast"))
    assert order == ["slow", "fast"] * (3 * len(common.SENTENCES))
    assert len(slow.seconds) == len(fast.seconds) == 2 * len(common.SENTENCES)
    assert slow.median >= 0.004 > fast.median
    read = []
    common.timed(1, read.append, texts=("a", "b"))
    assert read == ["a", "b", "a", "b"]


def test_times_are_said_in_milliseconds_with_their_range():
    assert str(common.Timing((0.011, 0.012, 0.019))) == "12 ms (11–19)"
    assert str(common.Timing((0.001, 0.0024, 0.009))) == "2.4 ms (1.0–9.0)"
    assert common.Timing((0.03,)).beside(common.Timing((0.012,))) == "30 ms (30–30) 2.5×"


@pytest.mark.parametrize("text", common.SENTENCES)
def test_sentences_have_about_25_words(text):
    assert 22 <= len(text.split()) <= 27


@pytest.mark.parametrize("words", [20, 30, 100, 400])
def test_texts_have_the_length_asked_for_and_differ(words):
    texts = [common.text_of(words, first) for first in range(3)]
    assert len(set(texts)) == 3
    classifier = tiny()
    assert [len(common.ids_of(classifier, text)) for text in texts] == [words] * 3


def test_a_section_replaces_itself_and_leaves_the_others(tmp_path):
    path = tmp_path / "B.md"
    common.write_section(path, "analysis", "first")
    path.write_text(path.read_text() + "\n<!-- pages: start -->\nkept\n<!-- pages: end -->\n")
    common.write_section(path, "analysis", "second")
    once = path.read_text()
    common.write_section(path, "analysis", "second")
    assert path.read_text() == once
    assert "first" not in once
    assert once.count("second") == 1
    assert "kept" in once
    assert once.startswith("# Benchmarks\n")


def test_a_number_of_runs_that_is_none_is_refused(capsys, tmp_path):
    assert main(["bench", "--runs", "0", "--out", str(tmp_path / "B.md")]) == 2
    assert "--runs came as 0; expected 1 or more." in capsys.readouterr().err


def test_a_reader_that_is_not_shipped_gets_random_weights_and_the_table_says_so(monkeypatch):
    monkeypatch.setattr(common, "catalogue", lambda: ())
    classifier = common.classifier_of("cnn", "mean")
    assert classifier.spec.id == "sst2/cnn/mean"
    assert not classifier.training
    assert "all shipped but" not in bench.shipped()
    monkeypatch.setattr(bench, "catalogue", lambda: ())
    assert bench.shipped(("cnn",)).startswith("all shipped but sst2/cnn/mean, ")


# That of the debate has tests of its own, beside the search it restates.
@pytest.mark.parametrize("section", sorted(set(SECTIONS) - {"debate"}))
def test_every_section_has_a_cell_for_every_column(section, monkeypatch, tmp_path):
    for name in ("analysis", "paths", "perturbations", "readers", "poolers", "experiments"):
        module = __import__(f"models.bench.{name}", fromlist=["report"])
        for constant, value in {
            "ENCODERS": ("embedding",), "WORDS": (6,), "TEXTS": 1, "SHAPE": (2, 17, 8), "EXPONENTS": (2.0,), "RUNS": 1,
        }.items():  # fmt: skip
            if hasattr(module, constant):
                monkeypatch.setattr(module, constant, value)
        if hasattr(module, "classifier_of"):
            monkeypatch.setattr(module, "classifier_of", lambda encoder, pooler="attention": tiny(encoder, pooler))
    monkeypatch.setattr(common, "SENTENCES", (TEXT,))
    monkeypatch.setattr(bench, "SENTENCES", (TEXT,))
    out = tmp_path / "B.md"
    assert main(["bench", "--runs", "1", "--only", section, "--out", str(out)]) == 0
    lines = [line for line in out.read_text().splitlines() if line.startswith("|")]
    heads = [i for i, line in enumerate(lines) if set(line) == set("| -")]
    assert heads
    for head in heads:
        assert lines[head - 1].count(" | ") == lines[head].count("---") - 1 == lines[head + 1].count(" | ")
    assert out.read_text().count("<!--") == 2
    assert f"<!-- {section}: start -->" in out.read_text()


def test_experiments_above_the_aim_are_named_and_the_runs_are_never_few(monkeypatch):
    from models.bench import experiments

    seen = []
    monkeypatch.setattr(experiments, "classifier_of", lambda encoder: tiny(encoder, "attention"))
    monkeypatch.setattr(experiments, "catalogue", lambda: ())
    monkeypatch.setattr(experiments, "ENCODERS", ("cnn",))
    monkeypatch.setattr(experiments, "text_for", lambda classifier: TEXT)

    def timed(runs, *roads, texts):
        seen.append((runs, texts))
        # The third road is the only slow one.
        return [common.Timing((0.501 if place == 2 else 0.499,)) for place in range(len(roads))]

    monkeypatch.setattr(experiments, "timed", timed)
    said = experiments.report(1)
    name = [*experiments.EXPERIMENTS, "ladder"][2]
    assert seen == [(5, (TEXT,))]
    assert f"Aim: less than 500 ms each. Above it: {name} over cnn." in said
    monkeypatch.setattr(experiments, "AIM", 0.6)
    assert "None is above it." in experiments.report(9)
    assert seen[-1][0] == 9


def test_every_experiment_and_the_ladder_are_what_is_timed(monkeypatch):
    from models.bench import experiments

    classifier = tiny()
    answers = {name: road(TEXT) for name, road in experiments.roads(classifier).items()}
    assert list(answers) == [*experiments.EXPERIMENTS, "ladder"]
    assert all(answers[name].call.name == name for name in experiments.EXPERIMENTS)
    assert answers["ladder"].rungs
    # A reader of English reads the benchmark's own words, one that knows none of them the Chinese headline.
    monkeypatch.setattr(experiments, "text_of", lambda words: TEXT)
    assert experiments.text_for(classifier) == TEXT
    monkeypatch.setattr(experiments, "text_of", lambda words: "zzz " * words)
    assert experiments.text_for(classifier) == experiments.CHINESE
    assert len(experiments.CHINESE) >= experiments.LENGTH
