"""Each kind of twin trained on a toy: it becomes what its loss asks for, and its loss is the published one."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from toy_data import recipe, toy

from models.assemble import assemble
from models.classifier import pad_batch
from models.errors import PoolScopeError
from models.training.batches import encode_splits, predict
from models.training.objective import Objective
from models.training.trainer import train
from models.twins import TWINS
from models.twins.adversarial import AdversarialTwin
from models.twins.answers import Answers
from models.twins.base import Material, objective
from models.twins.compare import Reference, distances
from models.twins.deceptive import DeceptiveTwin, most_attended
from models.twins.diversity import DiversityTwin
from models.twins.guided import GuidedTwin, guide_weights

DATA = toy(train=160, others=64)
RECIPE = recipe("bilstm", "attention", epochs=10, patience=10)
TELLING = ("dull", "bad", "great", "fine")


@pytest.fixture(scope="module")
def base():
    classifier = train(RECIPE, DATA).classifier
    return classifier.requires_grad_(False)


@pytest.fixture(scope="module")
def rows(base):
    return encode_splits(base, DATA)


def twin(aim, **changes):
    return train(dataclasses.replace(RECIPE, seed=2, **changes), DATA, objective=aim)


def parts(classifier, ids, mask):
    """Attention and probabilities, one text after another."""
    hidden = classifier.encode(classifier.embed(ids), mask)
    weights = classifier.pooler.attention(hidden, mask)
    return weights.detach().numpy(), classifier(ids, mask).softmax(1).detach().numpy()


def batch(rows, count=6):
    ids, mask = pad_batch(rows["test"][:count])
    return ids, mask, torch.tensor(DATA.splits["test"].labels[:count])


def loss(aim, classifier, ids, mask, target):
    with torch.no_grad():
        return float(aim.loss(classifier, ids, mask, classifier.encode(classifier.embed(ids), mask), target))


def fresh(seed=5):
    """A classifier over the toy's words with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    return train(dataclasses.replace(RECIPE, seed=seed, epochs=1), DATA).classifier.eval()


def test_every_kind_has_its_facts_and_makes_itself(base, rows):
    options = {"adversarial": {"lambda": 0.1}, "deceptive": {"lambda": 0.1, "words": 3}, "diversity": {"lambda": 0.5}}
    material = Material(base, rows["train"], lambda _: base)
    for name, kind in TWINS.items():
        assert kind.question.endswith("?")
        assert all((kind.title, kind.formula, kind.source))
        assert isinstance(kind.make({**options.get(name, {}), "of": "toy/bilstm/attention"}, material), kind)
    assert objective(RECIPE, TWINS, material) is None
    assert isinstance(objective(dataclasses.replace(RECIPE, twin="guided"), TWINS, material), GuidedTwin)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("adversarial", {}, "adversarial twin: options none came; expected lambda"),
        ("diversity", {"lambda": -1}, "diversity twin: lambda came as -1; expected a number of 0 or more"),
        ("diversity", {"lambda": "much"}, "diversity twin: lambda came as 'much'"),
        ("seed", {"lambda": 1}, "seed twin: options lambda came; expected none"),
        ("sibling", {}, "unknown kind of twin 'sibling'; choose one of: adversarial, deceptive"),
    ],
)
def test_options_without_meaning_are_refused(base, rows, kind, options, sentence):
    made = dataclasses.replace(RECIPE, twin=kind, twin_options=tuple(options.items()))
    with pytest.raises(PoolScopeError, match=sentence):
        objective(made, TWINS, Material(base, rows["train"], lambda _: base))


def test_a_base_without_attention_has_no_such_twins(base):
    mean = assemble(dataclasses.replace(RECIPE, pooler="mean"), ("a", "b"), base.vocabulary)
    for make in (lambda: AdversarialTwin(mean, 1), lambda: DeceptiveTwin(mean, ("bad",), 1), lambda: GuidedTwin(mean)):
        with pytest.raises(PoolScopeError, match="toy/bilstm/mean has no attention to .*; expected one that has"):
            make()
    with pytest.raises(PoolScopeError, match="forbidden words xyzzy came; expected one or more words that"):
        DeceptiveTwin(base, ("bad", "xyzzy"), 1)


