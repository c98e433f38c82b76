"""A visitor's book of rows: found by any later job, bounded, closed with the session, never mistaken for another's."""

from __future__ import annotations

import copy
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tiny_classifiers import OTHER, TEXT, fingerprint, ids_of, same_fingerprint, tiny

from models.analysis import analyse, remove
from models.attribution.accounts import Accounts, row_bytes
from models.attribution.bounded import Bounded
from models.attribution.ledger import Ledger, key_of
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.experiment_records import ExperimentCall
from models.experiments import EXPERIMENTS
from models.experiments.base import perform
from models.experiments.ladder import ladder
from models.neighbours import substitutes
from models.records import MethodCall, Request

NOISE = 1e-5
REMOVALS = (MethodCall("leave_one_out"), MethodCall("shapley_sampling"))


@pytest.mark.parametrize(
    "other",
    [
        Request(TEXT, REMOVALS),
        Request(TEXT, REMOVALS, target=0),
        Request(TEXT, REMOVALS, target=1, scalar="probability"),
        Request(TEXT, REMOVALS, target=1, against=2),
        Request(f"  {TEXT} ", REMOVALS[:1]),
    ],
    ids=["again", "class", "scalar", "difference", "fewer"],
)
def test_a_second_job_on_the_same_words_sends_nothing_and_finds_the_numbers(other, sent):
    classifier, accounts = tiny(), Accounts()
    first = analyse(classifier, Request(TEXT, REMOVALS), accounts)
    assert first.forwards == len(sent) == len(set(sent)) > 100
    sent.clear()
    second = analyse(classifier, other, accounts)
    assert sent == []
    assert second.forwards == 0
    assert second.reused == sum(a.forwards for a in second.attributions) > 0
    for made, plain in zip(second.attributions, analyse(classifier, other).attributions, strict=True):
        assert made.scores == pytest.approx(plain.scores, abs=NOISE)
        assert made.forwards == plain.forwards


def test_an_edit_that_leads_to_words_that_were_read_finds_them(sent):
    """Without one word leave-one-out reads pairs of removals, of which orders of that word last had some."""
    classifier, accounts = tiny(), Accounts()
    analyse(classifier, Request(TEXT, REMOVALS), accounts)
    known = set(sent)
    sent.clear()
    found = analyse(classifier, Request(TEXT, REMOVALS, deleted=(3,)), accounts)
    assert found.reused > 0
    assert not known & set(sent)


def test_the_text_itself_is_not_reused_though_an_earlier_map_has_read_it():
    classifier, accounts = tiny(), Accounts()
    whole = list(ids_of(classifier))
    Reading(classifier, whole, accounts=accounts).ledger.logits([whole[1:]])
    ledger = Reading(classifier, whole[1:], accounts=accounts).ledger
    ledger.logits([whole[1:]])
    assert (ledger.forwards, ledger.reused) == (0, 0)


def test_a_click_and_a_substitute_find_what_maps_have_read(sent):
    classifier, accounts, request = tiny(), Accounts(), Request(TEXT)
    analyse(classifier, Request(TEXT, REMOVALS[:1]), accounts)
    sent.clear()
    for place in range(12):
        found = remove(classifier, request, place, "deleted", accounts)
        assert found.prediction.logits == pytest.approx(remove(classifier, request, place, "deleted").prediction.logits)
    assert len(sent) == 12  # of the plain removals alone
    words = ("good", "great")
    first = substitutes(classifier, request, 4, words, accounts)
    sent.clear()
    assert substitutes(classifier, request, 4, words, accounts) == first
    assert sent == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_say_the_same_with_a_book_and_read_less(name, sent):
    """Sanity checks among them, whose copies have other weights under the same digest."""
    classifier, accounts, call = tiny("transformer"), Accounts(), ExperimentCall(name)
    plain = perform(classifier, Request(OTHER), call, EXPERIMENTS)
    before = len(sent)
    analyse(classifier, Request(OTHER, REMOVALS[:1]), accounts)
    sent.clear()
    found = perform(classifier, Request(OTHER), call, EXPERIMENTS, accounts)
    assert (len(sent) < before) == (name in {"correlation", "faithfulness", "sanity"})
    assert_close(plain.finding, found.finding)
    again = perform(classifier, Request(OTHER), call, EXPERIMENTS, accounts)
    assert_close(plain.finding, again.finding)


