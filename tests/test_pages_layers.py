"""The learned mix of an encoder's layers, on the card of a classifier and beside the text it read."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from models.records import Parameter
from models.zoo.catalogue import catalogue, find
from pages import _catalogue
from viz import wording

MIXED = [card for card in catalogue() if card.spec.encoder in {"pretrained", "gpt_like", "bert_like", "elmo_like"}]


def test_layers_in_words():
    shares = Parameter("layer mix s", (0.125, 0.5, 0.375), (1 / 3,) * 3, "share", "≥ 0, sum 1")
    factor = Parameter("layer scale γ", (1.1,), (1.0,), "factor", "any number")
    said = wording.layers((shares, factor)).replace(wording.THIN, " ")
    assert said == "words 12 %, layer 1 50 %, layer 2 38 %, times 1.10"
    assert wording.layers((factor,)) == ""
    assert wording.layers((Parameter("p", (2.0,), (1.0,), "norm", "> 0"),)) == ""


@pytest.mark.parametrize("card", MIXED, ids=lambda card: card.spec.id)
def test_every_reader_over_mixed_layers_says_so_on_its_card(card):
    (shares, *_) = card.learned_encoder
    assert sum(shares.values) == pytest.approx(1, abs=1e-4)
    facts = dict(_catalogue.card_facts(card))
    assert facts["Layers read"].startswith("words ")
    assert facts["Layers read"].count("layer") == len(shares.values) - 1
    assert ("perplexity on held-out texts: " in facts["Language model"]) == (card.spec.encoder != "pretrained")


def test_the_layers_of_some_reader_moved_from_their_start():
    mixes = [card.learned_encoder[0] for card in MIXED]
    assert max(abs(a - b) for mix in mixes for a, b in zip(mix.values, mix.initial, strict=True)) > 0.05


def test_other_readers_say_nothing_of_layers():
    facts = dict(_catalogue.card_facts(find("sst2/bilstm/attention")))
    assert facts["Layers read"] == facts["Language model"] == ""


def _page():
    import sys

    sys.path.insert(0, "tests")
    from tiny_classifiers import TEXT, tiny

    from models.analysis import analyse
    from models.records import Request
    from pages import _inside

    found = [analyse(tiny(encoder, "mean"), Request(TEXT)) for encoder in ("bilstm", "gpt_like")]
    _inside.section(found, {analysis.model.id: place for place, analysis in enumerate(found)})


def test_compare_shows_the_mix_of_the_readers_that_have_one():
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    (said,) = [caption.value for caption in app.caption if "learned shares" in caption.value]
    assert said.startswith("A token's state mixes the layers of the encoder by learned shares: words ")
