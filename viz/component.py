"""The browser side of the components, as the three strings Streamlit wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from viz import palette

ASSETS = Path(__file__).parent / "assets"
# Each component is one module for the browser, kept in several files for the reader; the last one exports.
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "tokens": ("helpers", "drawing", "pointing", "tokens"),
    "movie": ("helpers", "screen", "movie"),
}


@dataclass(frozen=True, slots=True)
class ComponentSource:
    """Inline ``html``, ``css`` and ``js`` for ``st.components.v2.component``."""

    html: str
    css: str
    js: str


@cache
def component_source(name: str = "tokens") -> ComponentSource:
    """Read the assets; the colour steps are appended to the CSS from :mod:`viz.palette`.

    Register once, at import::

        source = component_source()
        TOKENS = st.components.v2.component("poolscope_tokens", html=source.html,
                                            css=source.css, js=source.js)
        TOKENS(key="tokens", data=panels(analyses), default={"selected": None},
               on_selected_change=callback)

    The component calls ``setStateValue("selected", index)``, or ``None`` to unselect. ``movie``
    draws the payload of :mod:`viz.movie` and tells Python nothing.
    """
    html, css = ((ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    js = "\n".join((ASSETS / f"{script}.js").read_text(encoding="utf-8") for script in SCRIPTS[name])
    scales = f":host{{--unsigned:{palette.gradient(False)};--signed:{palette.gradient(True)}}}\n" + palette.stylesheet()
    return ComponentSource(html=html, css=css + scales, js=js)
