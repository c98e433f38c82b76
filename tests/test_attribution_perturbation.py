"""Occlusion, LIME and the floors against loops, closed forms and code that others wrote."""

from __future__ import annotations

import captum.attr
import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from sklearn.linear_model import Ridge
from tiny_classifiers import OTHER, PAIRS, TEXT, ids_of, tiny

from models.attribution import METHODS
from models.attribution import lime as ours
from models.attribution.fit import r_squared
from models.attribution.game import Game
from models.attribution.reading import Reading
from models.attribution.reversed_attention import turned

TARGET = 1
IDS = (5, 2, 9, 7, 12, 3, 4, 11)
pair = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)


def logit(classifier, ids):
    """The logit of ids by a plain forward; nothing left is one unknown word."""
    row = torch.tensor([list(ids) or [classifier.unknown]])
    return float(classifier(row, torch.ones_like(row, dtype=torch.bool))[0, TARGET])


def scores(name, classifier, ids=IDS, **params):
    return METHODS[name](**params)(Reading(classifier, ids), TARGET)


def presence(classifier, ids):
    """A function of presence vectors (B, n), for libraries that know no text."""

    def worth(rows):
        values = [logit(classifier, np.array(ids)[np.asarray(row) > 0.5]) for row in rows]
        return torch.tensor(values, dtype=torch.float64)

    return worth


@pair
@pytest.mark.parametrize("window", [1, 2, 5])
def test_occlusion_is_captums_over_windows_of_presence(encoder, pooler, window):
    classifier = tiny(encoder, pooler)
    theirs = captum.attr.Occlusion(presence(classifier, IDS)).attribute(torch.ones(1, len(IDS)), (window,))
    assert scores("occlusion", classifier, window=window).values == pytest.approx(theirs[0].tolist(), abs=5e-6)


def test_occlusion_of_one_word_is_leave_one_out_and_costs_nothing_after_it():
    reading = Reading(tiny(), IDS)
    removed = METHODS["leave_one_out"]()(reading, TARGET)
    found = METHODS["occlusion"](window=1)(reading, TARGET)
    assert found.values == removed.values
    assert (found.forwards, found.reused) == (8, 8)
    assert METHODS["occlusion"]()(reading, TARGET).values != removed.values


def test_a_word_at_the_end_counts_the_windows_that_hold_it():
    # On a mean without an encoder the logit of any selection is the mean of the words' own numbers.
    classifier = tiny("identity", "mean", double=True)
    own = np.array([logit(classifier, [i]) for i in IDS[:4]])
    drops = [own.mean() - np.delete(own, [i, i + 1]).mean() for i in range(3)]
    expected = [drops[0], (drops[0] + drops[1]) / 2, (drops[1] + drops[2]) / 2, drops[2]]
    assert scores("occlusion", classifier, IDS[:4], window=2).values == pytest.approx(expected)


@pytest.mark.parametrize("words", [2, 3, 5])
def test_a_window_as_long_as_the_text_is_refused(words):
    found = scores("occlusion", tiny(), IDS[:words], window=5)
    assert found.values is None
    assert found.reason == (
        f"A window of 5 words covers this text of {words}, and without it nothing is left to read; "
        "choose a smaller window."
    )


def test_leaving_a_word_out_takes_all_its_pieces():
    classifier = tiny()
    ids, owners = (17, 5, 6, 7, 8, 18), (-1, 0, 0, 1, 2, -1)
    found = METHODS["leave_one_out"]()(Reading(classifier, ids, owners), TARGET).values
    for places, first in (((1, 2), 1), ((3,), 3), ((4,), 4)):
        rest = [id_ for place, id_ in enumerate(ids) if place not in places]
        assert found[first] == pytest.approx(logit(classifier, ids) - logit(classifier, rest), abs=1e-6)
    assert found[0] == found[2] == found[5] == 0


def test_a_window_takes_all_pieces_of_its_words():
    classifier = tiny()
    reading = Reading(classifier, (17, 5, 6, 7, 8, 18), (-1, 0, 0, 1, 2, -1))
    full = logit(classifier, (17, 5, 6, 7, 8, 18))
    first, last = full - logit(classifier, (17, 8, 18)), full - logit(classifier, (17, 5, 6, 18))
    found = METHODS["occlusion"](window=2)(reading, TARGET).values
    assert found == pytest.approx([0, first, 0, (first + last) / 2, last, 0], abs=1e-6)


