"""The only ``st.cache_*``: classifiers are shared by all visitors, what they typed is not.

Classifiers are kept by id and digest of their weights, results by the frozen request as well; maps
are made and kept by the visitor's :class:`~models.desk.Desk`, in whose accounts everything that is computed
for the visitor finds the texts that were read before. All caches are bounded.
Errors come back as sentences, so that one bad file costs one reader only.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import streamlit as st

from models import runtime
from models.errors import PoolScopeError
from models.experiment_records import ExperimentCall, Imposed, Measured, Reference, Trial
from models.norm_records import FormCounts, NormReadings, ScaleLimits, Swap
from models.records import Analysis, Ladder, Neighbours, NormSweep, Removal, Request, Substitute, Through
from models.study_records import Study, StudySummary
from models.zoo.catalogue import SHIPPED, Card, catalogue, problems

if TYPE_CHECKING:
    from models.baselines.store import BagOfWords
    from models.classifier import PoolingClassifier
    from models.desk import Desk, Order

T = TypeVar("T")
LOG = logging.getLogger("poolscope")
# Long texts need scipy's statistics, a second of import; everything else comes first.
FIGURES = ("altair", "viz.dial", "viz.norms", "viz.scatter", "viz.slope", "scipy.stats")
ZOO = "POOLSCOPE_ZOO"
UNEXPECTED = "Something unexpected went wrong with this text; the terminal says what. Another text may do."
_SETTLER = runtime.Settler()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reader that could not do what was asked, and why in one sentence."""

    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Zoo:
    """The classifiers there are, and a sentence for every card that could not be read."""

    cards: tuple[Card, ...]
    problems: tuple[str, ...]

    def task(self, task: str) -> tuple[Card, ...]:
        """The classifiers of one task."""
        return tuple(card for card in self.cards if card.spec.task == task)

    def pick(self, ids: Sequence[str]) -> tuple[Card, ...]:
        """The classifiers called ``ids``, in that order."""
        by_id = {card.spec.id: card for card in self.cards}
        return tuple(by_id[name] for name in ids if name in by_id)


def folders() -> tuple[Path, ...]:
    """Zoo folders: those ``POOLSCOPE_ZOO`` lists, ``shipped`` standing for the shipped one."""
    named = [part for part in os.environ.get(ZOO, "").split(os.pathsep) if part.strip()] or ["shipped"]
    return tuple(SHIPPED if part.strip() == "shipped" else Path(part).expanduser() for part in named)


def zoo() -> Zoo:
    """Every card of every folder; read again when a file changes, so a new classifier appears on reload."""
    files = sorted(path for folder in folders() for path in folder.glob("*/*.json"))
    return _zoo(tuple(map(str, folders())), tuple((str(path), path.stat().st_mtime_ns) for path in files))


def twins() -> tuple[Card, ...]:
    """The cards of every twin of every folder, whosever they are; read again when a file changes."""
    files = sorted(path for folder in folders() for path in folder.glob("*/*.json"))
    return _twins(tuple(map(str, folders())), tuple((str(path), path.stat().st_mtime_ns) for path in files))


def analysis(card: Card, request: Request) -> Analysis | Refusal:
    """What one classifier predicts about a request without methods."""
    return _guarded(card.spec.id, card.spec.title, lambda: _analysis(*_identity(card), request))


def explain(cards: Sequence[Card], request: Request) -> dict[str, Refusal]:
    """Begin with the maps of a request, behind the page, and forget what was wanted before; whoever refuses, by id."""
    refusals: dict[str, Refusal] = {}
    orders = []
    for card in cards:
        made = _guarded(card.spec.id, card.spec.title, lambda card=card: _order(card, request))
        if isinstance(made, Refusal):
            refusals[card.spec.id] = made
        else:
            orders.append(made)
    refused = _guarded("desk", "the maps", lambda: desk().ask(orders))
    return dict.fromkeys((card.spec.id for card in cards), refused) if isinstance(refused, Refusal) else refusals


def explained(card: Card, request: Request) -> Analysis | Refusal:
    """What one classifier says about a request, with those maps that are there; the others have a reason."""
    return _guarded(card.spec.id, card.spec.title, lambda: _explained(card, request))


