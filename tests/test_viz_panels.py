"""The payload of the token component: small, complete, on one scale, in the user's own characters."""

from __future__ import annotations

import dataclasses
import json

import pytest
import viz_records as invented
from hypothesis import given, settings
from hypothesis import strategies as st

from viz import markup, palette
from viz.cards import MethodCard, card
from viz.panels import learned, panels, pieces

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)


def weight(payload) -> int:
    return len(json.dumps(payload, ensure_ascii=False).encode())


def test_a_64_token_panel_with_six_methods_weighs_less_than_40_kb():
    text = " ".join(["extraordinarily"] * 64)
    found = panels([invented.analysis(text)])
    assert len(found["text"]) == 64
    assert len(found["readers"][0]["rows"]) >= 6
    assert weight(found) < 40_000


def test_weight_is_linear_in_tokens():
    short, long = (weight(panels([invented.analysis(" ".join(["word"] * n))])) for n in (200, 400))
    assert long < 2.1 * short


@settings(max_examples=60)
@given(ANYTHING)
def test_the_text_is_the_users_own(text):
    tokens = invented.tokens(text)
    found, rest = pieces(text, tokens)
    # Cutting a CR LF pair in two must not double the line break, hence the comparison per character class.
    assert "".join(gap + word for gap, word in found) + rest == "".join(
        markup.visible(part) for part in _parts(text, tokens)
    )
    assert len(found) == len(tokens)


def _parts(text, tokens):
    position = 0
    for token in tokens:
        yield text[position : token.start]
        yield token.text
        position = token.end
    yield text[position:]


@settings(max_examples=30, deadline=None)
@given(ANYTHING)
def test_any_text_gives_a_payload_that_json_and_utf8_accept(text):
    found = panels([invented.analysis(text)])
    assert json.loads(json.dumps(found, allow_nan=False)) is not None
    assert json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_line_breaks_and_gaps_survive():
    found = panels([invented.analysis("One  two\n\nthree.")])
    assert found["text"][1][:2] == ["  ", "two"]
    assert found["text"][2][:2] == ["\n\n", "three"]


def test_one_scale_over_all_panels():
    found = panels(invented.compare(readers=3))
    ends = {
        tuple(row["ends"]) for reader in found["readers"] for row in reader["rows"] if "ends" in row and row["signed"]
    }
    assert len(ends) == 1
    strongest = [abs(q) for reader in found["readers"] for row in reader["rows"] for q in row.get("q", ())]
    assert max(strongest) == palette.STEPS
    low, high = found["scale"]["signed"]
    assert low.replace("\u2212", "+") == high


def test_a_stronger_reader_pales_the_others():
    alone = panels([invented.analysis(reader=0)], trace=False)["readers"][0]["rows"][0]["q"]
    peaked = invented.analysis(reader=1)
    scores = (1.0, *([0.0] * (len(peaked.tokens) - 1)))
    maps = tuple(dataclasses.replace(a, scores=scores) for a in peaked.attributions)
    both = panels([invented.analysis(reader=0), dataclasses.replace(peaked, attributions=maps)], trace=False)
    beside = both["readers"][0]["rows"][0]["q"]
    assert max(beside) < max(alone)


def test_rows_have_numbers_steps_and_a_summary():
    analysis = invented.analysis(reader=0)
    row = next(r for r in panels([analysis])["readers"][0]["rows"] if r["key"] == "exact_share")
    (a,) = (m for m in analysis.attributions if m.method == "exact_share")
    assert row["v"] == pytest.approx(a.scores, rel=5e-4)
    assert all(len(f"{abs(v):e}".rstrip("0").split("e")[0].replace(".", "").rstrip("0")) <= 4 for v in row["v"])
    assert [q > 0 for q in row["q"]] == [s > 0 for s in a.scores]
    strongest = analysis.tokens[max(range(len(a.scores)), key=lambda i: abs(a.scores[i]))].text
    assert row["summary"].startswith(f"exact share: strongest “{strongest}”")
    assert row["delta"][0] == "Δ\u202f<\u202f0.1\u202f%"


def test_a_map_that_does_not_sum_up_says_so():
    analysis = invented.analysis(reader=0)
    maps = tuple(
        dataclasses.replace(a, relative_delta=0.2) if a.method == "integrated_gradients" else a
        for a in analysis.attributions
    )
    rows = panels([dataclasses.replace(analysis, attributions=maps)])["readers"][0]["rows"]
    badge, level, meaning = next(r["delta"] for r in rows if r["key"] == "integrated_gradients")
    assert (badge, level) == ("Δ\u202f20\u202f%", "high")
    assert "do not sum" in meaning