@pytest.mark.parametrize(("encoder", "pooler"), [("bilstm", "attention"), ("cnn", "max"), ("embedding", "apln")])
@pytest.mark.parametrize("width", [0.25, 0.5])
def test_lime_is_the_authors_fit_on_the_same_neighbours(encoder, pooler, width):
    lime_base = pytest.importorskip("lime.lime_base", reason="the package lime of LIME's authors is not installed")
    classifier = tiny(encoder, pooler, double=True)
    there = ours.neighbours(len(IDS), 96, seed=2)
    worth = presence(classifier, IDS)(there).numpy()
    # As in the authors' text explainer: cosine distance times 100, kernel sqrt(exp(−d²/w²)) with w = 25 by default.
    distances = 100 * (1 - np.sqrt(there.sum(1) / len(IDS)))
    base = lime_base.LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / (100 * width) ** 2)))
    _, told, fit, _ = base.explain_instance_with_data(
        there.astype(float), np.stack([worth, worth], 1), distances, 1, len(IDS), feature_selection="none"
    )
    found = scores("lime", classifier, budget=96, seed=2, kernel_width=width)
    assert found.values == pytest.approx([value for _, value in sorted(told)], abs=1e-10)
    assert found.fit == pytest.approx(fit, abs=1e-10)
    assert 0 < found.fit < 1


def test_limes_distance_is_the_cosine_to_the_whole_text():
    from sklearn.metrics import pairwise_distances

    there = np.vstack([ours.neighbours(9, 40, seed=1), np.zeros((1, 9), dtype=bool)])
    distance = pairwise_distances(there, there[:1], metric="cosine")[:, 0]
    assert ours.nearness(there, 0.25) == pytest.approx(np.exp(-(distance**2) / 2 / 0.0625))
    assert ours.nearness(there, 0.25)[0] == 1


def test_limes_neighbours_lose_any_number_of_words_alike():
    there = ours.neighbours(6, 4001, seed=1)
    assert there[0].all()
    assert not there[1:].all(1).any()
    counts = np.bincount((~there[1:]).sum(1), minlength=7)
    assert counts[1:] == pytest.approx([4000 / 6] * 6, rel=0.15)
    assert (~there[1:]).mean(0) == pytest.approx([3.5 / 6] * 6, rel=0.08)


def test_the_ridge_is_scikit_learns():
    rng = np.random.default_rng(3)
    inputs, worth, weights = rng.normal(size=(30, 5)), rng.normal(size=30), rng.random(30)
    theirs = Ridge(alpha=1.0).fit(inputs, worth, sample_weight=weights)
    values, told = ours.ridge(inputs, worth, weights)
    assert values == pytest.approx(theirs.coef_)
    assert told == pytest.approx(theirs.predict(inputs))
    assert r_squared(worth, told, weights) == pytest.approx(theirs.score(inputs, worth, sample_weight=weights))


def test_lime_is_near_captums_ridge_from_many_neighbours():
    from captum._utils.models.linear_model import SkLearnRidge

    classifier = tiny("bilstm", "attention", double=True)
    torch.manual_seed(1)
    there = ours.neighbours(len(IDS), 512, seed=5)
    rows = iter(torch.tensor(there[1:]).float().unsqueeze(1))
    captums = captum.attr.LimeBase(
        presence(classifier, IDS), SkLearnRidge(alpha=1.0),
        similarity_func=lambda _, __, row, **___: float(ours.nearness(row.numpy() > 0.5, 0.5)[0]),
        perturb_func=lambda *_, **__: next(rows), perturb_interpretable_space=True,
        from_interp_rep_transform=lambda row, *_, **__: row, to_interp_rep_transform=None,
    )  # fmt: skip
    theirs = captums.attribute(torch.ones(1, len(IDS)), n_samples=511)[0]
    found = scores("lime", classifier, budget=512, seed=5, kernel_width=0.5)
    # Captum's sample lacks the text itself, one neighbour of 512.
    assert found.values == pytest.approx(theirs.tolist(), abs=0.02 * float(theirs.abs().max()))


