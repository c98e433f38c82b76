"""What texts have in common is encoded once, and no state or vector is another for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tiny_classifiers import OTHER, PAIRS, TEXT, ids_of, tiny

from models.attribution.perturbed import PerturbedTexts, padded
from models.encoders import ENCODERS
from models.encoders import beginnings as beginnings_module
from models.encoders import bilstm as bilstm_module
from models.encoders.beginnings import SPANS, beginnings
from models.poolers import POOLERS
from models.shared import Shared

SHARING = ("embedding", "cnn", "bilstm")
EXACT = dict(rtol=1e-10, atol=1e-12)


@pytest.fixture(autouse=True)
def every_common_beginning_counts(monkeypatch):
    """These texts are short; in the app a beginning of theirs would not be worth a pass."""
    monkeypatch.setattr(beginnings_module, "CALL", 1)
    monkeypatch.setattr(bilstm_module, "FEW", 0)


def edits(ids):
    """Deletions, coalitions, a masked word, a repetition: rows of all kinds made of one text."""
    rng = np.random.default_rng(0)
    rows = [ids[:i] + ids[i + 1 :] for i in range(len(ids))]
    rows += [[id_ for id_ in ids if rng.random() < 0.5] or ids[:1] for _ in range(20)]
    return [*rows, ids[:1], ids[::-1], ids * 2, [1] * 4]


def plain(classifier, rows):
    ids, mask = map(torch.from_numpy, padded(rows))
    return classifier(ids, mask)


@pytest.mark.parametrize(("encoder", "pooler"), [*PAIRS, *itertools.product(("cnn", "embedding"), POOLERS)])
def test_the_logits_of_edited_texts_are_those_of_the_plain_way(encoder, pooler):
    classifier = tiny(encoder, pooler, double=True)
    rows = [np.array(row, dtype=np.intc) for row in edits(ids_of(classifier))]
    read = PerturbedTexts(classifier)
    torch.testing.assert_close(read.logits(rows), plain(classifier, rows), **EXACT)
    # New words come later, and the old ones stand elsewhere.
    more = [np.array(row, dtype=np.intc) for row in edits(ids_of(classifier, OTHER))]
    torch.testing.assert_close(read.logits(more), plain(classifier, more), **EXACT)
    torch.testing.assert_close(read.logits(rows), plain(classifier, rows), **EXACT)


@pytest.mark.parametrize("encoder", SHARING)
def test_single_precision_is_within_a_millionth_of_the_plain_way(encoder):
    classifier = tiny(encoder, "attention")
    rows = [np.array(row, dtype=np.intc) for row in edits(ids_of(classifier, f"{TEXT} {OTHER}"))]
    torch.testing.assert_close(PerturbedTexts(classifier).logits(rows), plain(classifier, rows), rtol=1e-6, atol=1e-6)


def test_words_of_long_ago_are_not_prepared_again_with_every_new_one(monkeypatch):
    classifier = tiny("cnn", "attention")
    prepared = []
    share = type(classifier.encoder).share
    monkeypatch.setattr(
        type(classifier.encoder), "share", lambda self, words: prepared.append(len(words)) or share(self, words)
    )
    read, row = PerturbedTexts(classifier), lambda *ids: [np.array(ids, dtype=np.intc)]
    many = list(range(1, 12))
    for rows in (row(*many), row(1, 2, 3), row(1, 2, 12), row(1, 13), row(13, 1)):
        torch.testing.assert_close(read.logits(rows), plain(classifier, rows), rtol=1e-5, atol=1e-5)
    assert prepared == [11, 12, 2]


@pytest.mark.parametrize("few", [0, 10**6])
def test_few_texts_and_many_are_read_alike_by_the_lstm(few, monkeypatch):
    monkeypatch.setattr(bilstm_module, "FEW", few)
    body = ENCODERS["bilstm"](5).double().eval()
    words = torch.randn(7, 5, dtype=torch.float64)
    places = torch.tensor([[0, 1, 2, 3, 6], [0, 1, 3, 6, -1], [4, -1, -1, -1, -1]])
    with torch.no_grad():
        shared = body.share(words)(places)
        assert (shared.index is None) == (few > 0)
        expected = body(words[places.clamp_min(0)], places >= 0)
    torch.testing.assert_close(shared.spread()[places >= 0], expected[places >= 0], **EXACT)


@pytest.mark.parametrize("encoder", SHARING)
def test_states_by_reference_are_the_states(encoder):
    torch.manual_seed(3)
    body = ENCODERS[encoder](5).double().eval()
    words = torch.randn(7, 5, dtype=torch.float64)
    places = torch.tensor([[0, 1, 2, 3, 6], [0, 1, 3, 6, -1], [4, -1, -1, -1, -1], [0, 1, 2, 2, 6]])
    mask = places >= 0
    with torch.no_grad():
        shared = body.share(words)(places)
        expected = body(words[places.clamp_min(0)], mask)
    torch.testing.assert_close(shared.spread()[mask], expected[mask], **EXACT)


def test_the_cnn_sums_a_window_that_stands_in_many_texts_once():
    body = ENCODERS["cnn"](5).eval()
    row = torch.arange(12)
    places = torch.stack([torch.cat([row[:i], row[i + 1 :]]) for i in range(12)])
    with torch.no_grad():
        shared = body.share(torch.randn(12, 5))(places)
    windows = {
        tuple([-1, -1, *text, -1, -1][i : i + 5]) for text in places.tolist() for i in range(11)
    }  # fmt: skip
    assert len(shared.states) == len(windows) < places.numel() / 2


def words_of(tree):
    """The words of every text of a tree, stage by stage back to its beginning."""
    found = []
    sizes = np.cumsum([0, *(stage.words.size for stage in tree.stages)])
    for last in tree.steps[:, -1]:
        k = int(np.searchsorted(sizes, last, side="right")) - 1
        row, words = (last - sizes[k]) // tree.stages[k].words.shape[1], []
        for stage in tree.stages[k::-1]:
            words = [*stage.words[row], *words]
            row = stage.parents[row]
        found.append(words)
    return found


@pytest.mark.parametrize("span", [1, 2, 3, 5, 9])
def test_beginnings_give_back_the_texts_and_hold_each_once(span, monkeypatch):
    monkeypatch.setattr(beginnings_module, "_span", lambda *_: span)
    texts = np.random.default_rng(span).permutation(np.array(list(itertools.product(range(3), repeat=9))))[:200]
    tree = beginnings(texts)
    assert words_of(tree) == texts.tolist()
    distinct = [len({tuple(text[: start + span]) for text in texts.tolist()}) for start in range(0, 9, span)]
    assert [len(stage.words) for stage in tree.stages] == distinct
    # A place's step holds the word that stands there.
    flat = np.concatenate([stage.words.ravel() for stage in tree.stages])
    assert (flat[tree.steps] == texts).all()


def test_the_span_is_the_one_that_costs_least(monkeypatch):
    row = np.arange(40)
    texts = np.stack([np.delete(row, i) for i in range(40)])
    for call in (1, 30, 100, 1000):
        monkeypatch.setattr(beginnings_module, "CALL", call)
        costs = {}
        for span in [*SPANS[SPANS < 39].tolist(), 39]:
            stages = [len({tuple(text[: start + span]) for text in texts}) for start in range(0, 39, span)]
            costs[span] = span * sum(stages) + call * len(stages)
        tree = beginnings(texts)
        assert costs[tree.stages[0].words.shape[1]] == min(costs.values())


def test_the_lstm_reads_a_common_beginning_and_end_once(monkeypatch):
    body = ENCODERS["bilstm"](5).eval()
    steps = []
    run = bilstm_module.run

    def watched(signal, weights, start, training=False):
        steps.append(signal.shape[0] * signal.shape[1])
        return run(signal, weights, start, training)

    monkeypatch.setattr(bilstm_module, "run", watched)
    row = torch.arange(24)
    # Words 8 to 11 are left out in turn: eight words in front and twelve behind are common.
    places = torch.stack([torch.cat([row[:i], row[i + 1 :]]) for i in (8, 9, 10, 11)])
    words = torch.randn(24, 5)
    with torch.no_grad():
        shared = body.share(words)(places)
        taken = sum(steps)
        expected = body(words[places], torch.ones_like(places, dtype=torch.bool))
    torch.testing.assert_close(shared.spread(), expected, rtol=1e-6, atol=1e-6)
    # Each beginning and each end once, and with stages of two words one more step for every text.
    apart = sum(len({tuple(text[:i]) for text in turn}) for turn in (places.tolist(), places.flip(1).tolist())
                for i in range(1, 24))  # fmt: skip
    assert apart <= taken <= apart + 2 * 4 < 2 * places.numel()


def test_a_list_of_words_too_long_for_numbered_windows_is_read_the_plain_way():
    body = ENCODERS["cnn"](2, filters=2)
    assert body.share(torch.zeros(6_500, 2)) is None
    assert body.share(torch.zeros(6_000, 2)) is not None


@pytest.mark.parametrize("pooler", ["mean", "attention", "sparsemax", "hard_attention", "gated_attention"])
def test_pooling_by_reference_leaves_padding_out(pooler):
    head = tiny("bilstm", pooler, double=True).pooler
    states = torch.randn(6, head.state_size, dtype=torch.float64)
    index = torch.tensor([[0, 1, 5, 2], [3, 3, 4, 0]])
    mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
    with torch.no_grad():
        found = head.pool_shared(Shared(states, index), mask)
        moved = head.pool_shared(Shared(states, torch.where(mask, index, 3)), mask)
        torch.testing.assert_close(found, head(states[index], mask), **EXACT)
    assert torch.equal(found, moved)
