"""The address bar: URL parameters parsed once, at the border, into typed values or ``None``.

Only what a parameter *is* gets checked here; whether such a task or classifier exists is asked in
``_state``. What cannot be read is left out and told in one sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

from models.records import MethodCall, Param

T = TypeVar("T")
Edit = tuple[Literal["deleted", "masked"], int]

LONGEST_TEXT = 2_000  # characters of a shared text; longer addresses are cut by some programs
MOST_WEIGHTS = 200  # words whose weights fit in a link
WHOLE = 10_000  # what the weights of a link are parts of
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE]-?\d+)?")
_LETTERS: Mapping[str, Literal["deleted", "masked"]] = {"d": "deleted", "m": "masked"}


@dataclass(frozen=True, slots=True)
class Address:
    """What an address asks for; ``None`` where it says nothing.

    ``readers`` are ``encoder/pooler`` in the order of their colours, ``None`` for a colour that is
    free. ``versus`` is the class that ``target`` is compared with and ``scalar`` what of it is explained.
    ``edits`` are (how, token index) in the order they were made. ``reader`` and ``against``
    belong to the gradient page, ``norm`` and ``p`` to the norms page, ``sentence`` to the movie,
    ``section`` to the zoo, ``experiment`` to the debate, ``number`` to the distributions. ``through`` says whether the
    ladder's gradients pass the attention, ``setting`` what an experiment's sliders do; ``twins`` is the question to a
    reader's twins, ``strength`` the λ of the one shown. ``weights`` are those that were dialled, word by word, in
    hundredths of a percent. ``lab`` is the part of the norm laboratory, ``frozen`` 1 where its scaling is held while
    words are erased, ``swap`` the reader whose pooler is exchanged, ``variant`` the pooler whose p are shown.
    ``classes`` are those whose linked pictures are drawn. ``k`` words of two maps are compared, by ``measure``;
    ``pieces`` is 1 where sub-words are shown as they are read.
    """

    task: str | None = None
    readers: tuple[str | None, ...] | None = None
    methods: tuple[MethodCall, ...] | None = None
    target: str | None = None
    scale: str | None = None
    example: str | None = None
    text: str | None = None
    edits: tuple[Edit, ...] | None = None
    word: int | None = None
    reader: str | None = None
    norm: str | None = None
    against: str | None = None
    p: float | None = None
    sentence: int | None = None
    section: str | None = None
    scalar: str | None = None
    versus: str | None = None
    k: int | None = None
    measure: str | None = None
    pieces: str | None = None
    experiment: str | None = None
    number: str | None = None
    through: str | None = None
    setting: MethodCall | None = None
    twins: str | None = None
    strength: float | None = None
    lab: str | None = None
    weights: tuple[int, ...] | None = None
    frozen: str | None = None
    swap: str | None = None
    variant: str | None = None
    classes: tuple[int, ...] | None = None


def parse(params: Mapping[str, str]) -> tuple[Address, tuple[str, ...]]:
    """Read URL parameters; the second value holds a sentence for each one that made no sense."""
    values: dict[str, object] = {}
    notes: list[str] = []
    for name, read in _READ.items():
        if name not in params:
            continue
        try:
            values[name] = read(params[name])
        except (ValueError, OverflowError) as error:
            notes.append(f"The link's “{name}” could not be read ({error}), so it was left out.")
    return Address(**values), tuple(notes)  # type: ignore[arg-type]


def build(address: Address) -> dict[str, str]:
    """Write URL parameters; what is ``None`` or empty takes no room."""
    written = {field.name: _WRITE[field.name](getattr(address, field.name)) for field in fields(address)
               if getattr(address, field.name) is not None}  # fmt: skip
    return {name: text for name, text in written.items() if text}


def clean(text: str) -> str:
    """Replace lone surrogates, which no text that arrives over a wire can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _word(text: str) -> str:
    if not text or len(text) > 100:
        raise ValueError("a name was expected")
    return clean(text)


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"it has {len(text):,} characters, the most is {LONGEST_TEXT:,}")
    return clean(text)


