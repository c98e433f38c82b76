"""Hard attention: what is chosen, what the gradients are worth, and that REINFORCE is unbiased."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states
from scipy import special, stats
from tiny_classifiers import TEXT, fingerprint, ids_of, same_fingerprint, tiny
from toy_data import TELLING, recipe, toy

from models.attribution import METHODS
from models.attribution.expected_gradients import integrate
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.experiments.ladder import StateGradient, ladder
from models.masking import masked_top
from models.poolers import POOLERS
from models.records import Request
from models.training.trainer import train

HARD = ("hard_attention", "hard_reinforce")
each_hard = pytest.mark.parametrize("name", HARD)


def build(name="hard_attention", size=SIZE, **options):
    return Variant(name, options).build(size=size)


@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_the_k_best_scores_are_chosen_and_a_short_text_as_a_whole(k):
    pooler, (hidden, mask) = build(k=k), states()
    scores, weights = pooler.scores(hidden).detach(), pooler.attention(hidden, mask).detach()
    for row, real in enumerate(mask.sum(1).tolist()):
        chosen = np.argsort(scores[row, :real].numpy())[::-1][: min(k, real)]
        expected = np.zeros(6)
        expected[chosen] = 1 / len(chosen)
        np.testing.assert_array_equal(weights[row].numpy(), expected)
        np.testing.assert_allclose(pooler(hidden, mask)[row].detach(), hidden[row, chosen.copy()].mean(0), rtol=1e-12)


@each_hard
def test_the_scores_behind_the_choice_are_shown_as_a_distribution(name):
    pooler, (hidden, mask) = build(name), states()
    (shown,) = pooler.maps(hidden, mask).values()
    for row, real in enumerate(mask.sum(1).tolist()):
        expected = special.softmax(pooler.scores(hidden)[row, :real].detach().numpy())
        np.testing.assert_allclose(shown[row, :real].detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, [0.5, 0, 0.5, 0]),
        (2, [0.5, 0, 0.5, 0]),
        (3, [1 / 3, 1 / 6, 1 / 3, 1 / 6]),
        (4, [0.25] * 4),
    ],
)
def test_tokens_tied_at_the_last_place_divide_it_evenly(k, expected):
    logits, mask = torch.tensor([[3.0, 1.0, 3.0, 1.0, 7.0]]), torch.tensor([[True] * 4 + [False]])
    torch.testing.assert_close(masked_top(logits, mask, k), torch.tensor([[*expected, 0.0]]))


def test_training_draws_without_replacement_by_the_scores():
    """Gumbel top-k: the chance of a pair is Plackett–Luce's, the sum over both orders."""
    pooler, hidden = build(k=2).train(), states(lengths=(4,))[0]
    n = 20_000
    torch.manual_seed(0)
    with torch.no_grad():
        scores = pooler.scores(hidden)[0].numpy()
        # States that name their token let the choice be read off the vector.
        pooler.scores = lambda _: torch.from_numpy(scores).expand(n, 4)
        pooler.state_size = 4
        drawn = pooler(torch.eye(4, dtype=torch.float64).expand(n, 4, 4), torch.ones(n, 4, dtype=torch.bool))
    chance = special.softmax(scores)
    pairs = list(itertools.combinations(range(4), 2))
    expected = [chance[i] * chance[j] * (1 / (1 - chance[i]) + 1 / (1 - chance[j])) for i, j in pairs]
    found = [int(((drawn[:, i] == 0.5) & (drawn[:, j] == 0.5)).sum()) for i, j in pairs]
    assert sum(found) == n
    assert stats.chisquare(found, n * np.array(expected)).pvalue > 0.01
    assert stats.chisquare(found).pvalue < 1e-6, "a choice that ignores the scores would pass as well"


