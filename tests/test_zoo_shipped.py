"""The classifiers in the repository: complete, whole, light, and as good as their cards say."""

import math

import pytest

from models.baselines.catalogue import read_card
from models.data import load
from models.records import Request
from models.training.batches import encode_texts, predict
from models.training.scores import scores
from models.zoo.catalogue import SHIPPED, catalogue, find, problems
from models.zoo.probes import PROBES
from models.zoo.recipes import CORE, PLANS, ngram_recipes, pretrained_recipes, recipes
from models.zoo.store import load_classifier

CARDS = catalogue()
IDS = [card.spec.id for card in CARDS]
MIB = 1024 * 1024
FILMS = {
    "positive": "A wonderful, moving and beautifully acted film. One of the best of the year, I loved it.",
    "negative": "A dull, stupid and boring film. One of the worst of the year, a terrible waste of time.",
}
# Winners of frozen states of another domain take the capital of France for a thing; the card says how often they err.
WEAK = {"trec/elmo_like/max"}
# By task: a label and a text that anyone would give it.
PLAIN = {
    "sst2": FILMS,
    "imdb": FILMS,
    "sst5": {f"very {label}": text for label, text in FILMS.items()},
    "amazon_electronics": {
        "positive": "Works great, easy to set up and the sound is excellent. Highly recommend it.",
        "negative": "It stopped working after two days. Terrible quality, a waste of money, I returned it.",
    },
    "ag_news": {
        "Sports": "The team won the championship game after the quarterback threw three touchdowns in the final.",
        "Business": "Shares fell as the company reported lower profits and oil prices rose on the stock market.",
    },
    "newsgroups20": {
        "hockey": "The goalie made forty saves and the team won in overtime; the NHL season ends with the Stanley Cup.",
        "space": "NASA will launch the shuttle into orbit next month; the satellite and the moon mission follow.",
    },
    "trec": {"place": "What city is the capital of France ?", "number": "How many people live in Tokyo ?"},
    "tweet_emotion": {
        "joy": "What a wonderful day, so happy and full of joy! #love",
        "anger": "I am so angry and furious, this makes me rage. #outrage",
    },
    "tweet_sentiment": {
        "positive": "So excited, I love it, best day ever!",
        "negative": "This is terrible, I hate it, worst day ever.",
    },
    # One cause and one effect, in both orders.
    "semeval2010_task8": {
        "e2 causes e1": "The <e1>burst</e1> has been caused by water hammer <e2>pressure</e2>.",
        "e1 causes e2": "The <e1>earthquake</e1> caused a huge <e2>tsunami</e2>.",
    },
    "covid_fake_news": {
        "fake": "Drinking hot water with lemon kills the coronavirus, a video shared on Facebook claims.",
        "real": "We have added 1,200 new cases to our total; the states report 40 deaths and 30,000 tests.",
    },
    "chnsenticorp": {
        "positive": "酒店很好，房间干净，服务热情，下次还会住。",
        "negative": "房间又脏又吵，服务态度很差，非常失望。",
    },
    "thucnews_titles": {"sports": "火箭主场大胜湖人 姚明得到30分", "stocks": "沪指大涨两市成交放量 券商股领涨"},
    "weibo_covid_emotion": {"optimism": "今天真开心，太棒了，哈哈哈", "anger": "太气人了，这种人真可恶，必须严惩"},
    "weibo_rumor": {"rumour": "紧急通知，请大家转发，有人在学校门口抢小孩，已经有多名孩子失踪，请扩散！"},
}


def test_every_recipe_is_shipped_and_nothing_else():
    planned = [recipe for plan in PLANS for recipe in (*recipes(plan), *ngram_recipes(plan), *pretrained_recipes(plan))]
    assert sorted(IDS) == sorted(recipe.id for recipe in planned)
    assert problems() == ()


def test_every_task_has_the_four_poolers_over_a_bilstm():
    assert {f"{plan.task}/bilstm/{pooler}" for plan in PLANS for pooler in CORE} <= set(IDS)


def test_the_zoo_is_light():
    sizes = {path.name: path.stat().st_size for path in SHIPPED.parent.rglob("*") if path.is_file()}
    assert max(sizes.values()) <= 4 * MIB, max(sizes, key=sizes.__getitem__)
    assert sum(sizes.values()) <= 80 * MIB
    assert not [path for path in SHIPPED.parent.rglob("*") if path.suffix in {".pt", ".pkl", ".bin", ".pth"}]


@pytest.mark.parametrize("model_id", IDS)
def test_card_tells_what_was_measured(model_id):
    record = find(model_id).record
    majority = read_card(record["task"])["data"]["majority"]
    assert set(record["metrics"]) == {"validation", "test"}
    for values in record["metrics"].values():
        # Better than always naming the most frequent class, and than guessing.
        assert majority < values["accuracy"] <= 1
        assert 1 / len(record["labels"]) < values["macro_f1"] <= values["accuracy"] + 0.05
    # Rounding must not change what was trained by more than one of the five hundred texts of the smallest split.
    assert record["rounding"] <= 0.00201
    assert record["best_epoch"] == 1 + max(
        range(len(record["history"])), key=lambda i: (record["history"][i]["dev_accuracy"], -i)
    )
    assert len(record["data"]["digest"]) == 64
    for epoch in record["history"]:
        assert math.isfinite(epoch["loss"])
        assert len(epoch["probes"]) == len(PROBES[record["task"]]), "every classifier has its films"
        for probe in epoch["probes"]:
            assert sum(probe["attention"]) + probe.get("special", 0) == pytest.approx(1, abs=0.01)


def test_no_two_classifiers_of_a_task_have_one_name():
    names = [(card.spec.task, card.spec.title) for card in CARDS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("model_id", IDS)
def test_the_card_calls_the_classifier_as_it_calls_itself(model_id):
    assert load_classifier(model_id).spec.title == find(model_id).spec.title


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
        ("imdb", "bilstm", 0.90), ("trec", "pretrained", 0.95), ("covid_fake_news", "bilstm", 0.945),
        ("semeval2010_task8", "bilstm", 0.70), ("chnsenticorp", "bilstm", 0.88), ("thucnews_titles", "bilstm", 0.80),
        ("amazon_electronics", "bilstm", 0.89), ("newsgroups20", "bilstm", 0.65), ("sst2", "transformer", 0.81),
    ],
)  # fmt: skip
def test_best_pooler_of_each_encoder_reaches_its_floor(task, encoder, floor):
    best = max(card.accuracy for card in CARDS if (card.spec.task, card.spec.encoder) == (task, encoder))
    assert best >= floor


@pytest.mark.parametrize("model_id", [name for name in IDS if name.split("/")[0] in PLAIN and name not in WEAK])
def test_plain_sentences_are_read_as_anyone_would(model_id):
    from models.analysis import analyse

    classifier = load_classifier(model_id)
    for label, text in PLAIN[classifier.spec.task].items():
        assert analyse(classifier, Request(text)).prediction.label == label


def test_only_the_weakest_classifiers_are_let_off():
    assert all(find(model_id).accuracy < 0.65 for model_id in WEAK)


def test_every_task_has_plain_sentences_but_those_that_nobody_can_read_off_one():
    # Whether a statement was true, and who said a sentence, does not stand in the sentence.
    assert {plan.task for plan in PLANS} - set(PLAIN) == {"liar", "convote_party"}


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
