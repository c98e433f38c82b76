"""Every registered pooler with every choice of its options, and states for it to pool."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import torch

from models.poolers import POOLERS
from models.poolers.apln import FORMS, READINGS
from models.poolers.limits import LIMITS

SIZE = 5
LENGTHS = (6, 4, 1)


@dataclass(frozen=True)
class Variant:
    name: str
    options: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *map(str, self.options.values())])

    def build(self, dtype=torch.float64, size=SIZE, seed=0):
        """A pooler in evaluation mode, whose parameters all differ from their starts and from each other."""
        torch.manual_seed(seed)
        pooler = POOLERS[self.name](size, **self.options).to(dtype)
        with torch.no_grad():
            for parameter in pooler.parameters():
                # Drawn in one precision: larger tensors would differ between two.
                parameter.add_(0.3 * torch.randn_like(parameter, dtype=torch.float64).to(dtype))
        return pooler.eval()


APLN = tuple(
    Variant("apln", {"reading": reading, "limit": limit, "form": form, "per_dimension": each, "p_initial": 1.7})
    for reading, limit, form, each in itertools.product(READINGS, LIMITS, FORMS, (False, True))
)
# A pooler that is added later comes in by its defaults.
VARIANTS = (
    *(Variant(name) for name in POOLERS if name != "apln"),
    Variant("learned_norm", {"p_initial": 1.2, "centre_initial": -1.0}),
    Variant("gem", {"p_initial": 1.2, "epsilon": 0.01}),
    Variant("log_sum_exp", {"b_initial": 4.0}),
    Variant("entmax", {"alpha_initial": 2.2}),
    Variant("structured", {"hops": 1}),
    Variant("self_attention", {"heads": 3, "then": "query"}),
    Variant("self_attention", {"heads": 1}),
    Variant("hard_attention", {"k": 3, "temperature": 0.5}),
    *APLN,
)
ATTENDING = tuple(v for v in VARIANTS if POOLERS[v.name].attends)
LEARNING = tuple(v for v in VARIANTS if list(v.build().parameters()))
POSITIONAL = tuple(v for v in VARIANTS if POOLERS[v.name].positional)
ORDERLESS = tuple(v for v in VARIANTS if v not in POSITIONAL)


def splits(pooler):
    """Whether a pooler's vector has an exact split by token."""
    return pooler.homogeneous or pooler.path_integrated


def states(dtype=torch.float64, lengths=LENGTHS, size=SIZE, seed=1):
    """Signed hidden (B, T, D) of unit variance and their mask (B, T), padding on the right."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(lengths), max(lengths), size, generator=generator, dtype=torch.float64)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return hidden.to(dtype), mask