@pytest.mark.parametrize(("fit", "level"), [(0.83, "ok"), (0.31, "high")])
def test_a_fitted_map_says_how_much_it_tells(fit, level):
    analysis = invented.analysis(reader=0)
    maps = tuple(dataclasses.replace(a, fit=fit) if a.method == "saliency" else a for a in analysis.attributions)
    rows = panels([dataclasses.replace(analysis, attributions=maps)])["readers"][0]["rows"]
    found = next(r["delta"] for r in rows if r["key"] == "saliency")
    assert found[:2] == [f"R² {fit}", level]
    assert found[2].startswith("R²: how much of the logit")


def test_undefined_and_empty_maps_carry_a_sentence_instead_of_numbers():
    found = panels([invented.analysis(reader=2)])
    row = next(r for r in found["readers"][0]["rows"] if r["key"] == "attention")
    assert row["reason"] == "CNN · max has no attention weights."
    assert "v" not in row
    analysis = invented.analysis(reader=0)
    zero = tuple(dataclasses.replace(a, scores=(0.0,) * len(analysis.tokens)) for a in analysis.attributions)
    rows = panels([dataclasses.replace(analysis, attributions=zero)], trace=False)["readers"][0]["rows"]
    assert all("exactly 0" in r["reason"] or r["warning"] for r in rows)
    assert all(set(r["q"]) == {0} for r in rows)


@pytest.mark.parametrize(("reader", "key"), [(1, "effective_attention"), (2, "winners"), (3, "pooled_share")])
def test_what_the_pooler_did_stands_under_attention(reader, key):
    rows = panels([invented.analysis(reader=reader)])["readers"][0]["rows"]
    assert rows[0]["key"] == "attention"
    assert (rows[1]["key"], rows[1]["slot"]) == (key, "trace")
    assert sum(rows[1]["v"]) == pytest.approx(1.0, abs=1e-2)
    assert panels([invented.analysis(reader=reader)], trace=False)["readers"][0]["rows"][1]["key"] != key


def test_states_of_tokens_are_flagged():
    analysis = invented.analysis("good bad ugly unforgettable")
    states = ("kept", "deleted", "masked", "kept")
    tokens = tuple(dataclasses.replace(t, state=s) for t, s in zip(analysis.tokens, states, strict=True))
    found = panels([dataclasses.replace(analysis, tokens=tokens)])
    assert [flags for _, _, flags in found["text"]] == ["", "d", "m", "u"]
    assert found["unknown"] == 1


def test_all_classes_up_to_six_and_five_beyond():
    six = panels([invented.analysis(labels=list("abcdef"))])["readers"][0]["bars"]
    nine = panels([invented.analysis(labels=list("abcdefghi"))])["readers"][0]["bars"]
    assert [b[0] for b in six] == list("abcdef")
    assert len(nine) == 5
    assert nine[0][3] is True
    assert [b[1] for b in nine] == sorted((b[1] for b in nine), reverse=True)


def test_a_class_that_is_asked_about_is_always_among_the_bars():
    found = invented.analysis(labels=list("abcdefghi"))
    last = min(range(9), key=lambda c: found.prediction.probabilities[c])
    bars = panels([dataclasses.replace(found, target=last)])["readers"][0]["bars"]
    assert len(bars) == 6
    assert bars[-1][0] == "abcdefghi"[last]
    assert [bar[0] for bar in bars[:-1]] == [bar[0] for bar in panels([found])["readers"][0]["bars"]]


def test_the_target_is_named_once_where_all_readers_share_it():
    one = panels([invented.analysis(reader=0)])
    assert one["scale"]["target"] == one["readers"][0]["target"]
    analyses = invented.compare(readers=6)
    targets = {a.prediction.labels[a.target] for a in analyses}
    assert len(targets) == 2
    assert panels(analyses)["scale"]["target"] is None


