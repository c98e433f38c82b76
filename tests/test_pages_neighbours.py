"""Words near the chosen one, on the page Compare: grouped by word table, numbers from models.neighbours."""

from __future__ import annotations

import re

import pytest
from app_zoo import choose, make_zoo, open_app, read, said

from models.analysis import analyse
from models.neighbours import neighbours, substitutes
from models.records import Request
from models.zoo.store import load_classifier
from pages import _words
from pages._state import Key
from viz import wording

TEXT = "The film is not bad"
ALL = "bilstm/attention,cnn/max,embedding/attention"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(autouse=True)
def _tiny_zoo(zoo, monkeypatch):
    monkeypatch.setenv("POOLSCOPE_ZOO", str(zoo))


def tables(app):
    """The tables of near words: (caption, heads, rows of cells)."""
    found = []
    for html in (element.value for element in app.get("html")):
        if ">similarity<" in html:
            caption = re.search(r"<caption>(.*?)</caption>", html)[1]
            heads = re.findall(r'<th scope="col">(.*?)</th>', html)
            rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html)
            found.append((caption, heads, [[word, *re.findall(r"<td.*?>(.*?)</td>", cells)] for word, cells in rows]))
    return found


def test_one_table_for_readers_that_share_their_words_with_the_numbers_of_the_models(zoo):
    app = choose(read(open_app(), TEXT), 4)
    ((caption, heads, rows),) = tables(app)
    classifier = load_classifier("sst2/bilstm/attention", zoo)
    near = neighbours(classifier, "bad")
    before = analyse(classifier, Request(TEXT)).prediction
    made = substitutes(classifier, Request(TEXT), 4, [found.word for found in near.near])
    assert [row[0] for row in rows] == [found.word for found in near.near]
    assert [row[1] for row in rows] == [wording.tau(found.cosine) for found in near.near]
    assert [row[2] for row in rows] == [str(found.rank) for found in near.near]
    for row, found in zip(rows, made, strict=True):
        target = before.predicted
        p, change = found.prediction.probabilities[target], wording.change(
            found.prediction.probabilities[target] - before.probabilities[target]
        )
        flipped = f", {found.prediction.label}" if found.prediction.predicted != target else ""
        assert row[3].replace("&lt;", "<").replace("&gt;", ">") == f"{wording.probability(p)} ({change}{flipped})"
    assert heads[:4] == ["word", "similarity", "rank by frequency", f"A {before.label}"]
    assert len(heads) == 6
    assert f"“bad”: word {near.rank} of {near.size} by frequency, length {near.norm:.3f}" in caption
    assert caption.startswith("A BiLSTM · Attention · B BiLSTM · APLN")
    assert f"With it: A {before.label} {wording.probability(before.probabilities[before.predicted])}" in caption


def test_an_unknown_word_gets_a_sentence_in_place_of_the_table():
    app = choose(read(open_app(), "The zebra is bad"), 1)
    assert tables(app) == []
    assert "“zebra” is not in the vocabulary: it is read as the unknown word" in said(app).replace("\\", "")


def test_a_deleted_word_still_has_neighbours_but_nothing_to_replace():
    app = choose(read(open_app(), TEXT), 4)
    app.button(key=Key.DELETE).click().run()
    assert not app.exception
    ((_, heads, rows),) = tables(app)
    assert heads == ["word", "similarity", "rank by frequency"]
    assert len(rows) == 10
    assert "The word is deleted: restore it" in said(app)


def test_states_are_offered_where_an_encoder_reads_no_neighbours(zoo):
    app = choose(read(open_app(), TEXT), 4)
    assert Key.NEAR not in [control.key for control in app.button_group]
    app = choose(read(open_app(params={"readers": ALL}), TEXT), 4)
    app.button_group(key=Key.NEAR).set_value("state").run()
    assert not app.exception
    ((caption, heads, rows),) = tables(app)
    near = neighbours(load_classifier("sst2/embedding/attention", zoo), "bad", space="state")
    assert [row[0] for row in rows] == [found.word for found in near.near]
    assert caption.startswith("C Embedding · Attention")
    assert len(heads) == 4
    assert "BiLSTM · Attention, CNN · Max: these read a word with its neighbours" in said(app).replace("\\", "")


def test_the_definition_is_one_click_away_and_on_about():
    app = choose(read(open_app(), TEXT), 4)
    assert _words.NEAR.text in said(app)
    assert "Similarity is 1 for words that the vectors cannot tell apart" in said(app)
    assert _words.NEAR in _words.NUMBERS


def test_markup_as_a_word_stays_text():
    app = choose(read(open_app(), "<img> good"), 0)
    for html in app.get("html"):
        assert "<img" not in html.value
