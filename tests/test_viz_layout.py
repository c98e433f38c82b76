"""Where words stand in a picture: widths, line breaks, reading direction."""

from __future__ import annotations

import pytest
import viz_records as invented
from hypothesis import given, settings
from hypothesis import strategies as st

from viz import layout

PIL = pytest.importorskip("PIL.ImageFont", reason="Pillow measures text as a second opinion")


def words(line):
    return [item.text for item in line if item.index is not None]


def test_widths_agree_with_a_real_font():
    path = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
    try:
        font = PIL.truetype(path, 100)
    except OSError:
        pytest.skip("Liberation Sans is not installed")
    for text in ("The film is not bad, but", "WWW iii @#%", "0123456789"):
        assert layout.width(text, 100) == pytest.approx(font.getlength(text, features=["-kern"]), rel=0.01)


def test_scripts_are_told_apart():
    assert layout.runs("film 电影😍") == [("latin", "film "), ("cjk", "电影"), ("emoji", "😍")]
    assert layout.runs("e\u0301té") == [("latin", "e\u0301té")]
    assert layout.runs("هذا") == [("script", "هذا")]
    assert [kind for kind, _ in layout.runs("👨\u200d👩\u200d👧 x")] == ["emoji", "latin"]


@pytest.mark.parametrize(
    ("text", "pictures"), [("😍", 1), ("😍😍", 2), ("👨\u200d👩\u200d👧\u200d👦", 1), ("🤷🏽\u200d♀️", 1), ("🇩🇪🇫🇷", 2)]
)
def test_an_emoji_sequence_is_one_picture(text, pictures):
    assert layout.width(text, 100) == pytest.approx(128 * pictures)


def test_lines_keep_the_users_breaks_and_fit_the_width():
    text = "one two three four five six seven\neight"
    found = layout.lines(text, invented.tokens(text), 16, 120)
    assert [w for line in found for w in words(line)] == text.split()
    assert words(found[-1]) == ["eight"]
    assert all(item.x + item.width <= 120 + 0.01 for line in found for item in line if item.index is not None)
    assert len(found) > 3


def test_a_full_stop_does_not_start_a_line():
    text = "aaaa bbbb ."
    limit = layout.width("aaaa bbbb", 16) + 4 * layout.PAD + 1
    (line,) = layout.lines(text, invented.tokens(text), 16, limit)
    assert words(line) == ["aaaa", "bbbb", "."]


def test_a_word_wider_than_the_page_is_cut():
    text = "x" * 500
    found = layout.lines(text, invented.tokens(text), 16, 200)
    assert "".join(w for line in found for w in words(line)) == text
    assert len(found) > 10
    assert {item.index for line in found for item in line} == {0}


def test_right_to_left_text_is_set_from_the_right():
    text = "واحد اثنان three four خمسة"
    (line,) = layout.lines(text, invented.tokens(text), 16, 600)
    placed = sorted((item for item in line if item.index is not None), key=lambda item: -item.x)
    # Read from the right; the English pair keeps its own left-to-right order inside.
    assert [item.text for item in placed] == ["واحد", "اثنان", "four", "three", "خمسة"]
    assert max(item.x + item.width for item in line) == pytest.approx(600)


def test_right_to_left_words_inside_english_are_reversed_as_a_run():
    text = "say واحد اثنان now"
    (line,) = layout.lines(text, invented.tokens(text), 16, 600)
    assert words(line) == ["say", "اثنان", "واحد", "now"]


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("ab .,\n\té这😍هש1"), max_size=60), st.integers(40, 400))
def test_every_token_is_placed_once_and_nothing_overlaps(text, limit):
    tokens = invented.tokens(text)
    found = layout.lines(text, tokens, 16, limit)
    assert {item.index for line in found for item in line} - {None} == set(range(len(tokens)))
    for line in found:
        ordered = sorted(line, key=lambda item: item.x)
        assert all(a.x + a.width <= b.x + 1e-6 for a, b in zip(ordered, ordered[1:], strict=False))
