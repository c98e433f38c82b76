"""Experiments against independent roads: enumeration of all permutations, scipy's optimiser, plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from experiment_readings import TEXTS, TWO, frozen
from scipy.optimize import minimize
from scipy.stats import kendalltau
from tiny_classifiers import TEXT, fingerprint, same_fingerprint, tiny

from models.analysis import analyse
from models.errors import PoolScopeError
from models.experiment_records import ExperimentCall, Trial
from models.experiments import EXPERIMENTS
from models.experiments.base import NotHereError, perform
from models.experiments.conicity import StateConicity, permuted_margin
from models.experiments.correlation import AttentionCorrelation
from models.experiments.erasure import ErasedAttention
from models.experiments.imposed import dealt, dial, impose, turned
from models.experiments.permutation import PermutedAttention, shuffles
from models.experiments.sanity import SanityChecks, forgetful
from models.experiments.smallest_edit import SmallestEditExperiment, moves
from models.poolers import POOLERS
from models.records import MethodCall, Request


@pytest.mark.parametrize("pooler", list(POOLERS))
@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_on_every_pooler_answers_or_says_why_and_leaves_it_as_it_was(name, pooler):
    classifier = tiny("bilstm", pooler, labels=TWO)
    before = fingerprint(classifier)
    first = perform(classifier, Request(TEXT), ExperimentCall(name), EXPERIMENTS)
    again = perform(classifier, Request(TEXT), ExperimentCall(name), EXPERIMENTS)
    assert (first.finding, first.reason) == (again.finding, again.reason)
    assert same_fingerprint(before, fingerprint(classifier))
    if first.finding is None:
        assert first.reason.endswith(".")
        assert first.reason.count("\n") == 0


@pytest.mark.parametrize("name", list(EXPERIMENTS))
@pytest.mark.parametrize("text", ["good", "good good", "zzz zzz zzz"])
def test_texts_of_few_or_equal_words_end_in_a_finding_or_a_sentence(name, text):
    for pooler in ("attention", "apln", "max", "sparsemax"):
        found = perform(tiny("bilstm", pooler, labels=TWO), Request(text), ExperimentCall(name), EXPERIMENTS)
        assert isinstance(found, Trial)
        assert (found.finding is None) == bool(found.reason)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_facts_are_sentences(name):
    facts = EXPERIMENTS[name].facts()
    assert facts["question"].endswith("?")
    assert all(facts[key].endswith((".", ").")) for key in ("claim", "protocol", "shows", "shows_not"))


def test_deleted_words_are_left_out():
    found = perform(tiny(labels=TWO), Request(TEXT, deleted=(0, 3)), ExperimentCall("permutation"), EXPERIMENTS)
    assert 0 not in found.kept
    assert len(found.finding.weights) == len(found.kept) == len(found.tokens) - 2


def test_permutation_is_the_classifier_under_the_same_shuffles():
    state = frozen(labels=TWO)
    found = PermutedAttention(seed=4).run(state)
    reading, changes = state.reading, []
    p = reading.probabilities[0].tolist()
    for order in shuffles(state, 4).tolist():
        weights = reading.weights[0][order].unsqueeze(0)
        pooled = reading.classifier.pool(reading.hidden, reading.mask, weights)
        q = reading.classifier.decide(pooled).softmax(-1)[0].tolist()
        changes.append(sum(abs(x - y) for x, y in zip(p, q, strict=True)) / 2)
    assert list(found.changes) == pytest.approx(changes, abs=1e-6)
    assert found.median == pytest.approx(float(np.median(changes)), abs=1e-6)
    assert found.largest == pytest.approx(float(reading.weights.max()))
    assert len({tuple(order) for order in shuffles(state, 4).tolist()}) > 90


def test_permuted_shares_of_max_pooling_are_sums_of_states():
    state = frozen(pooler="max", labels=TWO)
    found = PermutedAttention().run(state)
    assert found.shared
    hidden, shares = state.reading.hidden[0], state.pooler.shares(state.reading.hidden, state.reading.mask)[0]
    order = shuffles(state, 1)[7]
    pooled = sum(shares[order[i]] * hidden[i] for i in range(len(hidden)))
    q = state.classifier.decide(pooled.unsqueeze(0)).softmax(-1)[0]
    assert found.changes[7] == pytest.approx(float((q - state.reading.probabilities[0]).abs().sum() / 2), abs=1e-6)


def test_the_quarter_of_the_largest_weight():
    found = PermutedAttention().run(frozen(pooler="hard_attention", labels=TWO))
    assert (found.largest, found.section) == (1.0, 3)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("labels", [TWO, ("a", "b", "c")])
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_the_smallest_edit_is_what_scipy_finds(text, labels, seed):
    state = frozen(encoder="identity", text=text, labels=labels, seed=seed)
    own, c = state.own.numpy(), state.label
    values, bias = state.values.numpy(), state.classifier.head.bias.numpy()

    def kl(a):
        return float(np.sum(a * np.log(np.maximum(a, 1e-300) / own)))

    best = math.inf
    for k in range(len(labels)):
        if k == c:
            continue
        v, b = values[:, c] - values[:, k], float(bias[c] - bias[k])
        if (v + b).min() >= 0:
            continue
        start = 0.9 * np.eye(len(own))[v.argmin()] + 0.1 * own
        done = minimize(
            kl, start, method="SLSQP", bounds=[(1e-12, 1)] * len(own), options={"maxiter": 500, "ftol": 1e-12},
            constraints=[{"type": "eq", "fun": lambda a: a.sum() - 1},
                         {"type": "ineq", "fun": lambda a, v=v, b=b: -(v @ a + b)}],
        )  # fmt: skip
        best = min(best, done.fun)
    if best == math.inf:
        with pytest.raises(NotHereError, match="No weights"):
            SmallestEditExperiment().run(state)
        return
    found = SmallestEditExperiment().run(state)
    assert found.divergence == pytest.approx(best, abs=2e-5)
    logits = sorted(found.after.logits)
    assert logits[-1] == pytest.approx(logits[-2], abs=1e-8)
    assert sum(found.found) == pytest.approx(1, abs=1e-6)
    left = [a + sum(m.mass for m in found.moves if m.target == i) - sum(m.mass for m in found.moves if m.source == i)
            for i, a in enumerate(found.weights)]  # fmt: skip
    assert left == pytest.approx(list(found.found), abs=1e-9)
    assert sum(m.mass for m in found.moves) == pytest.approx(found.moved, abs=1e-9)


def test_moves_lead_from_losers_to_winners():
    found = moves((0.5, 0.3, 0.2), (0.1, 0.4, 0.5))
    assert [(m.source, m.target) for m in found] == [(0, 2), (0, 1)]
    assert [m.mass for m in found] == pytest.approx([0.3, 0.1])


@pytest.mark.parametrize("pooler", ["attention", "apln", "scaled_dot", "hierarchical"])
def test_the_dial_at_the_readers_own_weights_changes_nothing(pooler):
    state = frozen(pooler=pooler, labels=TWO)
    found = dial(state, state.shown.tolist())
    assert (found.distance, found.change) == pytest.approx((0, 0), abs=1e-6)
    assert found.before.probabilities == pytest.approx(state.reading.probabilities[0].tolist(), abs=1e-5)


def test_the_dial_is_the_classifier_with_those_weights():
    classifier = tiny(labels=TWO)
    words = len(classifier.read(TEXT).tokens)
    found = impose(classifier, Request(TEXT), [3.0 if i == 2 else 1.0 for i in range(words)])
    state = frozen(labels=TWO)
    weights = torch.ones(1, words)
    weights[0, 2] = 3
    pooled = classifier.pool(state.reading.hidden, state.reading.mask, weights / weights.sum())
    assert classifier.decide(pooled).softmax(-1)[0].tolist() == pytest.approx(list(found.after.probabilities), abs=1e-6)
    assert found.weights[2] == pytest.approx(3 / (words + 2))


@pytest.mark.parametrize("weights", [[1.0], [0.0] * 12, [-1.0] + [1.0] * 11, [math.nan] * 12, [1e308] * 12])
def test_weights_that_are_none_are_refused_in_a_sentence(weights):
    with pytest.raises(PoolScopeError, match=r"\.$"):
        impose(tiny(labels=TWO), Request("The film is not bad , but it never quite comes alive"), weights)


def test_a_word_turned_takes_from_the_others_in_proportion():
    assert turned((0.2, 0.3, 0.5), 0, 0.6) == pytest.approx((0.6, 0.15, 0.25))
    assert turned((1.0, 0.0, 0.0), 0, 0.5) == pytest.approx((0.5, 0.25, 0.25))
    assert turned((0.4, 0.4), 1, 0.0) == pytest.approx((0.8, 0.0))
    assert turned((0.7,), 0, 0.1) == (0.7,)


def test_weights_are_dealt_anew_and_nothing_is_lost():
    weights = tuple(i / 45 for i in range(10))
    assert dealt(weights, 1) == dealt(weights, 1) != dealt(weights, 2)
    assert sorted(dealt(weights, 1)) == sorted(weights)


def test_pieces_share_a_words_weight_as_they_shared_it_before():
    state = frozen(pieces=True, labels=TWO)
    assert state.count < len(state.places) < len(state.own)
    assert state.of_words(state.by_word(state.own)).tolist() == pytest.approx(state.own.tolist(), abs=1e-12)


@pytest.mark.parametrize("pooler", ["attention", "apln", "max", "mean", "structured"])
def test_erasure_is_the_classifier_without_those_words(pooler):
    state = frozen(pooler=pooler, labels=TWO)
    found = ErasedAttention().run(state)
    reading, classifier = state.reading, state.classifier
    weights = reading.classifier.pooler.own_weights(reading.hidden, reading.mask)
    shown = np.array(found.weights)
    order = np.argsort(-shown, kind="stable")
    expected, flip = [], None
    for gone in range(len(shown)):
        keep = torch.ones(1, len(shown), dtype=torch.bool)
        keep[0, order[:gone].tolist()] = False
        if weights is None:
            pooled = classifier.pool(reading.hidden, keep)
        else:
            left = weights * (keep if weights.dim() == 2 else keep.unsqueeze(-1))
            pooled = classifier.pool(reading.hidden, reading.mask, left / left.sum(1, keepdim=True))
        p = classifier.decide(pooled).softmax(-1)[0]
        expected.append(float(p[state.label]))
        if flip is None and int(p.argmax()) != state.label:
            flip = gone / len(shown)
    first = found.curves[0]
    assert list(first.probabilities) == pytest.approx(expected, abs=1e-5)
    assert first.flip == flip
    assert first.area == pytest.approx(np.trapezoid(expected, first.fractions) / first.fractions[-1], abs=1e-5)
    assert found.heaviest == int(order[0])
    assert len(found.curves) == 4
    assert len({curve.probabilities for curve in found.curves}) >= 3


def test_a_curve_ends_where_no_weight_is_left():
    found = ErasedAttention().run(frozen(pooler="hard_attention", labels=TWO))
    assert found.curves[0].fractions == (0.0,)
    assert found.effects[found.heaviest] is None
    assert found.stronger is None


def test_correlation_is_kendalls_of_maps_made_by_other_means():
    classifier = tiny(labels=TWO)
    found = AttentionCorrelation().run(frozen(labels=TWO))
    calls = (MethodCall("attention"), MethodCall("input_gradient", (("attention", "detached"),)),
             MethodCall("leave_one_out"))  # fmt: skip
    said = analyse(classifier, Request(TEXT, calls, scalar="probability"))
    attention, gradient, removal = (np.abs(a.scores) for a in said.attributions)
    for agreement, left, right in ((found.weights_gradient, attention, gradient),
                                   (found.weights_removal, attention, removal),
                                   (found.gradient_removal, gradient, removal)):  # fmt: skip
        expected = kendalltau(left, right)
        assert agreement.value == pytest.approx(expected.statistic, abs=1e-9)
        assert agreement.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_the_predicted_effect_of_a_shuffle_is_that_of_all_of_them():
    random = np.random.default_rng(3)
    a, u = random.dirichlet(np.ones(6)), random.normal(size=6)
    changes = [a[list(order)] @ u - a @ u for order in itertools.permutations(range(6))]
    spread, mean = permuted_margin(a.tolist(), u.tolist())
    assert spread == pytest.approx(math.sqrt(np.mean(np.square(changes))))
    assert mean == pytest.approx(np.mean(changes))


def test_the_cone_is_what_numpy_measures():
    state = frozen(labels=TWO)
    found = StateConicity().run(state)
    h = state.reading.hidden[0].double().numpy()
    cosines = h @ h.mean(0) / np.linalg.norm(h, axis=1) / np.linalg.norm(h.mean(0))
    assert found.conicity == pytest.approx(np.abs(cosines).mean())
    points = np.array(found.points)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.linalg.norm(h, axis=1))
    assert points[:, 0] / np.linalg.norm(points, axis=1) == pytest.approx(cosines)
    assert {np.sign(y) for _, y in found.points} == {-1.0, 1.0}
    assert 0.6 < found.measured / found.predicted < 1.5


def test_a_ray_of_states_has_conicity_one_and_no_effect():
    state = frozen(text="good good good good", encoder="identity", labels=TWO)
    found = StateConicity().run(state)
    assert found.conicity == pytest.approx(1)
    assert found.predicted == pytest.approx(0, abs=1e-6)
    assert found.measured == pytest.approx(0, abs=1e-6)


def test_forgetting_touches_one_part_of_a_copy():
    classifier = tiny(labels=TWO)
    before = fingerprint(classifier)
    other = forgetful(classifier, "encoder", 1)
    assert same_fingerprint(before, fingerprint(classifier))
    assert other.head is classifier.head
    assert other.table is classifier.table
    for old, new in zip(classifier.encoder.parameters(), other.encoder.parameters(), strict=True):
        assert not torch.equal(old, new)
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)


def test_word_embeddings_that_an_encoder_does_not_read_are_neither_dealt_nor_copied():
    classifier = tiny(labels=TWO)
    classifier.encoder.register_parameter("word_embeddings", torch.nn.Parameter(torch.randn(50, 3)))
    before = fingerprint(classifier)
    other = forgetful(classifier, "encoder", 1)
    assert other.encoder.word_embeddings is classifier.encoder.word_embeddings
    assert not torch.equal(other.encoder.lstm.weight_ih_l0, classifier.encoder.lstm.weight_ih_l0)
    assert not any(p.requires_grad for name, p in other.encoder.named_parameters() if "word" not in name)
    assert same_fingerprint(before, fingerprint(classifier))


def test_attention_cannot_see_the_head_and_is_flagged():
    cells = {(c.part, c.method): c for c in SanityChecks().run(frozen(labels=TWO)).cells}
    assert cells["head", "attention"].same
    assert cells["head", "attention"].tau == pytest.approx(1)
    assert not cells["encoder", "attention"].same
    assert not cells["head", "exact_share"].same
    assert cells["pooler", "attention"].tau < 0.99


def test_the_maps_of_a_forgetful_reader_are_its_own():
    state = frozen(labels=TWO)
    found = SanityChecks(seed=5).run(state)
    cell = next(c for c in found.cells if (c.part, c.method) == ("encoder", "saliency"))
    request = Request(TEXT, (MethodCall("saliency"),), target=state.label)
    old, new = (analyse(c, request).attributions[0].scores
                for c in (state.classifier, forgetful(state.classifier, "encoder", 5)))  # fmt: skip
    assert cell.taus[0] == pytest.approx(kendalltau(old, new).statistic, abs=1e-9)


def test_parts_without_anything_learned_are_skipped():
    found = SanityChecks().run(frozen(pooler="max", labels=TWO))
    assert [part for part, _ in found.skipped] == ["pooler"]
    assert {cell.part for cell in found.cells} == {"head", "encoder"}
