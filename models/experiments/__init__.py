"""The debate's experiments, one per file; :data:`EXPERIMENTS` finds them."""

import sys
from typing import Final

from models.experiments.base import Experiment
from models.registry import Registry, discover

EXPERIMENTS: Final[Registry[Experiment]] = discover(sys.modules[__name__], Experiment, "experiment")
