"""The classifiers in the repository: complete, whole, light, and as good as their cards say."""

import math

import pytest

from models.data import load
from models.records import Request
from models.training.batches import encode_texts, predict
from models.training.scores import scores
from models.zoo.catalogue import SHIPPED, catalogue, find, problems
from models.zoo.recipes import PLANS, recipes
from models.zoo.store import load_classifier

CARDS = catalogue()
IDS = [card.spec.id for card in CARDS]
MIB = 1024 * 1024


def test_every_recipe_is_shipped_and_nothing_else():
    assert sorted(IDS) == sorted(recipe.id for plan in PLANS for recipe in recipes(plan))
    assert problems() == ()


def test_the_zoo_is_light():
    sizes = {path.name: path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()}
    assert max(sizes.values()) <= 4 * MIB, max(sizes, key=sizes.__getitem__)
    assert sum(sizes.values()) <= 80 * MIB
    assert not [path for path in SHIPPED.rglob("*") if path.suffix in {".pt", ".pkl", ".bin", ".pth"}]


@pytest.mark.parametrize("model_id", IDS)
def test_card_tells_what_was_measured(model_id):
    record = find(model_id).record
    assert set(record["metrics"]) == {"validation", "test"}
    for values in record["metrics"].values():
        assert 0.5 < values["macro_f1"] <= 1
        assert values["accuracy"] >= values["macro_f1"] - 0.05
    # Rounding to float16 must not change what was trained.
    assert record["rounding"] <= 0.002
    assert record["best_epoch"] == 1 + max(
        range(len(record["history"])), key=lambda i: (record["history"][i]["dev_accuracy"], -i)
    )
    assert len(record["data"]["digest"]) == 64
    for epoch in record["history"]:
        assert math.isfinite(epoch["loss"])
        for probe in epoch["probes"]:
            assert sum(probe["attention"]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("model_id", IDS)
def test_learned_exponents_moved_and_stayed_in_their_domain(model_id):
    card = find(model_id)
    exponents = [parameter for parameter in card.learned if parameter.name == "p"]
    assert bool(exponents) == (card.spec.pooler in {"apln", "gem", "learned_norm"})
    for parameter in exponents:
        assert min(parameter.values) > (1 if card.spec.pooler == "learned_norm" else 0.05)
        assert parameter.values != parameter.initial


@pytest.mark.parametrize(
    ("task", "encoder", "floor"),
    [
        ("sst2", "embedding", 0.80), ("sst2", "cnn", 0.80), ("sst2", "bilstm", 0.80),
        ("ag_news", "embedding", 0.905), ("ag_news", "cnn", 0.905), ("ag_news", "bilstm", 0.905),
        ("imdb", "bilstm", 0.88),
    ],
)  # fmt: skip
def test_best_pooler_of_each_encoder_reaches_its_floor(task, encoder, floor):
    best = max(card.accuracy for card in CARDS if (card.spec.task, card.spec.encoder) == (task, encoder))
    assert best >= floor


@pytest.mark.parametrize("model_id", IDS)
def test_plain_sentences_are_read_as_anyone_would(model_id):
    from models.analysis import analyse

    classifier = load_classifier(model_id)
    plain = {
        "positive": "A wonderful, moving and beautifully acted film. One of the best of the year, I loved it.",
        "negative": "A dull, stupid and boring film. One of the worst of the year, a terrible waste of time.",
    }
    news = {
        "Sports": "The team won the championship game after the quarterback threw three touchdowns in the final.",
        "Business": "Shares fell as the company reported lower profits and oil prices rose on the stock market.",
    }
    for label, text in (news if classifier.spec.task == "ag_news" else plain).items():
        assert analyse(classifier, Request(text)).prediction.label.lower().startswith(label.lower()[:5])


def test_classifiers_of_a_task_share_one_word_table_in_memory():
    one, two = load_classifier("sst2/cnn/mean"), load_classifier("sst2/bilstm/apln")
    assert one.table.weight.data_ptr() == two.table.weight.data_ptr()


@pytest.mark.data
@pytest.mark.parametrize("model_id", ["sst2/bilstm/apln", "sst2/embedding/max", "sst2/cnn/learned_norm"])
def test_card_scores_are_reproduced_from_the_data(model_id, data_folder):
    classifier, card = load_classifier(model_id), find(model_id)
    split = load(card.record["data"]["name"], root=data_folder).splits["test"]
    measured = scores(predict(classifier, encode_texts(classifier, split.texts)), split.labels)
    assert measured == pytest.approx(card.record["metrics"]["test"], abs=1e-3)
