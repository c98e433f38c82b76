"""Where maps disagree: all pairs, only words that count, and the words whose ranks make the correlation fall."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import pytest
import viz_records as invented
from scipy import stats

from models.disagreement import disagreements


def test_every_pair_is_compared_over_kept_words_by_size():
    made = invented.analysis("the film is not bad but never quite alive")
    tokens = list(made.tokens)
    tokens[1] = dataclasses.replace(tokens[1], state="deleted")
    tokens[4] = dataclasses.replace(tokens[4], special=True)
    made = dataclasses.replace(made, tokens=tuple(tokens))
    found = disagreements(made, 3)
    assert [(d.left, d.right) for d in found] == list(combinations([a.key for a in made.attributions], 2))
    maps = {a.key: [abs(s) for i, s in enumerate(a.scores) if i not in (1, 4)] for a in made.attributions}
    for d in found:
        x, y = maps[d.left], maps[d.right]
        tops = [{i for i in sorted(range(len(v)), key=lambda i: -v[i])[:3]} for v in (x, y)]
        assert d.of("feature_agreement").value == pytest.approx(len(tops[0] & tops[1]) / 3)
        assert d.of("spearman").value == pytest.approx(stats.spearmanr(x, y).statistic)
        assert d.of("feature_agreement").n == 7
        assert not {gap.index for gap in d.gaps} & {1, 4}
        assert (d.of("sign_agreement").value is None) == (not (_signed(made, d.left) and _signed(made, d.right)))


def _signed(analysis, key):
    return next(a.signed for a in analysis.attributions if a.key == key)


def test_the_words_named_are_those_that_the_correlation_falls_by():
    made = invented.analysis()
    for d in disagreements(made, 5, most=99):
        left, right = (next(a for a in made.attributions if a.key == key) for key in (d.left, d.right))
        ranks = [stats.rankdata([-abs(s) for s in a.scores]) for a in (left, right)]
        squares = (ranks[0] - ranks[1]) ** 2
        n = len(squares)
        # Without ties ρ falls short of 1 by 6 Σ d² / (n (n² − 1)), and the parts are those of that sum.
        assert d.of("spearman").value == pytest.approx(1 - 6 * squares.sum() / (n * (n**2 - 1)))
        assert sum(gap.part for gap in d.gaps) == pytest.approx(1)
        for gap in d.gaps:
            assert (gap.left, gap.right) == (ranks[0][gap.index], ranks[1][gap.index])
            assert gap.part == pytest.approx(squares[gap.index] / squares.sum())
        assert [gap.part for gap in d.gaps] == sorted((gap.part for gap in d.gaps), reverse=True)
    assert all(len(d.gaps) <= 2 for d in disagreements(made, 5, most=2))


def test_a_map_that_is_not_there_is_a_reason():
    made = invented.analysis(reader=2)  # CNN · max, without attention
    gone = [d for d in disagreements(made, 5) if "attention" in (d.left, d.right)]
    assert gone
    for d in gone:
        assert d.of("rank_agreement").value is None
        assert "has no attention weights" in d.of("rank_agreement").reason
        assert d.of("spearman").value is None
        assert d.gaps == ()


def test_maps_of_one_order_have_no_word_to_blame():
    made = invented.analysis()
    one, other = made.attributions[0], made.attributions[1]
    made = dataclasses.replace(made, attributions=(one, dataclasses.replace(other, scores=one.scores)))
    (d,) = disagreements(made, 5)
    assert d.of("spearman").value == pytest.approx(1)
    assert d.gaps == ()
