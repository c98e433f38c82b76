"""Log against pow form: what single precision loses in each, counted over the dial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from models.attribution.accounts import Accounts
from models.classifier import PoolingClassifier
from models.norm_records import FormCount, FormCounts
from models.normlab.terms import Terms, check_p, log_pooled, log_weight, terms
from models.poolers.power_mean import power_mean
from models.records import Request

Form = Callable[[str, Tensor, Tensor, Tensor], Tensor]


def norm_forms(
    classifier: PoolingClassifier, request: Request, ps: Sequence[float], accounts: Accounts | None = None
) -> FormCounts:
    """Pool a text in both forms and in float32 at every p, and count what is lost, values and gradients.

    The true r_d are positive, and by Euler so is Σ_i z_id ∂r_d/∂z_id = r_d: a value of 0 and a dimension in which no
    token has a derivative are losses, as are ∞ and NaN. Errors are relative to log-sum-exp in float64. A text
    that ``accounts`` has already is not read again.

    Raises:
        PoolScopeError: the pooler has no exponent, a p is not on the dial, or nothing is to be read.
    """
    for p in ps:
        check_p(p)
    found = terms(classifier, request, accounts)
    counts = tuple(_count(found, name, p) for p in ps for name in FORMS)
    return FormCounts(classifier.spec, found.own, found.z.shape[1], len(found.reading), counts)


def _count(found: Terms, name: str, p: float) -> FormCount:
    which = found.own or "A"
    true = log_pooled(which, found.z, found.log_a, p).exp()
    with torch.enable_grad():
        z = found.z.float().requires_grad_()
        exponent = torch.full((z.shape[1],), p, requires_grad=True)
        r = FORMS[name](which, z, found.log_a.float(), exponent)
        by_z, by_p = torch.autograd.grad(r.sum(), (z, exponent))
    r = r.detach()
    lost = (r == 0) | ~r.isfinite()
    none = (by_z == 0).all(0) | ~by_z.isfinite().all(0) | ~by_p.isfinite()
    kept = ((r.double() - true) / true).abs()[~lost]
    return FormCount(name, p, int(lost.sum()), int(none.sum()), float(kept.max()) if len(kept) else None)


def log_form(which: str, z: Tensor, log_a: Tensor, p: Tensor) -> Tensor:
    """Return r (D,) as the poolers compute it: exp((1/p) LSE_i(c_i + p log z_i)), without any real power."""
    c = log_weight(which, log_a, p).expand_as(z)
    return power_mean(z.unsqueeze(0), c.unsqueeze(0), p, torch.ones(1, len(z), dtype=torch.bool))[0]


def pow_form(which: str, z: Tensor, log_a: Tensor, p: Tensor) -> Tensor:
    """Return r (D,) as the definition is written: powers, a sum, a root."""
    a = log_a.exp().unsqueeze(-1)
    total = ((a * z**p) if which == "B" else (a * z) ** p).sum(0)
    if which == "A":
        total = total / (a**p).sum(0)
    return total ** (1 / p)


FORMS: Final[dict[str, Form]] = {"log": log_form, "pow": pow_form}
