"""Twins of a trained classifier: same task, same words, one thing different; :data:`TWINS` finds their kinds."""

import sys
from typing import Final

from models.registry import Registry, discover
from models.twins.base import Twin

TWINS: Final[Registry[Twin]] = discover(sys.modules[__name__], Twin, "kind of twin")