def test_maps_and_shares_are_without_noise_in_training_too():
    pooler, (hidden, mask) = build().train(), states()
    expected = build()(hidden, mask)
    for _ in range(5):
        torch.testing.assert_close(pooler.contributions(hidden, mask).sum(1), expected)
    assert len({tuple(pooler(hidden, mask)[0].tolist()) for _ in range(50)}) > 1


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_surrogate_is_the_gradient_of_a_softmax(training, temperature):
    """∂/∂s_i Σ_j w_j u_j ≈ y_i (u_i − Σ_j y_j u_j) / τ, y = softmax((s + g)/τ), u_j = c·h_j."""
    pooler, (hidden, mask) = build(k=2, temperature=temperature).train(training), states(lengths=(6, 4))
    scores = pooler.scores(hidden).detach().requires_grad_()
    pooler.scores = lambda _: scores
    head = torch.arange(1.0, SIZE + 1, dtype=torch.float64)
    torch.manual_seed(4)
    (gradient,) = torch.autograd.grad((pooler(hidden, mask) @ head).sum(), scores)
    torch.manual_seed(4)
    noise = -torch.empty_like(scores).exponential_().log() if training else torch.zeros_like(scores)
    for row, real in enumerate((6, 4)):
        y = special.softmax(((scores + noise)[row, :real] / temperature).detach().numpy())
        u = (hidden[row, :real] @ head).numpy()
        np.testing.assert_allclose(gradient[row, :real], y * (u - y @ u) / temperature, rtol=1e-9)
        assert bool((gradient[row, real:] == 0).all())


@each_hard
def test_away_from_ties_the_true_derivative_is_the_one_with_the_choice_held(name):
    pooler, (hidden, mask) = build(name), states(lengths=(6, 4))
    gap = pooler.scores(hidden).masked_fill(~mask, -math.inf).topk(2).values
    assert bool((gap[:, 0] - gap[:, 1] > 1e-3).all())
    head = torch.arange(1.0, SIZE + 1, dtype=torch.float64)
    leaf, step = hidden.clone().requires_grad_(), 1e-6
    numbers = torch.zeros_like(hidden)
    for place in itertools.product(*map(range, hidden.shape)):
        up, down = hidden.clone(), hidden.clone()
        up[place] += step
        down[place] -= step
        numbers[place] = ((pooler(up, mask) - pooler(down, mask)) @ head).sum().detach() / (2 * step)
    (held,) = torch.autograd.grad((pooler.held(leaf, mask) @ head).sum(), leaf)
    (attached,) = torch.autograd.grad((pooler(leaf, mask) @ head).sum(), leaf)
    torch.testing.assert_close(held, numbers, rtol=1e-7, atol=1e-7)
    # Only the straight-through pooler lets anything else through, and its sentence says so.
    assert torch.allclose(attached, numbers, atol=1e-7) == (name == "hard_reinforce")
    assert ("surrogate" in pooler.surrogate) == (name == "hard_attention")


@each_hard
def test_maps_made_of_gradients_through_the_choice_say_what_they_are(name):
    classifier = tiny("bilstm", name)
    reading = Reading(classifier, ids_of(classifier))
    for method in METHODS.values():
        found = method()(reading, 1)
        # Attention × gradient takes the weights as they stand, and some methods do not apply here.
        differentiates = method.family in {"gradient", "path"} or method.name == "rollout_gradient"
        through = differentiates and found.values is not None
        assert (classifier.pooler.surrogate in (found.warning or "")) == through, method.name
    assert StateGradient()(reading, 1).warning == classifier.pooler.surrogate
    adds = {rung.name: rung.adds for rung in ladder(classifier, Request(TEXT)).rungs}
    assert [rung for rung, words in adds.items() if classifier.pooler.surrogate in words] == ["state_gradient"]
    assert METHODS["input_gradient"](attention="detached")(reading, 1).warning is None
    assert classifier.pooler.surrogate.endswith(".")
    soft = tiny("bilstm", "attention")
    assert METHODS["saliency"]()(Reading(soft, ids_of(soft)), 1).warning is None


def test_a_map_that_is_not_there_gets_no_second_sentence():
    classifier = tiny("embedding", "hard_attention")
    classifier.table.weight[ids_of(classifier)[0]] = math.nan
    found = METHODS["saliency"]()(Reading(classifier, ids_of(classifier)), 0)
    assert found.values is None
    assert found.warning is None