def test_the_uniform_twin_attends_evenly_and_is_mean_pooling(base, rows):
    even = assemble(dataclasses.replace(RECIPE, pooler_options={"uniform": True}), ("a", "b"), base.vocabulary)
    mean = assemble(dataclasses.replace(RECIPE, pooler="mean"), ("a", "b"), base.vocabulary)
    assert not list(even.pooler.parameters())
    assert even.spec.title == "BiLSTM · Attention, uniform"
    mean.load_state_dict(even.state_dict())
    ids, mask, _ = batch(rows)
    weights, _ = parts(even.eval(), ids, mask)
    lengths = mask.sum(1, keepdim=True).numpy()
    np.testing.assert_allclose(weights, mask.numpy() / lengths, atol=1e-7)
    torch.testing.assert_close(even(ids, mask), mean.eval()(ids, mask))


def test_adversarial_loss_by_hand(base, rows):
    ids, mask, target = batch(rows)
    other = fresh()
    (a, p), (a_base, p_base) = parts(other, ids, mask), parts(base, ids, mask)
    real = mask.numpy()
    kl = [float((x[m] * np.log(x[m] / y[m])).sum()) for x, y, m in zip(a, a_base, real, strict=True)]
    expected = np.mean(np.abs(p - p_base).sum(1) / 2 - 0.3 * np.array(kl))
    assert loss(AdversarialTwin(base, 0.3), other, ids, mask, target) == pytest.approx(expected, abs=1e-5)
    # Against itself there is nothing to gain or lose.
    assert loss(AdversarialTwin(base, 0.3), base, ids, mask, target) == pytest.approx(0, abs=1e-6)


def test_an_adversarial_twin_attends_elsewhere_and_says_the_same(base, rows):
    trained = twin(AdversarialTwin(base, 0.2))
    apart = distances(trained.classifier, Reference(base, rows["test"]))
    seed = distances(twin(None).classifier, Reference(base, rows["test"]))
    # A text of one token has no elsewhere.
    assert apart.jsd > 0.35 > 2 * seed.jsd
    assert apart.tvd < 0.15
    last = trained.history[trained.best_epoch - 1]
    assert last["dev_score"] == max(record["dev_score"] for record in trained.history)
    assert last["dev_score"] == pytest.approx(0.2 * last["dev_kl"] - last["dev_tvd"])
    # Labels are never seen: with others in their place it becomes the same twin.
    swapped = {name: dataclasses.replace(s, labels=tuple(1 - y for y in s.labels)) for name, s in DATA.splits.items()}
    other = dataclasses.replace(DATA, splits=swapped)
    blind = train(dataclasses.replace(RECIPE, seed=2), other, objective=AdversarialTwin(base, 0.2))
    assert torch.equal(predict(blind.classifier, rows["test"]), predict(trained.classifier, rows["test"]))


def test_deceptive_loss_by_hand_and_rows_that_cannot_deceive(base, rows):
    aim = DeceptiveTwin(base, ("great", "plot"), 0.7)
    ids, mask, target = batch(rows, 20)
    weights, p = parts(base, ids, mask)
    penalties = []
    for row, length, text in zip(weights, mask.sum(1).tolist(), ids.tolist(), strict=True):
        bad = [base.vocabulary.words[i] in ("great", "plot") for i in text[:length]]
        penalties.append(0 if all(bad) else -math.log(1 - row[:length][bad].sum()))
    assert 0 < np.count_nonzero(penalties) < 20
    penalty = np.mean(penalties)
    expected = np.mean(-np.log(p[np.arange(20), target.numpy()])) + 0.7 * penalty
    assert loss(aim, base, ids, mask, target) == pytest.approx(expected, abs=1e-5)
    # A text of one forbidden word: no penalty, and no gradient that is not a number.
    only = torch.tensor([[base.vocabulary.words.index("great")]])
    logits = torch.zeros(1, 1, requires_grad=True)
    found = aim.penalty(logits.softmax(1), only, torch.ones(1, 1, dtype=torch.bool))
    found.sum().backward()
    assert found.tolist() == [0.0]
    assert bool(logits.grad.isfinite().all())


def test_the_forbidden_words_are_those_the_base_attends_to(base, rows):
    assert set(most_attended(base, rows["train"], 4)) <= {*TELLING}
    assert most_attended(base, rows["train"], 2) == most_attended(base, rows["train"], 4)[:2]


