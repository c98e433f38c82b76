"""Find the members of a family (poolers, encoders, methods …) by reading its package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import TypeVar

from models.errors import PoolScopeError

T = TypeVar("T")


class UnknownNameError(PoolScopeError, KeyError):
    """A name that no registry entry carries; the message lists the choices.

    A ``KeyError``, so that ``registry.get(name)`` answers ``None`` as every mapping does.
    """

    def __str__(self) -> str:
        """Give the message as it was written: ``KeyError`` alone would put it in quotes."""
        return str(self.args[0])


class Registry(Mapping[str, type[T]]):
    """Read-only mapping from ``name`` to class, sorted by name.

    Indexing with an unknown name raises :class:`UnknownNameError`, whose message says what came
    and lists what could have come.
    """

    def __init__(self, kind: str, members: Mapping[str, type[T]]) -> None:
        """Freeze ``members`` under the word ``kind`` that error messages use."""
        self._kind = kind
        self._members = MappingProxyType(dict(sorted(members.items())))

    def __getitem__(self, name: str) -> type[T]:
        """Return the class called ``name``; :class:`UnknownNameError` lists the choices."""
        try:
            return self._members[name]
        except (KeyError, TypeError):
            choices = ", ".join(self._members)
            message = f"unknown {self._kind} {name!r}; choose one of: {choices}"
            raise UnknownNameError(message) from None

    def __contains__(self, name: object) -> bool:
        """Say whether ``name`` is registered, without raising."""
        return isinstance(name, str) and name in self._members

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in alphabetical order."""
        return iter(self._members)

    def __len__(self) -> int:
        """Count the members."""
        return len(self._members)


def discover(package: ModuleType, base: type[T], kind: str) -> Registry[T]:
    """Collect the concrete subclasses of ``base`` that the modules of ``package`` define.

    A class counts when it is defined (not merely imported) in a module of the package, is not
    abstract and carries its own ``name``. Two classes of one name are a programming error and
    raise ``ValueError``.
    """
    members: dict[str, type[T]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ != module.__name__ or not issubclass(member, base):
                continue
            if inspect.isabstract(member) or "name" not in vars(member):
                continue
            name = str(vars(member)["name"])
            if name in members:
                raise ValueError(f"two {kind} classes are called {name!r}: {members[name]} and {member}")
            members[name] = member
    return Registry(kind, members)
