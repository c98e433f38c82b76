"""The ledger: nothing is computed twice, counts are true, memory is bounded, order is of no account."""

from __future__ import annotations

import gc
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from tiny_classifiers import PAIRS, TEXT, fingerprint, ids_of, same_fingerprint, tiny

from models.analysis import analyse
from models.attribution import probe as probe_module
from models.attribution.accounts import Accounts
from models.attribution.footprint import Footprint
from models.attribution.ledger import FIRST_CELLS, MOST_CELLS, SHARED_CELLS, Ledger
from models.attribution.perturbed import PerturbedTexts
from models.attribution.probe import bytes_per_cell
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.records import MethodCall, Request
from models.shared import PIECE, pieces

NOISE = dict(rtol=1e-5, atol=5e-6)


def draw(count, longest=30, seed=0):
    """Distinct rows of ids of mixed lengths, in mixed order."""
    rng = random.Random(seed)
    rows = {tuple(rng.randint(1, 20) for _ in range(rng.randint(1, longest))) for _ in range(3 * count)}
    return rng.sample(sorted(rows), count)


def alone(classifier, row):
    ids = torch.tensor([row])
    return classifier(ids, torch.ones_like(ids, dtype=torch.bool))[0]


@pytest.fixture
def batches(monkeypatch):
    """Shapes (B, T) of every batch that any ledger sends on from now on."""
    seen = []
    logits = PerturbedTexts.logits

    def watched(self, rows):
        seen.append((len(rows), max(map(len, rows))))
        return logits(self, rows)

    monkeypatch.setattr(PerturbedTexts, "logits", watched)
    return seen


@pytest.mark.parametrize(("encoder", "pooler"), PAIRS)
def test_every_row_gets_the_logits_of_the_row_alone_in_the_order_asked(encoder, pooler):
    classifier = tiny(encoder, pooler)
    rows = draw(60, longest=50)
    found = Ledger(classifier).logits(rows)
    for row, logits in zip(rows, found, strict=True):
        torch.testing.assert_close(logits, alone(classifier, row), **NOISE)


def test_a_row_is_computed_once_within_and_across_requests(batches):
    ledger = Ledger(tiny())
    first = ledger.logits([[2, 3], [4], [2, 3], [2, 3]])
    assert (ledger.forwards, ledger.reused) == (2, 0)
    second = ledger.logits([[5, 6, 7], [2, 3], [4], [4]])
    assert (ledger.forwards, ledger.reused) == (3, 2)
    assert sum(rows for rows, _ in batches) == 3
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[0], second[1])
    assert torch.equal(second[2], second[3])


def test_rows_that_share_digits_are_not_taken_for_one_another():
    ledger = Ledger(tiny())
    found = ledger.logits([[1, 12], [11, 2], [1, 1, 2], [2, 1, 1], [12, 1]])
    assert ledger.forwards == 5
    assert len({tuple(row.tolist()) for row in found}) == 5


def test_the_text_itself_is_known_from_its_reading_and_counts_as_nothing(batches):
    classifier = tiny()
    reading = Reading(classifier, ids_of(classifier))
    batches.clear()
    found = reading.ledger.logits([ids_of(classifier)])
    assert batches == []
    assert torch.equal(found, reading.logits)
    assert (reading.ledger.forwards, reading.ledger.reused) == (0, 0)


def test_the_stored_number_is_the_same_whoever_asks_again_and_however():
    ledger = Ledger(tiny("bilstm", "apln"))
    rows = draw(200)
    first = ledger.logits(rows)
    assert torch.equal(ledger.logits(rows[::-1]), first.flip(0))
    assert torch.equal(torch.cat([ledger.logits([row]) for row in rows[:50]]), first[:50])


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "embedding", "transformer"])
def test_who_asked_first_moves_no_number_by_more_than_rounding(encoder):
    classifier = tiny(encoder, "apln")
    rows = draw(300)
    at_once = Ledger(classifier).logits(rows)
    turned = Ledger(classifier).logits(rows[::-1]).flip(0)
    one_by_one = Ledger(classifier)
    torch.testing.assert_close(turned, at_once, **NOISE)
    torch.testing.assert_close(torch.cat([one_by_one.logits([row]) for row in rows]), at_once, **NOISE)
    # The same requests in the same order: the same bits.
    assert torch.equal(Ledger(classifier).logits(rows), at_once)


def test_only_so_many_results_are_kept_and_the_answer_is_whole_all_the_same():
    classifier = tiny("embedding", "mean")
    ledger, rows = Ledger(classifier, accounts=Accounts(rows=50)), draw(170)
    found = ledger.logits(rows)
    assert len(ledger) == 50
    assert found.shape == (170, 3)
    torch.testing.assert_close(found, torch.stack([alone(classifier, row) for row in rows]), **NOISE)
    ledger.logits(rows)
    assert 170 < ledger.forwards <= 340
    assert len(ledger) == 50


