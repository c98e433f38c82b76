"""Sub-word pieces: the user's own characters, numbers that sum to the words', own tokens counted, one scale."""

from __future__ import annotations

import dataclasses

import pytest
import viz_records as invented

from models.records import Analysis, Token
from viz import scale
from viz.panels import panels
from viz.subwords import BY_WORD, by_piece, special_share

TEXT = "Unforgettable 好 badish"
SPANS = ((0, 0), (0, 2), (2, 5), (5, 13), (14, 15), (16, 19), (19, 22), (22, 22))


def cut() -> Analysis:
    """An analysis two of whose words are cut; leave-one-out takes words as wholes."""
    made = invented.analysis(TEXT)
    words = [(t.start, t.end) for t in made.tokens]
    owners = tuple(
        -1 if start == end else next(i for i, (a, b) in enumerate(words) if a <= start < b) for start, end in SPANS
    )
    pieces = tuple(Token(TEXT[a:b], a, b, special=a == b) for a, b in SPANS)
    maps = []
    for count, a in enumerate(made.attributions):
        values = tuple((-1) ** (i if a.signed else 0) * (i + 1.0 + count) for i in range(len(pieces)))
        words_of = tuple(sum(v for v, o in zip(values, owners, strict=True) if o == w) for w in range(len(words)))
        whole = a.method == "leave_one_out"
        special = values[0] + values[-1]
        maps.append(dataclasses.replace(a, scores=words_of, pieces=None if whole else values, special=special))
    return dataclasses.replace(made, attributions=tuple(maps), pieces=pieces, owners=owners)


def test_pieces_are_the_users_characters_and_own_tokens_are_rings():
    found = panels([cut()], pieces=True)
    shown = [(text, flags) for _, text, flags in found["text"]]
    assert shown[:4] == [("◦", "s"), ("Un", ""), ("for", "c"), ("gettable", "c")]
    assert shown[-1] == ("◦", "s")
    assert "".join(before + text for before, text, _ in found["text"]).replace("◦", "") == TEXT
    assert found["interactive"] is False
    assert found["selected"] is None


def test_words_are_what_is_drawn_unless_pieces_are_asked_for():
    made = cut()
    found = panels([made], selected=1)
    assert [text for _, text, _ in found["text"]] == [t.text for t in made.tokens]
    assert found["interactive"] is True
    assert found["selected"] == 1
    assert not any("c" in flags for _, _, flags in found["text"])


def test_the_numbers_of_pieces_sum_to_those_of_their_words():
    made = cut()
    wordwise, piecewise = made.attributions, by_piece(made).attributions
    for words, pieces in zip(wordwise, piecewise, strict=True):
        for word, score in enumerate(words.scores):
            mine = [v for v, owner in zip(pieces.scores, made.owners, strict=True) if owner == word]
            assert sum(mine) == pytest.approx(score)


def test_a_method_of_words_stands_at_first_pieces_and_says_so():
    made = cut()
    found = {row["key"]: row for row in panels([made], pieces=True)["readers"][0]["rows"]}
    assert [key for key, row in found.items() if row["reason"] == BY_WORD] == ["leave_one_out"]
    row = found["leave_one_out"]
    firsts = [made.owners.index(word) for word in range(len(made.tokens))]
    assert [i for i, v in enumerate(row["v"]) if v] == firsts


def test_what_goes_to_own_tokens_is_told_beside_every_map_of_pieces():
    made = cut()
    for pieces in (False, True):
        rows = {row["key"]: row for row in panels([made], pieces=pieces)["readers"][0]["rows"]}
        for a in made.attributions:
            if a.pieces is None:
                assert rows[a.key]["special"] is None
                continue
            share = (abs(a.pieces[0]) + abs(a.pieces[-1])) / sum(map(abs, a.pieces))
            assert special_share(a, made.owners) == pytest.approx(share)
            assert rows[a.key]["special"][0].startswith(f"own tokens {share * 100:.0f}")
    assert all(row["special"] is None for row in panels([invented.analysis()])["readers"][0]["rows"])


def test_pieces_and_words_share_one_scale():
    made, plain = cut(), invented.analysis(TEXT, 1)
    whole = panels([plain], among=[by_piece(made)])
    apart = panels([made], pieces=True, among=[plain, by_piece(made)])
    assert whole["scale"]["signed"] == apart["scale"]["signed"]
    alone = panels([plain])
    top = max(scale.limits([by_piece(made)]).values())
    assert (whole["scale"]["signed"] == alone["scale"]["signed"]) == (top < max(scale.limits([plain]).values()))


def test_a_record_refuses_pieces_that_do_not_fit():
    made = cut()
    with pytest.raises(ValueError, match="owners"):
        dataclasses.replace(made, owners=made.owners[:-1])
    short = dataclasses.replace(made.attributions[0], pieces=(1.0,))
    with pytest.raises(ValueError, match="1 scores for 8 pieces"):
        dataclasses.replace(made, attributions=(short,))
