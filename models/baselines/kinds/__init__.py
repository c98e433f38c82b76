"""The baselines, one file each; :data:`BASELINES` finds them."""

import sys
from typing import Final

from models.baselines.kinds.base import Baseline
from models.registry import Registry, discover

BASELINES: Final[Registry[Baseline]] = discover(sys.modules[__name__], Baseline, "baseline")