def removal(card: Card, request: Request, index: int, how: Literal["deleted", "masked"]) -> Removal | Refusal:
    """The prediction without one more token."""
    return _guarded(card.spec.id, card.spec.title, lambda: _removal(*_identity(card), request, index, how))


def neighbours(card: Card, word: str, space: Literal["embedding", "state"]) -> Neighbours | Refusal:
    """The words nearest to one, in a classifier's word table or among its states."""
    return _guarded(card.spec.id, card.spec.title, lambda: _neighbours(*_identity(card), word, space))


def substitutes(
    card: Card, request: Request, index: int, words: tuple[str, ...]
) -> tuple[Substitute, ...] | Refusal:
    """The predictions with each of ``words`` in place of one token."""
    return _guarded(card.spec.id, card.spec.title, lambda: _substitutes(*_identity(card), request, index, words))


def ladder(card: Card, request: Request, through: Through) -> Ladder | Refusal:
    """The ladder from attention to leave-one-out, its gradients through the attention or past it."""
    return _guarded(card.spec.id, card.spec.title, lambda: _ladder(*_identity(card), request, through))


def sweep(card: Card, request: Request, ps: tuple[float, ...]) -> NormSweep | Refusal:
    """The text pooled at every p of ``ps``."""
    return _guarded(card.spec.id, card.spec.title, lambda: _sweep(*_identity(card), request, ps))


def norm_readings(card: Card, request: Request, p: float) -> NormReadings | Refusal:
    """Readings A, B and C side by side, and their identities."""
    return _guarded(card.spec.id, card.spec.title, lambda: _norm_readings(*_identity(card), request, p))


def scale_limits(card: Card, request: Request, p: float) -> ScaleLimits | Refusal:
    """The four scale limits on the same states."""
    return _guarded(card.spec.id, card.spec.title, lambda: _scale_limits(*_identity(card), request, p))


def norm_forms(card: Card, request: Request, ps: tuple[float, ...]) -> FormCounts | Refusal:
    """What single precision loses in the log and in the pow form."""
    return _guarded(card.spec.id, card.spec.title, lambda: _norm_forms(*_identity(card), request, ps))


def swap(card: Card, request: Request, p: float, examples: tuple[str, ...]) -> Swap | Refusal:
    """Other poolers under the same encoder and head."""
    return _guarded(card.spec.id, card.spec.title, lambda: _swap(*_identity(card), request, p, examples))


def trial(card: Card, request: Request, call: ExperimentCall) -> Trial | Refusal:
    """One experiment of the debate."""
    return _guarded(card.spec.id, card.spec.title, lambda: _trial(*_identity(card), request, call))


def imposed(card: Card, request: Request, weights: tuple[float, ...]) -> Imposed | Refusal:
    """The prediction with one weight per word set by hand."""
    return _guarded(card.spec.id, card.spec.title, lambda: _imposed(*_identity(card), request, weights))


def distribution(card: Card, method: str, predicted: int) -> Reference | None:
    """How a number of the debate falls over the texts that a shipped classifier was tested on."""
    from models.debate.reference import reference as found

    # A damaged file is told where whole test sets are drawn; here a number merely stands alone.
    with suppress(PoolScopeError):
        return found(card.spec, method, predicted)
    return None


def measured(card: Card) -> Measured | Refusal | None:
    """All numbers of the debate on every text that a shipped classifier was tested on; ``None``: not measured."""
    from models.debate.reference import measured as found

    return _guarded(card.spec.id, card.spec.title, lambda: found(card.spec))


def plausible(scores: tuple[float, ...], marked: tuple[int, ...]) -> dict[str, object]:
    """How well a map finds the words that a visitor marked."""
    from dataclasses import asdict

    from models.metrics.plausibility import judge

    return asdict(judge(scores, marked))


def baseline(task: str) -> tuple[str, float] | None:
    """The best bag of words of a task, by its title, and its accuracy on the official test set."""
    from models.baselines.catalogue import best_baseline, find_card

    best, card = best_baseline(task), find_card(task)
    if best is None or card is None:
        return None
    return str(card["baselines"][best.name].get("title", best.name)), best.accuracy


