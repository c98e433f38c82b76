"""The desk: cheap maps first, whatever is stopped really stops, nothing unfinished is kept, visitors take turns."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest
from tiny_classifiers import TEXT, tiny

from models import desk as desks
from models.analysis import analyse
from models.attribution import METHODS
from models.attribution.progress import STOPPED
from models.desk import Desk, Order, placeholders
from models.errors import PoolScopeError
from models.records import MethodCall, Request
from models.turns import Turns

LONG = " ".join([TEXT] * 12)
PATIENCE = 30.0


def calls(*names: str) -> tuple[MethodCall, ...]:
    return tuple(MethodCall(name) for name in names)


def order(text=TEXT, *names, name="one", encoder="bilstm") -> Order:
    classifier = tiny(encoder, "attention")
    return Order(name, name, len(text.split()), lambda: classifier, Request(text, calls(*names)))


class Gate:
    """Lets a method reach its first chunk and holds it there until it is opened."""

    def __init__(self, monkeypatch, name="shapley_sampling"):
        self.reached, self.opened, self.order = threading.Event(), threading.Event(), []
        method = METHODS[name]
        original, gate = desks.attribution, self

        def held(made, reading, text, target):
            gate.order.append(made.name)
            if isinstance(made, method):
                follow = reading.ledger.between

                def between(coming):
                    follow(coming)
                    gate.reached.set()
                    assert gate.opened.wait(PATIENCE)

                reading.ledger.between = between
            return original(made, reading, text, target)

        monkeypatch.setattr(desks, "attribution", held)


@pytest.fixture
def gate(monkeypatch):
    made = Gate(monkeypatch)
    yield made
    made.opened.set()


def test_the_maps_are_those_of_analyse_and_cheap_ones_come_first(gate):
    names = ("shapley_sampling", "integrated_gradients", "leave_one_out", "attention", "saliency")
    wanted, desk = order(TEXT, *names), Desk()
    gate.opened.set()
    desk.ask([wanted])
    assert desk.wait(PATIENCE)
    # By what each reads at most for 12 words: 0, 0, 12, 177, 1009.
    assert gate.order == ["attention", "saliency", "leave_one_out", "shapley_sampling", "integrated_gradients"]
    found = desk.found(wanted)
    expected = analyse(wanted.classifier(), Request(TEXT, calls(*names)))
    for made in expected.attributions:
        assert found[made.key].scores == pytest.approx(made.scores, abs=1e-5)
    assert [a.method for a in placeholders(wanted, found, (), 0)] == list(names)
    status = desk.status()
    assert (status.done, status.wanted, status.stopped, status.busy) == (5, 5, 0, False)


def test_what_is_running_is_told_and_a_stop_leaves_the_finished_maps_and_nothing_of_the_rest(gate):
    wanted, desk = order(LONG, "attention", "leave_one_out", "shapley_sampling", "lime"), Desk()
    desk.ask([wanted])
    assert gate.reached.wait(PATIENCE)
    status = desk.status()
    assert status.busy
    assert (status.title, status.reader) == ("Shapley sampling", "one")
    assert 0 < status.step.begun < status.step.most == METHODS["shapley_sampling"]().most_forwards(wanted.words)
    assert not desk.wait(0.01)
    before = status.revision
    desk.cancel()
    assert desk.wait(PATIENCE)
    gate.opened.set()
    while desk.status().title:
        time.sleep(0.01)
    status = desk.status()
    # LIME reads 256 texts, fewer than the 2,289 of the orders: it was done before.
    assert (status.done, status.stopped, status.busy) == (3, 1, False)
    assert status.revision > before
    found = desk.found(wanted)
    assert found["shapley_sampling"] is None
    shown = placeholders(wanted, found, desk.stopped(wanted), 0)
    assert [a.reason for a in shown] == [None, None, STOPPED, None]
    assert shown[2].title == "Shapley sampling"
    desk.ask([wanted])
    assert desk.wait(0)
    desk.resume()
    assert desk.wait(PATIENCE)
    assert desk.found(wanted)["shapley_sampling"].scores is not None
    assert desk.status().stopped == 0


def test_what_is_no_longer_on_the_screen_is_dropped_and_what_comes_next_is_made(gate):
    old, new = order(LONG, "shapley_sampling"), order(TEXT, "saliency", name="two")
    desk = Desk()
    desk.ask([old])
    assert gate.reached.wait(PATIENCE)
    desk.ask([new])
    gate.opened.set()
    assert desk.wait(PATIENCE)
    assert desk.found(new)["saliency"].scores is not None
    assert desk.found(old)["shapley_sampling"] is None
    assert desk.status().wanted == 1


def test_a_map_that_is_there_is_not_made_again(gate):
    gate.opened.set()
    desk = Desk()
    for names in (("attention",), ("attention", "saliency"), ("saliency",)):
        desk.ask([order(TEXT, *names)])
        assert desk.wait(PATIENCE)
    assert gate.order == ["attention", "saliency"]


def test_another_target_is_another_map_of_rows_that_were_read(gate):
    gate.opened.set()
    first, desk = order(TEXT, "leave_one_out", "shapley_sampling"), Desk()
    other = dataclasses.replace(first, name="two", request=dataclasses.replace(first.request, target=2))
    counts = []
    for wanted in (first, other):
        desk.ask([wanted])
        assert desk.wait(PATIENCE)
        found = desk.found(wanted)
        counts.append({name: (made.forwards, made.reused) for name, made in found.items()})
        for made in analyse(wanted.classifier(), wanted.request).attributions:
            assert found[made.key].scores == pytest.approx(made.scores, abs=1e-5)
    assert counts[0]["leave_one_out"] == (13, 0)
    assert counts[1] == {name: (all_of_them, all_of_them) for name, (all_of_them, _) in counts[0].items()}
    desk.close()
    assert len(desk.accounts.rows) == 0


def test_readers_on_one_page_share_their_encoder_and_one_alone_leaves_no_states(gate):
    gate.opened.set()
    one, desk = order(TEXT, "leave_one_out", encoder="transformer"), Desk()
    shared = tiny("transformer", "mean")
    shared.encoder, shared.table = one.classifier().encoder, one.classifier().table
    for classifier, digest in ((one.classifier(), "1"), (shared, "2")):
        classifier.encoder_digest = "one"
        classifier.spec = dataclasses.replace(classifier.spec, digest=digest)
    one = dataclasses.replace(one, encoder="one")
    two = dataclasses.replace(one, name="two", classifier=lambda: shared)
    desk.ask([one])
    assert desk.wait(PATIENCE)
    assert desk.accounts.states.size == 0
    longer = Request(f"{TEXT} {TEXT}", one.request.methods)
    one, two = (dataclasses.replace(each, name=f"{each.name} longer", request=longer) for each in (one, two))
    desk.ask([one, two])
    assert desk.wait(PATIENCE)
    assert desk.accounts.states.size > 0
    made = [desk.found(wanted)["leave_one_out"] for wanted in (one, two)]
    assert [(found.forwards, found.reused) for found in made] == [(26, 0), (26, 26)]
    expected = analyse(shared, longer).attributions[0]
    assert made[1].scores == pytest.approx(expected.scores, abs=1e-6)
    desk.ask([one])
    assert desk.accounts.states.size == 0


def test_only_so_many_maps_are_kept_and_never_too_few_for_the_screen(gate):
    gate.opened.set()
    desk = Desk(most=3)
    for name in "abc":
        wanted = order(TEXT, "attention", "saliency", name=name)
        desk.ask([wanted])
        assert desk.wait(PATIENCE)
        assert all(desk.found(wanted).values())
    assert len(desk._maps) == 3
    assert not any(desk.found(order(TEXT, "attention", "saliency", name="a")).values())


def test_a_map_that_cannot_be_made_is_a_sentence_and_the_others_are_made(monkeypatch, caplog):
    def broken(self, reading, target):
        raise {"saliency": PoolScopeError("It is too dark."), "lime": ZeroDivisionError("oh")}[self.name]

    for name in ("saliency", "lime"):
        monkeypatch.setattr(METHODS[name], "attribute", broken)
    wanted, desk = order(TEXT, "saliency", "lime", "leave_one_out"), Desk()
    desk.ask([wanted])
    assert desk.wait(PATIENCE)
    found = desk.found(wanted)
    assert (found["saliency"].reason, found["lime"].reason) == ("It is too dark.", desks.BROKEN)
    assert found["leave_one_out"].scores is not None
    assert "ZeroDivisionError" in caplog.text


def test_a_method_nobody_knows_is_refused_at_once():
    with pytest.raises(PoolScopeError, match="unknown attribution method 'nobody'"):
        Desk().ask([order(TEXT, "nobody")])


def test_a_closed_desk_ends_its_thread(gate):
    desk = Desk()
    desk.ask([order(LONG, "shapley_sampling")])
    assert gate.reached.wait(PATIENCE)
    thread = desk._thread
    desk.close()
    gate.opened.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert desk.status().wanted == 0


def test_a_second_visitor_waits_for_one_chunk_and_not_for_the_end(gate):
    """The first one's work stands between two chunks; the second one's is done before it goes on."""
    turns = Turns(1)
    first, second = Desk(turns), Desk(turns)
    first.ask([order(LONG, "shapley_sampling")])
    assert gate.reached.wait(PATIENCE)
    short = order(TEXT, "leave_one_out", name="two")
    second.ask([short])
    assert not second.wait(0.05)  # the place is taken for as long as the chunk takes
    gate.opened.set()
    assert second.wait(PATIENCE)
    assert first.status().busy
    first.cancel()


@pytest.mark.parametrize("places", [1, 2])
def test_turns_go_round_in_the_order_of_arrival(places):
    turns, log, inside = Turns(places), [], []
    most = 0
    lock = threading.Lock()

    def work(name):
        nonlocal most
        with turns:
            for _ in range(5):
                with lock:
                    inside.append(name)
                    most = max(most, len(inside))
                time.sleep(0.01)
                with lock:
                    log.append(name)
                    inside.remove(name)
                turns.hand_on()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    # Every place is taken until all four stand in the queue, however busy the machine is.
    for _ in range(places):
        turns.__enter__()
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    while len(turns._queue) < len(threads) and time.monotonic() < deadline:
        time.sleep(0.001)
    for _ in range(places):
        turns.__exit__(None, None, None)
    for thread in threads:
        thread.join(PATIENCE)
    assert most == places
    assert sorted(log) == sorted("abcd" * 5)
    if places == 1:
        # Nobody computes a second chunk while others wait for their first.
        assert all(log[i : i + 4] == log[:4] for i in range(0, 20, 4))
        assert sorted(log[:4]) == list("abcd")


def test_a_place_is_given_back_after_an_error():
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass
