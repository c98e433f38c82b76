"""The payload of the film player: epochs as frames, already worded and coloured; the browser only plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from viz import markup, palette, wording
from viz.film import CLOSE, Film, Frame, no_tau, story
from viz.panels import pieces

# So many rows of words are legible at once; the others are one click away.
ROWS = 16


def movie(films: Sequence[Film], colours: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Everything the player draws for up to six classifiers that read one sentence.

    One colour limit over all words, epochs and classifiers; one axis of epochs and one scale per
    curve. ``rows`` are the words shown first: those strongest in any epoch of any classifier, in
    the order of the text.

    Raises:
        ValueError: the classifiers did not read the same words.
    """
    if not films:
        return {"empty": "None of the chosen readers has a film of this sentence."}
    first = films[0]
    spans = [(token.start, token.end) for token in first.tokens]
    for film in films:
        if film.text != first.text or [(token.start, token.end) for token in film.tokens] != spans:
            raise ValueError(f"{film.model} and {first.model} did not read the same words; films are compared over one")
    found, rest = pieces(first.text, first.tokens)
    limit = max(weight for film in films for frame in film.frames for weight in frame.weights)
    places = colours or {}
    return {
        "dir": markup.direction(first.text),
        "text": found,
        "tail": rest,
        "epochs": max(film.frames[-1].epoch for film in films),
        "limit": wording.percent(limit),
        "rows": strongest(films, ROWS),
        "plots": _plots(films),
        "readers": [_reader(film, places.get(film.model, place), limit) for place, film in enumerate(films)],
    }


def strongest(films: Sequence[Film], count: int) -> list[int]:
    """Indices of the ``count`` words that are strongest in any frame, in the order of the text."""
    best = [max(values) for values in zip(*(frame.weights for film in films for frame in film.frames), strict=True)]
    order = sorted(range(len(best)), key=lambda place: -best[place])[:count]
    return sorted(order)


def _reader(film: Film, place: int, limit: float) -> dict[str, Any]:
    """One panel."""
    colour = palette.READERS[place % len(palette.READERS)]
    curves: dict[str, Any] = {
        name: [(frame.epoch, value) for frame in film.frames if (value := value_of(frame)) is not None]
        for name, (_, value_of) in _CURVES.items()
    }
    return {
        "id": film.model,
        "title": film.title,
        "mark": palette.mark(place),
        "colour": palette.both(colour),
        "ink": palette.both((palette.text_on(colour[0]), palette.text_on(colour[1]))),
        "meaning": "attention per word" if film.attends else "share of the pooled vector per word",
        "kept": film.kept,
        "settled": film.settled,
        "frames": [_frame(film, frame, limit) for frame in film.frames],
        "curves": {"p": film.road, **curves},
        "missing": {"p": "this pooler has no norm to learn", "tau": no_tau(film), "dev": "not recorded"},
        "story": story(film),
    }


def _frame(film: Film, frame: Frame, limit: float) -> dict[str, Any]:
    """One epoch: colour steps, numbers in the cells, the prediction in words."""
    best = max(range(len(film.labels)), key=frame.probabilities.__getitem__)
    top = max(range(len(frame.weights)), key=frame.weights.__getitem__)
    heaviest = f"strongest word “{markup.visible(film.tokens[top].text)}” {wording.percent(frame.weights[top])}"
    return {
        "epoch": frame.epoch,
        "q": [palette.step(weight, limit) for weight in frame.weights],
        "v": [round(weight, 4) for weight in frame.weights],
        "label": film.labels[best],
        "probability": round(frame.probabilities[best], 4),
        "words": wording.probability(frame.probabilities[best]),
        "now": _now(film, frame),
        "said": f"{film.title}: {film.labels[best]} {wording.probability(frame.probabilities[best])}, "
        f"{heaviest if frame.weights[top] else 'no weight on any word'}, "
        f"τ {wording.tau(frame.tau) if frame.tau is not None else 'undefined'}",
    }


def _now(film: Film, frame: Frame) -> dict[str, str]:
    """The curves' numbers at an epoch, as the rest of the app words them."""
    reached = [point for point in film.road if point[0] <= frame.epoch + 1e-6]
    found = {}
    if reached:
        _, low, middle, high = reached[-1]
        span = "" if low == high else f" ({wording.exponent(low)}{wording.DASH}{wording.exponent(high)})"
        found["p"] = wording.exponent(middle) + span
    for name, (_, value_of) in _CURVES.items():
        value = value_of(frame)
        if value is not None:
            found[name] = _worded(name, value)
    return found


_CURVES: Mapping[str, tuple[str, Callable[[Frame], float | None]]] = {
    "distance": ("distance to the last map (JSD)", lambda frame: frame.distance),
    "tau": ("τ(attention, gradient)", lambda frame: frame.tau),
    "dev": ("dev accuracy", lambda frame: frame.dev),
}


def _plots(films: Sequence[Film]) -> list[dict[str, Any]]:
    """The curves under the heatmaps, each on one scale over all classifiers; empty ones are left out."""
    found = []
    exponents = [value for film in films for _, low, _, high in film.road for value in (low, high)]
    if exponents:
        found.append(_axis("p", "learned norm p", (*exponents, 1.0), mark=1.0))
    for name, (title, value_of) in _CURVES.items():
        values = [value for film in films for frame in film.frames if (value := value_of(frame)) is not None]
        if values and name == "dev":
            found.append(_axis(name, title, values))
        elif values:
            found.append(_axis(name, title, (0.0, *values), mark=CLOSE if name == "distance" else 0.0))
    return found


def _axis(name: str, title: str, values: Sequence[float], mark: float | None = None) -> dict[str, Any]:
    """A curve's name and its scale; ``mark`` is a value that gets a line of its own."""
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or 0.01
    ends = [_worded(name, low), _worded(name, high)]
    return {"name": name, "title": title, "low": low - room, "high": high + room, "mark": mark, "ends": ends}


def _worded(name: str, value: float) -> str:
    """A number of a curve as the rest of the app words it."""
    if name == "p":
        return wording.exponent(value)
    return wording.tau(value) if name == "tau" else wording.number(value)
