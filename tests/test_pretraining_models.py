"""What each language model may see, what it is asked, and its perplexity by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy_corpus import corpus, model

from models.pretraining.bert_like import choose, windows
from models.pretraining.corpus import Document, Row, chunks, stack, word_batches
from models.pretraining.kinds import KINDS
from models.pretraining.softmax import WordSoftmax
from models.text import PAD, UNK

each_kind = pytest.mark.parametrize("kind", KINDS)


def row(length=9, seed=2):
    return Row(np.random.default_rng(seed).integers(2, 9, length))


def layers_of(said, ids, **more):
    ids = torch.as_tensor(ids).unsqueeze(0)
    embeddings = said.embed(ids) if said.name == "elmo_like" else said.words(ids)
    return said.stem.layers(embeddings, torch.ones_like(ids, dtype=torch.bool), **more)


def changed(ids, at):
    other = np.array(ids)
    other[at] = 2 if other[at] != 2 else 3
    return other


@pytest.mark.parametrize("at", [1, 4, 8])
def test_the_causal_model_never_looks_ahead(at):
    said, ids = model("gpt_like"), row().ids
    for before, after in zip(layers_of(said, ids), layers_of(said, changed(ids, at)), strict=True):
        assert torch.equal(before[:, :at], after[:, :at])
        assert not torch.equal(before[:, at], after[:, at])


@pytest.mark.parametrize("at", [0, 4, 8])
def test_each_direction_reads_its_own_side_only(at):
    said, ids = model("elmo_like"), row().ids
    for number, (before, after) in enumerate(zip(layers_of(said, ids), layers_of(said, changed(ids, at)), strict=True)):
        same = (before == after).all(-1)[0]
        left, right = before.chunk(2, -1), after.chunk(2, -1)
        assert torch.equal(left[0][:, :at], right[0][:, :at])
        assert torch.equal(left[1][:, at + 1 :], right[1][:, at + 1 :])
        assert not bool(same[at])
        if number:
            assert not bool(same.any()), "every token lies on one side of the changed one"


def test_the_bidirectional_model_looks_everywhere():
    said, ids = model("bert_like"), row().ids
    before, after = layers_of(said, ids)[-1], layers_of(said, changed(ids, 4))[-1]
    assert before.shape == (1, 10, 8)
    assert not bool((before == after).all(-1).any())


@each_kind
def test_no_direction_sees_what_it_is_asked(kind):
    """The gradient of one place's loss with respect to the word asked for is zero, but for the softmax's own table."""
    said, ids = model(kind), torch.from_numpy(row().ids).unsqueeze(0)
    mask = torch.ones_like(ids, dtype=torch.bool)
    embeddings = (said.embed(ids) if kind == "elmo_like" else said.words(ids)).detach().requires_grad_()
    if kind == "bert_like":
        hidden = torch.where((torch.arange(9) == 4).view(1, 9, 1), said.hole, embeddings)
        states = said.stem.layers(hidden, mask)[-1][:, 1:]
        seen, asked = states[0, 4], 4
    elif kind == "gpt_like":
        seen, asked = said.stem.layers(embeddings, mask)[-1][0, 3], 4
    else:
        seen, asked = said.stem.layers(embeddings, mask)[-1][0, 3, :8], 4
        back = said.stem.layers(embeddings, mask)[-1][0, 5, 8:]
        (other,) = torch.autograd.grad(back.sum(), embeddings)
        assert bool((other[0, :5] == 0).all())
        assert float(other[0, 5:].abs().min()) > 0
    (gradient,) = torch.autograd.grad(seen.square().sum(), embeddings)
    assert bool((gradient[0, asked] == 0).all())
    assert float(gradient[0, 3].abs().max()) > 0


def test_only_hidden_places_are_asked():
    """Changing the truth of a place that is not asked for changes the loss through the input alone."""
    said, rows = model("bert_like"), [row(20), row(20, seed=3)]
    ids, mask, _ = stack(rows)
    asked = choose(mask, torch.Generator().manual_seed(5))
    assert asked.sum(1).tolist() == [3, 3]
    loss = said.loss(rows, torch.Generator().manual_seed(5))
    hidden = torch.where(asked.unsqueeze(-1), said.hole, said.words(ids))
    top = said.stem.layers(hidden, mask, torch.zeros(2, dtype=torch.long))[-1][:, 1:]
    logits = F.gelu(said.turn(top)) @ said.words.weight.T + said.softmax.bias
    expected = F.cross_entropy(logits[asked], ids[asked])
    torch.testing.assert_close(loss.objective, expected)
    assert loss.parts["masked_word"][1] == 6


def test_hiding_follows_bert_s_rule_in_training_only():
    said = model("bert_like")
    ids = torch.full((50, 400), 5)
    asked = choose(torch.ones_like(ids, dtype=torch.bool), torch.Generator().manual_seed(1))
    assert asked.sum(1).unique().tolist() == [60]
    said.train()
    hidden = said.hide(ids, asked, torch.Generator().manual_seed(2)).detach()
    hole = (hidden == said.hole).all(-1)
    kept = (hidden == said.words.weight[5]).all(-1)
    assert bool((kept | asked).all())
    assert not bool((hole & ~asked).any())
    assert float(hole[asked].float().mean()) == pytest.approx(0.8, abs=0.03)
    # Left as it was, or replaced by the same word by chance.
    by_chance = 0.1 * float(said.softmax.noise[5])
    assert float(kept[asked].float().mean()) == pytest.approx(0.1 + by_chance, abs=0.03)
    said.eval()
    hidden = said.hide(ids, asked, torch.Generator().manual_seed(2)).detach()
    assert torch.equal((hidden == said.hole).all(-1), asked)


def test_padding_is_never_asked_for():
    mask = torch.tensor([[True] * 3 + [False] * 7, [True] * 10])
    for seed in range(20):
        asked = choose(mask, torch.Generator().manual_seed(seed))
        assert not bool((asked & ~mask).any())
        assert asked.sum(1).tolist() == [1, 2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_next_passages_are_half_true_and_say_the_truth(seed):
    # Words that tell their document and their place: 100 d + i.
    documents = [Document(np.arange(12) + 100 * d, (4, 8, 12)) for d in range(9)]
    documents.append(Document(np.arange(5) + 900, (5,)))
    rows = model("bert_like").rows(documents, 32, seed)
    paired = [r for r in rows if r.follows is not None]
    assert len(rows) == 10
    assert abs(sum(r.follows for r in paired) - len(paired) / 2) <= 0.5
    for r in paired:
        first, second = r.ids[: r.second], r.ids[r.second :]
        assert len(first) % 4 == 0
        assert len(second) > 0
        assert r.follows == (second[0] == first[-1] + 1)
        assert r.follows or first[0] // 100 != second[0] // 100


def test_windows_keep_sentences_whole_where_they_fit():
    document = Document(np.arange(30), (4, 9, 12, 25, 30))
    assert windows(document, 10) == [(0, [4, 9]), (9, [12]), (12, [22]), (22, [25, 30])]
    assert [w for begin, ends in windows(document, 10) for w in range(begin, ends[-1])] == list(range(30))


def by_hand(said, kind, found):
    """Mean negative log-likelihood of held-out documents, one word at a time, over the whole vocabulary."""
    sums = {}
    for document in found.held_out["toy"]:
        ids = torch.from_numpy(document.ids).unsqueeze(0)
        top = layers_of(said, document.ids)[-1][0]
        for i in range(ids.shape[1] - 1):
            if kind == "gpt_like":
                asked = [("next_word", top[i], i + 1)]
            else:
                asked = [("forward", top[i, :8], i + 1), ("backward", top[i + 1, 8:], i)]
            table = said.output.weight if kind == "elmo_like" else said.words.weight
            for name, state, wanted in asked:
                logits = (table @ state + said.softmax.bias).tolist()
                nll = math.log(sum(map(math.exp, logits))) - logits[int(ids[0, wanted])]
                sums.setdefault(name, []).append(nll)
    return sums


@pytest.mark.parametrize("kind", ["gpt_like", "elmo_like"])
def test_perplexity_is_exp_of_the_mean_nll(kind):
    found = corpus()
    said = model(kind, found)
    with torch.no_grad():
        sums = by_hand(said, kind, found)
        scores = said.scores(found.held_out["toy"], 32)
    assert set(scores) == set(sums)
    for name, values in sums.items():
        assert scores[name]["predictions"] == len(values)
        assert scores[name]["perplexity"] == pytest.approx(math.exp(sum(values) / len(values)), rel=1e-5)


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary():
    found = corpus()
    said = model("gpt_like", found)
    with torch.no_grad():
        said.words.weight.zero_()
        said.softmax.bias.zero_()
    perplexity = said.scores(found.held_out["toy"], 32)["next_word"]["perplexity"]
    assert perplexity == pytest.approx(len(found.vocabulary), rel=1e-5)


def test_sampling_every_word_once_is_the_full_softmax():
    torch.manual_seed(1)
    softmax = WordSoftmax(torch.arange(1, 13))
    states, table, targets = torch.randn(5, 4), torch.randn(12, 4), torch.tensor([3, 0, 11, 3, 7])
    with torch.no_grad():
        softmax.bias.copy_(torch.randn(12))
    said = softmax.sampled(states, targets, table, torch.arange(12), torch.zeros(12))
    expected = F.cross_entropy(states @ table.T + softmax.bias, targets, reduction="none")
    torch.testing.assert_close(said, expected)


def test_the_sampled_softmax_comes_close_on_average():
    torch.manual_seed(1)
    softmax = WordSoftmax(torch.arange(1, 401), samples=150)
    states, table, targets = 0.5 * torch.randn(64, 4), torch.randn(400, 4), torch.randint(0, 400, (64,))
    with torch.no_grad():
        exact = softmax.eval()(states, targets, table)
        softmax.train()
        drawn = torch.stack([softmax(states, targets, table, torch.Generator().manual_seed(s)) for s in range(200)])
    assert float(drawn.std(0).min()) > 0, "nothing was sampled"
    # A little less on average: the logarithm of an unbiased sum. Uncorrected draws miss it by 0.5 and more.
    assert -0.05 < float((drawn.mean(0) - exact).mean()) < 0.01


def test_rare_words_are_guessed_as_the_unknown_one():
    found = corpus()
    said = KINDS["elmo_like"](found.counts(), found.vocabulary.words, width=8, filters=3, char_size=4, targets=5).eval()
    rows = chunks(found.held_out["toy"], 32)
    ids, mask, _ = stack(rows)
    assert said.output.num_embeddings == 5
    assert int((ids >= 5).sum()) > 0
    total, count = said.loss(rows, torch.Generator().manual_seed(1)).parts["forward"]
    top = said.stem.layers(said.embed(ids), mask)[-1][:, :-1, :8]
    goals = torch.where(ids < 5, ids, UNK)[:, 1:]
    logits = top @ said.output.weight.T + said.softmax.bias
    expected = F.cross_entropy(logits[mask[:, 1:]], goals[mask[:, 1:]], reduction="sum")
    assert total == pytest.approx(float(expected), rel=1e-5)
    assert count == int(mask[:, 1:].sum())


def test_a_corpus_is_words_sentences_and_a_held_out_part():
    found = corpus(rows=24)
    assert len(found.train) == 24
    assert int(found.counts().sum()) == sum(map(len, found.train))
    assert found.vocabulary.words[2:5] == ("a", "the", ".") or set(found.vocabulary.words[2:5]) == {"a", "the", "."}
    period = found.vocabulary.encode(["."])[0]
    for document in found.train:
        assert [i + 1 for i, word in enumerate(document.ids) if word == period] == list(document.ends)
    small = corpus(max_words=5)
    assert len(small.vocabulary) == 5
    assert small.facts["unknown"] == pytest.approx(
        sum(int((d.ids == UNK).sum()) for d in small.train) / sum(map(len, small.train)), abs=1e-5
    )


def test_rows_and_batches_hold_every_word_once():
    documents = [Document(np.arange(1, n + 1), (n,)) for n in (1, 2, 33, 64, 65, 100)]
    rows = chunks(documents, 32)
    assert sorted(len(r) for r in rows) == [2, 4] + [32] * 8
    assert all(r.ids[0] == r.start + 1 for r in rows)
    batches = word_batches(rows, 64, seed=1)
    assert sorted(i for batch in batches for i in batch) == list(range(10))
    assert all(max(len(rows[i]) for i in batch) * len(batch) <= 64 for batch in batches)
    ids, mask, start = stack(rows[:2])
    assert bool((ids[~mask] == PAD).all())
    assert start.tolist() == [rows[0].start, rows[1].start]
