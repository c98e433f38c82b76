"""Figures say what they show: units, numbers, ranks and reasons, checked on what they contain."""

from __future__ import annotations

import dataclasses
import html
import math
from html.parser import HTMLParser

import pytest
import viz_records as invented

from viz import charts, dial, markup, norms, palette
from viz.agreement import agreement_grid, agreement_rows
from viz.ladder import THROUGH, ladder_html, ladder_rows
from viz.scatter import scatter
from viz.slope import slope

NASTY = "<script>x</script> good \x00bad"


def maps(analysis):
    return {a.method: a for a in analysis.attributions}


def data(spec):
    """All inline records of a specification, wherever Altair put them."""
    if "datasets" in spec:
        return [row for rows in spec["datasets"].values() for row in rows]
    found, stack = [], [spec]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found += node.get("data", {}).get("values", []) if isinstance(node.get("data"), dict) else []
            stack += list(node.values())
        elif isinstance(node, list):
            stack += node
    return found


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append({"text": "", **dict(attrs)})

    def handle_data(self, data):
        if self.rows and self.rows[-1] and self.tags[-1] != "p":
            self.rows[-1][-1]["text"] += data


def table(source: str) -> list[list[dict]]:
    found = Text()
    found.feed(source)
    return found.rows


def test_scatter_shows_raw_values_with_units_and_sizes():
    analysis = invented.analysis()
    m = maps(analysis)
    spec = scatter(analysis, m["attention"], m["integrated_gradients"], m["leave_one_out"], selected=3).to_dict()
    rows = data(spec)
    assert [r["x"] for r in rows] == list(m["attention"].scores)
    assert [r["y"] for r in rows] == list(m["integrated_gradients"].scores)
    assert [r["area"] for r in rows] == [abs(s) for s in m["leave_one_out"].scores]
    assert [r["position"] for r in rows if r["chosen"]] == [4]
    titles = [spec["layer"][0]["encoding"][axis]["title"] for axis in "xy"]
    assert titles[0] == "attention (attention weight, sums to 1)"
    assert titles[1] == f"integrated gradients (part of the logit of “{analysis.prediction.label}”)"
    assert {t["title"] for t in spec["layer"][0]["encoding"]["tooltip"]} >= {"word", "rank in attention"}


def test_scatter_labels_do_not_cover_each_other_and_always_name_the_selected_word():
    analysis = invented.analysis(" ".join(f"word{i}" for i in range(80)))
    m = maps(analysis)
    for selected in (0, 40, 79):
        rows = data(scatter(analysis, m["attention"], m["saliency"], selected=selected).to_dict())
        named = [r for r in rows if r["label"]]
        assert 3 <= len(named) <= 24
        assert rows[selected]["label"] == f"word{selected}"


def test_deleted_words_are_no_points():
    analysis = invented.analysis("good bad ugly")
    tokens = (analysis.tokens[0], dataclasses.replace(analysis.tokens[1], state="deleted"), analysis.tokens[2])
    m = maps(analysis)
    rows = data(scatter(dataclasses.replace(analysis, tokens=tokens), m["attention"], m["saliency"]).to_dict())
    assert [r["word"] for r in rows] == ["good", "ugly"]


def test_an_undefined_map_is_a_sentence_not_a_chart():
    analysis = invented.analysis(reader=2)
    m = maps(analysis)
    assert charts.undefined(m["attention"], m["saliency"]) == "attention: CNN · max has no attention weights."
    with pytest.raises(ValueError, match="no attention weights"):
        scatter(analysis, m["attention"], m["saliency"])
    one = maps(invented.analysis("good"))
    assert "One word" in charts.undefined(one["attention"], one["saliency"])


