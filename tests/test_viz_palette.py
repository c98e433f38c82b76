"""Colours: legible, distinct for colour-blind eyes, symmetric, and without colour at zero."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viz import palette

# Full-severity simulation matrices of Machado, Oliveira & Fernandes (2009), on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deutan": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritan": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip


def oklab(colour: str, vision: str = "normal") -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    lms = np.cbrt(
        np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]]) @ seen
    )  # fmt: skip
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ lms  # fmt: skip


@pytest.mark.parametrize(
    ("lightness", "chroma", "hue", "colour"),
    [
        (1.0, 0.0, 0.0, "#ffffff"),
        (0.0, 0.0, 0.0, "#000000"),
        (0.62796, 0.25768, 29.234, "#ff0000"),  # the sRGB primaries as CSS Color 4 gives them
        (0.86644, 0.29483, 142.495, "#00ff00"),
        (0.45201, 0.31321, 264.052, "#0000ff"),
    ],
)
def test_oklch_agrees_with_the_css_specification(lightness, chroma, hue, colour):
    assert palette.oklch(lightness, chroma, hue) == colour


def test_contrast_agrees_with_wcag_examples():
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert palette.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("vision", VISION)
def test_readers_are_distinct_under_every_vision(vision, dark):
    colours = [palette.reader(i, dark) for i in range(6)]
    distances = [np.linalg.norm(oklab(a, vision) - oklab(b, vision)) for a, b in itertools.combinations(colours, 2)]
    assert min(distances) > 0.12


@pytest.mark.parametrize("dark", [False, True])
def test_readers_stand_out_from_the_page(dark):
    assert all(palette.contrast(palette.reader(i, dark), palette.page(dark)) >= 3 for i in range(6))
    assert len({palette.mark(i) for i in range(6)}) == 6


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_every_step_is_legible(signed, dark):
    steps = range(-palette.STEPS if signed else 0, palette.STEPS + 1)
    for step in steps:
        swatch = palette.swatch(step, signed, dark)
        assert palette.contrast(swatch.background, swatch.text) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("signed", "sign"), [(False, 1), (True, 1), (True, -1)])
def test_stronger_steps_are_further_from_the_page_in_lightness(signed, sign, dark):
    page = oklab(palette.page(dark))[0]
    distances = [
        abs(oklab(palette.swatch(sign * s, signed, dark).background)[0] - page) for s in range(1, palette.STEPS + 1)
    ]
    assert all(b - a > 0.01 for a, b in itertools.pairwise(distances))


def test_against_is_blue_and_for_is_orange():
    for dark in (False, True):
        against, favour = (oklab(palette.swatch(s, True, dark).background) for s in (-palette.STEPS, palette.STEPS))
        assert against[2] < -0.05
        assert favour[2] > 0.05
        assert favour[1] > 0.03
    # never red against green: the ends differ along blue–yellow under deutan vision too
    assert abs(oklab("#4477aa", "deutan")[2] - oklab(palette.swatch(16, True).background, "deutan")[2]) > 0.1


def test_steps_are_symmetric_monotone_and_clipped():
    values = np.linspace(-1.5, 1.5, 301)
    steps = [palette.step(v, 1.0) for v in values]
    assert steps == [-palette.step(-v, 1.0) for v in values]
    assert steps == sorted(steps)
    assert steps[0] == -palette.STEPS
    assert steps[-1] == palette.STEPS


def test_only_zero_has_no_colour():
    assert palette.step(0.0, 1.0) == 0
    assert palette.step(1e-12, 1.0) == 1
    assert palette.step(-1e-12, 1.0) == -1
    assert palette.step(3.0, 0.0) == 0
    assert palette.css_class(0, signed=True) == "z"
    assert [palette.css_class(s, signed) for s, signed in ((3, False), (3, True), (-3, True))] == ["u3", "p3", "n3"]


def test_stylesheet_has_every_class_in_both_schemes():
    css = palette.stylesheet()
    for name in (f"{kind}{size}" for kind in "upn" for size in range(1, palette.STEPS + 1)):
        assert f".{name}{{background-color:light-dark(#" in css
    assert css.count("light-dark(") == 2 * 3 * palette.STEPS


def test_gradient_runs_through_the_neutral_middle():
    light = palette.gradient(signed=True, dark=False)
    assert light.startswith(f"linear-gradient(to right, {palette.swatch(-16, True).background}")
    assert palette.page(False) in light
    assert palette.gradient(signed=False, dark=True).endswith(f"{palette.swatch(16, False, True).background})")
