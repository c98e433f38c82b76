"""The style of the page around the figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from viz import markup

ASSETS = Path(__file__).parent / "assets"
ICON = str(ASSETS / "icon.png")


@cache
def stylesheet() -> str:
    """A style element for the whole page; colours stay with Streamlit's theme."""
    return markup.style((ASSETS / "page.css").read_text(encoding="utf-8"))
