"""The film of a training: what changed in words, and the payload that the browser plays."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from viz_records import tokens

from viz import markup, palette
from viz.film import CLOSE, Film, Frame, film_rows, no_tau, story
from viz.movie import ROWS, movie, strongest

TEXT = "It is not bad ."
MAPS = ((0.1, 0.1, 0.3, 0.4, 0.1), (0.0, 0.1, 0.7, 0.1, 0.1), (0.0, 0.1, 0.72, 0.08, 0.1))


def film(
    maps=MAPS, text=TEXT, settled=2, model="sst2/bilstm/apln", taus=(0.51, -0.2, 0.28), distances=(0.3, 0.004, 0.0),
    attends=True, road=((0.0, 1.0, 1.0, 1.0), (0.5, 0.8, 1.4, 1.9), (3.0, 0.7, 1.2, 2.5)),
):  # fmt: skip
    frames = tuple(
        Frame(place + 1, weights, (0.9 - place / 5, 0.1 + place / 5), tau, 0.8 + place / 100, 0.5, distance)
        for place, (weights, tau, distance) in enumerate(zip(maps, taus, distances, strict=True))
    )
    return Film(model, "d1", "BiLSTM · APLN", ("no", "yes"), text, tokens(text), attends, frames, 2, settled, road)


def test_the_story_tells_settling_word_prediction_and_tau():
    said = story(film())
    assert said == (
        "Attention settled after epoch 2: JSD to the last map 0.300 → under 0.01; the strongest word goes from “bad” "
        "(40\u202f%) to “not” (72\u202f%); “no” goes from 0.90 to 0.50; τ with the gradient 0.51 → 0.28."
    )


def test_what_lies_on_no_word_is_said():
    said = story(dataclasses.replace(film(), special=0.25))
    assert said.endswith("25\u202f% lies on no word but on tokens of the reader's own, as [CLS].")


def test_a_reader_of_nothing_but_its_own_token_has_a_film_without_colours():
    nowhere = film(((0.0,) * 5,) * 3, settled=1, distances=(0.0,) * 3, attends=False, road=())
    assert story(nowhere) == (
        "Nothing lies on the words, all of it on a token of the reader's own, as [CLS]; “no” goes from 0.90 to 0.50."
    )
    (shown,) = movie([nowhere])["readers"]
    assert shown["frames"][0]["q"] == [0] * 5
    assert "no weight on any word" in shown["frames"][0]["said"]


def test_a_map_that_never_rested_and_a_change_of_mind_are_said():
    maps = (MAPS[1], MAPS[2])
    moved = film(maps, settled=None, taus=(None, None), distances=(0.2, 0.0))
    moved = dataclasses.replace(moved, frames=(
        dataclasses.replace(moved.frames[0], probabilities=(0.8, 0.2)),
        dataclasses.replace(moved.frames[1], probabilities=(0.3, 0.7)),
    ))  # fmt: skip
    said = story(moved)
    assert "had not settled: JSD 0.200 in the last epoch alone" in said
    assert "“yes” goes from 0.20 to 0.70, “no” at first" in said
    assert "the strongest word stays “not” (72" in said
    assert "τ" not in said


def test_settled_from_the_start_and_one_epoch_only():
    still = film(settled=1, distances=(0.008, 0.002, 0.0), attends=False)
    assert story(still).startswith(
        "The share of each word was settled after the first epoch: never more than JSD 0.008"
    )
    assert "One epoch only" in story(film(MAPS[:1], settled=None, taus=(0.1,), distances=(0.0,)))


def test_an_average_has_no_strongest_word():
    said = story(film(((0.2,) * 5, (0.2, 0.2001, 0.2, 0.2, 0.1999)), settled=1, taus=(None,) * 2, distances=(0.0, 0.0)))
    assert "every word counts the same from first to last" in said
    assert "strongest" not in said


def test_undefined_tau_has_a_reason():
    assert "no attention" in no_tau(film(attends=False))
    assert "constant" in no_tau(film())


@pytest.mark.parametrize("epochs", [(2, 3), (1, 3), ()])
def test_a_film_has_all_epochs_from_the_first_one(epochs):
    frames = tuple(Frame(epoch, MAPS[0], (0.5, 0.5), None, None, None, 0.0) for epoch in epochs)
    with pytest.raises(ValueError, match="all epochs"):
        dataclasses.replace(film(), frames=frames)


def test_a_frame_must_fit_the_sentence():
    with pytest.raises(ValueError, match="does not fit"):
        film(tuple(weights[:-1] for weights in MAPS))


def test_one_colour_limit_over_words_epochs_and_readers():
    flat = film(tuple((0.2,) * 5 for _ in MAPS), model="sst2/cnn/mean", attends=False)
    payload = movie([film(), flat], {"sst2/bilstm/apln": 3, "sst2/cnn/mean": 0})
    first, second = payload["readers"]
    assert payload["limit"] == "72\u202f%"
    assert max(max(frame["q"]) for frame in first["frames"]) == palette.STEPS
    assert {q for frame in second["frames"] for q in frame["q"]} == {palette.step(0.2, 0.72)}
    assert [first["mark"], second["mark"]] == ["D", "A"]
    assert first["frames"][1]["q"][0] == 0
    assert second["missing"]["tau"].startswith("undefined")


def test_curves_share_their_scale_and_hold_the_numbers():
    other = film(model="sst2/cnn/apln", taus=(0.9, 0.9, 0.9), road=())
    payload = movie([film(), other])
    plots = {plot["name"]: plot for plot in payload["plots"]}
    assert list(plots) == ["p", "distance", "tau", "dev"]
    assert plots["tau"]["low"] < -0.2
    assert plots["tau"]["high"] > 0.9
    assert plots["tau"]["ends"] == ["\u22120.20", "0.90"]
    assert plots["distance"]["mark"] == CLOSE
    assert payload["readers"][0]["curves"]["dev"] == [(1, 0.8), (2, 0.81), (3, pytest.approx(0.82))]
    assert payload["readers"][0]["frames"][2]["now"] == {
        "p": "1.20 (0.70–2.50)", "distance": "0", "tau": "0.28", "dev": "0.820",
    }  # fmt: skip
    assert payload["readers"][0]["frames"][0]["now"]["p"] == "1.40 (0.80–1.90)"
    assert payload["readers"][1]["curves"]["p"] == ()


def test_a_quantity_that_nobody_has_gets_no_plot():
    plain = film(taus=(None,) * 3, road=(), attends=False)
    assert [plot["name"] for plot in movie([plain])["plots"]] == ["distance", "dev"]


def test_the_strongest_words_come_in_the_order_of_the_text():
    text = " ".join(f"w{i}" for i in range(30))
    weights = [[0.01] * 30, [0.01] * 30]
    for epoch, places in enumerate(((29, 3), (11, 29))):
        for place in places:
            weights[epoch][place] = 0.3 + place / 100
    long = film(tuple(map(tuple, weights)), text, None, taus=(None,) * 2, distances=(0.1, 0.0))
    assert strongest([long], 3) == [3, 11, 29]
    assert len(movie([long])["rows"]) == ROWS


def test_other_words_are_refused_and_no_film_is_a_sentence():
    with pytest.raises(ValueError, match="same words"):
        movie([film(), film(text="It was not bad .", model="x/y/z")])
    assert "film" in movie([])["empty"]


def test_the_payload_is_json_and_shows_every_character():
    nasty = "It is \u202enot <b>bad ."
    payload = json.loads(json.dumps(movie([film(text=nasty, maps=tuple((0.2,) * len(tokens(nasty)) for _ in MAPS))])))
    shown = "".join(before + piece for before, piece in payload["text"]) + payload["tail"]
    assert shown == markup.visible(nasty)
    assert "⟦RLO⟧" in shown
    assert not re.search("\u202e", json.dumps(payload, ensure_ascii=False))


def test_rows_hold_every_word_of_every_epoch():
    rows = film_rows([film()])
    assert len(rows) == 15
    assert sum(row["weight"] for row in rows if row["epoch"] == 2) == pytest.approx(1)
    assert rows[7] | {"weight": 0.7} == rows[7]
    assert rows[7]["word"] == "not"
    assert rows[7]["probability of no"] == pytest.approx(0.7)
