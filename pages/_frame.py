"""The pages there are, in order, each with the question it answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Compare": "How do differently pooled readers read the same text, and which words do they answer to?",
        "Attention against gradient": "Does a reader's attention point at the words that move its prediction?",
        "Debate": "Is attention explanation? Run the published experiments on this text, and see what each one shows.",
        "Distributions": "What do the debate's numbers look like over a whole test set, class by class?",
        "Norms": "Which norm did each reader learn to pool with, and what would another one change?",
        "Zoo": "How well does every trained classifier read, and what did it learn on the way?",
        "Movie": "When, during training, did each reader find the words it attends to?",
        "About": "What do these pictures show, and what may they not be taken for?",
    }
)
# These draw charts (or a table), whose libraries take a while to load.
FIGURES: Final = tuple(title for title in QUESTIONS if title not in ("Compare", "Movie"))
_FILES: Final = ("compare", "gradient", "debate", "distributions", "norms", "zoo", "movie", "about")
_ICONS: Final = (
    "view_column", "compare_arrows", "balance", "area_chart", "tune", "grid_view", "movie", "menu_book",
)  # fmt: skip


def navigate(*, icons: bool = True) -> StreamlitPage:
    """Draw the navigation and return the page that was asked for."""
    described = zip(QUESTIONS, _FILES, _ICONS, strict=True)
    return st.navigation(
        [
            st.Page(f"pages/{file}.py", title=title, default=file == _FILES[0],
                    icon=f":material/{icon}:" if icons else None)
            for title, file, icon in described
        ],
        position="top",
    )  # fmt: skip


def ensure() -> None:
    """Hand a page over to ``app.py`` when Streamlit has started it alone.

    A server that has not drawn a navigation yet runs the files in ``pages`` by themselves, as all
    Streamlit apps once did; drawing one ends that.
    """
    # Without a page icon set before, an icon here would be fetched from outside this machine.
    navigate(icons=False)
    st.rerun()