def test_slope_joins_the_two_ranks_of_each_word():
    analysis = invented.analysis(" ".join(f"word{i}" for i in range(30)))
    m = maps(analysis)
    spec = slope(analysis, m["attention"], m["leave_one_out"], top=5, selected=2).to_dict()
    rows = data(spec)
    order = sorted(range(len(analysis.tokens)), key=lambda i: -m["attention"].scores[i])
    best = next(r for r in rows if r["position"] == order[0] + 1 and r["side"] == "attention")
    assert best["rank"] == 1
    assert {r["side"] for r in rows} == {"attention", "leave-one-out"}
    sizes = [abs(s) for s in m["leave_one_out"].scores]
    for row in rows:
        expected = 1 + sum(size > sizes[row["position"] - 1] for size in sizes)
        assert row["after"] == expected
        if row["side"] == "leave-one-out":
            assert row["rank"] == expected
            assert row["far"] == f"{expected}  {row['word']}"
    assert any(row["after"] != row["before"] for row in rows)
    assert all(min(r["before"], r["after"]) <= 5 for r in rows)
    assert spec["layer"][0]["encoding"]["y"]["scale"]["reverse"] is True
    assert f"of {len(analysis.tokens)}" in spec["layer"][0]["encoding"]["y"]["title"]
    moved = {r["position"]: r for r in rows}
    assert all((r["strength"] == 1.0) == (abs(r["before"] - r["after"]) * 3 >= 30 or p == 3) for p, r in moved.items())


def test_words_of_charts_are_visible_text():
    analysis = invented.analysis(NASTY)
    m = maps(analysis)
    words = [r["word"] for r in data(scatter(analysis, m["attention"], m["saliency"]).to_dict())]
    assert words == [markup.visible(t.text) for t in analysis.tokens]


@pytest.mark.parametrize("dark", [False, True])
def test_charts_use_the_readers_colour_of_the_theme(dark):
    analysis = invented.analysis()
    m = maps(analysis)
    text = str(scatter(analysis, m["attention"], m["saliency"], place=2, dark=dark).to_dict())
    assert palette.reader(2, dark) in text
    assert palette.reader(2, not dark) not in text


def test_agreement_grid_has_a_number_in_every_defined_cell_and_a_reason_elsewhere():
    analyses = invented.compare(readers=3)
    source = agreement_grid(analyses)
    rows = table(source)
    assert rows[0][0]["text"] == "Kendall τ_b with attention"
    assert [c["text"] for c in rows[0][1:]] == ["ABiLSTM · attention", "BBiLSTM · APLN", "CCNN · max"]
    by_title = {a.title: a.key for a in analyses[0].attributions}
    for row in rows[1:]:
        for analysis, cell in zip(analyses, row[1:], strict=True):
            (item,) = (g for g in analysis.agreements if {g.left, g.right} == {"attention", by_title[row[0]["text"]]})
            if item.value is None:
                assert cell["text"] == "\u20131"
                assert cell["title"] == item.reason
            else:
                assert cell["text"] == f"{item.value:.2f}".replace("-", "\u2212")
                assert "n = 12" in cell["title"]
    assert "1 one of the two maps is undefined" in source


def test_agreement_colours_are_symmetric_around_zero():
    analyses = [dataclasses.replace(invented.analysis(), agreements=(
        invented.agreement("attention", "saliency", 0.5), invented.agreement("attention", "exact_share", -0.5)
    ))]  # fmt: skip
    rows = table(agreement_grid(analyses))
    styles = [row[1]["style"] for row in rows[1:]]
    assert palette.swatch(8, True).background in styles[0]
    assert palette.swatch(-8, True).background in styles[1]


def test_all_pairs_without_a_reference_and_a_sentence_without_maps():
    analyses = invented.compare(readers=2)
    assert len(table(agreement_grid(analyses, reference=None))) == 1 + 15
    assert "Two maps" in agreement_grid([dataclasses.replace(analyses[0], agreements=())])
    assert len(agreement_rows(analyses)) == 30


def test_ladder_marks_the_weakest_step_in_words_and_shows_every_tau():
    ladder = invented.ladder()
    source = ladder_html(ladder, invented.analysis().tokens)
    assert source.count("weakest step") == 1
    for rung in ladder.rungs[1:]:
        assert f"τ = {rung.tau.value:.2f}" in source
    assert ladder.sentence in source
    before = source.index("weakest step")
    assert source.index("τ = 0.12") < before < source.index("τ = 0.63")
    assert [r["weakest"] for r in ladder_rows(ladder)] == [False] * 4 + [True, False]


