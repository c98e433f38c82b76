"""Shapley values against the definition, the axioms, closed forms, and code that others wrote."""

from __future__ import annotations

import itertools
from math import factorial

import captum.attr
import numpy as np
import pytest
import torch
from tiny_classifiers import PAIRS, tiny

from models.attribution import METHODS
from models.attribution import kernel_shap as kernel
from models.attribution import shapley_sampling as sampling
from models.attribution.game import Game
from models.attribution.reading import Reading
from models.attribution.shapley_exact import shapley

TARGET = 1
IDS = (5, 2, 9, 7, 12, 3)
MIXED = [("bilstm", "attention"), ("cnn", "max"), ("transformer", "apln"), ("embedding", "learned_norm")]
mixed = pytest.mark.parametrize(("encoder", "pooler"), MIXED)
exactly = dict(rel=1e-9, abs=1e-9)


def logit(classifier, ids):
    """The logit of ids by a plain forward; nothing left is one unknown word."""
    row = torch.tensor([list(ids) or [classifier.unknown]])
    return float(classifier(row, torch.ones_like(row, dtype=torch.bool))[0, TARGET])


def by_definition(classifier, ids):
    """Mean gain over all n! orders, one forward per coalition, no code of ours but the classifier."""
    worth = {
        kept: logit(classifier, [ids[i] for i in kept])
        for size in range(len(ids) + 1)
        for kept in itertools.combinations(range(len(ids)), size)
    }
    values = np.zeros(len(ids))
    for order in itertools.permutations(range(len(ids))):
        for place, word in enumerate(order):
            before = order[:place]
            values[word] += worth[tuple(sorted((*before, word)))] - worth[tuple(sorted(before))]
    return values / factorial(len(ids))


def scores(name, classifier, ids=IDS, **params):
    return METHODS[name](**params)(Reading(classifier, ids), TARGET)


def presence(classifier, ids):
    """A function of presence vectors (B, n), for libraries that know no text."""

    def worth(rows):
        return np.array([logit(classifier, np.array(ids)[np.asarray(row) > 0.5]) for row in rows])

    return worth


def of_tensors(classifier, ids):
    worth = presence(classifier, ids)
    return lambda rows: torch.tensor(worth(rows))


