"""Twins on one text: distances against scipy, forbidden words and their mass by hand, cards as they are read."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from app_zoo import make_zoo
from scipy.spatial.distance import jensenshannon
from scipy.stats import kendalltau
from twin_zoo import BASE, FORBIDDEN, make_twin_zoo

from models import twin_view
from models.analysis import analyse
from models.errors import PoolScopeError
from models.records import Prediction, Request
from models.zoo.catalogue import find, twins, twins_of
from models.zoo.store import load_classifier

TEXT = "The film is not Bad , but it never quite comes alive ."


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_twin_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def kin(zoo):
    return twin_view.family(find(BASE, zoo), twins(zoo))


def read(zoo, model_id, text=TEXT, **edits):
    return analyse(load_classifier(model_id, zoo), Request(text, **edits))


def attention(zoo, model_id, text=TEXT):
    """The weights by another road: straight from the pooler."""
    classifier = load_classifier(model_id, zoo)
    ids = torch.tensor([classifier.read(text).ids])
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        return classifier.pooler.attention(classifier.encode(classifier.embed(ids), mask), mask)[0].double().numpy()


def test_all_twins_are_listed_and_ordered_by_kind_and_strength(zoo, kin):
    assert {card.spec.id for card in twins(zoo)} == {card.spec.id for card in twins_of(BASE, zoo)}
    assert [card.spec.seed for card in kin.of("seed")] == [2, 3]
    assert [card.twin["lambda"] for card in kin.of("adversarial")] == [0.001, 0.01, 0.1]
    assert [card.twin["kind"] for card in kin.of("orthogonal", "diversity")] == ["orthogonal", "diversity"]
    assert kin.called("sst2/bilstm/adversarial_0.1").twin["lambda"] == 0.1
    assert kin.called(BASE) is kin.base
    assert kin.called("sst2/bilstm/apln") is None
    assert twin_view.family(find(BASE, zoo), []).of("seed") == ()
    assert twins(make_zoo(zoo.parent / "plain")) == ()


def test_twins_of_other_weights_are_left_out_and_counted(zoo):
    base = find(BASE, zoo)
    other = dataclasses.replace(base, spec=dataclasses.replace(base.spec, digest="0" * 64))
    found = twin_view.family(other, twins(zoo))
    assert (found.twins, found.stale) == ((), 13)


def test_a_card_is_read_as_it_stands_and_silence_is_none(kin):
    (deceiver,) = kin.of("deceptive")
    said = twin_view.stated(deceiver)
    assert (said.accuracy, said.texts, said.strength, said.mass_base, said.mass) == (0.78, 1234, 1.0, 0.41, 0.002)
    assert said.forbidden == tuple(FORBIDDEN)
    assert said.conicity is None
    own = twin_view.stated(kin.base)
    assert (own.accuracy, own.texts, own.jsd, own.forbidden) == (0.81, None, None, ())


def test_distances_are_those_of_scipy(zoo):
    ids = (BASE, f"{BASE}@2", f"{BASE}@3")
    maps = [attention(zoo, model_id) for model_id in ids]
    cross = twin_view.crossed([read(zoo, model_id) for model_id in ids])
    pairs = []
    for i in range(3):
        for j in range(3):
            if i == j:
                assert (cross.jsd[i][j], cross.tau[i][j]) == (0.0, None)
                continue
            assert cross.jsd[i][j] == pytest.approx(jensenshannon(maps[i], maps[j]) ** 2, abs=1e-7)
            assert cross.tau[i][j] == pytest.approx(kendalltau(maps[i], maps[j]).statistic, abs=1e-9)
            pairs.append(cross.jsd[i][j])
    assert cross.low == min(pairs)
    assert cross.high == max(pairs)
    assert cross.middle == sorted(pairs)[2]
    assert cross.low > 1e-4


def test_the_output_distance_and_the_flip_are_those_of_the_probabilities(zoo):
    base, other = read(zoo, BASE), read(zoo, "sst2/bilstm/adversarial_0.1")
    found = twin_view.apart(base, other)
    assert found.tvd == pytest.approx(abs(base.prediction.probabilities[0] - other.prediction.probabilities[0]))
    turned = dataclasses.replace(other, prediction=_said(*reversed(base.prediction.probabilities)))
    assert twin_view.apart(base, turned).flipped
    assert not twin_view.apart(base, base).flipped


def _said(*probabilities):
    return Prediction(("negative", "positive"), (0.0, 0.0), probabilities)


def test_by_hand_distance_of_disjoint_halves_is_half_of_ln_2(zoo):
    said = read(zoo, BASE, "good film")
    left, right = (
        dataclasses.replace(said, trace=dataclasses.replace(said.trace, weights=weights))
        for weights in ((1.0, 0.0), (0.0, 1.0))
    )
    assert twin_view.apart(left, right).jsd == pytest.approx(0.6931471805599453)
    assert twin_view.apart(left, right).tau.value == -1


def test_uniform_attention_has_no_order_and_that_is_told(zoo):
    cross = twin_view.crossed([read(zoo, BASE), read(zoo, "sst2/bilstm/uniform")])
    assert cross.tau[0][1] is None
    assert "every token has the same score" in cross.reason
    weights = attention(zoo, BASE)
    even = [1 / len(weights)] * len(weights)
    assert cross.middle == pytest.approx(jensenshannon(weights, even) ** 2, abs=1e-7)


def test_forbidden_words_are_found_in_the_vocabularys_spelling_and_their_mass_is_their_weights(zoo):
    said = read(zoo, BASE)
    places = twin_view.forbidden_places(said, FORBIDDEN)
    assert [said.tokens[place].text for place in places] == ["Bad", "never"]
    weights = attention(zoo, BASE)
    assert twin_view.mass(said, places) == pytest.approx(weights[4] + weights[8], abs=1e-7)
    assert twin_view.forbidden_places(said, ["great"]) == ()


def test_deleted_and_masked_words_are_not_forbidden_ones(zoo):
    said = read(zoo, BASE, deleted=(0, 4))
    (place,) = twin_view.forbidden_places(said, FORBIDDEN)
    assert said.tokens[twin_view.kept(said)[place]].text == "never"
    assert len(twin_view.weights(said)) == len(said.tokens) - 2
    assert sum(twin_view.weights(said)) == pytest.approx(1)
    assert twin_view.forbidden_places(read(zoo, BASE, masked=(4, 8)), FORBIDDEN) == ()


def test_what_is_lost_is_the_probability_of_the_first_answer():
    assert twin_view.lost(_said(0.9, 0.1), _said(0.3, 0.7)) == pytest.approx(0.6)
    assert twin_view.lost(_said(0.2, 0.8), _said(0.1, 0.9)) == pytest.approx(-0.1)


def test_one_reader_or_other_words_cannot_be_compared(zoo):
    with pytest.raises(PoolScopeError, match="1 reader came; expected two or more"):
        twin_view.crossed([read(zoo, BASE)])
    with pytest.raises(PoolScopeError, match="cut this text into other words"):
        twin_view.apart(read(zoo, BASE), read(zoo, BASE, deleted=(0,)))


def test_a_reader_without_attention_is_compared_by_its_shares(zoo):
    said = read(zoo, "sst2/embedding/learned_norm")
    assert said.trace.weights is None
    assert twin_view.weights(said) == said.trace.shares
