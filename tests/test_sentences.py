"""Sentence ends, by hand, in both languages; the same for text, lower case and look-up keys."""

from __future__ import annotations

import pytest

from models.sentences import segments, sentence_ends, sentence_spans
from models.text import WordTokenizer, lookup_key

CUT = WordTokenizer()
# A bar stands where a sentence ends.
CASES = [
    "It is good.|It is not!|Is it?|No end",
    'He said "Stop!"|Then he left...|Really?!|Yes.',
    'I liked it .|But not much .|" Fine " .|" No " , he said .',
    "(It rained.)|[Then not.]|Good.",
    "He said ``go .''|She went .",
    "Mr. Smith of the U.S. paid 3.5 dollars.|Dr. No was there, e.g. in http://a.com. It was Samuel L. Jackson.|OK",
    "It needs vitamin c.|",
    "wait…|what?|so.....|it goes",
    "他说：“好！”|然后走了……|真的吗？！|是。",
    "《好片！》|我喜欢。|“真的？”|他问。",
    "房间很干净，服务也好",
    "!!!|What",
    "…",
]


@pytest.mark.parametrize("case", CASES)
def test_sentences_end_where_a_reader_ends_them(case):
    parts = [part for part in case.split("|") if part]
    text = " ".join(parts)
    assert [text[start:end] for start, end in sentence_spans(CUT(text))] == parts


@pytest.mark.parametrize("case", CASES)
def test_case_does_not_matter(case):
    words = [token.text for token in CUT(case.replace("|", " "))]
    assert sentence_ends(words) == sentence_ends([word.lower() for word in words])


@pytest.mark.parametrize("case", [case for case in CASES if "“" not in case or case.count("“") == case.count("”")])
def test_look_up_keys_are_cut_like_the_text(case):
    """Keys write every quote as a straight one; whether it closes is told by counting."""
    words = [token.text for token in CUT(case.replace("|", " "))]
    assert sentence_ends(words) == sentence_ends([lookup_key(word) for word in words])


def test_segments_number_the_tokens():
    assert segments(["so", "it", ".", "oh", "!", "!", "yes"]) == (0, 0, 0, 1, 1, 1, 2)
    assert sentence_ends(["so", "it", ".", "oh", "!", "!", "yes"]) == (3, 6, 7)
    assert segments([]) == ()
    assert sentence_ends([]) == ()
    assert sentence_spans(()) == ()