@pytest.mark.parametrize(("encoder", "pooler"), PAIRS)
def test_exact_values_are_the_mean_gain_over_all_orders(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    ids = IDS[:5]
    assert scores("shapley_exact", classifier, ids).values == pytest.approx(by_definition(classifier, ids), **exactly)


@mixed
def test_exact_values_are_those_of_the_shap_package(encoder, pooler):
    shap = pytest.importorskip("shap", reason="the package shap of the authors of Kernel SHAP is not installed")
    classifier = tiny(encoder, pooler, double=True)
    explainer = shap.KernelExplainer(presence(classifier, IDS), np.zeros((1, len(IDS))))
    theirs = explainer.shap_values(np.ones((1, len(IDS))), nsamples=2 ** len(IDS), silent=True, l1_reg=False)[0]
    assert scores("shapley_exact", classifier).values == pytest.approx(theirs, abs=1e-8)


@mixed
def test_exact_values_are_captums(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    theirs = captum.attr.ShapleyValues(of_tensors(classifier, IDS[:5])).attribute(torch.ones(1, 5))
    # Captum adds up in single precision.
    assert scores("shapley_exact", classifier, IDS[:5]).values == pytest.approx(theirs[0].tolist(), abs=1e-6)


@mixed
def test_kernel_shap_over_all_coalitions_is_exact(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    exact = scores("shapley_exact", classifier).values
    found = scores("kernel_shap", classifier, budget=64)
    assert found.forwards == 2 ** len(IDS) - 1
    assert found.values == pytest.approx(exact, abs=1e-9)
    single = tiny(encoder, pooler)
    assert scores("kernel_shap", single, budget=64).values == pytest.approx(
        scores("shapley_exact", single).values, abs=1e-6
    )


@mixed
def test_kernel_shap_comes_nearer_to_the_truth_than_captums_at_the_same_budget(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    ids = (5, 2, 9, 7, 12, 3, 14, 6, 4, 11)
    exact = np.array(scores("shapley_exact", classifier, ids).values)
    ours, theirs = [], []
    for seed in range(1, 9):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # Captum draws from the global generators
        captums = captum.attr.KernelShap(of_tensors(classifier, ids))
        theirs.append(captums.attribute(torch.ones(1, len(ids)), n_samples=128)[0].numpy())
        ours.append(scores("kernel_shap", classifier, ids, budget=128, seed=seed).values)
    ours, theirs = np.abs(np.array(ours) - exact), np.abs(np.array(theirs) - exact)
    assert ours.mean() < 0.7 * theirs.mean()
    assert ours.mean() < 0.3 * np.abs(exact).mean()


@pytest.mark.parametrize("players", [2, 3, 8, 9, 40])
@pytest.mark.parametrize("budget", [32, 64, 256, 600])
def test_coalitions_come_in_pairs_once_each_and_every_size_weighs_what_the_kernel_gives_it(players, budget):
    rows, weights = kernel.chosen(players, budget, seed=3)
    assert len(rows) == len(weights) == max(2 * players if players > 2 else 2, min(budget, 2**players - 2))
    assert weights.sum() == pytest.approx(1)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert (rows[: len(rows) // 2] == ~rows[len(rows) // 2 :]).all()
    sizes = rows.sum(1)
    there = sorted(set(sizes))
    mass = {k: 1 / (k * (players - k)) for k in there}
    assert min(there) == 1
    assert max(there) == players - 1
    assert (sizes == 1).sum() == players
    for k in there:
        assert weights[sizes == k].sum() == pytest.approx(mass[k] / sum(mass.values()))


def test_every_text_gets_its_two_coalitions_per_word_whatever_the_budget():
    rows, weights = kernel.chosen(50, 32, seed=1)
    assert len(rows) == 100
    assert weights.sum() == pytest.approx(1)
    assert np.linalg.matrix_rank(rows.astype(float)) == 50


def test_the_regression_finds_an_additive_game_from_any_coalitions():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=9)
    rows, weights = kernel.chosen(9, 64, seed=2)
    found = kernel.solved(rows, weights, rows @ truth, float(truth.sum()))
    assert found == pytest.approx(truth, abs=1e-12)


@mixed
def test_sampled_values_come_as_near_as_their_errors_say(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    reading = Reading(classifier, IDS)
    exact = METHODS["shapley_exact"]()(reading, TARGET).values
    found = [METHODS["shapley_sampling"](permutations=8, seed=seed)(reading, TARGET) for seed in range(1, 100)]
    off = np.array([one.values for one in found]) - exact
    spread = np.sqrt(np.square(off).mean(0))
    said = np.sqrt(np.square([one.errors for one in found]).mean(0))
    # Unbiased: the mean of 99 is off by no more than four of its own standard errors.
    assert (np.abs(off.mean(0)) < 4 * spread / np.sqrt(99)).all()
    # And the squared standard errors are, on average, the squared errors really made.
    assert said == pytest.approx(spread, rel=0.25)


def test_mirrored_orders_err_less_than_as_many_free_ones():
    classifier = tiny("bilstm", "attention", double=True)
    exact = np.array(scores("shapley_exact", classifier).values)
    reading = Reading(classifier, IDS)
    game = Game(reading, TARGET)
    free, paired = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        orders = np.stack([rng.permutation(len(IDS)) for _ in range(8)])
        free.append(sampling.joined(game, orders, game.empty()).mean(0) - exact)
        paired.append(sampling.joined(game, sampling.mirrored(len(IDS), 4, seed), game.empty()).mean(0) - exact)
    assert np.square(paired).mean() < 0.8 * np.square(free).mean()


def test_sampling_is_captums_over_the_same_orders():
    classifier = tiny("bilstm", "attention", double=True)
    orders = sampling.mirrored(len(IDS), 4, seed=1)
    captums = captum.attr.ShapleyValueSampling(of_tensors(classifier, IDS))
    captums.permutation_generator = lambda *_: iter(orders.tolist())
    theirs = captums.attribute(torch.ones(1, len(IDS)), n_samples=len(orders))
    found = scores("shapley_sampling", classifier, permutations=8)
    # Captum adds up in single precision.
    assert found.values == pytest.approx(theirs[0].tolist(), abs=1e-6)


def test_the_standard_error_is_that_of_independent_pairs():
    classifier = tiny("cnn", "attention", double=True)
    game = Game(Reading(classifier, IDS), TARGET)
    gains = sampling.joined(game, sampling.mirrored(len(IDS), 5, seed=4), game.empty())
    pairs = (gains[::2] + gains[1::2]) / 2
    expected = np.sqrt(((pairs - pairs.mean(0)) ** 2).sum(0) / 4 / 5)
    assert scores("shapley_sampling", classifier, permutations=10, seed=4).errors == pytest.approx(expected)


COMPLETE = [("shapley_exact", {}), ("shapley_sampling", {"permutations": 4}), ("kernel_shap", {"budget": 32})]
complete = pytest.mark.parametrize(("name", "params"), COMPLETE)


@mixed
@complete
def test_efficiency(name, params, encoder, pooler):
    classifier = tiny(encoder, pooler)
    found = scores(name, classifier, **params)
    change = logit(classifier, IDS) - logit(classifier, [])
    assert sum(found.values) == pytest.approx(change, abs=2e-6)
    assert found.change == pytest.approx(change, abs=2e-6)
    assert abs(found.delta) < 1e-12


def test_symmetry_of_interchangeable_words():
    # Without an encoder that sees places, two equal words are interchangeable.
    classifier = tiny("embedding", "attention", double=True)
    values = scores("shapley_exact", classifier, (5, 9, 5, 7, 5)).values
    assert values[0] == pytest.approx(values[2], **exactly)
    assert values[0] == pytest.approx(values[4], **exactly)
    assert values[1] != pytest.approx(values[3], abs=1e-3)


def test_a_dummy_gets_nothing_and_games_add_up():
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, 2**4))
    # A fifth player who never changes anything.
    padded = np.concatenate([left, left])
    assert shapley(padded)[4] == pytest.approx(0, abs=1e-12)
    assert shapley(padded)[:4] == pytest.approx(shapley(left))
    assert shapley(left + right) == pytest.approx(shapley(left) + shapley(right))


def test_a_word_the_maximum_never_takes_is_a_dummy():
    classifier = tiny("identity", "max", size=1, double=True)
    with torch.no_grad():
        classifier.table.weight[:7, 0] = torch.tensor([0.0, -2.0, 5.0, -9.0, 1.0, 3.0, -4.0], dtype=torch.float64)
    for name, params in COMPLETE:
        # The unknown word, which stands for nobody, is −2.
        values = np.array(scores(name, classifier, (2, 4, 5), **params).values)
        alone = float(classifier.head.weight[TARGET, 0])
        # max of {5, 1, 3} over −2: 1 is shared by three, 3 − 1 by two, 5 − 3 by one.
        shares = np.array([3 / 3 + 2 / 2 + 2, 3 / 3, 3 / 3 + 2 / 2])
        if name == "shapley_sampling":
            assert values.sum() == pytest.approx(alone * shares.sum())
        else:
            assert values == pytest.approx(alone * shares)


def test_an_additive_game_has_each_words_own_part():
    # A mean is no additive game, a sum is: undo the division.
    classifier = tiny("identity", "mean", double=True)
    mean = classifier.pooler.forward
    classifier.pooler.forward = lambda hidden, mask, *rest: mean(hidden, mask, *rest) * mask.sum(1, keepdim=True)
    assert classifier.table.weight[classifier.unknown].any()
    classifier.table.weight[classifier.unknown] = 0.0
    parts = [float(classifier.table.weight[i] @ classifier.head.weight[TARGET]) for i in IDS]
    for name, params in COMPLETE:
        found = scores(name, classifier, **params)
        assert found.values == pytest.approx(parts, abs=1e-9)
        if found.errors is not None:
            assert max(found.errors) < 1e-12
    assert scores("kernel_shap", classifier).fit == pytest.approx(1)


def test_a_game_of_pairs_is_not_additive_and_the_fit_says_so():
    found = scores("kernel_shap", tiny("bilstm", "max", double=True))
    assert found.fit < 0.999


@complete
def test_one_word_gets_the_whole_change(name, params):
    classifier = tiny()
    found = scores(name, classifier, (7,), **params)
    assert found.values == pytest.approx([logit(classifier, [7]) - logit(classifier, [])], abs=1e-6)
    assert found.delta == 0


@pytest.mark.parametrize(("words", "refused"), [(12, False), (13, True)])
def test_twelve_words_are_the_most(words, refused):
    found = scores("shapley_exact", tiny("embedding", "mean"), tuple(range(2, 2 + words)))
    assert (found.values is None) == refused
    if refused:
        assert found.reason == (
            "Exact Shapley values need every one of 2ⁿ coalitions, which is done for 12 words or fewer; "
            "this text has 13: take Shapley sampling or Kernel SHAP."
        )
    else:
        # The text itself is known from its reading.
        assert found.forwards == 2**12 - 1


def test_pieces_of_a_word_come_and_go_together_and_special_ids_stay():
    classifier = tiny("bilstm", "attention", double=True)
    ids, owners = (17, 5, 6, 7, 8, 18), (-1, 0, 0, 1, 2, -1)
    found = METHODS["shapley_exact"]()(Reading(classifier, ids, owners), TARGET)

    def worth(kept):
        places = [i for i, owner in enumerate(owners) if owner < 0 or owner in kept]
        row = [ids[i] for i in places]
        return logit(classifier, row if kept else [17, classifier.unknown, 18])

    expected = np.zeros(3)
    for order in itertools.permutations(range(3)):
        for place, word in enumerate(order):
            expected[word] += (worth(set(order[: place + 1])) - worth(set(order[:place]))) / 6
    assert found.values == pytest.approx([0, expected[0], 0, expected[1], expected[2], 0])


def test_another_seed_is_another_draw_and_the_same_seed_the_same():
    classifier = tiny()
    for name in ("shapley_sampling", "kernel_shap", "lime", "random_map"):
        ids = (*IDS, 4, 6, 8, 10)
        params = {} if name in {"shapley_sampling", "random_map"} else {"budget": 64}
        first, again = (scores(name, classifier, ids, seed=3, **params).values for _ in range(2))
        assert first == again
        assert scores(name, classifier, ids, seed=4, **params).values != first
