"""The disagreement figure: every pair once, reasons instead of zeros, the least alike first, user text escaped."""

from __future__ import annotations

import pytest
import viz_records as invented
from test_viz_figures import table

from models.disagreement import disagreements
from viz.disagreement import FEW, NAMES, disagreement_rows, matrix, pair_rows, pair_table
from viz.wording import DASH, tau


@pytest.fixture
def made():
    return invented.analysis("never <script>x</script> quite good 好 🙂 bad")


@pytest.mark.parametrize("measure", NAMES)
def test_every_pair_stands_once_below_the_diagonal(made, measure):
    found = disagreements(made, 3)
    head, *rows = table(matrix(made, found, measure))
    titles = [a.title for a in made.attributions]
    assert [cell["text"] for cell in head[1:]] == titles[:-1]
    assert [row[0]["text"] for row in rows] == titles[1:]
    values = {(d.left, d.right): d.of(measure).value for d in found}
    keys = [a.key for a in made.attributions]
    for place, row in enumerate(rows, start=1):
        shown = [cell["text"] for cell in row[1:]]
        assert shown[place:] == [""] * (len(titles) - 1 - place)
        for other, text in zip(keys[:place], shown[:place], strict=True):
            value = values[other, keys[place]]
            assert text == tau(value) if value is not None else text.startswith(DASH)


def test_a_dash_leads_to_its_reason_and_is_no_negative_number(made):
    drawn = matrix(made, disagreements(made, 3), "sign_agreement")
    assert f"{DASH}¹" in drawn
    assert "¹ attention and attention × norm: strength only" in drawn
    assert f"{DASH} 1" not in drawn
    assert "at k = 3" in drawn
    assert "at k" not in matrix(made, disagreements(made, 3), "spearman")


@pytest.mark.parametrize("measure", NAMES)
def test_the_pairs_that_agree_least_come_first_and_undefined_ones_last(made, measure):
    found = disagreements(made, 3)
    rows = pair_rows(made, found, measure)
    shown = [row[NAMES[measure]] for row in rows]
    values = [float(text.replace("−", "-")) for text in shown if text != DASH]
    assert values == sorted(values)
    assert all(text == DASH for text in shown[len(values) :])
    assert len(rows) == len(found)
    assert len(table(pair_table(made, found, measure))) == 1 + FEW
    assert len(table(pair_table(made, found, measure, every=True))) == 1 + len(found)


def test_the_words_behind_a_pair_are_named_with_ranks_and_parts_and_escaped(made):
    found = disagreements(made, 3)
    rows = {row["maps"]: row for row in pair_rows(made, found, "spearman")}
    d = found[1]
    titles = {a.key: a.title for a in made.attributions}
    gap = d.gaps[0]
    told = rows[f"{titles[d.left]} ~ {titles[d.right]}"]["words that stand furthest apart"]
    assert told.startswith(f"“{made.tokens[gap.index].text}” {gap.left:g} → {gap.right:g} ({gap.part * 100:.0f}")
    drawn = pair_table(made, found, "spearman", every=True)
    assert "<script" not in drawn
    assert "&lt;" in drawn


def test_one_map_is_a_sentence_and_rows_hold_every_number(made):
    alone = invented.analysis(methods=invented.METHODS[:1])
    assert "Two maps or more" in matrix(alone, disagreements(alone, 5), "spearman")
    assert pair_table(alone, (), "spearman") == ""
    found = disagreements(made, 3)
    rows = disagreement_rows([(made, found)])
    assert len(rows) == len(found) * len(NAMES)
    assert {row["measure"] for row in rows} == set(NAMES)
    assert all((row["value"] is None) == bool(row["reason"]) for row in rows)
