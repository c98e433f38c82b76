"""Pretrained encoders: the same numbers as the library's own, words whole, nothing shared is changed."""

from __future__ import annotations

import pytest
import torch
from tiny_bert import save_bert
from toy_data import toy
from transformers import AutoModel, AutoTokenizer

from models.__main__ import main
from models.analysis import analyse, remove
from models.attribution import METHODS
from models.encoders.pretrained import PretrainedEncoder
from models.errors import PoolScopeError
from models.pretrained.base import open_pretrained
from models.pretrained.pieces import owners_of, spans_of
from models.pretrained.source import MINILM, PretrainedError, locate
from models.records import MethodCall, Request
from models.text import WordTokenizer
from models.training.recipe import Recipe
from models.training.trainer import prepare, train
from models.zoo.errors import ZooError
from models.zoo.publish import publish
from models.zoo.store import load_classifier

TEXT = "The film isn't badish, don't!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(save_bert(tmp_path_factory.mktemp("bert")))


def recipe(folder, pooler="attention", **changes):
    options = {"base": folder, **changes.pop("options", {})}
    return Recipe("toy", "pretrained", pooler, encoder_options=options, epochs=2, max_tokens=20, **changes)


def reader(folder, pooler="attention", **options):
    torch.manual_seed(0)
    return prepare(recipe(folder, pooler, options=options), toy(), None).eval().requires_grad_(False)


def test_last_states_are_those_of_the_library_fed_with_ids(folder):
    classifier = reader(folder, layers="last")
    library, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts = ["The film isn't bad.", "good", "not good, not badish!"]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    mask = batch["attention_mask"].bool()
    with torch.no_grad():
        expected = library(**batch).last_hidden_state
        hidden = classifier.encode(classifier.embed(batch["input_ids"]), mask)
    torch.testing.assert_close(hidden[mask], expected[mask], rtol=1e-5, atol=1e-6)
    for text, row, real in zip(texts, batch["input_ids"], mask, strict=True):
        assert list(classifier.read(text).ids) == row[real].tolist()


def test_the_mix_starts_as_the_mean_of_all_layers_and_is_reported(folder):
    classifier = reader(folder)
    library, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(["not a bad film"], return_tensors="pt")
    with torch.no_grad():
        layers = torch.stack(library(**batch, output_hidden_states=True).hidden_states)
        hidden = classifier.encode(classifier.embed(batch["input_ids"]), batch["attention_mask"].bool())
        torch.testing.assert_close(hidden, layers.mean(0), rtol=1e-5, atol=1e-6)
        classifier.encoder.mix[1] = 50.0
        hidden = classifier.encode(classifier.embed(batch["input_ids"]), batch["attention_mask"].bool())
    torch.testing.assert_close(hidden, layers[1], rtol=1e-5, atol=1e-6)
    assert classifier.encoder.learned()[0].values == pytest.approx((0, 1, 0), abs=1e-6)


def test_padding_changes_nothing(folder):
    classifier = reader(folder)
    row = torch.tensor([classifier.read("not a bad film").ids])
    longer = torch.cat([row, torch.full((1, 5), 7)], dim=1)
    mask = torch.arange(longer.shape[1])[None] < row.shape[1]
    torch.testing.assert_close(classifier(longer, mask), classifier(row, row > -1), rtol=1e-5, atol=1e-6)


def test_pieces_belong_to_the_words_they_cover():
    words = WordTokenizer()(TEXT)
    assert [w.text for w in words] == ["The", "film", "is", "n't", "badish", ",", "do", "n't", "!"]
    # [CLS] The film is n ' t bad ##ish , don ' t ! [SEP]: the piece "don" covers two letters of "do", one of "n't".
    offsets = [(0, 0), (0, 3), (4, 8), (9, 11), (11, 12), (12, 13), (13, 14), (15, 18), (18, 21), (21, 22),
               (23, 26), (26, 27), (27, 28), (28, 29), (0, 0)]  # fmt: skip
    special = [True, *[False] * 13, True]
    assert owners_of(offsets, special, words) == (-1, 0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 7, 8, -1)


