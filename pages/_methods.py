"""What the registry of attribution methods offers, for pickers: everything follows from its entries.

A parameter with choices makes one offer per choice, a parameter with bounds becomes a slider.
Importing the registry loads torch, so it happens on the first call and not on import.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from models.records import MethodCall, Param
from viz.cards import TRACE_CARDS, MethodCard, card


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the picker: a method with its choices made."""

    call: MethodCall
    title: str
    question: str

    @property
    def choice(self) -> str:
        """The choices alone, ``attention detached``; empty for a method without any."""
        chosen = dict(self.call.params)
        fields = dataclasses.fields(registry()[self.call.name].Params)
        named = [(field.name, chosen.get(field.name, field.default)) for field in fields if "choices" in field.metadata]
        return ", ".join(f"{name} {value}" for name, value in named)


@cache
def registry() -> Mapping[str, Any]:
    """The registered methods by name."""
    from models.attribution import METHODS

    return METHODS


@cache
def families() -> Mapping[str, Any]:
    """The families of methods by name, in the order in which a person meets them."""
    from models.attribution.families import FAMILIES

    return FAMILIES


@cache
def offers() -> dict[str, Offer]:
    """Every offer by its key, such as ``input_gradient[attention=detached]``, family by family."""
    places = list(families())
    ordered = sorted(registry().values(), key=lambda method: (places.index(method.family), method.name))
    made = (Offer(call, _title(call), registry()[call.name].question) for m in ordered for call in _variants(m))
    return {offer.call.key: offer for offer in made}


@cache
def grouped() -> dict[str, dict[str, tuple[Offer, ...]]]:
    """Offers by the name of their method, and those by the name of its family."""
    found: dict[str, dict[str, tuple[Offer, ...]]] = {name: {} for name in families()}
    for offer in offers().values():
        inside = found[registry()[offer.call.name].family]
        inside[offer.call.name] = (*inside.get(offer.call.name, ()), offer)
    return found


@cache
def cards() -> dict[str, MethodCard]:
    """The card of every method, those of the pooler's own maps included."""
    return {name: card(method.facts()) for name, method in registry().items()} | dict(TRACE_CARDS)


def poolers() -> Mapping[str, Any]:
    """The registered poolers by name."""
    from models.poolers import POOLERS

    return POOLERS


def encoders() -> Mapping[str, Any]:
    """The registered encoders by name."""
    from models.encoders import ENCODERS

    return ENCODERS


def variants(names: Iterable[str]) -> dict[str, str]:
    """What the study's variants are called: ``apln A`` is APLN in reading A."""
    titles = {name: str(pooler.title) for name, pooler in poolers().items()}
    return {
        name: f"{titles[pooler]} {reading}".strip()
        for name in names
        for pooler, _, reading in [name.partition(" ")]
        if pooler in titles
    }


def sliders(name: str) -> tuple[dataclasses.Field[Any], ...]:
    """The parameters of a method that have bounds."""
    return tuple(field for field in dataclasses.fields(registry()[name].Params) if "min" in field.metadata)


def calls(keys: Iterable[str], setting: Callable[[str, str], Param | None]) -> tuple[MethodCall, ...]:
    """The calls that picked offers and slider positions make; defaults are left out of a call."""
    return tuple(_call(offers()[key].call, setting) for key in keys if key in offers())


def accept(wanted: Sequence[MethodCall]) -> tuple[list[str], dict[tuple[str, str], Param], list[str]]:
    """Split calls from an address into offers and slider positions; a sentence for each refused one."""
    from models.errors import PoolScopeError

    keys: list[str] = []
    settings: dict[tuple[str, str], Param] = {}
    notes: list[str] = []
    for call in wanted:
        try:
            registry()[call.name](**dict(call.params))
        except (PoolScopeError, KeyError) as error:
            notes.append(f"{error}"[:1].upper() + f"{error}"[1:].rstrip(".") + "; the link's other methods are shown.")
            continue
        bounded = {field.name for field in sliders(call.name)}
        settings |= {(call.name, key): value for key, value in call.params if key in bounded}
        key = MethodCall(call.name, tuple(pair for pair in call.params if pair[0] not in bounded)).key
        if key in offers() and key not in keys:
            keys.append(key)
    return keys, settings, notes


def _variants(method: Any) -> Iterable[MethodCall]:  # noqa: ANN401  # a class from the registry
    """One call per combination of choices, the defaults first and left out of the call."""
    chosen = [field for field in dataclasses.fields(method.Params) if "choices" in field.metadata]
    for values in itertools.product(*(field.metadata["choices"] for field in chosen)):
        pairs = zip(chosen, values, strict=True)
        yield MethodCall(method.name, tuple((f.name, value) for f, value in pairs if value != f.default))


def _call(call: MethodCall, setting: Callable[[str, str], Param | None]) -> MethodCall:
    moved = []
    for field in sliders(call.name):
        value = setting(call.name, field.name)
        if value is not None and value != field.default:
            moved.append((field.name, value))
    return MethodCall(call.name, (*call.params, *moved))


def _title(call: MethodCall) -> str:
    heading: str = registry()[call.name](**dict(call.params)).heading
    return heading