def assert_close(left, right):
    """Compare two records field by field, numbers by noise, counts of what was read left out."""
    if dataclasses.is_dataclass(left):
        for field in dataclasses.fields(left):
            if field.name not in {"seconds", "forwards", "reused"}:
                assert_close(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, tuple | list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_close(one, other)
    elif isinstance(left, float):
        assert left == pytest.approx(right, abs=2e-4)
    else:
        assert left == right


def test_the_ladder_climbs_over_what_was_read(sent):
    classifier, accounts = tiny(), Accounts()
    plain = ladder(classifier, Request(TEXT))
    analyse(classifier, Request(TEXT, REMOVALS[:1]), accounts)
    sent.clear()
    found = ladder(classifier, Request(TEXT), accounts=accounts)
    assert sent == []
    assert_close(plain.rungs, found.rungs)


def test_another_digest_is_another_classifier_and_none_is_nobody_s(sent):
    accounts, rows = Accounts(), [[2, 3], [4, 5, 6]]
    one, two = tiny(seed=1), tiny(seed=2)
    two.spec = dataclasses.replace(two.spec, digest="1" * 64)
    Ledger(one, accounts=accounts).logits(rows)
    ledger = Ledger(two, accounts=accounts)
    assert torch.equal(ledger.logits(rows), Ledger(two).logits(rows))
    assert (ledger.forwards, ledger.reused) == (2, 0)
    nobody = copy.copy(one)
    nobody.spec = dataclasses.replace(one.spec, digest="")
    for _ in range(2):
        ledger = Ledger(nobody, accounts=accounts)
        ledger.logits(rows)
        assert (ledger.forwards, ledger.reused) == (2, 0)
    assert len(accounts.rows) == 4


def test_the_book_is_bounded_in_rows_and_in_bytes():
    classifier = tiny("embedding", "mean")
    rows = [[1 + i % 20, 1 + i // 20] for i in range(300)]
    few = Accounts(rows=100)
    Ledger(classifier, accounts=few).logits(rows)
    assert len(few.rows) == 100
    each = row_bytes(key_of(rows[0]), torch.zeros(3))
    small = Accounts(size=50 * each + each // 2)
    ledger = Ledger(classifier, accounts=small)
    ledger.logits(rows)
    assert (len(small.rows), small.rows.size) == (50, 50 * each)
    # The newest are there, the oldest are read again.
    ledger.logits(rows[-10:])
    assert (ledger.forwards, ledger.reused) == (300, 10)
    ledger.logits(rows[:10])
    assert (ledger.forwards, ledger.reused) == (310, 10)


def test_what_was_used_last_goes_last():
    kept: Bounded[str, int] = Bounded(3, 100)
    kept.keep([(name, place, 10) for place, name in enumerate("abc")])
    assert kept.found("a") == {"a": 0}
    kept.keep([("d", 3, 10)])
    assert kept.found("abcd") == {"a": 0, "c": 2, "d": 3}
    kept.keep([("a", 9, 85)])
    assert (kept.found("abcd"), kept.size) == ({"a": 9, "d": 3}, 95)


def test_what_is_larger_than_all_room_is_refused_and_the_others_stay():
    kept: Bounded[str, int] = Bounded(3, 100)
    kept.keep([("a", 1, 60), ("b", 2, 40), ("c", 3, 101)])
    assert (kept.found("abc"), kept.size) == ({"a": 1, "b": 2}, 100)
    # An older value of the same key is not what was brought last.
    kept.keep([("a", 9, 101)])
    assert (kept.found("ab"), kept.size) == ({"b": 2}, 40)


def test_a_closed_book_holds_nothing_and_takes_nothing():
    classifier, accounts = tiny("transformer"), Accounts()
    classifier.encoder_digest = "one"
    accounts.states.expect(["one"])
    analyse(classifier, Request(TEXT, REMOVALS), accounts)
    assert min(len(accounts.rows), len(accounts.texts), accounts.states.size) > 0
    accounts.close()
    for _ in range(2):
        assert (len(accounts.rows), len(accounts.texts), accounts.states.size) == (0, 0, 0)
        analyse(classifier, Request(TEXT, REMOVALS), accounts)


def test_threads_with_a_book_each_give_the_bits_of_one_thread_and_the_classifier_stays():
    classifier = tiny("bilstm", "apln")
    classifier.encoder_digest = "one"
    texts = [TEXT, OTHER, f"{TEXT} {OTHER}", "a good story", "never , never", f"{OTHER} . {TEXT}", "not bad", "film"]
    before = fingerprint(classifier)

    def work(text):
        accounts = Accounts()
        found = [analyse(classifier, Request(text, REMOVALS, target=target), accounts) for target in (0, 1)]
        return [(a.scores, a.forwards, a.reused) for one in found for a in one.attributions]

    alone = [work(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, texts * 3)) == alone * 3
    assert same_fingerprint(before, fingerprint(classifier))


def test_threads_may_share_the_book_of_their_visitor():
    classifier, accounts = tiny(), Accounts(rows=300)
    texts = [TEXT, OTHER, f"{TEXT} {OTHER}", f"{OTHER} . {TEXT}"]
    plain = [analyse(classifier, Request(text, REMOVALS)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: analyse(classifier, Request(text, REMOVALS), accounts), texts * 4))
    for one, other in zip(found, plain * 4, strict=True):
        for made, expected in zip(one.attributions, other.attributions, strict=True):
            assert made.scores == pytest.approx(expected.scores, abs=NOISE)
    assert len(accounts.rows) <= 300


@pytest.mark.parametrize("pooler", ["attention", "apln", "max", "structured", "three_tier"])
def test_a_text_that_was_read_is_not_read_again_until_a_derivative_needs_it(pooler, monkeypatch):
    classifier, accounts = tiny("transformer", pooler), Accounts()
    classifier.encoder_digest = "one"
    fresh = Reading(classifier, ids_of(classifier))
    Reading(tiny("transformer", "mean"), ids_of(classifier), accounts=accounts)
    assert len(accounts.texts) == 0  # nobody stated whose states these are
    first = Reading(classifier, ids_of(classifier), accounts=accounts)
    passes, encode = [], classifier.encoder.encode
    monkeypatch.setattr(classifier.encoder, "encode", lambda *given: passes.append(1) or encode(*given))
    known = Reading(classifier, ids_of(classifier), accounts=accounts)
    assert passes == []
    for name in ("embeddings", "hidden", "pooled", "logits", "probabilities"):
        assert torch.equal(getattr(known, name), getattr(fresh, name)), name
        assert torch.equal(getattr(first, name), getattr(fresh, name)), name
    assert (known.weights is None) == (fresh.weights is None)
    target = Target(1, scalar="probability")
    for detached in (False, True):
        wanted = fresh.embedding_gradient(target, detached=detached), fresh.state_gradient(target, detached=detached)
        found = known.embedding_gradient(target, detached=detached), known.state_gradient(target, detached=detached)
        assert torch.equal(wanted[0], found[0])
        assert torch.equal(wanted[1], found[1])
        assert bool(wanted[0].any())
    assert passes == [1]


def test_another_text_and_another_encoder_have_states_of_their_own():
    one, two, accounts = tiny(seed=1), tiny(seed=2), Accounts()
    one.encoder_digest, two.encoder_digest = "one", "two"
    for classifier in (one, two):
        for text in (TEXT, OTHER):
            found = Reading(classifier, ids_of(classifier, text), accounts=accounts)
            assert torch.equal(found.hidden, Reading(classifier, ids_of(classifier, text)).hidden)
    assert len(accounts.texts) == 4
