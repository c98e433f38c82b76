"""The attribution methods, one file each; :data:`METHODS` finds them."""

import sys
from typing import Final

from models.attribution.base import AttributionMethod
from models.registry import Registry, discover

METHODS: Final[Registry[AttributionMethod]] = discover(sys.modules[__name__], AttributionMethod, "attribution method")
