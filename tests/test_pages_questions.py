"""Every picture of the laboratories answers a question that stands above it in one line."""

from __future__ import annotations

import re

import pytest
from app_zoo import open_app
from test_viz_distributions import reference
from test_viz_linked import measured
from twin_zoo import make_twin_zoo

from models.experiments import EXPERIMENTS
from models.twin_panels import PANELS
from pages import _cache
from pages._norm_lab import PARTS
from pages._state import Key
from viz.distributions import NUMBERS
from viz.linked import PICTURES

PICTURE = ("vega_lite_chart", "html")
QUESTION = re.compile(r"\*\*([^*\n]+\?)\*\*")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_twin_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _twin_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def elements(block):
    """The elements of a page from top to bottom."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements(child)
        else:
            yield child


def asked(app):
    """The question above every picture: the last one in a line of its own, or the heading; None where there is none."""
    question, found = None, []
    for element in elements(app.main):
        if element.type in ("title", "header", "subheader"):
            question = element.value if element.value.endswith("?") else None
        elif element.type == "markdown" and QUESTION.fullmatch(element.value):
            question = QUESTION.fullmatch(element.value)[1]
        elif element.type in PICTURE:
            found.append(question)
    return found


def shown(app, **keys):
    for key, value in keys.items():
        app.session_state[getattr(Key, key)] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("name", [*EXPERIMENTS, "scorecard"])
def test_every_picture_of_an_experiment_stands_under_a_question(name):
    found = asked(shown(open_app("debate"), EXPERIMENT=name))
    assert found
    assert all(found)
    if name in EXPERIMENTS:
        assert found[0] == EXPERIMENTS[name].question


def test_every_picture_of_twins_stands_under_their_question():
    app = open_app("debate")
    for panel in PANELS:
        found = asked(shown(app, EXPERIMENT="twins", PANEL=panel.name))
        assert found
        assert set(found) == {panel.question}


def test_every_picture_of_the_norms_and_their_laboratory_stands_under_a_question():
    app = open_app("norms")
    for name in PARTS:
        found = asked(shown(app, LAB=name))
        assert len(found) > 4
        assert all(found), name


def test_every_picture_of_distributions_stands_under_a_question_or_carries_it(monkeypatch):
    monkeypatch.setattr(_cache, "measured", lambda card: measured(labels=card.spec.labels))
    monkeypatch.setattr(_cache, "distribution", lambda card, method, place: reference(card.spec.labels[place],
                                                                                      method=method))  # fmt: skip
    app = open_app("distributions")
    for name in NUMBERS:
        found = asked(shown(app, NUMBER=name))
        assert len(found) > 2
        assert all(found), name
        assert NUMBERS[name].question in found
    assert all(picture.question.endswith("?") for picture in PICTURES)
