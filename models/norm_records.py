"""What the norm laboratory returns: frozen records of plain values."""

from __future__ import annotations

from dataclasses import dataclass

from models.records import ModelSpec, Token


@dataclass(frozen=True, slots=True)
class ReadingPoint:
    """One reading of APLN (A, B or C) on frozen states at one p.

    ``effective`` and ``shares`` hold one number per word (0 for deleted ones); ``pooled`` (D,).
    ``falls`` counts the dimensions in which r falls somewhere as p grows over the dial.
    """

    reading: str
    pooled: tuple[float, ...]
    probabilities: tuple[float, ...]
    effective: tuple[float, ...]
    shares: tuple[float, ...]
    falls: int


@dataclass(frozen=True, slots=True)
class Identity:
    """An equation of the theory on this very text: how far its two sides are apart, and how far they may be.

    ``bound`` is proven for this p and text where the equation is a limit, and the rounding of double
    precision elsewhere.
    """

    name: str
    statement: str
    residual: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether the residual is within the bound; one that is not a number is not."""
        return self.residual <= self.bound


@dataclass(frozen=True, slots=True)
class NormReadings:
    """A, B and C side by side on the same states, attention and p, and the identities between them.

    ``own`` is the reading that the reader was trained with, empty for a pooler without attention;
    there every a_i is 1/N. ``factor`` is the one number by which C is longer or shorter than A.
    """

    model: ModelSpec
    tokens: tuple[Token, ...]
    labels: tuple[str, ...]
    own: str
    p: float
    points: tuple[ReadingPoint, ...]
    factor: float
    identities: tuple[Identity, ...]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One scale limit in place of the trained one, nothing retrained.

    ``negative`` is the part of the T·D states that were below 0, ``lost`` the part of those that became the floor, all
    alike; ``zero`` the lowest and highest value that a state of 0 becomes. ``rescaled`` and ``frozen`` hold, per
    word, what erasing it at the pooler takes off the log-odds of the target (``None`` for deleted words and
    for the only one), with the scaling fitted anew and with that of the whole text. ``tau`` is Kendall's τ_b between
    the two, ``None`` with a ``reason``.
    """

    limit: str
    trained: bool
    negative: float
    lost: float
    floor: float
    zero: tuple[float, float]
    probabilities: tuple[float, ...]
    rescaled: tuple[float | None, ...]
    frozen: tuple[float | None, ...]
    tau: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ScaleLimits:
    """All scale limits on the same states, attention and p; ``target`` is the class that the reader predicts."""

    model: ModelSpec
    tokens: tuple[Token, ...]
    labels: tuple[str, ...]
    reading: str
    p: float
    target: int
    rows: tuple[LimitRow, ...]


@dataclass(frozen=True, slots=True)
class FormCount:
    """What single precision does to one form of the norm at one p.

    Of the D dimensions: ``values`` came as 0, ∞ or NaN though the true r_d is positive; ``gradients`` have an
    infinite or undefined derivative, or none at all by any token, though Σ_i z_id ∂r_d/∂z_id = r_d > 0.
    ``error`` is the largest relative error of the values that came, ``None`` where none did.
    """

    form: str
    p: float
    values: int
    gradients: int
    error: float | None


@dataclass(frozen=True, slots=True)
class FormCounts:
    """Both forms over the dial."""

    model: ModelSpec
    reading: str
    dimensions: int
    tokens: int
    counts: tuple[FormCount, ...]


@dataclass(frozen=True, slots=True)
class SwapRow:
    """Another pooler under the same encoder and head, nothing retrained.

    ``margin`` is the log-odds of the class that the reader itself predicts; ``changed`` the number of the ``of``
    example texts whose predicted class changes. ``probabilities`` is ``None`` with a ``reason`` where it cannot be.
    """

    name: str
    title: str
    own: bool
    probabilities: tuple[float, ...] | None
    margin: float | None
    distance: float | None
    changed: int | None
    of: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """What breaks when the pooler is exchanged; ``target`` is the class that the reader itself predicts."""

    model: ModelSpec
    labels: tuple[str, ...]
    target: int
    rows: tuple[SwapRow, ...]


@dataclass(frozen=True, slots=True)
class Variance:
    """Where the variance of log p over the runs of one pooler comes from, as shares of 1.

    ``runs`` runs with ``seeds`` seeds in every cell of ``datasets`` × ``encoders``.
    """

    datasets: int
    encoders: int
    seeds: int
    runs: int
    dataset: float
    encoder: float
    both: float
    seed: float