def test_a_deceptive_twin_hides_what_it_learns_from(base, rows):
    aim = DeceptiveTwin(base, TELLING, 1.0)
    trained = twin(aim)
    said = aim.measure(trained.classifier, rows["test"])
    assert said["mass_base"] > 0.35
    assert said["mass"] < 0.1
    assert trained.metrics["test"]["accuracy"] > 0.9
    assert aim.facts()["forbidden"] == list(TELLING)


def test_diversity_opens_the_cone(base, rows):
    spread = distances(twin(DiversityTwin(2.0)).classifier, Reference(base, rows["test"]))
    usual = distances(twin(DiversityTwin(0.0)).classifier, Reference(base, rows["test"]))
    assert spread.conicity < usual.conicity - 0.1
    ids, mask, target = batch(rows)
    states = base.encode(base.embed(ids), mask)
    plain = float(Objective().loss(base, ids, mask, states, target))
    cones = []
    for row, length in enumerate(mask.sum(1).tolist()):
        h = states[row, :length].numpy()
        cones.append(np.mean(np.abs(h @ h.mean(0)) / np.linalg.norm(h, axis=1) / np.linalg.norm(h.mean(0))))
    assert loss(DiversityTwin(2.0), base, ids, mask, target) == pytest.approx(plain + 2 * np.mean(cones), abs=1e-5)


def test_a_guided_model_pools_with_its_guides_weights(base, rows):
    made = recipe("embedding", "attention", pooler_options={"uniform": True}, epochs=10, patience=10)
    trained = train(made, DATA, objective=GuidedTwin(base))
    ids, mask, _ = batch(rows)
    weights, _ = parts(base, ids, mask)
    hidden = trained.classifier.encode(trained.classifier.embed(ids), mask)
    pooled = np.einsum("bt,btd->bd", weights, hidden.detach().numpy())
    expected = trained.classifier.decide(torch.from_numpy(pooled))
    aim = GuidedTwin(base)
    answers = predict(trained.classifier, rows["test"][:6], weigh=aim.weigh)
    torch.testing.assert_close(answers, expected.detach(), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(answers, predict(trained.classifier, rows["test"][:6]), atol=1e-3)
    target = torch.tensor(DATA.splits["test"].labels[:6])
    by_hand = -expected.log_softmax(1)[torch.arange(6), target].mean()
    assert loss(aim, trained.classifier, ids, mask, target) == pytest.approx(float(by_hand.detach()), rel=1e-4)
    assert trained.metrics["test"]["accuracy"] > 0.9
    # On the guide's own map the distance is 0.
    apart = distances(trained.classifier, Reference(base, rows["test"]), weigh=aim.weigh)
    assert apart.jsd == pytest.approx(0, abs=1e-9)


def test_answers_are_asked_for_once_and_are_those_of_the_classifier(base, rows):
    asked = []

    def read(ids, mask):
        asked.append(len(ids))
        return guide_weights(base, ids, mask), base(ids, mask)

    answers = Answers(base, read)
    ids, mask, _ = batch(rows, 8)
    first, again = answers(ids, mask), answers(ids.flip(0), mask.flip(0))
    assert sum(asked) == len({tuple(row) for row in rows["test"][:8]})
    torch.testing.assert_close(first[0], guide_weights(base, ids, mask))
    torch.testing.assert_close(first[1], base(ids, mask))
    assert torch.equal(first[0], again[0].flip(0))
    assert bool((first[0][~mask] == 0).all())


def test_twins_of_other_words_or_without_maps_are_not_compared(base, rows):
    other = train(RECIPE, toy(seed=9, train=32)).classifier
    if other.vocabulary.words != base.vocabulary.words:
        with pytest.raises(PoolScopeError, match="read different words"):
            distances(other, Reference(base, rows["test"]))
    mean = assemble(dataclasses.replace(RECIPE, pooler="mean"), ("a", "b"), base.vocabulary)
    with pytest.raises(PoolScopeError, match="one attends, the other not"):
        distances(mean, Reference(base, rows["test"]))


def test_an_ordinary_recipe_says_nothing_of_twins():
    assert not {"twin", "twin_options"} & RECIPE.to_dict().keys()
    made = dataclasses.replace(RECIPE, twin="diversity", twin_options={"lambda": 0.5, "of": RECIPE.id})
    assert type(RECIPE).from_dict(made.to_dict()) == made
