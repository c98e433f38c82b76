"""One plan determines one pretrained base."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from models.errors import PoolScopeError
from models.training.recipe import Option, Options

_COUNTS = ("epochs", "batch_words", "length", "max_words", "held_out")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a base besides the texts and the software.

    ``datasets`` are names with the number of training rows (0: all); ``sizes`` are keywords of the
    language model; a batch holds at most ``batch_words`` places, a row at most ``length`` words. The
    rate climbs to ``lr`` over ``warmup`` steps and falls along a cosine to a tenth of it.
    """

    kind: str
    datasets: tuple[tuple[str, int], ...]
    sizes: Options = ()
    epochs: int = 2
    batch_words: int = 2_048
    length: int = 128
    max_words: int = 8_000
    held_out: int = 500
    lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.01
    seed: int = 1

    def __post_init__(self) -> None:
        """Bring lists into their one form and refuse numbers no training could use."""
        sizes: Mapping[str, Option] = dict(self.sizes)
        object.__setattr__(self, "sizes", tuple(sorted(sizes.items())))
        object.__setattr__(self, "datasets", tuple((str(name), int(rows)) for name, rows in self.datasets))
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise PoolScopeError(f"{name} came as {getattr(self, name)}; expected 1 or more")
        if self.lr <= 0 or self.weight_decay < 0 or self.warmup < 0:
            raise PoolScopeError(
                f"lr {self.lr}, warmup {self.warmup} and weight_decay {self.weight_decay} came; expected lr above 0 "
                "and the others 0 or more"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "sizes": dict(self.sizes), "datasets": [list(pair) for pair in self.datasets]}

    def key(self) -> str:
        """Return a canonical text of the plan: equal plans, equal texts."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Plan:
        """Read what :meth:`to_dict` wrote; an unknown field is refused by name."""
        unknown = set(record) - {field.name for field in fields(cls)}
        if unknown:
            raise PoolScopeError(f"the plan has unknown fields: {', '.join(sorted(unknown))}")
        return cls(**{**record, "sizes": tuple(dict(record["sizes"]).items())})
