"""A run from texts to a base on disk: what is learned, resumed, rounded, written, shared and refused."""

from __future__ import annotations

import json
import math

import pytest
import torch
from toy_corpus import SIZES, corpus, dataset, model, plan, texts
from toy_data import toy

from models.assemble import assemble, base_of
from models.encoders import ENCODERS
from models.encoders.layer_mix import LayerMix
from models.errors import PoolScopeError
from models.pretraining import store
from models.pretraining.kinds import KINDS
from models.pretraining.plan import Plan
from models.pretraining.publish import publish_base
from models.pretraining.store import BaseError, open_base
from models.pretraining.trainer import Progress, pretrain, rate
from models.training.recipe import Recipe
from models.training.trainer import prepare, train
from models.zoo.errors import ZooError
from models.zoo.publish import publish
from models.zoo.store import from_card

KEY = {"gpt_like": "next_word", "bert_like": "masked_word", "elmo_like": "forward"}
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The three bases, barely trained."""
    folder = tmp_path_factory.mktemp("bases")
    found = corpus()
    for kind in KINDS:
        torch.manual_seed(1)
        said = model(kind, found)
        done = pretrain(said, plan(kind, epochs=1), found, say=lambda line: None)
        publish_base(folder / kind, said, plan(kind, epochs=1), found, done)
    return folder


def options(shelf, kind, **more):
    return {"base": str(shelf / kind), **more}


@each_kind
def test_a_run_learns_the_grammar(kind):
    found = corpus(rows=60)
    torch.manual_seed(1)
    said = model(kind, found)
    before = said.scores(found.held_out["toy"], 32)[KEY[kind]]["perplexity"]
    # Of masked words there are few in each row to learn from.
    epochs = 40 if kind == "bert_like" else 4
    done = pretrain(said, plan(kind, epochs=epochs, lr=0.02), found, say=lambda line: None)
    after = done.history[-1]["held_out"]["toy"][KEY[kind]]["perplexity"]
    # Eight words; half of the places are certain, the others a choice of two or three.
    assert after < 0.6 * before
    assert after < 4


@each_kind
def test_a_run_taken_up_again_is_the_run_that_was_cut_off(kind, tmp_path):
    found, wanted = corpus(), plan(kind, epochs=3)
    torch.manual_seed(1)
    whole = model(kind, found)
    pretrain(whole, wanted, found, say=lambda line: None)

    class Cut(Exception):
        pass

    def cut(line):
        if '"epoch": 2' in line:
            raise Cut

    torch.manual_seed(1)
    with pytest.raises(Cut):
        pretrain(model(kind, found), wanted, found, folder=tmp_path, say=cut)
    torch.manual_seed(9)
    again, lines = model(kind, found), []
    done = pretrain(again, wanted, found, folder=tmp_path, say=lines.append)
    assert [record["epoch"] for record in done.history] == [1, 2, 3]
    assert not any('"epoch": 1,' in line for line in lines), "the first epoch was run again"
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_another_plan_does_not_take_up_the_run(tmp_path):
    found = corpus()
    pretrain(model("gpt_like", found), plan("gpt_like", epochs=1), found, folder=tmp_path, say=lambda line: None)
    lines = []
    pretrain(model("gpt_like", found), plan("gpt_like", epochs=1, lr=0.02), found, folder=tmp_path, say=lines.append)
    assert any('"epoch": 1,' in line for line in lines)


def test_the_rate_climbs_and_falls():
    settings = plan("gpt_like", lr=1.0, warmup=4)
    assert [rate(settings, step, 12) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate(settings, 4, 12) == 1.0
    assert rate(settings, 8, 12) == pytest.approx(0.55)
    assert rate(settings, 12, 12) == pytest.approx(0.1)


@each_kind
def test_a_base_gives_back_words_table_body_and_its_perplexity(kind, shelf):
    found, base = corpus(), open_base(str(shelf / kind))
    assert base.kind == kind
    assert base.vocabulary.words == found.vocabulary.words
    assert base.card["data"]["parts"][0]["digest"] == dataset().digest
    twin = model(kind, found)
    twin.stem.load_state_dict(dict(base.body))
    if kind == "elmo_like":
        twin.spelling.load_state_dict({k[9:]: v for k, v in base.extra.items()})
        ids = torch.arange(len(found.vocabulary)).unsqueeze(0)
        torch.testing.assert_close(twin.embed(ids)[0], base.table)
        return
    twin.words.weight.data = base.table
    twin.softmax.bias.data = base.extra["bias"]
    if kind == "bert_like":
        twin.hole.data = base.extra["hole"]
        twin.turn.load_state_dict({k[5:]: v for k, v in base.extra.items() if k.startswith("turn.")})
    said = twin.scores(found.held_out["toy"], 32)[KEY[kind]]
    written = base.card["held_out"]["scores"]["toy"][KEY[kind]]
    assert said["perplexity"] == pytest.approx(written["perplexity"], rel=1e-6)


def test_the_card_has_the_perplexity_of_mere_frequencies(shelf):
    found, base = corpus(), open_base(str(shelf / "gpt_like"))
    words = [word for document in found.train for word in document.ids.tolist()]
    held = [word for document in found.held_out["toy"] for word in document.ids.tolist()]
    total = len(words) + len(found.vocabulary)
    nll = [-math.log((words.count(word) + 1) / total) for word in held]
    assert base.card["held_out"]["frequency_perplexity"]["toy"] == round(math.exp(sum(nll) / len(nll)), 2)


@each_kind
def test_the_encoder_runs_the_body_of_the_base_and_starts_at_the_mean_of_its_layers(kind, shelf):
    base = open_base(str(shelf / kind))
    encoder = ENCODERS[kind](8, **options(shelf, kind)).eval()
    ids = torch.tensor([[2, 3, 4, 5, 3], [4, 2, 0, 0, 0]])
    mask = ids > 0
    twin = model(kind)
    twin.stem.load_state_dict(dict(base.body))
    embeddings = base.table[ids]
    layers = [layer[:, 1:] if kind == "bert_like" else layer for layer in twin.stem.layers(embeddings, mask)]
    expected = sum(layers) / len(layers)
    torch.testing.assert_close(encoder(embeddings, mask)[mask], expected[mask])
    assert [p.initial for p in encoder.learned()] == [p.values for p in encoder.learned()]


def test_the_mix_is_a_weighted_sum():
    mix, layers = LayerMix(3), [torch.full((1, 2, 4), float(value)) for value in (1, 2, 6)]
    assert torch.allclose(mix(layers), torch.full((1, 2, 4), 3.0))
    with torch.no_grad():
        mix.logits.copy_(torch.tensor([0.0, math.log(2), 0.0]))
        mix.scale.fill_(2.0)
    assert torch.allclose(mix(layers), torch.full((1, 2, 4), 2 * (1 / 4 + 2 / 2 + 6 / 4)))
    shares, scale = mix.learned()
    assert shares.values == pytest.approx((0.25, 0.5, 0.25))
    assert shares.initial == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert (scale.values, scale.initial) == ((2.0,), (1.0,))


@each_kind
def test_a_frozen_base_is_shared_and_a_tuned_one_is_a_copy(kind, shelf):
    base = open_base(str(shelf / kind))
    assert open_base(str(shelf / kind)) is base
    frozen, tuned = (ENCODERS[kind](8, **options(shelf, kind, tune=tune)) for tune in (False, True))
    for name, value in base.body.items():
        assert frozen.body.state_dict()[name].data_ptr() == value.data_ptr()
        assert tuned.body.state_dict()[name].data_ptr() != value.data_ptr()
    assert frozen.foreign() == {f"body.{name}" for name in base.body}
    assert tuned.foreign() == frozenset()
    assert not any(p.requires_grad for p in frozen.body.parameters())
    assert all(p.requires_grad for p in tuned.body.parameters())
    assert all(p.requires_grad for p in frozen.mix.parameters())


@each_kind
@pytest.mark.parametrize("tune", [False, True])
def test_a_classifier_is_trained_written_and_read_back(kind, tune, shelf, tmp_path):
    recipe = Recipe("toy", kind, "attention", encoder_options=options(shelf, kind, tune=tune), epochs=1, lr=0.01)
    data = toy(train=32, others=8)
    before = {name: value.clone() for name, value in open_base(str(shelf / kind)).body.items()}
    trained = train(recipe, data)
    card = publish(tmp_path, recipe, data, trained)
    again = from_card(card)
    ids, mask = torch.tensor([[2, 3, 1, 4]]), torch.ones(1, 4, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(again(ids, mask), trained.classifier(ids, mask), rtol=2e-3, atol=2e-3)
    base = open_base(str(shelf / kind))
    assert all(torch.equal(base.body[name], value) for name, value in before.items()), "training moved the base"
    moved = any(not torch.equal(again.encoder.body.state_dict()[name], value) for name, value in before.items())
    assert moved == tune
    assert again.table.weight.data_ptr() == base.table.data_ptr()
    assert [p["name"] for p in card.record["learned_encoder"]] == ["layer mix s", "layer scale γ"]
    assert card.record["learned_encoder"][0]["values"] != card.record["learned_encoder"][0]["initial"]
    assert not list((tmp_path / "toy").glob("words*"))


def test_a_classifier_refuses_another_base_under_the_same_name(shelf, tmp_path):
    own = tmp_path / "bases" / "gpt_like"
    found, said = corpus(), model("gpt_like")
    publish_base(own, said, plan("gpt_like"), found, Progress(1, 0, [], 0.0))
    recipe = Recipe("toy", "gpt_like", "mean", encoder_options={"base": str(own)}, epochs=1)
    data = toy(train=32, others=8)
    card = publish(tmp_path / "zoo", recipe, data, train(recipe, data))
    with torch.no_grad():
        said.words.weight.add_(0.1)
    publish_base(own, said, plan("gpt_like"), found, Progress(1, 0, [], 0.0))
    with pytest.raises(ZooError, match=r"is not the one the classifier was trained with \(its digest differs\)"):
        from_card(card)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("weights.safetensors", "weights.safetensors is damaged or foreign"),
        ("words.txt", "words.txt is damaged or foreign"),
        ("card.json", "cannot be read"),
    ],
)
@pytest.mark.parametrize("kind", ["gpt_like", "elmo_like"])
def test_a_damaged_base_is_refused_in_one_sentence(kind, file, sentence, shelf, tmp_path):
    copy = tmp_path / kind
    copy.mkdir()
    for path in (shelf / kind).iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert open_base(str(copy)).kind == kind
    data = bytearray((copy / file).read_bytes())
    data[0] ^= 1
    (copy / file).write_bytes(data)
    if file != "card.json":
        store._open.cache_clear()
    with pytest.raises(BaseError, match=sentence) as caught:
        open_base(str(copy))
    assert "\n" not in str(caught.value)
    (copy / file).unlink()
    store._open.cache_clear()
    with pytest.raises(BaseError, match="lacks the file|there is no base"):
        open_base(str(copy))


@pytest.mark.parametrize("change", [{"format": 9}, {"kind": "elmo_like"}, {"weights": None}, {"sizes": {"layers": 1}}])
def test_a_card_that_tells_something_else_is_refused(change, shelf, tmp_path):
    copy = tmp_path / "gpt_like"
    copy.mkdir()
    for path in (shelf / "gpt_like").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    card = json.loads((copy / "card.json").read_text(encoding="utf-8"))
    (copy / "card.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
    recipe = Recipe("toy", "gpt_like", "mean", encoder_options={"base": str(copy)})
    with pytest.raises(PoolScopeError) as caught:
        prepare(recipe, toy(), None)
    assert "\n" not in str(caught.value)


def test_words_of_another_width_or_kind_are_refused(shelf):
    with pytest.raises(PoolScopeError, match="words of width 8.* with embeddings of width 6; expected a gpt_like base"):
        ENCODERS["gpt_like"](6, base=str(shelf / "gpt_like"))
    with pytest.raises(PoolScopeError, match=r"came \(bert_like"):
        ENCODERS["gpt_like"](8, base=str(shelf / "bert_like"))
    with pytest.raises(BaseError, match="there is no base 'none_such'; choose one of"):
        base_of(Recipe("toy", "gpt_like", "mean", encoder_options={"base": "none_such"}))


@pytest.mark.parametrize("base", ["", "none"])
def test_without_a_base_it_is_an_encoder_like_any_other(base):
    recipe = Recipe("toy", "gpt_like", "mean", encoder_options={"base": base, "heads": 2, "ffn": 8}, embedding_size=8)
    assert base_of(recipe) is None
    classifier = assemble(recipe, ("a", "b"), corpus().vocabulary)
    assert classifier.encoder.foreign() == frozenset()
    assert classifier.encoder.lexicon() is None
    assert all(p.requires_grad for p in classifier.encoder.parameters())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"epochs": 0}, "epochs came as 0"), ({"lr": 0.0}, "expected lr above 0"), ({"length": -1}, "length came as -1")],
)
def test_plans_that_cannot_be_followed_are_refused(change, sentence):
    with pytest.raises(PoolScopeError, match=sentence):
        plan("gpt_like", **change)


def test_a_plan_is_read_back():
    settings = Plan("gpt_like", (("imdb", 10),), (("width", 8),))
    assert Plan.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    with pytest.raises(PoolScopeError, match="unknown fields: colour"):
        Plan.from_dict({**settings.to_dict(), "colour": 1})


def test_the_toy_is_what_the_tests_take_it_for():
    assert set(" ".join(texts(60)).split()) == {"the", "a", "cat", "dog", "fox", "sees", "likes", "."}
    assert set(SIZES) == set(KINDS)
