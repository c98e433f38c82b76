"""About: every registered method and pooler, every definition and every classifier is told."""

from __future__ import annotations

import pytest
from app_zoo import READERS, TASKS, make_zoo, open_app, said

from models.attribution import METHODS
from models.poolers import POOLERS
from pages import _words


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def test_every_method_and_pooler_is_told():
    app = open_app("about")
    labels = " ".join(expander.label for expander in app.expander)
    for method in METHODS.values():
        assert f"**{method.title}** · {method.question}" in labels
        assert method.source in said(app)
    for pooler in POOLERS.values():
        assert pooler.formula in said(app)


def test_every_definition_limit_and_source_is_told():
    app = open_app("about")
    for definition in _words.ALL.values():
        assert definition.text in said(app)
    for word in ("faithful", "plausible", "Jain & Wallace", "anecdote"):
        assert word in said(app)


def test_every_classifier_is_in_the_table_with_its_score():
    app = open_app("about")
    (table,) = app.dataframe
    assert len(table.value) == len(READERS) * len(TASKS)
    assert set(table.value["accuracy"]) == {0.81}
    assert "sst2/bilstm/apln" in set(table.value["id"])


def test_the_definitions_file_has_no_stray_section():
    used = {*_words.BASICS, *_words.NUMBERS, *_words.FIGURES, _words.LIMITS, _words.SOURCES}
    assert used == set(_words.ALL.values())
    assert all(definition.title and definition.text for definition in used)
