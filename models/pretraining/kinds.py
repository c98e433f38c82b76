"""The kinds of language models, found by reading this package."""

import sys
from typing import Final

from models.pretraining.language_model import LanguageModel
from models.registry import Registry, discover

KINDS: Final[Registry[LanguageModel]] = discover(sys.modules["models.pretraining"], LanguageModel, "base")
