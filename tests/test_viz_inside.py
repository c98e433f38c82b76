"""Hops, heads and tiers drawn: one box per sentence, the right words in it, numbers beside colour."""

from __future__ import annotations

import dataclasses
import re

from viz_records import analysis as make_analysis

from models.records import Request, Token, TraceMap
from viz.inside import LONGEST, has_inside, inside_html

SENTENCES = (1, 1, 1, 2, 2, 2, 2, 3)


def tiered(text="It was good . Not <bad> ! Ends", *, parts=None, deleted=()):
    words = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    tokens = tuple(
        Token(w, a, b, state="deleted" if i in deleted else "kept") for i, (w, a, b) in enumerate(words)
    )
    segments = tuple(0 if i in deleted else s for i, s in enumerate(SENTENCES))
    alpha = (0.2, 0.3, 0.5, 0.1, 0.6, 0.2, 0.1, 1.0)
    beta = tuple({1: 0.5, 2: 0.3, 3: 0.2}.get(s, 0.0) for s in segments)
    maps = [TraceMap("word in its sentence", alpha), TraceMap("its sentence", beta)]
    if parts:
        maps.append(TraceMap("its part", parts))
    base = make_analysis()
    product = tuple(a * b for a, b in zip(alpha, beta, strict=True))
    trace = dataclasses.replace(
        base.trace, weights=product, effective=None, winners=None, shares=product, state_norms=(1.0,) * 8,
        maps=tuple(maps), segments=segments,
    )  # fmt: skip
    return dataclasses.replace(
        base, request=Request(text), tokens=tokens, trace=trace, attributions=(), agreements=()
    )


def lines(markup):
    """(percentage, plain text) of each sentence."""
    found = re.findall(r'<span class="n [^>]*>([^<]*)</span><div class="s" dir="ltr">(.*?)</div>', markup)
    return [(number, re.sub(r"<[^>]+>", "", text)) for number, text in found]


def test_a_sentence_is_a_line_with_its_weight():
    assert lines(inside_html(tiered())) == [
        ("50\u202f%", "It was good"), ("30\u202f%", ". Not &lt;bad&gt; !"), ("20\u202f%", "Ends"),
    ]  # fmt: skip


def test_words_are_coloured_within_their_sentence_and_told_in_all():
    markup = inside_html(tiered())
    steps = dict(re.findall(r'<span class="w (u\d+)" title="[^"]*">([^<]*)</span>', markup))
    strongest = [word for step, word in re.findall(r'class="w (\w+)"[^>]*>([^<]*)<', markup) if step == "u16"]
    assert strongest == ["good", "Not", "Ends"], steps
    assert "word in its sentence 60\u202f% · in all 18\u202f%" in markup


def test_parts_are_boxes_of_sentences():
    markup = inside_html(tiered(parts=(0.8,) * 7 + (0.2,)))
    assert markup.count('class="part"') == 2
    assert "its part: 80\u202f%" in markup
    assert "its part: 20\u202f%" in markup
    assert inside_html(tiered()).count('class="part"') == 1


def test_a_deleted_word_stays_where_it_was_and_takes_nothing_along():
    found = lines(inside_html(tiered(deleted=(3,))))
    assert found[0] == ("50\u202f%", "It was good .")
    assert found[1] == ("30\u202f%", "Not &lt;bad&gt; !")
    assert lines(inside_html(tiered(deleted=(0,))))[0] == ("50\u202f%", "It was good")


def test_hops_are_rows_on_one_scale_and_without_any_there_is_nothing():
    base = make_analysis()
    n = len(base.tokens)
    even, peak = (1 / n,) * n, (1.0, *(0.0,) * (n - 1))
    hops = (TraceMap("hop 1", even), TraceMap("hop 2", peak))
    shown = dataclasses.replace(base, trace=dataclasses.replace(base.trace, maps=hops))
    markup = inside_html(shown)
    assert markup.index("hop 1") < markup.index("hop 2")
    one, two = markup.split("hop 2")
    assert "u16" in two.split("</style>")[-1]
    assert 'class="w u16' not in one
    assert has_inside(shown)
    assert not has_inside(base)
    assert inside_html(base) == ""


def test_long_texts_stop_and_say_so():
    text = " ".join(["word"] * (LONGEST + 5))
    tokens = tuple(Token("word", 5 * i, 5 * i + 4) for i in range(LONGEST + 5))
    base = tiered()
    values = (1.0 / len(tokens),) * len(tokens)
    trace = dataclasses.replace(
        base.trace, weights=values, shares=values, state_norms=values, segments=(1,) * len(tokens),
        maps=(TraceMap("a", values), TraceMap("b", (1.0,) * len(tokens))),
    )  # fmt: skip
    markup = inside_html(dataclasses.replace(base, request=Request(text), tokens=tokens, trace=trace))
    assert f"the first {LONGEST} words; 5 more were read" in markup
    assert markup.count('class="w ') == LONGEST
