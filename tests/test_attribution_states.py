"""Readers over one encoder: which are, that the second only pools, to the same numbers, within a bound."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_classifiers import OTHER, TEXT, tiny

from models.analysis import analyse
from models.attribution.accounts import Accounts
from models.attribution.ledger import Ledger, key_of
from models.attribution.states import States
from models.records import MethodCall, Request
from models.zoo.catalogue import catalogue
from models.zoo.store import from_card

REMOVALS = (MethodCall("leave_one_out"), MethodCall("shapley_sampling"))
FAMILIES = (
    ("sst2/pretrained", "A film that is never quite alive."),
    ("trec/pretrained", "Who wrote the book of songs?"),
    ("semeval2010_task8/pretrained", "The fire was caused by lightning."),
    ("thucnews_titles/ngram", "女排主场击败对手"),
)
CARDS = catalogue()


def family(encoder="transformer", poolers=("attention", "mean", "max", "apln")):
    """Classifiers over one encoder and word table, with heads of their own."""
    first = tiny(encoder, poolers[0])
    first.encoder_digest = "one"
    found = [first]
    for seed, pooler in enumerate(poolers[1:], 2):
        other = tiny(encoder, pooler, seed=seed)
        other.table, other.encoder, other.encoder_digest = first.table, first.encoder, "one"
        other.spec = dataclasses.replace(other.spec, digest=str(seed) * 64)
        found.append(other)
    return found


def shared(classifiers, request, accounts=None):
    """Analyse one after the other with one book that expects the encoders that several have."""
    accounts = accounts or Accounts()
    accounts.states.expect([reader.encoder_digest for reader in classifiers])
    return [analyse(reader, request, accounts) for reader in classifiers], accounts


def assert_same(found, plain):
    for one, other in zip(found, plain, strict=True):
        assert one.prediction.logits == pytest.approx(other.prediction.logits, abs=1e-6)
        for made, expected in zip(one.attributions, other.attributions, strict=True):
            assert made.scores == pytest.approx(expected.scores, abs=1e-6)
            assert made.forwards == expected.forwards


@pytest.mark.parametrize(("name", "text"), FAMILIES)
def test_shipped_readers_over_one_encoder_say_what_each_says_alone(name, text, sent):
    readers = [from_card(card) for card in CARDS if card.spec.id.startswith(f"{name}/")]
    assert len(readers) >= 4
    assert len({reader.encoder_digest for reader in readers}) == 1
    assert len({reader.spec.digest for reader in readers}) == len(readers)
    request = Request(text, (REMOVALS[0], MethodCall("shapley_sampling", (("permutations", 4),))))
    plain = [analyse(reader, request) for reader in readers]
    each = len(sent) // len(readers)
    sent.clear()
    found, accounts = shared(readers, request)
    assert_same(found, plain)
    if readers[0].encoder.light:
        # Keeping what is looked up saves nothing.
        assert (len(sent), accounts.states.size) == (each * len(readers), 0)
        return
    assert len(sent) == found[0].forwards == each
    assert [one.forwards for one in found[1:]] == [0] * (len(readers) - 1)
    assert [one.reused for one in found] == [sum(a.forwards for a in one.attributions) - one.forwards for one in found]


def test_only_readers_of_the_same_states_have_the_same_encoder_digest():
    # Every one of these has an encoder, or at least a mix of its layers, for itself.
    apart = [card for card in CARDS if card.spec.id.startswith(("sst2/bilstm/", "trec/elmo_like/", "trec/gpt_like/"))]
    shared = [next(card for card in CARDS if card.spec.id.startswith(f"{name}/")) for name, _ in FAMILIES]
    found = {card.spec.id: from_card(card).encoder_digest for card in (*apart, *shared)}
    assert len(found) > 20
    assert all(found.values())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("encoder", ["transformer", "bert_like", "gpt_like", "elmo_like"])
def test_the_second_reader_only_pools(encoder, sent):
    readers = family(encoder)
    request = Request(TEXT, (*REMOVALS, MethodCall("occlusion"), MethodCall("kernel_shap"), MethodCall("lime")))
    plain = [analyse(reader, request) for reader in readers]
    sent.clear()
    found, _ = shared(readers, request)
    assert_same(found, plain)
    assert len(sent) == len(set(sent)) == found[0].forwards
    assert sum(one.forwards for one in found[1:]) == 0
    assert [one.forwards + one.reused for one in found] == [one.forwards + one.reused for one in plain]


def test_what_nobody_shares_is_not_kept_and_what_is_no_longer_in_sight_is_forgotten(sent):
    one, two = family(poolers=("mean", "max"))
    accounts, request = Accounts(), Request(TEXT, REMOVALS)
    analyse(one, request, accounts)
    assert accounts.states.size == 0
    accounts.states.expect(["one"])
    analyse(one, Request(OTHER, REMOVALS), accounts)
    assert accounts.states.size > 0
    accounts.states.expect(["two"])
    assert accounts.states.size == 0
    sent.clear()
    assert analyse(two, Request(OTHER, REMOVALS), accounts).forwards == len(sent) > 100


def test_an_encoder_that_reads_what_texts_share_leaves_no_states():
    found, accounts = shared(family("bilstm"), Request(TEXT, REMOVALS))
    assert accounts.states.size == 0
    assert all(one.forwards > 100 for one in found)


@pytest.mark.parametrize("most", [0, 20_000, 60_000])
def test_a_small_bound_holds_and_the_rest_is_read_by_each_reader(most, sent):
    readers, request = family(), Request(f"{TEXT} {OTHER}", REMOVALS)
    plain = [analyse(reader, request) for reader in readers]
    sent.clear()
    accounts = Accounts(states=most)
    found, _ = shared(readers, request, accounts)
    assert_same(found, plain)
    assert accounts.states.size <= most
    assert (accounts.states.size > 0) == (most > 0)
    again = [one.forwards for one in found[1:]]
    # In equal parts: what the first reader left, every other one finds, although all ask in one order.
    assert len(set(again)) == 1
    assert (again[0] == found[0].forwards) if not most else (0 < again[0] < found[0].forwards)


def batch(rows, width=4):
    """States of rows (B, T, D), each number telling its row."""
    longest = max(map(len, rows))
    return torch.tensor([float(sum(row)) for row in rows]).view(-1, 1, 1).expand(-1, longest, width).clone()


def test_a_new_text_takes_the_place_of_older_ones_but_never_of_its_own_rows():
    rows = [[1, 2], [3, 4]]
    keys, size = [key_of(row) for row in rows], batch(rows).nbytes
    states = States(2 * size)
    states.expect(["e"])
    for number in range(3):
        new = [key_of([number, *row]) for row in rows]
        states.keep("e", bytes([number]), new, batch(rows))
    assert states.size == 2 * size
    assert not states.found("e", [key_of([0, *row]) for row in rows])
    assert states.found("e", [key_of([2, *row]) for row in rows])
    full = States(size)
    full.expect(["e"])
    full.keep("e", b"t", keys, batch(rows))
    full.keep("e", b"t", [key_of([9, 9])], batch([[9, 9]]))
    assert list(full.found("e", [*keys, key_of([9, 9])])) == keys
    full.keep("e", b"u", [key_of([9, 9])], batch([[9, 9]]))
    assert list(full.found("e", [*keys, key_of([9, 9])])) == [key_of([9, 9])]


def test_a_batch_that_never_fits_takes_no_other_text_s_place():
    rows = [[1, 2], [3, 4]]
    keys, size = [key_of(row) for row in rows], batch(rows).nbytes
    states = States(2 * size)
    states.expect(["e"])
    states.keep("e", b"t", keys, batch(rows))
    states.keep("e", b"u", [key_of([n, 9]) for n in range(5)], batch([[n, 9] for n in range(5)]))
    assert list(states.found("e", keys)) == keys
    assert states.size == size


def test_two_encoders_get_half_of_the_room_each_and_never_meet():
    rows = [[1, 2]]
    (key,), size = [key_of(row) for row in rows], batch(rows).nbytes
    states = States(2 * size)
    states.expect(["e", "f"])
    states.keep("e", b"t", [key], batch(rows))
    states.keep("e", b"t", [key_of([7])], batch([[7]]).expand(1, 2, 4).clone())
    states.keep("f", b"t", [key], -batch(rows))
    states.keep("g", b"t", [key], batch(rows))
    assert states.size == 2 * size
    assert torch.equal(states.found("f", [key])[key], -states.found("e", [key])[key])
    assert states.found("g", [key]) == {}


def test_rows_of_several_lengths_come_back_without_their_padding():
    rows = [[1, 2, 3], [4, 5]]
    states = States()
    states.expect(["e"])
    states.keep("e", b"t", [key_of(row) for row in rows], batch(rows))
    found = states.found("e", [key_of(row) for row in rows])
    assert [tuple(found[key_of(row)].shape) for row in rows] == [(3, 4), (2, 4)]
    assert [float(found[key_of(row)][0, 0]) for row in rows] == [6.0, 9.0]


def test_pooling_pauses_between_chunks_and_a_stop_keeps_what_is_done():
    one, two = family(poolers=("mean", "attention"))
    accounts, rows = Accounts(), [[2 + i % 15] * 20 + [2 + i // 15] for i in range(150)]
    accounts.states.expect(["one"])
    Ledger(one, accounts=accounts).logits(rows)
    ledger, told = Ledger(two, accounts=accounts), []

    def between(coming):
        told.append(coming)
        if len(told) == 3:
            raise InterruptedError

    ledger.between = between
    with pytest.raises(InterruptedError):
        ledger.logits(rows)
    assert (ledger.forwards, ledger.reused) == (0, sum(told[:2]))
    ledger.between = None
    found = ledger.logits(rows)
    assert (ledger.forwards, ledger.reused) == (0, sum(told[:2]) + 150)
    torch.testing.assert_close(found, Ledger(two).logits(rows), rtol=0, atol=1e-6)