def test_integrated_gradients_miss_the_jumps_of_the_choice_and_nothing_else():
    """Between jumps the logit is linear in α: the scores are W·e_i times the part of the path on which i is chosen."""
    classifier = tiny("identity", "hard_reinforce", double=True)
    reading = Reading(classifier, ids_of(classifier))
    weight = classifier.head.weight[2]
    # Far corners make the first choices of the path differ from its last.
    reading.embeddings.mul_(8)
    alphas = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    with torch.no_grad():
        path = alphas[:, None, None] * reading.embeddings
        chosen = classifier.pooler.scores(path).argmax(1)
    assert len(chosen.unique()) > 1, "no jump on the path: nothing to see"
    part = torch.bincount(chosen, minlength=len(reading)) / len(alphas)
    expected = part * (reading.embeddings[0] @ weight)
    torch.testing.assert_close(integrate(reading, 2, 512), expected, rtol=0, atol=2e-2 * float(expected.abs().max()))
    at = (chosen[1:] != chosen[:-1]).nonzero().flatten()
    said = reading.embeddings[0] @ weight
    jumps = sum(float(alphas[i] * (said[chosen[i + 1]] - said[chosen[i]])) for i in at)
    change = float(said[chosen[-1]])
    assert float(expected.sum()) == pytest.approx(change - jumps, abs=1e-3 * abs(change))
    assert abs(jumps) > 0.05 * abs(change)


@each_hard
def test_the_error_of_integrated_gradients_is_the_one_that_is_there(name):
    classifier = tiny("embedding", name)
    reading = Reading(classifier, ids_of(classifier))
    found = METHODS["integrated_gradients"]()(reading, 2)
    empty = classifier.from_embeddings(torch.zeros_like(reading.embeddings), reading.mask)
    change = float(reading.logits[0, 2] - empty[0, 2])
    assert found.change == pytest.approx(change, abs=1e-6)
    assert found.delta == pytest.approx(sum(found.values) - change, abs=1e-5)
    assert ("still miss the change" in found.warning) == (abs(found.delta) > 0.01 * abs(change))
    assert "still miss the change" in found.warning, "this text was to have a jump"
    assert classifier.pooler.surrogate in found.warning


def exact(pooler, hidden, mask, loss, bonus):
    """E_{i∼a}[loss_i] − β H(a) by enumeration of every token."""
    rows = []
    for h, keep in zip(hidden, mask, strict=True):
        a = pooler.scores(h[keep][None])[0].softmax(0)
        rows.append(sum(a[i] * loss(h[keep][i]) for i in range(len(a))) + bonus * (a * a.log()).sum())
    return torch.stack(rows).mean()


@pytest.mark.parametrize("bonus", [0.0, 0.3])
def test_reinforce_is_unbiased(bonus):
    """Mean of 400 × 50 one-sample gradients within 4 standard errors of the enumerated one, in every component."""
    pooler = build("hard_reinforce", size=3, entropy_bonus=bonus).train()
    hidden, mask = states(lengths=(4, 2), size=3, seed=3)
    target = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    leaves = [hidden.requires_grad_(), *pooler.parameters()]

    def loss(pooled):
        return 2 + (pooled - target).square().sum(-1)

    torch.manual_seed(0)
    many = 50
    samples, values = [], []
    for _ in range(400):
        value = pooler.objective(hidden.repeat(many, 1, 1), mask.repeat(many, 1), loss)
        samples.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, leaves)]))
        values.append(float(value.detach()))
    expected_value = exact(pooler, hidden, mask, loss, bonus)
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(expected_value, leaves)])
    found = torch.stack(samples)
    error = found.std(0) / math.sqrt(len(samples))
    assert bool(((found.mean(0) - expected).abs() <= 4 * error + 1e-12).all())
    assert abs(np.mean(values) - float(expected_value.detach())) <= 4 * np.std(values) / math.sqrt(len(values))
    # Narrow enough to see a wrong estimator: without the score term only the states would feel anything.
    scorer = expected[hidden.numel() :]
    assert bool((error[hidden.numel() :] < 0.1 * scorer.abs().max()).all())