def test_ladder_escapes_words_and_copes_with_undefined_rungs():
    analysis = invented.analysis(NASTY)
    ladder = invented.ladder(NASTY)
    source = ladder_html(ladder, analysis.tokens)
    assert "<script" not in source
    broken = dataclasses.replace(
        ladder.rungs[1], scores=None, tau=invented.agreement("a", "b", None, "this pooler has no attention weights")
    )
    rungs = (ladder.rungs[0], broken, *ladder.rungs[2:])
    source = ladder_html(dataclasses.replace(ladder, rungs=rungs, weakest=None), analysis.tokens)
    assert "this pooler has no attention weights" in source
    assert "no map here" in source
    assert "weakest step" not in source


@pytest.mark.parametrize("through", THROUGH)
def test_the_ladder_says_which_gradients_it_is_made_of(through):
    ladder = dataclasses.replace(invented.ladder(), through=through)
    source = html.unescape(ladder_html(ladder, invented.analysis().tokens))
    assert [words in source for words in THROUGH.values()] == [name == through for name in THROUGH]
    assert {row["attention"] for row in ladder_rows(ladder)} == {through}


def test_a_step_over_a_gap_names_the_rung_that_it_comes_from():
    ladder = invented.ladder()
    over = dataclasses.replace(ladder.rungs[4], over=ladder.rungs[2].title)
    broken = dataclasses.replace(ladder, rungs=(*ladder.rungs[:4], over, *ladder.rungs[5:]))
    source = html.unescape(ladder_html(broken, invented.analysis().tokens))
    assert f"weakest step, from {ladder.rungs[2].title}" in source
    assert ladder_rows(broken)[4]["compared over the gap with"] == ladder.rungs[2].title



NORMS = (
    norms.learned_norm("sst2/bilstm/apln", "BiLSTM · APLN", "sst2", "bilstm", "apln", [1.0], [2.1]),
    norms.learned_norm(
        "ag_news/cnn/learned_norm", "CNN · norm", "ag_news", "cnn", "learned_norm", [2.0] * 4, [1, 2, 4, 9]
    ),
)


def test_norm_dots_are_on_a_log_axis_with_initial_hollow_and_learned_filled():
    spec = norms.norm_dots(NORMS).to_dict()
    rows = data(spec)
    assert [r["row"] for r in rows] == ["ag_news  ·  CNN · norm", "sst2  ·  BiLSTM · APLN"]
    assert (rows[0]["learned"], rows[0]["low"], rows[0]["high"]) == (3, 1, 9)
    marks = [(layer["mark"]["type"], layer["mark"].get("filled")) for layer in spec["layer"]]
    assert marks == [("rule", None), ("point", False), ("point", True), ("text", None)]
    fields = [layer["encoding"]["x"]["field"] for layer in spec["layer"]]
    assert fields[1:3] == ["initial", "learned"]
    scales = [layer["encoding"]["x"]["scale"] for layer in spec["layer"]]
    assert all(s == scales[0] and s["type"] == "log" for s in scales)
    assert scales[0]["domain"][0] < 1 < 9 < scales[0]["domain"][1]
    assert norms.norm_rows(NORMS)[0]["learned p"] == 2.1


def test_trajectory_draws_what_the_history_holds():
    history = [{"epoch": i, "p": None, "loss": 1 / (i + 1), "dev": 0.7} for i in range(3)]
    spec = norms.trajectory(history).to_dict()
    assert [c["encoding"]["y"]["title"] for c in spec["vconcat"]] == ["training loss (nats)", "dev accuracy"]
    assert spec["vconcat"][-1]["encoding"]["x"]["title"] == "epoch"
    history[0]["p"] = 1.0
    assert len(norms.trajectory(history).to_dict()["vconcat"]) == 3


