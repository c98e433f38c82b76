"""How numbers are worded, in one place, so that every page says the same number the same way.

Probabilities and rank correlations have two decimals, p-values follow the "< .001" convention,
shares and completeness errors are percentages. A real minus sign is used, never a hyphen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from models.records import Agreement, Analysis, Attribution, Parameter, Prediction, Scalar

MINUS = "\u2212"
DASH = "\u2013"
THIN = "\u202f"

# The learned scalars of poolers: a norm's p, log-sum-exp's b, entmax's α.
SCALARS = ("p", "b", "α")
# The learned mix of an encoder's layers: a share for each layer, and a factor on their sum.
MIXES = ("s", "layer mix s")
FACTOR = "layer scale γ"
# Below this R² a fitted map is marked; a bound of ours, as the cards of the fitted methods say.
FIT = 0.5


_UNITS = {
    "lime": "weight of the word in a linear model of the logit",
    "uniform_map": "the same for every word, sums to 1",
    "random_map": "drawn by chance, sums to 1",
    "reversed_attention": "attention weight of another word, sums to 1",
    "attention": "attention weight, sums to 1",
    "attention_norm": "attention weight × length of the state",
    "effective_attention": "weight inside the norm, sums to 1",
    "winners": "share of the dimensions won, sums to 1",
    "pooled_share": "share of the pooled vector, sums to 1",
    "rollout": "weight led back to the word, sums to 1 or less",
    "attention_flow": "most of the weight that can reach the word",
}
SCALAR_TITLES: Mapping[Scalar, str] = {
    "logit": "Its logit",
    "probability": "Its probability",
    "margin": "Its margin over the next class",
}


def _signed(text: str, plus: bool = False) -> str:
    """Put a real minus (or a wanted plus) before a formatted number; a rounded zero has no sign."""
    negative = text.startswith("-")
    bare = text.lstrip("-")
    if not bare.strip("0.") or not any(c.isdigit() for c in bare):
        return bare
    return (MINUS if negative else "+" if plus else "") + bare


def number(value: float, plus: bool = False) -> str:
    """Three decimals for ordinary sizes, three significant digits with an exponent outside them."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.0005 or size >= 10_000:
        mantissa, exponent = f"{value:.1e}".split("e")
        return _signed(f"{mantissa}e{int(exponent)}".replace("e-", "e" + MINUS), plus)
    return _signed(f"{value:.3f}" if size < 100 else f"{value:.0f}", plus)


def probability(value: float) -> str:
    """Two decimals, with ``> .99`` and ``< .01`` where rounding would claim certainty."""
    if 0.995 <= value < 1.0:
        return "> .99"
    if 0.0 < value < 0.005:
        return "< .01"
    return f"{value:.2f}"


def change(value: float) -> str:
    """A difference of probabilities with its sign, two decimals: ``+0.12``."""
    if value and abs(value) < 0.005:
        return "< .01" if value > 0 else f"> {MINUS}.01"
    return _signed(f"{value:.2f}", plus=True)


def shift(before: Prediction, now: Prediction, target: int) -> str:
    """What became of a class: ``negative .81 → .62 (−.19)``, and the new label if it flipped."""
    old, new = before.probabilities[target], now.probabilities[target]
    flipped = f", now {now.label}" if now.predicted != before.predicted else ""
    return f"{now.labels[target]} {probability(old)} → {probability(new)} ({change(new - old)}{flipped})"


def percent(share: float) -> str:
    """A share in [-1, 1] as a percentage; one decimal below ten percent."""
    size = abs(share) * 100
    if 0 < size < 0.05:
        return f"<{THIN}0.1{THIN}%"
    digits = 0 if size >= 9.95 or size == 0 else 1
    return _signed(f"{share * 100:.{digits}f}") + f"{THIN}%"


def tau(value: float | None) -> str:
    """A correlation with two decimals; a dash where it is undefined."""
    return DASH if value is None else _signed(f"{value:.2f}")


