"""Values from the command line: ``name=value`` pairs in the types that recipes and methods take."""

from __future__ import annotations

from models.errors import PoolScopeError
from models.records import Param


def named_value(text: str, what: str, expected: str) -> tuple[str, Param]:
    """Read ``name=value``; true and false, whole numbers and numbers become such, all else stays text.

    ``what`` and ``expected`` are the words of the complaint: "the option", "NAME=VALUE, such as reading=B".

    Raises:
        PoolScopeError: name, equals sign or value is missing.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise PoolScopeError(f"{what} {text!r} came; expected {expected}")
    return name, parsed(value)


def parsed(text: str) -> Param:
    """Return what ``text`` means: a truth value, a whole number, a number, or the text itself."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def options(pairs: list[str]) -> tuple[tuple[str, Param], ...]:
    """Read the ``NAME=VALUE`` options of encoders, poolers and language models."""
    return tuple(named_value(pair, "the option", "NAME=VALUE, such as reading=B") for pair in pairs)
