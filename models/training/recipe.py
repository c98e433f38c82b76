"""One recipe determines one trained classifier."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from models.errors import PoolScopeError

Option = str | int | float | bool
Options = tuple[tuple[str, Option], ...]
PRECISIONS = ("float32", "bfloat16")
_COUNTS = (
    "epochs", "patience", "batch_size", "embedding_size", "max_tokens", "max_words", "min_count", "train_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run besides the data and the software.

    ``task`` names the classifier, ``dataset`` what it is trained on (``sst2`` learns from
    ``sst2_phrases``). ``vectors`` is ``None`` (random start), ``"task"`` (the task's shared word
    table) or a file of static vectors; ``tune_vectors`` lets training move them. ``train_limit``
    takes the first rows of a seeded shuffle. Rates: ``lr`` for all weights, ``p_lr`` for the
    exponents, which live on another scale. ``twin`` names what the run minimises instead of the
    cross-entropy alone (see ``models.twins``), ``twin_options`` its numbers and the base's id.
    ``precision="bfloat16"`` lets the encoder multiply its matrices in half the bits while it is trained
    (2.5 times faster over a pretrained encoder on a CPU that can); weights, pooler, head and scores stay in float32.
    """

    task: str
    encoder: str
    pooler: str
    dataset: str = ""
    seed: int = 1
    encoder_options: Options = ()
    pooler_options: Options = ()
    vectors: str | None = None
    tune_vectors: bool = True
    embedding_size: int = 100
    min_count: int = 1
    max_words: int = 20_000
    max_tokens: int = 256
    epochs: int = 8
    patience: int = 2
    batch_size: int = 64
    lr: float = 1e-3
    p_lr: float = 1e-2
    weight_decay: float = 1e-4
    dropout: float = 0.3
    train_limit: int | None = None
    label: str = ""
    twin: str = ""
    twin_options: Options = ()
    precision: str = PRECISIONS[0]

    def __post_init__(self) -> None:
        """Fill in the data set's name and refuse numbers no training could use."""
        if not self.dataset:
            object.__setattr__(self, "dataset", self.task)
        for name in ("encoder_options", "pooler_options", "twin_options"):
            value = getattr(self, name)
            pairs = [(str(k), v) for k, v in (value.items() if isinstance(value, Mapping) else value)]
            twice = sorted({k for k, _ in pairs if sum(k == other for other, _ in pairs) > 1})
            if twice:
                raise PoolScopeError(f"{name} give {', '.join(twice)} twice; expected each option once")
            object.__setattr__(self, name, tuple(sorted(pairs, key=lambda pair: pair[0])))
        for name in ("task", "label"):
            # They become parts of an id and of a file's name.
            if getattr(self, name).startswith(".") or set(getattr(self, name)) & set("/\\"):
                raise PoolScopeError(f"{name} came as {getattr(self, name)!r}; expected a name without slashes")
        for name in _COUNTS:
            if (getattr(self, name) or 0) < 1 and not (name == "train_limit" and self.train_limit is None):
                raise PoolScopeError(f"{name} came as {getattr(self, name)}; expected 1 or more")
        for name in ("seed", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise PoolScopeError(f"{name} came as {getattr(self, name)}; expected 0 or more")
        if self.precision not in PRECISIONS:
            raise PoolScopeError(f"precision came as {self.precision!r}; expected one of: {', '.join(PRECISIONS)}")
        if not 0 <= self.dropout < 1:
            raise PoolScopeError(f"dropout came as {self.dropout}; expected 0 ≤ dropout < 1")
        if not (0 < self.lr < math.inf and 0 < self.p_lr < math.inf):
            raise PoolScopeError(f"learning rates came as {self.lr} and {self.p_lr}; expected positive numbers")

    @property
    def id(self) -> str:
        """``task/encoder/pooler``; a ``label`` stands in for the pooler, other seeds are appended."""
        base = f"{self.task}/{self.encoder}/{self.label or self.pooler}"
        return base if self.seed == 1 else f"{base}@{self.seed}"

    @property
    def stem(self) -> str:
        """Name of the classifier's files in its task's folder, without the suffix."""
        base = f"{self.encoder}-{self.label or self.pooler}"
        return base if self.seed == 1 else f"{base}-{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; an ordinary recipe says nothing of twins or precision, as before there were any."""
        record = asdict(self)
        for name in ("encoder_options", "pooler_options", "twin_options"):
            record[name] = dict(getattr(self, name))
        if not self.twin:
            del record["twin"], record["twin_options"]
        if self.precision == PRECISIONS[0]:
            del record["precision"]
        return record

    def key(self) -> str:
        """Return a canonical text of the recipe: equal recipes, equal texts."""
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Recipe:
        """Read what :meth:`to_dict` wrote; an unknown field is refused by name."""
        unknown = set(record) - {field.name for field in fields(cls)}
        if unknown:
            raise PoolScopeError(f"the recipe has unknown fields: {', '.join(sorted(unknown))}")
        return cls(**dict(record))
