"""A registry is read from a package that the test writes, not from our own families."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from types import ModuleType

import pytest

from models.errors import PoolScopeError
from models.registry import Registry, UnknownNameError, discover

BASE = """
from abc import ABC, abstractmethod

class Shape(ABC):
    @abstractmethod
    def area(self): ...
"""
SQUARE = """
from zoo_of_shapes.base import Shape

class Rounded(Shape):
    name = "rounded"  # abstract: area is missing

class Nameless(Shape):
    def area(self): return 0

class Square(Shape):
    name = "square"
    def area(self): return 4

class Cube(Square):
    pass  # inherits "square" without having a name of its own

class Stranger:
    name = "stranger"
"""
CIRCLE = """
from zoo_of_shapes.square import Square  # imported here, defined elsewhere

class Circle(Square):
    name = "circle"
    def area(self): return 3
"""


@pytest.fixture
def write_package(tmp_path, monkeypatch):
    def write(**modules: str) -> ModuleType:
        folder = tmp_path / "zoo_of_shapes"
        folder.mkdir()
        for name, source in {"__init__": "", "base": BASE, **modules}.items():
            (folder / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return importlib.import_module("zoo_of_shapes")

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "zoo_of_shapes"]:
        del sys.modules[name]


def shapes(package: ModuleType) -> Registry:
    base = importlib.import_module("zoo_of_shapes.base")
    return discover(package, base.Shape, "shape")


def test_discover_takes_concrete_named_classes_where_they_are_defined(write_package):
    found = shapes(write_package(square=SQUARE, circle=CIRCLE))

    assert list(found) == ["circle", "square"]
    assert found["square"].__module__ == "zoo_of_shapes.square"
    assert found["square"]().area() == 4
    assert found["circle"]().area() == 3


def test_a_new_file_is_all_it_takes(write_package):
    package = write_package(square=SQUARE)
    assert len(shapes(package)) == 1
    (source,) = package.__path__
    (Path(source) / "circle.py").write_text(CIRCLE)
    importlib.invalidate_caches()
    assert len(shapes(package)) == 2


def test_two_classes_of_one_name_are_refused(write_package):
    with pytest.raises(ValueError, match="two shape classes are called 'square'"):
        shapes(write_package(square=SQUARE, twin=SQUARE))


class Animal(ABC):
    @abstractmethod
    def sound(self): ...


class Cat(Animal):
    def sound(self):
        return "meow"


class Dog(Animal):
    def sound(self):
        return "woof"


@pytest.fixture
def animals() -> Registry[Animal]:
    return Registry("animal", {"dog": Dog, "cat": Cat})


@pytest.mark.parametrize("name", ["cow", "", None, 3, [], ("cat",)])
def test_an_unknown_name_is_told_with_all_choices(animals, name):
    with pytest.raises(UnknownNameError) as caught:
        animals[name]
    assert str(caught.value) == f"unknown animal {name!r}; choose one of: cat, dog"
    assert isinstance(caught.value, PoolScopeError)


def test_it_behaves_as_a_mapping(animals):
    assert dict(animals) == {"cat": Cat, "dog": Dog}
    assert animals.get("cow") is None
    assert animals.get("cow", Dog) is Dog
    assert "cat" in animals
    assert "cow" not in animals
    assert [] not in animals


def test_it_cannot_be_changed(animals):
    members = {"dog": Dog}
    registry = Registry("animal", members)
    members["cat"] = Cat
    assert list(registry) == ["dog"]
    with pytest.raises(TypeError):
        animals["cow"] = Dog