def test_words_are_those_of_every_other_classifier_and_pieces_sum_to_them(folder):
    classifier = reader(folder)
    analysis = analyse(classifier, Request(TEXT, tuple(map(MethodCall, METHODS))))
    assert analysis.tokens[4].text == "badish"
    assert [t.text for t in analysis.tokens] == [w.text for w in WordTokenizer()(TEXT)]
    trace = analysis.trace
    assert sum(trace.weights) + trace.special_weight == pytest.approx(1, abs=1e-5)
    assert trace.special_weight > 0.01
    share = next(a for a in analysis.attributions if a.method == "exact_share")
    bias = float(classifier.head.bias[analysis.target])
    assert sum(share.scores) + share.special == pytest.approx(
        analysis.prediction.logits[analysis.target] - bias, abs=1e-4
    )


def test_leave_one_out_takes_all_pieces_of_a_word(folder):
    classifier = reader(folder)
    request = Request(TEXT, (MethodCall("leave_one_out"),))
    loo = analyse(classifier, request).attributions[0]
    ids = classifier.read(TEXT).ids
    owners = classifier.read(TEXT).owners
    for word in range(len(loo.scores)):
        rest = torch.tensor([[i for i, owner in zip(ids, owners, strict=True) if owner != word]])
        with torch.no_grad():
            probabilities = classifier(rest, rest > -1)[0].double().softmax(-1).tolist()
        assert loo.without[word] == pytest.approx(probabilities, abs=1e-6)
        assert remove(classifier, request, word, "deleted").prediction.probabilities == pytest.approx(
            probabilities, abs=1e-6
        )


def test_a_masked_word_is_the_encoder_s_mask(folder):
    classifier = reader(folder)
    masked = remove(classifier, Request("not bad film"), 1, "masked")
    ids = torch.tensor([[2, 8, 4, 6, 3]])
    with torch.no_grad():
        expected = classifier(ids, ids > -1)[0].double().softmax(-1).tolist()
    assert masked.prediction.probabilities == pytest.approx(expected, abs=1e-6)


def test_long_texts_are_cut_between_words(folder):
    classifier = reader(folder)
    encoded = classifier.read(" ".join(["badish"] * 15))
    # 24 positions hold [CLS], [SEP] and 11 words of two pieces.
    assert (len(encoded.tokens), encoded.cut, len(encoded.ids)) == (11, 4, 24)
    assert encoded.ids[-1] == 3
    assert classifier.read("x " * 30).cut == 10


def test_emoji_and_marks_keep_their_words(folder):
    classifier = reader(folder)
    encoded = classifier.read("not 😀 bad é́")
    assert [t.text for t in encoded.tokens] == ["not", "😀", "bad", "é́"]
    assert [t.known for t in encoded.tokens] == [True, False, True, False]


def test_frozen_parameters_are_shared_and_tuned_ones_are_not(folder):
    base = open_pretrained(folder)
    frozen, tuned = reader(folder), prepare(recipe(folder, options={"tune": "biases"}), toy(), None)
    assert frozen.encoder.module is base.module
    shared = dict(base.module.named_parameters())
    for name, parameter in tuned.encoder.module.named_parameters():
        assert (parameter is shared[name]) != name.endswith(".bias"), name
        assert parameter.requires_grad == name.endswith(".bias"), name
    tuned.train()
    assert tuned.encoder.module.training
    frozen.train()
    assert not base.module.training


def test_training_leaves_the_base_as_it_was_and_the_file_holds_what_was_tuned(folder, tmp_path):
    before = {name: value.clone() for name, value in open_pretrained(folder).module.state_dict().items()}
    made = recipe(folder, options={"tune": "biases"}, lr=1e-2, tune_vectors=False)
    trained = train(made, toy(), folder=tmp_path / "unfinished")
    for name, value in open_pretrained(folder).module.state_dict().items():
        assert torch.equal(value, before[name]), name
    card = publish(tmp_path, made, toy(), trained)
    loaded = load_classifier("toy/pretrained/attention", tmp_path)
    moved = loaded.encoder.module.encoder.layer[0].output.dense.bias
    assert not torch.allclose(moved, before["encoder.layer.0.output.dense.bias"])
    assert card.record["weights"]["bytes"] < 20_000
    assert card.record["table"]["base"] == folder
    mine, theirs = analyse(loaded, Request("not bad")), analyse(trained.classifier, Request("not bad"))
    assert mine.prediction.probabilities == pytest.approx(theirs.prediction.probabilities, abs=1e-3)