def reference(task: str, name: str, request: Request) -> Analysis | Refusal:
    """What one shipped bag of words says about a request."""
    from models.baselines import catalogue as baselines

    card = baselines.find_card(task)
    digest = "" if card is None else str(card["baselines"].get(name, {}).get("digest", ""))
    return _guarded(f"{task}/{name}", name, lambda: _reference(task, name, digest, request))


def study() -> tuple[Study, StudySummary] | Refusal | None:
    """The runs of the study and what they say; ``None`` where no study is shipped."""
    from models.study.read import SHIPPED as RUNS

    if not RUNS.exists():
        return None
    try:
        return _study(str(RUNS), RUNS.stat().st_mtime_ns)
    except PoolScopeError as error:
        return Refusal("the study", str(error))


@st.cache_resource(show_spinner=False)
def warm() -> tuple[threading.Thread, threading.Thread]:
    """Start the slow imports once per server, behind the first visitor's back: reading, then figures.

    Whoever needs one of them joins its thread: a library that looks for another one among the
    imported modules, as altair does for pandas, must not find half of it.
    """
    reading = runtime.warm(*runtime.HEAVY)
    return reading, runtime.warm(*FIGURES, after=reading)


def _guarded(model_id: str, title: str, work: Callable[[], T]) -> T | Refusal:
    try:
        return work()
    except PoolScopeError as error:
        return Refusal(title, str(error))
    except Exception:
        LOG.exception("%s", model_id)
        return Refusal(title, UNEXPECTED)


def _identity(card: Card) -> tuple[str, str, str]:
    return card.spec.id, card.spec.digest, str(card.path.parent.parent)


