"""The two marked words of a relation task: found in tokens, drawn in every picture, marked in a text."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import pytest
import viz_records as invented
from hypothesis import given
from hypothesis import strategies as st

from models.text import WordTokenizer
from viz import entities, export
from viz.component import component_source
from viz.panels import flags, panels

TEXT = "The <e1> old letters </e1> lay in a <e2> box </e2> ."
SVG = "{http://www.w3.org/2000/svg}"
TOKENS = WordTokenizer()


def read():
    return invented.analysis(TEXT)


def roles(text):
    return dict(zip((token.text for token in TOKENS(text)), entities.roles(TOKENS(text)), strict=True))


def test_words_between_the_marks_are_the_entity_and_the_last_one_carries_its_name():
    assert roles(TEXT) == {
        "The": "", "<e1>": "t", "old": "1", "letters": "1e", "</e1>": "t", "lay": "", "in": "", "a": "",
        "<e2>": "t", "box": "2e", "</e2>": "t", ".": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a <e1> b", "a </e1> b <e1> c", "a <e1> </e1> b", "<e1> <e2> </e2> </e1>", "<e1> b </e2>", "plain b"]
)
def test_half_marks_and_empty_ones_make_no_entity(text):
    assert set(entities.roles(TOKENS(text))) <= {"", "t"}
    assert entities.missing(text) == ["e1", "e2"]


def test_capitals_and_one_entity_inside_the_other_are_understood():
    assert roles("<E1> x </E1>")["x"] == "1e"
    assert sorted(roles("<e1> <e2> x </e2> </e1>")["x"]) == ["1", "2", "e", "e"]
    assert entities.said("1e2e", ", ") == ", e1, e2"


def test_what_is_missing_is_named():
    assert entities.missing(TEXT) == []
    assert entities.missing("A <e2>box</e2>.") == ["e1"]
    assert entities.missing(entities.sample()) == []


def test_marking_a_word_moves_the_mark_and_leaves_the_rest():
    text = "The letters lay in a box."
    first = entities.marked(text, 4, 11, "e1")
    assert first == "The <e1> letters </e1> lay in a box."
    start = first.index("box")
    both = entities.marked(first, start, start + 3, "e2")
    assert both == "The <e1> letters </e1> lay in a <e2> box </e2>."
    start = both.index("lay")
    moved = entities.marked(both, start, start + 3, "e1")
    assert moved == "The letters <e1> lay </e1> in a <e2> box </e2>."
    start = moved.index("box")
    assert entities.marked(moved, start, start + 3, "e1") == "The letters lay in a <e1> box </e1>."


@given(st.lists(st.sampled_from(["film", "film,", "电影", "<e1>", "</e1>", "<e2>", "</e2>"]), min_size=1), st.data())
def test_a_marked_word_is_the_only_one_marked_so(parts, data):
    text = " ".join(parts)
    words = [token for token in TOKENS(text) if token.text.strip("<>/").lower() not in ("e1", "e2")]
    if not words:
        return
    chosen, name = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(["e1", "e2"]))
    found = entities.marked(text, chosen.start, chosen.end, name)
    tokens = TOKENS(found)
    inside = [t.text for t, role in zip(tokens, entities.roles(tokens), strict=True) if name[-1] in role]
    assert inside == [chosen.text]
    plain = [t.text for t in tokens if t.text.strip("<>/").lower() not in ("e1", "e2")]
    assert plain == [word.text for word in words]


def test_letters_of_peculiarities_and_entities_stand_together():
    tokens = list(TOKENS(TEXT))
    place = [token.text for token in tokens].index("box")
    tokens[place] = dataclasses.replace(tokens[place], known=False, state="masked")
    assert flags(tokens)[place] == "um2e"


def test_the_component_gets_the_letters_and_has_a_name_and_a_line_for_each():
    shown = {text: letters for _, text, letters in panels([read()])["text"]}
    assert (shown["<e1>"], shown["letters"], shown["box"], shown["lay"]) == ("t", "1e", "2e", "")
    source = component_source()
    for css in (".f-t {", ".f-1, .f-2 { border-bottom", '.f-e.f-1::after { content: "e1"', ".f-e.f-2::after"):
        assert css in source.css
    for words in ("mark of an entity", '"in e1"', '"in e2"'):
        assert words in source.js


def test_the_page_of_a_download_marks_and_names_the_words_and_keeps_the_text():
    page = export.heatmap_html([read()])
    assert 'f-1 f-e"' in page
    assert 'f-2 f-e"' in page
    assert " · e1" in page
    assert "letters, e1" in page
    assert "&lt;e1&gt;" in page
    assert "<e1>" not in page
    assert "e1" not in export.heatmap_html([invented.analysis()]).split("</style>")[1]


@pytest.mark.parametrize("dark", [False, True])
def test_the_svg_draws_lines_and_names(dark):
    root = ElementTree.fromstring(export.heatmap_svg([read()], dark=dark))
    texts = [node for node in root.iter(f"{SVG}text") if node.text]
    maps = sum(a.scores is not None for a in read().attributions)
    for name in ("e1", "e2"):
        assert sum(node.text == name and node.get("font-size") == "8.5" for node in texts) >= maps
    sizes = {node.text: node.get("font-size") for node in texts}
    assert (sizes["<e1>"], sizes["letters"]) == ("11", "16")
    assert any("first marked word" in node.text for node in texts)
    lines = list(root.iter(f"{SVG}line"))
    # One line under each word of e1, two under the one of e2.
    assert len(lines) % 4 == 0
    assert len(lines) >= 4 * maps
    assert not any("marked word" in (node.text or "") for node in
                   ElementTree.fromstring(export.heatmap_svg([invented.analysis()])).iter(f"{SVG}text"))  # fmt: skip
