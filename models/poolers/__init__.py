"""The poolers, one file each; :data:`POOLERS` finds them."""

import sys
from typing import Final

from models.poolers.base import Pooler
from models.registry import Registry, discover

POOLERS: Final[Registry[Pooler]] = discover(sys.modules[__name__], Pooler, "pooler")
