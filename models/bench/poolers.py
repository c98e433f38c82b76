"""What a pooler costs by itself, and APLN's two forms beside each other: time, overflow, error of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from models.bench.common import Timing, table, timed, where
from models.poolers import POOLERS
from models.poolers.apln import AplnPooler
from models.poolers.base import Pooler

SHAPE: Final = (64, 128, 256)
HEADER: Final = ("pooler", "forward + backward", "× mean", "× additive attention")
FORMS: Final = ("device", "type", "p", "log", "pow", "lost, log", "lost, pow", "error, log", "error, pow")
TYPES: Final = {"float32": torch.float32, "bf16": torch.bfloat16}
EXPONENTS: Final = (0.5, 1.0, 2.0, 5.0, 20.0, 60.0)


def devices() -> tuple[str, ...]:
    """Where APLN's forms are compared: on a GPU as well, if there is one."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def states(dtype: torch.dtype = torch.float32, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Signed states (B, T, D) and a mask without padding, the same every time."""
    batch, tokens, size = SHAPE
    hidden = torch.randn(batch, tokens, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return hidden.to(device, dtype), torch.ones(batch, tokens, dtype=torch.bool, device=device)


def made(name: str) -> Pooler:
    """A pooler of the default kind with weights from a fixed seed."""
    torch.manual_seed(1)
    return POOLERS[name](SHAPE[-1]).eval()


def training_step(pooler: Pooler, hidden: Tensor, mask: Tensor) -> list[Tensor]:
    """Forward and backward to states and parameters: the gradients."""
    hidden = hidden.detach().requires_grad_()
    pooled = pooler(hidden, mask)
    wanted = [hidden, *(p for p in pooler.parameters() if p.requires_grad)]
    found = torch.autograd.grad(pooled.float().square().sum(), wanted, allow_unused=True)
    return [g for g in found if g is not None]


def grouped(pooler: Pooler, mask: Tensor) -> Tensor:
    """What the pooler takes as its mask: sentences of 16 tokens for one that reads in tiers."""
    if not pooler.tiered:
        return mask
    return (torch.arange(mask.shape[1]) // 16 + 1).expand_as(mask)


def alone(runs: int) -> list[list[str]]:
    """Time every pooler of the registry, in turn."""
    hidden, mask = states()
    poolers = {name: made(name) for name in POOLERS}

    def step(name: str) -> Callable[[str], object]:
        pooler = poolers[name]
        return lambda _: training_step(pooler, hidden, grouped(pooler, mask))

    times = dict(zip(poolers, timed(runs, *map(step, poolers), texts=("",)), strict=True))

    def cells(name: str) -> list[str]:
        found = times[name]
        against = [f"{found.median / times[other].median:.1f}" for other in ("mean", "attention")]
        return [POOLERS[name].title, str(found), *against]

    return [cells(name) for name in sorted(times, key=lambda name: times[name].median)]


def form(kind: str, p: float, dtype: torch.dtype, device: str = "cpu") -> AplnPooler:
    """APLN in one of its forms at exponent ``p``."""
    torch.manual_seed(1)
    return AplnPooler(SHAPE[-1], form=kind, p_initial=p).eval().to(device, dtype)


def lost(pooler: Pooler, hidden: Tensor, mask: Tensor) -> float:
    """The part of the pooled values and of the states' gradients that came as inf or NaN, or as 0 where none can be."""
    with torch.no_grad():
        pooled = pooler(hidden, mask)
    gradient = training_step(pooler, hidden, mask)[0]
    bad = int(((pooled == 0) | ~pooled.isfinite()).sum() + (~gradient.isfinite()).sum())
    return bad / float(pooled.numel() + gradient.numel())


def error(kind: str, p: float, dtype: torch.dtype, device: str = "cpu") -> float:
    """‖g − g*‖ / ‖g*‖ of the states' gradient, g* that of the log form in double precision on the same numbers."""
    # Weights and states are rounded first, so that only the arithmetic differs.
    pooler, (hidden, mask) = form(kind, p, dtype, device), states(dtype, device)
    exact = form("log", p, torch.float64, device)
    exact.load_state_dict({name: value.double() for name, value in pooler.state_dict().items()})
    found = training_step(pooler, hidden, mask)[0].double()
    expected = training_step(exact, hidden.double(), mask)[0]
    apart, whole = float((found - expected).norm()), float(expected.norm())
    return apart / whole


def forms(runs: int) -> list[list[str]]:
    """One row per device, type and exponent: times, losses and errors of the log and the pow form."""
    return [
        compared(runs, device, name, p) for device in devices() for name in TYPES for p in EXPONENTS
    ]  # fmt: skip


def compared(runs: int, device: str, name: str, p: float) -> list[str]:
    """Time both forms at one exponent on one device, and count what each of them loses."""
    dtype = TYPES[name]
    hidden, mask = states(dtype, device)
    kinds = {kind: form(kind, p, dtype, device) for kind in ("log", "pow")}

    def step(pooler: AplnPooler) -> Callable[[str], object]:
        def work(_: str) -> None:
            training_step(pooler, hidden, mask)
            if device == "cuda":
                torch.cuda.synchronize()

        return work

    times: list[Timing] = timed(runs, *map(step, kinds.values()), texts=("",))
    gone = [f"{lost(pooler, hidden, mask):.1%}" for pooler in kinds.values()]
    errors = [f"{error(kind, p, dtype, device):.0e}" for kind in kinds]
    return [device, name, f"{p:g}", str(times[0]), times[1].beside(times[0]), *gone, *errors]


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    runs = max(runs, 5)
    lines = [
        "## Poolers alone",
        "",
        f"Forward and backward to states and parameters at (B, T, D) = {SHAPE}, evaluation mode. {where(runs)}",
        "",
        *table(HEADER, alone(runs)),
        "",
        "APLN (reading A, ReLU with clipping) in its log form and in the pow form, the definition as written. “Lost” "
        "is the part of the pooled values and of the gradients of the states that came as infinite or as no number, or "
        "as a pooled 0 where none can be. “Error” is ‖g − g*‖ / ‖g*‖ of that gradient, g* in double precision on "
        "the same rounded weights and states.",
        "",
        *table(FORMS, forms(runs)),
        "",
    ]
    return "\n".join(lines)
