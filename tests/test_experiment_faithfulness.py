"""Faithfulness and plausibility against plain loops, scikit-learn and least squares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from experiment_readings import TWO, frozen
from sklearn.metrics import average_precision_score, f1_score, jaccard_score
from tiny_classifiers import TEXT, fingerprint, same_fingerprint

from models.attribution import METHODS
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.experiments.faithfulness import MAPS, TextFaithfulness
from models.experiments.gauss import GENTLE, POINTS, integrated
from models.experiments.removal import OPERATORS, in_embeddings, without
from models.experiments.shaken import RADIUS, moved, sensitivity, shakes
from models.metrics.faithfulness import (
    PARTS,
    aopc,
    chances,
    count_of,
    first_flip,
    infidelity,
    infidelity_interval,
    log_odds,
    order,
    soft,
    steps,
)
from models.metrics.plausibility import judge
from models.text import PAD


def probability(classifier, ids):
    """By a reading of its own."""
    return Reading(classifier, ids).probabilities[0].tolist()


@pytest.mark.parametrize("pooler", ["attention", "max", "hierarchical"])
def test_words_are_taken_out_as_the_operator_says(pooler):
    state = frozen(pooler=pooler, labels=TWO)
    reading, classifier = state.reading, state.classifier
    ids = reading.ids[0].tolist()
    gone = np.zeros((3, len(ids)), dtype=bool)
    gone[0, [1, 4]] = True
    gone[1, :-1] = True
    kept = [[i for n, i in enumerate(ids) if not row[n]] for row in gone]
    assert without(reading, gone, "delete")[0].tolist() == pytest.approx(probability(classifier, kept[0]), abs=1e-6)
    assert without(reading, gone, "delete")[1].tolist() == pytest.approx(probability(classifier, kept[1]), abs=1e-6)
    for operator, word in (("mask", classifier.unknown), ("pad", PAD)):
        row = [word if gone[0, n] else i for n, i in enumerate(ids)]
        assert without(reading, gone, operator)[0].tolist() == pytest.approx(probability(classifier, row), abs=1e-6)
    words = torch.arange(len(classifier.vocabulary))
    embeddings = reading.embeddings.clone()
    embeddings[0, [1, 4]] = classifier.alone(words[words != PAD]).mean(0)
    expected = classifier.from_embeddings(embeddings, reading.mask).softmax(-1)[0].tolist()
    assert without(reading, gone, "mean")[0].tolist() == pytest.approx(expected, abs=1e-6)
    for operator in OPERATORS:
        assert without(reading, gone, operator)[2].tolist() == pytest.approx(probability(classifier, ids), abs=1e-6)


def test_a_text_without_words_is_one_unknown_word_and_special_tokens_stay():
    state = frozen(labels=TWO)
    everything = np.ones((1, state.count), dtype=bool)
    expected = probability(state.classifier, [state.classifier.unknown])
    assert without(state.reading, everything, "delete")[0].tolist() == pytest.approx(expected, abs=1e-6)
    pieces = frozen(pieces=True, labels=TWO)
    ids = pieces.reading.ids[0].tolist()
    gone = np.zeros((1, pieces.count), dtype=bool)
    gone[0, 1] = True
    expected = probability(pieces.classifier, [*ids[:3], *ids[5:]])
    assert without(pieces.reading, gone, "delete")[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("pooler", ["attention", "max"])
def test_every_number_of_a_map_by_a_plain_loop(operator, pooler):
    state = frozen(pooler=pooler, labels=TWO)
    found = TextFaithfulness(operator=operator).run(state)
    row = next(row for row in found.rows if row.name == "input_gradient")
    n, scores = state.count, row.scores
    c = state.label

    def p(words):
        gone = np.array([[i in words for i in range(n)]])
        return without(state.reading, gone, operator)[0]

    whole = float(state.reading.probabilities[0, c])
    ranked = sorted(range(n), key=lambda i: -scores[i])
    tops = [set(ranked[: max(1, math.ceil(part * n))]) for part in PARTS]
    drops = [whole - float(p(top)[c]) for top in tops]
    keeps = [whole - float(p(set(range(n)) - top)[c]) for top in tops]
    assert row.comprehensiveness == pytest.approx(sum(drops) / 5, abs=1e-6)
    assert row.comprehensiveness_printed == pytest.approx(sum(drops) / 6, abs=1e-6)
    assert row.sufficiency == pytest.approx(sum(keeps) / 5, abs=1e-6)
    assert row.sufficiency_printed == pytest.approx(sum(keeps) / 6, abs=1e-6)
    after = whole - drops[3]
    assert row.log_odds == pytest.approx(math.log(after / (1 - after) * (1 - whole) / whole), abs=1e-4)
    flips = [k / n for k in range(1, n + 1) if int(p(set(ranked[:k])).argmax()) != c]
    assert row.flip == (flips[0] if flips else None)
    assert row.spread[0] <= row.comprehensiveness + 1e-9
    assert row.comprehensiveness <= row.spread[1] + 1e-9
    oracle = next(row for row in found.rows if row.name == "oracle")
    single = [whole - float(p({i})[c]) for i in range(n)]
    ranked = sorted(range(n), key=lambda i: -single[i])
    best = [whole - float(p(set(ranked[: count_of(part, n)]))[c]) for part in PARTS]
    assert oracle.comprehensiveness == pytest.approx(sum(best) / 5, abs=1e-6)


def test_floors_ceiling_and_what_is_no_better_than_chance():
    found = TextFaithfulness(seed=3).run(frozen(labels=TWO))
    rows = {row.name: row for row in found.rows}
    assert list(rows) == [*(name for name, _ in MAPS), "oracle", "random", "reversed"]
    assert rows["oracle"].comprehensiveness >= rows["reversed"].comprehensiveness
    assert found.random_band[0] <= rows["random"].comprehensiveness <= found.random_band[1]
    for name, _ in MAPS:
        assert rows[name].beyond == (rows[name].comprehensiveness > found.random_band[1])
    assert found.forwards > 50
    assert found.reused > 0


@pytest.mark.parametrize("large", ["encoder", "text"])
def test_what_takes_long_is_left_out_unless_asked_for_and_the_finding_says_so(large, monkeypatch):
    state = frozen(labels=TWO)
    full = TextFaithfulness(seed=3).run(state)
    limit = {"encoder": ("LARGE", 10), "text": ("LONG", 5)}[large]
    monkeypatch.setattr(f"models.experiments.frozen.{limit[0]}", limit[1])
    quick = TextFaithfulness(seed=3).run(frozen(labels=TWO))
    assert full.left_out == ""
    assert quick.left_out.endswith("Choose “everything” above for all of it.")
    assert quick.forwards < full.forwards / 3
    before, rows = ({row.name: row for row in one.rows} for one in (full, quick))
    assert list(rows) == [*(name for name, _ in MAPS), "random"]
    for name in ("integrated_gradients", "leave_one_out"):
        assert rows[name].comprehensiveness is None
        assert "left out here" in rows[name].reason
    # What is measured is what it was: no number is an approximation of another.
    for name in ("attention", "exact_share", "saliency", "input_gradient"):
        for measure in ("comprehensiveness", "sufficiency", "log_odds"):
            assert getattr(rows[name], measure) == pytest.approx(getattr(before[name], measure), abs=1e-6)
        assert rows[name].flip is None or rows[name].flip >= before[name].flip
        assert (rows[name].soft_sufficiency, rows[name].infidelity, rows[name].sensitivity) == (None,) * 3
    assert (quick.random, full.random) == (4, 20)
    assert not rows["random"].followed
    # Orders and their reverse: the four are two pairs, and every word stands in each pair as early as late.
    drawn = TextFaithfulness(seed=3)._random(state, 4, paired=True)
    assert [sorted(np.argsort(one).tolist()) for one in drawn] == [list(range(state.count))] * 4
    assert [order(one) for one in drawn[2:]] == [order(one)[::-1] for one in drawn[:2]]
    assert drawn[0] != drawn[1]
    again = TextFaithfulness(seed=3, rounds="everything").run(frozen(labels=TWO))
    assert again.left_out == ""
    assert {row.name: row.infidelity for row in again.rows} == {row.name: row.infidelity for row in full.rows}


def test_shakes_are_read_once_for_all_maps(monkeypatch):
    made = []
    monkeypatch.setattr("models.experiments.bench.shakes", lambda *asked: made.append(asked) or shakes(*asked))
    TextFaithfulness(seed=3).run(frozen(labels=TWO))
    assert len(made) == 1


def test_a_map_that_does_not_apply_keeps_its_row_and_its_reason():
    rows = {row.name: row for row in TextFaithfulness().run(frozen(pooler="max", labels=TWO)).rows}
    assert rows["attention"].comprehensiveness is None
    assert rows["attention"].reason.endswith(".")
    assert rows["leave_one_out"].sensitivity is None
    assert rows["saliency"].sensitivity > 0


def test_soft_removal_by_certain_chances_is_removal():
    state = frozen(labels=TWO)
    reading = state.reading
    zero = torch.zeros_like(reading.embeddings)
    kept = torch.ones(1, len(reading), dtype=torch.bool)
    kept[0, 3] = False
    embeddings = reading.embeddings.clone()
    embeddings[0, 3] = 0
    expected = reading.classifier.from_embeddings(embeddings, reading.mask).softmax(-1)[0].tolist()
    assert in_embeddings(reading, kept, zero)[0].tolist() == pytest.approx(expected, abs=1e-6)
    rows = {row.name: row for row in TextFaithfulness().run(state).rows}
    found = rows["saliency"].soft_comprehensiveness
    assert found.low <= found.mean <= found.high
    assert found.sd > 0
    assert found.high - found.low == pytest.approx(2 * 1.96 * found.sd / math.sqrt(20), rel=0.35)


def test_soft_measures_by_hand():
    # p = .9 and .5 of a text of zeros: S0 = .6. Without .7, alone .85.
    comprehensiveness, sufficiency = soft(0.9, 0.5, 0.7, 0.85)
    assert comprehensiveness == pytest.approx(0.2 / 0.4)
    assert sufficiency == pytest.approx((0.95 - 0.6) / 0.4)
    assert all(math.isnan(x) for x in soft(0.5, 0.9, 0.5, 0.5))
    assert chances([2.0, -1.0, 1.0]).tolist() == [1.0, 0.0, 0.5]
    assert chances([-1.0, 0.0]).tolist() == [0.0, 0.0]


def test_infidelity_is_what_least_squares_leaves():
    random = np.random.default_rng(4)
    scores, gone = random.normal(size=7), random.random((50, 7)) < 0.5
    drops = gone @ scores * 0.3 + random.normal(size=50) * 0.2
    told = gone @ scores
    residual = np.linalg.lstsq(told[:, None], drops, rcond=None)[1][0]
    assert infidelity(scores.tolist(), gone, drops) == pytest.approx(residual / (drops @ drops))
    assert infidelity((5 * scores).tolist(), gone, told) == pytest.approx(0, abs=1e-12)
    assert infidelity([0.0] * 7, gone, drops) == 1.0
    assert infidelity(scores.tolist(), gone, np.zeros(50)) is None


def test_sensitivity_is_the_largest_of_the_moved_maps_and_leaves_the_classifier_alone():
    state = frozen(labels=TWO)
    reading, classifier = state.reading, state.classifier
    before = fingerprint(classifier)
    found = sensitivity(METHODS["attention"](), reading, Target(0), shakes(reading, 7))
    generator = torch.Generator().manual_seed(7)
    own, changes = reading.weights[0], []
    for _ in range(5):
        noise = 2 * torch.rand(reading.embeddings.shape, generator=generator) - 1
        embeddings = reading.embeddings + RADIUS * reading.embeddings.std() * noise
        weights = classifier.pooler.attention(classifier.encode(embeddings, reading.mask), reading.mask)[0]
        changes.append(float((weights - own).norm() / own.norm()))
    assert found == pytest.approx(max(changes), rel=1e-4)
    assert sensitivity(METHODS["leave_one_out"](), reading, Target(0), shakes(reading, 7)) is None
    assert same_fingerprint(before, fingerprint(classifier))
    moved(classifier, torch.zeros_like(reading.embeddings))
    assert torch.equal(classifier.embed(reading.ids), reading.embeddings)


@pytest.mark.parametrize("encoder", ["bilstm", "transformer"])
def test_path_sensitivity_is_captums_rule_over_the_moved_texts_and_near_the_true_integrals(encoder):
    from captum.attr import IntegratedGradients

    state = frozen(encoder=encoder, labels=TWO)
    reading, classifier = state.reading, state.classifier
    shaken = shakes(reading, 7)
    found = sensitivity(METHODS["integrated_gradients"](max_steps=64), reading, Target(1), shaken)
    path = IntegratedGradients(lambda texts: classifier.from_embeddings(texts, reading.mask.expand(len(texts), -1)))
    steps_of = GENTLE if classifier.encoder.smooth else POINTS
    maps = {}
    for count in (steps_of, 300):
        maps[count] = [
            path.attribute(one.embeddings, target=1, method="gausslegendre", n_steps=count).sum(-1)[0].double()
            for one in (reading, *shaken)
        ]  # fmt: skip
    ours = integrated([reading, *shaken], Target(1), torch.zeros_like(reading.embeddings))
    assert torch.allclose(ours, torch.stack(maps[steps_of]), atol=1e-6)
    near, true = (max(float((one - own).norm() / own.norm()) for one in others) for own, *others in maps.values())
    assert found == pytest.approx(near, rel=1e-4)
    assert found == pytest.approx(true, rel=0.05)


def test_a_path_in_several_batches_is_the_path_in_one(monkeypatch):
    reading = frozen(labels=TWO).reading
    origin = torch.zeros_like(reading.embeddings)
    whole = integrated([reading, reading], Target(0), origin)
    heard = []
    reading.ledger.between = heard.append
    monkeypatch.setattr("models.experiments.gauss.rows_per_chunk", lambda tokens: 4)
    parts = integrated([reading, reading], Target(0), origin)
    assert torch.allclose(parts, whole, atol=1e-6)
    assert heard == [4, 4, 4, 4, 2]


def test_the_interval_of_infidelity_is_that_of_its_values():
    random = np.random.default_rng(5)
    scores, gone = random.normal(size=6), random.random((30, 6)) < 0.5
    drops = gone @ scores * 0.3 + random.normal(size=30) * 0.2
    picks = random.integers(30, size=(50, 30))
    each = [infidelity(scores.tolist(), gone[pick], drops[pick]) for pick in picks]
    expected = np.quantile(each, (0.025, 0.975)).tolist()
    assert infidelity_interval(scores.tolist(), gone, drops, picks) == pytest.approx(expected, abs=1e-12)
    assert infidelity_interval([0.0] * 6, gone, drops, picks) == (1.0, 1.0)
    assert infidelity_interval(scores.tolist(), gone, np.zeros(30), picks) is None


def test_orders_parts_flips_and_odds():
    assert order([0.1, 0.5, 0.5, -2]) == [1, 2, 0, 3]
    assert [count_of(part, 20) for part in PARTS] == [1, 1, 2, 4, 10]
    assert count_of(0.5, 1) == 1
    assert first_flip([0, 0, 1, 0], [0.1, 0.2, 0.7, 1.0], 0) == 0.7
    assert first_flip([0, 0], [0.5, 1.0], 0) is None
    assert steps(4, 9) == [1, 2, 3, 4]
    assert steps(100, 12) == [1, 10, 19, 28, 37, 46, 55, 64, 73, 82, 91, 100]
    assert aopc(0.9, [0.4, 0.9]) == pytest.approx((0.25, 0.5 / 3))
    assert log_odds(0.5, 0.2) == pytest.approx(math.log(0.25))
    assert math.isfinite(log_odds(1.0, 0.0))


@pytest.mark.parametrize("seed", range(6))
def test_plausibility_is_scikit_learns(seed):
    random = np.random.default_rng(seed)
    scores = random.normal(size=9).round(1 if seed % 2 else 6)
    marks = set(random.permutation(9)[: 1 + seed].tolist())
    found = judge(scores.tolist(), marks)
    truth = [i in marks for i in range(9)]
    assert found.auprc == pytest.approx(average_precision_score(truth, scores))
    top = set(order(scores.tolist())[: len(marks)])
    chosen = [i in top for i in range(9)]
    assert found.token_f1 == pytest.approx(f1_score(truth, chosen))
    assert found.iou == pytest.approx(jaccard_score(truth, chosen))
    assert found.found == (found.iou >= 0.5)
    assert found.base == pytest.approx(len(marks) / 9)


@pytest.mark.parametrize("marks", [(), (0, 1, 2), (7,)])
def test_nothing_or_everything_marked_is_a_sentence(marks):
    found = judge([0.1, 0.2, 0.3], marks)
    assert found.auprc is None
    assert found.reason.startswith("Mark at least one")


def test_two_texts_do_not_get_one_table():
    first, second = (TextFaithfulness().run(frozen(text=text, labels=TWO)).rows[1] for text in (TEXT, TEXT[:30]))
    assert first.comprehensiveness != second.comprehensiveness