def _readers(text: str) -> tuple[str | None, ...]:
    return tuple(_reader(part) if part else None for part in text.split(","))


def _reader(text: str) -> str:
    return _word(text).replace(".", "/", 1)


def _methods(text: str) -> tuple[MethodCall, ...]:
    return tuple(_method(part) for part in text.split(",") if part)


def _method(text: str) -> MethodCall:
    name, *params = text.split(":")
    pairs = [param.partition("=") for param in params]
    return MethodCall(_word(name), tuple((_word(key), _param(value)) for key, _, value in pairs))


def _param(text: str) -> Param:
    if not _NUMBER.fullmatch(text):
        return _word(text)
    number = float(text)
    return int(text) if text.lstrip("-").isdigit() else number


def _edits(text: str) -> tuple[Edit, ...]:
    return tuple((_letter(part[:1]), _index(part[1:])) for part in text.split(",") if part)


def _letter(text: str) -> Literal["deleted", "masked"]:
    if text not in _LETTERS:
        raise ValueError("an edit is d or m and the number of a word")
    return _LETTERS[text]


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise ValueError("the number of a word was expected")
    return int(text)


def _indices(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_index(part) for part in text.split(",")))


def _weights(text: str) -> tuple[int, ...]:
    found = tuple(_index(part) for part in text.split("."))
    if len(found) > MOST_WEIGHTS or not 0 < sum(found) <= 2 * WHOLE:
        raise ValueError(f"one number per word was expected, together about {WHOLE:,}")
    return found


def _count(text: str) -> int:
    found = _index(text)
    if found < 1:
        raise ValueError("a number of words from 1 on was expected")
    return found


def _exponent(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("a number was expected")
    return float(text)


def _write_reader(name: str) -> str:
    return name.replace("/", ".", 1)


def _write_method(call: MethodCall) -> str:
    return ":".join([call.name, *(f"{key}={value}" for key, value in call.params)])


_READ: Mapping[str, Callable[[str], object]] = {
    "task": _word,
    "readers": _readers,
    "methods": _methods,
    "target": _word,
    "scale": _word,
    "example": _word,
    "text": _text,
    "edits": _edits,
    "word": _index,
    "reader": _reader,
    "norm": _reader,
    "against": _word,
    "p": _exponent,
    "sentence": _index,
    "section": _word,
    "scalar": _word,
    "versus": _word,
    "k": _count,
    "measure": _word,
    "pieces": _word,
    "experiment": _word,
    "number": _word,
    "through": _word,
    "setting": _method,
    "twins": _word,
    "strength": _exponent,
    "lab": _word,
    "weights": _weights,
    "frozen": _word,
    "swap": _reader,
    "variant": _word,
    "classes": _indices,
}
_WRITE: Mapping[str, Callable[..., str]] = {
    "task": str,
    "readers": lambda ids: ",".join(_write_reader(name or "") for name in ids).rstrip(","),
    "methods": lambda calls: ",".join(map(_write_method, calls)),
    "target": str,
    "scale": str,
    "example": str,
    "text": str,
    "edits": lambda edits: ",".join(f"{how[0]}{index}" for how, index in edits),
    "word": str,
    "reader": _write_reader,
    "norm": _write_reader,
    "against": str,
    "p": lambda p: f"{p:.6g}",
    "sentence": str,
    "section": str,
    "scalar": str,
    "versus": str,
    "k": str,
    "measure": str,
    "pieces": str,
    "experiment": str,
    "number": str,
    "through": str,
    "setting": _write_method,
    "twins": str,
    "strength": lambda strength: f"{strength:g}",
    "lab": str,
    "weights": lambda weights: ".".join(map(str, weights)),
    "frozen": str,
    "swap": _write_reader,
    "variant": str,
    "classes": lambda classes: ",".join(map(str, classes)),
}
