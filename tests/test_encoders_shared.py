"""What texts have in common is encoded once, and no state or vector is another for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tiny_classifiers import OTHER, PAIRS, TEXT, ids_of, tiny

from models.attribution.perturbed import PerturbedTexts, padded
from models.encoders import ENCODERS
from models.encoders import bilstm as bilstm_module
from models.poolers import POOLERS
from models.shared import Shared

SHARING = ("embedding", "cnn", "bilstm")
EXACT = dict(rtol=1e-10, atol=1e-12)


@pytest.fixture(autouse=True)
def every_common_beginning_counts(monkeypatch):
    """These texts are short; in the app a beginning of theirs would not be worth a pass."""
    monkeypatch.setattr(bilstm_module, "WORTH", 1)


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


def test_the_lstm_reads_a_common_beginning_and_end_once(monkeypatch):
    body = ENCODERS["bilstm"](5).eval()
    steps = []
    run = type(body)._run_from

    def watched(self, signal, direction, start):
        steps.append((direction, signal.shape[0] * signal.shape[1]))
        return run(self, signal, direction, start)

    monkeypatch.setattr(type(body), "_run_from", watched)
    row = torch.arange(12)
    # Words 4 to 6 are left out in turn: four words in front and five behind are common.
    places = torch.stack([torch.cat([row[:i], row[i + 1 :]]) for i in (4, 5, 6)])
    words = torch.randn(12, 5)
    with torch.no_grad():
        shared = body.share(words)(places)
        taken = sorted(steps)
        expected = body(words[places], torch.ones_like(places, dtype=torch.bool))
    torch.testing.assert_close(shared.spread(), expected, rtol=1e-6, atol=1e-6)
    assert taken == sorted([("", 4), ("", 3 * 7), ("_reverse", 5), ("_reverse", 3 * 6)])


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
