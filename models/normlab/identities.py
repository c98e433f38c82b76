"""The identities between APLN's readings, checked on a text in double precision by two roads each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.norm_records import Identity
from models.normlab.terms import READINGS, log_pooled, shares

FAR, NEAR = 1e6, 1e-6
# Relative rounding of sums of a few hundred doubles, with room for logarithms of size 50 p.
ROUNDING = 1e-9


def identities(z: Tensor, log_a: Tensor, p: float, grid: tuple[float, ...]) -> tuple[Identity, ...]:
    """Check every identity of APLN on z (T, D) > 0 and log a (T,), Σ a_i = 1, at one p.

    Residuals are the largest over dimensions: relative where two vectors are compared, of log r where
    a limit is taken. A limit is taken at p = 10⁶ or 10⁻⁶, with its proven bound: log N / p from
    max ≤ LSE ≤ max + log N, and p R² / 8 from Hoeffding's lemma, R the range of the logarithms.
    ``grid`` holds the ascending p over which B may not fall.
    """
    a = log_a.exp()
    mean = (a.unsqueeze(-1) * z).sum(0)
    at_one = max(_apart(log_pooled(which, z, log_a, 1.0).exp(), mean) for which in READINGS)
    first = written_out("A", z, a, p)
    sharpened = (p * log_a).softmax(0)
    top = z.amax(0)
    as_mean = top * (sharpened.unsqueeze(-1) * (z / top) ** p).sum(0) ** (1 / p)
    factor = float((torch.logsumexp(p * log_a, 0) / p).exp())
    found = [
        Identity("one", "p = 1: A = B = C = Σ a·z, attentive pooling", at_one, ROUNDING),
        Identity("temperature", "A = (Σ softmax(p·s) zᵖ)^(1/p): p sharpens the attention as well",
                 _apart(first, as_mean), ROUNDING),
        Identity("factor", "C = A · (Σ aᵖ)^(1/p): the same vector, longer or shorter",
                 _apart(written_out("C", z, a, p), first * factor), ROUNDING),
        *(Identity(f"log {which}", f"{which}: the log form is the definition with powers",
                   _apart(log_pooled(which, z, log_a, p).exp(), written_out(which, z, a, p)), ROUNDING)
          for which in READINGS),
        *_limits(z, log_a),
        Identity("monotone", "B never falls as p grows", _largest_fall("B", z, log_a, grid), ROUNDING),
        *(Identity(f"shares {which}", f"{which}: the shares of the words sum to 1",
                   float((shares(which, z, log_a, p).sum(0) - 1).abs().max()), ROUNDING) for which in READINGS),
        *_derivatives(z, log_a, p),
    ]  # fmt: skip
    return tuple(found)


def written_out(which: str, z: Tensor, a: Tensor, p: float) -> Tensor:
    """The definition with powers, each of a ratio to the largest so that none overflows: (D,)."""
    weight = a.unsqueeze(-1)
    if which == "B":
        top = z.amax(0)
        return top * (weight * (z / top) ** p).sum(0) ** (1 / p)
    top = (weight * z).amax(0)
    total = top * ((weight * z / top) ** p).sum(0) ** (1 / p)
    return total / (a.max() * ((a / a.max()) ** p).sum() ** (1 / p)) if which == "A" else total


def falling(which: str, z: Tensor, log_a: Tensor, grid: tuple[float, ...]) -> int:
    """Count the dimensions in which log r falls somewhere from one p of ``grid`` to the next."""
    steps = torch.stack([log_pooled(which, z, log_a, p) for p in grid]).diff(dim=0)
    return int((steps < -ROUNDING).any(0).sum())


def _limits(z: Tensor, log_a: Tensor) -> list[Identity]:
    """Both ends of the dial, p → ∞ and p → 0, of all three readings, on log r."""
    x, weight, n = z.log(), log_a.unsqueeze(-1), len(log_a)
    both = weight + x
    far, winner = math.log(n) / FAR, x.argmax(0)
    b_far = float((-log_a[winner]).max()) / FAR
    spread_x, spread_a, spread_both = (float((v.amax(0) - v.amin(0)).max()) for v in (x, weight, both))
    log_r = {(which, p): log_pooled(which, z, log_a, p) for which in READINGS for p in (FAR, NEAR)}
    rows = [
        ("A", FAR, "p → ∞: A → max (a·z) / max a", both.amax(0) - log_a.max(), far),
        ("B", FAR, "p → ∞: B → max z, attention forgotten", x.amax(0), b_far),
        ("C", FAR, "p → ∞: C → max (a·z)", both.amax(0), far),
        ("A", NEAR, "p → 0: A → the plain geometric mean, attention forgotten", x.mean(0),
         NEAR * (spread_both**2 + spread_a**2) / 8),
        ("B", NEAR, "p → 0: B → the geometric mean weighted by a", (log_a.exp().unsqueeze(-1) * x).sum(0),
         NEAR * spread_x**2 / 8),
    ]  # fmt: skip
    found = [
        Identity(f"{which} {'far' if p == FAR else 'near'}", said, _largest(log_r[which, p] - limit), bound + ROUNDING)
        for which, p, said, limit, bound in rows
    ]
    # C has no limit at 0: its logarithm times p tends to log N, so C grows as N^(1/p).
    grown = _largest(NEAR * log_r["C", NEAR] - math.log(n))
    said = "p → 0: C grows as N^(1/p), without a limit"
    return [*found, Identity("C near", said, grown, NEAR * float(both.abs().max()) + ROUNDING)]


def _largest_fall(which: str, z: Tensor, log_a: Tensor, grid: tuple[float, ...]) -> float:
    steps = torch.stack([log_pooled(which, z, log_a, p) for p in grid]).diff(dim=0)
    return max(0.0, -float(steps.min()))


def _derivatives(z: Tensor, log_a: Tensor, p: float) -> list[Identity]:
    """Closed forms against automatic differentiation of the log form."""
    found = []
    by_z = by_p = euler = 0.0
    for which in READINGS:
        with torch.enable_grad():
            states = z.detach().clone().requires_grad_()
            exponent = torch.full((z.shape[1],), p, dtype=z.dtype, requires_grad=True)
            log_r = log_pooled(which, states, log_a, exponent)
            (felt,) = torch.autograd.grad(log_r.exp().sum(), states, retain_graph=True)
            (moved,) = torch.autograd.grad(log_r.sum(), exponent)
        w, r = shares(which, z, log_a, p), log_r.detach().exp()
        # Relative to the largest derivative of its dimension: a share that rounds to 0 has no relative error.
        by_z = max(by_z, _largest((felt - w * r / z).abs().amax(0) / felt.abs().amax(0)))
        euler = max(euler, _apart((z * felt).sum(0), r))
        closed = by_exponent(which, z, log_a, p)
        by_p = max(by_p, _largest((moved - closed).abs() / (1 + closed.abs())))
    found.append(Identity("by z", "∂r/∂z = share · r / z, attention held (autograd)", by_z, ROUNDING))
    found.append(Identity("euler", "Σ z ∂r/∂z = r: what makes the exact share exact (autograd)", euler, ROUNDING))
    found.append(Identity("by p", "∂ log r/∂p in closed form, A, B and C (autograd)", by_p, ROUNDING))
    return found


def by_exponent(which: str, z: Tensor, log_a: Tensor, p: float) -> Tensor:
    """∂ log r_d / ∂p in closed form (D,), with M_d the bracket and w the shares.

    A −(1/p²) log M_d + (1/p)[Σ w_id log(a_i z_id) − Σ v_i log a_i], v = softmax(p·s);
    B −(1/p²) log M_d + (1/p) Σ w_id log z_id; C −(1/p²) log M_d + (1/p) Σ w_id log(a_i z_id).
    """
    w = shares(which, z, log_a, p)
    inside = z.log() if which == "B" else log_a.unsqueeze(-1) + z.log()
    mean = (w * inside).sum(0)
    if which == "A":
        mean = mean - ((p * log_a).softmax(0) * log_a).sum()
    return (mean - log_pooled(which, z, log_a, p)) / p


def _apart(x: Tensor, y: Tensor) -> float:
    return _largest((x - y) / y)


def _largest(values: Tensor) -> float:
    return float(values.abs().max())


