"""The encoders, one file each; :data:`ENCODERS` finds them."""

import sys
from typing import Final

from models.encoders.base import Encoder
from models.registry import Registry, discover

ENCODERS: Final[Registry[Encoder]] = discover(sys.modules[__name__], Encoder, "encoder")
