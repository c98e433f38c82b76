"""User text never becomes markup, whatever it holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from viz import markup

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)
NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' x=\"",
    "&lt;b&gt; &amp; &#60;",
    "a\x00b\x08\x1b[31m\x7f\x85",
    "\u202eevil\u202c \u2066x\u2069",
    "\ud800 \ufffe \U0001ffff",
    "</title></style><!-- ]]>",
)


class Collected(HTMLParser):
    """What a parser makes of markup: its tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.values = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data):
        self.text += data


def parsed(source: str) -> Collected:
    found = Collected()
    found.feed(source)
    found.close()
    return found


def with_examples(test):
    for text in NASTY:
        test = example(text)(test)
    return test


@with_examples
@given(ANYTHING)
def test_text_comes_back_as_text_and_brings_no_tag(text):
    found = parsed(markup.tag("p", text, title=text))
    assert found.tags == ["p"]
    assert found.text == markup.visible(text)
    assert found.values == [markup.visible(text)]


@with_examples
@given(ANYTHING)
def test_visible_leaves_nothing_that_cannot_be_shown(text):
    shown = markup.visible(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", shown)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert markup.visible(shown) == shown


def test_ordinary_writing_is_left_alone():
    for text in ("naïve café é", "这部电影", "هذا الفيلم\u200e", "👨\u200d👩\u200d👧 🤷🏽\u200d♀️", "a\tb\nc"):
        assert markup.visible(text) == text


def test_controls_are_named():
    assert markup.visible("a\x00b") == "a⟦NUL⟧b"
    assert markup.visible("\u202eevil\u202c") == "⟦RLO⟧evil⟦PDF⟧"
    assert markup.visible("a\r\nb\rc") == "a\nb\nc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("film", "ltr"), ("هذا film", "rtl"), ("123 ... שלום", "rtl"), ("", "ltr"), ("123", "ltr"), ("<b> عربي", "ltr")],
)
def test_direction_is_that_of_the_first_strong_character(text, expected):
    assert markup.direction(text) == expected


def test_markup_is_not_escaped_twice_and_strings_always_are():
    inner = markup.tag("b", "a & b")
    assert markup.tag("p", inner, "<i>") == "<p><b>a &amp; b</b>&lt;i&gt;</p>"
    assert markup.tag("p", class_="x", data_k="1", title=None) == '<p class="x" data-k="1"></p>'
    assert markup.isolate("هذا") == '<bdi dir="rtl">هذا</bdi>'


def test_a_style_cannot_be_ended_from_within():
    with pytest.raises(ValueError, match="CSS"):
        markup.style("a{}</style><script>")


def test_markup_is_the_only_file_of_viz_that_writes_a_tag():
    folder = Path(markup.__file__).parent
    opening = re.compile(r"<(?:/?[a-z][a-z0-9]*[ >/]|!)", re.IGNORECASE)
    wrong = {
        f"{path.name}: {line.strip()}"
        for path in folder.glob("*.py")
        if path.name != "markup.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if opening.search(line)
    }
    assert wrong == set()
