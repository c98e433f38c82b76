"""What a classifier did with one sentence while it was trained, and that in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.records import Token
from viz import markup, wording

# Half a percent of the largest possible divergence, ln 2, would be .0035; below .01 no colour changes visibly.
CLOSE = 0.01


@dataclass(frozen=True, slots=True)
class Frame:
    """One epoch: a weight per word, class probabilities, τ(attention, gradient), the dev set.

    ``distance`` is the Jensen-Shannon divergence (nats) of ``weights`` to those of the last epoch.
    """

    epoch: int
    weights: tuple[float, ...]
    probabilities: tuple[float, ...]
    tau: float | None
    dev: float | None
    loss: float | None
    distance: float


@dataclass(frozen=True, slots=True)
class Film:
    """All epochs of one classifier on one sentence.

    ``attends`` says whether the weights are attention, else they are shares of the pooled vector.
    ``kept`` is the epoch whose weights are the classifier's, ``settled`` the one from which the
    map stays within :data:`CLOSE` of the last one. ``road`` holds (epochs done, lowest, median,
    highest p), several an epoch, for poolers with a learned norm. ``special`` is what the reader's own
    tokens ([CLS] and its like) hold in the last epoch, which is drawn nowhere.
    """

    model: str
    digest: str
    title: str
    labels: tuple[str, ...]
    text: str
    tokens: tuple[Token, ...]
    attends: bool
    frames: tuple[Frame, ...]
    kept: int | None
    settled: int | None
    road: tuple[tuple[float, float, float, float], ...] = ()
    special: float = 0.0

    def __post_init__(self) -> None:
        """Epochs are counted from 1; each has a weight for every word and a probability for every class."""
        if not self.frames or [frame.epoch for frame in self.frames] != list(range(1, len(self.frames) + 1)):
            raise ValueError(f"{self.model}: a film needs all epochs from the first one on")
        for frame in self.frames:
            if len(frame.weights) != len(self.tokens) or len(frame.probabilities) != len(self.labels):
                raise ValueError(f"{self.model}: epoch {frame.epoch} does not fit the sentence or the classes")

    @property
    def subject(self) -> str:
        """What the weights are."""
        return "attention" if self.attends else "the share of each word"


def story(film: Film) -> str:
    """One sentence on what changed: settling, the strongest word, the prediction, τ."""
    first, last = film.frames[0], film.frames[-1]
    if len(film.frames) == 1:
        return f"One epoch only, so nothing could change; the strongest word is {_strongest(film, first)}."
    if not any(weight for frame in film.frames for weight in frame.weights):
        nowhere = "Nothing lies on the words, all of it on a token of the reader's own, as [CLS]"
        return f"{nowhere}; {_prediction(film, first, last)}."
    parts = [_settling(film), _words(film, first, last), _prediction(film, first, last)]
    if first.tau is not None and last.tau is not None:
        parts.append(f"τ with the gradient {wording.tau(first.tau)} → {wording.tau(last.tau)}")
    if film.special:
        parts.append(f"{wording.percent(film.special)} lies on no word but on tokens of the reader's own, as [CLS]")
    return f"{'; '.join(parts)}."


def no_tau(film: Film) -> str:
    """Why τ(attention, gradient) is undefined for this classifier and sentence."""
    if not film.attends:
        return "undefined: this pooler has no attention to compare with the gradient"
    return "undefined: a map was constant, so its words have no order"


def film_rows(films: Sequence[Film]) -> list[dict[str, object]]:
    """One row per classifier, epoch and word, for the download."""
    return [
        {
            "model": film.model,
            "digest": film.digest,
            "epoch": frame.epoch,
            "position": place + 1,
            "word": markup.visible(token.text),
            "weight": weight,
            "meaning": "attention" if film.attends else "share of the pooled vector",
            "distance to the last map (JSD, nats)": round(frame.distance, 6),
            "tau": frame.tau,
            "dev accuracy": frame.dev,
            "loss": frame.loss,
            **{f"probability of {label}": p for label, p in zip(film.labels, frame.probabilities, strict=True)},
        }
        for film in films
        for frame in film.frames
        for place, (token, weight) in enumerate(zip(film.tokens, frame.weights, strict=True))
    ]


def _settling(film: Film) -> str:
    """When the map came to rest."""
    subject, start = film.subject[:1].upper() + film.subject[1:], film.frames[0]
    if film.settled is None:
        moved = film.frames[-2].distance
        return f"{subject} had not settled: JSD {wording.number(moved)} in the last epoch alone"
    if film.settled == start.epoch:
        most = max(frame.distance for frame in film.frames)
        return (
            f"{subject} was settled after the first epoch: never more than JSD {wording.number(most)} from the last map"
        )
    return (
        f"{subject} settled after epoch {film.settled}: JSD to the last map "
        f"{wording.number(start.distance)} → under {CLOSE:g}"
    )


def _strongest(film: Film, frame: Frame) -> str:
    place = max(range(len(frame.weights)), key=frame.weights.__getitem__)
    return f"“{markup.visible(film.tokens[place].text)}” ({wording.percent(frame.weights[place])})"


def _flat(frame: Frame) -> bool:
    """Whether all words weigh the same, to the four digits that cards keep."""
    return max(frame.weights) - min(frame.weights) < 3e-4


def _words(film: Film, first: Frame, last: Frame) -> str:
    if _flat(first) and _flat(last):
        return "every word counts the same from first to last"
    before, after = _strongest(film, first), _strongest(film, last)
    if before.partition(" (")[0] == after.partition(" (")[0]:
        return f"the strongest word stays {after}" + (
            f", {before.partition(' (')[2][:-1]} at first" if before != after else ""
        )
    return f"the strongest word goes from {before} to {after}"


def _prediction(film: Film, first: Frame, last: Frame) -> str:
    """The class predicted in the end, then and now; the change of mind where there was one."""
    then, now = (max(range(len(film.labels)), key=frame.probabilities.__getitem__) for frame in (first, last))
    said = f"“{film.labels[now]}” goes from {wording.probability(first.probabilities[now])} to "
    said += wording.probability(last.probabilities[now])
    return said if then == now else f"{said}, “{film.labels[then]}” at first"
