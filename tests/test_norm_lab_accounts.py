"""The dial and the laboratory find a text in the visitor's book, and say the same as without one."""

from __future__ import annotations

import pytest
from tiny_classifiers import OTHER, TEXT, tiny

from models.analysis import analyse
from models.attribution.accounts import Accounts
from models.normlab.forms import norm_forms
from models.normlab.readings import norm_readings
from models.normlab.scale_limits import scale_limits
from models.normlab.swap import swap
from models.norms import norm_sweep
from models.records import Request

PARTS = {
    "sweep": lambda *given: norm_sweep(*given[:2], (0.5, 1.0, 3.0), *given[2:]),
    "readings": lambda *given: norm_readings(*given[:2], 2.0, *given[2:]),
    "limits": lambda *given: scale_limits(*given[:2], 2.0, *given[2:]),
    "forms": lambda *given: norm_forms(*given[:2], (0.5, 50.0), *given[2:]),
    "swap": lambda *given: swap(*given[:2], 2.0, (OTHER, "bad film"), *given[2:]),
}


@pytest.fixture
def classifier():
    made = tiny("transformer", "apln")
    made.encoder_digest = "one"
    return made


@pytest.fixture
def passes(classifier, monkeypatch):
    """The length of every text that is encoded from now on."""
    seen, encode = [], classifier.encoder.encode
    monkeypatch.setattr(classifier.encoder, "encode", lambda *given: seen.append(given[0].shape[1]) or encode(*given))
    return seen


@pytest.mark.parametrize("name", PARTS)
def test_a_text_that_was_read_is_not_read_again(name, classifier, passes):
    """Nor are the examples of a swap, at whatever p it is asked next."""
    plain, accounts = PARTS[name](classifier, Request(TEXT)), Accounts()
    analyse(classifier, Request(TEXT), accounts)
    passes.clear()
    assert PARTS[name](classifier, Request(TEXT), accounts) == plain
    assert passes == ([13, 2] if name == "swap" else [])
    passes.clear()
    assert PARTS[name](classifier, Request(TEXT), accounts) == plain
    assert passes == []


@pytest.mark.parametrize("name", PARTS)
def test_what_they_read_stands_in_the_book_for_all_others(name, classifier, passes):
    accounts = Accounts()
    PARTS[name](classifier, Request(TEXT, deleted=(3,)), accounts)
    assert passes[0] == 12
    passes.clear()
    for other in PARTS:
        if other != "swap":
            PARTS[other](classifier, Request(TEXT, deleted=(3,)), accounts)
    analyse(classifier, Request(TEXT, deleted=(3,)), accounts)
    assert passes == []
