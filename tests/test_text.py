"""Tokens are cut out of the user's own text and never rewritten; words are looked up by their key."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text import WordTokenizer, lookup_key

tokenizer = WordTokenizer()

# Pieces that meet in odd ways, and any character Unicode has.
PIECES = st.sampled_from(
    ["don't", "it’s", "n't", "'s", "``", "''", "...", "--", "U.S.", "3.5", "http://a.b/c", "@me", "#tag", "well-made",
     "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣", "👍🏽", "好", "的。", "سلام", "e\u0301", "<img onerror=x>", "\x00",
     "\u200b", "\u202e", "\n", " ", "\ud800"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.characters() | st.text(), max_size=12).map("".join)


def cut(text):
    return [token.text for token in tokenizer(text)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_tokens_are_slices_of_the_text_in_order(text):
    tokens, end = tokenizer(text), 0
    for token in tokens:
        assert text[token.start : token.end] == token.text
        assert end <= token.start < token.end
        end = token.end
        assert any(unicodedata.category(c)[0] in "LNPS" or unicodedata.category(c) in {"Cn", "Co"} for c in token.text)
    # Nothing that can be seen is lost between tokens.
    kept = {i for token in tokens for i in range(token.start, token.end)}
    lost = {unicodedata.category(c) for i, c in enumerate(text) if i not in kept}
    assert lost <= {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Mc", "Me"}


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_the_fast_road_gives_the_keys_of_the_tokens(text):
    assert tokenizer.words(text) == [lookup_key(token.text) for token in tokenizer(text)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_key_is_its_own_key(text):
    for key in tokenizer.words(text):
        assert lookup_key(key) == key
        assert "\n" not in key
        key.encode()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # The Penn Treebank's way with clitics.
        ("I don't think it's Kate's.", ["I", "do", "n't", "think", "it", "'s", "Kate", "'s", "."]),
        ("can't won't isn't", ["ca", "n't", "wo", "n't", "is", "n't"]),
        ("They'll we've I'd you're I'm", ["They", "'ll", "we", "'ve", "I", "'d", "you", "'re", "I", "'m"]),
        ("DON'T it’s don’t", ["DO", "N'T", "it", "’s", "do", "n’t"]),
        ("do n't it 's", ["do", "n't", "it", "'s"]),
        ("o'clock O'Dowd rock'n'roll", ["o'clock", "O'Dowd", "rock'n'roll"]),
        ("well-made, state-of-the-art", ["well-made", ",", "state-of-the-art"]),
        ("`` so-so '' ... -- end", ["``", "so-so", "''", "...", "--", "end"]),
        ("U.S. e.g. 3.5 10,000 4/10 9:30", ["U.S.", "e.g.", "3.5", "10,000", "4/10", "9:30"]),
        ("(good)!?", ["(", "good", ")", "!", "?"]),
        ("@user #great #1", ["@user", "#great", "#1"]),
        ("<img src=x onerror=alert(1)>", list("<") + ["img", "src", "=", "x", "onerror", "=", "alert", *"(1)>"]),
        # Links are one token and end where they must.
        ("see https://a.org/x?y=1&z, ok", ["see", "https://a.org/x?y=1&z,", "ok"]),
        ("http://t.co/ab这是", ["http://t.co/ab", "这", "是"]),
        ("http://a.b/Käse。x", ["http://a.b/Käse", "。", "x"]),
        ("http://a\x00b", ["http://a", "b"]),
        # Emoji stay whole: joined families, flags, skin tones, keycaps, variation selectors.
        ("👩‍👩‍👧‍👦👍🏽❤️", ["👩‍👩‍👧‍👦", "👍🏽", "❤️"]),
        ("🇩🇪🇫🇷🏳️‍🌈", ["🇩🇪", "🇫🇷", "🏳️‍🌈"]),
        ("1️⃣2️⃣#️⃣*️⃣ #1", ["1️⃣", "2️⃣", "#️⃣", "*️⃣", "#1"]),
        ("good❤️film", ["good", "❤️", "film"]),
        # Other scripts.
        ("这部电影不错。", list("这部电影不错。")),
        ("iPhone手机", ["iPhone", "手", "机"]),
        ("الفيلم جميل!", ["الفيلم", "جميل", "!"]),
        ("फ़िल्म अच्छी", ["फ़िल्म", "अच्छी"]),
        ("映画カメラ", ["映", "画", "カメラ"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("!\u0301", ["!\u0301"]),
        # Nothing to see.
        ("", []),
        (" \t\n\u3000\u200b\u202e\ufeff\x00\x1f\x7f\u0301\ud800", []),
        ("a\x00b\x07", ["a", "b"]),
        ("\u202eevil\u202c", ["evil"]),
    ],
)
def test_how_texts_are_cut(text, tokens):
    assert cut(text) == tokens


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("GOOD", "good"), ("’S", "'s"), ("N’T", "n't"), ("``", '"'), ("''", '"'), ("“", '"'), ("”", '"'), ("'", "'"),
        ("https://a.b", "http"), ("HTTP://x", "http"), ("CAFE\u0301", "café"), ("好", "好"), ("Straße", "straße"),
    ],
)  # fmt: skip
def test_keys(text, key):
    assert lookup_key(text) == key


@pytest.mark.parametrize(
    "text",
    ["word " * 5_000, "don't " * 5_000, "🇩🇪" * 5_000, "👩‍👩‍👧‍👦 " * 5_000, "的" * 5_000, "a-" * 5_000, "n't" * 5_000,
     "a" * 50_000 + ".", "'" * 10_000, "http://" * 5_000, "a" + "\u0301" * 10_000, "\x00" * 10_000, "🇩" * 40_000],
    ids=lambda text: ascii(text[:4]),
)  # fmt: skip
def test_long_and_hostile_texts_take_no_time(text):
    start = time.process_time()
    tokenizer(text)
    assert time.process_time() - start < 1.0