def test_a_constant_in_the_loss_is_taken_out_by_the_baseline():
    pooler, (hidden, mask) = build("hard_reinforce").train(), states()
    grown = []
    for constant in (0.0, 100.0):
        torch.manual_seed(2)
        value = pooler.objective(hidden, mask, lambda pooled, c=constant: pooled.square().sum(-1) + c)
        grown.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, list(pooler.parameters()))]))
    torch.testing.assert_close(grown[0], grown[1], rtol=1e-9, atol=1e-12)
    assert bool((grown[0].abs() > 1e-3).any())


def test_where_nothing_is_to_be_won_only_the_entropy_acts():
    """A loss that is the same for all tokens leaves −β ∇H, with nothing random in it."""
    pooler, (hidden, mask) = build("hard_reinforce", entropy_bonus=0.7).train(), states(lengths=(6, 4))
    value = pooler.objective(hidden, mask, lambda pooled: torch.full((2,), 3.0, dtype=torch.float64))
    maps = [special.softmax(pooler.scores(hidden)[row, :n].detach().numpy()) for row, n in enumerate((6, 4))]
    assert float(value.detach()) == pytest.approx(3 - 0.7 * np.mean([stats.entropy(a) for a in maps]), rel=1e-12)
    parameters = list(pooler.parameters())
    gradients = torch.autograd.grad(value, parameters)
    expected = torch.autograd.grad(exact(pooler, hidden, mask, lambda _: 3.0, 0.7), parameters)
    for left, right in zip(gradients, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-12)


def test_the_objective_samples_and_keeps_nothing():
    classifier, (hidden, mask) = tiny("identity", "hard_reinforce", size=SIZE), states(torch.float32)
    pooler = classifier.pooler
    before = fingerprint(classifier)
    seeds = [0, 1, 2, 0]
    values = []
    for seed in seeds:
        torch.manual_seed(seed)
        values.append(float(pooler.objective(hidden, mask, lambda pooled: pooled.sum(-1))))
    assert values[0] == values[3]
    assert len(set(values)) > 1
    assert same_fingerprint(before, fingerprint(classifier))
    assert torch.equal(pooler.train()(hidden, mask), pooler.eval()(hidden, mask))


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("hard_attention", {"k": 0}, "k came as 0; expected the number of tokens to choose, 1 or more"),
        ("hard_attention", {"temperature": 0.0}, "temperature came as 0.0; expected a positive number"),
        ("hard_attention", {"temperature": math.inf}, "temperature came as inf"),
        ("hard_attention", {"temperature": math.nan}, "temperature came as nan"),
        ("hard_reinforce", {"entropy_bonus": -0.1}, "entropy_bonus came as -0.1; expected a number of 0 or more"),
        ("hard_reinforce", {"entropy_bonus": math.nan}, "entropy_bonus came as nan"),
    ],
)
def test_what_no_choice_can_be_made_with_is_refused(name, options, sentence):
    with pytest.raises(PoolScopeError, match=sentence):
        POOLERS[name](SIZE, **options)


each_recipe = pytest.mark.parametrize(("name", "options"), [(HARD[0], {}), (HARD[0], {"k": 2}), (HARD[1], {})])


@each_recipe
def test_the_telling_word_is_found(name, options):
    trained = train(recipe(pooler=name, pooler_options=options, epochs=12, patience=12), toy())
    assert trained.metrics["test"]["accuracy"] >= 0.95
    # One class may be read off the absence of the other's words; never both.
    texts = {word: f"the film was a {word} plot" for words in TELLING for word in words}
    readings = {w: Reading(trained.classifier, ids_of(trained.classifier, text)) for w, text in texts.items()}
    assert sum(float(reading.weights[0, 4]) > 0 for reading in readings.values()) >= 2


@each_recipe
def test_the_same_seed_gives_the_same_weights(name, options):
    settings = {"pooler": name, "pooler_options": options, "epochs": 2}
    first, again, other = (train(recipe(seed=seed, **settings), toy(train=32)) for seed in (1, 1, 2))
    left = first.classifier.state_dict()
    assert all(torch.equal(left[n], value) for n, value in again.classifier.state_dict().items())
    assert not all(torch.equal(left[n], value) for n, value in other.classifier.state_dict().items())
    assert first.history[1]["loss"] == again.history[1]["loss"] != other.history[1]["loss"]
