"""A visitor's maps, computed one after the other behind the page: cheap ones first, and any of them stoppable."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from threading import Condition, Thread
from typing import Final

from models.analysis import Subject, attribution, subject
from models.attribution import METHODS
from models.attribution.accounts import Accounts
from models.attribution.base import build
from models.attribution.progress import STOPPED, CancelledError, Progress, Step
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.records import Attribution, MethodCall, Request
from models.turns import TURNS, Turns

LOG = logging.getLogger("poolscope")
MOST_MAPS: Final = 512
WAITING: Final = "Not computed yet: cheaper maps come first."
BROKEN: Final = "Something unexpected went wrong with this map; the terminal says what."
Key = tuple[Hashable, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """The maps that one reader of ``words`` words owes: ``name`` tells it and its text from all others.

    ``encoder`` is the digest of its encoder, empty where it does not matter whether readers have one in common.
    """

    name: Hashable
    title: str
    words: int
    classifier: Callable[[], PoolingClassifier]
    request: Request
    encoder: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """How far the work is: maps ``done`` of ``wanted``, ``stopped`` ones, and what is being computed.

    ``revision`` grows whenever a map is finished or stopped.
    """

    done: int
    wanted: int
    stopped: int
    revision: int
    title: str = ""
    reader: str = ""
    step: Step = Step(0, 0)

    @property
    def busy(self) -> bool:
        """Whether anything is still to come."""
        return self.done + self.stopped < self.wanted


@dataclasses.dataclass(frozen=True, slots=True)
class _Job:
    """One map to make; jobs are done in the order of ``cost``, then as they were asked for."""

    key: Key
    cost: int
    order: Order
    call: MethodCall


class Desk:
    """One visitor's work, done by one thread of its own that takes its turn among those of other visitors.

    :meth:`ask` says what is on the screen: what is no longer asked for is dropped, a running map of that kind
    ends before its next chunk. Finished maps are kept, ``most`` of them. Nothing of an unfinished map is,
    but the texts read for it stand in ``accounts``, where all that the visitor asks for next finds them.
    """

    def __init__(self, turns: Turns = TURNS, most: int = MOST_MAPS) -> None:
        """Open an empty desk."""
        self._turns, self._most = turns, most
        self.accounts = Accounts()
        self._changed = Condition()
        self._maps: OrderedDict[Key, Attribution] = OrderedDict()
        self._jobs: list[_Job] = []
        self._stopped: set[Key] = set()
        self._running: tuple[_Job, Progress] | None = None
        self._thread: Thread | None = None
        self._revision = 0

    def ask(self, orders: Sequence[Order]) -> None:
        """Make all maps of ``orders`` that are not there, and forget what was asked before.

        Raises:
            PoolScopeError: a method that does not exist, or a parameter outside its bounds.
        """
        jobs = [
            _Job((order.name, call.key), build(call, METHODS).most_forwards(order.words), order, call)
            for order in orders
            for call in order.request.methods
        ]
        encoders = Counter(order.encoder for order in orders if order.encoder)
        self.accounts.states.expect([name for name, readers in encoders.items() if readers > 1])
        with self._changed:
            self._jobs = sorted(jobs, key=lambda job: job.cost)
            wanted = {job.key for job in jobs}
            self._stopped &= wanted
            for key in wanted & self._maps.keys():
                self._maps.move_to_end(key)
            if self._running is not None and self._running[0].key not in wanted:
                self._running[1].stop()
            self._start()

    def wait(self, seconds: float) -> bool:
        """Wait until all is there, ``seconds`` at most; say whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending(), seconds)

    def found(self, order: Order) -> dict[str, Attribution | None]:
        """The maps of ``order`` by the key of their call; ``None`` for those still to come."""
        with self._changed:
            keys = [(order.name, call.key) for call in order.request.methods]
            return {key[1]: self._maps.get(key) for key in keys}

    def stopped(self, order: Order) -> frozenset[str]:
        """The keys of those maps of ``order`` that were stopped."""
        with self._changed:
            return frozenset(key for name, key in self._stopped if name == order.name)

    def status(self) -> Status:
        """How far the work is."""
        with self._changed:
            wanted = {job.key for job in self._jobs}
            counts = (len(wanted & self._maps.keys()), len(wanted), len(self._stopped), self._revision)
            if self._running is None:
                return Status(*counts)
            job, progress = self._running
            return Status(*counts, METHODS[job.call.name].title, job.order.title, progress.step)

    def cancel(self) -> None:
        """Stop the map that is being made and all that are still to come; finished ones stay."""
        with self._changed:
            self._stopped |= {job.key for job in self._pending()}
            if self._running is not None:
                self._running[1].stop()
            self._told()

    def resume(self) -> None:
        """Make what was stopped after all."""
        with self._changed:
            self._stopped.clear()
            self._start()

    def close(self) -> None:
        """Forget everything and let the thread end."""
        self.accounts.close()
        with self._changed:
            self._jobs, self._maps, self._stopped = [], OrderedDict(), set()
            if self._running is not None:
                self._running[1].stop()
            self._told()

    def _pending(self) -> list[_Job]:
        return [job for job in self._jobs if job.key not in self._maps and job.key not in self._stopped]

    def _start(self) -> None:
        if self._pending() and self._thread is None:
            self._thread = Thread(target=self._work, name="poolscope-desk", daemon=True)
            self._thread.start()
        self._told()

    def _told(self) -> None:
        self._revision += 1
        self._changed.notify_all()

    def _work(self) -> None:
        """Make one map after the other until none is wanted; each text is read once while the thread lives."""
        subjects: dict[Hashable, Subject] = {}
        while True:
            with self._changed:
                pending = self._pending()
                if not pending:
                    self._thread = None
                    return
                job, progress = pending[0], Progress(self._turns.hand_on)
                self._running = job, progress
                names = {other.order.name for other in self._jobs}
            for gone in subjects.keys() - names:
                del subjects[gone]
            made = self._made(job, progress, subjects)
            with self._changed:
                self._running = None
                if made is not None:
                    self._maps[job.key] = made
                    self._stopped.discard(job.key)
                    self._trim()
                self._told()

    def _made(self, job: _Job, progress: Progress, subjects: dict[Hashable, Subject]) -> Attribution | None:
        """Make one map; ``None`` when it was stopped, a reason in its place when it cannot be made."""
        method, target = build(job.call, METHODS), job.order.request.target or 0
        try:
            with self._turns:
                if job.order.name not in subjects:
                    subjects[job.order.name] = subject(job.order.classifier(), job.order.request, self.accounts)
                read = subjects[job.order.name]
                target = read.target.index
                progress.follow(read.reading, job.cost)
                return attribution(method, read.reading, read.text, read.target)
        except CancelledError:
            return None
        except PoolScopeError as error:
            return missing(job.call, job.order.request, str(error), target)
        except Exception:
            LOG.exception("%s of %s", job.call.key, job.order.name)
            return missing(job.call, job.order.request, BROKEN, target)

    def _trim(self) -> None:
        """Drop the oldest maps beyond ``most`` that are not on the screen."""
        wanted = {job.key for job in self._jobs}
        old = [key for key in self._maps if key not in wanted]
        for key in old[: max(0, len(self._maps) - self._most)]:
            del self._maps[key]


def missing(call: MethodCall, request: Request, reason: str, target: int) -> Attribution:
    """A map that is not there, and why."""
    method = build(call, METHODS)
    return Attribution(
        method=method.name, title=method.heading, target=target, scalar=request.scalar, signed=method.signed,
        complete=method.complete, scores=None, reason=reason, params=method.variant, against=request.against,
    )  # fmt: skip


def placeholders(
    order: Order, found: Mapping[str, Attribution | None], stopped: Iterable[str], target: int
) -> list[Attribution]:
    """The maps of ``order`` in its own order, with a reason for each that is not there."""
    reasons = {**{call.key: WAITING for call in order.request.methods}, **dict.fromkeys(stopped, STOPPED)}
    return [
        found.get(call.key) or missing(call, order.request, reasons[call.key], target)
        for call in order.request.methods
    ]
