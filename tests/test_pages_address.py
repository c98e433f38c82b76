"""The address bar: what goes in comes out, and nothing that comes in can break a page."""

from __future__ import annotations

import string
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import MethodCall
from pages._address import LONGEST_TEXT, Address, build, clean, parse

NAMES = st.text(string.ascii_lowercase + string.digits + "_-@", min_size=1, max_size=12)
READER = st.builds("{}/{}".format, NAMES, NAMES)
PARAM = st.one_of(
    st.integers(-999, 999),
    st.floats(0.001, 999, allow_nan=False).map(lambda v: float(f"{v:.3f}")),
    NAMES.filter(lambda name: not name[0].isdigit() and name[0] != "-"),
)
CALL = st.builds(MethodCall, NAMES, st.lists(st.tuples(NAMES, PARAM), max_size=2).map(tuple))
EDIT = st.tuples(st.sampled_from(("deleted", "masked")), st.integers(0, 99_999))
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)


def readers(found):
    # Free places at the end need not be written down.
    while found and found[-1] is None:
        found.pop()
    return tuple(found)


ADDRESS = st.builds(
    Address,
    task=NAMES,
    readers=st.lists(st.one_of(READER, st.none()), min_size=1, max_size=6).map(readers).filter(bool),
    methods=st.lists(CALL, min_size=1, max_size=4).map(tuple),
    target=TEXT,
    scale=NAMES,
    example=NAMES,
    text=TEXT,
    edits=st.lists(EDIT, min_size=1, max_size=4).map(tuple),
    word=st.integers(0, 99_999),
    reader=READER,
    norm=READER,
    against=NAMES,
    p=st.floats(0.1, 50).map(lambda p: float(f"{p:.6g}")),
    sentence=st.integers(0, 99_999),
    section=NAMES,
    scalar=NAMES,
    versus=TEXT,
    through=NAMES,
    setting=CALL,
    twins=NAMES,
    strength=st.floats(0.001, 9).map(lambda value: float(f"{value:g}")),
    lab=NAMES,
    weights=st.lists(st.integers(0, 99), min_size=1, max_size=9).filter(any).map(tuple),
    frozen=NAMES,
    swap=READER,
    variant=NAMES,
    classes=st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True).map(tuple),
)


@given(ADDRESS)
def test_an_address_survives_the_trip_through_a_url(address):
    query = urlencode(build(address))
    params = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True, strict_parsing=True).items()}
    again, notes = parse(params)
    assert notes == ()
    assert again == address


def test_what_is_not_said_takes_no_room():
    assert build(Address()) == {}
    assert build(Address(readers=(), methods=(), edits=())) == {}
    assert parse({}) == (Address(), ())


def test_a_gap_between_readers_keeps_their_colours():
    written = build(Address(readers=("bilstm/apln", None, "cnn/max")))
    assert written == {"readers": "bilstm.apln,,cnn.max"}
    assert parse(written)[0].readers == ("bilstm/apln", None, "cnn/max")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("word", "-1"), ("word", "two"), ("word", "1e3"), ("word", "٣"), ("word", "9" * 40), ("word", ""),
        ("edits", "x3"), ("edits", "d"), ("edits", "d-1"), ("edits", "dd"), ("p", "nan"), ("p", "inf"), ("p", "two"),
        ("p", "1e999"), ("task", ""), ("task", "a" * 101), ("methods", ":"), ("methods", "attention:=1"),
        ("text", "a" * (LONGEST_TEXT + 1)), ("readers", "a" * 101), ("reader", ""),
        ("strength", "much"), ("strength", "nan"), ("lab", ""),
        ("weights", ""), ("weights", "0.0"), ("weights", "5.-1"), ("weights", "1." * 300 + "1"), ("weights", "99999.1"),
        ("classes", "a"), ("classes", "1,,2"), ("swap", ""), ("setting", "erasure:=2"), ("through", "a" * 101),
    ],
)  # fmt: skip
def test_nonsense_is_left_out_and_told_in_one_sentence(name, value):
    address, notes = parse({name: value, "example": "irony"})
    assert getattr(address, name) is None
    assert address.example == "irony"
    (sentence,) = notes
    assert name in sentence
    assert sentence.endswith(".")


@given(st.dictionaries(st.sampled_from(sorted(Address.__dataclass_fields__)), st.text(max_size=40)))
def test_no_parameters_whatever_raise(params):
    address, notes = parse(params)
    for name in params:
        assert getattr(address, name) is not None or any(name in note for note in notes)


def test_unknown_parameters_are_ignored():
    assert parse({"utm_source": "x", "embed": "true"}) == (Address(), ())


def test_lone_surrogates_do_not_get_in():
    assert clean("a\ud800b") == "a?b"
    assert parse({"text": "a\ud800b"})[0].text == "a?b"
    assert clean("é 🙂 \x00") == "é 🙂 \x00"
