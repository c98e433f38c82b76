"""The shipped trained classifiers: safetensors and a JSON card each, and their loader."""

from models.zoo.catalogue import Card, catalogue
from models.zoo.errors import ZooError

__all__ = ["Card", "ZooError", "catalogue"]