def test_the_fit_says_how_linear_the_neighbourhood_is():
    rng = np.random.default_rng(1)
    there = ours.neighbours(8, 200, seed=1).astype(float)
    weights, truth = np.ones(200), rng.normal(size=8)
    linear = ours.ridge(there, there @ truth, weights)[1]
    assert r_squared(there @ truth, linear, weights) > 0.99
    parity = there.sum(1) % 2
    assert r_squared(parity, ours.ridge(there, parity, weights)[1], weights) < 0.2
    assert r_squared(np.ones(200), np.ones(200), weights) is None


def test_all_methods_of_a_reading_share_one_account():
    classifier = tiny()
    reading = Reading(classifier, IDS)
    METHODS["shapley_exact"]()(reading, TARGET)
    for name in ("leave_one_out", "occlusion", "shapley_sampling", "kernel_shap", "lime"):
        found = METHODS[name]()(reading, TARGET)
        # Every coalition of eight words has been read by now.
        assert found.forwards == found.reused > 0
    assert reading.ledger.forwards == 2**8 - 1


def test_coalitions_in_slices_are_worth_the_same(monkeypatch):
    classifier = tiny("bilstm", "attention", double=True)
    rows = np.random.default_rng(1).random((50, len(IDS))) < 0.5
    whole = Game(Reading(classifier, IDS), TARGET)(rows)
    monkeypatch.setattr("models.attribution.game.ROWS", 7)
    assert Game(Reading(classifier, IDS), TARGET)(rows) == pytest.approx(whole, abs=1e-12)
    expected = [logit(classifier, np.array(IDS)[row]) for row in rows]
    assert whole == pytest.approx(expected, abs=1e-12)


def test_the_random_map_is_uniform_on_what_attention_can_be():
    classifier = tiny()
    maps = np.array([scores("random_map", classifier, seed=seed).values for seed in range(1, 100)])
    assert maps.min() > 0
    assert maps.sum(1) == pytest.approx(np.ones(99))
    # Dirichlet(1, …, 1) over n words: mean 1/n, variance (n − 1) / n² (n + 1).
    assert maps.mean() == pytest.approx(1 / 8)
    assert maps.var() == pytest.approx(7 / 64 / 9, rel=0.15)
    assert scores("random_map", classifier, IDS[::-1]).values != scores("random_map", classifier).values


@pair
def test_reversed_attention_ranks_the_other_way_round(encoder, pooler):
    classifier = tiny(encoder, pooler)
    if not classifier.pooler.attends:
        assert "no attention weights" in scores("reversed_attention", classifier).reason
        return
    weights, found = scores("attention", classifier).values, scores("reversed_attention", classifier).values
    assert sum(found) == pytest.approx(sum(weights), abs=1e-6)
    if len(set(weights)) == len(weights):
        assert sorted(found) == pytest.approx(sorted(weights))
        assert kendalltau(weights, found).statistic == pytest.approx(-1)


def test_tied_words_stay_tied_when_the_order_turns():
    assert turned(np.array([0.1, 0.4, 0.1, 0.3, 0.1])) == pytest.approx([0.8 / 3, 0.1, 0.8 / 3, 0.1, 0.8 / 3])
    assert turned(np.array([1.0, 0.0, 0.0])) == pytest.approx([0.0, 0.5, 0.5])
    assert turned(np.array([0.5, 0.5])) == pytest.approx([0.5, 0.5])


def test_floors_stand_at_words_and_not_at_pieces_or_special_ids():
    reading = Reading(tiny("bilstm", "attention"), (17, 5, 6, 7, 8, 18), (-1, 0, 0, 1, 2, -1))
    for name in ("uniform_map", "random_map", "reversed_attention"):
        values = METHODS[name]()(reading, TARGET).values
        assert [value > 0 for value in values] == [False, True, False, True, True, False]
    assert METHODS["uniform_map"]()(reading, TARGET).values[1] == pytest.approx(1 / 3)


def test_an_odd_number_of_orders_is_refused_in_a_sentence():
    from models.errors import PoolScopeError

    with pytest.raises(PoolScopeError, match="come in mirrored pairs, got 7; choose an even number of them"):
        METHODS["shapley_sampling"](permutations=7)


def test_two_texts_of_one_length_share_nothing():
    classifier = tiny()
    left, right = (Reading(classifier, ids_of(classifier, text)) for text in (TEXT, OTHER))
    for name in ("occlusion", "lime", "kernel_shap", "shapley_sampling"):
        assert METHODS[name]()(left, TARGET).values != METHODS[name]()(right, TARGET).values