def test_rows_of_a_length_go_together(batches):
    rows = [[2 + i % 15] * n for n in (4, 40, 80) for i in range(15)]
    random.Random(1).shuffle(rows)
    Ledger(tiny("transformer")).logits(rows)
    assert sum(count for count, _ in batches) == 45
    assert [length for _, length in batches] == sorted((length for _, length in batches), reverse=True)
    cells, tokens = sum(b * t for b, t in batches), sum(map(len, rows))
    # Unsorted, every batch would be padded to 80: nearly twice the tokens.
    assert cells <= 1.15 * tokens


@pytest.mark.parametrize(("encoder", "most"), [("transformer", MOST_CELLS), ("bilstm", SHARED_CELLS)])
def test_a_classifier_is_measured_once_and_only_for_many_tokens(encoder, most, batches, monkeypatch):
    measured, enter = [], Footprint.__enter__
    monkeypatch.setattr(Footprint, "__enter__", lambda self: measured.append(len(batches)) or enter(self))
    classifier = tiny(encoder)
    Ledger(classifier).logits([[2 + i] * 50 for i in range(FIRST_CELLS // 50)])
    assert measured == []
    for _ in range(2):
        batches.clear()
        Ledger(classifier).logits(draw(2400))
        assert FIRST_CELLS < max(b * t for b, t in batches) <= most
        assert measured == [0]
    # Longer texts cost more per token than was measured, so they are measured again.
    Ledger(classifier).logits([[2 + i % 15] * (80 + i // 15) for i in range(45)])
    assert len(measured) == 2


def test_chunks_depend_on_nothing_that_was_read_before(batches):
    rows, longer = draw(900), [[2 + i % 15] * (80 + i // 15) for i in range(45)]
    seen = []
    for classifier, first in ((tiny("bert_like"), rows), (tiny("bert_like"), longer)):
        Ledger(classifier, budget=10**6).logits(first)
        batches.clear()
        ledger = Ledger(classifier, budget=10**6)
        ledger.logits(rows)
        ledger.logits(longer)
        seen.append(list(batches))
    assert seen[0] == seen[1]
    assert len(seen[0]) > 4


@pytest.mark.parametrize("encoder", ["embedding", "cnn", "bilstm", "transformer", "bert_like"])
def test_what_was_measured_is_what_a_pass_over_texts_without_anything_in_common_takes(encoder):
    classifier = tiny(encoder, "attention")
    rows = [[2 + (i * 64 + j) % 20 for j in range(64)] for i in range(40)]
    with Footprint(classifier.parameters()) as held:
        PerturbedTexts(classifier).logits([np.array(row, dtype=np.intc) for row in rows])
    # Fewer rows bear what does not grow with them, so the number errs on the safe side.
    assert held.peak / 2560 <= bytes_per_cell(classifier, 64) <= 2 * held.peak / 2560
    assert bytes_per_cell(classifier, 40) == bytes_per_cell(classifier, 64)


def test_weights_are_no_part_of_what_a_pass_takes(monkeypatch):
    besides = []

    class Watched(Footprint):
        def __init__(self, tensors=()):
            besides.extend(tensors)
            super().__init__(besides)

    monkeypatch.setattr(probe_module, "Footprint", Watched)
    classifier = tiny("transformer")
    bytes_per_cell(classifier, 5)
    assert {id(tensor) for tensor in besides} == {id(parameter) for parameter in classifier.parameters()}


def test_a_classifier_that_is_gone_is_forgotten():
    classifier = tiny()
    bytes_per_cell(classifier, 5)
    assert classifier in probe_module._MEASURED
    before = len(probe_module._MEASURED)
    del classifier
    gc.collect()
    assert len(probe_module._MEASURED) < before


@pytest.mark.parametrize("seed", range(7))
def test_pieces_hold_every_row_once_and_little_padding(seed):
    rng = np.random.default_rng(seed)
    lengths = np.sort(rng.integers(1, (60, 6000)[seed % 2], (60, 900)[seed % 3 > 0]))[::-1]
    lengths = lengths if seed else rng.permutation(lengths)
    cut = list(pieces(lengths.tolist()))
    assert [start for start, _, _ in cut] == [0, *(stop for _, stop, _ in cut[:-1])]
    assert cut[-1][1] == len(lengths)
    for start, stop, longest in cut:
        assert longest == lengths[start:stop].max()
        assert (stop - start) * longest <= PIECE or stop - start == 1
    padded = sum((stop - start) * longest for start, stop, longest in cut)
    assert seed == 0 or padded <= 1.4 * lengths.sum()


@pytest.mark.parametrize("encoder", ["bilstm", "transformer", "bert_like"])
@pytest.mark.parametrize("budget", [3 * 10**5, 10**6])
def test_chunks_stay_within_the_budget_that_was_given(encoder, budget, monkeypatch):
    classifier = tiny(encoder, "attention")
    peaks = []
    read = PerturbedTexts.logits

    def watched(self, rows):
        with Footprint(classifier.parameters()) as held:
            logits = read(self, rows)
        peaks.append((len(rows), held.peak))
        return logits

    monkeypatch.setattr(PerturbedTexts, "logits", watched)
    rows = [row for length in (60, 120, 90) for row in ([2 + i % 20, *[3] * length, 2 + i // 20] for i in range(60))]
    ledger = Ledger(classifier, budget=budget)
    ledger.logits(rows[:60])
    ledger.logits(rows[60:])
    # A row that is too large by itself must be read nevertheless.
    assert all(peak <= budget or count == 1 for count, peak in peaks)
    assert max(count for count, _ in peaks) > 1
    smaller = Ledger(classifier, budget=budget // 8)
    before = len(peaks)
    smaller.logits(rows)
    assert len(peaks) - before > before


def test_the_footprint_counts_what_is_alive_together():
    megabyte = torch.zeros(2**18)
    with Footprint() as held:
        value = megabyte + 1
        for _ in range(10):
            value = value + 1
    assert held.peak == 2 * 2**20
    with Footprint() as held:
        kept = [megabyte + i for i in range(5)]
        views = [one.view(2, -1) for one in kept]
    assert held.peak == 5 * 2**20
    assert len(views) == 5


def test_the_footprint_leaves_out_what_was_there_before():
    weight = torch.zeros(2**18)
    with Footprint([weight]) as held:
        _ = weight.view(2, -1) @ torch.zeros(2**17)
    assert 0 < held.peak <= 2**20 // 2 + 64


def test_measuring_changes_no_number_and_leaves_nothing_behind():
    classifier = tiny("bilstm", "apln")
    before, ids = fingerprint(classifier), torch.tensor([ids_of(classifier)])
    plain = classifier(ids, torch.ones_like(ids, dtype=torch.bool))
    with Footprint() as held:
        watched = classifier(ids, torch.ones_like(ids, dtype=torch.bool))
    assert torch.equal(plain, watched)
    assert held.peak > 0
    assert same_fingerprint(before, fingerprint(classifier))


@pytest.mark.parametrize("rows", [[], [[]], [[2], []]])
def test_what_cannot_be_read_is_refused_in_a_sentence(rows):
    with pytest.raises(PoolScopeError, match="without a token cannot be read; expected rows of one id or more"):
        Ledger(tiny()).logits(rows)


def test_a_pass_that_breaks_leaves_the_account_true(monkeypatch):
    ledger, rows = Ledger(tiny("transformer")), draw(400)
    read, passes = PerturbedTexts.logits, []

    def breaking(self, rows):
        passes.append(len(rows))
        if len(passes) == 2:
            raise RuntimeError("broken on purpose")
        return read(self, rows)

    monkeypatch.setattr(PerturbedTexts, "logits", breaking)
    with pytest.raises(RuntimeError, match="on purpose"):
        ledger.logits(rows)
    assert ledger.forwards == len(ledger) == passes[0]
    ledger.logits(rows)
    assert ledger.forwards == 400
    assert ledger.reused == passes[0]


def test_threads_on_one_classifier_give_the_bits_of_one_thread():
    classifier = tiny("bilstm", "attention")
    texts = [draw(250, seed=i) for i in range(8)]
    before = fingerprint(classifier)

    def work(rows):
        ledger = Ledger(classifier)
        return ledger.logits(rows), ledger.logits(rows[::2]), ledger.forwards, ledger.reused

    # The threads first: they measure the classifier all at once.
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, texts * 3))
    single = [work(rows) for rows in texts]
    for (left, again, *counts), (right, once_more, *expected) in zip(together, single * 3, strict=True):
        assert torch.equal(left, right)
        assert torch.equal(again, once_more)
        assert counts == expected == [250, 125]
    assert same_fingerprint(before, fingerprint(classifier))


def test_an_analysis_says_what_was_computed_and_what_was_there(batches):
    classifier = tiny()
    once = analyse(classifier, Request(TEXT, (MethodCall("leave_one_out"),)))
    assert (once.forwards, once.reused) == (13, 0)
    batches.clear()
    twice = analyse(classifier, Request(TEXT, (MethodCall("leave_one_out"), MethodCall("leave_one_out"))))
    assert (twice.forwards, twice.reused) == (13, 13)
    assert sum(rows for rows, _ in batches) == 13
    assert [a.forwards for a in twice.attributions] == [13, 13]
    assert [a.reused for a in twice.attributions] == [0, 13]
    assert twice.attributions[0].scores == twice.attributions[1].scores
    none = analyse(classifier, Request(TEXT, (MethodCall("saliency"),)))
    assert (none.forwards, none.reused) == (0, 0)
