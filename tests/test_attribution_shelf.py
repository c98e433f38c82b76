"""All visitors' books under one bound: who gives way, who never does, and that nobody's numbers notice."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import pytest
import torch
from tiny_classifiers import OTHER, TEXT, tiny

from models.analysis import analyse
from models.attribution.accounts import Accounts
from models.attribution.ledger import Ledger
from models.attribution.shelf import MOST_BYTES, SHELF, Shelf
from models.desk import Desk
from models.records import MethodCall, Request

REMOVALS = (MethodCall("leave_one_out"), MethodCall("shapley_sampling"))
ROWS = [[1 + i % 20, 1 + i // 20] for i in range(100)]
PATIENCE = 30.0


def filled(classifier, shelf, rows=ROWS):
    """A book on ``shelf`` in which ``rows`` stand."""
    book = Accounts(shelf=shelf)
    Ledger(classifier, accounts=book).logits(rows)
    return book


def reading(classifier, shelf):
    """A book with rows, a text and states in it."""
    book = Accounts(shelf=shelf)
    book.states.expect(["one"])
    return book, analyse(classifier, Request(TEXT, REMOVALS), book)


@pytest.fixture
def classifier():
    made = tiny("transformer")
    made.encoder_digest = "one"
    return made


def test_a_book_counts_all_that_is_in_it_and_the_shelf_counts_all_books(classifier):
    shelf = Shelf(2**30)
    books = [reading(classifier, shelf)[0] for _ in range(3)]
    for book in books:
        assert book.size == book.rows.size + book.texts.size + book.states.size
        assert min(book.rows.size, book.texts.size, book.states.size) > 0
    assert shelf.size == 3 * books[0].size
    books[0].close()
    assert shelf.size == 2 * books[1].size


def test_the_book_that_was_used_longest_ago_is_emptied_and_goes_on_working():
    classifier = tiny("embedding", "mean")
    each = filled(classifier, Shelf(2**30)).size
    shelf = Shelf(3 * each)
    first, second, third = (filled(classifier, shelf) for _ in range(3))
    assert [book.size for book in (first, second, third)] == [each] * 3
    # Whoever finds everything has asked as well.
    ledger = Ledger(classifier, accounts=first)
    ledger.logits(ROWS[:1])
    assert (ledger.forwards, ledger.reused) == (0, 1)
    fourth = filled(classifier, shelf)
    assert [book.size for book in (first, second, third, fourth)] == [each, 0, each, each]
    assert shelf.size == 3 * each
    for forwards in (100, 0):
        ledger = Ledger(classifier, accounts=second)
        ledger.logits(ROWS)
        assert (ledger.forwards, ledger.reused) == (forwards, 100 - forwards)
    assert [book.size for book in (first, second, third, fourth)] == [each, each, 0, each]


@pytest.mark.parametrize(
    "use",
    [
        lambda book: book.rows.found([("digest", b"row")]),
        lambda book: book.rows.keep([(("digest", b"row"), torch.zeros(3), 10)]),
        lambda book: book.texts.found([("encoder", b"text")]),
        lambda book: book.texts.keep([(("encoder", b"text"), torch.zeros(3), 10)]),
        lambda book: book.states.expect(["one"]),
        lambda book: book.states.found("one", [b"row"]),
        lambda book: book.states.keep("one", b"text", [b"row1"], torch.zeros(1, 1, 3)),
    ],
)
def test_any_use_of_a_book_is_a_use(use):
    classifier = tiny("embedding", "mean")
    each, shelf = filled(classifier, Shelf(2**30)).size, Shelf(2**30)
    first, second = filled(classifier, shelf), filled(classifier, shelf)
    for book in (first, second):
        book.states.expect(["one"])
    use(first)
    shelf.most = 3 * each
    third = filled(classifier, shelf, ROWS[:99])
    fourth = filled(classifier, shelf, ROWS[:40])
    assert second.size == 0
    assert min(first.size, third.size, fourth.size) > 0


def test_the_book_that_is_filled_stays_even_where_it_has_more_than_all_may_have():
    classifier = tiny("embedding", "mean")
    each = filled(classifier, Shelf(2**30)).size
    shelf = Shelf(each // 2)
    one = filled(classifier, shelf, ROWS[:40])
    assert one.size > 0
    large = filled(classifier, shelf)
    assert (one.size, large.size, shelf.size) == (0, each, each)


def test_no_more_is_emptied_than_has_to_be():
    classifier = tiny("embedding", "mean")
    each = filled(classifier, Shelf(2**30)).size
    shelf = Shelf(4 * each)
    books = [filled(classifier, shelf) for _ in range(4)]
    last = filled(classifier, shelf, ROWS[:10])
    assert [book.size for book in books] == [0, each, each, each]
    assert last.size > 0


def test_an_emptied_book_says_the_same_and_counts_what_it_reads_again(classifier, sent):
    shelf = Shelf(2**30)
    book, plain = reading(classifier, shelf)
    assert plain.forwards == len(sent) > 100
    shelf.most = 1
    filled(tiny("embedding", "mean"), shelf)
    assert (book.size, len(book.rows), len(book.texts)) == (0, 0, 0)
    sent.clear()
    shelf.most = 2**30
    for forwards in (plain.forwards, 0):
        found = analyse(classifier, Request(TEXT, REMOVALS), book)
        assert found.forwards == len(sent) == forwards
        for made, expected in zip(found.attributions, plain.attributions, strict=True):
            assert made.scores == pytest.approx(expected.scores, abs=1e-6)
            assert made.forwards == expected.forwards
        sent.clear()
    # States of the encoders in sight are kept as before.
    assert book.states.size > 0


def test_nothing_on_the_shelf_keeps_a_book_even_where_the_collector_never_looks(classifier):
    shelf = Shelf(2**30)
    book, _ = reading(classifier, shelf)
    there = ref(book)
    gc.disable()
    try:
        del book
        assert there() is None
    finally:
        gc.enable()
    assert shelf.size == 0


def test_threads_that_empty_each_other_give_the_numbers_of_one_thread(classifier):
    texts = [TEXT, OTHER, f"{TEXT} {OTHER}", f"{OTHER} . {TEXT}"]
    plain = [analyse(classifier, Request(text, REMOVALS)) for text in texts]
    one = reading(classifier, Shelf(2**30))[0].size
    shelf = Shelf(2 * one)
    emptied = []

    class Watched(Accounts):
        def empty(self):
            emptied.append(self.size)
            super().empty()

    shared = Watched(shelf=shelf)

    def work(place):
        book = shared if place % 3 == 0 else Watched(shelf=shelf)
        book.states.expect(["one"])
        return [analyse(classifier, Request(text, REMOVALS), book) for text in texts]

    pool = ThreadPoolExecutor(8)
    try:
        results = [pool.submit(work, place) for place in range(12)]
        for result in results:
            for found, expected in zip(result.result(PATIENCE), plain, strict=True):
                for made, right in zip(found.attributions, expected.attributions, strict=True):
                    assert made.scores == pytest.approx(right.scores, abs=1e-5)
                    assert made.forwards == right.forwards
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    assert sum(emptied) > 0
    assert shared.size <= shelf.size


def test_the_bound_holds_while_many_fill_at_once():
    classifier = tiny("embedding", "mean")
    each = filled(classifier, Shelf(2**30)).size
    shelf, seen, stop = Shelf(3 * each), [], threading.Event()
    books = [Accounts(shelf=shelf) for _ in range(12)]

    def watch():
        while not stop.is_set():
            seen.append(shelf.size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda book: Ledger(classifier, accounts=book).logits(ROWS), books * 3))
    stop.set()
    watcher.join(PATIENCE)
    assert not watcher.is_alive()
    assert 0 < max(seen) <= 3 * each
    assert sum(book.size for book in books) <= 3 * each
    assert sum(book.size > 0 for book in books) >= 3


def test_every_visitor_s_book_stands_on_the_shelf_of_the_process():
    assert SHELF.most == MOST_BYTES == 2**30
    before, desk = SHELF.size, Desk()
    Ledger(tiny("embedding", "mean"), accounts=desk.accounts).logits(ROWS)
    assert SHELF.size == before + desk.accounts.size > before
    desk.close()
    assert SHELF.size == before
