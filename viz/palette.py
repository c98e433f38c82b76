"""Colours: readers, the one-hue scale of unsigned maps, the diverging scale of signed ones.

All are computed in OKLCH (Ottosson 2020), a space in which equal steps of lightness look equal,
and every colour exists twice: for a light and for a dark page. Blue is *against*, orange is
*for*, violet is *how much*; never red against green. Step 0 has no colour at all, so that a
word without influence looks like plain text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

STEPS = 16
PAGE = ("#ffffff", "#14171c")
INK = ("#1c2128", "#e7eaee")
MUTED = ("#5c6370", "#a0a6b1")
GRID = ("#e3e5e9", "#333942")

# Six (light, dark) pairs found by a search that maximised the smallest OKLab distance between any
# two under normal vision and simulated deutan, protan and tritan vision (Machado et al. 2009),
# with a contrast of 3 or more against the page.
READERS: tuple[tuple[str, str], ...] = (
    ("#23377d", "#98b3f6"),
    ("#9d8d00", "#eee07b"),
    ("#6e162d", "#d24e6a"),
    ("#109eab", "#8cf1fc"),
    ("#93502f", "#ec976f"),
    ("#36679f", "#2e85e0"),
)
MARKS = "ABCDEF"


@dataclass(frozen=True, slots=True)
class Swatch:
    """A background and the text colour that is legible on it."""

    background: str
    text: str


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """The ``#rrggbb`` of an OKLCH colour (hue in degrees), clipped into sRGB."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    clipped = (min(1.0, max(0.0, c)) for c in linear)
    encoded = (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in clipped)
    return "#" + "".join(f"{round(255 * c):02x}" for c in encoded)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` in [0, 1] (WCAG 2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two ``#rrggbb`` colours, in [1, 21]."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(background: str) -> str:
    """Black or white, whichever is more legible on ``background`` (always 4.5 or more)."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, background))


def reader(index: int, dark: bool = False) -> str:
    """The colour of the reader in place ``index`` (0-5), the same on every page and figure."""
    return READERS[index % len(READERS)][dark]


def mark(index: int) -> str:
    """The letter that accompanies a reader's colour, since colour never stands alone."""
    return MARKS[index % len(MARKS)]


def page(dark: bool = False) -> str:
    """The page's own background."""
    return PAGE[dark]


def ink(dark: bool = False) -> str:
    """The colour of ordinary text."""
    return INK[dark]


def muted(dark: bool = False) -> str:
    """The colour of secondary text."""
    return MUTED[dark]


def grid(dark: bool = False) -> str:
    """The colour of rules and grid lines."""
    return GRID[dark]


# (lightness, chroma, hue) at step 1 and at step STEPS, for a light and a dark page.
_RAMPS = {
    "u": (((0.972, 0.014, 305), (0.42, 0.175, 300)), ((0.250, 0.040, 300), (0.84, 0.125, 305))),
    "p": (((0.974, 0.019, 75), (0.54, 0.150, 47)), ((0.255, 0.026, 60), (0.82, 0.130, 62))),
    "n": (((0.972, 0.012, 240), (0.46, 0.145, 256)), ((0.250, 0.030, 250), (0.80, 0.110, 245))),
}


@cache
def swatch(step: int, signed: bool = False, dark: bool = False) -> Swatch:
    """The swatch of a step: 0..STEPS on the one-hue scale, -STEPS..STEPS on the diverging one."""
    if step == 0:
        return Swatch(page(dark), ink(dark))
    name = "u" if not signed else "p" if step > 0 else "n"
    start, end = _RAMPS[name][dark]
    share = (min(abs(step), STEPS) - 1) / (STEPS - 1)
    light, chroma, hue = (a + share * (b - a) for a, b in zip(start, end, strict=True))
    background = oklch(light, chroma, hue)
    return Swatch(background, text_on(background))


def step(value: float, limit: float, root: bool = False) -> int:
    """Quantise ``value`` in [-limit, limit] to a step in -STEPS..STEPS; all 0 when limit is 0.

    ``root`` takes the square root of |value| / limit first, which spreads small values.
    Anything that is not zero gets at least step 1, so that "no colour" always means "nothing".
    """
    if limit <= 0 or value == 0:
        return 0
    part = min(1.0, abs(value) / limit)
    size = max(1, round(STEPS * (math.sqrt(part) if root else part)))
    return size if value > 0 else -size


def css_class(step: int, signed: bool) -> str:
    """The class of a step in :func:`stylesheet`: ``u7``, ``p3``, ``n12`` or ``z`` for zero."""
    if step == 0:
        return "z"
    return f"{'u' if not signed else 'p' if step > 0 else 'n'}{abs(step)}"


def both(pair: tuple[str, str]) -> str:
    """A CSS colour that follows the page's colour scheme."""
    return f"light-dark({pair[0]}, {pair[1]})"


@cache
def stylesheet() -> str:
    """CSS rules for every step of the two scales, one class each, for light and dark pages."""
    rules = []
    for name, signed, sign in (("u", False, 1), ("p", True, 1), ("n", True, -1)):
        for size in range(1, STEPS + 1):
            light, dark = (swatch(sign * size, signed, d) for d in (False, True))
            background = both((light.background, dark.background))
            text = both((light.text, dark.text))
            rules.append(f".{name}{size}{{background-color:{background};color:{text}}}")
    return "\n".join(rules) + "\n"


def gradient(signed: bool, dark: bool | None = None) -> str:
    """A CSS ``linear-gradient`` of a scale for legends; ``dark=None`` follows the page."""
    steps = range(-STEPS if signed else 0, STEPS + 1, 2)

    def colour(step: int) -> str:
        pair = (swatch(step, signed, False).background, swatch(step, signed, True).background)
        return both(pair) if dark is None else pair[dark]

    return f"linear-gradient(to right, {', '.join(colour(s) for s in steps)})"
