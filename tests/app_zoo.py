"""A zoo of tiny untrained classifiers and an app on it, for the tests of the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import streamlit as st
import torch
from streamlit.runtime.caching.cache_resource_api import clear_session_cache
from streamlit.testing.v1 import AppTest

from models.assemble import assemble
from models.text import Vocabulary
from models.training.recipe import Recipe
from models.zoo.store import write
from models.zoo.word_tables import write_table
from pages import _cache, _progress
from pages._state import Key

# A busy machine must not turn a finished page into a waiting one; tests of waiting set their own.
_progress.PATIENCE = 60.0

ROOT = Path(__file__).resolve().parent.parent
WORDS = (
    "the", "a", "film", "is", "not", "bad", ",", "but", "it", "never", "quite", "comes", "alive", ".", "good", "story",
    "cast", "and", "that", "was", "of", "in", "to", "bank", "football", "club", "sold", "its", "stadium", "great",
    "another", "two", "hours", "people", "so", "could", "pay", "players",
)  # fmt: skip
OPTIONS = {"embedding": {"state_size": 8}, "cnn": {"filters": 4}, "bilstm": {"hidden_size": 4}}
TASKS: Mapping[str, tuple[str, ...]] = {
    "sst2": ("negative", "positive"),
    "ag_news": ("World", "Sports", "Business", "Sci/Tech"),
}
READERS = (
    ("bilstm", "attention"), ("bilstm", "apln"), ("bilstm", "mean"), ("cnn", "max"), ("cnn", "scaled_dot"),
    ("embedding", "learned_norm"), ("embedding", "attention"),
)  # fmt: skip
HISTORY = [
    {"epoch": n, "loss": 1 / n, "dev_accuracy": 0.6 + n / 10, "p_trajectory": [[n - 0.5, 1.1], [n, 1.2]],
     "probes": [{"tau": 0.5 / n}, {"tau": None}]}
    for n in (1, 2, 3)
]  # fmt: skip


def make_zoo(folder: Path, tasks: Mapping[str, tuple[str, ...]] = TASKS, max_tokens: int = 40) -> Path:
    """Write the classifiers as training would, with a short history and made-up scores."""
    for task, labels in tasks.items():
        torch.manual_seed(7)
        vocabulary = Vocabulary(list(dict.fromkeys(WORDS)))
        table = torch.randn(len(vocabulary), 6)
        table[0] = 0
        entry = write_table(folder / task, "words", vocabulary, table)
        for encoder, pooler in READERS:
            recipe = Recipe(task, encoder, pooler, embedding_size=6, max_tokens=max_tokens,
                            encoder_options=tuple(OPTIONS[encoder].items()))  # fmt: skip
            classifier = assemble(recipe, labels, vocabulary).eval()
            classifier.table.weight.data = table.clone()
            classifier.head.weight.data.mul_(6)
            facts: dict[str, Any] = {"metrics": {"test": {"accuracy": 0.81, "macro_f1": 0.8}}, "history": HISTORY}
            write(folder / task, classifier, recipe, entry, facts)
    return folder


def open_app(page: str = "compare", params: Mapping[str, str] | None = None) -> AppTest:
    """Run app.py from its absolute path as a first visit with ``params`` in the address, then go to ``page``."""
    # Classifiers too: a damaged copy of a zoo must not be answered from memory. The warm thread may stay.
    st.cache_data.clear()
    _cache._classifier.clear()
    # All AppTests are one session to Streamlit; the maps of the last one must not answer for this one.
    clear_session_cache("test session id")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in (params or {}).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    if page != "compare":
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
    return app


def payload(app: AppTest) -> dict[str, Any]:
    """What the token component was given to draw."""
    (component,) = app.get("bidi_component")
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def choose(app: AppTest, index: int) -> AppTest:
    """Click a token, as the component would tell it."""
    (key,) = [element.key for element in app.get("bidi_component")]
    app.session_state[key] = {"selected": index}
    app.run()
    assert not app.exception
    return app


def read(app: AppTest, text: str) -> AppTest:
    """Type ``text`` and press Read."""
    app.text_area(key=Key.DRAFT).input(text)
    app.button(key=Key.READ).click().run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    """Every sentence on the page that is not a figure."""
    parts = (app.markdown, app.caption, app.text, app.info, app.warning, app.error, app.subheader)
    return "\n".join(str(element.value) for part in parts for element in part)


def charts(app: AppTest) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The specification and the rows of every chart on the page."""
    return [(json.loads(element.proto.spec), _rows(element.proto)) for element in app.get("vega_lite_chart")]


def _rows(proto: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # streamlit's generated class
    """Streamlit sends the rows beside the specification, as Arrow."""
    rows = []
    for dataset in proto.datasets:
        rows += pyarrow.ipc.open_stream(dataset.data.data).read_all().to_pylist()
    return rows