@st.cache_resource(max_entries=2, show_spinner=False)
def _zoo(places: tuple[str, ...], stamps: tuple[tuple[str, int], ...]) -> Zoo:
    cards: dict[str, Card] = {}
    for folder in places:
        for card in catalogue(folder):
            cards.setdefault(card.spec.id, card)
    return Zoo(tuple(cards.values()), tuple(sentence for folder in places for sentence in problems(folder)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _twins(places: tuple[str, ...], stamps: tuple[tuple[str, int], ...]) -> tuple[Card, ...]:
    from models.zoo.catalogue import twins as listed

    found: dict[str, Card] = {}
    for folder in places:
        for card in listed(folder):
            found.setdefault(card.spec.id, card)
    return tuple(found.values())


@st.cache_resource(max_entries=48, show_spinner=False)
def _classifier(model_id: str, digest: str, folder: str) -> PoolingClassifier:
    from models.zoo.store import load_classifier

    runtime.prepare()
    loaded = load_classifier(model_id, folder)
    _SETTLER.soon()
    return loaded


@st.cache_resource(max_entries=2, show_spinner="Reading the study's runs …")
def _study(path: str, stamp: int) -> tuple[Study, StudySummary]:
    from models.study.read import load_study
    from models.study.summary import summarise

    found = load_study(path)
    return found, summarise(found)


def desk() -> Desk:
    """Where this visitor's maps are made."""
    return _desk()


def _order(card: Card, request: Request) -> Order:
    """The maps that a reader owes; its weights are loaded, and its text is read, before."""
    from models.desk import Order

    identity, bare = _identity(card), dataclasses.replace(request, methods=())
    words = len(_analysis(*identity, bare).tokens)
    encoder = _classifier(*identity).encoder_digest
    return Order((*identity, bare), card.spec.title, words, lambda: _classifier(*identity), request, encoder)


def _explained(card: Card, request: Request) -> Analysis:
    order = _order(card, request)
    there = tuple(key for key, made in desk().found(order).items() if made is not None)
    return _assembled(*_identity(card), request, there, tuple(sorted(desk().stopped(order))))


@st.cache_resource(max_entries=1, scope="session", show_spinner=False, on_release=lambda made: made.close())
def _desk() -> Desk:
    from models.desk import Desk

    return Desk()


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _analysis(model_id: str, digest: str, folder: str, request: Request) -> Analysis:
    from models.analysis import analyse

    return analyse(_classifier(model_id, digest, folder), request, desk().accounts)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _assembled(
    model_id: str, digest: str, folder: str, request: Request, there: tuple[str, ...], stopped: tuple[str, ...]
) -> Analysis:
    from models.analysis import with_maps
    from models.desk import Order, placeholders

    bare = dataclasses.replace(request, methods=())
    order = Order((model_id, digest, folder, bare), "", 0, lambda: _classifier(model_id, digest, folder), request)
    found = {key: made if key in there else None for key, made in desk().found(order).items()}
    read = _analysis(model_id, digest, folder, bare)
    return with_maps(read, request, placeholders(order, found, stopped, read.target))


@st.cache_resource(max_entries=24, show_spinner=False)
def _bag(task: str, name: str, digest: str) -> BagOfWords:
    from models.baselines.store import load_baseline

    return load_baseline(task, name)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _reference(task: str, name: str, digest: str, request: Request) -> Analysis:
    from models.baselines.reading import explain

    return explain(_bag(task, name, digest), request)


@st.cache_data(max_entries=256, scope="session", show_spinner=False)
def _removal(
    model_id: str, digest: str, folder: str, request: Request, index: int, how: Literal["deleted", "masked"]
) -> Removal:
    from models.analysis import remove

    return remove(_classifier(model_id, digest, folder), request, index, how, desk().accounts)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _neighbours(
    model_id: str, digest: str, folder: str, word: str, space: Literal["embedding", "state"]
) -> Neighbours:
    from models.neighbours import neighbours as near

    return near(_classifier(model_id, digest, folder), word, space=space)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _substitutes(
    model_id: str, digest: str, folder: str, request: Request, index: int, words: tuple[str, ...]
) -> tuple[Substitute, ...]:
    from models.neighbours import substitutes as replaced

    return replaced(_classifier(model_id, digest, folder), request, index, words, desk().accounts)


@st.cache_data(max_entries=16, scope="session", show_spinner=False)
def _ladder(model_id: str, digest: str, folder: str, request: Request, through: Through) -> Ladder:
    from models.experiments.ladder import ladder as climb

    return climb(_classifier(model_id, digest, folder), request, through, desk().accounts)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _trial(model_id: str, digest: str, folder: str, request: Request, call: ExperimentCall) -> Trial:
    from models.experiments import EXPERIMENTS
    from models.experiments.base import perform

    return perform(_classifier(model_id, digest, folder), request, call, EXPERIMENTS, desk().accounts)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _imposed(model_id: str, digest: str, folder: str, request: Request, weights: tuple[float, ...]) -> Imposed:
    from models.experiments.imposed import impose

    return impose(_classifier(model_id, digest, folder), request, weights, desk().accounts)


@st.cache_data(max_entries=16, scope="session", show_spinner=False)
def _sweep(model_id: str, digest: str, folder: str, request: Request, ps: tuple[float, ...]) -> NormSweep:
    from models.norms import norm_sweep

    return norm_sweep(_classifier(model_id, digest, folder), request, ps, desk().accounts)


@st.cache_data(max_entries=64, scope="session", show_spinner=False)
def _norm_readings(model_id: str, digest: str, folder: str, request: Request, p: float) -> NormReadings:
    from models.normlab.readings import norm_readings as switched

    return switched(_classifier(model_id, digest, folder), request, p, desk().accounts)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _scale_limits(model_id: str, digest: str, folder: str, request: Request, p: float) -> ScaleLimits:
    from models.normlab.scale_limits import scale_limits as limited

    return limited(_classifier(model_id, digest, folder), request, p, desk().accounts)


@st.cache_data(max_entries=16, scope="session", show_spinner=False)
def _norm_forms(model_id: str, digest: str, folder: str, request: Request, ps: tuple[float, ...]) -> FormCounts:
    from models.normlab.forms import norm_forms as counted

    return counted(_classifier(model_id, digest, folder), request, ps, desk().accounts)


@st.cache_data(max_entries=32, scope="session", show_spinner=False)
def _swap(model_id: str, digest: str, folder: str, request: Request, p: float, examples: tuple[str, ...]) -> Swap:
    from models.normlab.swap import swap as exchanged

    return exchanged(_classifier(model_id, digest, folder), request, p, examples, desk().accounts)