def test_what_is_explained_of_the_class_is_said_beside_it():
    found = invented.analysis()
    label = found.prediction.labels[found.target]
    other = 1 - found.target
    plain = panels([found])["readers"][0]
    assert (plain["target"], plain["of"]) == (label, "")
    contrast = panels([asked(found, against=other)])["readers"][0]
    assert contrast["target"] == f"{label} over {found.prediction.labels[other]}"
    assert contrast["predicted"] is False
    assert contrast["rows"][-1]["unit"].endswith(f"of “{label}” over “{found.prediction.labels[other]}”")
    assert panels([asked(found, scalar="margin")])["readers"][0]["of"] == "its margin over the next class"


def asked(found, **what):
    maps = tuple(dataclasses.replace(a, **what) for a in found.attributions)
    return dataclasses.replace(found, request=dataclasses.replace(found.request, **what), attributions=maps)


def test_readers_keep_their_colours():
    found = panels(invented.compare(readers=2), colours={"sst2/bilstm/attention": 4})
    assert [r["mark"] for r in found["readers"]] == ["E", "B"]
    assert palette.reader(4) in found["readers"][0]["colour"]


def test_selection_outside_the_text_is_dropped():
    analysis = invented.analysis("one two")
    assert panels([analysis], selected=1)["selected"] == 1
    assert panels([analysis], selected=2)["selected"] is None
    assert panels([analysis], selected=-1)["selected"] is None


def test_long_rests_are_shortened_and_counted():
    text = "good " * 10 + "rest " * 1000
    analysis = invented.analysis(text)
    kept = dataclasses.replace(
        analysis,
        tokens=analysis.tokens[:10],
        cut=1000,
        attributions=(),
        trace=dataclasses.replace(
            analysis.trace, weights=None, shares=analysis.trace.shares[:10], state_norms=analysis.trace.state_norms[:10]
        ),
    )
    found = panels([kept])
    assert found["note"] == "Read: the first 10 tokens. The remaining 1,000 were not read."
    assert found["tail"].endswith(" …")
    assert len(found["tail"]) < 260


def test_nothing_to_show_is_a_sentence():
    assert "add one" in panels([])["empty"]
    assert "no word" in panels([invented.analysis("   ")])["empty"]


def test_different_texts_are_refused():
    with pytest.raises(ValueError, match="did not read the same tokens"):
        panels([invented.analysis("one two"), invented.analysis("one three", 1)])
    with pytest.raises(ValueError, match="did not read the same tokens"):
        panels([invented.analysis("one two"), invented.analysis("one six", 1)])


def test_cards_are_sent_once_and_follow_the_map():
    made = MethodCard("integrated_gradients", "IG", "Why?", r"e_i", "64 steps", "Sundararajan 2017", True, True)
    found = panels(invented.compare(readers=3), cards={"integrated_gradients": made})
    rows = dict(found["cards"]["integrated_gradients"])
    assert rows["Baseline"] == "padding embedding (zero)"
    assert rows["Formula"] == [("", "e"), ("sub", "i")]
    assert set(found["cards"]) >= {row["key"] for reader in found["readers"] for row in reader["rows"]}
    assert not any("Why?" in json.dumps(reader) for reader in found["readers"])


def test_a_card_is_made_from_the_facts_of_a_method():
    facts = {"name": "x", "title": "X", "family": "f", "question": "Q?", "formula": "a", "baseline": "b", "cost": "c",
             "source": "s", "signed": True, "complete": False}  # fmt: skip
    rows = dict(card(facts).rows())
    assert rows["Question"] == "Q?"
    assert rows["Baseline"] == "b"
    assert rows["Complete"] == "no"


def test_learned_exponents_are_a_chip():
    from models.records import Parameter

    assert learned([Parameter("p", (2.1,), (1.0,), "m", "d")]) == "p = 2.10"
    assert learned([Parameter("p", (1.8, 2.4), (1.0, 1.0), "m", "d")]) == "p = 1.80–2.40"
    assert learned([Parameter("α", (1.43,), (1.5,), "m", "d")]) == "α = 1.43"
    assert learned([Parameter("b", (12.0,), (1.0,), "m", "d")]) == "b = 12.0"
    assert learned([Parameter("c", (1.8,), (1.0,), "m", "d")]) is None


def test_a_map_that_is_flat_by_definition_does_not_warn_of_it_in_every_panel():
    found = invented.analysis("good film")
    flat = dataclasses.replace(found.attributions[0], warning="Every token has the same score.")
    for method, warning in (("uniform_map", None), ("attention", flat.warning)):
        one = dataclasses.replace(found, attributions=(dataclasses.replace(flat, method=method),))
        assert panels([one])["readers"][0]["rows"][0]["warning"] == warning
