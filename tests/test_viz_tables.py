"""The tables hold the numbers of the pictures."""

from __future__ import annotations

import dataclasses

import pytest
import viz_records as invented

from models.records import Prediction, Removal
from viz import tables


def test_score_rows_hold_every_number_once():
    analyses = invented.compare(readers=3)
    rows = tables.score_rows(analyses)
    defined = [a for analysis in analyses for a in analysis.attributions if a.scores is not None]
    undefined = [a for analysis in analyses for a in analysis.attributions if a.scores is None]
    assert len(rows) == len(undefined) + sum(len(a.scores) for a in defined)
    assert {row["note"] for row in rows if row["value"] is None} == {a.reason for a in undefined}
    ranked = [r for r in rows if r["reader"] == "BiLSTM · attention" and r["method"] == "saliency"]
    best = max(ranked, key=lambda r: abs(r["value"]))
    assert best["rank"] == 1
    assert sorted(r["rank"] for r in ranked) == list(range(1, len(ranked) + 1))
    assert len({tuple(row) for row in rows}) == 1


def test_unknown_and_edited_words_are_said_in_words():
    analysis = invented.analysis("good unforgettable")
    tokens = (dataclasses.replace(analysis.tokens[0], state="masked"), analysis.tokens[1])
    rows = tables.score_rows([dataclasses.replace(analysis, tokens=tokens)])
    assert {r["word"]: r["note"] for r in rows} == {"good": "masked", "unforgettable": "not in the vocabulary"}


def removal(analysis, probabilities, how="deleted"):
    return Removal(1, how, Prediction(analysis.prediction.labels, (0.0, 0.0), probabilities))


def test_the_selected_word_has_value_rank_and_what_is_left_without_it():
    analysis = invented.analysis(reader=0)
    p = analysis.prediction.probabilities[analysis.target]
    after = (0.25, 0.75)
    rows = tables.word_rows([analysis], 1, {analysis.model.id: removal(analysis, after)})
    assert len(rows) == len(analysis.attributions)
    row = next(r for r in rows if r["method"] == "exact share")
    (a,) = (m for m in analysis.attributions if m.method == "exact_share")
    assert float(row["value"].replace("\u2212", "-")) == pytest.approx(a.scores[1], abs=5e-4)
    assert row["rank"].endswith(f" of {len(analysis.tokens)}")
    assert row["with it"] == f"{p:.2f}"
    assert row["without it"] == f"{after[analysis.target]:.2f}"
    assert row["change"].replace("\u2212", "-") == f"{after[analysis.target] - p:+.2f}"


def test_a_sampled_value_has_its_standard_error():
    analysis = invented.analysis(reader=0)
    errors = tuple(0.012 for _ in analysis.tokens)
    maps = tuple(dataclasses.replace(a, errors=errors) if a.method == "saliency" else a for a in analysis.attributions)
    rows = tables.word_rows([dataclasses.replace(analysis, attributions=maps)], 1)
    said = [row["value"].endswith(" ± 0.012") for row in rows]
    assert said == [a.method == "saliency" for a in analysis.attributions]


def test_without_falls_back_on_leave_one_out_and_else_on_a_dash():
    analysis = invented.analysis(reader=0)
    assert tables.word_rows([analysis], 1)[0]["without it"] == "\u2013"
    gone = tuple((0.4, 0.6) if i == 1 else None for i in range(len(analysis.tokens)))
    maps = tuple(
        dataclasses.replace(a, without=gone) if a.method == "leave_one_out" else a for a in analysis.attributions
    )
    known = dataclasses.replace(analysis, attributions=maps)
    assert tables.without(known, 1) == (0.4, 0.6)[analysis.target]
    assert tables.without(known, 2) is None


def test_a_flip_is_said():
    analysis = invented.analysis(reader=0)
    flipped = (0.9, 0.1) if analysis.prediction.predicted == 1 else (0.1, 0.9)
    (row,) = tables.removal_rows([analysis], 1, {analysis.model.id: removal(analysis, flipped, "masked")})
    assert row["now predicts"].endswith("(flipped)")
    assert row["how"] == "masked"
    assert tables.removal_rows([analysis], 99, {analysis.model.id: removal(analysis, flipped)}) == []


def test_prediction_rows_are_complete():
    analyses = invented.compare(readers=2)
    rows = tables.prediction_rows(analyses)
    assert len(rows) == 4
    assert sum(r["probability"] for r in rows) == pytest.approx(2.0)
    assert sum(bool(r["predicted"]) for r in rows) == 2