def test_a_card_with_another_base_is_refused(folder, tmp_path):
    made = recipe(folder, "mean", tune_vectors=False)
    card = publish(tmp_path, made, toy(), train(made, toy()))
    text = card.path.read_text()
    card.path.write_text(text.replace(card.record["table"]["sha256"], "0" * 64))
    with pytest.raises(ZooError, match="not the one the classifier was trained with"):
        load_classifier("toy/pretrained/mean", tmp_path)


def test_what_is_not_here_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PretrainedError, match="python -m models pretrained fetch nobody/nothing"):
        locate("nobody/nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PretrainedError, match="has no config.json"):
        locate(str(tmp_path / "empty"))


@pytest.mark.parametrize("options", [{"layers": "all"}, {"tune": "some"}])
def test_unknown_choices_are_refused(folder, options):
    with pytest.raises(PoolScopeError, match="choose one of"):
        PretrainedEncoder(8, base=folder, **options)


def test_another_width_is_refused(folder):
    with pytest.raises(PoolScopeError, match="embeddings of width 9 came"):
        PretrainedEncoder(9, base=folder)


def test_the_packaged_minilm_reads_as_the_library_does():
    folder = locate(MINILM)
    assert folder.name == "model"
    classifier = reader(MINILM, layers="last")
    library, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    text = "An unphantasmagoric café, don't you think? 😀"
    batch = tokenizer(text, return_tensors="pt")
    assert list(classifier.read(text).ids) == batch["input_ids"][0].tolist()
    with torch.no_grad():
        expected = library(**batch).last_hidden_state
        hidden = classifier.encode(classifier.embed(batch["input_ids"]), batch["attention_mask"].bool())
    torch.testing.assert_close(hidden, expected, rtol=1e-4, atol=1e-5)


def test_the_command_tells_what_an_encoder_is_and_what_is_missing(folder, capsys, monkeypatch, tmp_path):
    assert main(["pretrained", "show", folder]) == 0
    out = capsys.readouterr().out
    assert "2 layers of width 8" in out
    assert "21 pieces, at most 24 of them" in out
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert main(["pretrained", "fetch", "nobody/nothing"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_pieces_stand_at_their_own_characters_and_scores_sum_to_words(folder):
    classifier = reader(folder)
    text = "The film isn't badish 🙂, not bads!"
    request = Request(text, tuple(MethodCall(name) for name in METHODS if name != "deep_lift"), deleted=(1,))
    found = analyse(classifier, request)
    encoded = classifier.read(text)
    assert found.owners == encoded.owners
    assert len(found.pieces) == len(encoded.ids)
    names = [classifier.vocabulary.words[i] for i in encoded.ids]
    for name, piece in zip(names, found.pieces, strict=True):
        assert piece.text == text[piece.start : piece.end]
        if name in ("[CLS]", "[SEP]"):
            assert piece.special
            assert piece.text == ""
        elif name != "[UNK]":
            assert piece.text.lower() == name.removeprefix("##")
    assert {p.state for p, owner in zip(found.pieces, found.owners, strict=True) if owner == 1} == {"deleted"}
    for a in found.attributions:
        by_word = METHODS[a.method].family in ("perturbation", "floor")
        if a.scores is None:
            continue
        assert (a.pieces is None) == by_word, a.method
        if by_word:
            continue
        assert a.special == pytest.approx(a.pieces[0] + a.pieces[-1], abs=1e-9)
        for word, score in enumerate(a.scores):
            mine = [v for v, owner in zip(a.pieces, found.owners, strict=True) if owner == word]
            assert sum(mine) == pytest.approx(score, abs=1e-9)
    assert analyse(reader_of_words(), Request("good film")).pieces == ()


def reader_of_words():
    from tiny_classifiers import tiny

    return tiny("bilstm", "attention")


def test_bytes_of_one_character_share_it_and_stand_one_after_the_other():
    offsets = [(0, 0), (0, 3), (4, 5), (4, 5), (4, 5), (0, 0)]
    assert list(spans_of(offsets, [-1, 0, 1, 1, 1, -1])) == [(0, 0), (0, 3), (4, 5), (5, 5), (5, 5), (5, 5)]
