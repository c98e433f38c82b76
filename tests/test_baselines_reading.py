"""What a bag of words says about a text: exact parts per word, absent words, edits, refusals."""

from __future__ import annotations

import pytest
from toy_bags import toy_bags

from models.baselines.build import build
from models.baselines.kinds import BASELINES
from models.baselines.reading import explain
from models.baselines.store import load_baseline
from models.errors import PoolScopeError
from models.records import MethodCall, Request

TEXT = "The film, with great Plot and a zzz, was not bad; 电影 great"


@pytest.fixture(scope="module", params=list(BASELINES))
def bag(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    build("toy", ("toy",), lambda _: toy_bags(), folder=folder, limit=60, say=str)
    return load_baseline("toy", request.param, folder)


def start_of(bag, text, target, skip=()):
    """What the sum starts at, by the model's own parts."""
    from models.text import WordTokenizer

    keys = [key for place, key in enumerate(WordTokenizer().words(text)) if place not in skip]
    parts = bag.model.parts(bag.features.vector(keys, bag.model.reads), target)
    return parts.start + sum(part for _, part in parts.absent)


@pytest.mark.parametrize("target", [None, 0, 1, 2])
@pytest.mark.parametrize("text", [TEXT, "great", "zzz", "bad bad bad bad", "odd film " * 30])
def test_the_words_sum_to_the_decision_exactly(bag, text, target):
    found = explain(bag, Request(text, target=target))
    (attribution,) = found.attributions
    value = bag.read(text)[found.target]
    assert sum(attribution.scores) + start_of(bag, text, found.target) == pytest.approx(value, abs=1e-9)
    assert abs(attribution.delta) < 1e-9
    assert found.prediction.predicted == bag.read(text).argmax()
    assert attribution.signed
    assert attribution.complete
    assert attribution.scalar == bag.model.scalar
    assert sum(found.trace.shares) == pytest.approx(1)
    if attribution.scalar == "logit":
        assert found.prediction.logits[found.target] == pytest.approx(value)
    else:
        assert found.prediction.probabilities[found.target] == pytest.approx(value)


def test_the_tokens_are_those_of_the_other_readers(bag):
    found = explain(bag, Request(TEXT))
    assert [token.text for token in found.tokens][:4] == ["The", "film", ",", "with"]
    assert all(TEXT[token.start : token.end] == token.text for token in found.tokens)
    unknown = [token.text for token in found.tokens if not token.known]
    assert "zzz" in unknown
    assert "great" not in unknown


def test_a_deleted_word_is_gone_and_its_neighbours_meet(bag):
    places = [token.text for token in explain(bag, Request(TEXT)).tokens]
    gone = places.index("not"), places.index("zzz")
    found = explain(bag, Request(TEXT, target=1, deleted=gone))
    rest = " ".join(word for place, word in enumerate(places) if place not in gone)
    assert bag.read(rest)[1] == pytest.approx(sum(found.attributions[0].scores) + start_of(bag, TEXT, 1, gone))
    assert [found.tokens[place].state for place in gone] == ["deleted", "deleted"]
    assert all(found.attributions[0].scores[place] == 0 for place in gone)
    assert len(found.tokens) == len(places)


def test_a_masked_word_counts_for_nothing_and_keeps_its_neighbours_apart(bag):
    masked = explain(bag, Request("film great plot", target=1, masked=(1,)))
    unknown = explain(bag, Request("film zzz plot", target=1))
    assert masked.attributions[0].scores == unknown.attributions[0].scores
    assert masked.prediction == unknown.prediction
    assert masked.tokens[1].state == "masked"


def test_absent_words_of_the_tree_are_named_and_belong_to_no_token(bag):
    (attribution,) = explain(bag, Request("the plot", target=1)).attributions
    if bag.model.name != "tree":
        assert "absent" not in attribution.baseline
        return
    assert "by absent words (“" in attribution.baseline
    parts = bag.model.parts(bag.features.vector(["the", "plot"], "presence"), 1)
    strongest = max(parts.absent, key=lambda item: abs(item[1]))
    assert f"(“{bag.features.names[strongest[0]]}” {strongest[1]:+.3f}" in attribution.baseline
    assert f"{sum(part for _, part in parts.absent):+.3f} by absent words" in attribution.baseline


def test_a_text_of_unknown_words_says_so(bag):
    found = explain(bag, Request("zzz yyy"))
    assert "None of these words is a feature" in found.attributions[0].warning
    assert found.attributions[0].scores == (0, 0)
    assert found.trace.shares == (0.5, 0.5)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (Request("  "), "no word to read"),
        (Request("a film", deleted=(0, 1)), "nothing is left to read"),
        (Request("a film", deleted=(2,)), "tokens 0 to 1, got 2"),
        (Request("a film", masked=(7,)), "tokens 0 to 1, got 7"),
        (Request("a film", target=3), "no class 3; choose one of: 0 (bad)"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(bag, request_, sentence):
    with pytest.raises(PoolScopeError) as caught:
        explain(bag, request_)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_record_is_one_that_panels_can_draw(bag):
    from viz.heatmap import heatmap_html
    from viz.panels import panels

    found = explain(bag, Request(TEXT, methods=(MethodCall("attention"),)))
    drawn = panels([found])["readers"][0]
    assert drawn["id"] == f"toy/{bag.model.reads}/{bag.model.name}"
    assert [row["key"] for row in drawn["rows"]] == ["exact_share"]
    assert drawn["rows"][0]["delta"][1] == "ok"
    assert bag.model.title in heatmap_html([found])
