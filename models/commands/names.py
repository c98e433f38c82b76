"""The names in a registry without importing its members: help must not wait for torch."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def names(package: str) -> list[str]:
    """Return the names that ``models.<package>`` registers, sorted.

    Read off the source: ``name = "…"`` in the body of a class at the top of a module. That is what
    :func:`models.registry.discover` collects once torch is there.
    """
    found = set()
    for file in (ROOT / package).glob("*.py"):
        for definition in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(definition, ast.ClassDef):
                found |= {value for statement in definition.body if (value := _name(statement)) is not None}
    return sorted(found)


def _name(statement: ast.stmt) -> str | None:
    """The text that ``statement`` assigns to ``name``, if it does."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
        return None
    named = any(isinstance(target, ast.Name) and target.id == "name" for target in statement.targets)
    return str(statement.value.value) if named else None