def p_value(value: float | None) -> str:
    """A p-value by the usual convention: ``< .001``, ``= .012``; a dash where there is none."""
    if value is None:
        return DASH
    if value < 0.001:
        return "< .001"
    return f"= {value:.3f}".replace("0.", ".", 1) if value < 1 else "= 1"


def layers(learned: Iterable[Parameter]) -> str:
    """``words 12 %, layer 1 30 %, layer 2 58 %, times 1.10``; empty where no layers are mixed."""
    found = {parameter.name: parameter.values for parameter in learned}
    shares = next((found[name] for name in MIXES if name in found), ())
    said = [f"{f'layer {j}' if j else 'words'} {percent(share)}" for j, share in enumerate(shares)]
    return ", ".join([*said, *([f"times {found[FACTOR][0]:.2f}"] if said and FACTOR in found else [])])


def exponent(value: float) -> str:
    """A learned exponent: two decimals below ten, one above, ``∞`` for infinity."""
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def rank(position: int, total: int) -> str:
    """``2 of 30``."""
    return f"{position} of {total}"


def count(n: int, noun: str) -> str:
    """``1 word``, ``3 words``, ``5,000 words``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def unread(read: int, cut: int) -> str | None:
    """That a text was longer than a reader reads: ``read`` tokens of it were read, ``cut`` were not."""
    return f"Read: the first {count(read, 'token')}. The remaining {cut:,} were not read." if cut else None


def badge(attribution: Attribution) -> str | None:
    """How far a map may be trusted, in its own measure: ``R² 0.87`` of a fitted one, else :func:`delta`."""
    if attribution.fit is None or attribution.scores is None:
        return delta(attribution)
    return f"R² {_signed(f'{attribution.fit:.2f}')}"


def delta(attribution: Attribution) -> str | None:
    """The completeness error of a complete method, ``Δ 0.4 %``; ``None`` if there is none to give.

    The percentage is |Σ scores - (F(x) - F(baseline))| / |F(x) - F(baseline)|; where that
    denominator is zero the absolute error is given instead.
    """
    if not attribution.complete or attribution.scores is None:
        return None
    if attribution.relative_delta is not None:
        return f"Δ{THIN}{percent(abs(attribution.relative_delta))}"
    return None if attribution.delta is None else f"Δ{THIN}{number(abs(attribution.delta))}"


def explained(scalar: Scalar, label: str, against: str | None = None) -> str:
    """The number that a map explains: ``logit of “a”``, ``logit of “a” over “b”``, ``probability of “a”``."""
    if scalar == "margin":
        return f"margin of “{label}” over the next class"
    return f"{scalar} of “{label}”" + (f" over “{against}”" if against else "")


def unit(attribution: Attribution, label: str, against: str | None = None) -> str:
    """What one unit of a map's raw value is, in words."""
    fixed = _UNITS.get(attribution.method)
    if fixed is not None:
        return fixed
    if attribution.signed:
        return f"part of the {explained(attribution.scalar, label, against)}"
    return f"size of the influence on the {explained(attribution.scalar, label, against)}"


def asked(analysis: Analysis) -> str:
    """The class that an analysis explains, ``positive``, or the two that it compares, ``positive over neutral``."""
    labels, against = analysis.prediction.labels, analysis.request.against
    return labels[analysis.target] + ("" if against is None else f" over {labels[against]}")


def unit_of(analysis: Analysis, attribution: Attribution) -> str:
    """The same with the names of the classes of an analysis."""
    labels = analysis.prediction.labels
    against = None if attribution.against is None else labels[attribution.against]
    return unit(attribution, labels[attribution.target], against)


def agreement(found: Agreement) -> str:
    """One agreement in a sentence fragment: ``τ = 0.42, p < .001, n = 12`` or its reason."""
    if found.value is None:
        return f"undefined: {found.reason}"
    symbol = {"kendall_tau": "τ", "spearman": "ρ"}.get(found.metric, found.metric)
    tail = "" if found.p_value is None else f", p {p_value(found.p_value)}"
    return f"{symbol} = {tau(found.value)}{tail}, n = {found.n}"