def test_dial_compares_the_current_p_with_the_learned_one():
    sweep = invented.sweep()
    now, learned = dial.nearest(sweep, 10.0), dial.nearest(sweep, sweep.learned)
    assert now.p == min((pt.p for pt in sweep.points), key=lambda p: abs(math.log(p / 10)))
    low, high = sweep.points[10], sweep.points[11]
    assert dial.nearest(sweep, 1.002 * math.sqrt(low.p * high.p)) is high  # on a linear axis low is nearer
    rows = data(dial.dial_words(sweep, 10.0, "effective").to_dict())
    assert [r["now"] for r in rows] == list(now.effective)
    assert [r["learned"] for r in rows] == list(learned.effective)
    shares = data(dial.dial_words(sweep, 10.0, "share").to_dict())
    assert sum(r["now"] for r in shares) == pytest.approx(1.0)


def test_dial_panels_share_one_axis_and_long_texts_keep_text_order():
    sweep = invented.sweep(" ".join([invented.SENTENCE] * 4))
    specs = [dial.dial_words(sweep, 5.0, q).to_dict() for q in ("effective", "share")]
    domains = [layer["encoding"]["x"]["scale"]["domain"] for spec in specs for layer in spec["layer"]]
    assert all(d == domains[0] for d in domains)
    names = [int(r["name"].split()[0]) for r in data(specs[0])]
    assert names == sorted(names)
    assert len(names) == dial.WORDS


def test_dial_without_attention_is_refused_in_words():
    sweep = invented.sweep()
    points = tuple(dataclasses.replace(pt, effective=None) for pt in sweep.points)
    with pytest.raises(ValueError, match="no attention"):
        dial.dial_words(dataclasses.replace(sweep, points=points), 2.0, "effective")
    assert data(dial.dial_words(dataclasses.replace(sweep, points=points), 2.0, "share").to_dict())
    with pytest.raises(ValueError, match="no point"):
        dial.nearest(dataclasses.replace(sweep, points=()), 1.0)


def test_dial_strip_groups_dimensions_by_their_winner():
    sweep = invented.sweep()
    learned = dial.nearest(sweep, sweep.learned)
    rows = sorted(data(dial.dial_strip(sweep, 20.0).to_dict()), key=lambda r: r["place"])
    words = [t.text for t in sweep.tokens]
    assert {r["dimension"] for r in rows} == set(range(48))
    assert all(r["winner"] == words[learned.winners[r["dimension"]]] for r in rows)
    groups = [[r for r in rows if r["winner"] == w] for w in dict.fromkeys(r["winner"] for r in rows)]
    assert [r for group in groups for r in group] == rows  # every word's dimensions stand together
    assert [len(g) for g in groups] == sorted((len(g) for g in groups), reverse=True)
    for group in groups:
        assert [r["learned"] for r in group] == sorted((r["learned"] for r in group), reverse=True)
        assert [r["label"] for r in group if r["label"]] == ([group[0]["winner"]] if len(group) >= 4 else [])
    now = dial.nearest(sweep, 20.0)
    assert [r["winner_now"] for r in rows] == [words[now.winners[r["dimension"]]] for r in rows]


def test_dial_strip_without_winners_is_sorted_by_the_learned_value():
    sweep = invented.sweep()
    points = tuple(dataclasses.replace(pt, winners=()) for pt in sweep.points)
    rows = data(dial.dial_strip(dataclasses.replace(sweep, points=points), 20.0).to_dict())
    learned = [r["learned"] for r in sorted(rows, key=lambda r: r["place"])]
    assert learned == sorted(learned, reverse=True)


def test_dial_curve_marks_the_learned_and_the_current_p():
    sweep = invented.sweep()
    spec = dial.dial_curve(sweep, 7.5).to_dict()
    rows = data(spec)
    assert {(r["p"], r["says"]) for r in rows if "says" in r} == {(2.1, "learned 2.10"), (7.5, "dial 7.50")}
    curve = [r for r in rows if r.get("class") == "positive"]
    assert [r["probability"] for r in curve] == [pt.probabilities[1] for pt in sweep.points]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
