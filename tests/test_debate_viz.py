"""Figures of the debate from records: what they show is what was found, and user text stays text."""

from __future__ import annotations

import re

import pytest
from viz_records import analysis

from models.experiment_records import (
    Conicity,
    Erasure,
    ErasureCurve,
    ExperimentCall,
    Faithfulness,
    FaithRow,
    Imposed,
    Move,
    Permutation,
    Reference,
    Sampled,
    Sanity,
    SanityCell,
    SmallestEdit,
    Trial,
)
from models.records import Prediction
from viz import debate, debate_charts, debate_faith, debate_tables
from viz.debate import Placed
from viz.debate_scorecard import NO_VERDICT, Evidence, scorecard_html

EVIL = "good <script>alert(1)</script> & “film” ."
PREDICTION = Prediction(("no", "yes"), (0.0, 1.0), (0.25, 0.75))
REFERENCE = Reference("m", "sst2", "test", "yes", 400, 0.5, 0.1, None, tuple(i / 500 for i in range(501)))


def rows_of(spec, layer):
    """The rows of one layer: altair names data that several layers share."""
    data = spec["layer"][layer].get("data", spec.get("data"))
    return spec["datasets"][data["name"]] if "name" in data else data["values"]


def trial(said, deleted=()):
    kept = tuple(i for i in range(len(said.tokens)) if i not in deleted)
    found = Imposed((1.0,) * len(kept), (1.0,) * len(kept), 0.0, 0.69, 0.0, PREDICTION, PREDICTION)
    return Trial(said.model, ExperimentCall("dial"), said.tokens, kept, PREDICTION, found)


def test_numbers_stand_at_their_words_and_deleted_words_have_none():
    said = analysis("a b c d")
    assert debate.spread(trial(said, (1,)), (0.5, 0.3, 0.2)) == (0.5, 0.0, 0.3, 0.2)


def test_maps_share_one_scale_and_text_stays_text():
    said = analysis(EVIL)
    one = trial(said)
    n = len(said.tokens)
    first, second = [0.0] * n, [1 / n] * n
    first[0] = 1.0
    markup = debate.maps_html(said, one, (("own", first), ("other", second)))
    assert "<script>" not in markup
    assert markup.count('class="map"') == 2
    assert "100" in markup.split("Strongest colour")[1]
    # The one word with all the mass has the strongest colour; an even share is pale.
    classes = re.findall(r'class="w (\w+)', markup)
    assert classes[0] == "u16"
    assert max(int(c[1:]) for c in classes[n:] if c != "z") < 8


def test_a_placed_number_is_drawn_where_it_lies():
    markup = debate.placed_html((Placed("τ", 0.5, "τ = 0.50", -1, 1, ("−1", "1"), REFERENCE),))
    assert 'class="here" style="left:75.00%"' in markup
    assert 'class="mid" style="left:75.00%"' in markup
    assert 'class="half" style="left:62.50%;width:25.00%"' in markup
    assert "higher than on 50\u202f% of the 400 test texts of sst2 that it predicts “yes”" in markup
    bare = debate.placed_html((Placed("τ", None, "", -1, 1, ("", ""), None, "No order."),))
    assert "No order." in bare
    assert "here" not in bare.split("</style>")[1]


def test_shuffles_are_counted_into_bins():
    found = Permutation((0.5, 0.5), tuple(i / 100 for i in range(100)), 0.495, 0.1, 0.5, 2, False)
    spec = debate_charts.shuffle_chart(found).to_dict()
    counts = [row["shuffles"] for row in rows_of(spec, 0)]
    assert sum(counts) == 100
    assert set(counts) == {4}
    assert rows_of(spec, 1)[0]["median"] == 0.495


def test_curves_flips_and_the_band_of_chance():
    curve = ErasureCurve("attention", "Attention", (0.0, 0.5), (0.9, 0.2), 0.5, 0.55)
    chance = ErasureCurve("random", "Chance", (0.0, 0.5), (0.9, 0.8), 0.5, 0.85, (0.9, 0.7), (0.9, 0.88))
    found = Erasure((curve, chance), (0.6, 0.4), 0, (0.3, 0.1), (True, False), 1.0, "yes")
    spec = debate_charts.erasure_chart(found).to_dict()
    assert [row["low"] for row in rows_of(spec, 0)] == [0.9, 0.7]
    assert [(row["order"], row["p"]) for row in rows_of(spec, 1)][1] == ("Attention", 0.2)
    assert rows_of(spec, 2) == [{"order": "Attention", "gone": 0.5, "p": 0.2}]
    rows = debate_tables.erasure_rows(found)
    assert rows[0]["answer flips after"] == "50\u202f%"
    assert rows[0]["mean probability"] == "0.55"


def test_the_cone_keeps_lengths_and_words():
    said = analysis("a b")
    found = Conicity(0.8, (0.8, 0.6), ((0.8, 0.6), (0.6, -0.8)), 0.1, 0.1, 0.0, 1.0, 100)
    spec = debate_charts.cone_chart(trial(said), found).to_dict()
    rows = rows_of(spec, 2)
    assert [(row["x"], row["y"], row["label"]) for row in rows] == [(0.8, 0.6, "a"), (0.6, -0.8, "b")]


