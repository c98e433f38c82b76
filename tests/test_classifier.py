"""The classifier's stages, each alone and all in a row; how it reads a text; how names become modules."""

from __future__ import annotations

import pytest
import torch
from tiny_classifiers import LABELS, OTHER, PAIRS, TEXT, WORDS, ids_of, tiny

from models.assemble import assemble
from models.classifier import PoolingClassifier, pad_batch
from models.encoders import ENCODERS
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.records import ModelSpec
from models.registry import UnknownNameError
from models.text import PAD, UNK, Vocabulary
from models.training.recipe import Recipe

each_pair = pytest.mark.parametrize(("encoder", "pooler"), PAIRS)


@each_pair
def test_stages_in_a_row_are_the_classifier(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    ids, mask = pad_batch([ids_of(classifier), ids_of(classifier, "A good film")])
    embeddings = classifier.embed(ids)
    hidden = classifier.encode(embeddings, mask)
    pooled = classifier.pool(hidden, mask)
    logits = classifier.decide(pooled)
    assert embeddings.shape == (2, 13, 6)
    assert hidden.shape == (2, 13, classifier.encoder.state_size)
    assert pooled.shape == (2, classifier.pooler.output_size)
    assert torch.equal(classifier(ids, mask), logits)
    assert torch.equal(classifier.from_embeddings(embeddings, mask), logits)
    by_hand = pooled @ classifier.head.weight.T + classifier.head.bias
    torch.testing.assert_close(logits, by_hand)


@each_pair
def test_padding_and_company_do_not_change_a_text(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    rows = [ids_of(classifier, text) for text in (TEXT, OTHER, "film", "A good film")]
    together = classifier(*pad_batch(rows))
    for row, logits in zip(rows, together, strict=True):
        torch.testing.assert_close(classifier(*pad_batch([row]))[0], logits, rtol=1e-10, atol=1e-12)
    assert float((together[0] - together[1]).abs().max()) > 1e-3


@each_pair
def test_imposed_attention_reaches_the_logits(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    ids, mask = pad_batch([ids_of(classifier)])
    embeddings = classifier.embed(ids)
    weights = torch.softmax(torch.arange(13.0, dtype=torch.float64), 0).unsqueeze(0)
    if not classifier.pooler.attends:
        with pytest.raises(PoolScopeError, match="has no attention"):
            classifier.from_embeddings(embeddings, mask, weights)
        return
    own = classifier.pooler.own_weights(classifier.encode(embeddings, mask), mask)
    torch.testing.assert_close(classifier.from_embeddings(embeddings, mask, own), classifier(ids, mask))
    assert not torch.allclose(classifier.from_embeddings(embeddings, mask, weights), classifier(ids, mask))


@each_pair
def test_a_text_without_tokens_is_refused(encoder, pooler):
    classifier = tiny(encoder, pooler)
    with pytest.raises(PoolScopeError, match=r"rows \[1\] hold only padding; give every text one token or more"):
        classifier(*pad_batch([[2, 3], []]))


def test_dropout_is_for_training_only():
    classifier = tiny("cnn", "max")
    batch = pad_batch([ids_of(classifier)])
    assert torch.equal(classifier(*batch), classifier(*batch))
    classifier.train()
    assert not torch.equal(classifier(*batch), classifier(*batch))


def test_reading_keeps_the_users_characters_and_says_what_was_cut():
    classifier = tiny()
    text = "  THE film\tfrobs <b>!"
    read = classifier.read(text)
    assert [text[t.start : t.end] for t in read.tokens] == [t.text for t in read.tokens]
    assert [t.text for t in read.tokens] == ["THE", "film", "frobs", "<", "b", ">", "!"]
    assert [t.known for t in read.tokens] == [True, True, False, False, False, False, False]
    assert read.ids == tuple(WORDS.index(w) + 2 if w in WORDS else UNK for w in ("the", "film", "frobs", *"<b>!"))
    assert read.cut == 0
    classifier.max_tokens = 3
    short = classifier.read(text)
    assert (short.tokens, short.ids, short.cut) == (read.tokens[:3], read.ids[:3], 4)
    assert classifier.read(" \x00").ids == ()


def test_a_batch_is_padded_on_the_right():
    ids, mask = pad_batch([[5, 6, 7], [8], []])
    assert ids.tolist() == [[5, 6, 7], [8, PAD, PAD], [PAD] * 3]
    assert mask.tolist() == [[True] * 3, [True, False, False], [False] * 3]
    assert (ids.dtype, mask.dtype) == (torch.long, torch.bool)
    assert pad_batch([[]])[0].shape == (1, 1)
    with pytest.raises(PoolScopeError, match="no texts came; expected one or more"):
        pad_batch([])


def test_the_padding_word_is_zero_and_stays_so():
    classifier = tiny().train().requires_grad_(True)
    assert bool((classifier.table.weight[PAD] == 0).all())
    classifier(*pad_batch([[2, 3, 4], [5]])).sum().backward()
    assert bool((classifier.table.weight.grad[PAD] == 0).all())
    assert bool((classifier.table.weight.grad[5] != 0).any())


def test_parts_that_do_not_fit_are_refused():
    spec = ModelSpec("t/cnn/mean", "t", "cnn", "mean", 1, "", "t", LABELS)
    with pytest.raises(PoolScopeError, match=r"t/cnn/mean: the encoder's states have width 192, the pooler expects 5"):
        PoolingClassifier(spec, Vocabulary([]), ENCODERS["cnn"](6), POOLERS["mean"](5), embedding_size=6)


def test_a_recipe_becomes_a_classifier():
    options = {"reading": "B", "limit": "sigmoid", "p_initial": 3}
    recipe = Recipe("toy", "cnn", "apln", encoder_options={"filters": 2}, pooler_options=options, max_tokens=9)
    classifier = assemble(recipe, LABELS, Vocabulary(WORDS), embedding_size=7, digest="abc")
    assert classifier.spec == ModelSpec("toy/cnn/apln", "toy", "cnn", "apln", 1, "abc", "CNN · APLN, reading B", LABELS)
    assert (classifier.encoder.state_size, classifier.table.embedding_dim, classifier.max_tokens) == (6, 7, 9)
    assert (classifier.pooler.reading, classifier.pooler.limit) == ("B", "sigmoid")
    assert float(classifier.pooler.exponent.detach()) == pytest.approx(3.0)
    assert classifier.dropout.p == recipe.dropout


@pytest.mark.parametrize(
    ("encoder", "pooler", "encoder_options", "pooler_options", "sentence"),
    [
        ("cnn", "apln", {}, {"reding": "B"}, "^apln: an option does not fit .*reding"),
        ("cnn", "apln", {}, {"reading": "Z"}, "^unknown reading 'Z' of apln; choose one of: A, B, C$"),
        ("cnn", "apln", {}, {"p_initial": "two"}, "^apln: an option does not fit"),
        ("cnn", "mean", {"filters": -1}, {}, "^cnn: an option does not fit"),
        ("bilstm", "mean", {"hidden_size": 0}, {}, "^bilstm: an option does not fit"),
        ("embedding", "mean", {"state_size": 0}, {}, "state_size came as 0"),
        ("gru", "mean", {}, {}, "^unknown encoder 'gru'; choose one of: bert_like, bilstm, cnn, "),
        ("cnn", "sum", {}, {}, "^unknown pooler 'sum'; choose one of: apln, attention, "),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_options_without_a_meaning_are_refused(encoder, pooler, encoder_options, pooler_options, sentence):
    recipe = Recipe("toy", encoder, pooler, encoder_options=encoder_options, pooler_options=pooler_options)
    with pytest.raises((PoolScopeError, UnknownNameError), match=sentence) as caught:
        assemble(recipe, LABELS, Vocabulary(WORDS))
    assert "\n" not in str(caught.value)