def test_weights_before_and_after_of_the_strongest_words():
    said = analysis(" ".join(f"w{i}" for i in range(40)))
    before, after = [0.01] * 40, [0.01] * 40
    after[39] = 0.5
    values = rows_of(debate_charts.weight_chart(trial(said), before, after, ("a", "b")).to_dict(), 0)
    assert len(values) == debate_charts.WORDS
    assert values[-1] == {"name": "40  w39", "before": 0.01, "after": 0.5}


def test_moves_are_told_largest_first_with_the_rest():
    said = analysis("a b c d e f g h")
    moves = tuple(Move(0, i, 0.1 / i) for i in range(1, 8))
    found = SmallestEdit((), (), 0, 0.1, 0.1, 0.2, moves, 1.0, PREDICTION, PREDICTION)
    told = debate_tables.moves_words(trial(said), found)
    assert told[0] == "10\u202f% from “a” to “b”"
    assert told[-1] == "1.4\u202f% in smaller moves"


def test_maps_that_did_not_notice_are_flagged():
    cells = (
        SanityCell("head", "attention", "Attention", (1.0, 1.0), True),
        SanityCell("pooler", "attention", "Attention", (0.9, 0.6), False),
        SanityCell("encoder", "attention", "Attention", (0.1,), False),
    )
    parts = (("head", "the head"), ("pooler", "the pooler"), ("encoder", "the encoder"))
    markup = debate_tables.sanity_html(Sanity(parts, cells, (), 2))
    assert markup.count('class="flag"') == 2
    assert "unchanged" in markup
    assert "hardly changed" in markup
    assert debate_tables.unmoved(Sanity(parts, cells, (), 2)) == [cells[0]]


def faith():
    rows = (
        FaithRow("a", "Good", "map", 0.5, 0.1, flip=0.25, spread=(0.3, 0.6), beyond=True, scores=(1.0,),
                 soft_comprehensiveness=Sampled(0.2, 0.1, 0.1, 0.3), infidelity=0.4, infidelity_range=(0.3, 0.5)),
        FaithRow("b", "Idle", "map", 0.05, 0.4, beyond=False),
        FaithRow("c", "None <b>", "map", None, None, reason="It has no weights."),
        FaithRow("random", "Random", "random", 0.02, 0.5),
    )  # fmt: skip
    return Faithfulness("delete", rows, (-0.1, 0.1), (0.2, 0.6), "yes", 0.75, 10, 5)


def test_faithfulness_beside_chance():
    spec = debate_faith.faith_chart(faith()).to_dict()
    points = rows_of(spec, 1)
    assert [(p["map"], p["at"], p["beyond"]) for p in points] == [
        ("Good", 0.5, True), ("Idle", 0.05, False), ("Random", 0.02, True)]  # fmt: skip
    markup = debate_faith.faith_html(faith())
    assert markup.count("no better than chance") == 1
    assert "It has no weights." in markup
    assert "None &lt;b&gt;" in markup
    assert "0.200 [0.100, 0.300]" in markup
    assert debate_faith.faith_rows(faith())[1]["flips after"] == "never"


def test_what_was_left_out_has_no_column():
    markup = debate_faith.faith_html(faith())
    assert "soft comprehensiveness" in markup
    assert "soft sufficiency" not in markup
    assert "max-sensitivity" not in markup
    # Name and reason of a map that is not there fill the row.
    shown = markup.count('scope="col"')
    assert f'colspan="{shown - 1}"' in markup
    assert shown == 6


def test_plausibility_in_words():
    found = {"auprc": 0.5, "token_f1": 0.25, "iou": 0.5, "found": True, "base": 0.3, "reason": None}
    assert "0.30" in debate_faith.plausible_html([("a", found)])
    assert "Mark" in debate_faith.plausible_html([("a", {**found, "reason": "Mark a word."})])


def test_the_scorecard_says_no_verdict_anywhere():
    markup = scorecard_html([Evidence("Does it?", "τ = 0.1", 0.1, REFERENCE, "agreement"),
                             Evidence("And?", "no weights", None, None, "")])  # fmt: skip
    assert "higher than on 10\u202f%" in markup
    assert "verdict" not in markup.lower()
    assert "no sum" in NO_VERDICT


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_is_drawn_on_both_pages(dark):
    found = Permutation((1.0,), (0.0,) * 100, 0.0, 0.0, 1.0, 3, False)
    assert debate_charts.shuffle_chart(found, dark=dark).to_dict()["config"]["background"] == "transparent"
    assert debate_faith.faith_chart(faith(), dark=dark).to_dict()


def test_a_flip_that_nobody_looked_for_is_not_said_to_be_never():
    looked = FaithRow("random", "Random", "random", 0.1, 0.2, flip=None)
    rows = (looked, FaithRow("random", "Random", "random", 0.1, 0.2, flip=None, followed=False))
    found = Faithfulness("delete", rows, (0.0, 0.1), (0.0, 0.1), "yes", 0.9, 10, 2, random=6)
    assert [row["flips after"] for row in debate_faith.faith_rows(found)] == ["never", ""]
    assert "(middle 90 % of 6)" in debate_faith.cost_words(found)
